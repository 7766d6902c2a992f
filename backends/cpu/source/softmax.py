"""softmax and log_softmax, along rows and across them.

Of rows, the words of a task's table are out, input, stride between the input's rows, columns; backward: out, gradient,
its stride, result, its stride, columns.  Work items: rows.

Across rows (``_across``): the same addresses without strides, then length, inner, block, scratch; an item is ``block``
of the ``inner`` neighbours, which are worked on side by side along ``length``.  Sums are float64.  Scratch: three blocks
of eight bytes a thread.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hotplug.backends.cpu.compiled.memory import load as load_of, store as store_of
from hotplug.backends.cpu.compiled.prelude import (
    Real,
    Wide,
    add,
    exp,
    inline,
    intp,
    load,
    load1,
    load2,
    load_real,
    load_real3,
    log,
    maximum,
    multiply_add,
    store,
    store_real,
    store_real3,
    word,
)

load_wide: Any = load_of("float64", 15)
store_wide: Any = store_of("float64", 15)


@inline
def _largest(source: intp, begin: intp, columns: intp) -> Any:
    top = Real(-np.inf)
    for j in range(columns):
        top = maximum(top, load1(source, begin + j))
    return top


def softmax(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """exp(x - max), summed while it is stored, then divided."""
    out, source, stride, columns = word(table, 0), word(table, 1), word(table, 2), word(table, 3)
    for row in range(start, stop):
        begin, place = row * stride, row * columns
        top = _largest(source, begin, columns)
        total = Real(0)
        for j in range(columns):
            power = exp(load1(source, begin + j) - top)
            total = add(total, power)
            store(out, place + j, power)
        factor = Real(1) / total
        for j in range(columns):
            store(out, place + j, load(out, place + j) * factor)


def softmax_narrow(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """The same for results of two bytes, in which no power may be kept."""
    out, source, stride, columns = word(table, 0), word(table, 1), word(table, 2), word(table, 3)
    for row in range(start, stop):
        begin, place = row * stride, row * columns
        top = _largest(source, begin, columns)
        total = Real(0)
        for j in range(columns):
            total = add(total, exp(load1(source, begin + j) - top))
        factor = Real(1) / total
        for j in range(columns):
            store(out, place + j, exp(load1(source, begin + j) - top) * factor)


def log_softmax(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """x - max - log(sum(exp(x - max)))."""
    out, source, stride, columns = word(table, 0), word(table, 1), word(table, 2), word(table, 3)
    for row in range(start, stop):
        begin, place = row * stride, row * columns
        top = _largest(source, begin, columns)
        total = Real(0)
        for j in range(columns):
            total = add(total, exp(load1(source, begin + j) - top))
        shift = log(total)
        for j in range(columns):
            store(out, place + j, (load1(source, begin + j) - top) - shift)


def softmax_backward(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """out * (grad - sum(out * grad))."""
    target, grad, step, out, stride, columns = (
        word(table, 0), word(table, 1), word(table, 2), word(table, 3), word(table, 4), word(table, 5)
    )  # fmt: skip
    for row in range(start, stop):
        first, second, place = row * step, row * stride, row * columns
        total = Real(0)
        for j in range(columns):
            total = multiply_add(load1(grad, first + j), load2(out, second + j), total)
        for j in range(columns):
            store(target, place + j, load2(out, second + j) * (load1(grad, first + j) - total))


def log_softmax_backward(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """grad - exp(out) * sum(grad)."""
    target, grad, step, out, stride, columns = (
        word(table, 0), word(table, 1), word(table, 2), word(table, 3), word(table, 4), word(table, 5)
    )  # fmt: skip
    for row in range(start, stop):
        first, second, place = row * step, row * stride, row * columns
        total = Real(0)
        for j in range(columns):
            total = add(total, load1(grad, first + j))
        for j in range(columns):
            store(target, place + j, load1(grad, first + j) - exp(load2(out, second + j)) * total)


# --- across rows -----------------------------------------------------------------------------------------------------


@inline
def _ready(scratch: intp, source: intp, begin: intp, length: intp, inner: intp, block: intp, width: intp) -> None:
    """The largest of each of ``width`` neighbours, and the sum of the exponentials below it.

    Sixteen elements at a time are compared before they are summed, so that memory is read once and sums are rescaled
    seldom.
    """
    top, total, found = scratch, scratch + 8 * block, scratch + 16 * block
    for j in range(width):
        store_real(top, j, Real(-np.inf))
        store_wide(total, j, Wide(0))
    for i0 in range(0, length, 16):
        last = min(i0 + 16, length)
        for j in range(width):
            store_real3(found, j, load_real(top, j))
        for i in range(i0, last):
            row = begin + i * inner
            for j in range(width):
                store_real3(found, j, maximum(load_real3(found, j), load1(source, row + j)))
        for j in range(width):
            higher = load_real3(found, j)
            base = higher if higher > Real(-np.inf) else Real(0)
            store_wide(total, j, load_wide(total, j) * Wide(exp(load_real(top, j) - base)))
            store_real(top, j, higher)
            store_real3(found, j, base)
        for i in range(i0, last):
            row = begin + i * inner
            for j in range(width):
                store_wide(total, j, load_wide(total, j) + Wide(exp(load1(source, row + j) - load_real3(found, j))))


def softmax_across(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """exp(x - max) / sum."""
    out, source, length, inner, block = word(table, 0), word(table, 1), word(table, 2), word(table, 3), word(table, 4)
    blocks = (inner + block - 1) // block
    scratch = word(table, 5) + thread * 24 * block
    top, total, found = scratch, scratch + 8 * block, scratch + 16 * block
    for item in range(start, stop):
        first = item % blocks * block
        width = min(block, inner - first)
        begin = item // blocks * length * inner + first
        _ready(scratch, source, begin, length, inner, block, width)
        for j in range(width):
            store_real3(found, j, Real(1) / Real(load_wide(total, j)))
        for i in range(length):
            for j in range(width):
                place = begin + i * inner + j
                store(out, place, exp(load1(source, place) - load_real(top, j)) * load_real3(found, j))


def log_softmax_across(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """x - max - log(sum)."""
    out, source, length, inner, block = word(table, 0), word(table, 1), word(table, 2), word(table, 3), word(table, 4)
    blocks = (inner + block - 1) // block
    scratch = word(table, 5) + thread * 24 * block
    top, total, found = scratch, scratch + 8 * block, scratch + 16 * block
    for item in range(start, stop):
        first = item % blocks * block
        width = min(block, inner - first)
        begin = item // blocks * length * inner + first
        _ready(scratch, source, begin, length, inner, block, width)
        for j in range(width):
            store_real3(found, j, log(Real(load_wide(total, j))))
        for i in range(length):
            for j in range(width):
                place = begin + i * inner + j
                store(out, place, (load1(source, place) - load_real(top, j)) - load_real3(found, j))


@inline
def _add_up(
    total: intp, found: intp, grad: intp, out: intp, begin: intp, length: intp, inner: intp, width: intp, weighted: intp
) -> None:
    """The sums of the gradient, or of its products with ``out``, down the columns of a block."""
    for j in range(width):
        store_wide(total, j, Wide(0))
    for i in range(length):
        for j in range(width):
            place = begin + i * inner + j
            term = load1(grad, place) * load2(out, place) if weighted else load1(grad, place)
            store_wide(total, j, load_wide(total, j) + Wide(term))
    for j in range(width):
        store_real3(found, j, Real(load_wide(total, j)))


def softmax_backward_across(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """out * (grad - sum(out * grad))."""
    target, grad, out, length, inner, block = (
        word(table, 0), word(table, 1), word(table, 2), word(table, 3), word(table, 4), word(table, 5)
    )  # fmt: skip
    blocks = (inner + block - 1) // block
    total = word(table, 6) + thread * 24 * block
    found = total + 8 * block
    for item in range(start, stop):
        first = item % blocks * block
        width = min(block, inner - first)
        begin = item // blocks * length * inner + first
        _add_up(total, found, grad, out, begin, length, inner, width, 1)
        for i in range(length):
            for j in range(width):
                place = begin + i * inner + j
                store(target, place, load2(out, place) * (load1(grad, place) - load_real3(found, j)))


def log_softmax_backward_across(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """grad - exp(out) * sum(grad)."""
    target, grad, out, length, inner, block = (
        word(table, 0), word(table, 1), word(table, 2), word(table, 3), word(table, 4), word(table, 5)
    )  # fmt: skip
    blocks = (inner + block - 1) // block
    total = word(table, 6) + thread * 24 * block
    found = total + 8 * block
    for item in range(start, stop):
        first = item % blocks * block
        width = min(block, inner - first)
        begin = item // blocks * length * inner + first
        _add_up(total, found, grad, out, begin, length, inner, width, 0)
        for i in range(length):
            for j in range(width):
                place = begin + i * inner + j
                store(target, place, load1(grad, place) - exp(load2(out, place)) * load_real3(found, j))
