"""Comparing results: how many ulps off, and where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

from hotplug.conformance.case import CaseFailedError
from hotplug.conformance.tolerance import ELEMENT, TERMS, UNIT, Tolerance
from hotplug.dtypes import dtype

NDArray = np.ndarray[Any, Any]


def check(
    actual: NDArray, expected: NDArray, kind: dtype, allowed: Tolerance, what: str = "result", terms: float = 0.0, *,
    denormals: bool = True, operands: Sequence[NDArray] = (), signs: bool = False,
) -> float:  # fmt: skip
    """Compare values of dtype ``kind`` with expected ones, usually wider; the worst error in ulps.

    Args:
        terms: the largest operand, for tolerances that are measured by it.
        denormals: whether the device keeps them; otherwise a zero of the same sign is as good.
        operands: of the elements, for the message.
        signs: whether zero and minus zero are told apart.

    Raises:
        CaseFailedError: shapes differ, or an element is off by more than allowed.
    """
    if actual.shape != expected.shape:
        raise CaseFailedError(f"{what}: expected shape {list(expected.shape)}, got {list(actual.shape)}")
    if kind.kind not in "fc":
        return _exact(actual, expected.astype(kind.numpy), what, operands)
    with np.errstate(all="ignore"):
        return _near(actual, expected, kind, allowed, what, terms, Flags(denormals, operands, signs))


def _near(
    actual: NDArray, expected: NDArray, kind: dtype, allowed: Tolerance, what: str, terms: float, flags: Flags
) -> float:
    size = _magnitude(expected, kind, allowed, terms)
    if kind.kind == "f":
        return _floating(actual.astype(np.float64), expected.astype(np.float64), kind, allowed, what, size, flags)
    parts = ((np.real, "real"), (np.imag, "imag"))  # an ulp of a part is one of the whole number: parts cancel
    limits = allowed._replace(wide=max(allowed.complex, allowed.wide))
    return max(
        _floating(part(actual), part(expected), kind.real, limits, f"{what}.{name}", size, flags)
        for part, name in parts
    )


def _magnitude(expected: NDArray, kind: dtype, allowed: Tolerance, terms: float) -> NDArray:
    """What the ulps of each element are ulps of."""
    size = np.abs(expected.astype(kind.numpy).astype(np.complex128 if kind.kind == "c" else np.float64))
    size = np.where(np.isfinite(size), size, 0.0)
    if allowed.scale == ELEMENT or not size.size:
        return size
    if allowed.scale == UNIT:
        return np.maximum(size, 1.0)
    largest = size.max()
    return np.full_like(size, max(largest, terms) if allowed.scale == TERMS else largest)


def _exact(actual: NDArray, expected: NDArray, what: str, operands: Sequence[NDArray]) -> float:
    bytes_ = np.ascontiguousarray(actual).view(np.uint8) if actual.dtype == bool else None
    if bytes_ is not None and bytes_.size and bytes_.max() > 1:
        raise CaseFailedError(f"{what}: a bool is stored as byte {bytes_.max()}; expected 0 or 1")
    wrong = actual != expected
    if wrong.any():
        raise CaseFailedError(_message(actual, expected, wrong, what, "must be equal", operands))
    return 0.0


class Flags(NamedTuple):
    """What a comparison of floats has to know beside the values."""

    denormals: bool = True
    operands: Sequence[NDArray] = ()
    signs: bool = False


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
    actual: NDArray, expected: NDArray, kind: dtype, allowed: Tolerance, what: str, magnitude: NDArray, flags: Flags
) -> float:  # fmt: skip
    limit = allowed.half if kind.itemsize == 2 else allowed.wide
    goal = rounded(expected, kind)
    special = ~np.isfinite(goal) | ~np.isfinite(actual)
    same = (actual == goal) | (np.isnan(actual) & np.isnan(goal))
    turned = (actual == 0) & (goal == 0) & (np.signbit(actual) != np.signbit(goal)) & flags.signs
    if not flags.denormals:
        tiny = np.abs(goal) < float(ml_dtypes.finfo(kind.numpy).smallest_normal)
        same |= tiny & (actual == 0) & (np.signbit(actual) == np.signbit(goal))
    exact = np.where(np.isfinite(expected), expected, goal)
    ulps = np.where(special, np.inf, np.abs(actual - exact) / spacing(magnitude, kind))
    ulps = np.where(same, 0.0, ulps)
    wrong = (ulps > limit) | turned
    if wrong.any():
        note = f"{np.max(ulps):.3g} ulp of {kind.name} off, allowed {limit:g} ({allowed.scale})"
        note = "zero of the other sign" if (wrong == turned).all() else note
        raise CaseFailedError(_message(actual, goal, wrong, what, note, flags.operands))
    return float(ulps.max()) if ulps.size else 0.0


def _message(
    actual: NDArray, expected: NDArray, wrong: NDArray, what: str, note: str, operands: Sequence[NDArray]
) -> str:
    positions = np.argwhere(wrong)
    first = tuple(int(p) for p in positions[0])
    if operands:
        note += f", of {', '.join(str(each[first]) for each in operands)}"
    return (
        f"{what}: {len(positions)} of {wrong.size} elements differ, the first at {list(first)}: "
        f"expected {expected[first]!r}, got {actual[first]!r}; {note}"
    )
