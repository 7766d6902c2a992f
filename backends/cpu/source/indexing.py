"""Gather and scatter over arrays seen as (before, axis, after).

Words of the table: out; source; index; sizes before, along, after; the strides of out, source and index, three each; the
size of the indexed axis; where to write an index that is out of range.  Sizes are those of the index.
"""

from __future__ import annotations

from typing import Any

from hotplug.backends.cpu.compiled.prelude import (
    Real,
    inline,
    intp,
    is_nan,
    load,
    load1,
    load_index,
    mark,
    store,
    word,
)  # fmt: skip

MODE = 0
"""0 set, 1 add, 2 mul, 3 min, 4 max."""
BLOCK = 64
"""Elements of the last axis that one item of a scatter has."""


def check(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """Look for an index out of range.  Words: index, inner size, two strides, axis size, where to note; items: outer."""
    index, inner, outer_step, inner_step = word(table, 0), word(table, 1), word(table, 2), word(table, 3)
    size = word(table, 4)
    for item in range(start, stop):
        low, high = intp(0), intp(0)
        for a in range(inner):
            k = load_index(index, item * outer_step + a * inner_step)
            low, high = min(low, k), max(high, k)
        if low < 0:
            mark(word(table, 5), low)
        elif high >= size:
            mark(word(table, 5), high)


def gather_rows(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """The index is the same for all of the last axis, which is copied.  Work items: (before, along) pairs."""
    out, source, index, along, after = word(table, 0), word(table, 1), word(table, 2), word(table, 4), word(table, 5)
    o2, x2, size = word(table, 8), word(table, 11), word(table, 15)
    for item in range(start, stop):
        b, i = item // along, item % along
        k = load_index(index, b * word(table, 12) + i * word(table, 13))
        if k < 0 or k >= size:
            mark(word(table, 16), k)
            continue
        to = b * word(table, 6) + i * word(table, 7)
        of = b * word(table, 9) + k * word(table, 10)
        if o2 == 1 and x2 == 1:
            for a in range(after):
                store(out, to + a, load1(source, of + a))
        else:
            for a in range(after):
                store(out, to + a * o2, load1(source, of + a * x2))


def gather_points(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """Every element has an index of its own.  Work items: (before, along) pairs."""
    out, source, index, along, after = word(table, 0), word(table, 1), word(table, 2), word(table, 4), word(table, 5)
    o2, x2, s2, size = word(table, 8), word(table, 11), word(table, 14), word(table, 15)
    step = word(table, 10)
    for item in range(start, stop):
        b, i = item // along, item % along
        at = b * word(table, 12) + i * word(table, 13)
        to, of = b * word(table, 6) + i * word(table, 7), b * word(table, 9)
        for a in range(after):
            k = load_index(index, at + a * s2)
            if k < 0 or k >= size:
                mark(word(table, 16), k)
            else:
                store(out, to + a * o2, load1(source, of + a * x2 + k * step))


def gather_last(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """There is nothing after the axis.  Work items: those before."""
    out, source, index, along = word(table, 0), word(table, 1), word(table, 2), word(table, 4)
    o1, x1, s1, size = word(table, 7), word(table, 10), word(table, 13), word(table, 15)
    for b in range(start, stop):
        at, to, of = b * word(table, 12), b * word(table, 6), b * word(table, 9)
        for i in range(along):
            k = load_index(index, at + i * s1)
            if k < 0 or k >= size:
                mark(word(table, 16), k)
            else:
                store(out, to + i * o1, load1(source, of + k * x1))


@inline
def _joined(old: Any, new: Any) -> Any:
    if MODE == 1:
        return Real(old + new)
    if MODE == 2:
        return Real(old * new)
    if MODE == 3:
        return new if (new < old) | is_nan(new) else old
    if MODE == 4:
        return new if (new > old) | is_nan(new) else old
    return new


def scatter_last(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """There is nothing after the axis.  Work items: those before."""
    out, source, index, along = word(table, 0), word(table, 1), word(table, 2), word(table, 4)
    o1, x1, s1 = word(table, 7), word(table, 10), word(table, 13)
    for b in range(start, stop):
        at, to, of = b * word(table, 12), b * word(table, 6), b * word(table, 9)
        for i in range(along):
            place = to + load_index(index, at + i * s1) * o1
            store(out, place, _joined(load(out, place), load1(source, of + i * x1)))


def scatter(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """Work items: (before, block of the last axis) pairs, each of which goes along the axis in order."""
    out, source, index, along, after = word(table, 0), word(table, 1), word(table, 2), word(table, 4), word(table, 5)
    o1, o2, x2, s2 = word(table, 7), word(table, 8), word(table, 11), word(table, 14)
    blocks = (after + BLOCK - 1) // BLOCK
    for item in range(start, stop):
        b, block = item // blocks, item % blocks
        first, last = block * BLOCK, min(block * BLOCK + BLOCK, after)
        for i in range(along):
            at = b * word(table, 12) + i * word(table, 13)
            to, of = b * word(table, 6), b * word(table, 9) + i * word(table, 10)
            if s2 == 0 and o2 == 1 and x2 == 1:
                to += load_index(index, at) * o1
                for a in range(first, last):
                    store(out, to + a, _joined(load(out, to + a), load1(source, of + a)))
            else:
                for a in range(first, last):
                    place = to + a * o2 + load_index(index, at + a * s2) * o1
                    store(out, place, _joined(load(out, place), load1(source, of + a * x2)))
