"""The gamma function and its kin, integrals of the normal distribution, Bessel functions: ``hp.special``.

Definitions: NIST Digital Library of Mathematical Functions, chapters 5, 7, 10, 25.
"""

from __future__ import annotations

import math
from typing import Any, Final

from hotplug.declare import elementwise, function, gradient, real_floating
from hotplug.errors import ArgumentError, AutogradError, DTypeError
from hotplug.expr import scalar as s, special
from hotplug.expr.node import Expr
from hotplug.tensor import Tensor

_NAMESPACE: Final = "special"
_ROOT_HALF: Final = math.sqrt(0.5)
_ROOT_TWO_PI: Final = math.sqrt(2 * math.pi)


@elementwise(dtype=real_floating, sample=(0.2, 4))
def lgamma(input: Any) -> Any:
    """The logarithm of the gamma function's magnitude; infinite at 0, -1, -2, ..."""
    return s.lgamma(input)


@elementwise(dtype=real_floating, sample=(0.2, 4))
def digamma(input: Any) -> Any:
    """The derivative of :func:`lgamma`."""
    return s.digamma(input)


@elementwise(dtype=real_floating, namespace="ops", method=False, inplace=False, sample=(0.5, 4))
def trigamma(input: Any) -> Any:
    """The derivative of :func:`digamma`."""
    return special.trigamma(input)


@elementwise(dtype=real_floating, namespace="ops", method=False, inplace=False, sample=(1.5, 4))
def hurwitz_zeta(input: Any, other: Any) -> Any:
    """The sum of ``(other + k) ** -input`` over k from 0; NaN for a negative ``other``."""
    kind = input.dtype if isinstance(input, Expr) else other.dtype
    exponent, start = (each if isinstance(each, Expr) else s.to(float(each), kind) for each in (input, other))
    return special.zeta(exponent, start)


@gradient(hurwitz_zeta, "other")
def _(grad: Expr, input: Expr, other: Expr) -> Any:
    """By hand: the derivative is the function itself at the next exponent."""
    return grad * -input * special.zeta(input + 1.0, other)


@gradient(hurwitz_zeta, "input")
def _(grad: Expr) -> Any:
    """By hand: PyTorch has none."""
    raise AutogradError("zeta: the derivative with respect to the first argument is not implemented; detach() it")


@function(method=False, namespace=_NAMESPACE)
def zeta(input: Any, other: Any) -> Tensor:
    """Hurwitz's zeta function: the sum of ``(other + k) ** -input`` over k from 0 on.

    NaN where ``input < 1`` or ``other < 0``; infinite where ``input == 1`` or ``other == 0``.
    """
    return hurwitz_zeta(input, other)


@function()
def polygamma(n: int, input: Tensor) -> Tensor:
    """The derivative of order ``n`` of :func:`digamma`.

    From order 2 on it is NaN for negative input, where PyTorch sums its series.

    Raises:
        ArgumentError: ``n`` is negative.
    """
    if isinstance(n, Tensor):  # the method: x.polygamma(n)
        n, input = int(input), n
    if n < 0:
        raise ArgumentError(f"polygamma(n, x) does not support negative n, got {n}")
    if n < 2:
        low: Tensor = trigamma(input) if n else digamma(input)
        return low
    factor = float(math.factorial(n) if n % 2 else -math.factorial(n))
    value: Tensor = hurwitz_zeta(float(n + 1), input) * factor
    return value


@function(aliases=("multigammaln",))
def mvlgamma(input: Tensor, p: int) -> Tensor:
    """The logarithm of the multivariate gamma function of dimension ``p``; NaN where ``input <= (p - 1) / 2``."""
    if p < 1:
        raise ArgumentError(f"mvlgamma: p has to be greater than or equal to 1, got {p}")
    if input.dtype.kind == "c":
        raise DTypeError("mvlgamma: expected a real tensor, got a complex one")
    total: Any = p * (p - 1) / 4 * math.log(math.pi)
    for j in range(p):
        total = lgamma(input - j / 2) + total
    return total  # type: ignore[no-any-return]


@elementwise(dtype=real_floating, sample=(-0.9, 0.9))
def erfinv(input: Any) -> Any:
    """The inverse of ``erf``; infinite at -1 and 1, NaN beyond."""
    quantile = special.normal_quantile(input * 0.5, s.sub(1.0, s.abs(input)) * 0.5)
    return quantile * _ROOT_HALF


@gradient(erfinv, "input")
def _(grad: Expr, out: Expr) -> Any:
    """By hand: the inverse function's derivative, in terms of the output."""
    return grad * s.exp(out * out) * (math.sqrt(math.pi) / 2)


@elementwise(dtype=real_floating, method=False, inplace=False, namespace=_NAMESPACE, sample=(-3, 3))
def ndtr(input: Any) -> Any:
    """The normal distribution's cumulative function, ``0.5 erfc(-input / sqrt(2))``."""
    return s.erfc(input * -_ROOT_HALF) * 0.5


@gradient(ndtr, "input")
def _(grad: Expr, input: Expr) -> Any:
    """By hand: the density, without the factors that cancel."""
    return grad * s.exp(input * input * -0.5) * (1 / _ROOT_TWO_PI)


@elementwise(dtype=real_floating, method=False, inplace=False, namespace=_NAMESPACE, sample=(0.05, 0.95))
def ndtri(input: Any) -> Any:
    """The inverse of :func:`ndtr`: the normal distribution's quantile (Wichura, 1988)."""
    return special.normal_quantile(input - 0.5, s.minimum(input, s.sub(1.0, input)))


@gradient(ndtri, "input")
def _(grad: Expr, out: Expr) -> Any:
    """By hand: the inverse function's derivative, in terms of the output."""
    return grad * s.exp(out * out * 0.5) * _ROOT_TWO_PI


@elementwise(dtype=real_floating, method=False, inplace=False, namespace=_NAMESPACE, sample=(-3, 3))
def log_ndtr(input: Any) -> Any:
    """The logarithm of :func:`ndtr`, precise where that is near 0 or 1."""
    scaled = input * -_ROOT_HALF
    low = s.log(special.erfcx(s.maximum(scaled, 0.0)) * 0.5) - scaled * scaled
    high = s.log1p(s.erfc(s.maximum(-scaled, -1.0)) * -0.5)
    return s.where(s.lt(input, -1.0), low, high)


@gradient(log_ndtr, "input")
def _(grad: Expr, input: Expr) -> Any:
    """By hand: the quotient of density and function is one scaled function."""
    return grad * (math.sqrt(2 / math.pi) / special.erfcx(input * -_ROOT_HALF))


@elementwise(dtype=real_floating, method=False, inplace=False, namespace=_NAMESPACE, sample=(-2, 4))
def erfcx(input: Any) -> Any:
    """``exp(input**2) erfc(input)``."""
    return special.erfcx(input)


@gradient(erfcx, "input")
def _(grad: Expr, input: Expr, out: Expr) -> Any:
    """By hand: the series need not be differentiated."""
    return grad * (input * out * 2.0 - 2 / math.sqrt(math.pi))


@elementwise(dtype=real_floating, method=False, inplace=False, namespace=_NAMESPACE, sample=(0.2, 3))
def entr(input: Any) -> Any:
    """``-input log(input)``; 0 at 0, minus infinity below."""
    value = s.where(
        s.gt(input, 0.0), -input * s.log(input), s.where(s.eq(input, 0.0), 0.0, s.to(-math.inf, input.dtype))
    )
    return s.where(s.isnan(input), input, value)


@elementwise(dtype=real_floating, method=False, inplace=False, namespace=_NAMESPACE, sample=(0.2, 3))
def xlog1py(input: Any, other: Any) -> Any:
    """``input log(1 + other)``; 0 where ``input`` is 0, unless ``other`` is NaN."""
    kind = input.dtype if isinstance(input, Expr) else other.dtype
    input, other = (each if isinstance(each, Expr) else s.to(float(each), kind) for each in (input, other))
    return s.where(s.isnan(other), other, s.where(s.eq(input, 0.0), 0.0, input * s.log1p(other)))


@elementwise(dtype=real_floating, sample=(-4, 4))
def i0(input: Any) -> Any:
    """The modified Bessel function of the first kind, order 0."""
    return special.i0e(input) * s.exp(s.abs(input))


@gradient(i0, "input")
def _(grad: Expr, input: Expr) -> Any:
    """By hand: it is the function of order 1."""
    return grad * special.i1e(input) * s.exp(s.abs(input))


@elementwise(dtype=real_floating, method=False, inplace=False, namespace=_NAMESPACE, sample=(-4, 4))
def i0e(input: Any) -> Any:
    """``exp(-|input|)`` times the modified Bessel function of order 0."""
    return special.i0e(input)


@gradient(i0e, "input")
def _(grad: Expr, input: Expr, out: Expr) -> Any:
    """By hand: the series need not be differentiated."""
    return grad * (special.i1e(input) - s.sign(input) * out)


@elementwise(dtype=real_floating, method=False, inplace=False, namespace=_NAMESPACE, sample=(-4, 4))
def i1(input: Any) -> Any:
    """The modified Bessel function of the first kind, order 1."""
    return special.i1e(input) * s.exp(s.abs(input))


@gradient(i1, "input")
def _(grad: Expr, input: Expr) -> Any:
    """By hand: ``I0(x) - I1(x) / x``."""
    return grad * (special.i0e(input) - special.i1e_by_x(input)) * s.exp(s.abs(input))


@elementwise(dtype=real_floating, method=False, inplace=False, namespace=_NAMESPACE, sample=(-1, 1))
def i1e(input: Any) -> Any:
    """``exp(-|input|)`` times the modified Bessel function of order 1."""
    return special.i1e(input)


@gradient(i1e, "input")
def _(grad: Expr, input: Expr, out: Expr) -> Any:
    """By hand: the series need not be differentiated."""
    return grad * (special.i0e(input) - special.i1e_by_x(input) - s.sign(input) * out)
