"""Normalisation: batch, layer, group, instance and root-mean-square."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotplug.declare import composite, elementwise, function
from hotplug.declare.rules import real_floating
from hotplug.errors import ArgumentError, ShapeError
from hotplug.expr import scalar as s
from hotplug.layout import Shape
from hotplug.tensor import Tensor


def _statistics_shape(input: Tensor, dims: Shape) -> Shape:
    return tuple(1 if axis in dims else size for axis, size in enumerate(input.shape))


def _outputs(input: Tensor, dims: Shape, eps: float) -> list[Any]:
    small = _statistics_shape(input, dims)
    return [(tuple(input.shape), input.dtype), (small, input.dtype), (small, input.dtype)]


@composite(outputs=_outputs)
def standardize(input: Tensor, dims: Shape, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """``(input - mean) / sqrt(var + eps)`` over ``dims``, the mean and the reciprocal deviation (dims kept)."""
    from hotplug import ops

    mean = ops.mean(input, dims, True)
    centred = input - mean
    scale = ops.rsqrt(ops.mean(ops.square(centred), dims, True) + eps)
    return centred * scale, mean, scale


@standardize.gradient("input")
def _(grad: Tensor, out: Tensor, out2: Tensor, dims: Shape) -> Tensor:
    """``scale * (grad - mean(grad) - out * mean(grad * out))``."""
    from hotplug import ops

    return (grad - ops.mean(grad, dims, True) - out * ops.mean(grad * out, dims, True)) * out2


@elementwise(dtype=real_floating, method=False, inplace=False, sample=(0.5, 2))
def scale_and_shift(input: Any, weight: Any, bias: Any) -> Any:
    """``input * weight + bias``."""
    return input * weight + bias


@elementwise(dtype=real_floating, method=False, inplace=False, sample=(0.5, 2))
def standardize_by(input: Any, mean: Any, variance: Any, eps: Any = 1e-5) -> Any:
    """``(input - mean) / sqrt(variance + eps)`` with given statistics."""
    return (input - mean) * s.rsqrt(variance + eps)


def _affine(input: Tensor, weight: Tensor | None, bias: Tensor | None, shape: Sequence[int]) -> Tensor:
    from hotplug import ops

    wide = [None if each is None else ops.reshape(each, tuple(shape)) for each in (weight, bias)]
    if wide[0] is not None and wide[1] is not None:
        return scale_and_shift(input, wide[0], wide[1])
    if wide[0] is not None:
        return input * wide[0]
    return input if wide[1] is None else input + wide[1]


def _per_channel(input: Tensor) -> Shape:
    return (1, -1) + (1,) * (input.ndim - 2)


def _check_channels(op: str, input: Tensor, **tensors: Tensor | None) -> None:
    if input.ndim < 2:
        raise ShapeError(f"{op}: expected at least 2 dimensions (N, C, ...), got shape {list(input.shape)}")
    for name, tensor in tensors.items():
        if tensor is not None and tensor.numel() != input.shape[1]:
            raise ShapeError(f"{op}: {name} should contain {input.shape[1]} elements not {tensor.numel()}")


@function(method=False, namespace="nn.functional")
def batch_norm(input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None = None,
               bias: Tensor | None = None, training: bool = False, momentum: float = 0.1,
               eps: float = 1e-5) -> Tensor:  # fmt: skip
    """Standardise each channel over batch and space (Ioffe and Szegedy, 2015).  input ``(N, C, *S)`` -> the same.

    In training, the statistics of the batch are used, and the running ones move towards them by ``momentum``.
    """
    from hotplug import ops

    _check_channels("batch_norm", input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    shape = _per_channel(input)
    if not training:
        if running_mean is None or running_var is None:
            raise ArgumentError("batch_norm: expected running_mean and running_var when training=False")
        known = [ops.reshape(each, shape) for each in (running_mean, running_var)]
        return _affine(standardize_by(input, known[0], known[1], eps), weight, bias, shape)
    dims = tuple(axis for axis in range(input.ndim) if axis != 1)
    count = input.numel() // max(1, input.shape[1])
    if count <= 1:
        raise _OneValueError(
            f"batch_norm: expected more than 1 value per channel when training, got input size {list(input.shape)}"
        )
    result, mean, scale = standardize(input, dims, eps)
    _update(running_mean, running_var, mean, scale, momentum, eps, count)
    return _affine(result, weight, bias, shape)


class _OneValueError(ArgumentError):
    """Statistics over a single value."""


def _update(
    running_mean: Tensor | None, running_var: Tensor | None, mean: Tensor, scale: Tensor, momentum: float, eps: float,
    count: int,
) -> None:  # fmt: skip
    """Move the running statistics; the variance is the unbiased one."""
    from hotplug.autograd.mode import no_grad

    with no_grad():
        if running_mean is not None:
            running_mean.lerp_(mean.detach().reshape(-1).to(running_mean.dtype), momentum)
        if running_var is not None:
            variance = scale.detach().pow(-2).sub_(eps).reshape(-1).mul_(count / (count - 1))
            running_var.lerp_(variance.to(running_var.dtype), momentum)


@function(method=False, namespace="nn.functional")
def layer_norm(input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, bias: Tensor | None = None,
               eps: float = 1e-5) -> Tensor:  # fmt: skip
    """Standardise over the last axes (Ba et al., 2016).  input ``(*, *normalized_shape)`` -> the same."""
    shape = _last_axes("layer_norm", input, normalized_shape, weight, bias)
    dims = tuple(range(input.ndim - len(shape), input.ndim))
    return _affine(standardize(input, dims, eps)[0], weight, bias, shape)


def _last_axes(
    op: str, input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None, bias: Tensor | None = None
) -> Shape:  # fmt: skip
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not shape or tuple(input.shape[-len(shape) :]) != shape:
        raise ShapeError(
            f"{op}: given normalized_shape={list(shape)}, expected input with shape [*, {', '.join(map(str, shape))}], but "
            f"got input of size {list(input.shape)}"
        )
    for name, tensor in (("weight", weight), ("bias", bias)):
        if tensor is not None and tuple(tensor.shape) != shape:
            raise ShapeError(f"{op}: expected {name} to be of shape {list(shape)}, got {list(tensor.shape)}")
    return shape


@function(method=False, namespace="nn.functional")
def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """Divide by the root mean square over the last axes (Zhang and Sennrich, 2019).  ``eps`` None: the dtype's."""
    from hotplug import ops
    from hotplug.dtypes import finfo

    shape = _last_axes("rms_norm", input, normalized_shape, weight)
    dims = tuple(range(input.ndim - len(shape), input.ndim))
    small = finfo(input.dtype).eps if eps is None else eps
    result = input * ops.rsqrt(ops.mean(ops.square(input), dims, True) + small)
    return result if weight is None else result * weight


@function(method=False, namespace="nn.functional")
def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Standardise over groups of channels and space (Wu and He, 2018).  input ``(N, C, *S)`` -> the same."""
    from hotplug import ops

    _check_channels("group_norm", input, weight=weight, bias=bias)
    if num_groups <= 0 or input.shape[1] % num_groups:
        raise _OneValueError(
            f"group_norm: expected number of channels {input.shape[1]} to be divisible by {num_groups} groups"
        )
    rows = ops.reshape(input, (input.shape[0], num_groups, -1))
    result = ops.reshape(standardize(rows, (2,), eps)[0], tuple(input.shape))
    return _affine(result, weight, bias, _per_channel(input))


@function(method=False, namespace="nn.functional")
def instance_norm(input: Tensor, running_mean: Tensor | None = None, running_var: Tensor | None = None,
                  weight: Tensor | None = None, bias: Tensor | None = None, use_input_stats: bool = True,
                  momentum: float = 0.1, eps: float = 1e-5) -> Tensor:  # fmt: skip
    """Standardise each channel of each sample over space (Ulyanov et al., 2016).  input ``(N, C, *S)`` -> the same."""
    from hotplug import ops

    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    _check_channels(
        "instance_norm", input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias
    )
    dims = tuple(range(2, input.ndim))
    count = input.numel() // max(1, input.shape[0] * input.shape[1])
    if count <= 1:
        raise _OneValueError(
            f"instance_norm: expected more than 1 spatial element when training, got input size {list(input.shape)}"
        )
    result, mean, scale = standardize(input, dims, eps)
    if running_mean is not None or running_var is not None:
        spread = ops.mean(scale.detach().pow(-2).sub_(eps), 0).add_(eps).pow_(-0.5)
        _update(running_mean, running_var, ops.mean(mean.detach(), 0), spread, momentum, eps, count)
    return _affine(result, weight, bias, _per_channel(input))


@function(method=False, namespace="nn.functional")
def normalize(input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """``input / max(norm(input, p, dim), eps)``."""
    from hotplug import ops

    result = input / ops.clamp(ops.norm(input, p, dim, True), min=eps)
    return result if out is None else out.copy_(result)


@function(method=False)
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """``x1 . x2 / (max(|x1|, eps) max(|x2|, eps))`` along ``dim``."""
    from hotplug import ops

    sizes = [ops.clamp(ops.norm(each, 2.0, dim, True), min=eps) for each in (x1, x2)]
    return ops.sum((x1 / sizes[0]) * (x2 / sizes[1]), dim)


@function(method=False)
def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """Norm of ``x1 - x2 + eps`` over the last axis."""
    from hotplug import ops

    return ops.norm(x1 - x2 + eps, p, -1, keepdim)
