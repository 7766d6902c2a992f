"""Activations that draw random numbers, and dropout that keeps mean and variance."""

from __future__ import annotations

import math
from typing import Any, Final

from hotplug.declare import elementwise, function
from hotplug.declare.rules import strictly_floating
from hotplug.dtypes import float32
from hotplug.errors import ArgumentError
from hotplug.expr import scalar as s
from hotplug.ops import creation, reduction, views
from hotplug.ops.parametric import sloped
from hotplug.ops.random import exponential_, random_mask, uniform_
from hotplug.ops.scattering import scatter_along
from hotplug.ops.softmaxes import softmax
from hotplug.tensor import Tensor

_F = "nn.functional"
_SATURATION: Final = 1.7580993408473766
"""Minus the limit of SELU at minus infinity: its scale times its alpha."""


@elementwise(dtype=strictly_floating, boolean=("mask",), namespace="ops", method=False, inplace=False, sample=(-3, 3))
def keep_or_saturate(input: Any, mask: Any, scale: Any, shift: Any) -> Any:
    """``input * scale + shift`` where the mask holds, else what the least value of SELU becomes by that."""
    return s.where(mask, input, -_SATURATION) * scale + shift


def _alpha_drop(op: str, input: Tensor, p: float, training: bool, shape: tuple[int, ...], inplace: bool) -> Tensor:
    if not 0.0 <= p <= 1.0:
        raise ArgumentError(f"{op}: dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0.0 or not input.numel():
        return input
    if p == 1.0:
        return input.mul_(0.0) if inplace else input * 0.0
    scale = 1.0 / math.sqrt((_SATURATION**2 * p + 1.0) * (1.0 - p))
    mask = random_mask(input, shape, 1.0 - p)
    run = keep_or_saturate.inplace if inplace else keep_or_saturate
    return run(input, mask, scale, _SATURATION * scale * p)


@function(method=False, namespace=_F)
def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Each element with probability ``p`` to SELU's least value, and all scaled and shifted so that mean 0 and variance 1
    stay (Klambauer et al., 2017).
    """
    return _alpha_drop("alpha_dropout", input, p, training, tuple(input.shape), inplace)


@function(method=False, namespace=_F)
def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """As :func:`alpha_dropout`, whole channels at once.  input ``(N, C, *S)``."""
    shape = (*input.shape[:2], *(1,) * (input.ndim - 2))
    return _alpha_drop("feature_alpha_dropout", input, p, training, shape, inplace)


class SlopeError(ArgumentError, RuntimeError):
    """Slopes of which the lower is the larger."""


@function(method=False, namespace=_F)
def rrelu(input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False,
          inplace: bool = False) -> Tensor:  # fmt: skip
    """``input`` where positive, else ``slope * input``; in training each slope is drawn from ``[lower, upper)``, else it is
    their mean (Xu et al., 2015).
    """
    if lower > upper:
        raise SlopeError(f"rrelu: lower bound should be less than or equal to the upper bound, got {lower} and {upper}")
    slope: Any = (lower + upper) / 2
    if training:
        slope = uniform_(creation.empty_like(input.detach()), float(lower), float(upper))
    return sloped.inplace(input, slope) if inplace else sloped(input, slope)


@function(method=False, namespace=_F)
def gumbel_softmax(
    logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Tensor:  # fmt: skip
    """``softmax((logits + noise) / tau)`` with Gumbel noise: a sample that can be differentiated (Jang et al., 2017).

    Args:
        logits: ``(*S)`` -> ``(*S)``.
        tau: the smaller, the nearer to one of the classes.
        hard: exactly a class going forward, with the gradient of the soft sample.
        eps: accepted for PyTorch's sake.
        dim: the axis of the classes.
    """
    wait = exponential_(
        creation.empty_like(logits.detach(), dtype=logits.dtype if logits.dtype.kind == "f" else float32)
    )
    soft = softmax((logits - wait.log()) / tau, dim)
    if not hard:
        return soft
    place = reduction.argmax(soft.detach(), dim, True)
    one = creation.ones((), dtype=soft.dtype, device=soft.device)
    axis = dim % soft.ndim
    chosen = scatter_along(creation.zeros_like(soft.detach()), axis, place, one, tuple(place.shape), "set")
    straight: Tensor = chosen - soft.detach() + soft
    return straight if straight.ndim else views.reshape(straight, tuple(logits.shape))
