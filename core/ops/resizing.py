"""Old ways to change a tensor: its type by name, its size in place."""

from __future__ import annotations

from typing import Any

from hotplug import dispatch
from hotplug.array import Array
from hotplug.autograd.graph import history
from hotplug.declare import function
from hotplug.declare.dims import canonical_dim, sizes as sizes_of
from hotplug.dtypes import int64
from hotplug.errors import ArgumentError, AutogradError, RankError, ShapeError
from hotplug.layout import layout_of
from hotplug.tensor import Tensor


@function(namespace="Tensor", name="type")
def to_type(input: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """The name of the tensor's type, as ``"torch.FloatTensor"``; with ``dtype`` (a dtype, such a name, or a typed
    constructor) the tensor converted.
    """
    from hotplug import legacy

    return legacy.type_name(input) if dtype is None else legacy.converted(input, dtype)


@function(namespace="Tensor", name="resize_")
def resize_in_place(input: Tensor, *sizes: Any, memory_format: Any = None) -> Tensor:
    """Give a tensor another size: its storage's elements in order, and after them uninitialised ones.

    Where the storage is too small the tensor gets a new one; other tensors keep the old.

    Raises:
        AutogradError: it requires a gradient.
        ShapeError: a negative size.
    """
    if history(input) is not None:
        raise AutogradError("resize_: cannot resize variables that require grad; detach() it")
    shape = sizes_of(sizes)
    if any(size < 0 for size in shape):
        raise ShapeError(f"resize_: requested resize to {list(shape)}, but sizes must not be negative")
    array, layout = input._array, layout_of(input.dtype, shape)
    there = array.storage.nbytes // input.dtype.itemsize - array.offset
    if layout.numel <= there:
        input._array = Array(array.storage, layout, array.offset)
        return input
    grown = array.storage.runtime.empty(layout)
    kept = layout_of(input.dtype, (there,))
    if there:
        dispatch.copy(Array(array.storage, kept, array.offset), Array(grown.storage, kept))
    input._array = grown
    return input


@function(namespace="Tensor", name="resize_as_")
def resize_as_in_place(input: Tensor, other: Tensor, memory_format: Any = None) -> Tensor:
    """:meth:`resize_` to the size of another tensor."""
    return resize_in_place(input, *other.shape)


@function()
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """The elements, in order, as the diagonal of a square matrix of zeros."""
    from hotplug.ops.diagonals import diag

    return diag(input.reshape(-1), offset)


@function(method=False)
def broadcast_shapes(*shapes: Any) -> Any:
    """The shape to which shapes broadcast.

    Raises:
        ShapeError: they do not.
    """
    from hotplug.layout import broadcast_shapes as broadcast
    from hotplug.tensor import Size

    given = [(each,) if isinstance(each, int) else tuple(each) for each in shapes]
    return Size(broadcast("broadcast_shapes", *given))


@function()
def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """Positions in an array of a shape as one index tensor for each axis."""
    from hotplug.ops.arithmetic import floor_divide, remainder

    left, found = indices.to(int64), []
    for size in reversed((shape,) if isinstance(shape, int) else tuple(shape)):
        found.append(remainder(left, size))
        left = floor_divide(left, size)
    return tuple(reversed(found))


@function(inplace=True)
def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """Slices along ``dim`` scaled down to a p-norm of ``maxnorm`` where theirs is larger."""
    from hotplug.ops.reduction import norm
    from hotplug.ops.selection import where

    if input.ndim < 2:
        raise RankError(f"renorm: input needs at least 2 dimensions, got {input.ndim} dimensions")
    if p <= 0:
        raise ArgumentError(f"renorm: non-positive norm not supported, got p={p}")
    d = canonical_dim("renorm", dim, input.ndim)
    axes = [axis for axis in range(input.ndim) if axis != d]
    size = norm(input, p, axes, True)
    scale: Tensor = where(size > maxnorm, maxnorm / (size + 1e-7), 1.0)
    return input * scale
