"""Pooling whose windows lie at random distances."""

from __future__ import annotations

from typing import Any

from hotplug.errors import ArgumentError
from hotplug.nn import functional as F
from hotplug.nn.conv import per_axis
from hotplug.nn.module import Module
from hotplug.tensor import Tensor

Sizes = int | tuple[int, ...]
Ratios = float | tuple[float, ...]


class _FractionalMaxPool(Module):
    """What both ranks share."""

    _rank: int
    _random_samples: Tensor | None

    def __init__(
        self, kernel_size: Sizes, output_size: Sizes | None = None, output_ratio: Ratios | None = None,
        return_indices: bool = False, _random_samples: Tensor | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        name, rank = type(self).__name__, self._rank
        if (output_size is None) == (output_ratio is None):
            raise ArgumentError(f"{name}: requires specifying exactly one of an output size and a pooling ratio")
        self.kernel_size = per_axis(kernel_size, rank)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = None if output_size is None else per_axis(output_size, rank)
        self.output_ratio: tuple[float, ...] | None = None
        if output_ratio is not None:
            ratios = output_ratio if isinstance(output_ratio, tuple) else (output_ratio,) * rank
            if any(not 0 < ratio < 1 for ratio in ratios):
                raise ArgumentError(f"{name}: output_ratio must be between 0 and 1 (got {output_ratio})")
            self.output_ratio = ratios

    def forward(self, input: Tensor) -> Any:
        pool = (F.fractional_max_pool2d, F.fractional_max_pool3d)[self._rank - 2]
        return pool(
            input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices, self._random_samples
        )


class FractionalMaxPool2d(_FractionalMaxPool):
    """Largest elements of windows at random distances (Graham, 2014).

    ``(N, C, H, W)`` or ``(C, H, W)`` -> the same with ``output_size``, or sizes times ``output_ratio``.
    """

    _rank = 2


class FractionalMaxPool3d(_FractionalMaxPool):
    """As :class:`FractionalMaxPool2d`, for ``(N, C, D, H, W)`` or ``(C, D, H, W)``."""

    _rank = 3
