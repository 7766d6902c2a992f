"""Matrix products in tiles, with a bias and an activation applied while a tile is in the cache.

Words of the table: gemm's address; left, right, out; M, N, K; the strides of rows of left, right and out; of batches;
whether left and right are stored transposed; tile height and width, tiles down and across; the address of the bias or
0; the address of where the sums go before the activation, or 0.  Work items: tiles.
"""

from __future__ import annotations

from typing import Any

from hotplug.backends.cpu.compiled import blas
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
    maximum,
    sigmoid,
    store,
    store2,
    tanh,
    word,
)  # fmt: skip

ACTIVATION = 0
"""0 none, 1 relu, 2 gelu, 3 gelu_tanh, 4 silu, 5 tanh, 6 sigmoid."""
gemm: Any = blas.gemm("float32")
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
