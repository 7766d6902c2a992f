"""Sorting and selecting along rows of numbers of up to 32 bits.

An element becomes a word of 64 bits: its key, of which a smaller one comes first, above its position.  Words differ, so
any way to sort them is stable.  Keys put NaN last, or first in descending order, and take both zeros for one.

Words of ``rows`` and ``chosen``: values, indices, input, elements of a row, elements of a row of results, scratch, bytes
of it a thread, -1 for descending order or 0.  Work items: rows.

A single long row is sorted in pieces, by ``packed`` (words: input, target, -1 or 0), then for each byte of the key
``counted`` and ``spread`` (words: from, to, elements, elements of a piece, counts, 256 a piece, shift), and ``taken``.
"""

from __future__ import annotations

from typing import Any

from hotplug.backends.cpu.compiled.memory import load as load_of, store as store_of
from hotplug.backends.cpu.compiled.prelude import float32, inline, int32_bits, int64, intp, load1, store, word

FLOATING = 1
SHORT = 48
"""Elements of a row that is sorted by insertion."""
LOW = 0xFFFFFFFF
get: Any = load_of("int64", 17)
put: Any = store_of("int64", 17)
count_of: Any = load_of("int64", 16)
set_count: Any = store_of("int64", 16)
put_index: Any = store_of("int64", 15)


@inline
def _packed(value: Any, place: intp, turned: intp) -> Any:
    """The word of an element; ``turned`` is -1 for descending order, else 0."""
    if FLOATING:
        x = float32(value) + float32(0)
        bits = int64(int32_bits(x))
        key = bits ^ ((bits >> 63) & 0x7FFFFFFF)
        key = key if x == x else 0x7FFFFFFF  # noqa: PLR0124  (NaN)
    else:
        key = int64(value)
    return ((key ^ turned) << 32) | place


@inline
def _digit(found: int64, shift: intp) -> Any:
    """A byte of the key, in the order of signed keys."""
    digit = (found >> shift) & 255
    return digit ^ 128 if shift == 56 else digit


@inline
def _inserted(words: intp, count: intp) -> None:
    for i in range(1, count):
        found = get(words, i)
        j = i
        while j > 0 and get(words, j - 1) > found:
            put(words, j, get(words, j - 1))
            j -= 1
        put(words, j, found)


@inline
def _sorted(words: intp, spare: intp, counts: intp, count: intp) -> Any:
    """Sorted from the lowest byte to the highest; returns which of the two places holds the result."""
    for i in range(1024):
        set_count(counts, i, 0)
    for i in range(count):
        found = get(words, i)
        for digit in range(4):
            at = digit * 256 + _digit(found, 32 + 8 * digit)
            set_count(counts, at, count_of(counts, at) + 1)
    first = get(words, 0)
    for digit in range(4):
        shift = 32 + 8 * digit
        own = counts + digit * 2048
        if count_of(own, _digit(first, shift)) == count:
            continue
        total = 0
        for i in range(256):
            here = count_of(own, i)
            set_count(own, i, total)
            total += here
        for i in range(count):
            found = get(words, i)
            at = _digit(found, shift)
            place = count_of(own, at)
            set_count(own, at, place + 1)
            put(spare, place, found)
        words, spare = spare, words
    return words


def rows(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """Each row in order, as far as there is room for results."""
    values, indices, source, count, width = (
        word(table, 0),
        word(table, 1),
        word(table, 2),
        word(table, 3),
        word(table, 4),
    )
    counts, turned = word(table, 5) + thread * word(table, 6), word(table, 7)
    room = counts + 8192
    for row in range(start, stop):
        words = room
        for i in range(count):
            put(words, i, _packed(load1(source, row * count + i), i, turned))
        if count < SHORT:
            _inserted(words, count)
        else:
            words = _sorted(words, room + count * 8, counts, count)
        for i in range(width):
            place = get(words, i) & LOW
            put_index(indices, row * width + i, place)
            store(values, row * width + i, load1(source, row * count + place))


def chosen(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """The first few of each row, kept in order while the row is read."""
    values, indices, source, count, width = (
        word(table, 0),
        word(table, 1),
        word(table, 2),
        word(table, 3),
        word(table, 4),
    )
    best, turned = word(table, 5) + thread * word(table, 6), word(table, 7)
    for row in range(start, stop):
        begin = row * count
        for i in range(width):
            put(best, i, _packed(load1(source, begin + i), i, turned))
        _inserted(best, width)
        last = get(best, width - 1)
        for first in range(width, count, 64):
            stop_ = min(count, first + 64)
            least = last
            for i in range(first, stop_):
                least = min(least, _packed(load1(source, begin + i), i, turned))
            if least == last:
                continue
            for i in range(first, stop_):
                found = _packed(load1(source, begin + i), i, turned)
                if found < last:
                    j = width - 1
                    while j > 0 and get(best, j - 1) > found:
                        put(best, j, get(best, j - 1))
                        j -= 1
                    put(best, j, found)
                    last = get(best, width - 1)
        for i in range(width):
            place = get(best, i) & LOW
            put_index(indices, row * width + i, place)
            store(values, row * width + i, load1(source, begin + place))


# --- one long row ----------------------------------------------------------------------------------------------------


def packed(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """Words of the elements.  Work items: elements."""
    source, target, turned = word(table, 0), word(table, 1), word(table, 2)
    for i in range(start, stop):
        put(target, i, _packed(load1(source, i), i, turned))


def counted(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """How often each byte is in each piece."""
    source, count, size, shift = word(table, 0), word(table, 2), word(table, 3), word(table, 5)
    for piece in range(start, stop):
        own = word(table, 4) + piece * 2048
        for i in range(256):
            set_count(own, i, 0)
        for i in range(piece * size, min(count, piece * size + size)):
            at = _digit(get(source, i), shift)
            set_count(own, at, count_of(own, at) + 1)


def spread(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """Each piece's words to where they belong; the counts are places now."""
    source, target, count, size = word(table, 0), word(table, 1), word(table, 2), word(table, 3)
    shift = word(table, 5)
    for piece in range(start, stop):
        own = word(table, 4) + piece * 2048
        for i in range(piece * size, min(count, piece * size + size)):
            found = get(source, i)
            at = _digit(found, shift)
            place = count_of(own, at)
            set_count(own, at, place + 1)
            put(target, place, found)


def taken(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """Values and positions of sorted words.  Words: values, indices, input, words.  Work items: elements."""
    values, indices, source, words = word(table, 0), word(table, 1), word(table, 2), word(table, 3)
    for i in range(start, stop):
        place = get(words, i) & LOW
        put_index(indices, i, place)
        store(values, i, load1(source, place))
