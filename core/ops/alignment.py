"""``nn.functional.ctc_loss``: connectionist temporal classification (Graves et al., 2006)."""

from __future__ import annotations

import functools
import math
from typing import Any

from hotplug.autograd.pullback import pullback
from hotplug.declare import composite, elementwise, function, gradient
from hotplug.declare.rules import real_floating as floating
from hotplug.dtypes import dtype as DType, int64
from hotplug.errors import RankError, ShapeError
from hotplug.expr import scalar as s
from hotplug.layout import Shape
from hotplug.ops import arithmetic, comparison, creation, joining, reduction as reductions, scan, views
from hotplug.ops.classification import reduced, reduction_mode
from hotplug.ops.gathering import gather_along
from hotplug.ops.padding import padded
from hotplug.ops.softmaxes import widened
from hotplug.tensor import Tensor


@elementwise(dtype=floating, sample=(-3, 3), namespace="ops", method=False, inplace=False)
def log_total(input: Any, second: Any, third: Any) -> Any:
    """``log(exp(input) + exp(second) + exp(third))``, also where all are minus infinity."""
    largest = s.maximum(s.maximum(input, second), third)
    shift = s.where(s.eq(largest, -math.inf), 0.0, largest)
    return s.log(s.exp(input - shift) + s.exp(second - shift) + s.exp(third - shift)) + shift


def _share(grad: Any, out: Any, given: Any) -> Any:
    """The share of one term; by hand, since the derived one has no limit where all terms vanish."""
    return s.where(s.eq(out, -math.inf), 0.0, grad * s.exp(given - s.where(s.eq(out, -math.inf), 0.0, out)))


@gradient(log_total, "input")
def _(grad: Any, out: Any, input: Any) -> Any:
    """See :func:`_share`."""
    return _share(grad, out, input)


@gradient(log_total, "second")
def _(grad: Any, out: Any, second: Any) -> Any:
    """See :func:`_share`."""
    return _share(grad, out, second)


@gradient(log_total, "third")
def _(grad: Any, out: Any, third: Any) -> Any:
    """See :func:`_share`."""
    return _share(grad, out, third)


def _behind(alpha: Tensor, steps: int) -> Tensor:
    """Every element ``steps`` places later, minus infinity in front."""
    kept = max(alpha.shape[1] - steps, 0)
    return padded(views.narrow(alpha, 1, 0, kept), (0, alpha.shape[1] - kept), (0, 0), -math.inf)


def _labels(targets: Tensor, blank: int) -> tuple[Tensor, Tensor]:
    """The labels with a blank before, between and behind, ``(N, 2 S + 1)``, and where one may follow the label before
    last: at a label that differs from it.
    """
    count, length = targets.shape
    blanks = creation.full((count, length, 1), blank, dtype=int64, device=targets.device)
    pairs = views.reshape(joining.cat((blanks, views.unsqueeze(targets, 2)), 2), (count, 2 * length))
    spread = joining.cat((pairs, creation.full((count, 1), blank, dtype=int64, device=targets.device)), 1)
    other = padded(views.narrow(spread, 1, 0, max(2 * length - 1, 0)), (0, min(2, 2 * length + 1)), (0, 0), blank)
    return spread, comparison.logical_and(comparison.ne(spread, blank), comparison.ne(spread, other))


def _log_likelihood(scores: Tensor, targets: Tensor, inputs: Tensor, lengths: Tensor, blank: int) -> Tensor:
    """The forward recursion: ``alpha[t, l]`` is the logarithm of the probability of having emitted ``l`` labels, blanks
    included, by time ``t``.
    """
    labels, skips = _labels(targets, blank)
    index = views.unsqueeze(labels, 0)
    emitted = gather_along(scores, 2, index, (*scores.shape[:2], labels.shape[1]))
    place = creation.iota(labels, (1, labels.shape[1]))
    alpha: Tensor = arithmetic.where_elements(comparison.lt(place, 2), views.select(emitted, 0, 0), -math.inf)
    for time in range(1, scores.shape[0]):
        jump = arithmetic.where_elements(skips, _behind(alpha, 2), -math.inf)
        moved = log_total(alpha, _behind(alpha, 1), jump) + views.select(emitted, 0, time)
        alpha = arithmetic.where_elements(views.unsqueeze(comparison.gt(inputs, time), 1), moved, alpha)
    last = views.unsqueeze(lengths * 2, 1)
    before = arithmetic.clamp(last - 1, min=0)
    ends = [gather_along(alpha, 1, at, (alpha.shape[0], 1)) for at in (last, before)]
    none = creation.full_like(ends[0].detach(), -math.inf)
    second = arithmetic.where_elements(comparison.gt(last, 0), ends[1], -math.inf)
    return views.squeeze(log_total(ends[0], second, none), 1)


def _outputs(
    scores: Tensor, targets: Tensor, inputs: Tensor, lengths: Tensor, blank: int
) -> list[tuple[Shape, DType]]:  # fmt: skip
    return [((scores.shape[1],), scores.dtype)]


@composite(outputs=_outputs)
def ctc_rows(scores: Tensor, targets: Tensor, inputs: Tensor, lengths: Tensor, blank: int) -> Tensor:
    """The loss of every sequence: minus the logarithm of the probability of its labels.

    scores ``(T, N, C)``, targets ``(N, S)``, lengths of the inputs and of the targets ``(N)`` -> ``(N)``.
    """
    return -_log_likelihood(scores, targets, inputs, lengths, blank)


@ctc_rows.gradient("scores")
def _(grad: Tensor, scores: Tensor, targets: Tensor, inputs: Tensor, lengths: Tensor, blank: int) -> Tensor:
    return ctc_rows_backward(grad, scores, targets, inputs, lengths, blank)


@composite(outputs=lambda delta, scores, *_: [(tuple(scores.shape), delta.dtype)])
def ctc_rows_backward(
    delta: Tensor, scores: Tensor, targets: Tensor, inputs: Tensor, lengths: Tensor, blank: int
) -> Tensor:
    """The gradient for the scores."""
    body = functools.partial(_log_likelihood, targets=targets, inputs=inputs, lengths=lengths, blank=blank)
    found: Tensor = pullback(body, (scores,), [0], [-delta])[0]
    return found


# --- the public function ---------------------------------------------------------------------------------------------


class AlignmentError(RankError):
    """Sequences, labels and lengths that don't fit."""


def _lengths(op: str, name: str, given: Any, count: int, like: Tensor) -> tuple[Tensor, int | None]:
    """Lengths as ``(count)`` of int64 on the device, and the largest where it is known to the host."""
    if isinstance(given, Tensor):
        found = views.reshape(given.to(dtype=int64, device=like.device), (-1,))
        largest = None
    else:
        numbers = [given] if isinstance(given, int) else [int(each) for each in given]
        found = creation.tensor(numbers, dtype=int64, device=like.device)
        largest = max(numbers, default=0)
    if found.shape[0] != count:
        raise AlignmentError(f"{op}: expected {name} to have {count} elements, got {found.shape[0]}")
    return found, largest


def _padded_targets(targets: Tensor, lengths: Tensor, largest: int | None) -> Tensor:
    """Targets that were joined, as rows of one length; where that is not known, as long as all of them together."""
    width = targets.shape[0] if largest is None else largest
    start = views.unsqueeze(scan.cumsum(lengths, 0) - lengths, 1)
    place = start + creation.iota(targets, (1, width))
    safe = arithmetic.clamp(place, max=max(targets.shape[0] - 1, 0))
    flat = views.reshape(safe, (-1,))
    if not targets.shape[0]:
        return creation.zeros((lengths.shape[0], width), dtype=int64, device=targets.device)
    return views.reshape(gather_along(targets, 0, flat, tuple(flat.shape)), tuple(place.shape))


@function(method=False, namespace="nn.functional")
def ctc_loss(
    log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: int = 0,
    reduction: str = "mean", zero_infinity: bool = False,
) -> Tensor:  # fmt: skip
    """Minus the logarithm of the probability that an alignment of the labels with the sequence has.

    Args:
        log_probs: log probabilities ``(T, N, C)`` or ``(T, C)``.
        targets: class numbers without the blank: ``(N, S)``, or ``(S)`` for one sequence, or all labels joined.
        input_lengths, target_lengths: ``(N)`` or ``()``: tensors, or tuples of integers, which spare joined targets
            that are kept on a device the largest possible padding.
        blank: the class of no label.
        reduction: ``mean`` divides each loss by the length of its target first.
        zero_infinity: sequences that are too short for their labels count 0, and have no gradient.
    """
    op = "ctc_loss"
    mode = reduction_mode(op, reduction)
    if log_probs.ndim not in (2, 3) or not 0 <= blank < log_probs.shape[-1] or not log_probs.shape[0]:
        raise AlignmentError(
            f"{op}: expected log_probs (T, N, C) or (T, C) with T > 0 and a blank below C, got {list(log_probs.shape)} and "
            f"{blank}"
        )
    scores = widened(log_probs if log_probs.ndim == 3 else views.unsqueeze(log_probs, 1))
    count = scores.shape[1]
    inputs, longest = _lengths(op, "input_lengths", input_lengths, count, scores)
    if longest is not None and longest > scores.shape[0]:
        raise AlignmentError(f"{op}: expected input_lengths to be at most {scores.shape[0]}, got {longest}")
    lengths, largest = _lengths(op, "target_lengths", target_lengths, count, scores)
    labels = targets.to(dtype=int64, device=scores.device)
    if labels.ndim == 1:
        labels = views.unsqueeze(labels, 0) if log_probs.ndim == 2 else _padded_targets(labels, lengths, largest)
    if labels.ndim != 2 or labels.shape[0] != count:
        raise ShapeError(f"{op}: expected targets (N, S) or (sum of lengths), got {list(targets.shape)}")
    loss = ctc_rows(scores, labels, inputs, lengths, blank)
    if zero_infinity:
        loss = arithmetic.where_elements(comparison.eq(loss, math.inf), 0.0, loss)
    return _reduced(loss, lengths, mode, log_probs)


def _reduced(loss: Tensor, lengths: Tensor, mode: str, like: Tensor) -> Tensor:
    if mode == "mean":
        loss = reductions.mean(loss / arithmetic.clamp(lengths, min=1))
    elif mode == "none" and like.ndim == 2:
        loss = views.squeeze(loss, 0)
    return (loss if mode != "sum" else reduced(loss, "sum")).to(like.dtype)
