"""Losses between tensors of one shape: each is one elementwise launch and one reduction."""

from __future__ import annotations

from typing import Any

from hotplug.declare import elementwise, function, gradient
from hotplug.declare.promotion import result_type
from hotplug.declare.rules import real_floating as floating
from hotplug.errors import ArgumentError, DTypeError, RankError, ShapeError
from hotplug.expr import scalar as s
from hotplug.expr.node import Expr
from hotplug.ops.activation import relu
from hotplug.ops.arithmetic import where_elements
from hotplug.ops.classification import reduced, reduction_mode
from hotplug.ops.comparison import eq
from hotplug.ops.reduction import sum as total
from hotplug.ops.softmaxes import widened
from hotplug.tensor import Tensor

_INTERNAL = "ops"
_F = "nn.functional"
_TINY = 1e-12
"""What PyTorch's cosine_embedding_loss adds to squared lengths."""


class LossArgumentError(ArgumentError, RuntimeError):
    """A parameter of a loss is out of range."""


# --- by element ------------------------------------------------------------------------------------------------------


@elementwise(dtype=floating, sample=(-3, 3), namespace=_INTERNAL, method=False, inplace=False)
def squared_error(input: Any, target: Any) -> Any:
    """``(input - target) ** 2``."""
    difference = input - target
    return difference * difference


@gradient(squared_error, "input")
def _(grad: Expr, input: Expr, target: Expr) -> Expr:
    """By hand: one product less than the derived one."""
    return (input - target) * 2.0 * grad


@gradient(squared_error, "target")
def _(grad: Expr, input: Expr, target: Expr) -> Expr:
    """By hand, as that of the input."""
    return (target - input) * 2.0 * grad


@elementwise(dtype=floating, sample=(-3, 3), namespace=_INTERNAL, method=False, inplace=False)
def absolute_error(input: Any, target: Any) -> Any:
    """``|input - target|``."""
    return s.abs(input - target)


@elementwise(dtype=floating, sample=(-3, 3), namespace=_INTERNAL, method=False, inplace=False)
def smooth_absolute_error(input: Any, target: Any, beta: Any) -> Any:
    """``(input - target)**2 / (2 beta)`` where the distance is below ``beta``, else the distance ``- beta / 2``."""
    distance = s.abs(input - target)
    return s.where(s.lt(distance, beta), distance * distance * 0.5 / beta, distance - s.mul(beta, 0.5))


@elementwise(dtype=floating, sample=(-3, 3), namespace=_INTERNAL, method=False, inplace=False)
def huber_error(input: Any, target: Any, delta: Any) -> Any:
    """``(input - target)**2 / 2`` up to a distance of ``delta``, else ``delta * (distance - delta / 2)``."""
    distance = s.abs(input - target)
    return s.where(s.le(distance, delta), distance * distance * 0.5, (distance - s.mul(delta, 0.5)) * delta)


@elementwise(dtype=floating, sample=(0.1, 0.9), namespace=_INTERNAL, method=False, inplace=False)
def bernoulli_error(input: Any, target: Any) -> Any:
    """``-(target * log(input) + (1 - target) * log(1 - input))``, each logarithm at least -100."""
    hit, miss = s.log(input), s.log1p(-input)
    hit, miss = s.where(s.lt(hit, -100.0), -100.0, hit), s.where(s.lt(miss, -100.0), -100.0, miss)
    return (target - 1.0) * miss - target * hit


@gradient(bernoulli_error, "input")
def _(grad: Expr, input: Expr, target: Expr) -> Expr:
    """By hand: PyTorch's bounded quotient, where the derived one is infinite at 0 and 1."""
    variance = (1.0 - input) * input
    slope: Expr = grad * (input - target) / s.where(s.lt(variance, 1e-12), 1e-12, variance)
    return slope


@elementwise(dtype=floating, sample=(-3, 3), namespace=_INTERNAL, method=False, inplace=False)
def logit_error(input: Any, target: Any, pos_weight: Any = 1.0) -> Any:
    """``(1 - target) * input + (1 + (pos_weight - 1) * target) * log(1 + exp(-input))`` without overflow."""
    spread = s.log1p(s.exp(-s.abs(input))) + s.where(s.lt(input, 0.0), -input, 0.0)
    return (1.0 - target) * input + _positive_weight(target, pos_weight) * spread


@gradient(logit_error, "input")
def _(grad: Expr, input: Expr, target: Expr, pos_weight: Any) -> Expr:
    """By hand: the derived one splits at 0, where the function is smooth."""
    slope: Expr = grad * ((1.0 - target) - _positive_weight(target, pos_weight) * s.sigmoid(-input))
    return slope


def _positive_weight(target: Expr, pos_weight: Any) -> Any:
    if not isinstance(pos_weight, Expr) and pos_weight == 1.0:
        return s.to(1.0, target.dtype)
    return target * (pos_weight - 1.0) + 1.0


@elementwise(dtype=floating, sample=(0.1, 0.9), namespace=_INTERNAL, method=False, inplace=False)
def divergence(input: Any, target: Any) -> Any:
    """``target * (log(target) - input)``, 0 where the target is 0."""
    return s.where(s.eq(target, 0.0), 0.0, target * (s.log(target) - input))


@elementwise(dtype=floating, sample=(-3, 0), namespace=_INTERNAL, method=False, inplace=False)
def log_divergence(input: Any, target: Any) -> Any:
    """``exp(target) * (target - input)``."""
    return s.exp(target) * (target - input)


# --- public functions ------------------------------------------------------------------------------------------------


def _finish(loss: Tensor, weight: Tensor | None, mode: str, like: Tensor) -> Tensor:
    if weight is not None:
        loss = loss * weight
    return reduced(loss, mode).to(like.dtype)


def _pair(op: str, input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Both in a dtype wide enough for what follows."""
    if not isinstance(target, Tensor) or not isinstance(input, Tensor):
        raise DTypeError(
            f"{op}: input and target must be tensors, got {type(input).__name__} and {type(target).__name__}"
        )
    return widened(input), widened(target)


@function(method=False, namespace=_F)
def mse_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Squared distance.  input and target ``(*S)``, broadcast -> ``()``, or ``(*S)`` without reduction."""
    mode = reduction_mode("mse_loss", reduction, size_average, reduce)
    loss: Tensor = squared_error(*_pair("mse_loss", input, target))
    return _weighted_mean("mse_loss", loss, weight, mode).to(result_type(input, target))


def _checked_weight(op: str, weight: Tensor, loss: Tensor) -> Tensor:
    if weight.shape != loss.shape:
        raise LossShapeError(
            f"{op}: Weights and input must have the same size, got {list(weight.shape)} and {list(loss.shape)}"
        )
    return weight


def _weighted_mean(op: str, loss: Tensor, weight: Tensor | None, mode: str) -> Tensor:
    """Reduced; with weights, the mean is over their sum."""
    if weight is None:
        return reduced(loss, mode)
    loss = loss * _checked_weight(op, weight, loss)
    if mode != "mean":
        return reduced(loss, mode)
    mean: Tensor = total(loss) / total(weight)
    return mean


class LossShapeError(ShapeError, ValueError):
    """Tensors that must have one shape differ; PyTorch raises ValueError."""


@function(method=False, namespace=_F)
def l1_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Absolute distance.  input and target ``(*S)``, broadcast -> ``()``, or ``(*S)`` without reduction."""
    mode = reduction_mode("l1_loss", reduction, size_average, reduce)
    loss: Tensor = absolute_error(*_pair("l1_loss", input, target))
    return _weighted_mean("l1_loss", loss, weight, mode).to(result_type(input, target))


@function(method=False, namespace=_F)
def smooth_l1_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", beta: float = 1.0,
) -> Tensor:  # fmt: skip
    """Quadratic below a distance of ``beta``, linear above; :func:`l1_loss` for ``beta`` 0 (Girshick, 2015)."""
    mode = reduction_mode("smooth_l1_loss", reduction, size_average, reduce)
    if beta < 0:
        raise LossArgumentError(f"smooth_l1_loss: beta must not be negative, got {beta}")
    wide = _pair("smooth_l1_loss", input, target)
    loss: Tensor = absolute_error(*wide) if beta == 0 else smooth_absolute_error(*wide, float(beta))
    return reduced(loss, mode).to(result_type(input, target))


@function(method=False, namespace=_F)
def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """Quadratic up to a distance of ``delta``, linear above (Huber, 1964)."""
    mode = reduction_mode("huber_loss", reduction)
    if delta <= 0:
        raise LossArgumentError(f"huber_loss: delta must be positive, got {delta}")
    loss: Tensor = huber_error(*_pair("huber_loss", input, target), float(delta))
    if weight is not None:  # unlike the other two, its mean is over the elements, as in PyTorch
        loss = loss * _checked_weight("huber_loss", weight, loss)
    return reduced(loss, mode).to(result_type(input, target))


@function(method=False, namespace=_F)
def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``-(target * log(input) + (1 - target) * log(1 - input))`` of probabilities; the logarithms are at least -100.

    input and target of one shape; ``weight`` broadcasts.
    """
    mode = reduction_mode("binary_cross_entropy", reduction, size_average, reduce)
    if input.shape != target.shape:
        raise LossShapeError(
            f"binary_cross_entropy: target size ({list(target.shape)}) must be the same as input size ({list(input.shape)})"
        )
    loss: Tensor = bernoulli_error(*_pair("binary_cross_entropy", input, target))
    return _finish(loss, weight, mode, input)


@function(method=False, namespace=_F)
def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean", pos_weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """:func:`binary_cross_entropy` of ``sigmoid(input)`` without the loss of digits.

    ``weight`` and ``pos_weight``, a factor for the positive targets, broadcast.
    """
    mode = reduction_mode("binary_cross_entropy_with_logits", reduction, size_average, reduce)
    if input.shape != target.shape:
        raise LossShapeError(
            f"binary_cross_entropy_with_logits: target size ({list(target.shape)}) must be the same as input size "
            f"({list(input.shape)})"
        )
    wide = _pair("binary_cross_entropy_with_logits", input, target)
    loss: Tensor = logit_error(*wide) if pos_weight is None else logit_error(*wide, widened(pos_weight))
    return _finish(loss, weight, mode, input)


@function(method=False, namespace=_F)
def kl_div(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", log_target: bool = False,
) -> Tensor:  # fmt: skip
    """Kullback-Leibler divergence, ``target * (log(target) - input)``, of log probabilities ``input``.

    ``reduction="batchmean"``, the sum divided by the size of axis 0, is the mathematical definition.  ``log_target``: the
    target holds log probabilities too.
    """
    batch = reduction == "batchmean" and size_average is None and reduce is None
    mode = "sum" if batch else reduction_mode("kl_div", reduction, size_average, reduce)
    wide = _pair("kl_div", input, target)
    loss: Tensor = log_divergence(*wide) if log_target else divergence(*wide)
    result = reduced(loss, mode)
    if batch and input.ndim:
        result = result / input.shape[0]
    return result.to(result_type(input, target))


@function(method=False, namespace=_F)
def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``1 - cos`` of the angle between two vectors where the target is 1, ``max(0, cos - margin)`` where it is -1.

    input1 and input2 ``(N, D)`` or ``(D)``, target ``(N)`` or ``()``.
    """
    mode = reduction_mode("cosine_embedding_loss", reduction, size_average, reduce)
    if not input1.ndim or not input2.ndim:
        raise RankError("cosine_embedding_loss: expected inputs (N, D) or (D), got a 0-d tensor")
    dim = 1 if input1.ndim > 1 else 0
    squares = ((input1 * input1).sum(dim) + _TINY) * ((input2 * input2).sum(dim) + _TINY)
    cosine = (input1 * input2).sum(dim) / squares.sqrt()
    loss: Tensor = where_elements(eq(target, 1), 1.0 - cosine, relu(cosine - margin))
    return reduced(loss, mode)
