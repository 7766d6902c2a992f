"""Triangles, diagonals, and one-hot codes."""

from __future__ import annotations

import functools

from hotplug import dispatch
from hotplug.array import Array
from hotplug.declare import function, primitive
from hotplug.declare.dims import canonical_dim
from hotplug.dtypes import dtype as DType, int64
from hotplug.errors import DimensionError, DTypeError, IndexRangeError, ShapeError
from hotplug.expr.node import Expr, binary, constant, index, input_, scalar, where
from hotplug.layout import Shape
from hotplug.ops import creation, reduction, view_ops, views
from hotplug.ops.scattering import scatter_along
from hotplug.tensor import Tensor


@functools.cache
def _triangle_program(dtype: DType, upper: bool) -> Expr:
    """The element where its column minus its row is on the right side of the diagonal, else 0."""
    columns, rows, diagonal = (scalar(place, int64) for place in range(3))
    row = binary("remainder", binary("floordiv", index(), columns), rows)
    offset = binary("remainder", index(), columns) - row
    inside = offset >= diagonal if upper else offset <= diagonal
    return where(inside, input_(0, dtype), constant(0, dtype))


@primitive
def triangle(input: Array, diagonal: int, upper: bool) -> Array:
    """The part of each matrix on and above, or on and below, a diagonal."""
    out = dispatch.new(input, input.dtype, input.shape)
    program = _triangle_program(input.dtype, upper)
    dispatch.map_((program,), [out], [dispatch.contiguous(input)], (input.shape[-1], input.shape[-2], diagonal))
    return out


@triangle.gradient("input")
def _(grad: Tensor, diagonal: int, upper: bool) -> Tensor:
    return triangle(grad, diagonal, upper)


def _check_matrix(op: str, input: Tensor) -> None:
    if input.ndim < 2:
        raise ShapeError(f"{op}: input tensor must have at least 2 dimensions, got {input.ndim}")


@function(inplace=True)
def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangle of each matrix, zeros above the ``diagonal`` (0 is the main one, above it positive)."""
    _check_matrix("tril", input)
    return triangle(input, diagonal, False)


@function(inplace=True)
def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangle of each matrix, zeros below the ``diagonal`` (0 is the main one, above it positive)."""
    _check_matrix("triu", input)
    return triangle(input, diagonal, True)


@function()
def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """A vector as the diagonal of a square matrix of zeros, or a matrix's diagonal as a vector."""
    if input.ndim == 1:
        return diag_embed(input, diagonal)
    if input.ndim == 2:
        return views.diagonal(input, diagonal).clone()
    raise ShapeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D; use diagonal or diag_embed")


@function()
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The last axis as the diagonal of matrices of zeros, whose axes are ``dim1`` and ``dim2`` of the result."""
    if input.ndim == 0:
        raise DimensionError("diag_embed: expected at least one dimension, got a 0-d tensor; .reshape(1) gives it one")
    rank = input.ndim + 1
    a, b = canonical_dim("diag_embed", dim1, rank), canonical_dim("diag_embed", dim2, rank)
    if a == b:
        raise ShapeError(f"diag_embed: diagonal dimensions cannot be identical, got {dim1} and {dim2}")
    size = input.shape[-1] + abs(offset)
    shape, start = list(input.shape[:-1]), [0] * rank
    for axis in sorted((a, b)):
        shape.insert(axis, size)
    start[b if offset >= 0 else a] = abs(offset) if input.shape[-1] else 0
    kept = [axis for axis in range(rank) if axis not in (a, b)]
    steps = [tuple(int(place == axis) for place in range(rank)) for axis in kept]
    steps.append(tuple(int(place in (a, b)) for place in range(rank)))
    return view_ops.embed(input, tuple(shape), tuple(steps), tuple(start))


@function(method=False, namespace="nn.functional")
def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Class numbers ``(*S)`` -> ``(*S, num_classes)``, int64: 1 at the number, 0 elsewhere.

    Without ``num_classes`` the largest number is read from the device.

    Raises:
        IndexRangeError: a class number is negative or too large.
    """
    if tensor.dtype is not int64:
        raise DTypeError(
            f"one_hot is only applicable to index tensor of type int64, got {tensor.dtype.name}; use .long()"
        )
    if num_classes == -1:
        if tensor.numel() == 0:
            raise ShapeError("one_hot: Can not infer total number of classes from empty tensor; pass num_classes")
        num_classes = int(reduction.amax(tensor).item()) + 1
    if num_classes < 1 and tensor.numel():
        raise IndexRangeError("one_hot: Class values must be non-negative, and num_classes positive")
    shape: Shape = (*tensor.shape, num_classes)
    zeros = creation.zeros(shape, dtype=int64, device=tensor.device)
    if 0 in shape:
        return zeros
    one = creation.ones((), dtype=int64, device=tensor.device)
    return scatter_along(zeros, len(shape) - 1, views.unsqueeze(tensor, -1), one, (*shape[:-1], 1), "set")
