"""Sums of squares of chunks of many tensors.  Words of the table: chunks, sums, elements of a chunk.

A chunk has three words: the address of its tensor, its first element, and the tensor's number of elements.
"""

from __future__ import annotations

from typing import Any

from hotplug.backends.cpu.compiled.memory import store as store_of
from hotplug.backends.cpu.compiled.prelude import Wide, intp, load1, multiply_add, word

store_wide: Any = store_of("float64", 0)


def squares(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """``sums[chunk]``, float64: pieces in lanes of float64, since a square may leave the range of float32."""
    for chunk in range(start, stop):
        item = word(table, 0) + chunk * 24
        source, first, count = word(item, 0), word(item, 1), word(item, 2)
        total = Wide(0)
        for j in range(first, min(count, first + word(table, 2))):
            value = Wide(load1(source, j))
            total = multiply_add(value, value, total)
        store_wide(word(table, 1), chunk, total)
