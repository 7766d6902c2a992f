"""Launchers of the six families beside map: they bring operands into the canonical form of the contract.

All take Arrays of one device and return a new contiguous Array; dims are non-negative and in range.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from hotplug import dispatch
from hotplug.array import Array
from hotplug.autograd.mode import WATCH
from hotplug.backend.contract import OpKey
from hotplug.dispatch import FamilyPlan, key_of, launch, move
from hotplug.dtypes import dtype, int64
from hotplug.expr.node import Expr, cast, input_
from hotplug.layout import MAX_RANK, Shape, Strides, broadcast_strides, collapse, layout_of

IDENTITY: dict[str, Any] = {"sum": 0, "prod": 1, "any": False, "all": True}


def reduce(
    mode: str, inputs: Sequence[Array], dims: Sequence[int], out_dtype: dtype, program: Expr | None = None,
    shape: Shape | None = None, scalars: Sequence[Any] = (),
) -> Array:  # fmt: skip
    """``mode`` over ``dims`` of ``program`` of the inputs broadcast to ``shape``; the dims are dropped.

    Args:
        program: the Expr applied first, of dtype ``out_dtype``'s compute type; default: the input, converted.
        shape: common shape of the inputs; default: that of the first.
    """
    layouts = tuple([each.layout for each in inputs])
    signature: tuple[Any, ...] = ("reduce", mode, layouts, tuple(dims), out_dtype, program, shape)
    plan = inputs[0].storage.runtime.plans.get(signature)
    if plan is not None:
        found: Array = plan.run(inputs, scalars)
        return found
    shape = inputs[0].shape if shape is None else shape
    kept = [axis for axis in range(len(shape)) if axis not in dims]
    out = dispatch.new(inputs[0], out_dtype, tuple(shape[axis] for axis in kept))
    if out.numel == 0:
        return out
    if math.prod(shape) == 0:
        dispatch.fill_literal(out, IDENTITY[mode])
        return out
    if program is None:
        program = cast(input_(0, inputs[0].dtype), out_dtype)
    if out_dtype.kind == "c":
        from hotplug.lowering import reduce_complex

        return reduce_complex(mode, inputs, dims, out, program, shape)
    if any(each.dtype.kind == "c" for each in inputs):
        inputs, program, scalars = [_materialise(inputs, program, shape, scalars)], input_(0, program.dtype), ()
        signature = ()  # a plan would be run with the complex operands
    _reduce_into(mode, inputs, dims, kept, out, program, shape, scalars, signature)
    return out


def _reduce_into(
    mode: str, inputs: Sequence[Array], dims: Sequence[int], kept: Sequence[int], out: Array, program: Expr,
    shape: Shape, scalars: Sequence[Any], signature: tuple[Any, ...],
) -> None:  # fmt: skip
    runtime, given = out.storage.runtime, inputs
    if runtime.capabilities.contiguous_only:
        inputs, program = [_materialise(inputs, program, shape, scalars)], input_(0, program.dtype)
        scalars = ()
    strides = [broadcast_strides(each.shape, each.strides, shape) for each in inputs]
    pick = [[tuple(s[axis] for axis in axes) for s in strides] for axes in (kept, dims)]
    kept_shape, kept_strides = collapse(tuple(shape[a] for a in kept), [out.strides, *pick[0]])
    reduced_shape, reduced_strides = collapse(tuple(shape[a] for a in dims), pick[1])
    target = move(out, kept_shape, kept_strides[0])
    views = [
        move(each, kept_shape + reduced_shape, outer + inner)
        for each, outer, inner in zip(inputs, kept_strides[1:], reduced_strides, strict=True)
    ]
    if len(kept_shape) + len(reduced_shape) > MAX_RANK:
        dense = _materialise(views, program, kept_shape + reduced_shape, scalars)
        views, program, scalars = [dense], input_(0, program.dtype), ()
        count, rows = math.prod(reduced_shape), math.prod(kept_shape)
        views, target, reduced_shape = [move(dense, (rows, count), (count, 1))], move(out, (rows,), (1,)), (count,)
    key = key_of("reduce", [target], views, mode=mode, program=(program,), axis=len(reduced_shape))
    if runtime.kernel(key) is None:
        dense = _materialise(views, program, views[0].shape, scalars)
        views, scalars = [dense], ()
        key = key_of("reduce", [target], views, mode=mode, program=(input_(0, program.dtype),), axis=len(reduced_shape))
    elif (
        signature
        and len(views) == len(given)
        and all(a.storage is b.storage for a, b in zip(views, given, strict=True))
    ):
        runtime.plans[signature] = FamilyPlan(runtime, key, out, target, views)
    launch(runtime, key, [target], views, scalars)


def _materialise(inputs: Sequence[Array], program: Expr, shape: Shape, scalars: Sequence[Any]) -> Array:
    """The operand of a reduce as an array of its own, for a backend that applies no Expr there."""
    dense = dispatch.new(inputs[0], program.dtype, shape)
    dispatch.map_((program,), [dense], inputs, scalars)
    return dense


def argreduce(mode: str, array: Array, dim: int) -> Array:
    """int64 positions of the first extremum along ``dim``, which is dropped and has at least one element."""
    runtime, signature = array.storage.runtime, ("argreduce", mode, array.layout, dim)
    plan = runtime.plans.get(signature)
    if plan is not None:
        found: Array = plan.run((array,))
        return found
    shape, strides = array.shape, array.strides
    kept = [axis for axis in range(len(shape)) if axis != dim]
    out = dispatch.new(array, int64, tuple(shape[axis] for axis in kept))
    if out.numel == 0:
        return out
    given, array = array, _plain(array)
    strides = array.strides
    kept_shape, kept_strides = collapse(out.shape, [out.strides, tuple(strides[a] for a in kept)])
    view = move(array, (*kept_shape, shape[dim]), (*kept_strides[1], strides[dim]))
    target = move(out, kept_shape, kept_strides[0])
    _first_launch(
        signature, key_of("argreduce", [target], [view], mode=mode, axis=1), out, target, (given,), (array,), [view]
    )
    return out


def _first_launch(
    signature: tuple[Any, ...], key: OpKey, out: Array, target: Array, given: Sequence[Array], used: Sequence[Array],
    views: Sequence[Array],
) -> None:  # fmt: skip
    """Launch, and keep the plan where the kernel sees the operands as they were given, not copies of them."""
    runtime = out.storage.runtime
    if all(before is after for before, after in zip(given, used, strict=True)):
        runtime.plans[signature] = FamilyPlan(runtime, key, out, target, views)
    launch(runtime, key, [target], views)


def scan(mode: str, array: Array, dim: int) -> Array:
    """Running sum, prod, max or min along ``dim``, in the array's dtype."""
    runtime, signature = array.storage.runtime, ("scan", mode, array.layout, dim)
    plan = runtime.plans.get(signature)
    if plan is not None:
        found: Array = plan.run((array,))
        return found
    shape = array.shape
    out = dispatch.new(array, array.dtype, shape)
    if out.numel == 0:
        return out
    if array.dtype.kind == "c":
        from hotplug.lowering import scan_complex

        return scan_complex(mode, array, dim, out)
    given, array = array, _plain(array)
    kept = [axis for axis in range(len(shape)) if axis != dim]
    pairs = [tuple(each.strides[a] for a in kept) for each in (out, array)]
    kept_shape, kept_strides = collapse(tuple(shape[a] for a in kept), pairs)
    target = move(out, (*kept_shape, shape[dim]), (*kept_strides[0], out.strides[dim]))
    view = move(array, (*kept_shape, shape[dim]), (*kept_strides[1], array.strides[dim]))
    _first_launch(signature, key_of("scan", [target], [view], mode=mode), out, target, (given,), (array,), [view])
    return out


def _plain(array: Array) -> Array:
    """A contiguous copy where the device asks for it, or where more axes than the limit would remain."""
    if array.storage.runtime.capabilities.contiguous_only or len(array.shape) > MAX_RANK:
        return dispatch.contiguous(array)
    return array


def _around(shape: Shape, operands: Sequence[Strides], dim: int) -> tuple[Shape, list[Strides], int]:
    """Collapse the axes before and after ``dim``, which stays an axis of its own; returns its new position."""
    before, outer = collapse(shape[:dim], [each[:dim] for each in operands])
    after, inner = collapse(shape[dim + 1 :], [each[dim + 1 :] for each in operands])
    strides = [(*a, each[dim], *b) for a, each, b in zip(outer, operands, inner, strict=True)]
    return (*before, shape[dim], *after), strides, len(before)


def gather(array: Array, dim: int, index: Array, shape: Shape) -> Array:
    """``out[p] = array[p with p[dim] replaced by index[p]]`` for every ``p`` of ``shape``.

    ``index`` is broadcast to ``shape``; the array, apart from ``dim``, has the sizes of ``shape`` or more.
    """
    runtime, signature = array.storage.runtime, ("gather", array.layout, dim, index.layout, shape)
    plan = runtime.plans.get(signature)
    if plan is not None:
        found: Array = plan.run((array, index))
        return found
    out = dispatch.new(array, array.dtype, shape)
    if out.numel == 0:
        return out
    if array.dtype.kind == "c":
        from hotplug.lowering import gather_complex

        return gather_complex(array, dim, index, shape, out)
    given, array, index = (array, index), _plain(array), _plain(index)
    wide = broadcast_strides(index.shape, index.strides, shape)
    sizes, strides, axis = _around(shape, [out.strides, array.strides, wide], dim)
    target = move(out, sizes, strides[0])
    source = move(array, (*sizes[:axis], array.shape[dim], *sizes[axis + 1 :]), strides[1])
    positions = move(index, sizes, strides[2])
    key = key_of("gather", [target], [source, positions], axis=axis)
    _first_launch(signature, key, out, target, given, (array, index), [source, positions])
    return out


def scatter_(mode: str, out: Array, dim: int, index: Array, source: Array, shape: Shape) -> None:
    """``out[p with p[dim] replaced by index[p]] = mode(that, source[p])`` for every ``p`` of ``shape``, in place."""
    if 0 in shape:
        return
    if out.dtype.kind == "c":
        from hotplug.lowering import scatter_complex

        scatter_complex(mode, out, dim, index, source, shape)
        return
    runtime = out.storage.runtime
    if WATCH.deterministic and mode in ("add", "mul") and out.dtype.kind == "f":
        from hotplug.determinism import check_scatter

        if not runtime.capabilities.deterministic_scatter:
            check_scatter(runtime, mode)
    index, source = _plain(index), _plain(source)
    wide = [broadcast_strides(each.shape, each.strides, shape) for each in (index, source)]
    sizes, strides, axis = _around(shape, [out.strides, *wide], dim)
    target = move(out, (*sizes[:axis], out.shape[dim], *sizes[axis + 1 :]), strides[0])
    positions, values = move(index, sizes, strides[1]), move(source, sizes, strides[2])
    key = key_of("scatter", [target], [positions, values], mode=mode, axis=axis)
    launch(runtime, key, [target], [positions, values])


def matmul(left: Array, right: Array) -> Array:
    """Batched product ``(*B, M, K) @ (*B, K, N) -> (*B, M, N)``; batch axes broadcast."""
    from hotplug.layout import broadcast_shapes

    runtime, signature = left.storage.runtime, ("matmul", left.layout, right.layout)
    plan = runtime.plans.get(signature)
    if plan is not None:
        found: Array = plan.run((left, right))
        return found
    batch = broadcast_shapes("matmul", left.shape[:-2], right.shape[:-2])
    (m, k), n = left.shape[-2:], right.shape[-1]
    out = dispatch.new(left, left.dtype, (*batch, m, n))
    if out.numel == 0:
        return out
    if k == 0:
        dispatch.fill_literal(out, 0)
        return out
    if left.dtype.kind == "c":
        from hotplug.lowering import matmul_complex

        return matmul_complex(left, right, out)
    given, (left, right) = (left, right), (_plain(left), _plain(right))
    operands = [out, left, right]
    strides = [broadcast_strides(each.shape[:-2], each.strides[:-2], batch) for each in operands]
    count, folded = collapse(batch, strides)
    if len(count) > 1:  # one batch axis crosses the waist: copy what does not merge
        left, right = (_expand_copy(each, batch) for each in (left, right))
        operands = [out, left, right]
        count, folded = collapse(batch, [each.strides[:-2] for each in operands])
    size = count[0] if count else 1
    tails = [(m, n), (m, k), (k, n)]
    views = [
        move(each, (size, *tail), (*(step or (0,)), *each.strides[-2:]))
        for each, tail, step in zip(operands, tails, folded, strict=True)
    ]
    key = key_of("matmul", views[:1], views[1:])
    _first_launch(signature, key, out, views[0], given, (left, right), views[1:])
    return out


def _expand_copy(array: Array, batch: Shape) -> Array:
    shape = (*batch, *array.shape[-2:])
    dense = dispatch.new(array, array.dtype, shape)
    dispatch.map_((input_(0, array.dtype),), [dense], [array])
    return dense


def iota(like: Array, shape: Shape) -> Array:
    """0, 1, 2, ... in C order, int64."""
    from hotplug.expr.node import index

    out = like.storage.runtime.empty(layout_of(int64, shape))
    dispatch.map_((index(),), [out], [])
    return out
