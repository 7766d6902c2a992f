"""Tensors joined along an axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hotplug import dispatch
from hotplug.array import Array
from hotplug.declare import function, primitive
from hotplug.declare.dims import canonical_dim
from hotplug.dtypes import promote
from hotplug.errors import ArgumentError, ArgumentTypeError, ShapeError
from hotplug.layout import Shape
from hotplug.ops import views
from hotplug.tensor import Tensor


@primitive
def joined(tensors: Sequence[Array], dim: int, lengths: Shape) -> Array:
    """Arrays of one dtype side by side along ``dim``: each is copied into its part of the result."""
    first = tensors[0]
    out = dispatch.new(first, first.dtype, (*first.shape[:dim], sum(lengths), *first.shape[dim + 1 :]))
    at = 0
    for each, length in zip(tensors, lengths, strict=True):
        dispatch.copy(each, dispatch.move(out, each.shape, out.strides, at * out.strides[dim]))
        at += length
    return out


@joined.gradient("tensors")
def _(grad: Tensor, dim: int, lengths: Shape) -> list[Tensor]:
    parts, at = [], 0
    for length in lengths:
        parts.append(views.narrow(grad, dim, at, length))
        at += length
    return parts


def _tensors(op: str, tensors: Sequence[Tensor]) -> list[Tensor]:
    """The operands in their common dtype.

    Raises:
        ArgumentTypeError: they are no sequence of tensors.
        ArgumentError: there are none.
    """
    if isinstance(tensors, Tensor) or not isinstance(tensors, Sequence):
        raise ArgumentTypeError(f"{op}(): argument 'tensors' must be tuple of Tensors, not {type(tensors).__name__}")
    for place, each in enumerate(tensors):
        if not isinstance(each, Tensor):
            raise ArgumentTypeError(
                f"expected Tensor as element {place} in argument 0 of {op}(), but got {type(each).__name__}"
            )
    if not tensors:
        raise NothingToJoinError(f"{op}(): expected a non-empty list of Tensors")
    common = tensors[0].dtype
    for each in tensors[1:]:
        common = promote(common, each.dtype)
    return [each.to(common) for each in tensors]


class NothingToJoinError(ArgumentError, RuntimeError):
    """A list of tensors is empty."""


@function(method=False, aliases=("concat", "concatenate"))
def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors side by side along ``dim``, where their sizes may differ, in their common dtype.

    A vector without elements is skipped, whatever the others' shape, as in PyTorch.

    Raises:
        ShapeError: the sizes differ along another axis.
    """
    parts = _tensors("cat", tensors)
    for place, each in enumerate(parts):
        if each.ndim == 0:
            raise ShapeError(f"cat(): zero-dimensional tensor (at position {place}) cannot be concatenated; use stack")
    kept = [each for each in parts if tuple(each.shape) != (0,)] or parts[:1]
    first = kept[0]
    d = canonical_dim("cat", dim, first.ndim)
    for place, each in enumerate(kept[1:], 1):
        if each.ndim != first.ndim:
            raise ShapeError(f"cat(): Tensors must have same number of dimensions: got {first.ndim} and {each.ndim}")
        for axis in range(first.ndim):
            if axis != d and each.shape[axis] != first.shape[axis]:
                raise ShapeError(
                    f"cat(): Sizes of tensors must match except in dimension {d}. Expected size {first.shape[axis]} but "
                    f"got size {each.shape[axis]} for tensor number {place} in the list."
                )
    return joined(kept, d, tuple(each.shape[d] for each in kept))


@function(method=False)
def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors of one shape side by side along a new axis ``dim``, in their common dtype."""
    parts = _tensors("stack", tensors)
    d = canonical_dim("stack", dim, parts[0].ndim + 1)
    for place, each in enumerate(parts):
        if each.shape != parts[0].shape:
            raise ShapeError(
                f"stack expects each tensor to be equal size, but got {list(parts[0].shape)} at entry 0 and "
                f"{list(each.shape)} at entry {place}"
            )
    return joined([views.unsqueeze(each, d) for each in parts], d, (1,) * len(parts))


@function(method=False)
def atleast_1d(*tensors: Tensor) -> Tensor | tuple[Tensor, ...]:
    """0-d tensors as vectors, others as they are."""
    return _each(_one, tensors)


@function(method=False)
def atleast_2d(*tensors: Tensor) -> Tensor | tuple[Tensor, ...]:
    """Tensors of fewer than two axes with axes of size 1 in front."""
    return _each(_two, tensors)


@function(method=False)
def atleast_3d(*tensors: Tensor) -> Tensor | tuple[Tensor, ...]:
    """Tensors of fewer than three axes with axes of size 1: a matrix gets its third at the end."""
    return _each(_three, tensors)


def _one(tensor: Tensor) -> Tensor:
    return views.reshape(tensor, (1,)) if tensor.ndim == 0 else tensor


def _two(tensor: Tensor) -> Tensor:
    return views.unsqueeze(_one(tensor), 0) if tensor.ndim < 2 else tensor


def _three(tensor: Tensor) -> Tensor:
    return views.unsqueeze(_two(tensor), -1) if tensor.ndim < 3 else tensor


def _each(change: Callable[[Tensor], Tensor], tensors: Sequence[Any]) -> Tensor | tuple[Tensor, ...]:
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    found = tuple(map(change, given))
    return found[0] if len(found) == 1 and given is tensors else found


@function(method=False)
def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined along the second axis; vectors along their only one."""
    parts = [_one(each) for each in _tensors("hstack", tensors)]
    return cat(parts, 0 if parts[0].ndim == 1 else 1)


@function(method=False, aliases=("row_stack",))
def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined along the first axis; vectors are rows."""
    return cat([_two(each) for each in _tensors("vstack", tensors)], 0)


@function(method=False)
def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined along the third axis."""
    return cat([_three(each) for each in _tensors("dstack", tensors)], 2)


@function(method=False)
def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined along the second axis; vectors are columns."""
    parts = _tensors("column_stack", tensors)
    return cat([each if each.ndim > 1 else views.reshape(each, (-1, 1)) for each in parts], 1)
