"""What a program of Exprs gives on the reference, and how far another device may be off, element by element.

A device may be off by the table's entry of each scalar function (:mod:`hotplug.conformance.tolerance`); what that does to
the nodes that follow is found by trying: a function is evaluated in float64 where its operands could be.  So nothing is
excused where a program is well-conditioned, and nothing is blamed on a device where terms cancel or a comparison is a tie.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import ml_dtypes
import numpy as np

from hotplug.backend import Capabilities, Expr, schedule
from hotplug.backends.numpy.evaluate import FUNCTIONS, value_of
from hotplug.conformance.compare import spacing
from hotplug.conformance.tolerance import KERNEL, UNIT, function_tolerance
from hotplug.dtypes import dtype
from hotplug.expr.node import COMPARISON

NDArray = np.ndarray[Any, Any]
Error = NDArray | float
"""An absolute error, at most; 0.0 where a value is exact, infinite where it is any man's guess."""

_ROUNDED_ONCE: Final = frozenset("add sub mul".split())


class Bounded(NamedTuple):
    """A value of the reference and how far a device may be off."""

    value: NDArray
    error: Error = 0.0
    signs: bool = False
    """Whether zero and minus zero are told apart: where elements are only moved."""

    @property
    def exact(self) -> bool:
        """Whether no device may be off."""
        return isinstance(self.error, float) and self.error == 0.0


def evaluate(
    program: Sequence[Expr], inputs: Sequence[NDArray], scalars: Sequence[Any], shape: Sequence[int],
    can: Capabilities,
) -> list[Bounded]:  # fmt: skip
    """The roots of a program; inputs and scalars are exact.

    A program that makes random bits (it has ``mulhi``) must not be contracted: there sums and products are exact too.
    """
    order = schedule(program)
    rigid = any(node.op == "mulhi" for node in order)
    found: dict[Expr, Bounded] = {}
    with np.errstate(all="ignore"):
        for node in order:
            operands = [found[arg] for arg in node.args]
            value = value_of(node, [each.value for each in operands], inputs, scalars, shape)
            found[node] = Bounded(value, _error(node, value, operands, rigid, can))
    return [found[root] for root in program]


def _error(node: Expr, value: NDArray, operands: Sequence[Bounded], rigid: bool, can: Capabilities) -> Error:
    if not operands:
        return 0.0
    if node.op == "where":
        return _chosen(operands)
    if node.op in COMPARISON:
        return _compared(*operands)
    if node.op == "cast":
        return _converted(value, operands[0], node.args[0].dtype, node.dtype)
    inherited = 0.0 if all(each.exact for each in operands) else _inherited(node, operands)
    if node.dtype.kind != "f":
        return inherited if isinstance(inherited, float) else np.where(inherited > 0, np.inf, 0.0)
    own = 0.0 if rigid and node.op in _ROUNDED_ONCE else _own(node, value, operands, can)
    return inherited + own


def _own(node: Expr, value: NDArray, operands: Sequence[Bounded], can: Capabilities) -> Error:
    """What the table allows for the function itself."""
    allowed = function_tolerance(node.op)
    if allowed.wide == 0:
        return 0.0
    wide = value.astype(np.float64)
    size = np.maximum(np.abs(wide), 1.0) if allowed.scale == UNIT else np.abs(wide)
    ulps = allowed.wide * spacing(np.where(np.isfinite(size), size, 0.0), node.dtype)
    limits = ml_dtypes.finfo(node.dtype.numpy)
    if not can.denormals:
        smallest = float(limits.smallest_normal)
        tiny = [np.abs(each.value.astype(np.float64)) < smallest for each in operands if each.value.dtype.kind == "f"]
        flushed = functools.reduce(np.logical_or, tiny, size < 2 * smallest)
        ulps = np.where(flushed, ulps + _flushed(node, wide, operands, smallest), ulps)
    if np.isfinite(wide).all():
        return ulps
    # Where the result has just overflowed, another device may still have the largest number.
    exactly = FUNCTIONS[node.op](*[each.value.astype(np.float64) for each in operands])
    near = np.isinf(wide) & (np.abs(exactly) < float(limits.max) * (1 + 16 * float(limits.eps)))
    return np.where(near, np.inf, np.where(np.isfinite(wide), ulps, 0.0))


def _flushed(node: Expr, wide: NDArray, operands: Sequence[Bounded], smallest: float) -> NDArray:
    """How far the result is off where a denormal operand or result is taken for zero."""
    none = [np.where(np.abs(v) < smallest, np.copysign(0.0, v), v) for v in (_wide(each) for each in operands)]
    return np.nan_to_num(_distance(FUNCTIONS[node.op](*none), wide), nan=np.inf) + smallest


def _wide(operand: Bounded) -> NDArray:
    return operand.value.astype(np.float64)


def _inherited(node: Expr, operands: Sequence[Bounded]) -> Error:
    """What the errors of the operands do to the result: the function at their ends, one operand after the other."""
    if node.dtype.kind != "f":
        return _sum([np.where(np.asarray(each.error) > 0, np.inf, 0.0) for each in operands])
    function, middles = FUNCTIONS[node.op], [_wide(each) for each in operands]
    centre = function(*middles)
    total: Error = 0.0
    for position, operand in enumerate(operands):
        if operand.exact:
            continue
        ends = [
            function(*middles[:position], middles[position] + sign * operand.error, *middles[position + 1 :])
            for sign in (-1.0, 1.0)
        ]
        far = np.maximum(_distance(ends[0], centre), _distance(ends[1], centre))
        total = total + np.where(np.asarray(operand.error) > 0, far, 0.0)
    return np.where(np.isnan(total), np.inf, total)


def _sum(errors: Sequence[Error]) -> Error:
    total: Error = 0.0
    for each in errors:
        total = total + each
    return total


def _distance(left: NDArray, right: NDArray) -> NDArray:
    """``|left - right|``; 0 for equal infinities and for two NaN, infinite for one of them."""
    same = (left == right) | (np.isnan(left) & np.isnan(right))
    far = np.abs(left - right)
    return np.where(same, 0.0, np.where(np.isnan(far), np.inf, far))


def _chosen(operands: Sequence[Bounded]) -> Error:
    """``where``: of the branch that is taken, and of both where the condition is a tie."""
    condition, left, right = operands
    error: Error = 0.0
    if not (left.exact and right.exact):
        error = np.where(condition.value, left.error, right.error)
    if condition.exact:
        return error
    apart = _distance(_wide(left), _wide(right)) + left.error + right.error
    if left.value.dtype.kind not in "fV":
        apart = np.where(apart > 0, np.inf, 0.0)
    return np.where(np.asarray(condition.error) > 0, apart, error)


def _compared(left: Bounded, right: Bounded) -> Error:
    """A comparison is open where both sides could be equal."""
    if left.exact and right.exact:
        return 0.0
    either = np.asarray(left.error) + right.error
    far = _distance(_wide(left), _wide(right))
    return np.where((either > 0) & (far <= either), np.inf, 0.0)


def _converted(value: NDArray, operand: Bounded, source: dtype, target: dtype) -> Error:
    """A cast of an exact value is exact; otherwise the error stays, and may cross a step of the narrower dtype."""
    if operand.exact:
        return 0.0
    error = operand.error
    if source.kind == "f" and target.kind == "f":
        narrower = target.itemsize < source.itemsize
        limit = KERNEL.half if target.itemsize == 2 else 1.0
        step = limit * spacing(np.where(np.isfinite(value), value, 0).astype(np.float64), target) if narrower else 0.0
        return np.where(np.asarray(error) > 0, error + step, 0.0)
    if source.kind != "f":
        return np.where(np.asarray(error) > 0, np.inf, 0.0)
    wide = _wide(operand)
    if target.kind == "b":
        return np.where((np.asarray(error) > 0) & (np.abs(wide) <= error), np.inf, 0.0)
    crossed = np.trunc(wide - error) != np.trunc(wide + error)
    return np.where((np.asarray(error) > 0) & crossed, np.inf, 0.0)


def wrong(actual: NDArray, goal: Bounded, kind: dtype, can: Capabilities) -> NDArray:
    """Which elements are off by more than they may be."""
    expected, error, signs = goal
    with np.errstate(all="ignore"):
        same = np.asarray(actual == expected)
        if kind.kind not in "fc":
            return np.asarray(~same & ~np.isinf(error))
        if signs and kind.kind == "f":
            same &= np.signbit(actual) == np.signbit(expected)
        wide = np.complex128 if kind.kind == "c" else np.float64
        got, wanted = actual.astype(wide), expected.astype(wide)
        same |= np.isnan(got) & np.isnan(wanted)
        same |= (np.abs(got - wanted) <= error) & ~np.asarray((got == 0) & (wanted == 0) & signs)
        limits = ml_dtypes.finfo(kind.real.numpy)
        same |= np.isinf(got) & (np.abs(wanted) + error >= float(limits.max)) & np.isfinite(wanted)
        if not can.denormals:
            same |= (got == 0) & (np.abs(wanted) < float(limits.smallest_normal))
        return np.asarray(~same & ~np.isinf(error))
