"""Compiled gather, scatter and scan, for arrays that are (before, axis, after); others are NumPy's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backends.cpu.compiled.build import task
from hotplug.backends.cpu.compiled.pool import run
from hotplug.backends.cpu.memory import address
from hotplug.backends.numpy.memory import ndarray
from hotplug.dtypes import int64
from hotplug.errors import IndexRangeError

_GRAIN: Final = 16384
_BLOCK: Final = 64
_CHUNK: Final = 65536
_MODES: Final = {"set": 0, "add": 1, "mul": 2, "min": 3, "max": 4}
_SCANS: Final[dict[str, tuple[int, float]]] = {
    "sum": (0, 0),
    "prod": (1, 1),
    "max": (2, -math.inf),
    "min": (3, math.inf),
}

Three = tuple[int, int, int]


def _three(shape: Sequence[int], axis: int) -> bool:
    """Whether at most one axis stands before ``axis`` and one after it."""
    return axis <= 1 and len(shape) - axis <= 2


def _padded(numbers: Sequence[int], axis: int, missing: int) -> Three:
    """Sizes or strides as (before, axis, after)."""
    before = numbers[0] if axis else missing
    after = numbers[axis + 1] if len(numbers) > axis + 1 else missing
    return before, numbers[axis], after


def _table(axis: int, out: Array, source: Array, index: Array, size: int, error: Any) -> tuple[list[int], Three]:
    sizes = _padded(index.shape, axis, 1)
    table = [address(out), address(source), address(index), *sizes]
    for each in (out, source, index):
        table += _padded(each.strides, axis, 0)
    return [*table, size, error.ctypes.data], sizes


def _raise(op: str, error: Any, size: int) -> None:
    raise IndexRangeError(f"{op}: index {int(error[1])} is out of bounds for an axis of size {size}")


def _check(index: Array, axis: int, size: int, error: Any) -> None:
    """All of the index before anything is written: what is bad changes nothing."""
    sizes, steps = _padded(index.shape, axis, 1), _padded(index.strides, axis, 0)
    if steps[2] == 0 or sizes[2] == 1:
        outer, inner, strides = sizes[0], sizes[1], steps[:2]
    else:  # an axis before and one after: in practice the index is dense, and they merge
        merges = steps[0] == sizes[1] * steps[1]
        outer, inner, strides = sizes[0] * sizes[1], sizes[2], (steps[1], steps[2])
        if not merges and sizes[0] != 1:
            low, high = int(ndarray(index).min()), int(ndarray(index).max())
            error[:] = low < 0 or high >= size, low if low < 0 else high
            outer = 0
    table = (address(index), inner, *strides, size, error.ctypes.data)
    run(task("indexing", "check", "float32"), table, outer, max(1, _GRAIN // inner))
    if error[0]:
        _raise("scatter", error, size)


def gather(key: OpKey, general: Kernel) -> Kernel | None:
    """The compiled gather; ``general`` serves arrays with more axes."""
    axis, kind = key.axis, _moved(key.dtypes[0].itemsize)
    if kind is None or key.dtypes[2] is not int64:
        return None

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        (out,), (source, index) = outs, inputs
        if not _three(index.shape, axis):
            general(outs, inputs, scalars)
            return
        error = np.zeros(2, np.int64)
        size = source.shape[axis]
        table, (before, along, after) = _table(axis, out, source, index, size, error)
        if after == 1:
            run(task("indexing", "gather_last", kind), table, before, max(1, _GRAIN // along))
        else:
            entry = "gather_rows" if table[14] == 0 else "gather_points"
            run(task("indexing", entry, kind), table, before * along, max(1, _GRAIN // after))
        if error[0]:
            _raise("gather", error, size)

    return kernel


def _moved(itemsize: int) -> str | None:
    """The dtype as which elements of a size are moved: of their bits nothing is lost."""
    return {1: "int8", 2: "int16", 4: "int32", 8: "int64"}.get(itemsize)


def scatter(key: OpKey, general: Kernel) -> Kernel | None:
    """The compiled scatter; ``general`` serves arrays with more axes."""
    axis, dtype = key.axis, key.dtypes[0]
    kind = _moved(dtype.itemsize) if key.mode == "set" else dtype.name
    if (
        kind is None
        or key.dtypes[1] is not int64
        or (key.mode != "set" and (dtype.kind == "b" or (dtype.kind == "f" and dtype.itemsize == 2)))
    ):
        return None  # NumPy keeps sums of half types in float64

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        (out,), (index, source) = outs, inputs
        if not _three(index.shape, axis):
            general(outs, inputs, scalars)
            return
        error = np.zeros(2, np.int64)
        size = out.shape[axis]
        table, (before, along, after) = _table(axis, out, source, index, size, error)
        _check(index, axis, size, error)
        options = {"MODE": _MODES[key.mode], "BLOCK": _BLOCK}
        if after == 1:
            run(task("indexing", "scatter_last", kind, **options), table, before, max(1, _GRAIN // along))
        else:
            code, items = task("indexing", "scatter", kind, **options), before * -(-after // _BLOCK)
            run(code, table, items, max(1, _GRAIN // (along * min(after, _BLOCK))))

    return kernel


def scan(key: OpKey, general: Kernel) -> Kernel | None:
    """The compiled scan; ``general`` serves arrays with more axes."""
    dtype = key.dtypes[0]
    if dtype.kind != "f":
        return None
    kind = dtype.name
    mode, start = _SCANS[key.mode]
    options: dict[str, Any] = {"MODE": mode, "START": float(start), "STRIP": _BLOCK}

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        out, source = outs[0], inputs[0]
        *kept, length = out.shape
        if len(kept) > 2:
            general(outs, inputs, scalars)
            return
        outer, inner = (1, 1, *kept)[-2:]
        table = [address(out), address(source), length, outer, inner]
        for each in (out, source):
            table += [*(0, 0, *each.strides[:-1])[-2:], each.strides[-1]]
        if outer * inner == 1 and length > 2 * _CHUNK:
            _long(kind, key.mode, options, table, length)
        elif inner > 1 and table[6] == table[9] == 1 and abs(table[10]) != 1:
            run(
                task("scan", "strips", kind, **options),
                table,
                outer * -(-inner // _BLOCK),
                max(1, _GRAIN // (length * _BLOCK)),
            )
        else:
            run(task("scan", "rows", kind, **options), table, outer * inner, max(1, _GRAIN // length))

    return kernel


def _long(kind: str, mode: str, options: dict[str, Any], table: list[int], length: int) -> None:
    """One row in chunks: their totals, what stands before each, then the chunks themselves."""
    count = -(-length // _CHUNK)
    sums = np.empty(count, np.float64)
    table = [*table, _CHUNK, sums.ctypes.data]
    run(task("scan", "totals", kind, **options), table, count, 1)
    join = {"sum": np.add, "prod": np.multiply, "max": np.maximum, "min": np.minimum}[mode]
    with np.errstate(all="ignore"):
        sums[1:] = join.accumulate(sums)[:-1]
    sums[0] = options["START"]
    run(task("scan", "chunks", kind, **options), table, count, 1)
