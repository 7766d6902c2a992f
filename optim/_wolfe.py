"""A line search that ends where the strong Wolfe conditions hold (Nocedal and Wright, 2006, algorithms 3.5 and 3.6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from hotplug.tensor import Tensor

_DECREASE: Final = 1e-4
_CURVATURE: Final = 0.9
_MOST: Final = 25
"""Evaluations at most."""

Probe = Callable[[float], tuple[float, Tensor]]


class _Point(NamedTuple):
    """A place on the line: how far, and loss, gradient and slope there."""

    at: float
    loss: float
    gradient: Tensor
    slope: float


def _between(a: _Point, b: _Point, low: float, high: float) -> float:
    """The minimum of the cubic through two points with their slopes, within the bounds; else the middle."""
    if a.at > b.at:
        a, b = b, a
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.at - b.at)
    square = d1 * d1 - a.slope * b.slope
    if square < 0:
        return (low + high) / 2
    d2 = square**0.5
    place = b.at - (b.at - a.at) * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2)
    return float(min(max(place, low), high))


def strong_wolfe(
    probe: Probe, length: float, direction: Tensor, loss: float, gradient: Tensor, slope: float, change: float
) -> tuple[float, Tensor, float]:
    """A length along ``direction`` with enough decrease and a flat enough slope: the loss and gradient there, and it.

    Args:
        probe: loss and gradient at a distance.
        length: the first to try.
        loss, gradient, slope: at the start.
        change: the shortest interval worth dividing.
    """
    start = _Point(0.0, loss, gradient, slope)
    widest = float(direction.abs().max())

    def visit(at: float) -> _Point:
        value, found = probe(at)
        return _Point(at, value, found, float((found * direction).sum()))

    previous, point = start, visit(length)
    for count in range(1, _MOST + 1):
        too_high = point.loss > start.loss + _DECREASE * point.at * slope
        if too_high or (count > 1 and point.loss >= previous.loss) or point.slope >= 0:
            if not too_high and abs(point.slope) <= -_CURVATURE * slope:
                return point.loss, point.gradient, point.at
            return _divide(visit, start, previous, point, widest, change, _MOST - count)
        if abs(point.slope) <= -_CURVATURE * slope:
            return point.loss, point.gradient, point.at
        low, high = point.at + 0.01 * (point.at - previous.at), point.at * 10
        previous, point = point, visit(_between(previous, point, low, high))
    best = min(start, point, key=lambda each: each.loss)
    return best.loss, best.gradient, best.at


def _divide(
    visit: Callable[[float], _Point], start: _Point, a: _Point, b: _Point, widest: float, change: float, left: int
) -> tuple[float, Tensor, float]:
    """Divide an interval that holds a good point until one is found; ``best`` is its end with the lower loss."""
    best, other = (a, b) if a.loss <= b.loss else (b, a)
    stuck = False
    for _ in range(left):
        width = abs(other.at - best.at)
        if width * widest < change:
            break
        low, high = sorted((best.at, other.at))
        at = _between(best, other, low, high)
        margin = 0.1 * (high - low)  # a place too near an end doesn't divide; twice in turn, it is moved inwards
        if min(high - at, at - low) < margin:
            if stuck or at >= high or at <= low:
                at, stuck = (high - margin if abs(at - high) < abs(at - low) else low + margin), False
            else:
                stuck = True
        else:
            stuck = False
        point = visit(at)
        if point.loss > start.loss + _DECREASE * at * start.slope or point.loss >= best.loss:
            other = point
            best, other = (best, other) if best.loss <= other.loss else (other, best)
            continue
        if abs(point.slope) <= -_CURVATURE * start.slope:
            return point.loss, point.gradient, point.at
        if point.slope * (other.at - best.at) >= 0:
            other = best
        best = point
    return best.loss, best.gradient, best.at
