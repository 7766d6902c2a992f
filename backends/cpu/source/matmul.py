"""Matrix products in tiles, with a bias and an activation applied while a tile is in the cache.

``product`` calls BLAS for each tile.  Words of its table: gemm's address; left, right, out; M, N, K; the strides of rows of
left, right and out; of batches; whether left and right are stored transposed; tile height and width, tiles down and
across; the address of the bias or 0; the address of where the sums go before the activation, or 0.

``blocked`` multiplies itself: a piece of a tile's operands is packed into scratch memory, panels of ``HEIGHT`` rows of left
and of ``WIDTH`` columns of right, and blocks of ``HEIGHT`` by ``WIDTH`` sums stay in registers (Goto and van de Geijn,
"Anatomy of high-performance matrix multiplication", 2008).  Its table has scratch memory in place of gemm, the strides of
left's and right's columns in place of the transpositions, and five words more: how many products of a sum are packed
at a time, the bytes of a thread's scratch memory, the address of right as ``packed`` left it, or 0, and which of the K
products of a sum this call takes, from and to.

Work items are tiles; those of ``packed`` are a few panels of one piece of right.
"""

from __future__ import annotations

from typing import Any

from hotplug.backends.cpu.compiled import blas, memory
from hotplug.backends.cpu.compiled.prelude import (
    ITEM,
    Real,
    erf,
    exact,
    exp,
    inline,
    intp,
    load,
    load1,
    load2,
    load_real2,
    maximum,
    sigmoid,
    store,
    store2,
    store_real,
    tanh,
    word,
)  # fmt: skip

ACTIVATION = 0
"""0 none, 1 relu, 2 gelu, 3 gelu_tanh, 4 silu, 5 tanh, 6 sigmoid."""
gemm: Any = blas.gemm("float32")
REAL = 4
"""Bytes of a number in scratch memory."""
HEIGHT = 12
WIDTH = 32
LANES = 16
STEP = 16
"""Rows or columns that are packed together."""
PAD = 16
"""Numbers between panels, so that they don't all lie in the same places of the cache."""
tile_first: Any = None
"""Sums of a block; see ``tiles.tile``."""
tile_more: Any = None
"""The same, added to what is there."""
GROUP = 4
"""Panels of right that are one work item."""
turn: Any = None
stack_4096: Any = memory.stack_4096
_ = exp


@inline
def _activated(x: Any) -> Any:
    if ACTIVATION == 1:
        return maximum(x, Real(0))
    if ACTIVATION == 2:
        return Real(0.5) * x * (Real(1) + erf(x * Real(0.7071067811865476)))
    if ACTIVATION == 3:
        return Real(0.5) * x * (Real(1) + tanh(Real(0.7978845608028654) * (x + Real(0.044715) * x * x * x)))
    if ACTIVATION == 4:
        return x * sigmoid(x)
    if ACTIVATION == 5:
        return tanh(x)
    if ACTIVATION == 6:
        return sigmoid(x)
    return x


@exact
def _finish(table: intp, out: intp, row_stride: intp, height: intp, first: intp, width: intp, place: intp) -> None:
    """Bias and activation of a tile whose first element is ``place`` elements into the result."""
    bias, before = word(table, 19), word(table, 20)
    for i in range(height):
        at = place + i * row_stride
        if before != 0:
            for j in range(width):
                value = load(out, at + j)
                value = value + load1(bias, first + j) if bias != 0 else value
                store2(before, at + j, value)
                store(out, at + j, _activated(value))
        elif bias != 0:
            for j in range(width):
                store(out, at + j, _activated(load(out, at + j) + load1(bias, first + j)))
        else:
            for j in range(width):
                store(out, at + j, _activated(load(out, at + j)))


def product(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """The tiles from ``start`` to ``stop``."""
    left, right, out = word(table, 1), word(table, 2), word(table, 3)
    m, n, k = word(table, 4), word(table, 5), word(table, 6)
    lda, ldb, ldc = word(table, 7), word(table, 8), word(table, 9)
    turned_left, turned_right = word(table, 13), word(table, 14)
    tile_m, tile_n, down, across = word(table, 15), word(table, 16), word(table, 17), word(table, 18)
    finishing = ACTIVATION != 0 or word(table, 19) != 0 or word(table, 20) != 0
    for item in range(start, stop):
        batch = item // (down * across)
        rest = item - batch * down * across
        top = (rest // across) * tile_m
        first = (rest % across) * tile_n
        height, width = min(tile_m, m - top), min(tile_n, n - first)
        a = left + (batch * word(table, 10) + top * (1 if turned_left else lda)) * ITEM
        b = right + (batch * word(table, 11) + first * (ldb if turned_right else 1)) * ITEM
        place = batch * word(table, 12) + top * ldc + first
        gemm(
            word(table, 0),
            turned_right,
            turned_left,
            width,
            height,
            k,
            b,
            ldb,
            a,
            lda,
            Real(0),
            out + place * ITEM,
            ldc,
        )
        if finishing:
            _finish(table, out, ldc, height, first, width, place)


@inline
def _pack_left(source: intp, down: intp, along: intp, rows: intp, count: intp, target: intp) -> None:
    """Panels of ``HEIGHT`` rows, number by number; below the last row, zeros."""
    full = rows // HEIGHT
    for start in range(0, count, STEP):  # a few numbers of every panel: rows and columns are both read in pieces
        stop = min(start + STEP, count)
        for panel in range(full):
            at, to = source + ITEM * panel * HEIGHT * down, target + REAL * panel * HEIGHT * count
            if down == 1:
                for k in range(start, stop):
                    for i in range(HEIGHT):
                        store_real(to, k * HEIGHT + i, load1(at, i + k * along))
            else:
                for k in range(start, stop):
                    for i in range(HEIGHT):
                        store_real(to, k * HEIGHT + i, load1(at, i * down + k * along))
    if full * HEIGHT < rows:
        for k in range(count):
            for i in range(HEIGHT):
                row = full * HEIGHT + i
                value = load1(source, row * down + k * along) if row < rows else Real(0)
                store_real(target, full * HEIGHT * count + k * HEIGHT + i, value)


@inline
def _pack_turned(source: intp, along: intp, count: intp, target: intp) -> None:
    """One panel of ``WIDTH`` columns whose own numbers are next to each other, by squares of vectors."""
    whole = count // LANES * LANES
    for part in range(0, WIDTH, LANES):
        at, to = source + ITEM * part * along, target + REAL * part
        for k in range(0, whole, LANES):
            turn(at + ITEM * k, ITEM * along, to + REAL * k * WIDTH, REAL * WIDTH)
        for k in range(whole, count):
            for j in range(LANES):
                store_real(to, k * WIDTH + j, load2(at, j * along + k))


@inline
def _pack_dense(source: intp, down: intp, count: intp, panels: intp, target: intp) -> None:
    """Panels of columns from rows whose own numbers are next to each other."""
    for start in range(0, count, STEP):
        stop = min(start + STEP, count)
        for panel in range(panels):
            for k in range(start, stop):
                to, at = panel * (count * WIDTH + PAD) + k * WIDTH, k * down + panel * WIDTH
                for j in range(WIDTH):
                    store_real(target, to + j, load2(source, at + j))


@inline
def _pack_right(source: intp, down: intp, along: intp, count: intp, columns: intp, target: intp) -> None:
    """Panels of ``WIDTH`` columns, row by row; beyond the last column, zeros."""
    full, apart = columns // WIDTH, count * WIDTH + PAD
    if along == 1:
        _pack_dense(source, down, count, full, target)
    elif down == 1:
        for panel in range(full):
            _pack_turned(source + ITEM * panel * WIDTH * along, along, count, target + REAL * panel * apart)
    else:
        for panel in range(full):
            for k in range(count):
                for j in range(WIDTH):
                    value = load2(source, k * down + (panel * WIDTH + j) * along)
                    store_real(target, panel * apart + k * WIDTH + j, value)
    if full * WIDTH < columns:
        for k in range(count):
            for j in range(WIDTH):
                column = full * WIDTH + j
                value = load2(source, k * down + column * along) if column < columns else Real(0)
                store_real(target, full * apart + k * WIDTH + j, value)


@inline
def _place_block(spare: intp, out: intp, row_stride: intp, rows: intp, columns: intp, more: bool) -> None:
    """The part of a block that lies within the result."""
    for i in range(rows):
        for j in range(columns):
            value = load_real2(spare, i * WIDTH + j)
            store(out, i * row_stride + j, load(out, i * row_stride + j) + value if more else value)


@exact
def _blocks(
    a: intp, b: intp, out: intp, row_stride: intp, height: intp, width: intp, count: intp, more: bool, spare: intp
) -> None:  # fmt: skip
    """All blocks of a tile, from packed panels."""
    for top in range(0, height, HEIGHT):
        left = a + REAL * top * count
        for first in range(0, width, WIDTH):
            right, to = b + REAL * (first * count + first // WIDTH * PAD), out + ITEM * (top * row_stride + first)
            if top + HEIGHT <= height and first + WIDTH <= width:
                if more:
                    tile_more(left, REAL, REAL * HEIGHT, right, REAL * WIDTH, to, ITEM * row_stride, count)
                else:
                    tile_first(left, REAL, REAL * HEIGHT, right, REAL * WIDTH, to, ITEM * row_stride, count)
            else:
                tile_first(left, REAL, REAL * HEIGHT, right, REAL * WIDTH, spare, REAL * WIDTH, count)
                _place_block(spare, to, row_stride, min(HEIGHT, height - top), min(WIDTH, width - first), more)


@inline
def _packed_piece(n: intp, depth: intp) -> intp:
    """Numbers of one piece of right, all columns of ``depth`` rows, when it is packed."""
    return (n + WIDTH - 1) // WIDTH * (depth * WIDTH + PAD)


def packed(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """Pack right for all tiles."""
    right, n, depth = word(table, 2), word(table, 5), word(table, 21)
    down, along, begin, end = word(table, 8), word(table, 14), word(table, 24), word(table, 25)
    parts = (n + GROUP * WIDTH - 1) // (GROUP * WIDTH)
    for item in range(start, stop):
        piece, first = item // parts, item % parts * GROUP * WIDTH
        at = begin + piece * depth
        count = min(depth, end - at)
        to = piece * _packed_piece(n, depth) + first // WIDTH * (count * WIDTH + PAD)
        source = right + ITEM * (at * down + first * along)
        _pack_right(source, down, along, count, min(GROUP * WIDTH, n - first), word(table, 23) + REAL * to)


def blocked(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """The tiles from ``start`` to ``stop``."""
    left, right, out = word(table, 1), word(table, 2), word(table, 3)
    m, n = word(table, 4), word(table, 5)
    left_down, right_down, ldc = word(table, 7), word(table, 8), word(table, 9)
    left_along, right_along = word(table, 13), word(table, 14)
    tile_m, tile_n, down, across = word(table, 15), word(table, 16), word(table, 17), word(table, 18)
    depth, panels, begin, end = word(table, 21), word(table, 23), word(table, 24), word(table, 25)
    a, spare = word(table, 0) + thread * word(table, 22), stack_4096()
    finishing = end == word(table, 6) and (ACTIVATION != 0 or word(table, 19) != 0 or word(table, 20) != 0)
    for item in range(start, stop):
        batch = item // (down * across)
        rest = item - batch * down * across
        top = (rest // across) * tile_m
        first = (rest % across) * tile_n
        height, width = min(tile_m, m - top), min(tile_n, n - first)
        of_left = left + ITEM * (batch * word(table, 10) + top * left_down)
        of_right = right + ITEM * (batch * word(table, 11) + first * right_along)
        place = batch * word(table, 12) + top * ldc + first
        for at in range(begin, end, depth):
            count = min(depth, end - at)
            b = a + REAL * (tile_m * depth + PAD)
            _pack_left(of_left + ITEM * at * left_along, left_down, left_along, height, count, a)
            if panels == 0:
                _pack_right(of_right + ITEM * at * right_down, right_down, right_along, count, width, b)
            else:
                b = panels + REAL * (
                    (at - begin) // depth * _packed_piece(n, depth) + first // WIDTH * (count * WIDTH + PAD)
                )
            _blocks(a, b, out + ITEM * place, ldc, height, width, count, at > 0, spare)
        if finishing:
            _finish(table, out, ldc, height, first, width, place)
