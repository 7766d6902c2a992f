"""Reading by an integer index along one axis, and the primitives that all indexing is made of.

Every op here and in the modules beside it comes down to :func:`gather_along` and its transpose :func:`scatter_zeros`,
each the gradient of the other.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

from hotplug import dispatch, families
from hotplug.array import Array
from hotplug.declare import function, primitive
from hotplug.declare.dims import canonical_dim
from hotplug.dtypes import dtype as DType, int32, int64
from hotplug.errors import DTypeError, IndexRangeError, ShapeError
from hotplug.expr.node import Expr, binary, cast, constant, input_, scalar, where
from hotplug.layout import Shape, broadcast_shapes
from hotplug.ops import views
from hotplug.tensor import Tensor, wrap


def check_target(op: str, size: int, shape: Shape) -> None:
    """An axis without elements can't be read or written at any position.

    Raises:
        IndexRangeError: ``shape`` asks for it all the same.
    """
    if size == 0 and 0 not in shape:
        raise IndexRangeError(f"{op}: the index has elements, but the axis that it indexes has size 0")


@primitive
def gather_along(input: Array, dim: int, index: Array, shape: Shape) -> Array:
    """``out[p] = input[p with p[dim] replaced by index[p]]`` for every ``p`` of ``shape``; the index is broadcast."""
    check_target("gather", input.shape[dim], shape)
    return families.gather(input, dim, index, shape)


@gather_along.gradient("input")
def _(grad: Tensor, input_shape: Shape, dim: int, index: Tensor, shape: Shape) -> Tensor:
    return scatter_zeros(grad, dim, index, shape, input_shape)


@primitive
def scatter_zeros(
    source: Array, dim: int, index: Array, shape: Shape, size: Shape, distinct: bool = False
) -> Array:  # fmt: skip
    """Zeros of shape ``size`` with ``out[p with p[dim] replaced by index[p]] += source[p]`` for every ``p`` of
    ``shape``; the index is broadcast.  ``distinct``: no place is named twice, so that writing will do.
    """
    check_target("scatter", size[dim], shape)
    out = dispatch.new(source, source.dtype, size)
    dispatch.fill_literal(out, 0)
    families.scatter_("set" if distinct else "add", out, dim, index, source, shape)
    return out


@scatter_zeros.gradient("source")
def _(grad: Tensor, dim: int, index: Tensor, shape: Shape) -> Tensor:
    return gather_along(grad, dim, index, shape)


@functools.cache
def _linear_program(kinds: tuple[DType, ...]) -> Expr:
    """Position in the merged axes; what is out of range stays so: the number itself for one axis, -1 for several."""
    total, outside = constant(0, int64), None
    for place, kind in enumerate(kinds):
        given, size = cast(input_(place, kind), int64), scalar(2 * place, int64)
        at = where(given < 0, given + size, given)
        if len(kinds) == 1:
            return where(at < 0, given, at)
        bad = (at < 0) | (at >= size)
        outside = bad if outside is None else outside | bad
        total = binary("add", total, at * scalar(2 * place + 1, int64))
    assert outside is not None
    return where(outside, -1, total)


@primitive
def linear_index(indices: Sequence[Array], sizes: Shape) -> Array:
    """One index into the axes of ``sizes`` merged, from an index for each of them; negative ones count from the end."""
    shape = broadcast_shapes("index", *(index.shape for index in indices))
    out = dispatch.new(indices[0], int64, shape)
    steps = [math.prod(sizes[place + 1 :]) for place in range(len(sizes))]
    numbers = [number for pair in zip(sizes, steps, strict=True) for number in pair]
    program = _linear_program(tuple(index.dtype for index in indices))
    dispatch.map_((program,), [out], indices, numbers if len(sizes) > 1 else numbers[:1])
    return out


def integer_index(op: str, index: Tensor) -> Tensor:
    """An index as int64.

    Raises:
        DTypeError: it is of another dtype than int64 and int32.
    """
    if index.dtype is int64:
        return index
    if index.dtype is not int32:
        raise DTypeError(
            f"{op}(): Expected dtype int32/int64 for index, got {index.dtype.name}; convert it with .long()"
        )
    return index.to(int64)


def along(index: Tensor, dim: int, rank: int) -> Tensor:
    """A vector as an index along axis ``dim`` of a tensor of ``rank`` axes: one that broadcasts over all others."""
    array, tail = index._array, rank - dim - 1
    return wrap(dispatch.move(array, (array.shape[0], *(1,) * tail), (array.strides[0], *(0,) * tail)))


def row(op: str, index: Tensor) -> Tensor:
    """An index of at most one axis as a vector of int64.

    Raises:
        IndexRangeError: it has more axes.
    """
    if index.ndim > 1:
        raise IndexRangeError(f"{op}(): Index is supposed to be a vector, got shape {list(index.shape)}")
    found = integer_index(op, index)
    return found if found.ndim else views.reshape(found, (1,))


def _check_sizes(op: str, input: Tensor, index: Tensor, dim: int) -> None:
    if index.ndim != input.ndim:
        raise ShapeError(
            f"{op}(): Index tensor must have the same number of dimensions as input tensor, got {index.ndim} and "
            f"{input.ndim}"
        )
    if any(i > s for axis, (i, s) in enumerate(zip(index.shape, input.shape, strict=True)) if axis != dim):
        raise ShapeError(
            f"{op}(): Size does not match: expected index {list(index.shape)} to be no larger than self "
            f"{list(input.shape)} apart from dimension {dim}"
        )


@function()
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """``out[i][j] = input[index[i][j]][j]`` for ``dim`` 0, and so on: values along one axis, picked by an index.

    ``index`` has as many axes as ``input``, none but ``dim`` longer -> the shape of ``index``.  Positions are not
    negative.  ``sparse_grad`` changes nothing: gradients are dense.

    Raises:
        IndexRangeError: a position is out of range.
    """
    index = integer_index("gather", index)
    d = canonical_dim("gather", dim, input.ndim)
    shape = tuple(index.shape)
    if index.numel() == 0:
        return views.reshape(gather_along(views.reshape(input, (-1,)), 0, views.reshape(index, (-1,)), (0,)), shape)
    if input.ndim == 0 and index.ndim <= 1:
        flat = views.reshape(index, (-1,))
        return views.reshape(gather_along(views.reshape(input, (1,)), 0, flat, tuple(flat.shape)), shape)
    _check_sizes("gather", input, index, d)
    return gather_along(input, d, index, shape)


@function()
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """Whole slices along ``dim`` at the positions of a vector, which may repeat -> the input's shape with ``len(index)``
    at ``dim``.

    Raises:
        IndexRangeError: a position is negative or too large.
    """
    d = canonical_dim("index_select", dim, input.ndim)
    places = row("index_select", index)
    if input.ndim == 0:
        if places.shape[0] != 1:
            raise ShapeError(f"index_select(): Index to scalar can have only 1 value, got {places.shape[0]} value(s)")
        return views.reshape(gather_along(views.reshape(input, (1,)), 0, places, (1,)), ())
    return select_rows(input, d, places)


def select_rows(input: Tensor, dim: int, places: Tensor) -> Tensor:
    """:func:`index_select` without checks: ``places`` is a vector of int64, ``dim`` not negative."""
    size = input._array.shape
    return gather_along(
        input, dim, along(places, dim, len(size)), (*size[:dim], places._array.shape[0], *size[dim + 1 :])
    )


@function()
def take(input: Tensor, index: Tensor) -> Tensor:
    """Elements of the flattened input -> the shape of ``index``.  Negative positions count from the end.

    Raises:
        IndexRangeError: a position is out of range.
    """
    if index.dtype is not int64:
        raise DTypeError(
            f"take(): Expected a long tensor for index, but got {index.dtype.name}; convert it with .long()"
        )
    places = views.reshape(linear_index([index], (input.numel(),)), (-1,))
    found = gather_along(views.reshape(input, (-1,)), 0, places, tuple(places.shape))
    return views.reshape(found, tuple(index.shape))


@function()
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """:func:`gather` with input and indices broadcast against each other; positions count modulo the size, so that
    negative ones do from the end.  Without ``dim``, both flattened, and positions within the size.
    """
    if indices.dtype is not int64:
        raise DTypeError(f"take_along_dim(): dtype of indices should be Long but got {indices.dtype.name}; use .long()")
    if dim is None:
        return gather(views.reshape(input, (-1,)), 0, views.reshape(indices, (-1,)))
    d = canonical_dim("take_along_dim", dim, input.ndim)
    if input.ndim != indices.ndim:
        raise ShapeError(
            f"take_along_dim(): input and indices should have the same number of dimensions, but got {input.ndim} and "
            f"{indices.ndim}"
        )
    if input.ndim == 0:
        return gather(input, 0, indices)
    ours, theirs = tuple(input.shape), tuple(indices.shape)
    around = [(*each[:d], 1, *each[d + 1 :]) for each in (ours, theirs)]
    common = broadcast_shapes("take_along_dim", *around)
    wide = views.expand(input, (*common[:d], ours[d], *common[d + 1 :]))
    shape = (*common[:d], theirs[d], *common[d + 1 :])
    place = indices % ours[d] if ours[d] else indices
    return gather_along(wide, d, place, shape)
