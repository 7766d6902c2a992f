"""Reductions over dimensions, and running ones along a dimension."""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from hotplug import families
from hotplug.array import Array
from hotplug.declare import composite, function, primitive
from hotplug.declare.dims import canonical_dim, canonical_dims
from hotplug.dispatch import move
from hotplug.dtypes import bool_, dtype as DType, get_default_dtype, int64, uint8
from hotplug.errors import DimensionError, DTypeError, ShapeError
from hotplug.expr.node import cast, input_
from hotplug.layout import Shape, contiguous_strides
from hotplug.tensor import Tensor

Dim = int | Sequence[int] | None


def _keep(array: Array, shape: Shape, dims: Sequence[int], keepdim: bool) -> Array:
    if not keepdim:
        return array
    kept = tuple(1 if axis in dims else size for axis, size in enumerate(shape))
    return move(array, kept, contiguous_strides(kept))


def spread(value: Tensor, shape: Shape, dims: Sequence[int], keepdim: bool) -> Tensor:
    """A reduced tensor (or its gradient) broadcast back over the reduced dims."""
    from hotplug import ops

    if not keepdim:
        value = ops.reshape(value, tuple(1 if axis in dims else size for axis, size in enumerate(shape)))
    return ops.expand(value, shape)


@primitive
def sum_over(input: Array, dims: Shape, keepdim: bool, dtype: DType) -> Array:
    """Sum in ``dtype``; float32 and narrower accumulate in something wider, or pairwise."""
    return _keep(families.reduce("sum", [input], dims, dtype), input.shape, dims, keepdim)


@sum_over.gradient("input")
def _(grad: Tensor, input_shape: Shape, dims: Shape, keepdim: bool) -> Tensor:
    return spread(grad, input_shape, dims, keepdim)


def tied(result: Tensor, input: Tensor) -> Tensor:
    """``result``, a constant, as a function of ``input`` all the same: with a gradient of zeros, as PyTorch has it."""
    if not input.requires_grad:
        return result
    from hotplug import ops

    return result + sum(ops.narrow(ops.reshape(input, (-1,)), 0, 0, 0)).to(result.dtype)


def sum_dtype(input: Tensor, dtype: DType | None) -> DType:
    """The dtype of a sum or product: int64 for integers and bool, unless said otherwise."""
    return dtype or (int64 if input.dtype.kind in "bui" else input.dtype)


@function()
def sum(input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
    """Sum over ``dim`` (all by default); integers and bool give int64."""
    target = sum_dtype(input, dtype)
    if dtype is not None and dtype is not input.dtype:
        input = input.to(dtype)
    return sum_over(input, canonical_dims("sum", dim, input.ndim), keepdim, target)


@function()
def nansum(input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
    """Sum with NaN as zero.

    Raises:
        DTypeError: the input is complex.
    """
    from hotplug import ops

    if input.dtype.kind == "c":
        raise DTypeError(
            f"nansum does not support complex inputs, got {input.dtype.name}; sum its real and imaginary parts"
        )
    return sum(ops.where(ops.isnan(input), 0, input), dim, keepdim, dtype=dtype)


@function()
def sum_to_size(input: Tensor, *size: Any) -> Tensor:
    """Sum over the dims that broadcasting ``size`` to the input's shape would repeat."""
    from hotplug import ops
    from hotplug.declare.dims import sizes

    shape = sizes(size)
    own = input._array.shape
    if own == shape:
        return input
    lead = len(own) - len(shape)
    if lead < 0 or builtins.any(s not in (1, o) for s, o in zip(shape, own[lead:], strict=True)):
        raise ShapeError(f"sum_to_size: size {list(shape)} is not expandable to {list(own)}")
    dims = tuple(a for a, s in enumerate(own) if a < lead or (shape[a - lead] == 1 and s != 1))
    return ops.reshape(sum_over(input, dims, False, sum_dtype(input, None)), shape)


def mean_dtype(op: str, input: Tensor, dtype: DType | None) -> DType:
    """The dtype of a mean, which has to be floating or complex."""
    chosen = dtype or input.dtype
    if chosen.kind not in "fc":
        raise DTypeError(
            f"{op}: input dtype should be either floating point or complex, got {chosen.name}; pass dtype="
        )
    return chosen


@composite(outputs=lambda input, dims, keepdim: [(reduced_shape(input.shape, dims, keepdim), input.dtype)])
def mean_over(input: Tensor, dims: Shape, keepdim: bool) -> Tensor:
    """Sum divided by the count; of the half types, whose sum may overflow, in float32."""
    from hotplug import ops

    shape, dtype = input._array.layout.shape, input._array.layout.dtype
    found: Tensor = ops.true_divide(sum_over(input, dims, keepdim, dtype.compute), math.prod([shape[d] for d in dims]))
    return found if dtype.compute is dtype else found.to(dtype)


@mean_over.gradient("input")
def _(grad: Tensor, input_shape: Shape, dims: Shape, keepdim: bool) -> Tensor:
    from hotplug import ops

    count = math.prod(input_shape[d] for d in dims)
    return spread(ops.true_divide(grad, count), input_shape, dims, keepdim)


def reduced_shape(shape: Sequence[int], dims: Sequence[int], keepdim: bool) -> Shape:
    """The shape that is left of ``shape`` when ``dims`` are reduced."""
    if keepdim:
        return tuple(1 if axis in dims else size for axis, size in enumerate(shape))
    return tuple(size for axis, size in enumerate(shape) if axis not in dims)


@function()
def mean(input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
    """Arithmetic mean over ``dim``; NaN over nothing."""
    target = mean_dtype("mean", input, dtype)
    if target is not input.dtype:
        input = input.to(target)
    return mean_over(input, canonical_dims("mean", dim, input.ndim), keepdim)


@primitive
def prod_over(input: Array, dims: Shape, keepdim: bool, dtype: DType) -> Array:
    """Product in ``dtype``."""
    return _keep(families.reduce("prod", [input], dims, dtype), input.shape, dims, keepdim)


@prod_over.gradient("input")
def _(grad: Tensor, input: Tensor, dims: Shape, keepdim: bool) -> Tensor:
    """The product of all other elements, by running products from both ends: right with zeros, to any order."""
    from hotplug import ops

    if not dims or not input.numel():
        return ops.expand(spread(grad, tuple(input.shape), dims, keepdim), input.shape)
    kept = [axis for axis in range(input.ndim) if axis not in dims]
    rows = ops.reshape(ops.permute(ops.conj(input), (*kept, *dims)), (*(input.shape[k] for k in kept), -1))
    ones = ops.ones_like(ops.narrow(rows, -1, 0, 1))
    before = ops.cumprod(ops.cat([ones, ops.narrow(rows, -1, 0, rows.shape[-1] - 1)], -1), -1)
    tail = ops.flip(ops.narrow(rows, -1, 1, rows.shape[-1] - 1), (-1,))
    after = ops.flip(ops.cumprod(ops.cat([ones, tail], -1), -1), (-1,))
    others = ops.reshape(before * after, tuple(input.shape[a] for a in (*kept, *dims)))
    back = sorted(range(input.ndim), key=(*kept, *dims).__getitem__)
    return ops.permute(others, tuple(back)) * spread(grad, tuple(input.shape), dims, keepdim)


@function()
def prod(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
    """Product over ``dim`` (all by default); integers and bool give int64."""
    target = sum_dtype(input, dtype)
    if dtype is not None and dtype is not input.dtype:
        input = input.to(dtype)
    return prod_over(input, canonical_dims("prod", dim, input.ndim), keepdim, target)


@primitive
def extremum_over(input: Array, mode: str, dims: Shape, keepdim: bool) -> Array:
    """Largest or smallest element; NaN wins."""
    return _keep(families.reduce(mode, [input], dims, input.dtype), input.shape, dims, keepdim)


@extremum_over.gradient("input")
def _(grad: Tensor, input: Tensor, out: Tensor, dims: Shape, keepdim: bool) -> Tensor:
    """Shared evenly among the elements that are the extremum."""
    from hotplug import ops

    shape = tuple(input.shape)
    best = spread(out, shape, dims, keepdim)
    chosen = ops.logical_or(ops.eq(input, best), ops.logical_and(ops.isnan(input), ops.isnan(best))).to(input.dtype)
    count = sum_over(chosen, dims, True, input.dtype)
    return spread(grad, shape, dims, keepdim) * chosen / count


def _extremum(op: str, mode: str, input: Tensor, dim: Dim, keepdim: bool) -> Tensor:
    dims = canonical_dims(op, dim, input.ndim)
    if builtins.any(input.shape[d] == 0 for d in dims):
        raise _EmptyReductionError(
            f"{op}(): expected reduction dim to be specified for input.numel() == 0 with a non-zero size"
        )
    if input.dtype.kind == "c":
        raise DTypeError(f"{op} is not defined for complex numbers, which have no order")
    return extremum_over(input, mode, dims, keepdim)


class _EmptyReductionError(DimensionError, RuntimeError):
    """A reduction over nothing that has no identity."""


@function()
def amax(input: Tensor, dim: Dim = (), keepdim: bool = False) -> Tensor:
    """Largest element over ``dim``; the gradient is shared evenly among equals."""
    return _extremum("amax", "max", input, dim, keepdim)


@function()
def amin(input: Tensor, dim: Dim = (), keepdim: bool = False) -> Tensor:
    """Smallest element over ``dim``; the gradient is shared evenly among equals."""
    return _extremum("amin", "min", input, dim, keepdim)


@function()
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    """:func:`amin` and :func:`amax`."""
    return amin(input, dim, keepdim), amax(input, dim, keepdim)


@primitive
def arg_over(input: Array, mode: str, dim: int, keepdim: bool) -> Array:
    """Position of the first extremum."""
    return _keep(families.argreduce(mode, input, dim), input.shape, (dim,), keepdim)


def _arg(op: str, input: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    from hotplug import ops

    if input.numel() == 0 and (dim is None or input.shape[canonical_dim(op, dim, input.ndim)] == 0):
        raise _EmptyReductionError(f"{op}(): expected reduction dim to be specified for input.numel() == 0")
    if input.dtype.kind == "c" or input.dtype is bool_:
        raise DTypeError(f"{op} is not defined for {input.dtype.name}; convert with .to(dtype)")
    if dim is None:
        found = arg_over(ops.reshape(input.detach(), (-1,)), op, 0, False)
        return ops.reshape(found, (1,) * input.ndim) if keepdim else found
    if input.ndim == 0:
        canonical_dim(op, dim, 0)
        return ops.reshape(arg_over(ops.reshape(input.detach(), (1,)), op, 0, False), ())
    return arg_over(input.detach(), op, canonical_dim(op, dim, input.ndim), keepdim)


@function()
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """int64 position of the first largest element along ``dim``, or in the flattened input; NaN counts as largest."""
    return _arg("argmax", input, dim, keepdim)


@function()
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """int64 position of the first smallest element along ``dim``, or in the flattened input; NaN counts as smallest."""
    return _arg("argmin", input, dim, keepdim)


class ValuesIndices(NamedTuple):
    """What reductions that also say where return."""

    values: Tensor
    indices: Tensor


def _with_indices(op: str, input: Tensor, dim: int, keepdim: bool) -> ValuesIndices:
    from hotplug import ops

    d = canonical_dim(op, dim, input.ndim)
    if input.ndim == 0:
        return ValuesIndices(ops.clone(input), ops.zeros((), dtype=int64, device=input.device))
    where = _arg_any(op, input, d)
    values = ops.gather(input, d, where)
    if keepdim:
        return ValuesIndices(values, where)
    return ValuesIndices(ops.squeeze(values, d), ops.squeeze(where, d))


def _arg_any(op: str, input: Tensor, dim: int) -> Tensor:
    plain = input.to(uint8) if input.dtype is bool_ else input
    return _arg(f"arg{op}", plain, dim, True)


def _max_or_min(
    op: str, elementwise: Any, input: Tensor, args: tuple[Any, ...], keepdim: bool, dim: Any, other: Any
) -> Any:
    if other is not None or (args and isinstance(args[0], Tensor)):
        return elementwise(input, other if other is not None else args[0])
    if args:
        dim, keepdim = args[0], args[1] if len(args) > 1 else keepdim
    if dim is None:
        return _extremum(op, op, input, None, False)
    return _with_indices(op, input, dim, keepdim)


@function()
def max(input: Tensor, *args: Any, dim: int | None = None, keepdim: bool = False, other: Tensor | None = None) -> Any:
    """Largest element; with ``dim``, also where: ``(values, indices)``; with another tensor, :func:`maximum`."""
    from hotplug import ops

    return _max_or_min("max", ops.maximum, input, args, keepdim, dim, other)


@function()
def min(input: Tensor, *args: Any, dim: int | None = None, keepdim: bool = False, other: Tensor | None = None) -> Any:
    """Smallest element; with ``dim``, also where: ``(values, indices)``; with another tensor, :func:`minimum`."""
    from hotplug import ops

    return _max_or_min("min", ops.minimum, input, args, keepdim, dim, other)


@primitive
def truth_over(input: Array, mode: str, dims: Shape, keepdim: bool) -> Array:
    """any or all of the elements that are not zero."""
    leaf = input_(0, input.dtype)
    found = families.reduce(mode, [input], dims, bool_, cast(leaf, bool_) if input.dtype is not bool_ else leaf)
    return _keep(found, input.shape, dims, keepdim)


def _truth(op: str, input: Tensor, dim: Dim, keepdim: bool) -> Tensor:
    found = truth_over(input.detach(), op, canonical_dims(op, dim, input.ndim), keepdim)
    return found.to(uint8) if input.dtype is uint8 else found  # PyTorch keeps uint8


@function()
def any(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Whether any element is not zero -> bool (uint8 for uint8)."""
    return _truth("any", input, dim, keepdim)


@function()
def all(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Whether all elements are not zero -> bool (uint8 for uint8)."""
    return _truth("all", input, dim, keepdim)


@function()
def count_nonzero(input: Tensor, dim: Dim = None) -> Tensor:
    """How many elements are not zero -> int64."""
    from hotplug import ops

    return sum(ops.ne(input, 0), dim)


@function()
def logsumexp(input: Tensor, dim: Dim, keepdim: bool = False) -> Tensor:
    """log(sum(exp(input))) over ``dim`` without overflow."""
    from hotplug import ops

    if input.dtype.kind in "bui":
        input = input.to(get_default_dtype())
    dims = canonical_dims("logsumexp", dim, input.ndim)
    if not input.numel():
        return ops.log(sum(ops.exp(input), dims, keepdim))
    return logsumexp_over(input, dims, keepdim)


@composite(outputs=lambda input, dims, keepdim: [(reduced_shape(input.shape, dims, keepdim), input.dtype)])
def logsumexp_over(input: Tensor, dims: Shape, keepdim: bool) -> Tensor:
    """The largest element taken out before exp, put back after log."""
    from hotplug import ops

    largest = extremum_over(input, "max", dims, True)
    largest = ops.where(ops.isinf(largest), 0.0, largest)
    total = ops.log(sum_over(ops.exp(input - largest), dims, True, input.dtype)) + largest
    return total if keepdim else ops.reshape(total, reduced_shape(input.shape, dims, False))


@logsumexp_over.gradient("input")
def _(grad: Tensor, input: Tensor, out: Tensor, dims: Shape, keepdim: bool) -> Tensor:
    from hotplug import ops

    shape = tuple(input.shape)
    return spread(grad, shape, dims, keepdim) * ops.exp(input - spread(out, shape, dims, keepdim))


@function()
def norm(input: Tensor, p: Any = "fro", dim: Dim = None, keepdim: bool = False, dtype: DType | None = None) -> Tensor:
    """Vector norm of order ``p`` over ``dim``: (sum |x| ** p) ** (1 / p).  The gradient at 0 is 0."""
    from hotplug import ops

    if dtype is not None:
        input = input.to(dtype)
    mean_dtype("norm", input, None)
    if input.dtype is not input.dtype.compute:  # a sum of squares of halves may overflow
        return norm(input.to(input.dtype.compute), p, dim, keepdim).to(input.dtype)
    dims = canonical_dims("norm", dim, input.ndim)
    order = 2.0 if p in (None, "fro") else float(p)
    size = ops.abs(input)
    if order == math.inf:
        return _extremum("norm", "max", size, dims, keepdim)
    if order == -math.inf:
        return _extremum("norm", "min", size, dims, keepdim)
    if order == 0.0:  # written with a power, so that it is on the tape, with a gradient of zero
        return sum(ops.where_elements(ops.ne(input, 0), ops.pow(size, 0.0), 0.0), dims, keepdim)
    if order == 1.0:
        return sum(size, dims, keepdim)
    if order == 2.0:
        return ops.safe_sqrt(sum(ops.square(size), dims, keepdim))
    return ops.pow(sum(ops.pow(size, order), dims, keepdim), 1.0 / order)
