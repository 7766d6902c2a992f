"""Running sums, products, maxima and minima along the last axis, kept in float64 for float32.

Words of the table: out; input; length; sizes of two kept axes; the strides of out and of input, three each; elements of
a chunk; where the chunks' totals are.  A maximum or minimum stays NaN once it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hotplug.backends.cpu.compiled.prelude import (
    Real,
    Total,
    inline,
    intp,
    is_nan,
    load1,
    load_total,
    store,
    store_total,
    word,
)  # fmt: skip

MODE = 0
"""0 sum, 1 prod, 2 max, 3 min."""
START = 0.0
STRIP = 64
"""Neighbouring rows that are scanned side by side."""


@inline
def _joined(old: Any, new: Any) -> Any:
    if MODE == 0:
        return Total(old + Total(new))
    if MODE == 1:
        return Total(old * Total(new))
    if MODE == 2:
        return Total(new) if (Total(new) > old) | is_nan(new) else old
    return Total(new) if (Total(new) < old) | is_nan(new) else old


def rows(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """One row after the other.  Work items: rows."""
    out, source, length, inner = word(table, 0), word(table, 1), word(table, 2), word(table, 4)
    o, x = word(table, 7), word(table, 10)
    for item in range(start, stop):
        to = (item // inner) * word(table, 5) + (item % inner) * word(table, 6)
        of = (item // inner) * word(table, 8) + (item % inner) * word(table, 9)
        value = Total(START)
        for i in range(length):
            value = _joined(value, load1(source, of + i * x))
            store(out, to + i * o, Real(value))


def strips(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """Rows that lie next to each other, element by element.  Work items: strips of the second kept axis."""
    out, source, length, inner = word(table, 0), word(table, 1), word(table, 2), word(table, 4)
    o, x = word(table, 7), word(table, 10)
    across = (inner + STRIP - 1) // STRIP
    values = np.empty(STRIP, np.float64)
    for item in range(start, stop):
        outer, first = item // across, (item % across) * STRIP
        width = min(STRIP, inner - first)
        to, of = outer * word(table, 5) + first, outer * word(table, 8) + first
        values[:] = START
        for i in range(length):
            for j in range(width):
                value = _joined(values[j], load1(source, of + i * x + j))
                values[j] = value
                store(out, to + i * o + j, Real(value))


def totals(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """What the chunks of one long row come to.  Work items: chunks."""
    source, length, chunk, x = word(table, 1), word(table, 2), word(table, 11), word(table, 10)
    for item in range(start, stop):
        value = Total(START)
        for i in range(item * chunk, min(item * chunk + chunk, length)):
            value = _joined(value, load1(source, i * x))
        store_total(word(table, 12), item, value)


def chunks(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """The chunks of one long row, each from what stands before it.  Work items: chunks."""
    out, source, length, chunk = word(table, 0), word(table, 1), word(table, 2), word(table, 11)
    o, x = word(table, 7), word(table, 10)
    for item in range(start, stop):
        value = load_total(word(table, 12), item)
        for i in range(item * chunk, min(item * chunk + chunk, length)):
            value = _joined(value, load1(source, i * x))
            store(out, i * o, Real(value))
