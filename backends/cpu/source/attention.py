"""Attention in tiles, forward and backward: no matrix of all scores is ever kept (Dao et al., "FlashAttention", 2022).

A block of ``WIDTH`` queries is worked on at a time, and it lies across: scores are ``S[key, query]``, so that the queries
are the lanes of vectors, maxima and sums over keys need no shuffles, and keys and values are read one number at a time
from where they are, whatever their strides.

Words of both tables: 0 places, 1 scratch, 2 bytes of scratch a thread, 3 queries, 4 keys, 5 width of a query, 6 width of
a value, 7 causal, 8 kind of mask (0 none, 1 bool, 2 added), 9 scale, 10 to 19 the strides in bytes, row and column, of
query, key, value, mask and gradient.  ``places`` has five words for each matrix of the batch: the addresses of query, key,
value, mask and gradient.  Forward: 20 out, 21 total; items are blocks of queries.  Backward: 20 out, 21 total, 22 to 24
the gradients of query, key and value; items are the matrices of the batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hotplug.backends.cpu.compiled.memory import load as load_of, store as store_of
from hotplug.backends.cpu.compiled.panels import turn
from hotplug.backends.cpu.compiled.prelude import (
    Real,
    exp,
    inline,
    intp,
    load1,
    log,
    maximum,
    multiply_add,
    number,
    store,
    word,
)
from hotplug.backends.cpu.compiled.tiles import LANES, ROWS, WIDTH, tile

KEYS = 64
"""Keys of a tile."""
LINE = 4 * WIDTH
"""Bytes of a row of scores."""

_turn: Any = turn("float32")
_new: Any = tile(ROWS, False)
_more: Any = tile(ROWS, True)
_new_row: Any = tile(1, False)
_more_row: Any = tile(1, True)
# Scratch: each kind of memory in a scope of its own.
get_s: Any = load_of("float32", 17)
put_s: Any = store_of("float32", 17)
get_p: Any = load_of("float32", 16)
put_p: Any = store_of("float32", 16)
get_top: Any = load_of("float32", 15)
put_top: Any = store_of("float32", 15)
get_sum: Any = load_of("float32", 14)
put_sum: Any = store_of("float32", 14)
get_base: Any = load_of("float32", 13)
put_base: Any = store_of("float32", 13)
get_factor: Any = load_of("float32", 11)
put_factor: Any = store_of("float32", 11)
load_flag: Any = load_of("bool", 12)


@inline
def _product(
    a: intp, down: intp, along: intp, b: intp, step: intp, c: intp, row: intp, rows: intp, count: intp
) -> None:
    """C = A @ B."""
    whole = rows // ROWS * ROWS
    for i in range(0, whole, ROWS):
        _new(a + i * down, down, along, b, step, c + i * row, row, count)
    for i in range(whole, rows):
        _new_row(a + i * down, down, along, b, step, c + i * row, row, count)


@inline
def _added(a: intp, down: intp, along: intp, b: intp, step: intp, c: intp, row: intp, rows: intp, count: intp) -> None:
    """C += A @ B."""
    whole = rows // ROWS * ROWS
    for i in range(0, whole, ROWS):
        _more(a + i * down, down, along, b, step, c + i * row, row, count)
    for i in range(whole, rows):
        _more_row(a + i * down, down, along, b, step, c + i * row, row, count)


@inline
def _squares(rows: intp, columns: intp, along: intp) -> Any:
    """Columns that can be turned by whole squares of vectors."""
    return columns // LANES * LANES if rows == WIDTH and along == 4 else 0


@inline
def _across(target: intp, source: intp, down: intp, along: intp, rows: intp, columns: intp, scale: Any) -> None:
    """``target[column, row] = source[row, column] * scale``, 0 beyond the rows there are."""
    whole = _squares(rows, columns, along)
    for column in range(0, whole, LANES):
        for row in range(0, WIDTH, LANES):
            _turn(source + row * down + column * 4, down, target + column * LINE + row * 4, LINE)
    for i in range(whole * WIDTH):
        put_s(target, i, get_s(target, i) * scale)
    for column in range(whole, columns):
        for row in range(rows):
            put_s(target, column * WIDTH + row, load1(source + row * down + column * along, 0) * scale)
        for row in range(rows, WIDTH):
            put_s(target, column * WIDTH + row, Real(0))


@inline
def _back(target: intp, source: intp, factors: intp, rows: intp, columns: intp) -> None:
    """``target[row, column] = source[column, row] * factors[row]``, which spoils the source."""
    for column in range(columns):
        for row in range(WIDTH):
            put_s(source, column * WIDTH + row, get_s(source, column * WIDTH + row) * get_sum(factors, row))
    whole = _squares(rows, columns, 4)
    for column in range(0, whole, LANES):
        for row in range(0, WIDTH, LANES):
            _turn(source + column * LINE + row * 4, LINE, target + (row * columns + column) * 4, columns * 4)
    for row in range(rows):
        for column in range(whole, columns):
            store(target, row * columns + column, get_s(source, column * WIDTH + row))


@inline
def _padded(
    target: intp, wide: intp, source: intp, down: intp, along: intp, rows: intp, columns: intp, scale: Any
) -> None:
    """``target[row, column] = source[row, column] * scale``, 0 beyond what there is."""
    if rows < WIDTH or columns < wide:
        for i in range(WIDTH * wide):
            put_s(target, i, Real(0))
    for row in range(rows):
        begin = source + row * down
        if along == 4:
            for column in range(columns):
                put_s(target, row * wide + column, load1(begin, column) * scale)
        else:
            for column in range(columns):
                put_s(target, row * wide + column, load1(begin + column * along, 0) * scale)


@inline
def _masked(table: intp, scores: intp, mask: intp, first: intp, rows: intp, key: intp, keys: intp) -> None:
    """-inf where not to attend, or what the mask adds."""
    kind, down, along = word(table, 8), word(table, 16), word(table, 17)
    if word(table, 7) and key + keys > first + 1:
        for j in range(keys):
            for r in range(min(WIDTH, max(0, key + j - first))):
                put_p(scores, j * WIDTH + r, Real(-np.inf))
    if kind == 1:
        for j in range(keys):
            for r in range(rows):
                if not load_flag(mask + (first + r) * down + (key + j) * along, 0):
                    put_p(scores, j * WIDTH + r, Real(-np.inf))
    elif kind == 2:
        for j in range(keys):
            for r in range(rows):
                more = load1(mask + (first + r) * down + (key + j) * along, 0)
                put_p(scores, j * WIDTH + r, get_p(scores, j * WIDTH + r) + more)


@inline
def _limit(table: intp, first: intp, rows: intp) -> Any:
    """How many keys a block of queries attends to."""
    return min(word(table, 4), first + rows) if word(table, 7) else word(table, 4)


@inline
def _shares(scores: intp, tops: intp, result: intp, keys: intp, width: intp, seen: intp) -> None:
    """Scores become exponentials below the largest so far; what was summed before is scaled to it.

    Four rows lie behind each other: the largest, the sums, what exponents are taken below, factors.
    """
    sums, bases, factors = tops + LINE, tops + 2 * LINE, tops + 3 * LINE
    for r in range(WIDTH):
        put_base(bases, r, get_top(tops, r))
    for j in range(keys):
        for r in range(WIDTH):
            put_base(bases, r, maximum(get_base(bases, r), get_p(scores, j * WIDTH + r)))
    for r in range(WIDTH):
        top = get_base(bases, r)
        base = top if top > Real(-np.inf) else Real(0)
        factor = exp(get_top(tops, r) - base)
        put_base(bases, r, base)
        put_top(tops, r, top)
        put_factor(factors, r, factor)
        put_sum(sums, r, get_sum(sums, r) * factor)
    if seen:
        for d in range(width):
            for r in range(WIDTH):
                put_s(result, d * WIDTH + r, get_s(result, d * WIDTH + r) * get_factor(factors, r))
    for j in range(keys):
        for r in range(WIDTH):
            power = exp(get_p(scores, j * WIDTH + r) - get_base(bases, r))
            put_p(scores, j * WIDTH + r, power)
            put_sum(sums, r, get_sum(sums, r) + power)


@inline
def _finish(table: intp, row: intp, result: intp, tops: intp, rows: intp, wide: intp) -> None:
    """Divide by the sums, and write the results and the logarithms."""
    out, total, sums = word(table, 20), word(table, 21), tops + LINE
    for r in range(rows):
        found = get_sum(sums, r)
        store(total, row + r, log(found) + (get_top(tops, r) if found != Real(0) else Real(0)))
    for r in range(WIDTH):
        found = get_sum(sums, r)
        put_sum(sums, r, Real(1) / (found if found != Real(0) else Real(1)))
    _back(out + row * wide * 4, result, sums, rows, wide)


def forward(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """softmax(query @ key.T * scale + mask) @ value, and the logarithm of the softmax's denominator."""
    queries, width, wide = word(table, 3), word(table, 5), word(table, 6)
    blocks = (queries + WIDTH - 1) // WIDTH
    turned = word(table, 1) + thread * word(table, 2)
    result = turned + width * LINE
    scores = result + wide * LINE
    tops = scores + KEYS * LINE
    sums = tops + LINE
    scale = Real(number(table, 9))
    for item in range(start, stop):
        matrix, first = item // blocks, item % blocks * WIDTH
        places = word(table, 0) + matrix * 40
        rows = min(WIDTH, queries - first)
        query = word(places, 0) + first * word(table, 10)
        _across(turned, query, word(table, 10), word(table, 11), rows, width, scale)
        for r in range(WIDTH):
            put_top(tops, r, Real(-np.inf))
            put_sum(sums, r, Real(0))
        for d in range(wide * WIDTH):
            put_s(result, d, Real(0))
        for key in range(0, _limit(table, first, rows), KEYS):
            keys = min(KEYS, _limit(table, first, rows) - key)
            own, values = word(places, 1) + key * word(table, 12), word(places, 2) + key * word(table, 14)
            _product(own, word(table, 12), word(table, 13), turned, LINE, scores, LINE, keys, width)
            _masked(table, scores, word(places, 3), first, rows, key, keys)
            _shares(scores, tops, result, keys, wide, key)
            _added(values, word(table, 15), word(table, 14), scores, LINE, result, LINE, wide, keys)
        _finish(table, matrix * queries + first, result, tops, rows, wide)


# --- backward --------------------------------------------------------------------------------------------------------


@inline
def _slopes(scores: intp, slopes: intp, totals: intp, inners: intp, keys: intp) -> None:
    """Scores become shares, and the gradients for the shares those for the scores."""
    for j in range(keys):
        for r in range(WIDTH):
            share = exp(get_p(scores, j * WIDTH + r) - get_base(totals, r))
            put_p(scores, j * WIDTH + r, share)
            put_s(slopes, j * WIDTH + r, share * (get_s(slopes, j * WIDTH + r) - get_sum(inners, r)))


@inline
def _known(table: intp, row: intp, gradient: intp, step: intp, totals: intp, inners: intp, rows: intp) -> None:
    """What is known of every query: its total, and the sum of the gradient times the output."""
    wide, out, total = word(table, 6), word(table, 20), word(table, 21)
    for r in range(WIDTH):
        put_base(totals, r, Real(0))
        put_sum(inners, r, Real(0))
    for r in range(rows):
        found = load1(total, row + r)
        put_base(totals, r, found if found != Real(-np.inf) else Real(0))
        inner = Real(0)
        for d in range(wide):
            inner = multiply_add(get_s(gradient, r * step + d), load1(out, (row + r) * wide + d), inner)
        put_sum(inners, r, inner)


@inline
def _written(out: intp, sums: intp, count: intp, width: intp, broad: intp) -> None:
    for j in range(count):
        for d in range(width):
            store(out, j * width + d, get_s(sums, j * broad + d))


def backward(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """The gradients for query, key and value; the shares are computed again, a tile at a time."""
    queries, count, width, wide = word(table, 3), word(table, 4), word(table, 5), word(table, 6)
    broad, broader = (width + WIDTH - 1) // WIDTH * WIDTH, (wide + WIDTH - 1) // WIDTH * WIDTH
    turned = word(table, 1) + thread * word(table, 2)
    grads = turned + width * LINE
    result = grads + wide * LINE
    scores = result + width * LINE
    slopes = scores + KEYS * LINE
    totals = slopes + KEYS * LINE
    inners = totals + LINE
    plain = inners + LINE
    plain_grads = plain + broad * LINE
    to_key = plain_grads + broader * LINE
    to_value = to_key + count * broad * 4
    scale = Real(number(table, 9))
    for matrix in range(start, stop):
        places = word(table, 0) + matrix * 40
        for i in range(count * (broad + broader)):
            put_s(to_key, i, Real(0))
        for first in range(0, queries, WIDTH):
            rows, row = min(WIDTH, queries - first), matrix * queries + first
            query = word(places, 0) + first * word(table, 10)
            gradient = word(places, 4) + first * word(table, 18)
            _across(turned, query, word(table, 10), word(table, 11), rows, width, scale)
            _across(grads, gradient, word(table, 18), word(table, 19), rows, wide, Real(1))
            _padded(plain, broad, query, word(table, 10), word(table, 11), rows, width, scale)
            _padded(plain_grads, broader, gradient, word(table, 18), word(table, 19), rows, wide, Real(1))
            _known(table, row, plain_grads, broader, totals, inners, rows)
            for d in range(width * WIDTH):
                put_s(result, d, Real(0))
            for key in range(0, _limit(table, first, rows), KEYS):
                keys = min(KEYS, _limit(table, first, rows) - key)
                own, values = word(places, 1) + key * word(table, 12), word(places, 2) + key * word(table, 14)
                _product(own, word(table, 12), word(table, 13), turned, LINE, scores, LINE, keys, width)
                _masked(table, scores, word(places, 3), first, rows, key, keys)
                _product(values, word(table, 14), word(table, 15), grads, LINE, slopes, LINE, keys, wide)
                _slopes(scores, slopes, totals, inners, keys)
                for d in range(0, broader, WIDTH):
                    target = to_value + (key * broader + d) * 4
                    _added(scores, LINE, 4, plain_grads + d * 4, broader * 4, target, broader * 4, keys, WIDTH)
                for d in range(0, broad, WIDTH):
                    target = to_key + (key * broad + d) * 4
                    _added(slopes, LINE, 4, plain + d * 4, broad * 4, target, broad * 4, keys, WIDTH)
                _added(own, word(table, 13), word(table, 12), slopes, LINE, result, LINE, width, keys)
            for r in range(WIDTH):
                put_sum(inners, r, scale)
            _back(word(table, 22) + row * width * 4, result, inners, rows, width)
        _written(word(table, 23) + matrix * count * width * 4, to_key, count, width, broad)
        _written(word(table, 24) + matrix * count * wide * 4, to_value, count, wide, broader)
