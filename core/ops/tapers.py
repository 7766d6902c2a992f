"""Window functions of signal processing: weights that fall off towards both ends of a stretch of samples.

The formulas, with ``N`` samples and ``n`` from 0 to ``N - 1``, are those of Harris, "On the use of windows for harmonic
analysis with the discrete Fourier transform", 1978.
"""

from __future__ import annotations

import math
from typing import Any

from hotplug.declare import function
from hotplug.dtypes import dtype as DType, get_default_dtype
from hotplug.errors import ArgumentError, DTypeError
from hotplug.ops.creation import arange, ones, tensor
from hotplug.ops.special_functions import i0e
from hotplug.tensor import Tensor


def _positions(
    op: str, length: int, periodic: bool, dtype: DType | None, device: Any, weights: Any, requires_grad: bool
) -> Tensor:
    """``weights`` of the parts ``n / (N - 1)`` of the way, or ``n / N`` of a window of one period."""
    goal = dtype or get_default_dtype()
    if goal.kind != "f":
        raise DTypeError(f"{op}: expected a floating dtype, got {goal.name}")
    if length < 0:
        raise ArgumentError(f"{op}: window_length must be non-negative, got {length}")
    if length <= 1:
        return ones(length, dtype=goal, device=device, requires_grad=requires_grad)
    work = goal if goal.itemsize >= 4 else get_default_dtype()
    window = weights(arange(length, dtype=work, device=device) / (length if periodic else length - 1)).to(goal)
    return window.requires_grad_(requires_grad)  # type: ignore[no-any-return]


def _cosines(*amplitudes: float) -> Any:
    """``a0 - a1 cos(2 pi t) + a2 cos(4 pi t) - ...``."""

    def weights(part: Tensor) -> Tensor:
        total: Any = amplitudes[0]
        for order, amplitude in enumerate(amplitudes[1:], 1):
            total = (part * (2 * math.pi * order)).cos() * ((-1) ** order * amplitude) + total
        return total  # type: ignore[no-any-return]

    return weights


@function(method=False)
def hann_window(
    window_length: int, periodic: bool = True, *, dtype: DType | None = None, layout: Any = None, device: Any = None,
    pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``0.5 - 0.5 cos(2 pi n / (N - 1))`` -> ``(N,)``; ``periodic`` divides by ``N``, for spectral analysis."""
    return _positions("hann_window", window_length, periodic, dtype, device, _cosines(0.5, 0.5), requires_grad)


@function(method=False)
def hamming_window(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, *, dtype: DType | None = None,
    layout: Any = None, device: Any = None, pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``alpha - beta cos(2 pi n / (N - 1))`` -> ``(N,)``."""
    return _positions("hamming_window", window_length, periodic, dtype, device, _cosines(alpha, beta), requires_grad)


@function(method=False)
def blackman_window(
    window_length: int, periodic: bool = True, *, dtype: DType | None = None, layout: Any = None, device: Any = None,
    pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``0.42 - 0.5 cos(2 pi n / (N - 1)) + 0.08 cos(4 pi n / (N - 1))`` -> ``(N,)``."""
    weights = _cosines(0.42, 0.5, 0.08)
    return _positions("blackman_window", window_length, periodic, dtype, device, weights, requires_grad)


@function(method=False)
def bartlett_window(
    window_length: int, periodic: bool = True, *, dtype: DType | None = None, layout: Any = None, device: Any = None,
    pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """A triangle, ``1 - |2 n / (N - 1) - 1|`` -> ``(N,)``."""

    def weights(part: Tensor) -> Tensor:
        return 1 - (part * 2 - 1).abs()

    return _positions("bartlett_window", window_length, periodic, dtype, device, weights, requires_grad)


@function(method=False)
def kaiser_window(
    window_length: int, periodic: bool = True, beta: float = 12.0, *, dtype: DType | None = None, layout: Any = None,
    device: Any = None, pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``I0(beta sqrt(1 - (2 n / (N - 1) - 1)**2)) / I0(beta)`` with the Bessel function of order 0 -> ``(N,)``."""

    def weights(part: Tensor) -> Tensor:
        # The exponentials of both Bessel functions as one, of a difference that does not cancel.
        square = (part * 2 - 1).square()
        root = (1 - square).clamp(min=0).sqrt()
        top = tensor(float(beta), dtype=part.dtype, device=part.device)
        return i0e(root * beta) / i0e(top) * (square / (root + 1) * -beta).exp()

    return _positions("kaiser_window", window_length, periodic, dtype, device, weights, requires_grad)
