"""Running sums and products along a dimension."""

from __future__ import annotations

import builtins

from hotplug import families
from hotplug.array import Array
from hotplug.declare import function, primitive
from hotplug.declare.dims import canonical_dim
from hotplug.dtypes import dtype as DType
from hotplug.ops.reduction import sum_dtype
from hotplug.tensor import Tensor


@primitive
def running(input: Array, mode: str, dim: int) -> Array:
    """Running sum or product along ``dim``."""
    return families.scan(mode, input, dim)


@running.gradient("input")
def _(grad: Tensor, input: Tensor, mode: str, dim: int) -> Tensor:

    if mode == "sum":
        return _from_end(grad, dim)
    return _cumprod_backward(grad, input, dim)


def _from_end(input: Tensor, dim: int) -> Tensor:
    """Running sum from the last position to the first."""
    from hotplug import ops

    return ops.flip(ops.cumsum(ops.flip(input, (dim,)), dim), (dim,))


def _shifted(input: Tensor, dim: int, by: int, fill: float) -> Tensor:
    """``by`` positions towards the front (towards the end where negative); the gap is filled."""
    from hotplug import ops

    size = input.shape[dim]
    gap = ops.full_like(ops.narrow(input, dim, 0, builtins.abs(by)), fill)
    if by > 0:
        return ops.cat([ops.narrow(input, dim, by, size - by), gap], dim)
    return ops.cat([gap, ops.narrow(input, dim, 0, size + by)], dim)


def _cumprod_backward(grad: Tensor, input: Tensor, dim: int) -> Tensor:
    """``prod_{k<i} x_k * S_i`` with ``S_i = g_i + x_{i+1} S_{i+1}``: no division, so right with zeros, to any order.

    The recurrence is solved by doubling: log2(n) steps, each for all positions.
    """
    from hotplug import ops

    if not input.shape[dim]:
        return grad
    input = ops.conj(input)
    before = ops.cumprod(_shifted(input, dim, -1, 1.0), dim)
    factor, total, step = _shifted(input, dim, 1, 0.0), grad, 1
    while step < input.shape[dim]:
        total = total + factor * _shifted(total, dim, step, 0.0)
        factor = factor * _shifted(factor, dim, step, 0.0)
        step *= 2
    return before * total


def _running(op: str, mode: str, input: Tensor, dim: int, dtype: DType | None) -> Tensor:
    from hotplug import ops

    d = canonical_dim(op, dim, input.ndim)
    target = sum_dtype(input, dtype)
    if target is not input.dtype:
        input = input.to(target)
    return running(input, mode, d) if input.ndim else ops.clone(input)


@function(inplace=True)
def cumsum(input: Tensor, dim: int, *, dtype: DType | None = None) -> Tensor:
    """Running sum along ``dim``; integers and bool give int64."""
    return _running("cumsum", "sum", input, dim, dtype)


@function(inplace=True)
def cumprod(input: Tensor, dim: int, *, dtype: DType | None = None) -> Tensor:
    """Running product along ``dim``; integers and bool give int64."""
    return _running("cumprod", "prod", input, dim, dtype)
