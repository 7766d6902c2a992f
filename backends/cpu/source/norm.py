"""Standardised rows: layer, group, instance and root-mean-square normalisation, forward and backward.

A row's statistics are taken a piece at a time: sums of a piece are of ``Real``, in as many lanes as the processor has;
pieces are joined in float64.  The sum of a piece gives a centre, and the sums of the distances from it, and of their
squares, give mean and variance to the last digit (Chan, Golub and LeVeque, "Algorithms for computing the sample
variance", 1983).

Words of ``rows``: out, mean, scale, input, its stride, weight, bias, columns, eps.  Weight and bias have an element for
each column.  Of ``rows_backward``: out, gradient, its stride, input, its stride, weight, mean, scale, columns, rows,
rows of an item, sums; an item adds up the parameters' gradients of its rows in its own part of ``sums``, and
``parts_added`` adds up the parts.

Words of ``segments``: as ``rows``, then groups, inner, run: a row of group ``row % groups`` has ``inner`` channels of
``run`` elements, and weight and bias have an element for each channel of each group.  Of ``segments_backward``: as
``rows_backward`` up to columns, then groups, inner, run, sums: two sums for each channel of each row.
"""

from __future__ import annotations

from typing import Any

from hotplug.backends.cpu.compiled.memory import store as store_of
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
    load_real2,
    load_real3,
    multiply_add,
    number,
    square_root,
    store,
    store1,
    store2,
    store_real2,
    store_real3,
    word,
)

ITEM = 4
CENTERED = 1
WEIGHTED = 1
PIECE = 2048
store_wide: Any = store_of("float64", 15)


@inline
def _statistics(source: intp, begin: intp, columns: intp, eps: float) -> Any:
    """Mean and reciprocal deviation of a row."""
    mean, squares = Wide(0), Wide(0)
    for first in range(0, columns, PIECE):
        count = min(PIECE, columns - first)
        place = begin + first
        if CENTERED:
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
            mean += difference * count / (first + count)
            squares += Wide(around) - Wide(total) * apart + difference * difference * first * count / (first + count)
        else:
            around = Real(0)
            for j in range(count):
                value = load1(source, place + j)
                around = multiply_add(value, value, around)
            squares += Wide(around)
    return mean, Wide(1) / square_root(squares / columns + eps)


def rows(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """(input - mean) * scale * weight + bias; the mean is 0 if not centred."""
    out, means, scales, source, stride = word(table, 0), word(table, 1), word(table, 2), word(table, 3), word(table, 4)
    weight, bias, columns, eps = word(table, 5), word(table, 6), word(table, 7), number(table, 8)
    for row in range(start, stop):
        begin, place = row * stride, row * columns
        middle, factor = _statistics(source, begin, columns, eps)
        mean, scale = Real(middle), Real(factor)
        if CENTERED:
            store1(means, row, mean)
        store2(scales, row, scale)
        for j in range(columns):
            hat = (load1(source, begin + j) - mean) * scale
            store(out, place + j, hat * load3(weight, j) + load4(bias, j))


@inline
def _sums(grad: intp, source: intp, weight: intp, columns: intp, mean: Any, scale: Any) -> Any:
    """The means of g and of g * hat, where g is the gradient times the weight."""
    plain, sloped = Wide(0), Wide(0)
    for first in range(0, columns, PIECE):
        one, two = Real(0), Real(0)
        for j in range(first, min(columns, first + PIECE)):
            inner = load2(grad, j) * load3(weight, j)
            if CENTERED:
                one = add(one, inner)
            two = multiply_add(inner, (load1(source, j) - mean) * scale, two)
        plain += Wide(one)
        sloped += Wide(two)
    return Real(plain / columns), Real(sloped / columns)


def rows_backward(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """scale * (g - mean(g) - hat * mean(g * hat)), and the sums of grad * hat and of grad over the rows of an item."""
    out, grads, step, sources, stride = word(table, 0), word(table, 1), word(table, 2), word(table, 3), word(table, 4)
    weight, means, scales, columns, rows_, height = (
        word(table, 5), word(table, 6), word(table, 7), word(table, 8), word(table, 9), word(table, 10)
    )  # fmt: skip
    wide = max(ITEM, 4)
    for item in range(start, stop):
        slopes = word(table, 11) + 2 * item * columns * wide
        offsets = slopes + columns * wide
        if WEIGHTED:
            for j in range(columns):
                store_real2(slopes, j, Real(0))
            for j in range(columns):
                store_real3(offsets, j, Real(0))
        for row in range(item * height, min(rows_, item * height + height)):
            grad, source, place = grads + row * step * ITEM, sources + row * stride * ITEM, row * columns
            mean, scale = (load4(means, row) if CENTERED else Real(0)), load4(scales, row)
            plain, sloped = _sums(grad, source, weight, columns, mean, scale)
            for j in range(columns):
                delta = load2(grad, j)
                hat = (load1(source, j) - mean) * scale
                store(out, place + j, (delta * load3(weight, j) - plain - hat * sloped) * scale)
                if WEIGHTED:
                    store_real2(slopes, j, load_real2(slopes, j) + delta * hat)
                    if CENTERED:
                        store_real3(offsets, j, load_real3(offsets, j) + delta)


def parts_added(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """out[j] = sum of parts[p, j], in pairs.  Words: out, parts, number of parts, columns, a part's stride.  Items: 256
    columns.
    """
    out, parts, count, columns, stride = word(table, 0), word(table, 1), word(table, 2), word(table, 3), word(table, 4)
    wide = max(ITEM, 4)
    for item in range(start, stop):
        first = item * 256
        width = min(256, columns - first)
        step = 1
        while step < count:
            for part in range(0, count - step, 2 * step):
                left = parts + (part * stride + first) * wide
                right = left + step * stride * wide
                for j in range(width):
                    store_real2(left, j, load_real2(left, j) + load_real3(right, j))
            step *= 2
        for j in range(width):
            store(out, first + j, load_real2(parts, first + j))


# --- weights by channel ----------------------------------------------------------------------------------------------


def segments(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """As ``rows``, with one weight and bias for ``run`` elements."""
    out, means, scales, source, stride = word(table, 0), word(table, 1), word(table, 2), word(table, 3), word(table, 4)
    weight, bias, columns, eps = word(table, 5), word(table, 6), word(table, 7), number(table, 8)
    groups, inner, run = word(table, 9), word(table, 10), word(table, 11)
    for row in range(start, stop):
        middle, factor = _statistics(source, row * stride, columns, eps)
        mean, scale = Real(middle), Real(factor)
        store1(means, row, mean)
        store2(scales, row, scale)
        for channel in range(inner):
            begin, place = row * stride + channel * run, row * columns + channel * run
            slope = load3(weight, row % groups * inner + channel)
            offset = load4(bias, row % groups * inner + channel)
            for j in range(run):
                hat = (load1(source, begin + j) - mean) * scale
                store(out, place + j, hat * slope + offset)


@inline
def _channel_sums(grad: intp, source: intp, run: intp, mean: Any, scale: Any) -> Any:
    """The sums of the gradient and of the gradient times hat over one channel of one row."""
    plain, sloped = Wide(0), Wide(0)
    for first in range(0, run, PIECE):
        one, two = Real(0), Real(0)
        for j in range(first, min(run, first + PIECE)):
            delta = load2(grad, j)
            one = add(one, delta)
            two = multiply_add(delta, (load1(source, j) - mean) * scale, two)
        plain += Wide(one)
        sloped += Wide(two)
    return plain, sloped


def segments_backward(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """As ``rows_backward``, with one weight for ``run`` elements."""
    out, grads, step, sources, stride = word(table, 0), word(table, 1), word(table, 2), word(table, 3), word(table, 4)
    weight, means, scales, columns = word(table, 5), word(table, 6), word(table, 7), word(table, 8)
    groups, inner, run, sums = word(table, 9), word(table, 10), word(table, 11), word(table, 12)
    for row in range(start, stop):
        grad, source, place = grads + row * step * ITEM, sources + row * stride * ITEM, row * columns
        mean, scale = load4(means, row), load4(scales, row)
        plain, sloped = Wide(0), Wide(0)
        for channel in range(inner):
            skip = channel * run * ITEM
            one, two = _channel_sums(grad + skip, source + skip, run, mean, scale)
            store_wide(sums, 2 * (row * inner + channel), two)
            store_wide(sums, 2 * (row * inner + channel) + 1, one)
            slope = Wide(load3(weight, row % groups * inner + channel))
            plain += slope * one
            sloped += slope * two
        less, tilt = Real(plain / columns), Real(sloped / columns)
        for channel in range(inner):
            slope = load3(weight, row % groups * inner + channel)
            for j in range(channel * run, channel * run + run):
                hat = (load1(source, j) - mean) * scale
                store(out, place + j, (load2(grad, j) * slope - less - hat * tilt) * scale)
