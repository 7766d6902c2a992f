"""Losses over classes: cross_entropy and nll_loss."""

from __future__ import annotations

from hotplug.declare import composite, function
from hotplug.dtypes import dtype as DType, int64, uint8
from hotplug.errors import ArgumentError, DTypeError, RankError, ShapeError
from hotplug.layout import Shape
from hotplug.ops import arithmetic, comparison, reduction, transcendental, views
from hotplug.ops.gathering import gather_along, select_rows
from hotplug.ops.scattering import scatter_into
from hotplug.ops.softmaxes import log_softmax_along, shifted_exp, widened
from hotplug.tensor import Tensor


def reduction_mode(op: str, reduction: str, size_average: bool | None = None, reduce: bool | None = None) -> str:
    """``none``, ``mean`` or ``sum``, from PyTorch's deprecated flags where one of them is given.

    Raises:
        ArgumentError: it is none of the three.
    """
    if size_average is not None or reduce is not None:
        if reduce is False:
            return "none"
        return "sum" if size_average is False else "mean"
    if reduction not in ("none", "mean", "sum"):
        raise ArgumentError(f"{op}: {reduction} is not a valid value for reduction; use 'none', 'mean' or 'sum'")
    return reduction


def reduced(loss: Tensor, mode: str) -> Tensor:
    """A loss by element as the caller wants it."""
    if mode == "none":
        return loss
    return reduction.mean(loss) if mode == "mean" else reduction.sum(loss)


# --- one row, one loss -----------------------------------------------------------------------------------------------


def _valid(target: Tensor, ignore_index: int) -> tuple[Tensor, Tensor]:
    """Which targets count, and the targets with 0 in place of the others, with an axis for the class."""
    kept: Tensor = comparison.ne(target, ignore_index)
    safe: Tensor = arithmetic.where_elements(kept, target, 0)
    return kept, views.unsqueeze(safe, 1)


def _picked(input: Tensor, safe: Tensor) -> Tensor:
    """The input's value at the target class of each row."""
    return views.squeeze(gather_along(input, 1, safe, tuple(safe.shape)), 1)


def _row_outputs(input: Tensor, target: Tensor, ignore_index: int) -> list[tuple[Shape, DType]]:
    return [(tuple(target.shape), input.dtype)] * 2


@composite(outputs=_row_outputs)
def cross_entropy_rows(input: Tensor, target: Tensor, ignore_index: int) -> tuple[Tensor, Tensor]:
    """``logsumexp(row) - row[target]``, 0 where the target is ignored, and the ``logsumexp`` kept for backward.

    input ``(N, C, *S)``, target ``(N, *S)`` -> twice ``(N, *S)``.
    """
    largest = reduction.extremum_over(input, "max", (1,), True)
    largest = arithmetic.where_elements(comparison.isinf(largest), 0.0, largest)
    power = reduction.sum_over(shifted_exp(input, largest), (1,), False, input.dtype)
    total, base = transcendental.log(power), views.squeeze(largest, 1)
    kept, safe = _valid(target, ignore_index)
    # The largest is not put back before the target's is taken away: large inputs would cost the loss its digits.
    loss: Tensor = arithmetic.where_elements(kept, total - (_picked(input, safe) - base), 0.0)
    return loss, total + base


@cross_entropy_rows.gradient("input")
def _(grad: Tensor, input: Tensor, target: Tensor, out1: Tensor, ignore_index: int) -> Tensor:
    return cross_entropy_rows_backward(grad, input, target, out1, ignore_index)


@composite(outputs=lambda grad, input, *_: [(tuple(input.shape), input.dtype)])
def cross_entropy_rows_backward(
    grad: Tensor, input: Tensor, target: Tensor, total: Tensor, ignore_index: int
) -> Tensor:
    """``grad * (softmax(row) - onehot(target))``, 0 where the target is ignored; ``total`` is the rows' logsumexp."""
    kept, safe = _valid(target, ignore_index)
    scale: Tensor = views.unsqueeze(arithmetic.where_elements(kept, grad, 0.0), 1)
    soft: Tensor = shifted_exp(input, views.unsqueeze(total, 1)) * scale
    return scatter_into("cross_entropy_backward", soft, 1, safe, -scale, tuple(safe.shape), "add")


class TargetShapeError(ShapeError, ValueError):
    """Targets that don't fit the input; PyTorch raises ValueError or RuntimeError, by axis."""


# --- public functions ------------------------------------------------------------------------------------------------


def _class_targets(op: str, input: Tensor, target: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor]:
    """Input ``(N, C, *S)`` and int64 targets ``(N, *S)``; a single row gets an axis N."""
    if input.ndim == 0:
        raise RankError(f"{op}: expected input of 1 dimension (C) or more, got a 0-d tensor")
    if input.dtype.kind != "f":
        raise DTypeError(f"{op}: expected a floating input, got {input.dtype.name}")
    if target.dtype not in (int64, uint8):
        raise DTypeError(
            f"{op}: expected scalar type int64 for class targets but found {target.dtype.name}; use .long()"
        )
    expected = tuple(input.shape[:1]) + tuple(input.shape[2:]) if input.ndim > 1 else ()
    if tuple(target.shape) != expected:
        raise TargetShapeError(
            f"{op}: expected target of shape {list(expected)} for input {list(input.shape)}, got {list(target.shape)}"
        )
    if weight is not None and tuple(weight.shape) != (input.shape[1 if input.ndim > 1 else 0],):
        raise ShapeError(
            f"{op}: weight must have one element for each of the classes of {list(input.shape)}, got {list(weight.shape)}"
        )
    target = target.to(int64)
    return (input, target) if input.ndim > 1 else (views.unsqueeze(input, 0), views.unsqueeze(target, 0))


def _finished(loss: Tensor, mode: str, shape: Shape, divisor: Tensor | None) -> Tensor:
    """Rows' losses reduced; the mean is over ``divisor``, the weight of the rows that count."""
    if mode == "none":
        return views.reshape(loss, shape)
    total = reduction.sum(loss)
    mean: Tensor = total / divisor if mode == "mean" else total
    return mean


@function(method=False, namespace="nn.functional")
def nll_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    ignore_index: int = -100, reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Negative log likelihood, ``-weight[target] * input[target]``, of log probabilities.

    input ``(C)`` or ``(N, C, *S)``, target ``()`` or ``(N, *S)`` of class numbers.  The mean is weighted; targets equal to
    ``ignore_index`` count neither in it nor in the sum.

    Raises:
        IndexRangeError: a target is no class.
    """
    mode = reduction_mode("nll_loss", reduction, size_average, reduce)
    shape = tuple(target.shape)
    rows, target = _class_targets("nll_loss", input, target, weight)
    loss, share = _nll_rows(widened(rows), target, weight, ignore_index)
    return _finished(loss, mode, shape, _sum(share)).to(input.dtype)


def _sum(share: Tensor) -> Tensor:
    """The sum of all elements; where ``reduction`` names an argument, the module is out of reach."""
    return reduction.sum(share)


def _nll_rows(rows: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int) -> tuple[Tensor, Tensor]:
    """The weighted loss of every row and its weight, both 0 where the target is ignored."""
    kept, safe = _valid(target, ignore_index)
    share = kept.to(rows.dtype)
    if weight is not None:
        own = select_rows(weight.to(rows.dtype), 0, views.reshape(safe, (-1,)))
        share = share * views.reshape(own, tuple(target.shape))
    loss: Tensor = arithmetic.where_elements(kept, -_picked(rows, safe) * share, 0.0)
    return loss, share


@function(method=False, namespace="nn.functional")
def cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    ignore_index: int = -100, reduce: bool | None = None, reduction: str = "mean", label_smoothing: float = 0.0,
) -> Tensor:  # fmt: skip
    """``-log(softmax(input))`` of the target class, or averaged over target probabilities.

    Args:
        input: scores ``(C)`` or ``(N, C, *S)``.
        target: class numbers ``()`` or ``(N, *S)``, or probabilities of the input's shape and a floating dtype.
        weight: a factor for each class, ``(C)``; the mean over class numbers is weighted by it.
        ignore_index: class numbers equal to it count neither in the mean nor in the sum.
        reduction: ``mean``, ``sum``, or ``none`` for the losses of the rows.
        label_smoothing: this share of the target is spread evenly over all classes.

    Raises:
        IndexRangeError: a target is no class.
    """
    mode = reduction_mode("cross_entropy", reduction, size_average, reduce)
    if not 0.0 <= label_smoothing <= 1.0:
        raise SmoothingError(f"cross_entropy: label_smoothing must be between 0.0 and 1.0, got {label_smoothing}")
    if tuple(input.shape) == tuple(target.shape) and input.ndim:
        return _with_probabilities(input, target, weight, mode, label_smoothing).to(input.dtype)
    shape = tuple(target.shape)
    rows, target = _class_targets("cross_entropy", input, target, weight)
    rows = widened(rows)
    if weight is None and label_smoothing == 0.0:
        loss, _ = cross_entropy_rows(rows, target, ignore_index)
        count = _count(target, ignore_index, rows) if mode == "mean" else None
        return _finished(loss, mode, shape, count).to(input.dtype)
    scores = log_softmax_along(rows, 1)
    loss, share = _nll_rows(scores, target, weight, ignore_index)
    if label_smoothing:
        loss = loss * (1.0 - label_smoothing) + _smooth(scores, target, weight, ignore_index) * label_smoothing
    return _finished(loss, mode, shape, _sum(share)).to(input.dtype)


class SmoothingError(ArgumentError, RuntimeError):
    """A share outside of [0, 1]."""


def _count(target: Tensor, ignore_index: int, like: Tensor) -> Tensor:
    """How many targets count, in the dtype of the loss."""
    return reduction.sum(comparison.ne(target, ignore_index), dtype=like.dtype)


def _smooth(scores: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int) -> Tensor:
    """The loss of every row against the even distribution, 0 where the target is ignored."""
    weighted = scores if weight is None else scores * _by_class(weight, scores)
    even = -reduction.sum(weighted, 1) / scores.shape[1]
    found: Tensor = arithmetic.where_elements(comparison.ne(target, ignore_index), even, 0.0)
    return found


def _by_class(weight: Tensor, scores: Tensor) -> Tensor:
    """A weight of each class in a shape that broadcasts over ``(N, C, *S)``."""
    return views.reshape(weight.to(scores.dtype), (-1, *(1,) * (scores.ndim - 2)))


def _with_probabilities(input: Tensor, target: Tensor, weight: Tensor | None, mode: str, smoothing: float) -> Tensor:
    if target.dtype.kind != "f":
        raise DTypeError(
            f"cross_entropy: a target of the input's shape {list(input.shape)} holds class probabilities and must be "
            f"floating, got {target.dtype.name}; class numbers have no axis for the class"
        )
    d = 1 if input.ndim > 1 else 0
    wide = widened(input)
    scores, goal = log_softmax_along(wide, d), target.to(wide.dtype)
    if smoothing:
        goal = goal * (1.0 - smoothing) + smoothing / input.shape[d]
    product: Tensor = scores * goal
    if weight is not None:
        product = product * (weight.to(wide.dtype) if d == 0 else _by_class(weight, scores))
    loss: Tensor = -reduction.sum(product, d)
    if mode == "none":
        return loss
    total = reduction.sum(loss)
    mean: Tensor = total / (input.numel() // max(input.shape[d], 1)) if mode == "mean" else total
    return mean
