"""Whether two tensors are equal, or nearly so."""

from __future__ import annotations

from typing import Any

from hotplug import ops
from hotplug.declare import elementwise, floating, function
from hotplug.errors import ArgumentError, DTypeError
from hotplug.expr import scalar as s
from hotplug.expr.node import Expr
from hotplug.tensor import Tensor


@elementwise(dtype=floating, namespace="ops", method=False, inplace=False, sample=(-2, 2))
def near(input: Any, other: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Any:
    """Element by element what :func:`isclose` says; integers are compared in the default dtype."""
    distance = s.abs(s.sub(input, other))
    if input.dtype.kind == "c":
        rtol, atol = (s.real(each) if isinstance(each, Expr) else each for each in (rtol, atol))
    # An infinite distance is not near, although it may not exceed an infinite bound.
    close = s.eq(input, other) | (s.le(distance, s.abs(other) * rtol + atol) & s.lt(distance, float("inf")))
    return close | (s.ne(input, input) & s.ne(other, other)) if equal_nan else close


@function()
def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Where ``|input - other| <= atol + rtol * |other|``, or both are equal -> bool.  Broadcasts.

    Args:
        rtol, atol: the allowed distance, in parts of ``other`` and absolute; not negative.
        equal_nan: whether NaN is close to NaN.

    Raises:
        DTypeError: the dtypes differ.
        ArgumentError: a negative tolerance.
    """
    if not isinstance(other, Tensor) or input.dtype is not other.dtype:
        raise DTypeError(f"isclose: expected two tensors of one dtype, got {_kind(input)} and {_kind(other)}")
    for name, value in (("rtol", rtol), ("atol", atol)):
        if value < 0:
            raise ArgumentError(f"isclose: {name} must be greater than or equal to zero, but got {value}")
    return near(input, other, float(rtol), float(atol), bool(equal_nan))


def _kind(value: Any) -> str:
    return value.dtype.name if isinstance(value, Tensor) else type(value).__name__


@function()
def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether :func:`isclose` holds everywhere (a host read)."""
    return bool(ops.all(isclose(input, other, rtol, atol, equal_nan)))


@function()
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether shapes and elements are the same (a host read); NaN equals nothing."""
    return tuple(input.shape) == tuple(other.shape) and bool(ops.all(ops.eq(input, other)))
