"""Writing into a copy at places: put, index_reduce, and the forms of views that write."""

from __future__ import annotations

from collections.abc import Sequence

from hotplug.autograd.views import assign
from hotplug.declare import function
from hotplug.declare.dims import canonical_dim
from hotplug.dtypes import int64
from hotplug.errors import DTypeError, IndexRangeError, RankError, ShapeError
from hotplug.ops import movement, scatter_reduction, views
from hotplug.ops.gathering import linear_index
from hotplug.ops.scattering import BadReduceError, scatter_along, scatter_rows
from hotplug.tensor import Tensor


@function(inplace=True)
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of ``input`` with elements of ``source`` at positions in the flattened input; negative ones from the end.

    index and source with equally many elements; with ``accumulate`` they are added, repeats included.

    Raises:
        IndexRangeError: a position is out of range.
    """
    if index.dtype is not int64:
        raise DTypeError(f"put(): expected a long tensor for index, but got {index.dtype.name}; convert with .long()")
    if source.dtype is not input.dtype:
        raise DTypeError(
            f"put(): self and source expected to have the same dtype, but got {input.dtype.name} and {source.dtype.name}"
        )
    if index.numel() != source.numel():
        raise IndexRangeError(
            f"put(): expected source and index to have the same number of elements, but got {source.numel()} and "
            f"{index.numel()}"
        )
    places = views.reshape(linear_index([index], (input.numel(),)), (-1,))
    flat, values = views.reshape(input, (-1,)), views.reshape(source, (-1,))
    found = scatter_along(flat, 0, places, values, tuple(places.shape), "add" if accumulate else "set")
    return views.reshape(found, tuple(input.shape))


_MODES = ("prod", "mean", "amax", "amin")


@function(inplace=True)
def index_reduce(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """Slices of ``source`` along ``dim`` reduced into those that ``index`` names: ``prod``, ``mean``, ``amax`` or ``amin``
    of the slices sent to a place and, if ``include_self``, its own.  Other places keep theirs.
    """
    if reduce not in _MODES:
        raise BadReduceError(f"index_reduce(): reduce argument must be either prod, mean, amax or amin, got {reduce}")
    target, d, places, values, shape = scatter_rows("index_reduce", input, dim, index, source)
    wide = views.expand(places, shape)
    found = scatter_reduction.scatter_reduce(target, d, wide, values, reduce, include_self=include_self)
    return views.reshape(found, tuple(input.shape)) if input.ndim == 0 else found


# --- views that write ------------------------------------------------------------------------------------------------


def _written(op: str, src: Tensor, copy: Tensor, part: Tensor) -> Tensor:
    if tuple(part.shape) != tuple(src.shape):
        raise ShapeError(
            f"{op}: expected src to have a size equal to the slice of self. src size = {list(src.shape)}, slice size = "
            f"{list(part.shape)}"
        )
    assign(op, part, src)
    return copy


@function()
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy of ``input`` with ``src`` at position ``index`` of an axis."""
    copy = input.clone()
    return _written("select_scatter", src, copy, views.select(copy, dim, index))


@function()
def slice_scatter(
    input: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """A copy of ``input`` with ``src`` at positions ``start:end:step`` of an axis."""
    copy = input.clone()
    d = canonical_dim("slice_scatter", dim, input.ndim)
    first, last, stride = slice(start, end, step).indices(input.shape[d])
    length: int = max(0, -(-(last - first) // stride))
    return _written("slice_scatter", src, copy, views.slice_dim(copy, d, first, length, stride))


@function()
def diagonal_scatter(input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A copy of ``input`` with ``src`` on a diagonal of two axes."""
    copy = input.clone()
    return _written("diagonal_scatter", src, copy, views.diagonal(copy, offset, dim1, dim2))


@function()
def as_strided_scatter(
    input: Tensor, src: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Tensor:
    """A copy of ``input``, which must be contiguous, with ``src`` at the elements that :func:`as_strided` shows of it."""
    if not input.is_contiguous():
        raise ShapeError("as_strided_scatter: expected a contiguous input, got another layout; use .contiguous()")
    copy = input.clone()
    part = views.as_strided(copy, size, stride, 0 if storage_offset is None else storage_offset)
    return _written("as_strided_scatter", src, copy, part)


@function()
def fill_diagonal_(input: Tensor, fill_value: float, wrap: bool = False) -> Tensor:
    """Set the elements whose indices are all equal.  input of two axes, or of more that are equal.

    With ``wrap``, the diagonal of a tall matrix begins anew below each one, with an empty row between.
    """
    if input.ndim < 2:
        raise RankError(f"fill_diagonal_: dimensions must larger than 1, got {input.ndim}")
    if input.ndim > 2 and len(set(input.shape)) > 1:
        raise ShapeError(f"fill_diagonal_: all dimensions of input must be of equal length, got {list(input.shape)}")
    height, width = input.shape[:2]
    starts = range(0, height, width + 1) if wrap and input.ndim == 2 else (0,)
    for start in starts:
        part = views.narrow(input, 0, start, height - start)
        while part.ndim > 1:  # the diagonal of two axes becomes the last, which pairs with the next
            part = views.diagonal(part, 0, 0, part.ndim - 1)
        movement.fill_(part, fill_value)
    return input
