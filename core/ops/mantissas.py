"""Numbers taken apart into mantissa and exponent."""

from __future__ import annotations

from typing import Any, NamedTuple

from hotplug.declare import elementwise, function, gradient, strictly_floating
from hotplug.dtypes import int32
from hotplug.expr import scalar as s
from hotplug.expr.node import Expr
from hotplug.tensor import Tensor


class frexp_result(NamedTuple):  # noqa: N801 - PyTorch's name
    """What :func:`frexp` returns."""

    mantissa: Tensor
    exponent: Tensor


def _exponent(input: Expr) -> Expr:
    """The power of two above the magnitude: the logarithm's, put right where it was rounded across a power."""
    size = s.abs(input)
    rough = s.floor(s.log2(size)) + 1.0
    scaled = _shifted(size, -rough)
    rough = s.where(s.ge(scaled, 1.0), rough + 1.0, s.where(s.lt(scaled, 0.5), rough - 1.0, rough))
    plain = s.eq(size, 0.0) | s.isinf(size) | s.isnan(size)
    found: Expr = s.where(plain, s.to(0.0, input.dtype), rough)
    return found


def _shifted(value: Expr, power: Expr) -> Any:
    """``value * 2**power`` in two steps, neither of which overflows."""
    half = s.floor(power * 0.5)
    return value * s.exp2(half) * s.exp2(power - half)


@elementwise(dtype=strictly_floating, namespace="ops", method=False, inplace=False, sample=(-3, 3))
def mantissa_of(input: Any) -> Any:
    """The number by the power of two above its magnitude: in [0.5, 1), or 0, infinite or NaN as it was."""
    return _shifted(input, -_exponent(input))


@gradient(mantissa_of, "input")
def _(grad: Expr, input: Expr) -> Any:
    """By hand: the exponent does not move."""
    return _shifted(grad, -_exponent(input))


@elementwise(dtype=strictly_floating, namespace="ops", method=False, inplace=False, sample=(-3, 3))
def exponent_of(input: Any) -> Any:
    """The power of two above the magnitude -> int32; 0 for 0, infinities and NaN."""
    return s.to(_exponent(input), int32)


@function()
def frexp(input: Tensor) -> frexp_result:
    """``mantissa * 2**exponent`` with a mantissa in [0.5, 1).  floating ``(*S)`` -> the same, and int32 ``(*S)``."""
    return frexp_result(mantissa_of(input), exponent_of(input))
