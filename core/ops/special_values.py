"""Signs, infinities, not-a-numbers, and functions that treat a value of their operands apart."""

from __future__ import annotations

import math
from typing import Any, Final

import hotplug
from hotplug.declare import elementwise, floating, function, gradient, real, real_floating
from hotplug.declare.rules import numeric
from hotplug.dtypes import bool_, complex128, float64
from hotplug.errors import DTypeError
from hotplug.expr import scalar as s
from hotplug.expr.node import Expr
from hotplug.ops import arithmetic
from hotplug.tensor import Tensor


@elementwise(dtype=real, inplace=False, sample=(-2, 2))
def signbit(input: Any) -> Any:
    """Whether the sign bit is set -> bool: of negative numbers and of -0.0."""
    if input.dtype.kind == "b":
        return s.constant(False, bool_)
    return s.lt(s.copysign(s.to(1.0, input.dtype), input) if input.dtype.kind == "f" else input, 0)


@elementwise(dtype=real, inplace=False, sample=(-2, 2))
def isposinf(input: Any) -> Any:
    """Whether an element is positive infinity -> bool."""
    return s.isinf(input) & s.gt(input, 0)


@elementwise(dtype=real, inplace=False, sample=(-2, 2))
def isneginf(input: Any) -> Any:
    """Whether an element is negative infinity -> bool."""
    return s.isinf(input) & s.lt(input, 0)


@elementwise(dtype=numeric, inplace=False, sample=(-2, 2))
def isreal(input: Any) -> Any:
    """Whether the imaginary part is 0 -> bool."""
    return s.eq(s.imag(input), 0.0) if input.dtype.kind == "c" else s.constant(True, bool_)


@elementwise(dtype=numeric, namespace="ops", method=False, inplace=False, sample=(-2, 2))
def replace_special(input: Any, nan: Any, posinf: Any, neginf: Any) -> Any:
    """NaN and the two infinities replaced, of a complex number in both parts."""
    if input.dtype.kind in "bui":
        return input
    if input.dtype.kind == "c":
        parts = (_replaced(part, *map(s.real, (nan, posinf, neginf))) for part in (s.real(input), s.imag(input)))
        return s.complex_(*parts)
    return _replaced(input, nan, posinf, neginf)


def _replaced(part: Expr, nan: Expr, posinf: Expr, neginf: Expr) -> Any:
    finite = s.where(s.eq(part, math.inf), posinf, s.where(s.eq(part, -math.inf), neginf, part))
    return s.where(s.isnan(part), nan, finite)


@gradient(replace_special, "input")
def _(grad: Expr, input: Expr) -> Any:
    """By hand: nothing flows where a value was replaced, and the derived one multiplies by NaN there."""
    if input.dtype.kind != "c":
        return s.where(s.isnan(input) | s.isinf(input), 0.0, grad)
    parts = [
        s.where(s.isnan(part) | s.isinf(part), 0.0, flow)
        for part, flow in ((s.real(input), s.real(grad)), (s.imag(input), s.imag(grad)))
    ]
    return s.complex_(*parts)


@function(inplace=True)
def nan_to_num(input: Tensor, nan: float | None = None, posinf: float | None = None,
               neginf: float | None = None) -> Tensor:  # fmt: skip
    """NaN and infinities replaced by numbers.

    Args:
        nan: default 0.
        posinf, neginf: default: the greatest and least finite numbers of the dtype.
    """
    if input.dtype.kind in "bui":
        return input.clone()
    limits = hotplug.finfo(input.dtype)
    return replace_special(
        input, 0.0 if nan is None else float(nan), limits.max if posinf is None else float(posinf),
        limits.min if neginf is None else float(neginf),
    )  # fmt: skip


@elementwise(dtype=real, sample=(-3, 3), tensors=("input", "values"))
def heaviside(input: Any, values: Any) -> Any:
    """0 below zero, 1 above, ``values`` at zero; the two operands have one dtype."""
    if isinstance(input, Expr) and isinstance(values, Expr) and input.dtype is not values.dtype:
        raise DTypeError(f"heaviside: expected operands of one dtype, got {input.dtype.name} and {values.dtype.name}")
    return s.where(s.eq(input, 0), values, s.to(s.gt(input, 0), values.dtype))


@gradient(heaviside, "input")
def _(grad: Expr) -> Any:
    """By hand: flat, also at the step."""
    return grad * 0.0


@elementwise(dtype=real_floating, sample=(0.2, 3))
def xlogy(input: Any, other: Any) -> Any:
    """``input * log(other)``; 0 where ``input`` is 0, unless ``other`` is NaN."""
    product = s.mul(input, s.log(other))
    return s.where(s.isnan(other), other, s.where(s.eq(input, 0.0), 0.0, product))


@gradient(xlogy, "input")
def _(grad: Expr, input: Expr, other: Expr) -> Any:
    """By hand: 0 where the product was not taken."""
    return s.where(s.eq(input, 0.0) & s.le(other, 0.0), 0.0, grad * s.log(other))


@gradient(xlogy, "other")
def _(grad: Expr, input: Expr, other: Expr) -> Any:
    """By hand, as PyTorch: what is multiplied is the quotient, also at 0."""
    return grad * input / other


@elementwise(dtype=floating, sample=(-0.7, 0.7))
def sinc(input: Any) -> Any:
    """``sin(pi * input) / (pi * input)``, 1 at 0."""
    angle = input * math.pi
    return s.where(s.eq(input, 0.0), s.to(1.0, input.dtype), s.sin(angle) / angle)


_SINC_SLOPE: Final = (1 / 518918400, -1 / 3991680, 1 / 45360, -1 / 840, 1 / 30, -1 / 3)
"""Coefficients of ``(x cos x - sin x) / x**2`` from the power 11 to the power 1."""


@gradient(sinc, "input")
def _(grad: Expr, input: Expr) -> Any:
    """By hand: the derived one is NaN at 0, and near it the difference of nearly equal terms; there its Taylor series."""
    angle = input * math.pi
    square = angle * angle
    series = s.to(0.0, input.dtype)
    for term in _SINC_SLOPE:
        series = series * square + term
    slope = (angle * s.cos(angle) - s.sin(angle)) / (angle * input)
    return grad * s.where(s.lt(s.abs(angle), 0.25), series * angle * math.pi, slope)


@elementwise(dtype=real_floating, sample=(-3, 3), tensors=("input", "other"))
def ldexp(input: Any, other: Any) -> Any:
    """``input * 2**other``."""
    return s.mul(input, s.exp2(other))


@elementwise(dtype=real_floating, sample=(-3, 3), tensors=("input", "other"))
def logaddexp2(input: Any, other: Any) -> Any:
    """log2(2**input + 2**other) without overflow."""
    larger, difference = s.maximum(input, other), s.abs(s.sub(input, other))
    rest = s.log1p(s.exp2(-difference)) * (1.0 / math.log(2.0))
    return s.where(s.eq(input, other) & s.isinf(input), input, larger + rest)


@gradient(logaddexp2, "input")
def _(grad: Expr, input: Expr, out: Expr) -> Any:
    """By hand: the derived one splits at ties of maximum and abs, where the softmax weight is smooth."""
    return grad * s.exp2(input - out)


@gradient(logaddexp2, "other")
def _(grad: Expr, other: Expr, out: Expr) -> Any:
    """By hand, as for ``input``."""
    return grad * s.exp2(other - out)


@elementwise(dtype=real_floating, sample=(-3, 3), tensors=("input", "other"), inplace=True)
def nextafter(input: Any, other: Any) -> Any:
    """The next number after ``input`` in the direction of ``other``."""
    return s.nextafter(input, other)


@function()
def float_power(input: Any, exponent: Any) -> Tensor:
    """:func:`pow` in float64, or complex128 where an operand is complex."""
    dtypes = [each.dtype for each in (input, exponent) if isinstance(each, Tensor)]
    numbers = [each for each in (input, exponent) if not isinstance(each, Tensor)]
    goal = (
        complex128
        if any(each.kind == "c" for each in dtypes) or any(isinstance(n, complex) for n in numbers)
        else float64
    )
    return arithmetic.pow(*(each.to(goal) if isinstance(each, Tensor) else each for each in (input, exponent)))


@function(method=False)
def polar(abs: Tensor, angle: Tensor) -> Tensor:
    """The complex number of a magnitude and an angle in radians.  Both ``(*S)`` of one floating dtype -> ``(*S)``."""
    if abs.dtype is not angle.dtype or abs.dtype.name not in ("float32", "float64"):
        raise DTypeError(
            f"polar: expected two tensors of float32 or float64, got {abs.dtype.name} and {angle.dtype.name}"
        )
    return hotplug.complex(abs * angle.cos(), abs * angle.sin())
