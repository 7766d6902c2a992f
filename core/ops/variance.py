"""Variances and standard deviations."""

from __future__ import annotations

import builtins
import math
from typing import Any

from hotplug import families
from hotplug.array import Array
from hotplug.declare import composite, function, primitive
from hotplug.declare.dims import canonical_dims
from hotplug.dispatch import move
from hotplug.expr.node import input_
from hotplug.layout import Shape
from hotplug.ops.reduction import mean, mean_dtype, mean_over, reduced_shape, spread, sum_over, sum_to_size
from hotplug.tensor import Tensor


@primitive
def squares_over(input: Array, center: Array, dims: Shape) -> Array:
    """Sum of ``(input - center) ** 2`` over ``dims``, which stay as axes of one element."""
    distance = input_(0, input.dtype) - input_(1, center.dtype)
    found = families.reduce("sum", [input, center], dims, input.dtype, distance * distance, input.shape)
    kept = tuple(1 if axis in dims else size for axis, size in enumerate(input.shape))
    return move(found, kept, _kept_strides(found, dims, len(kept)))


def _kept_strides(found: Array, dims: Shape, rank: int) -> Shape:
    steps = iter(found.strides)
    return tuple(0 if axis in dims else next(steps) for axis in range(rank))


@squares_over.gradient("input")
def _(grad: Tensor, input: Tensor, center: Tensor) -> Tensor:
    return (input - center) * (grad * 2.0)


@squares_over.gradient("center")
def _(grad: Tensor, input: Tensor, center: Tensor, center_shape: Shape) -> Tensor:
    return sum_to_size((center - input) * (grad * 2.0), center_shape)


@composite(
    outputs=lambda input, dims, correction, keepdim: [(reduced_shape(input.shape, dims, keepdim), input.dtype.real)]
)
def var_over(input: Tensor, dims: Shape, correction: float, keepdim: bool) -> Tensor:
    """Mean of squared distances from the mean, in two passes, divided by ``count - correction``; halves in float32."""
    from hotplug import ops

    if input.dtype is not input.dtype.compute:
        return var_over(input.to(input.dtype.compute), dims, correction, keepdim).to(input.dtype)
    count = math.prod(input.shape[d] for d in dims)
    mean = mean_over(input, dims, True)
    if input.dtype.kind == "c":
        total = sum_over(ops.square(ops.abs(input - mean)), dims, keepdim, input.dtype.real)
    else:
        total = squares_over(input, mean, dims)
        total = total if keepdim else ops.squeeze(total, dims)
    return ops.true_divide(total, builtins.max(count - correction, 0.0))


@var_over.gradient("input")
def _(grad: Tensor, input: Tensor, dims: Shape, correction: float, keepdim: bool) -> Tensor:
    from hotplug import ops

    count = math.prod(input.shape[d] for d in dims)
    scale = ops.true_divide(grad * 2.0, builtins.max(count - correction, 0.0))
    return (input - mean_over(input, dims, True)) * spread(scale, tuple(input.shape), dims, keepdim)


def _correction(unbiased: bool | None, correction: float | None) -> float:
    if unbiased is not None:
        return float(unbiased)
    return 1.0 if correction is None else float(correction)


@function()
def var(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """Variance over ``dim``, divided by ``count - correction`` (1 by default)."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    mean_dtype("var", input, None)
    dims = canonical_dims("var", dim, input.ndim)
    return var_over(input, dims, _correction(unbiased, correction), keepdim)


@function()
def std(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """Standard deviation: the root of :func:`var`.  The gradient where it is 0 is 0."""
    from hotplug import ops

    variance = var(input.to(input.dtype.compute), dim, unbiased, keepdim, correction=correction)
    return ops.safe_sqrt(variance).to(input.dtype.real)


@function(method=False)
def var_mean(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """:func:`var` and :func:`mean`."""
    both = (None if isinstance(dim, bool) else dim), keepdim
    return var(input, dim, unbiased, keepdim, correction=correction), mean(input, *both)


@function(method=False)
def std_mean(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """:func:`std` and :func:`mean`."""
    both = (None if isinstance(dim, bool) else dim), keepdim
    return std(input, dim, unbiased, keepdim, correction=correction), mean(input, *both)
