"""View operations: another layout on the same memory, no kernel, no copy."""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import Any

from hotplug.declare import function
from hotplug.declare.dims import canonical_dim, canonical_dims, sizes
from hotplug.dtypes import dtype as DType
from hotplug.errors import ArgumentError, DimensionError, ShapeError
from hotplug.layout import infer_size, layout_of, view_strides
from hotplug.ops.view_ops import distinct, expand_to, part_of, permute_axes, strided, view_as_shape, view_bytes
from hotplug.tensor import Tensor


@function()
def permute(input: Tensor, *dims: Any) -> Tensor:
    """Axes in the order of ``dims``, a view.  Raises DimensionError for a bad or repeated dim."""
    wanted = sizes(dims)
    if len(wanted) != input.ndim:
        raise ShapeError(f"permute: expected {input.ndim} dims for shape {list(input.shape)}, got {list(wanted)}")
    order = tuple(canonical_dim("permute", d, input.ndim) for d in wanted)
    canonical_dims("permute", order, input.ndim)
    return permute_axes(input, order)


@function(inplace=True, aliases=("swapaxes", "swapdims"))
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two axes exchanged, a view."""
    rank = input.ndim
    a, b = canonical_dim("transpose", dim0, rank), canonical_dim("transpose", dim1, rank)
    if rank == 0:
        return permute_axes(input, ())
    order = list(range(rank))
    order[a], order[b] = order[b], order[a]
    return permute_axes(input, tuple(order))


@function(inplace=True)
def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; vectors and 0-d tensors stay as they are."""
    if input.ndim > 2:
        raise ShapeError(f"t: expected at most 2 dimensions, got {input.ndim}; use transpose or .mT")
    return permute_axes(input, tuple(reversed(range(input.ndim))))


@function(aliases=("moveaxis",))
def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Axes moved to new places, the others in order, a view."""
    rank = input.ndim
    src = [canonical_dim("movedim", d, rank) for d in ([source] if isinstance(source, int) else source)]
    dst = [canonical_dim("movedim", d, rank) for d in ([destination] if isinstance(destination, int) else destination)]
    if len(src) != len(dst) or len(set(src)) != len(src) or len(set(dst)) != len(dst):
        raise ShapeError(f"movedim: expected equally many distinct dims, got {source} and {destination}")
    rest = iter(d for d in range(rank) if d not in src)
    place = dict(zip(dst, src, strict=True))
    return permute_axes(input, tuple(place[d] if d in place else next(rest) for d in range(rank)))


@function()
def expand(input: Tensor, *sizes_: Any) -> Tensor:
    """Axes of size 1 repeated without copying, a view; -1 keeps a size, new axes come in front."""
    target = list(sizes(sizes_))
    lead = len(target) - input.ndim
    if lead < 0:
        raise ShapeError(f"expand: {list(input.shape)} has more dimensions than {target}")
    for axis, size in enumerate(target):
        own = input.shape[axis - lead] if axis >= lead else None
        if size == -1 and own is not None:
            target[axis] = own
        elif size < 0 or (own is not None and own not in (1, size)):
            raise ShapeError(f"expand: {list(input.shape)} can't be expanded to {target}: axis {axis} has size {own}")
    return expand_to(input, tuple(target))


@function()
def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """``input.expand(other.shape)``."""
    return expand(input, other.shape)


@function()
def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """``input.expand(size)``."""
    return expand(input, size)


@function(method=False, sample=None)
def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """All tensors expanded to their common shape."""
    from hotplug.layout import broadcast_shapes

    shape = broadcast_shapes("broadcast_tensors", *(tuple(each.shape) for each in tensors))
    return tuple(expand_to(each, shape) for each in tensors)


@function()
def reshape(input: Tensor, *shape: Any) -> Tensor:
    """The same elements in C order under another shape; a view where strides allow, else a copy.

    One size may be -1.
    """
    target = infer_size("reshape", sizes(shape), input.numel())
    strides = view_strides(input._array.shape, input._array.strides, target)
    if strides is None:
        from hotplug import ops

        input = ops.contiguous(input)
        strides = layout_of(input.dtype, target).strides
    return view_as_shape(input, target, strides)


@function()
def view(input: Tensor, *shape: Any, dtype: DType | None = None) -> Tensor:
    """``Tensor.view``: another shape without a copy, or another dtype of the same bytes.

    Raises:
        ShapeError: the strides don't allow it; use reshape.
    """
    if len(shape) == 1 and isinstance(shape[0], DType):
        return view_dtype(input, shape[0])
    if dtype is not None:
        return view_dtype(input, dtype)
    target = infer_size("view", sizes(shape), input.numel())
    strides = view_strides(input._array.shape, input._array.strides, target)
    if strides is None:
        raise ShapeError(
            f"view: shape {list(target)} is not compatible with size {list(input.shape)} and strides "
            f"{list(input._array.strides)}; use reshape(...), which copies where it must"
        )
    return view_as_shape(input, target, strides)


@function()
def view_as(input: Tensor, other: Tensor) -> Tensor:
    """``input.view(other.shape)``."""
    return view(input, other.shape)


@function()
def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """``input.reshape(other.shape)``."""
    return reshape(input, other.shape)


def view_dtype(input: Tensor, dtype: DType) -> Tensor:
    """The same memory as another dtype; not differentiable."""
    if dtype is input.dtype:
        return view(input, input.shape)
    return view_bytes(input, dtype)


@function()
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Axes ``start_dim`` to ``end_dim`` merged into one; a 0-d tensor becomes 1-d."""
    a, b = canonical_dim("flatten", start_dim, input.ndim), canonical_dim("flatten", end_dim, input.ndim)
    if a > b:
        raise ShapeError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
    shape = input._array.shape
    if not shape:
        return reshape(input, (1,))
    if a == b:
        return input
    return reshape(input, (*shape[:a], math.prod(shape[a : b + 1]), *shape[b + 1 :]))


def check_axes(op: str, input: Tensor) -> None:
    """Refuse a tensor without axes."""
    if not input.ndim:
        raise ShapeError(f"{op}: expected at least one dimension, got a 0-d tensor; .reshape(1) gives it one")


@function()
def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """One axis split into several, a view; one of the sizes may be -1."""
    check_axes("unflatten", input)
    d = canonical_dim("unflatten", dim, input.ndim)
    inner = infer_size("unflatten", tuple(sizes), input.shape[d])
    return view(input, (*input.shape[:d], *inner, *input.shape[d + 1 :]))


@function()
def ravel(input: Tensor) -> Tensor:
    """All elements in one axis."""
    return reshape(input, (-1,))


@function(inplace=True)
def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    """Axes of size 1 removed, a view: all, or those of ``dim``."""
    dims = canonical_dims("squeeze", dim, input.ndim)
    keep = [a for a in range(input.ndim) if not (a in dims and input.shape[a] == 1)]
    array = input._array
    return view_as_shape(input, tuple(array.shape[a] for a in keep), tuple(array.strides[a] for a in keep))


@function(inplace=True)
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A new axis of size 1 at ``dim``, a view."""
    d = canonical_dim("unsqueeze", dim, input.ndim + 1)
    shape, strides = list(input._array.shape), list(input._array.strides)
    step = shape[d] * strides[d] if d < len(shape) else 1
    return view_as_shape(input, (*shape[:d], 1, *shape[d:]), (*strides[:d], step, *strides[d:]))


def _axes(rank: int) -> list[tuple[int, ...]]:
    """Unit steps: axis ``i`` of the result follows axis ``i`` of the input."""
    return [tuple(int(i == j) for j in range(rank)) for i in range(rank)]


@function()
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """One position of an axis, which is dropped, a view.

    Raises:
        DimensionError: the index is out of range.
    """
    if not input.ndim:
        raise DimensionError("select: a 0-d tensor has no axis to select from; use .item()")
    d = canonical_dim("select", dim, input.ndim)
    size = input.shape[d]
    position = index.__index__()
    if not -size <= position < size:
        raise DimensionError(f"select: index {index} is out of bounds for dimension {d} with size {size}")
    start = [0] * input.ndim
    start[d] = position % size
    steps = _axes(input.ndim)
    del steps[d]
    return part_of(input, [s for a, s in enumerate(input.shape) if a != d], steps, start)


def slice_dim(input: Tensor, dim: int, start: int, length: int, step: int) -> Tensor:
    """``length`` positions of an axis from ``start`` in steps of either sign, a view."""
    origin = [0] * input.ndim
    origin[dim] = start if length else 0
    steps = [tuple(step * x for x in axis) if a == dim else axis for a, axis in enumerate(_axes(input.ndim))]
    shape = [length if a == dim else s for a, s in enumerate(input.shape)]
    return part_of(input, shape, steps, origin)


@function()
def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """``length`` positions of an axis from ``start``, a view."""
    check_axes("narrow", input)
    d = canonical_dim("narrow", dim, input.ndim)
    size = input.shape[d]
    first = int(start) + size if start < 0 else int(start)
    if not 0 <= first <= size:
        raise DimensionError(f"narrow: start expected to be in range of [{-size}, {size}], but got {start}")
    if length < 0 or first + length > size:
        raise ShapeError(f"narrow: start ({start}) + length ({length}) exceeds dimension size ({size}), or is negative")
    return slice_dim(input, d, first, length, 1)


@function()
def split(input: Tensor, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Consecutive pieces of ``split_size`` positions (the last may be shorter), or of the listed sizes; views."""
    check_axes("split", input)
    d = canonical_dim("split", dim, input.ndim)
    size = input.shape[d]
    if isinstance(split_size, int):
        if split_size < 0 or (split_size == 0 and size):
            raise ArgumentError(f"split: expected a positive split_size, got {split_size}")
        lengths = [builtins.min(split_size, size - at) for at in range(0, size, split_size or 1)] or [0]
    else:
        lengths = list(split_size)
        if builtins.sum(lengths) != size:
            raise ShapeError(f"split: sizes {lengths} don't add up to dimension {d} of size {size}")
    pieces, at = [], 0
    for length in lengths:
        pieces.append(narrow(input, d, at, length))
        at += length
    return tuple(pieces)


@function()
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most ``chunks`` pieces of equal size (the last may be shorter); views."""
    if chunks <= 0:
        raise ArgumentError(f"chunk: expected chunks to be greater than 0, got {chunks}")
    check_axes("chunk", input)
    size = input.shape[canonical_dim("chunk", dim, input.ndim)]
    if not size:
        return split(input, [0] * chunks, dim)
    return split(input, -(-size // chunks), dim)


@function()
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """All positions of an axis as views without it."""
    if not input.ndim:
        raise DimensionError("unbind: Dimension specified as 0 but tensor has no dimensions")
    d = canonical_dim("unbind", dim, input.ndim)
    return tuple(select(input, d, i) for i in range(input.shape[d]))


@function()
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonal of two axes as a new last axis, a view; ``offset`` above 0 lies above the main one."""
    a, b = canonical_dim("diagonal", dim1, input.ndim), canonical_dim("diagonal", dim2, input.ndim)
    if a == b:
        raise ShapeError(f"diagonal: dimensions can't be identical, got {dim1} and {dim2}")
    rows, columns = input.shape[a], input.shape[b]
    start = [0] * input.ndim
    length = builtins.max(
        0, builtins.min(rows, columns - offset) if offset >= 0 else builtins.min(rows + offset, columns)
    )
    if length:
        start[b if offset >= 0 else a] = builtins.abs(offset)
    kept = [axis for axis in range(input.ndim) if axis not in (a, b)]
    axes = _axes(input.ndim)
    both = tuple(x + y for x, y in zip(axes[a], axes[b], strict=True))
    return part_of(input, [*(input.shape[k] for k in kept), length], [*(axes[k] for k in kept), both], start)


@function()
def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """Windows of ``size`` positions every ``step``, the window as a new last axis; a view whose parts may overlap."""
    d = canonical_dim("unfold", dimension, input.ndim)
    length = input.shape[d] if input.ndim else 1
    if size > length or size < 0 or step <= 0:
        raise ShapeError(f"unfold: size {size} and step {step} don't fit dimension {d} of size {length}")
    if input.requires_grad and not distinct(input._array.shape, input._array.strides):
        input = input.contiguous()  # elements that share memory have gradients of their own
    array = input._array
    shape = (*array.shape[:d], (length - size) // step + 1, *array.shape[d + 1 :], size)
    strides = (*array.strides[:d], array.strides[d] * step, *array.strides[d + 1 :], array.strides[d])
    return strided(input, shape, strides, array.offset)


@function()
def as_strided(input: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None) -> Tensor:
    """Any layout within the tensor's storage; strides of either sign.

    Raises:
        ShapeError: an element would lie outside of the storage.
    """
    shape, strides = tuple(size), tuple(stride)
    if len(shape) != len(strides) or any(s < 0 for s in shape):
        raise ShapeError(f"as_strided: mismatch of size {list(shape)} and stride {list(strides)}")
    offset = input._array.offset if storage_offset is None else storage_offset
    layout = layout_of(input.dtype, shape, strides)
    low, high = layout.extent()
    if layout.numel and (offset + low < 0 or (offset + high + 1) * input.dtype.itemsize > input._array.storage.nbytes):
        raise ShapeError(
            f"as_strided: size {list(shape)}, stride {list(strides)}, offset {offset} reach outside of the storage of "
            f"{input._array.storage.nbytes} bytes"
        )
    return strided(input, shape, strides, offset)
