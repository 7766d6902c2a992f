"""Batch normalisation of ``(N, C, S)``: statistics of each channel over N and S, forward and backward.

Where S is long (``apart``), a channel is N segments, worked on one after the other; where it is short (``beside``), the
channels of an item lie side by side, ``width`` columns of N rows, and sums are kept for each column, in float64.

Words of the forwards: out, mean, scale, input, weight, bias, N, C, S, eps.  Of the backwards: out, gradient of the
weight, of the bias, gradient, input, weight, mean, scale, N, C, S.  ``beside`` adds: channels of an item, scratch of
``SCRATCH`` arrays of 8 bytes a column, one for each thread.  Work items: channels, or blocks of channels.
"""

from __future__ import annotations

from typing import Any

from hotplug.backends.cpu.compiled.memory import load as load_of, store as store_of
from hotplug.backends.cpu.compiled.prelude import (
    Real,
    Wide,
    add,
    inline,
    intp,
    load1,
    load2,
    load3,
    load4,
    load_real,
    load_real2,
    load_real3,
    multiply_add,
    number,
    square_root,
    store,
    store1,
    store2,
    store_real,
    store_real2,
    store_real3,
    word,
)

ITEM = 4
PIECE = 2048
SCRATCH = 5
load_wide: Any = load_of("float64", 15)
store_wide: Any = store_of("float64", 15)
load_wide2: Any = load_of("float64", 14)
store_wide2: Any = store_of("float64", 14)


@inline
def _joined(source: intp, begin: intp, size: intp, seen: intp, mean: Any, squares: Any) -> Any:
    """Mean and sum of squares of ``seen`` elements and of the ``size`` ones of a segment together."""
    for first in range(0, size, PIECE):
        count = min(PIECE, size - first)
        place = begin + first
        total = Real(0)
        for j in range(count):
            total = add(total, load1(source, place + j))
        center = Real(total / Real(count))
        total, around = Real(0), Real(0)
        for j in range(count):
            distance = load1(source, place + j) - center
            total = add(total, distance)
            around = multiply_add(distance, distance, around)
        apart = Wide(total) / count
        difference = Wide(center) + apart - mean
        share = Wide(count) / (seen + count)
        mean += difference * share
        squares += Wide(around) - Wide(total) * apart + difference * difference * seen * share
        seen += count
    return mean, squares


def apart(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """(input - mean) * scale * weight + bias."""
    out, means, scales, source = word(table, 0), word(table, 1), word(table, 2), word(table, 3)
    weight, bias, count, channels, size = (
        word(table, 4), word(table, 5), word(table, 6), word(table, 7), word(table, 8)
    )  # fmt: skip
    eps = number(table, 9)
    for channel in range(start, stop):
        middle, squares = Wide(0), Wide(0)
        for n in range(count):
            middle, squares = _joined(source, (n * channels + channel) * size, size, n * size, middle, squares)
        mean, scale = Real(middle), Real(Wide(1) / square_root(squares / (count * size) + eps))
        store1(means, channel, mean)
        store2(scales, channel, scale)
        slope, offset = load3(weight, channel), load4(bias, channel)
        for n in range(count):
            begin = (n * channels + channel) * size
            for j in range(begin, begin + size):
                store(out, j, (load1(source, j) - mean) * scale * slope + offset)


def apart_backward(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """scale * weight * (g - mean(g) - hat * mean(g * hat)) of the gradient g, and the sums behind the means."""
    out, slopes, offsets, grad, source = word(table, 0), word(table, 1), word(table, 2), word(table, 3), word(table, 4)
    weight, means, scales = word(table, 5), word(table, 6), word(table, 7)
    count, channels, size = word(table, 8), word(table, 9), word(table, 10)
    for channel in range(start, stop):
        mean, scale = load4(means, channel), load4(scales, channel)
        plain, sloped = Wide(0), Wide(0)
        for n in range(count):
            begin = (n * channels + channel) * size
            for first in range(begin, begin + size, PIECE):
                one, two = Real(0), Real(0)
                for j in range(first, min(begin + size, first + PIECE)):
                    delta = load2(grad, j)
                    one = add(one, delta)
                    two = multiply_add(delta, (load1(source, j) - mean) * scale, two)
                plain += Wide(one)
                sloped += Wide(two)
        store1(slopes, channel, Real(sloped))
        store2(offsets, channel, Real(plain))
        factor = load3(weight, channel) * scale
        less, tilt = Real(plain / (count * size)), Real(sloped / (count * size))
        for n in range(count):
            begin = (n * channels + channel) * size
            for j in range(begin, begin + size):
                hat = (load1(source, j) - mean) * scale
                store(out, j, (load2(grad, j) - less - hat * tilt) * factor)


# --- short segments --------------------------------------------------------------------------------------------------


@inline
def _zeroed(sums: intp, width: intp) -> None:
    for j in range(width):
        store_wide(sums, j, Wide(0))


@inline
def _mean(sums: intp, column: intp, size: intp, count: intp) -> Any:
    """The sum of a channel's columns, over the number of its elements."""
    total = Wide(0)
    for j in range(column, column + size):
        total += load_wide(sums, j)
    return total / (count * size)


@inline
def _squares(sums: intp, source: intp, centers: intp, count: intp, stride: intp, width: intp) -> None:
    """Sums of squares of the distances from the centres."""
    _zeroed(sums, width)
    for n in range(count):
        for j in range(width):
            distance = load1(source, n * stride + j) - load_real(centers, j)
            store_wide(sums, j, load_wide(sums, j) + Wide(distance * distance))


def beside(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """As ``apart``."""
    out, means, scales, source = word(table, 0), word(table, 1), word(table, 2), word(table, 3)
    weight, bias, count, channels, size = (
        word(table, 4), word(table, 5), word(table, 6), word(table, 7), word(table, 8)
    )  # fmt: skip
    eps, block = number(table, 9), word(table, 10)
    room = 8 * block * size
    sums = word(table, 11) + thread * SCRATCH * room
    centers, factors, shifts = sums + room, sums + 2 * room, sums + 3 * room
    for item in range(start, stop):
        lead = item * block
        width = (min(channels, lead + block) - lead) * size
        _zeroed(sums, width)
        for n in range(count):
            begin = (n * channels + lead) * size
            for j in range(width):
                store_wide(sums, j, load_wide(sums, j) + Wide(load1(source, begin + j)))
        for column in range(0, width, size):
            mean = Real(_mean(sums, column, size, count))
            store1(means, lead + column // size, mean)
            for j in range(column, column + size):
                store_real(centers, j, mean)
        _squares(sums, source + lead * size * ITEM, centers, count, channels * size, width)
        for column in range(0, width, size):
            channel = lead + column // size
            scale = Real(Wide(1) / square_root(_mean(sums, column, size, count) + eps))
            store2(scales, channel, scale)
            for j in range(column, column + size):
                store_real2(factors, j, scale * load3(weight, channel))
                store_real3(shifts, j, load4(bias, channel))
        for n in range(count):
            begin = (n * channels + lead) * size
            for j in range(width):
                hat = (load1(source, begin + j) - load_real(centers, j)) * load_real2(factors, j)
                store(out, begin + j, hat + load_real3(shifts, j))


def beside_backward(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """As ``apart_backward``."""
    out, slopes, offsets, grad, source = word(table, 0), word(table, 1), word(table, 2), word(table, 3), word(table, 4)
    weight, means, scales = word(table, 5), word(table, 6), word(table, 7)
    count, channels, size, block = word(table, 8), word(table, 9), word(table, 10), word(table, 11)
    room = 8 * block * size
    sums = word(table, 12) + thread * SCRATCH * room
    tilts, centers, factors, shifts = sums + room, sums + 2 * room, sums + 3 * room, sums + 4 * room
    for item in range(start, stop):
        lead = item * block
        width = (min(channels, lead + block) - lead) * size
        for j in range(width):
            store_wide(sums, j, Wide(0))
            store_wide2(tilts, j, Wide(0))
            store_real(centers, j, load4(means, lead + j // size))
        for n in range(count):
            begin = (n * channels + lead) * size
            for j in range(width):
                delta = load2(grad, begin + j)
                distance = load1(source, begin + j) - load_real(centers, j)
                store_wide(sums, j, load_wide(sums, j) + Wide(delta))
                store_wide2(tilts, j, load_wide2(tilts, j) + Wide(delta * distance))
        for column in range(0, width, size):
            plain, sloped = Wide(0), Wide(0)
            for j in range(column, column + size):
                plain += load_wide(sums, j)
                sloped += load_wide2(tilts, j)
            channel = lead + column // size
            scale = load4(scales, channel)
            sloped *= scale
            store1(slopes, channel, Real(sloped))
            store2(offsets, channel, Real(plain))
            factor, tilt = scale * load3(weight, channel), Real(sloped * scale / (count * size))
            less = Real(plain / (count * size))
            for j in range(column, column + size):
                store_real2(factors, j, factor)
                store_real3(shifts, j, less)
                store_wide2(tilts, j, Wide(tilt))
        for n in range(count):
            begin = (n * channels + lead) * size
            for j in range(width):
                less = load_real3(shifts, j) + (load1(source, begin + j) - load_real(centers, j)) * Real(
                    load_wide2(tilts, j)
                )
                store(out, begin + j, (load2(grad, begin + j) - less) * load_real2(factors, j))
