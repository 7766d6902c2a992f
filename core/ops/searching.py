"""Where values belong in a sorted sequence: searchsorted and bucketize."""

from __future__ import annotations

import functools
from typing import Any

from hotplug import dispatch
from hotplug.declare import composite, function
from hotplug.declare.promotion import common_dtype
from hotplug.dtypes import bool_, dtype as DType, int32, int64, promote, uint8
from hotplug.errors import ArgumentError, DTypeError, ShapeError
from hotplug.expr import scalar as s
from hotplug.expr.node import Expr, binary, constant, input_, scalar, where
from hotplug.layout import Shape
from hotplug.ops import creation, views
from hotplug.ops.gathering import gather_along
from hotplug.ops.sorting import check_ordered
from hotplug.tensor import Tensor, wrap


def _outputs(sequence: Tensor, values: Tensor, right: bool) -> list[tuple[Shape, DType]]:
    return [(tuple(values.shape), int64)]


@composite(outputs=_outputs)
def search_along(sequence: Tensor, values: Tensor, right: bool) -> Tensor:
    """How many elements of the sorted last axis come before each value: those below it, with ``right`` the equal ones too.

    sequence ``(N)``, values ``(*S)``, or ``(*B, N)`` and ``(*B, M)`` -> int64 in the shape of the values.  NaN is above all
    numbers and equal to NaN, as where it is sorted.

    Binary search for all values at once: two launches for every bit of ``N``.
    """
    size, kind = sequence.shape[-1], sequence.dtype
    wanted = values if sequence.ndim > 1 else views.reshape(values, (-1,))
    shape, low = tuple(wanted.shape), creation.zeros(wanted.shape, dtype=int64, device=values.device)
    if not size or not wanted.numel():
        return creation.zeros(values.shape, dtype=int64, device=values.device)
    step = 1 << size.bit_length() - 1
    probe = creation.full(shape, step - 1, dtype=int64, device=values.device)
    while step:
        found = gather_along(sequence, sequence.ndim - 1, probe, shape)
        outs = [dispatch.new(low._array, int64, shape) for _ in range(2)]
        program = _search_program(kind, right)
        dispatch.map_(program, outs, [found._array, wanted._array, low._array], (step, step // 2, size))
        low, probe = wrap(outs[0]), wrap(outs[1])
        step //= 2
    return views.reshape(low, tuple(values.shape))


@functools.cache
def _search_program(kind: DType, right: bool) -> dispatch.Program:
    """The lower bound after one step, and the position to look at in the next."""
    seen, wanted, low = input_(0, kind), input_(1, kind), input_(2, int64)
    step, following, size = scalar(0, int64), scalar(1, int64), scalar(2, int64)
    reached = binary("add", low, step)
    forward = (reached < binary("add", size, 1)) & _precedes(seen, wanted, right)
    low = where(forward, reached, low)
    ahead = binary("add", binary("add", low, following), -1)
    return low, binary("maximum", binary("minimum", ahead, binary("add", size, -1)), constant(0, int64))


def _precedes(seen: Expr, wanted: Expr, right: bool) -> Expr:
    unknown = s.isnan(wanted)
    if right:
        return (seen <= wanted) | unknown
    return (seen < wanted) | (unknown & ~s.isnan(seen))


def _plain(tensor: Tensor) -> Tensor:
    """bool as numbers, which have an order."""
    return tensor.detach().to(uint8) if tensor.dtype is bool_ else tensor.detach()


@function()
def searchsorted(
    sorted_sequence: Tensor, input: Any, *, out_int32: bool = False, right: bool = False, side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Positions at which the values could be inserted along the last axis of a sorted sequence, before equal elements or
    (``right``) after them.

    sorted_sequence ``(N)`` and input ``(*S)`` or a number; or ``(*B, N)`` and ``(*B, M)`` -> the input's shape, int64.

    Args:
        side: ``left`` or ``right``, another way to say ``right``.
        sorter: positions that put the sequence in order, as from argsort, where it is not sorted itself.
    """
    right = _side("searchsorted", side, right)
    check_ordered("searchsorted", sorted_sequence)
    sequence, values = _pair("searchsorted", sorted_sequence, input)
    if sequence.ndim != 1 and (sequence.ndim == 0 or tuple(sequence.shape[:-1]) != tuple(values.shape[:-1])):
        raise ShapeError(
            f"searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and "
            f"input value tensor must match, but we got boundaries tensor {list(sequence.shape)} and input value tensor "
            f"{list(values.shape)}"
        )
    if sorter is not None:
        sequence = _sorted_by(sequence, sorter)
    found = search_along(_plain(sequence), _plain(values), right)
    return found.to(int32) if out_int32 else found


def _side(op: str, side: str | None, right: bool) -> bool:
    if side not in (None, "left", "right"):
        raise _SideError(f"{op}(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise _SideError(f"{op}(): side and right can't be set to opposites, got side of left while right was True")
    return right or side == "right"


class _SideError(ArgumentError, RuntimeError):
    """Neither left nor right, or both."""


def _sorted_by(sequence: Tensor, sorter: Tensor) -> Tensor:
    if tuple(sorter.shape) != tuple(sequence.shape):
        raise ShapeError(
            f"searchsorted(): boundary and sorter must have the same size, but got boundary tensor "
            f"{list(sequence.shape)} and got sorter tensor {list(sorter.shape)}"
        )
    if sorter.dtype is not int64:
        raise DTypeError(f"searchsorted(): sorter must be a tensor of long dtype but got dtype {sorter.dtype.name}")
    return gather_along(sequence, sequence.ndim - 1, sorter, tuple(sequence.shape))


def _pair(op: str, sequence: Tensor, given: Any) -> tuple[Tensor, Tensor]:
    """Sequence and values in their common dtype."""
    if isinstance(given, Tensor):
        common = promote(sequence.dtype, given.dtype)
        return sequence.to(common), given.to(common)
    if sequence.ndim != 1:
        raise ShapeError(f"{op}(): input value can be a scalar only when boundaries tensor dimension is 1")
    common = common_dtype([sequence._array.layout, type(given)])
    return sequence.to(common), creation.full((), given, dtype=common, device=sequence.device)


@function(method=False)
def bucketize(input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """The number of the bucket between ascending ``boundaries`` that each value falls into -> the input's shape, int64.

    Bucket ``i`` is ``(boundaries[i - 1], boundaries[i]]``, with ``right`` ``[boundaries[i - 1], boundaries[i])``.
    """
    if boundaries.ndim != 1:
        raise ShapeError(f"bucketize(): boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)
