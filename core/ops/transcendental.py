"""Exponentials, logarithms, roots, trigonometric and hyperbolic functions."""

from __future__ import annotations

import math
from typing import Any

from hotplug.declare import elementwise, floating, gradient, real_floating
from hotplug.expr import scalar as s
from hotplug.expr.node import Expr


@elementwise(dtype=floating, sample=(-3, 3))
def exp(input: Any) -> Any:
    """e ** input."""
    return s.exp(input)


@elementwise(dtype=floating, sample=(-3, 3))
def exp2(input: Any) -> Any:
    """2 ** input."""
    return s.exp2(input)


@elementwise(dtype=floating, sample=(-3, 3))
def expm1(input: Any) -> Any:
    """e ** input - 1, precise near 0."""
    return s.expm1(input)


@elementwise(dtype=floating, sample=(0.1, 3))
def log(input: Any) -> Any:
    """Natural logarithm."""
    return s.log(input)


@elementwise(dtype=floating, sample=(0.1, 3))
def log2(input: Any) -> Any:
    """Logarithm to base 2."""
    return s.log2(input)


@elementwise(dtype=floating, sample=(0.1, 3))
def log10(input: Any) -> Any:
    """Logarithm to base 10."""
    return s.log10(input)


@elementwise(dtype=floating, sample=(-0.9, 3))
def log1p(input: Any) -> Any:
    """log(1 + input), precise near 0."""
    return s.log1p(input)


@elementwise(dtype=floating, sample=(0.1, 3))
def sqrt(input: Any) -> Any:
    """Square root."""
    return s.sqrt(input)


@elementwise(dtype=floating, sample=(0.1, 3))
def rsqrt(input: Any) -> Any:
    """1 / sqrt(input)."""
    return s.rsqrt(input)


@elementwise(dtype=floating, sample=(-3, 3))
def sin(input: Any) -> Any:
    """Sine of an angle in radians."""
    return s.sin(input)


@elementwise(dtype=floating, sample=(-3, 3))
def cos(input: Any) -> Any:
    """Cosine of an angle in radians."""
    return s.cos(input)


@elementwise(dtype=floating, sample=(-1.3, 1.3))
def tan(input: Any) -> Any:
    """Tangent of an angle in radians."""
    return s.tan(input)


@elementwise(dtype=floating, sample=(-0.9, 0.9), aliases=("arcsin",))
def asin(input: Any) -> Any:
    """Inverse sine, in radians."""
    return s.asin(input)


@elementwise(dtype=floating, sample=(-0.9, 0.9), aliases=("arccos",))
def acos(input: Any) -> Any:
    """Inverse cosine, in radians."""
    return s.acos(input)


@elementwise(dtype=floating, sample=(-3, 3), aliases=("arctan",))
def atan(input: Any) -> Any:
    """Inverse tangent, in radians."""
    return s.atan(input)


@elementwise(dtype=floating, sample=(-3, 3))
def sinh(input: Any) -> Any:
    """Hyperbolic sine."""
    return s.sinh(input)


@elementwise(dtype=floating, sample=(-3, 3))
def cosh(input: Any) -> Any:
    """Hyperbolic cosine."""
    return s.cosh(input)


@elementwise(dtype=floating, sample=(-3, 3))
def tanh(input: Any) -> Any:
    """Hyperbolic tangent."""
    return s.tanh(input)


@elementwise(dtype=floating, sample=(-3, 3), aliases=("arcsinh",))
def asinh(input: Any) -> Any:
    """Inverse hyperbolic sine."""
    return s.asinh(input)


@elementwise(dtype=floating, sample=(1.1, 4), aliases=("arccosh",))
def acosh(input: Any) -> Any:
    """Inverse hyperbolic cosine."""
    return s.acosh(input)


@elementwise(dtype=floating, sample=(-0.9, 0.9), aliases=("arctanh",))
def atanh(input: Any) -> Any:
    """Inverse hyperbolic tangent."""
    return s.atanh(input)


@elementwise(dtype=real_floating, sample=(-3, 3))
def erf(input: Any) -> Any:
    """Error function, 2 / sqrt(pi) times the integral of exp(-t**2) from 0 to input."""
    return s.erf(input)


@elementwise(dtype=real_floating, sample=(-3, 3))
def erfc(input: Any) -> Any:
    """1 - erf(input), precise for large input."""
    return s.erfc(input)


@elementwise(dtype=floating, sample=(-3, 3))
def sigmoid(input: Any) -> Any:
    """Logistic function, 1 / (1 + exp(-input))."""
    return s.sigmoid(input)


@elementwise(dtype=real_floating, sample=(0.1, 0.9))
def logit(input: Any, eps: Any = None) -> Any:
    """log(p / (1 - p)) of ``p = input``, clamped to ``[eps, 1 - eps]`` where ``eps`` is given."""
    p = input
    if eps is not None:
        low, high = s.to(eps, input.dtype), 1.0 - s.to(eps, input.dtype)
        p = s.where(s.lt(p, low), low, s.where(s.gt(p, high), high, p))
    return s.log(p / (1.0 - p))


@elementwise(dtype=real_floating, sample=(-3, 3), tensors=("input", "other"))
def logaddexp(input: Any, other: Any) -> Any:
    """log(exp(input) + exp(other)) without overflow."""
    larger, difference = s.maximum(input, other), s.abs(s.sub(input, other))
    return s.where(s.eq(input, other) & s.isinf(input), input, larger + s.log1p(s.exp(-difference)))


@gradient(logaddexp, "input")
def _(grad: Expr, input: Expr, out: Expr) -> Any:
    """By hand: the derived one splits at ties of maximum and abs, where the softmax weight is smooth."""
    return grad * s.exp(input - out)


@gradient(logaddexp, "other")
def _(grad: Expr, other: Expr, out: Expr) -> Any:
    """As for ``input``."""
    return grad * s.exp(other - out)


@elementwise(dtype=real_floating, sample=(-180, 180))
def deg2rad(input: Any) -> Any:
    """Degrees to radians."""
    return input * (math.pi / 180.0)


@elementwise(dtype=real_floating, sample=(-3, 3))
def rad2deg(input: Any) -> Any:
    """Radians to degrees."""
    return input * (180.0 / math.pi)


@elementwise(dtype=floating, sample=(0.1, 3), method=False, inplace=False)
def safe_sqrt(input: Any) -> Any:
    """Square root whose derivative at 0 is taken as 0, as in PyTorch's ``std`` and ``norm``."""
    return s.sqrt(input)


@gradient(safe_sqrt, "input")
def _(grad: Expr, out: Expr) -> Any:
    """By hand: the root's own derivative at 0 is infinite."""
    return s.where(s.eq(out, 0.0), 0.0, 0.5 * grad / out)
