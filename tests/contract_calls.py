"""Calling a backend through the contract, beside the core's dispatch: what tests of single kernels need."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from hotplug.array import Array
from hotplug.backend import Expr, OpKey, dtypes
from hotplug.dispatch import layout_class
from hotplug.dtypes import dtype
from hotplug.layout import Strides, contiguous_strides, layout_of
from hotplug.runtime import Runtime

NDArray = np.ndarray[Any, Any]


def upload(runtime: Runtime, values: NDArray, strides: Strides | None = None, offset: int = 0) -> Array:
    """Host values as an Array; with ``strides`` they lie scattered in a larger buffer, from ``offset`` on."""
    kind = dtypes.from_numpy(values.dtype)
    strides = contiguous_strides(values.shape) if strides is None else strides
    spans = [(size - 1) * stride for size, stride in zip(values.shape, strides, strict=True)]
    first = offset - sum(span for span in spans if span < 0)
    size = values.dtype.itemsize
    flat = np.zeros((first + sum(span for span in spans if span > 0) + 1) * size, np.uint8)
    steps = tuple(stride * size for stride in strides)
    np.ndarray(values.shape, values.dtype, flat, first * size, steps)[...] = values
    array = Array(runtime.allocate(flat.nbytes), layout_of(kind, values.shape, strides), first)
    runtime.backend.write(array.storage.buffer, 0, flat.data)
    return array


def download(array: Array) -> NDArray:
    """The elements in host memory."""
    size = array.dtype.itemsize
    low, high = array.byte_range()
    data = bytearray(array.storage.runtime.backend.read(array.storage.buffer, low, high - low))
    steps = tuple(stride * size for stride in array.strides)
    return np.ndarray(array.shape, array.dtype.numpy, data, array.offset * size - low, steps).copy()


def empty(runtime: Runtime, kind: dtype, shape: Sequence[int]) -> Array:
    """A contiguous Array, filled with a pattern that no kernel may leave."""
    return upload(runtime, np.full(math.prod(shape) * kind.itemsize, 0xA5, np.uint8).view(kind.numpy).reshape(shape))


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
    kernel = runtime.backend.resolve(runtime.index, key_for(name, outs, inputs, **more))
    assert kernel is not None
    kernel(outs, inputs, scalars)
    return [download(out) for out in outs]


def evaluate(
    runtime: Runtime, program: Sequence[Expr], values: Sequence[NDArray], scalars: Sequence[Any] = (), **more: Any
) -> list[NDArray]:
    """A program of contiguous inputs of one shape, as one map."""
    outs = [empty(runtime, root.dtype, values[0].shape) for root in program]
    inputs = [upload(runtime, each) for each in values]
    return call(runtime, "map", outs, inputs, scalars, program=tuple(program), **more)
