"""Cross entropy with class numbers, of rows and of classes with neighbours behind them, ``(N, C, S)``.

Words of a table: loss, total, input, target, classes, inner, ignored class; then for ``_across`` the block and scratch.
Backward: out, gradient, input, target, total, classes, inner, ignored class.  Work items of the forwards: rows, or
blocks of neighbours; of the backward: rows, or pairs of a row and a class.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hotplug.backends.cpu.compiled.prelude import (
    Real,
    absolute,
    add,
    exp,
    inline,
    intp,
    load,
    load1,
    load2,
    load3,
    load_index,
    load_real,
    load_real2,
    log,
    maximum,
    store,
    store1,
    store_real,
    store_real2,
    word,
)


@inline
def _base(top: Any) -> Any:
    """What exponents are taken below: the largest, or 0 where that is infinite."""
    return Real(0) if absolute(top) == Real(np.inf) else top


def rows(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """log(sum(exp(row))) - row[target], 0 where the target is the ignored class; and the logarithm."""
    loss, total, source, target = word(table, 0), word(table, 1), word(table, 2), word(table, 3)
    columns, ignored = word(table, 4), word(table, 6)
    for row in range(start, stop):
        begin = row * columns
        top = Real(-np.inf)
        for j in range(columns):
            top = maximum(top, load2(source, begin + j))
        base = _base(top)
        sum_ = Real(0)
        for j in range(columns):
            sum_ = add(sum_, exp(load2(source, begin + j) - base))
        found = log(sum_)
        store1(total, row, found + base)
        label = load_index(target, row)
        if label == ignored:
            store(loss, row, Real(0))
        else:
            store(loss, row, found - (load2(source, begin + label) - base))


def across(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """The same for classes with neighbours behind them, which are worked on side by side."""
    loss, total, source, target = word(table, 0), word(table, 1), word(table, 2), word(table, 3)
    classes, inner, ignored, block = word(table, 4), word(table, 5), word(table, 6), word(table, 7)
    tops = word(table, 8) + thread * 16 * block
    sums = tops + 8 * block
    blocks = (inner + block - 1) // block
    for item in range(start, stop):
        first = item % blocks * block
        width = min(block, inner - first)
        place = item // blocks * inner + first
        begin = item // blocks * classes * inner + first
        for j in range(width):
            store_real(tops, j, Real(-np.inf))
            store_real2(sums, j, Real(0))
        for c in range(classes):
            for j in range(width):
                store_real(tops, j, maximum(load_real(tops, j), load2(source, begin + c * inner + j)))
        for j in range(width):
            store_real(tops, j, _base(load_real(tops, j)))
        for c in range(classes):
            for j in range(width):
                power = exp(load2(source, begin + c * inner + j) - load_real(tops, j))
                store_real2(sums, j, load_real2(sums, j) + power)
        for j in range(width):
            store_real2(sums, j, log(load_real2(sums, j)))
            store1(total, place + j, load_real2(sums, j) + load_real(tops, j))
        for j in range(width):
            label = load_index(target, place + j)
            if label == ignored:
                store(loss, place + j, Real(0))
            else:
                picked = load2(source, begin + label * inner + j) - load_real(tops, j)
                store(loss, place + j, load_real2(sums, j) - picked)


def rows_backward(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """grad * (exp(row - total) - onehot(target)), with a gradient of 0 where the target is the ignored class."""
    out, grad, source, target, total = (
        word(table, 0), word(table, 1), word(table, 2), word(table, 3), word(table, 4)
    )  # fmt: skip
    columns, ignored = word(table, 5), word(table, 7)
    for row in range(start, stop):
        begin = row * columns
        label = load_index(target, row)
        kept = label != ignored
        scale = load1(grad, row) if kept else Real(0)
        base = load3(total, row)
        for j in range(columns):
            store(out, begin + j, exp(load2(source, begin + j) - base) * scale)
        if kept:
            store(out, begin + label, load(out, begin + label) - scale)


def across_backward(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """The same for classes with neighbours behind them."""
    out, grad, source, target, total = (
        word(table, 0), word(table, 1), word(table, 2), word(table, 3), word(table, 4)
    )  # fmt: skip
    classes, inner, ignored = word(table, 5), word(table, 6), word(table, 7)
    for item in range(start, stop):
        place, number, begin = item // classes * inner, item % classes, item * inner
        for j in range(inner):
            label = load_index(target, place + j)
            scale = load1(grad, place + j) if label != ignored else Real(0)
            value = exp(load2(source, begin + j) - load3(total, place + j)) * scale
            store(out, begin + j, value - scale if label == number else value)
