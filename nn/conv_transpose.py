"""Transposed convolutions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from hotplug import ops
from hotplug.dtypes import dtype as DType
from hotplug.errors import ArgumentError
from hotplug.nn import functional as F, init
from hotplug.nn.conv import Sizes, per_axis
from hotplug.nn.module import Module
from hotplug.nn.parameter import Parameter
from hotplug.tensor import Tensor


class _ConvTranspose(Module):
    """What the three ranks share; ``_rank`` is the number of axes a window has."""

    _rank: int
    weight: Parameter
    bias: Parameter | None

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Sizes, stride: Sizes = 1, padding: Sizes = 0,
        output_padding: Sizes = 0, groups: int = 1, bias: bool = True, dilation: Sizes = 1, padding_mode: str = "zeros",
        device: Any = None, dtype: DType | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        rank, name = self._rank, type(self).__name__
        if padding_mode != "zeros":
            raise ArgumentError(f"{name}: only 'zeros' padding mode is supported, got {padding_mode!r}")
        if groups <= 0 or in_channels % groups or out_channels % groups:
            raise ArgumentError(
                f"{name}: in_channels ({in_channels}) and out_channels ({out_channels}) must be divisible by groups "
                f"({groups}), a positive integer"
            )
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = per_axis(kernel_size, rank)
        self.stride = per_axis(stride, rank)
        self.padding = per_axis(padding, rank)
        self.dilation = per_axis(dilation, rank)
        self.output_padding = per_axis(output_padding, rank)
        self.padding_mode = padding_mode
        shape = (in_channels, out_channels // groups, *self.kernel_size)
        self.weight = Parameter(ops.empty(shape, device=device, dtype=dtype))
        self.register_parameter(
            "bias", Parameter(ops.empty(out_channels, device=device, dtype=dtype)) if bias else None
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new values: uniform in ``(-k, k)`` with ``k = 1 / sqrt(fan_in)``, the fan of the turned convolution."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        init.uniform_bias_(self.bias, math.prod(self.weight.shape[1:]))

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """``output_size``: one of the sizes that give the input's under the convolution, instead of output padding."""
        extra = self.output_padding if output_size is None else self._padding_for(input, tuple(output_size))
        convolve = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[self._rank - 1]
        return convolve(input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation)

    def _padding_for(self, input: Tensor, wanted: tuple[int, ...]) -> tuple[int, ...]:
        rank = self._rank
        if len(wanted) == input.ndim:
            wanted = wanted[-rank:]
        least = [
            (n - 1) * s - 2 * p + d * (k - 1) + 1
            for n, s, p, d, k in zip(
                input.shape[-rank:], self.stride, self.padding, self.dilation, self.kernel_size, strict=True
            )
        ]
        if len(wanted) != rank or any(not m <= w < m + s for w, m, s in zip(wanted, least, self.stride, strict=True)):
            raise ArgumentError(
                f"{type(self).__name__}: requested an output size of {list(wanted)}, but valid sizes range from {least} "
                f"to {[m + s - 1 for m, s in zip(least, self.stride, strict=True)]} (for an input of {list(input.shape)})"
            )
        return tuple(w - m for w, m in zip(wanted, least, strict=True))

    def extra_repr(self) -> str:
        rank = self._rank
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != (0,) * rank:
            text += f", padding={self.padding}"
        if self.dilation != (1,) * rank:
            text += f", dilation={self.dilation}"
        if self.output_padding != (0,) * rank:
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        return text + (", bias=False" if self.bias is None else "")


class ConvTranspose1d(_ConvTranspose):
    """The gradient of :class:`Conv1d` for its input, as a layer.

    Shapes: input ``(N, C_in, L)`` or ``(C_in, L)`` -> ``(N, C_out, L_out)``, with ``L_out = (L - 1) * stride - 2 * padding
    + dilation * (kernel_size - 1) + output_padding + 1``; ``weight`` ``(C_in, C_out / groups, kernel_size)``, ``bias``
    ``(C_out)``.
    """

    _rank = 1


class ConvTranspose2d(_ConvTranspose):
    """As :class:`ConvTranspose1d`, for ``(N, C_in, H, W)`` or ``(C_in, H, W)``."""

    _rank = 2


class ConvTranspose3d(_ConvTranspose):
    """As :class:`ConvTranspose1d`, for ``(N, C_in, D, H, W)`` or ``(C_in, D, H, W)``."""

    _rank = 3
