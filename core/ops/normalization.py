"""Normalisation: batch, layer, group, instance and root-mean-square.

All but the last are one composite, :func:`standardize`, over different axes.  It keeps the mean and the reciprocal
deviation for backward; the input is there anyway.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from hotplug.autograd.mode import no_grad
from hotplug.declare import composite, elementwise, function
from hotplug.declare.rules import real_floating
from hotplug.dtypes import dtype as DType, finfo
from hotplug.errors import ArgumentError, DTypeError, RankError, ShapeError
from hotplug.expr import scalar as s
from hotplug.expr.node import Expr
from hotplug.layout import Shape
from hotplug.ops import creation, reduction, variance, views
from hotplug.ops.softmaxes import widened
from hotplug.tensor import Tensor

_INTERNAL = "ops"
_F = "nn.functional"


# --- one launch each -----------------------------------------------------------------------------------------------


@elementwise(dtype=real_floating, namespace=_INTERNAL, method=False, inplace=False, sample=(0.5, 2))
def normalized_by(input: Any, mean: Any, scale: Any, weight: Any = 1.0, bias: Any = 0.0) -> Any:
    """``(input - mean) * scale * weight + bias``."""
    result = (input - mean) * scale * weight
    return result + bias if isinstance(bias, Expr) else result


@elementwise(dtype=real_floating, namespace=_INTERNAL, method=False, inplace=False, sample=(0.5, 2))
def reciprocal_deviation(total: Any, count: Any, eps: Any) -> Any:
    """``1 / sqrt(total / count + eps)``."""
    return s.rsqrt(total / count + eps)


@elementwise(dtype=real_floating, namespace=_INTERNAL, method=False, inplace=False, sample=(0.5, 2))
def standardize_gradient(grad: Any, hat: Any, scale: Any, mean: Any, slope: Any) -> Any:
    """``(grad - mean - hat * slope) * scale``."""
    return (grad - mean - hat * slope) * scale


# --- the composites ------------------------------------------------------------------------------------------------


def _kept(shape: Sequence[int], dims: Shape) -> Shape:
    return tuple(1 if axis in dims else size for axis, size in enumerate(shape))


def _count(shape: Sequence[int], dims: Shape) -> int:
    return math.prod(shape[axis] for axis in dims)


def _outputs(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, dims: Shape, eps: float
) -> list[tuple[Shape, DType]]:
    small = _kept(input.shape, dims)
    return [(tuple(input.shape), input.dtype), (small, input.dtype), (small, input.dtype)]


@composite(outputs=_outputs)
def standardize(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, dims: Shape, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """``(input - mean) * scale * weight + bias`` with ``scale = 1 / sqrt(var + eps)`` over ``dims``; mean and scale too.

    Weight and bias have one shape, which broadcasts to the input's; there is no bias without a weight.
    """
    mean = reduction.mean_over(input, dims, True)
    scale: Tensor = reciprocal_deviation(variance.squares_over(input, mean, dims), _count(input.shape, dims), eps)
    return _affine(input, mean, scale, weight, bias), mean, scale


def _affine(input: Tensor, mean: Tensor, scale: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    given = {name: each for name, each in (("weight", weight), ("bias", bias)) if each is not None}
    found: Tensor = normalized_by(input, mean, scale, **given)
    return found


@standardize.gradient("input", "weight", "bias")
def _(
    grad: Tensor, input: Tensor, weight: Tensor | None, bias: Tensor | None, out1: Tensor, out2: Tensor, dims: Shape
) -> tuple[Tensor | None, ...]:
    found = standardize_backward(grad, input, weight, out1, out2, dims, bias is not None)
    return (*found, None, None)[:3]


def _backward_outputs(
    delta: Tensor, input: Tensor, weight: Tensor | None, mean: Tensor, scale: Tensor, dims: Shape, biased: bool
) -> list[tuple[Shape, DType]]:
    small = [] if weight is None else [tuple(weight.shape)] * (1 + biased)
    return [(shape, input.dtype) for shape in (tuple(input.shape), *small)]


@composite(outputs=_backward_outputs)
def standardize_backward(
    delta: Tensor, input: Tensor, weight: Tensor | None, mean: Tensor, scale: Tensor, dims: Shape, biased: bool
) -> tuple[Tensor, ...]:
    """The gradients for the input, for the weight where there is one, and for the bias if ``biased``.

    ``scale * (g - mean(g) - hat * mean(g * hat))`` with ``g = delta * weight`` and ``hat`` the standardised input.
    """
    hat: Tensor = normalized_by(input, mean, scale)
    product: Tensor = delta * hat
    if weight is None:
        sums = [reduction.mean_over(each, dims, True) for each in (delta, product)]
        return (standardize_gradient(delta, hat, scale, *sums),)
    found = [reduction.sum_to_size(product, tuple(weight.shape))]
    if biased:
        found.append(reduction.sum_to_size(delta, tuple(weight.shape)))
    inner: Tensor = delta * weight
    if biased and _same_axes(weight, mean):  # batch_norm: the parameters' gradients are the sums that are needed
        count = _count(input.shape, dims)
        sums = [views.reshape(each, tuple(mean.shape)) * weight / count for each in reversed(found)]
    else:
        sums = [reduction.mean_over(each, dims, True) for each in (inner, product * weight)]
    return (standardize_gradient(inner, hat, scale, *sums), *found)


def _same_axes(weight: Tensor, mean: Tensor) -> bool:
    """Whether weight and mean vary along the same axes, and so have one element for each other."""
    rank = mean.ndim
    wide = (*(1,) * (rank - weight.ndim), *weight.shape)
    return wide == tuple(mean.shape)


@composite(outputs=lambda input, weight, dims, eps: _outputs(input, None, None, dims, eps)[:2])
def root_mean_square_scale(
    input: Tensor, weight: Tensor | None, dims: Shape, eps: float
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """``input * scale * weight`` with ``scale = 1 / sqrt(mean(input**2) + eps)`` over ``dims``, and the scale."""
    zero = creation.zeros((), dtype=input.dtype, device=input.device)
    scale: Tensor = reciprocal_deviation(variance.squares_over(input, zero, dims), _count(input.shape, dims), eps)
    return _affine(input, zero, scale, weight, None), scale


@root_mean_square_scale.gradient("input", "weight")
def _(
    grad: Tensor, input: Tensor, weight: Tensor | None, out1: Tensor, dims: Shape
) -> tuple[Tensor | None, ...]:  # fmt: skip
    return (*root_mean_square_backward(grad, input, weight, out1, dims), None)[:2]


@composite(outputs=lambda delta, input, weight, scale, dims: _backward_outputs(
    delta, input, weight, scale, scale, dims, False
))  # fmt: skip
def root_mean_square_backward(
    delta: Tensor, input: Tensor, weight: Tensor | None, scale: Tensor, dims: Shape
) -> tuple[Tensor, ...]:
    """The gradients for the input, and for the weight where there is one.

    ``scale * (g - hat * mean(g * hat))`` with ``g = delta * weight`` and ``hat = input * scale``.
    """
    hat = input * scale
    inner = delta if weight is None else delta * weight
    slope = reduction.mean_over(inner * hat, dims, True)
    found: Tensor = standardize_gradient(inner, hat, scale, 0.0, slope)
    return (found,) if weight is None else (found, reduction.sum_to_size(delta * hat, tuple(weight.shape)))


# --- public functions ------------------------------------------------------------------------------------------------


def _floating(op: str, input: Tensor) -> Tensor:
    """The input, float32 for the half types: the statistics would lose digits.

    Raises:
        DTypeError: it isn't floating.
    """
    if input.dtype.kind != "f":
        raise DTypeError(f"{op} is not implemented for {input.dtype.name}; convert with .float()")
    return widened(input)


def _parameters(wide: Tensor, shape: Sequence[int], *given: Tensor | None) -> list[Tensor | None]:
    """Weight and bias in the dtype of the computation and a shape that broadcasts."""
    shape = tuple(shape)
    wider = [each if each is None else each.to(wide.dtype) for each in given]
    return [each if each is None or each.shape == shape else views.reshape(each, shape) for each in wider]


def _standardized(
    wide: Tensor, shape: Sequence[int], dims: Shape, weight: Tensor | None, bias: Tensor | None,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """:func:`standardize` with parameters as users give them: each may be missing."""
    factor, offset = _parameters(wide, shape, weight, bias)
    result, mean, scale = standardize(wide, factor, None if factor is None else offset, dims, float(eps))
    if factor is None and offset is not None:
        result = result + offset
    return result, mean, scale


def _per_channel(input: Tensor) -> Shape:
    return (1, -1) + (1,) * (input.ndim - 2)


def _check_channels(op: str, input: Tensor, **tensors: Tensor | None) -> None:
    if input.ndim < 2:
        raise RankError(f"{op}: expected at least 2 dimensions (N, C, ...), got shape {list(input.shape)}")
    for name, tensor in tensors.items():
        if tensor is not None and tensor.numel() != input.shape[1]:
            raise ShapeError(f"{op}: {name} should contain {input.shape[1]} elements not {tensor.numel()}")


class OneValueError(ArgumentError):
    """Statistics over a single value."""


class GroupError(ArgumentError, RuntimeError):
    """Channels that can't be divided into so many groups."""


@function(method=False, namespace=_F)
def batch_norm(input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None = None,
               bias: Tensor | None = None, training: bool = False, momentum: float = 0.1,
               eps: float = 1e-5) -> Tensor:  # fmt: skip
    """Standardise each channel over batch and space (Ioffe and Szegedy, 2015).  input ``(N, C, *S)`` -> the same.

    In training, the statistics of the batch are used, and the running ones, if any, move towards them by ``momentum``
    (the variance as the unbiased one); else the running ones are used.

    Raises:
        ArgumentError: in training, there is only one value for each channel.
    """
    _check_channels("batch_norm", input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    wide, shape = _floating("batch_norm", input), _per_channel(input)
    if not training:
        if running_mean is None or running_var is None:
            raise GroupError("batch_norm: expected running_mean and running_var to be defined when training=False")
        return _with_known(wide, running_mean, running_var, weight, bias, eps).to(input.dtype)
    dims = (0, *range(2, input.ndim))
    count = _count(input.shape, dims)
    if count <= 1:
        raise OneValueError(
            f"batch_norm: expected more than 1 value per channel when training, got input size {list(input.shape)}"
        )
    result, mean, scale = _standardized(wide, shape, dims, weight, bias, eps)
    _update(running_mean, running_var, mean, scale, momentum, eps, count)
    return result.to(input.dtype)


def _with_known(
    wide: Tensor, mean: Tensor, variance: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
) -> Tensor:
    """One launch with given statistics."""
    shape = _per_channel(wide)
    center, spread, factor, offset = _parameters(wide, shape, mean, variance, weight, bias)
    assert center is not None
    scale: Tensor = reciprocal_deviation(spread, 1.0, float(eps))
    return _affine(wide, center, scale, factor, offset)


def _update(
    running_mean: Tensor | None, running_var: Tensor | None, mean: Tensor, scale: Tensor, momentum: float, eps: float,
    count: int,
) -> None:  # fmt: skip
    """Move the running statistics; the variance is the unbiased one."""
    with no_grad():
        if running_mean is not None:
            running_mean.lerp_(mean.detach().reshape(-1).to(running_mean.dtype), momentum)
        if running_var is not None:
            variance = scale.detach().pow(-2).sub_(eps).reshape(-1).mul_(count / (count - 1))
            running_var.lerp_(variance.to(running_var.dtype), momentum)


@function(method=False, namespace=_F)
def layer_norm(input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, bias: Tensor | None = None,
               eps: float = 1e-5) -> Tensor:  # fmt: skip
    """Standardise over the last axes (Ba et al., 2016).  input ``(*, *normalized_shape)`` -> the same; weight and bias
    ``normalized_shape``.
    """
    shape = _last_axes("layer_norm", input, normalized_shape, weight, bias)
    wide, dims = _floating("layer_norm", input), tuple(range(input.ndim - len(shape), input.ndim))
    if not input.numel():
        return input.clone()
    return _standardized(wide, shape, dims, weight, bias, eps)[0].to(input.dtype)


def _last_axes(
    op: str, input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None, bias: Tensor | None = None
) -> Shape:  # fmt: skip
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not shape or tuple(input.shape[-len(shape) :]) != shape:
        raise (RankError if input.ndim < len(shape) else ShapeError)(
            f"{op}: given normalized_shape={list(shape)}, expected input with shape [*, {', '.join(map(str, shape))}], "
            f"but got input of size {list(input.shape)}"
        )
    for name, tensor in (("weight", weight), ("bias", bias)):
        if tensor is not None and tuple(tensor.shape) != shape:
            raise ShapeError(f"{op}: expected {name} to be of shape {list(shape)}, got {list(tensor.shape)}")
    return shape


@function(method=False)
def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """Divide by the root mean square over the last axes (Zhang and Sennrich, 2019).  input ``(*, *normalized_shape)`` ->
    the same.  ``eps`` is the dtype's by default.
    """
    shape = _last_axes("rms_norm", input, normalized_shape, weight)
    wide, dims = _floating("rms_norm", input), tuple(range(input.ndim - len(shape), input.ndim))
    if not input.numel():
        return input.clone()
    (factor,) = _parameters(wide, shape, weight)
    small = finfo(input.dtype).eps if eps is None else float(eps)
    return root_mean_square_scale(wide, factor, dims, small)[0].to(input.dtype)


@function(method=False, namespace=_F)
def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Standardise over groups of channels and space (Wu and He, 2018).  input ``(N, C, *S)`` -> the same."""
    _check_channels("group_norm", input, weight=weight, bias=bias)
    if num_groups <= 0 or input.shape[1] % num_groups:
        raise GroupError(
            f"group_norm: expected number of channels {input.shape[1]} to be divisible by num_groups, got {num_groups}"
        )
    wide = _floating("group_norm", input)
    if not input.numel():
        return input.clone()
    inner = input.shape[1] // num_groups
    rows = views.reshape(wide, (input.shape[0], num_groups, inner, math.prod(input.shape[2:])))
    result = _standardized(rows, (1, num_groups, inner, 1), (2, 3), weight, bias, eps)[0]
    return views.reshape(result, tuple(input.shape)).to(input.dtype)


@function(method=False, namespace=_F)
def instance_norm(input: Tensor, running_mean: Tensor | None = None, running_var: Tensor | None = None,
                  weight: Tensor | None = None, bias: Tensor | None = None, use_input_stats: bool = True,
                  momentum: float = 0.1, eps: float = 1e-5) -> Tensor:  # fmt: skip
    """Standardise each channel of each sample over space (Ulyanov et al., 2016).  input ``(N, C, *S)`` -> the same.

    The running statistics move towards the mean over the samples.
    """
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    _check_channels(
        "instance_norm", input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias
    )
    wide, dims = _floating("instance_norm", input), tuple(range(2, input.ndim))
    count = _count(input.shape, dims)
    if count <= 1:
        raise OneValueError(
            f"instance_norm: expected more than 1 spatial element when training, got input size {list(input.shape)}"
        )
    result, mean, scale = _standardized(wide, _per_channel(input), dims, weight, bias, eps)
    if running_mean is not None or running_var is not None:
        with no_grad():
            variance = reduction.mean(scale.pow(-2).sub_(eps), 0)
            _update(
                running_mean, running_var, reduction.mean(mean, 0), variance.add_(eps).pow_(-0.5), momentum, eps, count
            )
    return result.to(input.dtype)
