"""Choosing by a condition: where, and what a boolean mask picks, fills or finds.

How many elements a mask picks is known to the device only: ops whose result has that size read one number, and are
counted as host reads.
"""

from __future__ import annotations

import functools
import math
from typing import Any

from hotplug import dispatch, host
from hotplug.array import Array
from hotplug.declare import composite, function, primitive
from hotplug.dtypes import bool_, int64, uint8
from hotplug.errors import ArgumentTypeError, DTypeError, ShapeError
from hotplug.expr.node import binary, input_, scalar
from hotplug.layout import Shape
from hotplug.ops import arithmetic, comparison, creation, reduction, scan, views
from hotplug.ops.gathering import gather_along
from hotplug.ops.scattering import checked_number, scatter_along
from hotplug.tensor import Tensor


@function(method=False)
def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """``input`` where the condition holds, ``other`` elsewhere; all three broadcast, and the last two may be numbers.

    With the condition alone, the positions where it holds, as ``nonzero(as_tuple=True)``.

    Raises:
        DTypeError: the condition isn't bool.
    """
    if input is None and other is None:
        return nonzero(condition, as_tuple=True)
    if not isinstance(condition, Tensor):
        raise ArgumentTypeError(f"where: argument 'condition' must be Tensor, not {type(condition).__name__}")
    if condition.dtype is uint8:
        condition = condition.to(bool_)
    if condition.dtype is not bool_:
        raise DTypeError(
            f"where expected condition to be a boolean tensor, but got a tensor with dtype {condition.dtype.name}; compare "
            f"first, e.g. condition != 0"
        )
    return arithmetic.where_elements(condition, input, other)


@function(name="where", namespace="Tensor")
def where_self(input: Tensor, condition: Tensor, other: Any) -> Any:
    """``self`` where the condition holds, ``other`` elsewhere."""
    return where(condition, input, other)


# --- filling ---------------------------------------------------------------------------------------------------------


def _value_and_mask(op: str, input: Tensor, mask: Tensor, value: Any) -> Any:
    if mask.dtype is not bool_:
        raise DTypeError(f"{op} only supports boolean masks, but got mask with dtype {mask.dtype.name}")
    if not isinstance(value, Tensor):
        return checked_number(op, value, input.dtype)
    if value.ndim:
        raise ShapeError(
            f"{op} only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s)"
        )
    return value.to(dtype=input.dtype, device=input.device)


@function()
def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """``value``, a number or a 0-d tensor, where the mask holds; input and mask broadcast.  The dtype stays."""
    found: Tensor = arithmetic.masked_fill_elements(input, mask, _value_and_mask("masked_fill", input, mask, value))
    return found


@function()
def masked_fill_(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """In-place form of :func:`masked_fill`; the mask must broadcast to the tensor."""
    number = _value_and_mask("masked_fill_", input, mask, value)
    return arithmetic.masked_fill_elements.inplace(input, mask, number)


# --- finding ---------------------------------------------------------------------------------------------------------


@composite(outputs=lambda mask, count: [((count,), int64)])
def true_positions(mask: Tensor, count: int) -> Tensor:
    """The flat positions of the ``count`` true elements of a mask, ascending, int64.

    Every element is given its rank among the true ones and writes its position there; the others write one place behind
    the end, which is cut off.
    """
    flat = views.reshape(mask, (-1,))
    rank: Tensor = arithmetic.where_elements(flat, scan.cumsum(flat, 0) - 1, count)
    room = creation.zeros((count + 1,), dtype=int64, device=mask.device)
    places = scatter_along(room, 0, rank, creation.iota(flat, tuple(flat.shape)), tuple(flat.shape), "set")
    return views.narrow(places, 0, 0, count)


@functools.cache
def _coordinate_program(rank: int) -> dispatch.Program:
    at = input_(0, int64)
    roots = []
    for axis in range(rank):
        size, step = scalar(2 * axis, int64), scalar(2 * axis + 1, int64)
        roots.append(binary("remainder", binary("floordiv", at, step), size))
    return tuple(roots)


@primitive
def coordinates(positions: Array, shape: Shape) -> Array:
    """Flat positions ``(n)`` in a tensor of ``shape`` as coordinates ``(n, len(shape))``."""
    count, rank = positions.shape[0], len(shape)
    out = dispatch.new(positions, int64, (count, rank))
    if rank:
        columns = [dispatch.move(out, (count,), (rank,), axis) for axis in range(rank)]
        numbers = [number for axis, size in enumerate(shape) for number in (size, math.prod(shape[axis + 1 :]))]
        dispatch.map_(_coordinate_program(rank), columns, [positions], numbers)
    return out


def count_true(op: str, mask: Tensor) -> int:
    """How many elements of a mask are true: a host read of one number."""
    return int(host.to_host(reduction.count_nonzero(mask)._array, op))


def positions_of(op: str, mask: Tensor) -> Tensor:
    """The flat positions where a mask is true (a host read of their number)."""
    mask = mask.detach()
    count = count_true(op, mask) if mask.numel() else 0
    if count == 0:
        return creation.empty((0,), dtype=int64, device=mask.device)
    return true_positions(mask, count)


@function()
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """Positions of the elements that are not zero -> ``(n, input.ndim)``, int64, in C order; with ``as_tuple`` a vector
    for each axis, which can be used as an index.  Reads ``n`` from the device.
    """
    if as_tuple and input.ndim == 0:
        input = views.reshape(input, (1,))
    mask = input if input.dtype is bool_ else comparison.ne(input, 0)
    found = coordinates(positions_of("nonzero", mask), tuple(input.shape))
    return views.unbind(found, 1) if as_tuple else found


@function()
def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1) -> Tensor:
    """The first ``size`` rows of :func:`nonzero`, ``(size, input.ndim)``; rows that it lacks hold ``fill_value``.

    The shape is known beforehand: nothing is read from the device.
    """
    if size < 0:
        raise ShapeError(f"nonzero_static: 'size' must be an non-negative integer, got {size}")
    flat = views.reshape(input.detach() if input.dtype is bool_ else comparison.ne(input.detach(), 0), (-1,))
    rank = arithmetic.where_elements(flat, arithmetic.clamp(scan.cumsum(flat, 0) - 1, max=size), size)
    room = creation.full((size + 1,), -1, dtype=int64, device=input.device)
    if flat.shape[0]:
        room = scatter_along(room, 0, rank, creation.iota(flat, tuple(flat.shape)), tuple(flat.shape), "set")
    places = views.narrow(room, 0, 0, size)
    found = coordinates(arithmetic.clamp(places, min=0), tuple(input.shape))
    missing = views.unsqueeze(comparison.lt(places, 0), 1)
    filled: Tensor = arithmetic.where_elements(missing, fill_value, found)
    return filled


@function()
def argwhere(input: Tensor) -> Tensor:
    """Positions of the elements that are not zero -> ``(n, input.ndim)``; reads ``n`` from the device."""
    found: Tensor = nonzero(input)
    return found


@function()
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where the mask holds, in C order -> ``(n)``; input and mask broadcast.  Reads ``n`` from the device."""
    if mask.dtype is not bool_:
        raise DTypeError(f"masked_select: expected BoolTensor for mask, got {mask.dtype.name}")
    wide, chosen = views.broadcast_tensors(input, mask)
    places = positions_of("masked_select", chosen)
    return gather_along(views.reshape(wide, (-1,)), 0, places, tuple(places.shape))


@function(inplace=True)
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """The first elements of ``source``, in C order, where the mask holds; input and mask broadcast.

    Raises:
        IndexRangeError: the source has fewer elements than the mask has true ones.
    """
    if mask.dtype is not bool_:
        raise DTypeError(f"masked_scatter only supports boolean masks, but got mask with dtype {mask.dtype.name}")
    if source.dtype is not input.dtype:
        raise DTypeError(
            f"masked_scatter: expected self and source to have same dtypes but got {input.dtype.name} and {source.dtype.name}"
        )
    wide, chosen = views.broadcast_tensors(input, mask)
    if wide.numel() == 0 or (source.numel() == 0 and count_true("masked_scatter", chosen) == 0):
        return wide.clone()
    rank = scan.cumsum(views.reshape(chosen, (-1,)), 0) - 1
    places: Tensor = arithmetic.where_elements(views.reshape(chosen, (-1,)), rank, 0)
    found = gather_along(views.reshape(source, (-1,)), 0, places, tuple(places.shape))
    result: Tensor = arithmetic.where_elements(chosen, views.reshape(found, tuple(wide.shape)), wide)
    return result
