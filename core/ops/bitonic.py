"""A sorting network made of maps: what sorting comes down to on a device without a sort of its own.

Batcher's bitonic network (1968) over rows padded to a power of two.  Every step is one map, which compares all pairs at
one distance: ``log2(n) * (log2(n) + 1) / 2`` launches for rows of any length.  Keys travel with their positions, which
decide between equal keys, so the order is the stable one.
"""

from __future__ import annotations

import functools
from typing import Any

from hotplug import dispatch
from hotplug.array import Array
from hotplug.dtypes import dtype as DType, iinfo, int32, int64
from hotplug.expr import scalar as s
from hotplug.expr.node import Expr, binary, cast, constant, index, input_, scalar, where

_INT32_MAX = 2**31 - 1


def sort_rows(rows: Array, descending: bool) -> tuple[Array, Array]:
    """Every row of a real ``(R, N)`` in order, and the positions (int64) from which the elements came.

    NaN counts as larger than any number, -0.0 as equal to 0.0; equal elements keep their order, descending too.
    """
    count, size = rows.shape
    width = 1 << max(size - 1, 0).bit_length()
    if rows.numel == 0 or width == 1:
        positions = dispatch.new(rows, int64, rows.shape)
        dispatch.fill_literal(positions, 0)
        return dispatch.clone(rows), positions
    pair = _padded(rows, width, descending), _places(rows, count, width)
    program = _step_program(rows.dtype, pair[1].dtype, descending)
    block = 2
    while block <= width:
        distance = block // 2
        while distance:
            # The last block of all is the whole row, always upwards; else every second one is turned round.
            pair = _step(program, pair, distance, block // 2 if block < width else 0)
            distance //= 2
        block *= 2
    kept = (count, size), (width, 1)
    return dispatch.clone(dispatch.move(pair[0], *kept)), dispatch.clone(dispatch.move(pair[1], *kept), int64)


def _padded(rows: Array, width: int, descending: bool) -> Array:
    """The rows with elements at their ends that no other one comes after."""
    count, size = rows.shape
    out = dispatch.new(rows, rows.dtype, (count, width))
    dispatch.copy(rows, dispatch.move(out, rows.shape, (width, 1)))
    if size < width:
        tail = dispatch.move(out, (count, width - size), (width, 1), size)
        dispatch.fill_literal(tail, _last(rows.dtype, descending))
    return out


def _last(kind: DType, descending: bool) -> Any:
    if kind.kind == "f":
        return float("-inf" if descending else "nan")
    return iinfo(kind).min if descending else iinfo(kind).max


def _places(rows: Array, count: int, width: int) -> Array:
    """0, 1, ..., width - 1 in every row."""
    kind = int32 if width <= _INT32_MAX else int64
    out = dispatch.new(rows, kind, (count, width))
    dispatch.map_((cast(binary("and", index(), scalar(0, int64)), kind),), [out], [], (width - 1,))
    return out


def _step(program: dispatch.Program, pair: tuple[Array, Array], distance: int, turn: int) -> tuple[Array, Array]:
    """Compare all pairs ``distance`` apart; downwards where the pair's number has the bit ``turn``."""
    fresh = tuple(dispatch.new(each, each.dtype, each.shape) for each in pair)
    shape, strides = (pair[0].numel // (2 * distance), distance), (2 * distance, 1)
    low = [dispatch.move(each, shape, strides) for each in (*fresh, *pair)]
    high = [dispatch.move(each, shape, strides, distance) for each in (*fresh, *pair)]
    dispatch.map_(program, [low[0], high[0], low[1], high[1]], [low[2], high[2], low[3], high[3]], (turn,))
    return fresh[0], fresh[1]


@functools.cache
def _step_program(kind: DType, place: DType, descending: bool) -> dispatch.Program:
    """Keys and positions of a pair, exchanged where they stand in the wrong order."""
    a, b, ia, ib = input_(0, kind), input_(1, kind), input_(2, place), input_(3, place)
    exchange = binary("xor", _after(a, b, ib < ia, descending), _is_turned())
    return (
        where(exchange, b, a), where(exchange, a, b), where(exchange, ib, ia), where(exchange, ia, ib),
    )  # fmt: skip


def _is_turned() -> Expr:
    """The map has one element for a pair, so a block of ``2 * turn`` elements is one of ``turn`` pairs."""
    return binary("ne", binary("and", index(), scalar(0, int64)), constant(0, int64))


def _after(a: Expr, b: Expr, tie: Expr, descending: bool) -> Expr:
    """Whether ``a`` belongs after ``b``; ``tie`` decides between equal ones."""
    above, below = b < a, a < b
    if a.dtype.kind == "f":
        nan_a, nan_b = s.isnan(a), s.isnan(b)
        above, below = above | (nan_a & ~nan_b), below | (nan_b & ~nan_a)
    if descending:
        above, below = below, above
    return above | (~below & tie)
