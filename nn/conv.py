"""Convolutions."""

from __future__ import annotations

import math
from typing import Any

from hotplug import ops
from hotplug.dtypes import dtype as DType
from hotplug.errors import ArgumentError
from hotplug.nn import functional as F, init
from hotplug.nn.module import Module
from hotplug.nn.parameter import Parameter
from hotplug.tensor import Tensor

Sizes = int | tuple[int, ...]


def per_axis(value: Sizes, rank: int) -> tuple[int, ...]:
    """A size for each of ``rank`` axes."""
    return (value,) * rank if isinstance(value, int) else tuple(value)


class _Conv(Module):
    """What the three ranks share; ``_rank`` is the number of axes a window has."""

    _rank: int
    weight: Parameter
    bias: Parameter | None

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Sizes, stride: Sizes = 1, padding: str | Sizes = 0,
        dilation: Sizes = 1, groups: int = 1, bias: bool = True, padding_mode: str = "zeros", device: Any = None,
        dtype: DType | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        rank = self._rank
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = per_axis(kernel_size, rank)
        self.stride = per_axis(stride, rank)
        self.padding = padding if isinstance(padding, str) else per_axis(padding, rank)
        self.dilation = per_axis(dilation, rank)
        self.padding_mode = padding_mode
        self._check()
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight = Parameter(ops.empty(shape, device=device, dtype=dtype))
        self.register_parameter(
            "bias", Parameter(ops.empty(out_channels, device=device, dtype=dtype)) if bias else None
        )
        self.reset_parameters()

    def _check(self) -> None:
        name = type(self).__name__
        if self.groups <= 0 or self.in_channels % self.groups or self.out_channels % self.groups:
            raise ArgumentError(
                f"{name}: in_channels ({self.in_channels}) and out_channels ({self.out_channels}) must be divisible by "
                f"groups ({self.groups}), a positive integer"
            )
        if isinstance(self.padding, str):
            if self.padding not in ("same", "valid"):
                raise ArgumentError(f"{name}: padding must be a size, 'same' or 'valid', got {self.padding!r}")
            if self.padding == "same" and any(step != 1 for step in self.stride):
                raise ArgumentError(f"{name}: padding='same' is not supported for strided convolutions")
        if self.padding_mode not in ("zeros", "reflect", "replicate", "circular"):
            raise ArgumentError(
                f"{name}: padding_mode must be one of zeros, reflect, replicate, circular, got {self.padding_mode!r}"
            )

    def reset_parameters(self) -> None:
        """Draw new values: uniform in ``(-k, k)`` with ``k = 1 / sqrt(fan_in)``."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        init.uniform_bias_(self.bias, math.prod(self.weight.shape[1:]))

    def forward(self, input: Tensor) -> Tensor:
        convolve = (F.conv1d, F.conv2d, F.conv3d)[self._rank - 1]
        if self.padding_mode == "zeros":
            return convolve(input, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)
        padded = F.pad(input, self._margins(), mode=self.padding_mode)
        return convolve(padded, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)

    def _margins(self) -> tuple[int, ...]:
        """Elements to add before and after every axis, the last axis first."""
        margins: list[int] = []
        for axis in reversed(range(self._rank)):
            if isinstance(self.padding, str):
                total = self.dilation[axis] * (self.kernel_size[axis] - 1) if self.padding == "same" else 0
                margins += [total // 2, total - total // 2]
            else:
                margins += [self.padding[axis]] * 2
        return tuple(margins)

    def extra_repr(self) -> str:
        rank = self._rank
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != (0,) * rank:
            text += f", padding={self.padding}"
        if self.dilation != (1,) * rank:
            text += f", dilation={self.dilation}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


class Conv1d(_Conv):
    """Cross-correlation over one axis.

    Shapes: input ``(N, C_in, L)`` or ``(C_in, L)`` -> ``(N, C_out, L_out)``, with
    ``L_out = (L + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1``; ``weight``
    ``(C_out, C_in / groups, kernel_size)``, ``bias`` ``(C_out)``.
    """

    _rank = 1


class Conv2d(_Conv):
    """Cross-correlation over two axes.

    Shapes: input ``(N, C_in, H, W)`` or ``(C_in, H, W)`` -> ``(N, C_out, H_out, W_out)``, sizes as in :class:`Conv1d`;
    ``weight`` ``(C_out, C_in / groups, *kernel_size)``, ``bias`` ``(C_out)``.
    """

    _rank = 2


class Conv3d(_Conv):
    """Cross-correlation over three axes.

    Shapes: input ``(N, C_in, D, H, W)`` or ``(C_in, D, H, W)`` -> ``(N, C_out, D_out, H_out, W_out)``, sizes as in
    :class:`Conv1d`; ``weight`` ``(C_out, C_in / groups, *kernel_size)``, ``bias`` ``(C_out)``.
    """

    _rank = 3
