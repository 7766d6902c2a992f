"""Compiled sorting and selecting of elements of up to 32 bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from hotplug.backend import Array, Kernel
from hotplug.backends.cpu.compiled.build import task
from hotplug.backends.cpu.compiled.pool import maximum_threads, run
from hotplug.backends.cpu.memory import address
from hotplug.backends.cpu.overrides.operands import grain, place
from hotplug.backends.numpy.memory import NDArray, ndarray
from hotplug.dtypes import dtype

_LONG: Final = 1 << 16
"""Elements from which a row is sorted by all threads together, where there are few rows."""
_PIECES: Final = 16
_FEW: Final = 64
"""Results that are kept in order while a row is read, rather than sorted out of it."""
_COUNTS: Final = 8192


def kernel(kind: dtype, descending: bool) -> Kernel | None:
    """The kernel of ``sort`` and of ``topk``: the last scalar is the axis.  ``None`` for elements of 64 bits."""
    if kind.itemsize > 4 or kind.kind not in "fiub" or kind.name == "uint32":
        return None
    floating, turned = int(kind.kind == "f"), -int(descending)

    def code(entry: str) -> int:
        return task("ordering", entry, kind.name, FLOATING=floating)

    def call(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        axis, count = scalars[-1], inputs[0].layout.shape[scalars[-1]]
        width = outs[0].layout.shape[axis]
        if not outs[0].layout.numel:
            return
        rows = inputs[0].layout.numel // count
        plain = axis == len(inputs[0].layout.shape) - 1 and inputs[0].layout.is_contiguous
        if plain:
            _ordered(code, [address(each) for each in (*outs, inputs[0])], kind, (rows, count, width), turned)
            return
        moved = [np.moveaxis(ndarray(each), axis, -1) for each in (*outs, inputs[0])]
        dense: list[NDArray] = [
            *(np.empty(each.shape, each.dtype) for each in moved[:2]),
            np.ascontiguousarray(moved[2]),
        ]
        _ordered(code, [place(each) for each in dense], kind, (rows, count, width), turned)
        for target, source in zip(moved, dense[:2], strict=False):
            target[...] = source

    return call


def _ordered(code: Any, operands: Sequence[int], kind: dtype, sizes: tuple[int, int, int], turned: int) -> None:
    """Values, positions and input of ``(rows, elements of a row, elements of a row of results)``."""
    rows, count, width = sizes
    if count >= _LONG and rows < maximum_threads() and width == count:
        values, indices, source = operands
        for row in range(rows):
            skip = row * count
            own = (values + skip * kind.itemsize, indices + skip * 8, source + skip * kind.itemsize)
            _long(code, own, count, turned)
        return
    few = width <= _FEW and width < count
    room = 8 * (width if few else 2 * count) + _COUNTS + 64
    scratch = np.empty(room * maximum_threads() // 8 + 1, np.int64)
    words = (*operands, count, width, place(scratch), room // 8 * 8, turned)
    run(code("chosen" if few else "rows"), words, rows, grain(4 * count))


def _long(code: Any, operands: Sequence[int], count: int, turned: int) -> None:
    """A row in pieces, which all threads share; from the lowest byte of the keys to the highest."""
    size = -(-count // _PIECES)
    words, spare = np.empty(count, np.int64), np.empty(count, np.int64)
    counts = np.empty((_PIECES, 256), np.int64)
    run(code("packed"), (operands[2], place(words), turned), count, size)
    for shift in (32, 40, 48, 56):
        table = (place(words), place(spare), count, size, place(counts), shift)
        run(code("counted"), table, _PIECES, 1)
        if counts.sum(0).max() == count:
            continue
        by_digit = counts.T.reshape(-1)
        counts[...] = (np.cumsum(by_digit) - by_digit).reshape(256, _PIECES).T
        run(code("spread"), table, _PIECES, 1)
        words, spare = spare, words
    run(code("taken"), (*operands, place(words)), count, size)
