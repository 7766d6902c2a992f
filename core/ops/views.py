"""View operations: another layout on the same memory, no kernel, no copy."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

from hotplug import dispatch
from hotplug.array import Array
from hotplug.declare import function, primitive, view as view_op
from hotplug.declare.dims import canonical_dim, canonical_dims, sizes
from hotplug.dispatch import move
from hotplug.dtypes import dtype as DType
from hotplug.errors import ArgumentError, DimensionError, DTypeError, ShapeError
from hotplug.layout import Shape, Strides, infer_size, layout_of, view_strides
from hotplug.tensor import Tensor

# --- the ops on the tape ---


@view_op
def permute_axes(input: Array, dims: Shape) -> Array:
    """Axes in another order."""
    return move(input, [input.shape[d] for d in dims], [input.strides[d] for d in dims])


@permute_axes.gradient("input")
def _(grad: Tensor, dims: Shape) -> Tensor:
    return permute_axes(grad, tuple(sorted(range(len(dims)), key=dims.__getitem__)))


@view_op
def expand_to(input: Array, shape: Shape) -> Array:
    """Broadcast to ``shape`` with stride 0."""
    from hotplug.layout import broadcast_strides

    return move(input, shape, broadcast_strides(input.shape, input.strides, shape))


@expand_to.gradient("input")
def _(grad: Tensor, input_shape: Shape) -> Tensor:
    from hotplug import ops

    return ops.sum_to_size(grad, input_shape)


@view_op
def view_as_shape(input: Array, shape: Shape, strides: Strides) -> Array:
    """The same elements in C order under another shape."""
    return move(input, shape, strides)


@view_as_shape.gradient("input")
def _(grad: Tensor, input_shape: Shape) -> Tensor:
    return reshape(grad, input_shape)


@view_op
def strided(input: Array, shape: Shape, strides: Strides, offset: int) -> Array:
    """Any layout within the storage; ``offset`` counts from the storage's start."""
    return Array(input.storage, layout_of(input.dtype, shape, strides), offset)


@strided.gradient("input")
def _(grad: Tensor, input: Tensor, shape: Shape, strides: Strides, offset: int) -> Tensor:
    """Each element of the input gets the sum of the gradients of the places where it appears."""
    positions = _positions(input._array, shape, strides, offset)
    return _add_at(grad, positions, tuple(input.shape))


@view_op
def located_part(input: Array, shape: Shape, steps: tuple[Shape, ...], start: Shape) -> Array:
    """A part of the input, described by steps along its axes rather than by strides."""
    strides = [builtins.sum(s * st for s, st in zip(step, input.strides, strict=True)) for step in steps]
    offset = builtins.sum(s * st for s, st in zip(start, input.strides, strict=True))
    return move(input, shape, strides, offset)


@located_part.gradient("input")
def _(grad: Tensor, input_shape: Shape, shape: Shape, steps: tuple[Shape, ...], start: Shape) -> Tensor:
    return embed(grad, input_shape, steps, start)


@primitive
def embed(input: Array, shape: Shape, steps: tuple[Shape, ...], start: Shape) -> Array:
    """Zeros of ``shape`` with ``input`` written where :func:`located_part` would read."""
    out = dispatch.new(input, input.dtype, shape)
    dispatch.fill_literal(out, 0)
    dispatch.copy(input, located_part.body(out, input.shape, steps, start))
    return out


@embed.gradient("input")
def _(grad: Tensor, input_shape: Shape, steps: tuple[Shape, ...], start: Shape) -> Tensor:
    return located_part(grad, input_shape, steps, start)


def _add_at(grad: Tensor, positions: Tensor, shape: Shape) -> Tensor:
    """Zeros of ``shape`` plus ``grad`` added at flat positions; differentiable in ``grad``."""
    from hotplug import ops

    flat = ops.zeros((builtins.max(1, _numel(shape)),), dtype=grad.dtype, device=grad.device)
    summed = ops.scatter_add(flat, 0, reshape(positions, (-1,)), reshape(grad, (-1,)))
    return reshape(summed if _numel(shape) else summed[:0], shape)


def _numel(shape: Sequence[int]) -> int:
    result = 1
    for size in shape:
        result *= size
    return result


def _positions(input: Array, shape: Shape, strides: Strides, offset: int) -> Tensor:
    """For every element of a strided view, the flat C-order position in ``input`` of the same memory."""
    from hotplug import families
    from hotplug.dtypes import int64
    from hotplug.tensor import wrap

    low, high = input.layout.extent()
    span = high - low + 1
    memory = dispatch.new(input, int64, (builtins.max(span, 1),))
    dispatch.fill_literal(memory, 0)
    target = Array(memory.storage, layout_of(int64, input.shape, input.strides), -low)
    dispatch.copy(families.iota(input, input.shape), target)
    seen = Array(memory.storage, layout_of(int64, shape, strides), offset - input.offset - low)
    first, last = seen.layout.extent()
    if seen.offset + first < 0 or seen.offset + last >= span:
        raise ShapeError("as_strided: the view reaches outside of its input, so it has no gradient")
    return wrap(dispatch.clone(seen))


def part_of(input: Tensor, shape: Sequence[int], steps: Sequence[Sequence[int]], start: Sequence[int]) -> Tensor:
    """A part of ``input``: axis ``i`` of the result steps by ``steps[i]`` along the input's axes, from ``start``."""
    return located_part(input, tuple(shape), tuple(map(tuple, steps)), tuple(start))


# --- public functions ---


@function()
def permute(input: Tensor, *dims: Any) -> Tensor:
    """Axes in the order of ``dims``, a view.  Raises DimensionError for a bad or repeated dim."""
    wanted = sizes(dims)
    if len(wanted) != input.ndim:
        raise ShapeError(f"permute: expected {input.ndim} dims for shape {list(input.shape)}, got {list(wanted)}")
    order = tuple(canonical_dim("permute", d, input.ndim) for d in wanted)
    canonical_dims("permute", order, input.ndim)
    return permute_axes(input, order)


@function(aliases=("swapaxes", "swapdims"))
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two axes exchanged, a view."""
    rank = input.ndim
    a, b = canonical_dim("transpose", dim0, rank), canonical_dim("transpose", dim1, rank)
    if rank == 0:
        return permute_axes(input, ())
    order = list(range(rank))
    order[a], order[b] = order[b], order[a]
    return permute_axes(input, tuple(order))


@function()
def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; vectors and 0-d tensors stay as they are."""
    if input.ndim > 2:
        raise ShapeError(f"t: expected at most 2 dimensions, got {input.ndim}; use transpose or .mT")
    return permute_axes(input, tuple(reversed(range(input.ndim))))


@function()
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

        input = ops.clone(input)
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


@view_op
def view_bytes(input: Array, dtype: DType) -> Array:
    """The bytes of the input as another dtype."""
    old, new = input.dtype.itemsize, dtype.itemsize
    shape, strides, offset = list(input.shape), list(input.strides), input.offset
    if new != old:
        if not shape or strides[-1] != 1 or shape[-1] * old % new or offset * old % new:
            raise ShapeError(
                f"view(dtype): the last axis of {shape} has strides {strides} and can't be cut into {dtype.name}"
            )
        if any(stride * old % new for stride in strides[:-1]):
            raise ShapeError(f"view(dtype): strides {strides} of {input.dtype.name} are no multiples of {dtype.name}")
        shape[-1] = shape[-1] * old // new
        strides = [stride * old // new for stride in strides[:-1]] + [1]
    return Array(input.storage, layout_of(dtype, tuple(shape), tuple(strides)), offset * old // new)


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
    return reshape(input, (*shape[:a], _numel(shape[a : b + 1]), *shape[b + 1 :]))


@function()
def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """One axis split into several, a view; one of the sizes may be -1."""
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
    d = canonical_dim("narrow", dim, input.ndim)
    size = input.shape[d]
    first = int(start) + size if start < 0 else int(start)
    if length < 0 or not 0 <= first <= size or first + length > size:
        raise DimensionError(f"narrow: start ({start}) + length ({length}) exceeds dimension size ({size})")
    return slice_dim(input, d, first, length, 1)


@function()
def split(input: Tensor, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Consecutive pieces of ``split_size`` positions (the last may be shorter), or of the listed sizes; views."""
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
    size = input.shape[canonical_dim("chunk", dim, input.ndim)]
    return split(input, builtins.max(1, -(-size // chunks)), dim)


@function()
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """All positions of an axis as views without it."""
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
    if offset + low < 0 or (offset + high + 1) * input.dtype.itemsize > input._array.storage.nbytes:
        raise ShapeError(
            f"as_strided: size {list(shape)}, stride {list(strides)}, offset {offset} reach outside of the storage of "
            f"{input._array.storage.nbytes} bytes"
        )
    return strided(input, shape, strides, offset)


@view_op
def parts_of_complex(input: Array) -> Array:
    """Complex ``(*S)`` as real ``(*S, 2)``."""
    strides = (*(2 * stride for stride in input.strides), 1)
    return Array(input.storage, layout_of(input.dtype.real, (*input.shape, 2), strides), 2 * input.offset)


@parts_of_complex.gradient("input")
def _(grad: Tensor) -> Tensor:
    from hotplug import ops

    return complex_of_parts_view(ops.contiguous(grad))


@view_op
def complex_of_parts_view(input: Array) -> Array:
    """Real ``(*S, 2)`` as complex ``(*S)``."""
    strides = tuple(stride // 2 for stride in input.strides[:-1])
    return Array(input.storage, layout_of(input.dtype.to_complex(), input.shape[:-1], strides), input.offset // 2)


@complex_of_parts_view.gradient("input")
def _(grad: Tensor) -> Tensor:
    return parts_of_complex(grad)


def real_parts(input: Tensor) -> Tensor:
    """A complex tensor as a real one with a last axis of two."""
    if input.dtype.kind != "c":
        raise DTypeError(f"view_as_real is only supported for complex tensors, got {input.dtype.name}")
    return parts_of_complex(input)


def complex_of_parts(input: Tensor) -> Tensor:
    """A real tensor with a last axis of two as a complex one."""
    array = input._array
    if input.dtype.kind != "f" or input.dtype.itemsize < 4:
        raise DTypeError(f"view_as_complex is only supported for float32 and float64 tensors, got {input.dtype.name}")
    if not array.shape or array.shape[-1] != 2 or array.strides[-1] != 1 or any(s % 2 for s in array.strides[:-1]):
        raise ShapeError(f"view_as_complex: expected a last axis of two adjacent parts, got {list(array.shape)}")
    if array.offset % 2:
        raise ShapeError("view_as_complex: the storage offset must be even")
    return complex_of_parts_view(input)
