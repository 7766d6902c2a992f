"""Loss functions.  ``reduction`` is ``"mean"``, ``"sum"`` or ``"none"``."""

from __future__ import annotations

from typing import Any

from hotplug.declare import elementwise, function
from hotplug.declare.rules import real_floating
from hotplug.dtypes import int64
from hotplug.errors import ArgumentError, DTypeError, ShapeError
from hotplug.expr import scalar as s
from hotplug.tensor import Tensor

_F = "nn.functional"


def _reduced(op: str, loss: Tensor, reduction: str) -> Tensor:
    from hotplug import ops

    if reduction == "none":
        return loss
    if reduction == "mean":
        return ops.mean(loss)
    if reduction == "sum":
        return ops.sum(loss)
    raise ArgumentError(f"{op}: {reduction!r} is not a valid value for reduction; use 'mean', 'sum' or 'none'")


def _same_size(op: str, input: Tensor, target: Tensor) -> None:
    if input.shape != target.shape:
        raise ShapeError(
            f"{op}: expected input and target of one shape, got {list(input.shape)} and {list(target.shape)}; "
            f"broadcasting them is usually a mistake, so it must be done by hand"
        )


@elementwise(dtype=real_floating, method=False, inplace=False, sample=(-3, 3))
def squared_error(input: Any, target: Any) -> Any:
    """``(input - target) ** 2``."""
    return (input - target) * (input - target)


@elementwise(dtype=real_floating, method=False, inplace=False, sample=(-3, 3))
def absolute_error(input: Any, target: Any) -> Any:
    """``|input - target|``."""
    return s.abs(input - target)


@elementwise(dtype=real_floating, method=False, inplace=False, sample=(-3, 3))
def huber_error(input: Any, target: Any, delta: Any = 1.0) -> Any:
    """Half the square below ``delta``, linear above (Huber, 1964)."""
    gap = s.abs(input - target)
    return s.where(s.le(gap, delta), gap * gap * 0.5, (gap - s.mul(0.5, delta)) * delta)


@elementwise(dtype=real_floating, method=False, inplace=False, sample=(-3, 3))
def smooth_absolute_error(input: Any, target: Any, beta: Any = 1.0) -> Any:
    """Half the square over ``beta`` below ``beta``, the distance less half ``beta`` above."""
    gap = s.abs(input - target)
    return s.where(s.lt(gap, beta), gap * gap * 0.5 / beta, gap - s.mul(0.5, beta))


@elementwise(dtype=real_floating, method=False, inplace=False, sample=(0.1, 0.9))
def binary_error(input: Any, target: Any) -> Any:
    """``-(target log(input) + (1 - target) log(1 - input))``, the logarithms not below -100, as in PyTorch."""
    positive, negative = s.maximum(s.log(input), -100.0), s.maximum(s.log1p(-input), -100.0)
    return (target - 1.0) * negative - target * positive


@elementwise(dtype=real_floating, method=False, inplace=False, sample=(-3, 3))
def binary_error_with_logits(input: Any, target: Any, pos_weight: Any = 1.0) -> Any:
    """:func:`binary_error` of ``sigmoid(input)`` without overflow; ``pos_weight`` weighs the positive part."""
    log_sigmoid = s.where(s.lt(input, 0.0), input, 0.0) - s.log1p(s.exp(-s.abs(input)))
    return (1.0 - target) * input - (target * s.sub(pos_weight, 1.0) + 1.0) * log_sigmoid


@elementwise(dtype=real_floating, method=False, inplace=False, sample=(0.1, 0.9))
def divergence(input: Any, target: Any, log_target: bool = False) -> Any:
    """``target * (log(target) - input)`` of a log-probability ``input``; zero where the target is."""
    if log_target:
        return s.exp(target) * (target - input)
    safe = s.where(s.gt(target, 0.0), target, 1.0)
    return s.where(s.gt(target, 0.0), target * (s.log(safe) - input), 0.0)


@function(method=False, namespace=_F)
def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean", weight: Tensor | None = None) -> Tensor:
    """Mean of squared differences."""
    _same_size("mse_loss", input, target)
    loss = squared_error(input, target)
    return _reduced("mse_loss", loss if weight is None else loss * weight, reduction)


@function(method=False, namespace=_F)
def l1_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Mean of absolute differences."""
    _same_size("l1_loss", input, target)
    return _reduced("l1_loss", absolute_error(input, target), reduction)


@function(method=False, namespace=_F)
def smooth_l1_loss(input: Tensor, target: Tensor, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """Squared below ``beta``, absolute above."""
    _same_size("smooth_l1_loss", input, target)
    if beta < 0:
        raise ArgumentError(f"smooth_l1_loss: expected beta >= 0, got {beta}")
    if beta == 0:
        return l1_loss(input, target, reduction)
    return _reduced("smooth_l1_loss", smooth_absolute_error(input, target, float(beta)), reduction)


@function(method=False, namespace=_F)
def huber_loss(input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    """Squared below ``delta``, linear above."""
    _same_size("huber_loss", input, target)
    if delta <= 0:
        raise ArgumentError(f"huber_loss: expected delta > 0, got {delta}")
    return _reduced("huber_loss", huber_error(input, target, float(delta)), reduction)


@function(method=False, namespace=_F)
def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    """Cross-entropy of probabilities and targets between 0 and 1."""
    _same_size("binary_cross_entropy", input, target)
    loss = binary_error(input, target)
    return _reduced("binary_cross_entropy", loss if weight is None else loss * weight, reduction)


@function(method=False, namespace=_F)
def binary_cross_entropy_with_logits(input: Tensor, target: Tensor, weight: Tensor | None = None,
                                     reduction: str = "mean", pos_weight: Tensor | None = None) -> Tensor:  # fmt: skip
    """Cross-entropy of ``sigmoid(input)`` and targets between 0 and 1."""
    _same_size("binary_cross_entropy_with_logits", input, target)
    given = () if pos_weight is None else (pos_weight,)
    loss = binary_error_with_logits(input, target, *given)
    return _reduced("binary_cross_entropy_with_logits", loss if weight is None else loss * weight, reduction)


@function(method=False, namespace=_F)
def kl_div(input: Tensor, target: Tensor, reduction: str = "mean", log_target: bool = False) -> Tensor:
    """Kullback-Leibler divergence of log-probabilities ``input`` from ``target``; also ``reduction="batchmean"``."""
    from hotplug import ops

    loss = divergence(input, target, log_target=log_target)
    if reduction == "batchmean":
        return ops.sum(loss) / (input.shape[0] if input.ndim else 1)
    return _reduced("kl_div", loss, reduction)


def _check_classes(op: str, input: Tensor, target: Tensor, weight: Tensor | None) -> int:
    """The class axis of the input."""
    if input.ndim == 0:
        raise ShapeError(f"{op}: expected (N, C, ...) or (C) scores, got a 0-d tensor")
    axis = 1 if input.ndim > 1 else 0
    classes = input.shape[axis]
    wanted = tuple(size for at, size in enumerate(input.shape) if at != axis)
    if tuple(target.shape) != wanted:
        kind = ValueError if input.ndim > 1 and target.ndim and target.shape[0] != input.shape[0] else RuntimeError
        message = (
            f"{op}: expected target of shape {list(wanted)} for input {list(input.shape)}, got {list(target.shape)}"
        )
        raise (_BatchMismatchError if kind is ValueError else ShapeError)(message)
    if weight is not None and tuple(weight.shape) != (classes,):
        raise ShapeError(f"{op}: weight tensor should be defined for all {classes} classes, got {list(weight.shape)}")
    return axis


class _BatchMismatchError(ArgumentError):
    """Input and target of different batch sizes."""


@function(method=False, namespace=_F)
def nll_loss(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None,
             ignore_index: int = -100, reduce: Any = None, reduction: str = "mean") -> Tensor:  # fmt: skip
    """Minus the log-probability of the target class.  input ``(N, C, *S)``, target ``(N, *S)`` of class indices.

    The mean is weighted by ``weight``, and leaves out the elements whose target is ``ignore_index``.
    """
    from hotplug import ops

    axis = _check_classes("nll_loss", input, target, weight)
    if target.dtype is not int64:
        raise DTypeError(f"nll_loss: expected int64 class indices, got {target.dtype.name}; convert with .long()")
    counted = ops.ne(target, ignore_index)
    safe = ops.where(counted, target, 0)
    picked = ops.squeeze(ops.gather(input, axis, ops.unsqueeze(safe, axis)), axis)
    share = counted.to(input.dtype)
    if weight is not None:
        rows = ops.index_select(weight, 0, ops.reshape(safe, (-1,)))
        share = share * ops.reshape(rows, tuple(safe.shape))
    loss = ops.where(counted, -(picked * share), 0.0)
    if reduction == "mean":
        return ops.sum(loss) / ops.sum(share)
    return _reduced("nll_loss", loss, reduction)


@function(method=False, namespace=_F)
def cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None,
                  ignore_index: int = -100, reduce: Any = None, reduction: str = "mean",
                  label_smoothing: float = 0.0) -> Tensor:  # fmt: skip
    """Cross-entropy of scores and targets, class indices or probabilities.

    input ``(N, C, *S)`` or ``(C)``; target ``(N, *S)`` of int64, or the input's shape of probabilities.
    """
    from hotplug import ops

    if not 0.0 <= label_smoothing <= 1.0:
        raise _SmoothingError(f"cross_entropy: label_smoothing must be between 0.0 and 1.0, got {label_smoothing}")
    axis = 1 if input.ndim > 1 else 0
    logs = ops.log_softmax(input, axis)
    if target.dtype.kind == "f":
        return _soft_cross_entropy(logs, target, weight, reduction, label_smoothing, axis)
    loss = nll_loss(logs, target, weight, None, ignore_index, None, reduction)
    if not label_smoothing:
        return loss
    counted = ops.ne(target, ignore_index).to(logs.dtype)
    wide = logs if weight is None else logs * _along(weight, logs, axis)
    smooth = -ops.sum(wide, axis) * counted
    if reduction == "mean":
        share = counted
        if weight is not None:
            safe = ops.reshape(ops.where(ops.ne(target, ignore_index), target, 0), (-1,))
            share = counted * ops.reshape(ops.index_select(weight, 0, safe), tuple(target.shape))
        smooth = ops.sum(smooth) / ops.sum(share)
    elif reduction == "sum":
        smooth = ops.sum(smooth)
    return loss * (1.0 - label_smoothing) + smooth * (label_smoothing / logs.shape[axis])


class _SmoothingError(ArgumentError, RuntimeError):
    """label_smoothing out of range."""


def _along(weight: Tensor, like: Tensor, axis: int) -> Tensor:
    from hotplug import ops

    return ops.reshape(weight, [-1 if at == axis else 1 for at in range(like.ndim)])


def _soft_cross_entropy(
    logs: Tensor, target: Tensor, weight: Tensor | None, reduction: str, smoothing: float, axis: int
) -> Tensor:
    from hotplug import ops

    _same_size("cross_entropy", logs, target)
    if smoothing:
        target = target * (1.0 - smoothing) + smoothing / logs.shape[axis]
    weighted = logs * target if weight is None else logs * target * _along(weight, logs, axis)
    loss = -ops.sum(weighted, axis)
    if reduction == "mean":
        return ops.sum(loss) / (logs.numel() // logs.shape[axis])
    return _reduced("cross_entropy", loss, reduction)


@function(method=False, namespace=_F)
def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: str = "mean"
) -> Tensor:
    """``1 - cos`` for target 1, ``max(0, cos - margin)`` for target -1."""
    from hotplug import ops

    cosine = ops.cosine_similarity(input1, input2, 1 if input1.ndim > 1 else 0)
    apart = ops.relu(cosine - margin)
    return _reduced("cosine_embedding_loss", ops.where(ops.eq(target, 1), 1.0 - cosine, apart), reduction)
