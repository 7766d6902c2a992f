"""softmax and log_softmax of contiguous rows.  Words of the table: out, input, columns.  Work items: rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from hotplug.backends.cpu.compiled.prelude import Real, add, exp, inline, intp, load1, log, maximum, store, word


@inline
def _largest(source: intp, begin: intp, columns: intp) -> Any:
    top = Real(-np.inf)
    for j in range(columns):
        top = maximum(top, load1(source, begin + j))
    return top


def softmax(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """exp(x - max), summed while it is stored, then divided."""
    out, source, columns = word(table, 0), word(table, 1), word(table, 2)
    for row in range(start, stop):
        begin = row * columns
        top = _largest(source, begin, columns)
        total = Real(0)
        for j in range(columns):
            total = add(total, exp(load1(source, begin + j) - top))
        factor = Real(1) / total
        for j in range(columns):
            store(out, begin + j, exp(load1(source, begin + j) - top) * factor)


def log_softmax(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """x - max - log(sum(exp(x - max)))."""
    out, source, columns = word(table, 0), word(table, 1), word(table, 2)
    for row in range(start, stop):
        begin = row * columns
        top = _largest(source, begin, columns)
        total = Real(0)
        for j in range(columns):
            total = add(total, exp(load1(source, begin + j) - top))
        shift = log(total)
        for j in range(columns):
            store(out, begin + j, (load1(source, begin + j) - top) - shift)
