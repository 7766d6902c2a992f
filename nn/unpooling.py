"""Back from maxima, and pooling by a power mean."""

from __future__ import annotations

from collections.abc import Sequence

from hotplug.nn import functional as F
from hotplug.nn.conv import per_axis
from hotplug.nn.module import Module
from hotplug.tensor import Tensor

Sizes = int | tuple[int, ...]


class _MaxUnpool(Module):
    """What the three ranks share."""

    _rank: int

    def __init__(self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0) -> None:
        super().__init__()
        self.kernel_size = per_axis(kernel_size, self._rank)
        self.stride = per_axis(kernel_size if stride is None else stride, self._rank)
        self.padding = per_axis(padding, self._rank)

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """Maxima and their positions, as the pooling gave them, to a plane of the usual size or the one asked for."""
        unpool = (F.max_unpool1d, F.max_unpool2d, F.max_unpool3d)[self._rank - 1]
        return unpool(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """Maxima where :class:`MaxPool1d` found them, zeros elsewhere.  ``(N, C, L)`` or ``(C, L)``."""

    _rank = 1


class MaxUnpool2d(_MaxUnpool):
    """As :class:`MaxUnpool1d`, for ``(N, C, H, W)`` or ``(C, H, W)``."""

    _rank = 2


class MaxUnpool3d(_MaxUnpool):
    """As :class:`MaxUnpool1d`, for ``(N, C, D, H, W)`` or ``(C, D, H, W)``."""

    _rank = 3


class _LPPool(Module):
    """What the three ranks share."""

    _rank: int

    def __init__(
        self, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        pool = (F.lp_pool1d, F.lp_pool2d, F.lp_pool3d)[self._rank - 1]
        return pool(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """The ``norm_type``-norm of windows, sizes as in :class:`AvgPool1d`.  ``(N, C, L)`` or ``(C, L)``."""

    _rank = 1


class LPPool2d(_LPPool):
    """As :class:`LPPool1d`, for ``(N, C, H, W)`` or ``(C, H, W)``."""

    _rank = 2


class LPPool3d(_LPPool):
    """As :class:`LPPool1d`, for ``(N, C, D, H, W)`` or ``(C, D, H, W)``."""

    _rank = 3
