"""``make_tensor``: random elements from a range that suits the dtype."""

from __future__ import annotations

import math
from typing import Any, Final

from hotplug import dtypes, ops
from hotplug.declare.dims import sizes
from hotplug.dtypes import dtype as DType
from hotplug.errors import ArgumentError
from hotplug.tensor import Tensor

_RANGES: Final = {"b": (0, 2), "u": (0, 10), "i": (-9, 10), "f": (-9.0, 9.0), "c": (-9.0, 9.0)}
"""By kind of dtype: PyTorch's."""


def make_tensor(
    *shape: Any, dtype: DType, device: Any, low: float | None = None, high: float | None = None,
    requires_grad: bool = False, noncontiguous: bool = False, exclude_zero: bool = False, memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """A tensor of uniformly drawn elements from ``[low, high)``.

    Args:
        low, high: clamped to what the dtype can hold; default:
            [-9, 9) for floating and complex (both parts), [-9, 10) for signed, [0, 10) for unsigned
            integers, both values for bool.
        noncontiguous: with gaps between the elements of the last axis; not of fewer than two elements.
        exclude_zero: zeros are replaced by the smallest positive number, or 1.
        memory_format: the order of the axes in memory, as ``contiguous`` takes it; not with ``noncontiguous``.

    Raises:
        ArgumentError: an empty range, or a gradient for a dtype that has none.
    """
    size = sizes(shape)
    start, end = _range(dtype, low, high)
    if requires_grad and dtype.kind not in "fc":
        raise ArgumentError(f"make_tensor: requires_grad must be False for {dtype.name}")
    if noncontiguous and memory_format is not None:
        raise ArgumentError("make_tensor: noncontiguous and memory_format are mutually exclusive")
    spread = noncontiguous and math.prod(size) > 1
    drawn = (*size[:-1], 2 * size[-1]) if spread else size
    result = _drawn(drawn, dtype, device, start, end)
    if spread:
        result = result[..., ::2]
    if memory_format is not None:
        result = result.contiguous(memory_format=memory_format)
    if exclude_zero:
        least = dtypes.finfo(dtype).tiny if dtype.kind in "fc" else 1
        result[result == 0] = least
    return result.requires_grad_() if requires_grad else result


def _range(dtype: DType, low: float | None, high: float | None) -> tuple[float, float]:
    """Both ends, within what the dtype can hold.

    Raises:
        ArgumentError: there is no number between them.
    """
    start, end = _RANGES[dtype.kind]
    start, end = start if low is None else low, end if high is None else high
    if math.isnan(start) or math.isnan(end):
        raise ArgumentError(f"make_tensor: low and high cannot be NaN, got {start} and {end}")
    if dtype.kind in "fc":
        bounds = dtypes.finfo(dtype)
        least, most = bounds.min, bounds.max
    elif dtype.kind == "b":
        least, most = 0, 2
    else:
        whole = dtypes.iinfo(dtype)
        least, most = whole.min, min(whole.max, dtypes.iinfo(dtypes.int64).max - 1) + 1  # drawn as int64
    start, end = (min(max(each, least), most) for each in (start, end))
    if dtype.kind in "bui":
        start, end = math.ceil(start), math.ceil(end)
    if not start < end:
        raise ArgumentError(f"make_tensor: expected low < high, got {start} and {end} for {dtype.name}")
    return start, end


def _drawn(size: tuple[int, ...], dtype: DType, device: Any, low: float, high: float) -> Tensor:
    if dtype.kind in "bui":
        return ops.randint(int(low), int(high), size, dtype=dtypes.int64, device=device).to(dtype)
    if dtype.kind == "c":
        part = dtype.real
        return ops.complex(_drawn(size, part, device, low, high), _drawn(size, part, device, low, high))
    return (ops.rand(size, dtype=dtype, device=device) * (high - low) + low).to(dtype)
