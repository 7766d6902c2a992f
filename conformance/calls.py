"""Calling a backend through the contract, beside the core's dispatch: for level 1, and for tests of single kernels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from hotplug.array import Array
from hotplug.backend import Expr, OpKey, dtypes
from hotplug.dispatch import call as run, layout_class
from hotplug.dtypes import dtype
from hotplug.layout import Shape, Strides, contiguous_strides, layout_of
from hotplug.runtime import Runtime

NDArray = np.ndarray[Any, Any]

POISON: Final = 0xA5
"""What outputs hold before a kernel runs: ordinary negative numbers in every dtype."""
_UNREAD: Final = 0xFF
"""What lies between the elements of an input: NaN in the floating dtypes."""

LAYOUTS: Final = ("contiguous", "offset", "transposed", "stepped", "reversed", "mixed")
"""Ways to lie in memory; inputs may also be ``broadcast`` (along the first axis) and ``single`` (along all)."""


def memory_of(layout: str, shape: Shape) -> tuple[Strides, int]:
    """Strides of a layout, and how many elements lie unused before the first in memory."""
    dense = contiguous_strides(shape)
    across = contiguous_strides(shape[::-1])[::-1]
    wide = tuple(reversed([2 * step + place for place, step in enumerate(reversed(dense), 1)]))
    return {
        "contiguous": (dense, 0),
        "offset": (dense, 3),
        "transposed": (across, 1),
        "stepped": (tuple(2 * step for step in contiguous_strides([size + 1 for size in shape])), 5),
        "reversed": (tuple(-step for step in dense), 2),
        "mixed": (tuple(step * (-1) ** axis for axis, step in enumerate(across)), 7),
        "broadcast": ((0, *dense[1:])[: len(shape)], 1),
        "single": ((0,) * len(shape), 0),
        "wide": (wide, 0),
    }[layout]


def shown(values: NDArray, layout: str) -> NDArray:
    """The values that a layout can show: broadcast memory repeats its first row, or its first element."""
    if layout == "broadcast" and values.ndim:
        return np.broadcast_to(values[:1], values.shape)
    if layout == "single":
        return np.broadcast_to(values.reshape(-1)[:1].reshape(()), values.shape)
    return values


def _filled(kind: dtype, count: int, byte: int) -> NDArray:
    """Bytes of ``count`` elements that are valid in the dtype."""
    if kind.kind == "b":
        return np.arange(count, dtype=np.uint8) % 2
    return np.full(count * kind.itemsize, byte, np.uint8)


def upload(
    runtime: Runtime, values: NDArray, strides: Strides | None = None, offset: int = 0, behind: int = 0,
    byte: int = _UNREAD,
) -> Array:  # fmt: skip
    """Host values as an Array; with ``strides`` they lie scattered in a larger buffer, from ``offset`` on.

    Args:
        behind: unused elements after the last.
        byte: what lies between the elements.
    """
    kind = dtypes.from_numpy(values.dtype)
    strides = contiguous_strides(values.shape) if strides is None else strides
    spans = [(size - 1) * stride for size, stride in zip(values.shape, strides, strict=True)]
    first = offset - sum(span for span in spans if span < 0)
    size = values.dtype.itemsize
    flat = _filled(kind, first + sum(span for span in spans if span > 0) + 1 + behind, byte)
    steps = tuple(stride * size for stride in strides)
    np.ndarray(values.shape, values.dtype, flat, first * size, steps)[...] = values
    array = Array(runtime.allocate(flat.nbytes), layout_of(kind, values.shape, strides), first)
    runtime.backend.write(array.storage.buffer, 0, flat.data)
    return array


def download(array: Array) -> NDArray:
    """The elements in host memory."""
    low, high = array.byte_range()
    data = bytearray(array.storage.runtime.backend.read(array.storage.buffer, low, high - low))
    return _elements(array, data, low).copy()


def _elements(array: Array, data: bytearray, low: int) -> NDArray:
    size = array.dtype.itemsize
    steps = tuple(stride * size for stride in array.strides)
    return np.ndarray(array.shape, array.dtype.numpy, data, array.offset * size - low, steps)


def whole(array: Array) -> bytearray:
    """All bytes of the buffer that an Array lies in."""
    storage = array.storage
    return bytearray(storage.runtime.backend.read(storage.buffer, 0, storage.nbytes))


def outside(array: Array, data: bytearray) -> bytes:
    """Bytes of the buffer beside the elements, which are zeroed here."""
    _elements(array, data, 0)[...] = np.zeros((), array.dtype.numpy)
    return bytes(data)


def poison(kind: dtype, shape: Sequence[int]) -> NDArray:
    """Values that no kernel may leave."""
    return _filled(kind, math.prod(shape), POISON).view(kind.numpy).reshape(tuple(shape))


def empty(runtime: Runtime, kind: dtype, shape: Sequence[int]) -> Array:
    """A contiguous Array, filled with a pattern that no kernel may leave."""
    return upload(runtime, poison(kind, shape))


def key_for(name: str, outs: Sequence[Array], inputs: Sequence[Array], **more: Any) -> OpKey:
    """The key of a family's kernel for Arrays as they are."""
    arrays = (*outs, *inputs)
    return OpKey(
        name=name,
        dtypes=tuple(each.dtype for each in arrays),
        rank=len(arrays[-1].shape),
        layouts=tuple(layout_class(each.layout) for each in arrays),
        **{"alias": (-1,) * len(outs) if name == "map" else (), **more},
    )


def call(
    runtime: Runtime,
    name: str,
    outs: Sequence[Array],
    inputs: Sequence[Array],
    scalars: Sequence[Any] = (),
    **more: Any,
) -> list[NDArray]:
    """Resolve a kernel, run it, and read its outputs."""
    kernel = runtime.kernel(key_for(name, outs, inputs, **more))
    assert kernel is not None
    run(runtime, kernel, outs, inputs, scalars)
    return [download(out) for out in outs]


def evaluate(
    runtime: Runtime, program: Sequence[Expr], values: Sequence[NDArray], scalars: Sequence[Any] = (), **more: Any
) -> list[NDArray]:
    """A program of contiguous inputs of one shape, as one map."""
    outs = [empty(runtime, root.dtype, values[0].shape) for root in program]
    inputs = [upload(runtime, each) for each in values]
    return call(runtime, "map", outs, inputs, scalars, program=tuple(program), **more)
