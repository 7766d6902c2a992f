"""Arithmetic of two operands, and the rounding functions."""

from __future__ import annotations

from typing import Any

from hotplug.declare import elementwise, gradient, numbers, numeric, real
from hotplug.declare.elementwise import floating
from hotplug.declare.rules import counting, inexact
from hotplug.errors import ArgumentError, DTypeError
from hotplug.expr import scalar as s
from hotplug.expr.node import Expr


@elementwise(dtype=numeric, sample=(-3, 3), dunders=("__add__", "__radd__", "__iadd__"), weights=("alpha",))
def add(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """Sum, ``input + alpha * other``.  Both ``(*S)``, broadcast -> ``(*S)``."""
    return input + other * alpha


@elementwise(dtype=numbers, sample=(-3, 3), dunders=("__sub__", "__isub__"), weights=("alpha",), aliases=("subtract",))
def sub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """Difference, ``input - alpha * other``.  Both ``(*S)``, broadcast -> ``(*S)``."""
    return input - other * alpha


@elementwise(
    dtype=numbers, sample=(-3, 3), inplace=False, dunders=("__rsub__",), weights=("alpha",), tensors=("input",)
)
def rsub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """Difference the other way round, ``other - alpha * input``."""
    return s.sub(other, input * alpha)


@elementwise(dtype=numeric, sample=(-3, 3), dunders=("__mul__", "__rmul__", "__imul__"), aliases=("multiply",))
def mul(input: Any, other: Any) -> Any:
    """Product.  Both ``(*S)``, broadcast -> ``(*S)``."""
    return input * other


@elementwise(dtype=floating, sample=(0.5, 3), dunders=("__truediv__", "__itruediv__"))
def true_divide(input: Any, other: Any) -> Any:
    """Quotient; integers give the default dtype."""
    return input / other


@elementwise(dtype=floating, sample=(0.5, 3), inplace=False, dunders=("__rtruediv__",))
def rdiv(input: Any, other: Any) -> Any:
    """Quotient the other way round, ``other / input``."""
    return s.div(other, input)


@elementwise(dtype=real, sample=(0.5, 3), dunders=("__floordiv__", "__ifloordiv__"))
def floor_divide(input: Any, other: Any) -> Any:
    """Quotient rounded towards minus infinity; an integer divided by zero gives 0."""
    return s.floordiv(input, other)


@elementwise(dtype=real, sample=(0.5, 3), inplace=False, method=False, dunders=("__rfloordiv__",))
def rfloordiv(input: Any, other: Any) -> Any:
    """Floor division the other way round, ``other // input``."""
    return s.floordiv(other, input)


@elementwise(dtype=real, sample=(0.5, 3), dunders=("__mod__", "__imod__"))
def remainder(input: Any, other: Any) -> Any:
    """Remainder with the sign of the divisor, ``input - other * floor(input / other)``, as Python's ``%``."""
    return s.remainder(input, other)


@elementwise(dtype=real, sample=(0.5, 3), inplace=False, method=False, dunders=("__rmod__",))
def rmod(input: Any, other: Any) -> Any:
    """Remainder the other way round, ``other % input``."""
    return s.remainder(other, input)


@elementwise(dtype=real, sample=(0.5, 3), tensors=("input",))
def fmod(input: Any, other: Any) -> Any:
    """Remainder with the sign of the dividend, as C's ``fmod``."""
    return s.fmod(input, other)


@elementwise(dtype=real, method=False, inplace=False, sample=(0.5, 3))
def trunc_divide(input: Any, other: Any) -> Any:
    """Quotient rounded towards zero: what ``div(rounding_mode="trunc")`` computes."""
    if (isinstance(input, Expr) and input.dtype.kind == "f") or (isinstance(other, Expr) and other.dtype.kind == "f"):
        return s.trunc(s.div(input, other))
    return s.floordiv(s.sub(input, s.fmod(input, other)), other)


@elementwise(dtype=numeric, sample=(0.5, 2), dunders=("__pow__", "__ipow__"))
def pow(input: Any, exponent: Any) -> Any:
    """``input ** exponent``.  Both ``(*S)``, broadcast -> ``(*S)``.  The derivative at 0 ** 0 is PyTorch's: 0."""
    return s.pow(input, exponent)


@elementwise(dtype=numeric, sample=(0.5, 2), inplace=False, method=False, dunders=("__rpow__",))
def rpow(input: Any, other: Any) -> Any:
    """Power the other way round, ``other ** input``."""
    return s.pow(other, input)


@elementwise(dtype=real, sample=(-3, 3), tensors=("input", "other"))
def maximum(input: Any, other: Any) -> Any:
    """The larger operand; NaN if either is.  At a tie the gradient goes half to each."""
    return s.maximum(input, other)


@elementwise(dtype=real, sample=(-3, 3), tensors=("input", "other"))
def minimum(input: Any, other: Any) -> Any:
    """The smaller operand; NaN if either is.  At a tie the gradient goes half to each."""
    return s.minimum(input, other)


@elementwise(dtype=real, sample=(-3, 3), tensors=("input", "other"))
def fmax(input: Any, other: Any) -> Any:
    """The larger operand; a number rather than NaN."""
    return s.fmax(input, other)


@elementwise(dtype=real, sample=(-3, 3), tensors=("input", "other"))
def fmin(input: Any, other: Any) -> Any:
    """The smaller operand; a number rather than NaN."""
    return s.fmin(input, other)


@elementwise(dtype=floating, sample=(-3, 3), tensors=("input", "other"), aliases=("arctan2",))
def atan2(input: Any, other: Any) -> Any:
    """Angle of the point (other, input), in radians from -pi to pi."""
    return s.atan2(input, other)


@elementwise(dtype=floating, sample=(0.5, 3), tensors=("input", "other"))
def hypot(input: Any, other: Any) -> Any:
    """``sqrt(input**2 + other**2)`` without overflow in between."""
    return s.hypot(input, other)


@elementwise(dtype=floating, sample=(-3, 3), tensors=("input",))
def copysign(input: Any, other: Any) -> Any:
    """The magnitude of ``input`` with the sign of ``other``."""
    return s.copysign(input, other)


@elementwise(dtype=numbers, sample=(-3, 3), dunders=("__neg__",), aliases=("negative",))
def neg(input: Any) -> Any:
    """``-input``."""
    return -input


@elementwise(dtype=numbers, sample=(-3, 3), inplace=False, dunders=("__pos__",))
def positive(input: Any) -> Any:
    """``+input``: a copy."""
    return input


@elementwise(dtype=numeric, sample=(-3, 3), dunders=("__abs__",), aliases=("absolute",))
def abs(input: Any) -> Any:
    """Magnitude.  The derivative at 0 is 0."""
    return s.abs(input)


@elementwise(dtype=real, sample=(-3, 3))
def sign(input: Any) -> Any:
    """-1, 0 or 1; 0 for NaN."""
    return s.sign(input)


@elementwise(dtype=counting, sample=(-3, 3))
def square(input: Any) -> Any:
    """``input * input``."""
    return input * input


@elementwise(dtype=real, sample=(-3, 3))
def floor(input: Any) -> Any:
    """The largest integer not above; integers stay as they are."""
    return s.whole("floor", input)


@elementwise(dtype=real, sample=(-3, 3))
def ceil(input: Any) -> Any:
    """The smallest integer not below; integers stay as they are."""
    return s.whole("ceil", input)


@elementwise(dtype=real, sample=(-3, 3), aliases=("fix",))
def trunc(input: Any) -> Any:
    """The integer part; integers stay as they are."""
    return s.whole("trunc", input)


@elementwise(dtype=real, sample=(-3, 3))
def round(input: Any, *, decimals: Any = 0) -> Any:
    """The nearest integer, halves to even; with ``decimals``, the nearest multiple of ``10**-decimals``."""
    if isinstance(decimals, int) and decimals == 0:
        return s.whole("round", input)
    if input.dtype.kind != "f":
        raise DTypeError(f"round: decimals needs a floating input, got {input.dtype.name}; convert with .to(dtype)")
    scale = s.pow(10.0, decimals)
    return s.round(input * scale) / scale


@elementwise(dtype=real, sample=(-3, 3))
def frac(input: Any) -> Any:
    """What :func:`trunc` leaves."""
    return input - s.whole("trunc", input)


@elementwise(dtype=floating, sample=(0.5, 3))
def reciprocal(input: Any) -> Any:
    """``1 / input``."""
    return 1.0 / input


@gradient(reciprocal, "input")
def _(grad: Expr, out: Expr) -> Any:
    """By hand, so that it reads the output only and the in-place form goes backward."""
    return -grad * (out * out)


@elementwise(dtype=numeric, sample=(-3, 3), tensors=("input", "end"))
def lerp(input: Any, end: Any, weight: Any) -> Any:
    """``input + weight * (end - input)``, exact at both ends."""
    return s.where(s.lt(s.abs(weight), 0.5), input + weight * (end - input), end - (end - input) * s.sub(1.0, weight))


@elementwise(dtype=numeric, sample=(-3, 3), weights=("value",), tensors=("input", "tensor1", "tensor2"))
def addcmul(input: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Any:
    """``input + value * tensor1 * tensor2``."""
    return input + tensor1 * tensor2 * value


@elementwise(dtype=inexact, sample=(0.5, 3), weights=("value",), tensors=("input", "tensor1", "tensor2"))
def addcdiv(input: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Any:
    """``input + value * tensor1 / tensor2``."""
    return input + tensor1 * value / tensor2


@elementwise(dtype=real, sample=(-3, 3), aliases=("clip",))
def clamp(input: Any, min: Any = None, max: Any = None) -> Any:
    """``input`` limited to ``[min, max]``; ``max`` wins where they cross.  NaN stays.

    The gradient passes at the limits.
    """
    if min is None and max is None:
        raise ArgumentError("clamp: at least one of 'min' or 'max' must not be None")
    result = input
    if min is not None:
        result = s.where(s.lt(result, min), min, result)
    if max is not None:
        result = s.where(s.gt(result, max), max, result)
    return result


@elementwise(dtype=numeric, sample=(-3, 3), boolean=("condition",), method=False, inplace=False)
def where_elements(condition: Any, input: Any, other: Any) -> Any:
    """The three-operand form of :func:`hotplug.where`."""
    return s.where(condition, input, other)


@elementwise(dtype=numeric, sample=(-3, 3), boolean=("mask",), method=False)
def masked_fill_elements(input: Any, mask: Any, value: Any) -> Any:
    """``value`` where the mask holds, ``input`` elsewhere."""
    return s.where(mask, value, input)
