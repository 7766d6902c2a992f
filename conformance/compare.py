"""Comparing results: how many ulps off, and where."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from hotplug.conformance.case import Failure
from hotplug.conformance.tolerance import TENSOR, Tolerance
from hotplug.dtypes import dtype

NDArray = np.ndarray[Any, Any]


def check(actual: NDArray, expected: NDArray, kind: dtype, allowed: Tolerance, what: str = "result") -> float:
    """Compare values of dtype ``kind`` with expected ones, usually wider; the worst error in ulps.

    Raises:
        Failure: shapes differ, or an element is off by more than allowed.
    """
    if actual.shape != expected.shape:
        raise Failure(f"{what}: expected shape {list(expected.shape)}, got {list(actual.shape)}")
    if kind.kind == "c":
        limit = kind.real
        modulus = np.abs(expected)  # an ulp of a part is one of the whole number: parts cancel
        parts = [
            _floating(part(actual), part(expected), limit, allowed, f"{what}.{part.__name__}", modulus)
            for part in (np.real, np.imag)
        ]
        return max(parts)
    if kind.kind == "f":
        return _floating(actual.astype(np.float64), expected.astype(np.float64), kind, allowed, what)
    return _exact(actual, expected.astype(kind.numpy), what)


def _exact(actual: NDArray, expected: NDArray, what: str) -> float:
    wrong = actual != expected
    if wrong.any():
        raise Failure(_message(actual, expected, wrong, what, "must be equal"))
    return 0.0


def spacing(values: NDArray, kind: dtype) -> NDArray:
    """The unit in the last place of each value in a floating dtype; for zero and denormals, the smallest step."""
    limits = ml_dtypes.finfo(kind.numpy)
    magnitude = np.maximum(np.abs(values), float(limits.smallest_normal))
    return np.asarray(np.exp2(np.floor(np.log2(magnitude))) * float(limits.eps))


def rounded(values: NDArray, kind: dtype) -> NDArray:
    """The nearest values of the dtype, as float64."""
    with np.errstate(over="ignore", invalid="ignore"):
        return values.astype(kind.numpy).astype(np.float64)


def _floating(
    actual: NDArray, expected: NDArray, kind: dtype, allowed: Tolerance, what: str, magnitude: NDArray | None = None
) -> float:
    limit = allowed.half if kind.itemsize == 2 else allowed.wide
    goal = rounded(expected, kind)
    special = ~np.isfinite(goal) | ~np.isfinite(actual)
    same = (actual == goal) | (np.isnan(actual) & np.isnan(goal))
    with np.errstate(invalid="ignore", over="ignore"):
        sized = np.abs(goal if magnitude is None else magnitude)
        sized = np.where(np.isfinite(sized), sized, 0.0)
        if allowed.scale == TENSOR and sized.size:
            sized = np.full_like(sized, sized.max())
        exact = np.where(np.isfinite(expected), expected, goal)
        ulps = np.where(special, np.where(same, 0.0, np.inf), np.abs(actual - exact) / spacing(sized, kind))
    ulps = np.where(same, 0.0, ulps)
    wrong = ulps > limit
    if wrong.any():
        note = f"{np.max(ulps):.3g} ulp of {kind.name} off, allowed {limit:g} ({allowed.scale})"
        raise Failure(_message(actual, goal, wrong, what, note))
    return float(ulps.max()) if ulps.size else 0.0


def _message(actual: NDArray, expected: NDArray, wrong: NDArray, what: str, note: str) -> str:
    positions = np.argwhere(wrong)
    first = tuple(int(p) for p in positions[0])
    return (
        f"{what}: {len(positions)} of {wrong.size} elements differ, the first at {list(first)}: "
        f"expected {expected[first]!r}, got {actual[first]!r}; {note}"
    )
