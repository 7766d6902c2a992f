"""Discrete Fourier transforms along the last axis, out of maps and matrix products: O(n log n) for every n.

A size is split into factors of at most :data:`LARGEST`: the transform of ``n = p * q`` points is q transforms of size p
(one product with a small matrix), a map of twiddle factors, and p transforms of size q (Cooley and Tukey, "An algorithm
for the machine calculation of complex Fourier series", 1965).  A prime factor above the limit goes through a convolution
of a smooth size (Bluestein, "A linear filtering approach to the computation of discrete Fourier transform", 1970).
"""

from __future__ import annotations

import functools
import math
from typing import Final

from hotplug import dispatch, families
from hotplug.array import Array
from hotplug.dtypes import dtype, int64
from hotplug.expr.node import Expr, binary, cast, constant, index, input_, make, scalar, unary, where
from hotplug.layout import Shape

__all__: list[str] = []  # for the module of transforms, by name

LARGEST: Final = 32
"""The largest factor that is transformed by a product with its matrix."""


def _root(turns: Expr, size: Expr, kind: dtype, inverse: bool) -> Expr:
    """``exp(-+2 pi i turns / size)`` for integers ``0 <= turns < size``, to rounding.

    Quarter turns are split off as integers, so that sine and cosine only see angles up to an eighth of a turn.
    """
    quarter = binary("floordiv", turns * 8 + size, size * 2)
    rest = turns * 4 - quarter * size
    angle = cast(rest, kind) / cast(size, kind) * (math.pi / 2)
    cos, sin = unary("cos", angle), unary("sin", angle)
    odd, half = binary("remainder", quarter, 2), binary("remainder", binary("floordiv", quarter, 2), 2)
    turned = binary("eq", odd, constant(1, int64))
    re, im = where(turned, -sin, cos), where(turned, cos, sin)
    opposite = binary("eq", half, constant(1, int64))
    re, im = where(opposite, -re, re), where(opposite, -im, im)
    return make("complex", (re, im if inverse else -im), kind.to_complex())


@functools.cache
def _twiddle_program(kind: dtype, inverse: bool) -> dispatch.Program:
    """``w ** (row * column)`` for a matrix of (scalar 1) columns and the root w of order (scalar 0)."""
    size, columns = scalar(0, int64), scalar(1, int64)
    row, column = binary("floordiv", index(), columns), binary("remainder", index(), columns)
    return (_root(binary("remainder", row * column, size), size, kind, inverse),)


@functools.cache
def _chirp_program(kind: dtype, inverse: bool) -> dispatch.Program:
    """``w ** (k ** 2 / 2)`` for the root w of order n: a root of order 2 n, since k ** 2 is taken modulo that."""
    twice = scalar(0, int64)
    return (_root(binary("remainder", index() * index(), twice), twice, kind, inverse),)


def _table(like: Array, program: dispatch.Program, shape: Shape, *scalars: int) -> Array:
    out = dispatch.new(like, like.dtype, shape)
    dispatch.map_(program, [out], [], scalars)
    return out


def _times(left: Array, right: Array) -> Array:
    out = dispatch.new(left, left.dtype, left.shape)
    dispatch.map_((input_(0, left.dtype) * input_(1, left.dtype),), [out], [left, right])
    return out


def split(size: int) -> int:
    """The largest divisor up to :data:`LARGEST`, or the smallest prime factor where all are above it."""
    for factor in range(min(LARGEST, size), 1, -1):
        if size % factor == 0:
            return factor
    return next((p for p in range(LARGEST + 1, math.isqrt(size) + 1) if size % p == 0), size)


def transform(array: Array, inverse: bool) -> Array:
    """The transform of complex ``(*B, N)`` along the last axis, without a scale, as a new Array."""
    n = array.shape[-1]
    if n <= 1:
        return dispatch.clone(array)
    rows = math.prod(array.shape[:-1])
    flat = dispatch.move(dispatch.contiguous(array), (rows, n), (n, 1))
    out = _transformed(flat, inverse)
    return dispatch.move(out, array.shape, dispatch.new(array, array.dtype, array.shape).strides)


def _transformed(array: Array, inverse: bool) -> Array:
    """Contiguous ``(B, N)`` -> the same."""
    count, n = array.shape
    if n <= 1 or not count:
        return array
    p = split(n)
    if p > LARGEST and p == n:
        return _bluestein(array, inverse)
    q = n // p
    # With j = q a + b and k = c + p d: sum_b w_n^(b c) w_q^(b d) sum_a w_p^(a c) x[q a + b].
    columns = dispatch.move(array, (count, p, q), (n, q, 1))
    inner = _short(columns, inverse)
    if q == 1:
        return dispatch.move(inner, (count, n), (n, 1))
    inner = _times(inner, _table(array, _twiddle_program(array.dtype.real, inverse), (p, q), n, q))
    outer = _transformed(dispatch.move(inner, (count * p, q), (q, 1)), inverse)
    turned = dispatch.move(outer, (count, q, p), (n, 1, q))
    return dispatch.move(dispatch.clone(turned), (count, n), (n, 1))


def _short(columns: Array, inverse: bool) -> Array:
    """The transform of ``(B, p, q)`` along the middle axis."""
    count, p, q = columns.shape
    if p <= LARGEST:
        matrix = _table(columns, _twiddle_program(columns.dtype.real, inverse), (p, p), p, p)
        return families.matmul(matrix, columns)
    turned = dispatch.clone(dispatch.move(columns, (count, q, p), (p * q, 1, q)))
    done = _transformed(dispatch.move(turned, (count * q, p), (p, 1)), inverse)
    return dispatch.clone(dispatch.move(done, (count, p, q), (p * q, 1, p)))


def _bluestein(array: Array, inverse: bool) -> Array:
    """With ``j k = (j^2 + k^2 - (k - j)^2) / 2`` a transform is a convolution with a chirp, here of a power of two."""
    count, n = array.shape
    size = 1 << (2 * n - 2).bit_length()
    chirp = _table(array, _chirp_program(array.dtype.real, inverse), (n,), 2 * n)
    signal = dispatch.new(array, array.dtype, (count, size))
    dispatch.fill_literal(signal, 0)
    dispatch.copy(_times(array, chirp), dispatch.move(signal, (count, n), (size, 1)))
    filter_ = dispatch.new(array, array.dtype, (1, size))
    dispatch.fill_literal(filter_, 0)
    back = _table(array, _chirp_program(array.dtype.real, not inverse), (n,), 2 * n)
    dispatch.copy(back, dispatch.move(filter_, (n,), (1,)))
    dispatch.copy(dispatch.move(back, (n - 1,), (1,), 1), dispatch.move(filter_, (n - 1,), (-1,), size - 1))
    spectrum = _times(_transformed(signal, False), dispatch.move(_transformed(filter_, False), (count, size), (0, 1)))
    whole = _transformed(spectrum, True)
    part = dispatch.move(whole, (count, n), (size, 1))
    out = dispatch.new(array, array.dtype, (count, n))
    kind, real = array.dtype, array.dtype.real
    scale = make("complex", (constant(1.0, real) / cast(scalar(0, int64), real), constant(0.0, real)), kind)
    dispatch.map_((input_(0, kind) * input_(1, kind) * scale,), [out], [part, chirp], (size,))
    return out
