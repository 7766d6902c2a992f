"""Losses with margins, and likelihoods of other distributions: each is one elementwise launch and one reduction."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from hotplug.declare import elementwise, function, gradient
from hotplug.declare.rules import real_floating as floating
from hotplug.dtypes import bool_, int64
from hotplug.errors import ArgumentError, RankError
from hotplug.expr import scalar as s
from hotplug.ops import activation, arithmetic, comparison, creation, reduction as reductions, scan, views
from hotplug.ops.classification import reduced, reduction_mode
from hotplug.ops.distance import pairwise_distance
from hotplug.ops.gathering import gather_along, select_rows
from hotplug.ops.loss import LossArgumentError, LossShapeError
from hotplug.ops.scattering import scatter_along
from hotplug.ops.softmaxes import widened
from hotplug.tensor import Tensor

_INTERNAL = "ops"
_F = "nn.functional"


# --- by element ------------------------------------------------------------------------------------------------------


def _positive(value: Any) -> Any:
    """``max(0, value)``, whose gradient passes at 0, as that of PyTorch's ``clamp_min``."""
    return s.where(s.lt(value, 0.0), 0.0, value)


@elementwise(dtype=floating, sample=(0.5, 2), namespace=_INTERNAL, method=False, inplace=False)
def gaussian_error(input: Any, target: Any, var: Any, eps: Any = 1e-6, full: bool = False) -> Any:
    """``(log(var) + (input - target)**2 / var) / 2``, and ``log(2 pi) / 2`` if ``full``; ``var`` is at least ``eps``, but
    its gradient is that of 1 everywhere.
    """
    distance, wide = input - target, s.maximum(var, eps)
    loss = 0.5 * (s.log(wide) + distance * distance / wide)
    return loss + 0.5 * math.log(2.0 * math.pi) if full else loss


@gradient(gaussian_error, "var")
def _(grad: Any, input: Any, target: Any, var: Any, eps: Any) -> Any:
    """By hand: PyTorch limits the variance behind autograd's back."""
    wide = s.maximum(var, eps)
    distance = (input - target) / wide
    return grad * 0.5 * (1.0 / wide - distance * distance)


@elementwise(dtype=floating, sample=(-3, 3), namespace=_INTERNAL, method=False, inplace=False)
def hinge_error(input: Any, target: Any, margin: Any = 1.0) -> Any:
    """``input`` where the target is 1, ``max(0, margin - input)`` where it is -1, and both added elsewhere."""
    near = s.where(s.eq(target, -1.0), 0.0, input)
    far = s.where(s.eq(target, 1.0), 0.0, _positive(margin - input))
    return near + far


@elementwise(dtype=floating, sample=(-3, 3), namespace=_INTERNAL, method=False, inplace=False)
def ranking_error(input: Any, other: Any, target: Any, margin: Any = 0.0) -> Any:
    """``max(0, margin - target * (input - other))``."""
    return _positive(-target * (input - other) + margin)


@elementwise(dtype=floating, sample=(0.5, 3), namespace=_INTERNAL, method=False, inplace=False)
def poisson_error(input: Any, target: Any, eps: Any = 1e-8, log_input: bool = True, full: bool = False) -> Any:
    """``exp(input) - target * input``, or without ``log_input`` ``input - target * log(input + eps)``; if ``full``, plus
    Stirling's approximation of ``log(target!)`` for targets above 1.
    """
    loss = s.exp(input) - target * input if log_input else input - target * s.log(input + eps)
    if not full:
        return loss
    stirling = target * s.log(target) - target + 0.5 * s.log(2.0 * math.pi * target)
    return loss + s.where(s.le(target, 1.0), 0.0, stirling)


@elementwise(dtype=floating, sample=(-3, 3), namespace=_INTERNAL, method=False, inplace=False)
def soft_margin_error(input: Any, target: Any) -> Any:
    """``log(1 + exp(-target * input))`` without overflow."""
    short = -target * input
    return s.where(s.lt(short, 0.0), 0.0, short) + s.log1p(s.exp(-s.abs(short)))


@gradient(soft_margin_error, "input")
def _(grad: Any, input: Any, target: Any) -> Any:
    """By hand: the derived one splits at 0, where the function is smooth."""
    return grad * -target * s.sigmoid(-target * input)


@gradient(soft_margin_error, "target")
def _(grad: Any, input: Any, target: Any) -> Any:
    """By hand, as above."""
    return grad * -input * s.sigmoid(-target * input)


@elementwise(dtype=floating, boolean=("own",), sample=(-3, 3), namespace=_INTERNAL, method=False, inplace=False)
def class_margin_error(input: Any, chosen: Any, own: Any, margin: Any = 1.0, squared: bool = False) -> Any:
    """``max(0, margin - chosen + input)``, or its square; 0 where ``own``."""
    short = s.where(own, 0.0, _positive(margin - chosen + input))
    return short * short if squared else short


# --- public functions ------------------------------------------------------------------------------------------------


@function(method=False, namespace=_F)
def gaussian_nll_loss(input: Tensor, target: Tensor, var: Any, full: bool = False, eps: float = 1e-6,
                      reduction: str = "mean") -> Tensor:  # fmt: skip
    """Negative log likelihood of normal distributions, ``(log(var) + (input - target)**2 / var) / 2``.

    Args:
        input: the means ``(*S)``.
        target: broadcasts to them.
        var: the variances: of the input's shape, with a last axis of 1 or without it, or one number.  At least ``eps``
            is used.  That they are not negative is not checked, which would need a host read.
        full: add the constant ``log(2 pi) / 2``.
    """
    mode = reduction_mode("gaussian_nll_loss", reduction)
    if not isinstance(var, Tensor):
        if var < 0:
            raise LossArgumentValueError("gaussian_nll_loss: var has negative entry")
        var = creation.full((), float(var), dtype=input.dtype, device=input.device)
    elif tuple(var.shape) != tuple(input.shape):
        if tuple(var.shape) == tuple(input.shape[:-1]):
            var = views.unsqueeze(var, -1)
        elif var.ndim and (tuple(var.shape[:-1]) != tuple(input.shape[:-1]) or var.shape[-1] != 1):
            raise LossShapeError(
                f"gaussian_nll_loss: var is of incorrect size: {list(var.shape)} for input {list(input.shape)}"
            )
    loss: Tensor = gaussian_error(widened(input), widened(target), widened(var), float(eps), full=full)
    return reduced(loss, mode).to(input.dtype)


class LossArgumentValueError(ArgumentError):
    """A parameter of a loss is out of range."""


@function(method=False, namespace=_F)
def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``input``, a distance, where the target is 1, and ``max(0, margin - input)`` where it is -1.  Both ``(*S)``."""
    mode = reduction_mode("hinge_embedding_loss", reduction, size_average, reduce)
    return reduced(hinge_error(input, target, float(margin)), mode)


@function(method=False, namespace=_F)
def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``max(0, margin - target * (input1 - input2))``: with a target of 1 the first should be larger.  All ``(*S)``."""
    mode = reduction_mode("margin_ranking_loss", reduction, size_average, reduce)
    if not input1.ndim == input2.ndim == target.ndim:
        raise LossArgumentError(
            f"margin_ranking_loss: all input tensors should have same dimension but got sizes: {list(input1.shape)}, "
            f"{list(input2.shape)} and {list(target.shape)}"
        )
    return reduced(ranking_error(input1, input2, target, float(margin)), mode)


@function(method=False, namespace=_F)
def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool = True, full: bool = False, size_average: bool | None = None,
    eps: float = 1e-8, reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Negative log likelihood of Poisson distributions, ``exp(input) - target * input``; ``input`` is the logarithm of the
    rate, or without ``log_input`` the rate itself.  ``full``: with an approximation of ``log(target!)``.
    """
    mode = reduction_mode("poisson_nll_loss", reduction, size_average, reduce)
    return reduced(poisson_error(input, target, float(eps), log_input=log_input, full=full), mode)


@function(method=False, namespace=_F)
def soft_margin_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:
    """``log(1 + exp(-target * input))`` for targets of 1 and -1.  Both ``(*S)``."""
    mode = reduction_mode("soft_margin_loss", reduction, size_average, reduce)
    return reduced(soft_margin_error(input, target), mode)


def _rows(op: str, input: Tensor, target: Tensor, per_class: bool) -> tuple[Tensor, Tensor]:
    """Both with a batch axis."""
    if per_class and not input.ndim and not target.ndim:  # a single class
        return views.reshape(input, (1, 1)), views.reshape(target, (1, 1))
    if input.ndim not in (1, 2) or tuple(target.shape) != tuple(input.shape[: input.ndim - (not per_class)]):
        raise LossArgumentError(
            f"{op}: expected input (C) or (N, C) and target {'of its shape' if per_class else '() or (N)'}, got "
            f"{list(input.shape)} and {list(target.shape)}"
        )
    if input.ndim == 2:
        return input, target
    return views.unsqueeze(input, 0), views.unsqueeze(target, 0)


@function(method=False, namespace=_F)
def multi_margin_loss(
    input: Tensor, target: Tensor, p: int = 1, margin: float = 1.0, weight: Tensor | None = None,
    size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``sum_i max(0, margin - input[target] + input[i])**p / C`` over the classes but the target's.

    input ``(C)`` or ``(N, C)``, target ``()`` or ``(N)`` of class numbers, ``p`` 1 or 2; ``weight`` ``(C)`` is a factor
    for each target class.
    """
    mode = reduction_mode("multi_margin_loss", reduction, size_average, reduce)
    if p not in (1, 2):
        raise LossArgumentValueError(f"multi_margin_loss: only p == 1 and p == 2 supported, got {p}")
    rows, goal = _rows("multi_margin_loss", input, target, False)
    if weight is not None and tuple(weight.shape) != (rows.shape[1],):
        raise LossArgumentError(
            f"multi_margin_loss: inconsistent weight size, expected {rows.shape[1]} but got {list(weight.shape)}"
        )
    index = views.unsqueeze(goal.to(int64), 1)
    classes = creation.iota(rows.detach(), (1, rows.shape[1]))
    chosen = gather_along(rows, 1, index, tuple(index.shape))
    short: Tensor = class_margin_error(rows, chosen, comparison.eq(classes, index), float(margin), squared=p == 2)
    if weight is not None:
        short = short * views.unsqueeze(select_rows(weight, 0, goal.to(int64)), 1)
    loss = reductions.sum(short, 1) / rows.shape[1]
    return reduced(loss if input.ndim == 2 else views.squeeze(loss, 0), mode)


@function(method=False, namespace=_F)
def multilabel_margin_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:
    """``sum_ji max(0, 1 - input[target_j] + input[i]) / C`` over the targets ``j`` and the classes ``i`` that are none.

    input ``(C)`` or ``(N, C)``, target of the same shape: class numbers up to the first -1.
    """
    mode = reduction_mode("multilabel_margin_loss", reduction, size_average, reduce)
    rows, goal = _rows("multilabel_margin_loss", input, target.to(int64), True)
    count, classes = rows.shape
    valid = comparison.eq(scan.cumsum(comparison.lt(goal, 0), 1), 0)
    place = arithmetic.where_elements(valid, goal, classes)
    spare = creation.zeros((count, classes + 1), dtype=bool_, device=rows.device)
    true = creation.ones((), dtype=bool_, device=rows.device)
    named = views.narrow(scatter_along(spare, 1, place, true, tuple(place.shape), "set"), 1, 0, classes)
    chosen = gather_along(rows, 1, arithmetic.where_elements(valid, goal, 0), tuple(goal.shape))
    left_out = comparison.logical_or(views.unsqueeze(named, 1), comparison.logical_not(views.unsqueeze(valid, 2)))
    short: Tensor = class_margin_error(views.unsqueeze(rows, 1), views.unsqueeze(chosen, 2), left_out, 1.0)
    loss = reductions.sum(short, (1, 2)) / classes
    return reduced(loss if input.ndim == 2 else views.squeeze(loss, 0), mode)


@function(method=False, namespace=_F)
def multilabel_soft_margin_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Mean over the classes (the last axis) of ``-target * log(sigmoid(input)) - (1 - target) * log(sigmoid(-input))``."""
    mode = reduction_mode("multilabel_soft_margin_loss", reduction, size_average, reduce)
    if not input.ndim:
        raise RankError("multilabel_soft_margin_loss: expected input (*, C), got a 0-d tensor")
    loss: Tensor = -(target * activation.logsigmoid(input) + (1 - target) * activation.logsigmoid(-input))
    if weight is not None:
        loss = loss * weight
    return reduced(reductions.sum(loss, -1) / input.shape[-1], mode)


# --- three vectors ---------------------------------------------------------------------------------------------------


@function(method=False, namespace=_F)
def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2, eps: float = 1e-6,
    swap: bool = False, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``max(0, d(anchor, positive) - d(anchor, negative) + margin)`` with the ``p``-norm as distance (Balntas et al.,
    2016).  All ``(N, D)`` or ``(D)``.  ``swap``: the negative's distance from the positive counts where it is smaller.
    """
    mode = reduction_mode("triplet_margin_loss", reduction, size_average, reduce)
    if margin <= 0:
        raise LossArgumentValueError(f"triplet_margin_loss: margin must be greater than 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise LossArgumentError(
            f"triplet_margin_loss: the anchor, positive, and negative tensors are expected to have the same number of "
            f"dimensions, got {anchor.ndim}, {positive.ndim} and {negative.ndim}"
        )
    return _triplet(lambda a, b: pairwise_distance(a, b, p, eps), anchor, positive, negative, margin, swap, mode)


def _triplet(
    distance: Callable[[Tensor, Tensor], Tensor], anchor: Tensor, positive: Tensor, negative: Tensor, margin: float,
    swap: bool, mode: str,
) -> Tensor:  # fmt: skip
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = arithmetic.minimum(far, distance(positive, negative))
    return reduced(arithmetic.clamp(near - far + margin, min=0.0), mode)


@function(method=False, namespace=_F)
def triplet_margin_with_distance_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, *, distance_function: Any = None, margin: float = 1.0,
    swap: bool = False, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """:func:`triplet_margin_loss` with any distance: a function of two tensors."""
    mode = reduction_mode("triplet_margin_with_distance_loss", reduction)
    if margin <= 0:
        raise LossArgumentValueError(f"triplet_margin_with_distance_loss: margin must be greater than 0, got {margin}")
    return _triplet(distance_function or pairwise_distance, anchor, positive, negative, margin, swap, mode)
