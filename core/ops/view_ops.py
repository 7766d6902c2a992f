"""Views as ops on the tape: layouts on shared memory, and their gradients."""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence

from hotplug import dispatch, families
from hotplug.array import Array
from hotplug.declare import primitive, view as view_op
from hotplug.dispatch import move
from hotplug.dtypes import dtype as DType, int64
from hotplug.errors import DTypeError, ShapeError
from hotplug.layout import Layout, Shape, Strides, layout_of
from hotplug.tensor import Tensor, wrap


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
    from hotplug import ops

    return ops.reshape(grad, input_shape)


@view_op
def strided(input: Array, shape: Shape, strides: Strides, offset: int) -> Array:
    """Any layout within the storage; ``offset`` counts from the storage's start."""
    return Array(input.storage, layout_of(input.dtype, shape, strides), offset)


@strided.gradient("input")
def _(
    grad: Tensor, input_layout: Layout, input_offset: int, shape: Shape, strides: Strides, offset: int
) -> Tensor:  # fmt: skip
    """Each element of the input gets the sum of the gradients of the places where it appears."""
    start = offset - input_offset
    if input_layout.is_contiguous and distinct(shape, strides):
        return embed_strided(grad, input_layout.shape, shape, strides, start)
    positions = _positions(grad._array, input_layout, layout_of(int64, shape, strides), start)
    return _add_at(grad, positions, input_layout.shape)


def distinct(shape: Shape, strides: Strides) -> bool:
    """Whether no two elements share memory, where that is plain to see: each stride passes over all smaller ones."""
    reach = 0
    for stride, size in sorted((abs(stride), size) for stride, size in zip(strides, shape, strict=True) if size > 1):
        if stride <= reach:
            return False
        reach += stride * (size - 1)
    return True


@primitive
def embed_strided(input: Array, base: Shape, shape: Shape, strides: Strides, start: int) -> Array:
    """Zeros of the contiguous shape ``base`` with ``input`` written where :func:`strided` would read."""
    out = dispatch.new(input, input.dtype, base)
    dispatch.fill_literal(out, 0)
    dispatch.copy(input, move(out, shape, strides, start))
    return out


@embed_strided.gradient("input")
def _(grad: Tensor, shape: Shape, strides: Strides, start: int) -> Tensor:
    from hotplug import ops

    whole = ops.contiguous(grad)
    return strided(whole, shape, strides, whole._array.offset + start)


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

    flat = ops.zeros((builtins.max(1, math.prod(shape)),), dtype=grad.dtype, device=grad.device)
    summed = ops.scatter_add(flat, 0, ops.reshape(positions, (-1,)), ops.reshape(grad, (-1,)))
    return ops.reshape(summed if math.prod(shape) else summed[:0], shape)


def _positions(like: Array, base: Layout, seen: Layout, start: int) -> Tensor:
    """For every element of a strided view that starts ``start`` elements after its base, the flat position there."""
    low, high = base.extent()
    memory = dispatch.new(like, int64, (high - low + 1,))
    first, last = seen.extent()
    if start + first < low or start + last > high:
        raise ShapeError("as_strided: the view reaches outside of its input, so it has no gradient")
    dispatch.fill_literal(memory, 0)
    dispatch.copy(families.iota(like, base.shape), move(memory, base.shape, base.strides, -low))
    found = move(memory, seen.shape, seen.strides, start - low)
    return wrap(dispatch.clone(found))


def part_of(input: Tensor, shape: Sequence[int], steps: Sequence[Sequence[int]], start: Sequence[int]) -> Tensor:
    """A part of ``input``: axis ``i`` of the result steps by ``steps[i]`` along the input's axes, from ``start``."""
    return located_part(input, tuple(shape), tuple(map(tuple, steps)), tuple(start))


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
