"""A batch normalisation folded into the layer before it, for evaluation."""

from __future__ import annotations

import copy
from typing import TypeVar

from hotplug import ops
from hotplug.errors import ArgumentError
from hotplug.nn.conv import _Conv
from hotplug.nn.conv_transpose import _ConvTranspose
from hotplug.nn.linear import Linear
from hotplug.nn.norm import _BatchNorm
from hotplug.nn.parameter import Parameter
from hotplug.tensor import Tensor

C = TypeVar("C", _Conv, _ConvTranspose)


class FusionError(ArgumentError, AssertionError):
    """Modules that are still in training, or statistics that aren't there; PyTorch asserts."""


def _check(layer: _Conv | _ConvTranspose | Linear, norm: _BatchNorm) -> tuple[Tensor, Tensor]:
    if layer.training or norm.training:
        raise FusionError("fusion is only for modules in evaluation mode; call .eval() on both first")
    if norm.running_mean is None or norm.running_var is None:
        raise FusionError("fusion needs running statistics; the batch norm has track_running_stats=False")
    return norm.running_mean, norm.running_var


def _fused(
    weight: Tensor, bias: Tensor | None, mean: Tensor, variance: Tensor, eps: float, scale: Tensor | None,
    shift: Tensor | None, axis: int,
) -> tuple[Parameter, Parameter]:  # fmt: skip
    bias = ops.zeros_like(mean) if bias is None else bias
    factor = ops.rsqrt(variance + eps)
    factor = factor if scale is None else factor * scale
    shape = [1] * weight.ndim
    shape[axis] = -1
    new = (bias - mean) * factor
    new = new if shift is None else new + shift
    wide = (weight * factor.reshape(shape)).to(weight.dtype)
    return Parameter(wide.detach(), weight.requires_grad), Parameter(new.detach().to(bias.dtype), bias.requires_grad)


def fuse_conv_bn_weights(
    conv_w: Tensor, conv_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor, bn_eps: float, bn_w: Tensor | None,
    bn_b: Tensor | None, transpose: bool = False,
) -> tuple[Parameter, Parameter]:  # fmt: skip
    """Weight and bias of the convolution that does what convolution and normalisation did.

    ``transpose``: of a transposed convolution, whose outputs are the second axis.
    """
    return _fused(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, 1 if transpose else 0)


def fuse_conv_bn_eval(conv: C, bn: _BatchNorm, transpose: bool = False) -> C:
    """A copy of a convolution that does what it and the normalisation behind it did, both in evaluation mode."""
    mean, variance = _check(conv, bn)
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        conv.weight, conv.bias, mean, variance, bn.eps, bn.weight, bn.bias, transpose
    )
    return fused


def fuse_linear_bn_weights(
    linear_w: Tensor, linear_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor, bn_eps: float, bn_w: Tensor, bn_b: Tensor
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the linear map that does what linear map and normalisation did."""
    return _fused(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, 0)


def fuse_linear_bn_eval(linear: Linear, bn: _BatchNorm) -> Linear:
    """A copy of a linear map that does what it and the normalisation behind it did, both in evaluation mode."""
    mean, variance = _check(linear, bn)
    fused = copy.deepcopy(linear)
    fused.weight, fused.bias = _fused(linear.weight, linear.bias, mean, variance, bn.eps, bn.weight, bn.bias, 0)
    return fused
