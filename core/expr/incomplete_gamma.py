"""The regularised incomplete gamma functions in the scalar language, and the slope of a gamma quantile in its shape.

Four ways, each where it is precise: the power series of the lower function (NIST DLMF 8.7.1) for small ``x``, Legendre's
continued fraction of the upper one (8.9.2) for large ``x``, Temme's uniform expansion (8.12) where the shape is large and
``x`` is near it.  All are computed and one is chosen: a kernel has no branches.
"""

from __future__ import annotations

import math
from typing import Any, Final

from hotplug.expr import scalar as s
from hotplug.expr.node import Expr
from hotplug.expr.special import polynomial
from hotplug.expr.temme import ROWS

_LARGE: Final = 20.0
"""The shape from which on the uniform expansion is precise."""
_NEAR: Final = (0.42, 2.2)
"""The quotients of ``x`` and shape for which its Taylor series are."""
_TERMS: Final = 60
_LEVELS: Final = 45
_SMALL: Final = 1.6
"""Below it the series is used whatever the shape: the fraction would need more levels."""
_ROOT_HALF: Final = math.sqrt(0.5)
_STIRLING: Final = (
    1.0, 1 / 12, 1 / 288, -139 / 51840, -571 / 2488320, 163879 / 209018880, 5246819 / 75246796800,
    -534703531 / 902961561600, -4483131259 / 86684309913600, 432261921612371 / 514904800886784000,
)  # fmt: skip
"""The gamma function by Stirling's leading term, in ``1 / a``: NIST DLMF 5.11.3."""


def lower_and_upper(a: Expr, x: Expr) -> tuple[Any, Any]:
    """``P(a, x)`` and ``Q(a, x)``, for positive ``a`` and ``x``; each has the digits of its own size.

    At ``x`` 0 they are 0 and 1, at ``a`` 0 they are 1 and 0; NaN for negative numbers.
    """
    shape, point = _inside(a, x)
    from_below = _from_below(shape, point)
    weight = _weight(shape, point)
    lower = _series(shape, point)[0] * weight
    upper = _fraction(shape, point)[0] * point * weight
    low_far, high_far = _uniform(shape, point)
    near = _is_near(shape, point)
    low = s.where(near, low_far, s.where(from_below, lower, s.sub(1.0, upper)))
    high = s.where(near, high_far, s.where(from_below, s.sub(1.0, lower), upper))
    return _edges(a, x, low, 0.0), _edges(a, x, high, 1.0)


def density(a: Expr, x: Expr) -> Any:
    """The derivative of ``P(a, x)`` in ``x``: ``x**(a - 1) exp(-x) / gamma(a)``."""
    return s.where(s.gt(x, 0.0), _weight(a, x) / x, s.exp((a - 1.0) * s.log(x) - x - s.lgamma(a)))


def slope(a: Expr, x: Expr) -> Any:
    """How the quantile ``x`` of the gamma distribution moves with its shape ``a``: ``-(dP/da) / (dP/dx)``.

    The implicit gradient of a sample (Figurnov, Mohamed, Mnih, "Implicit reparameterization gradients", 2018).
    """
    shape, point = _inside(a, x)
    log = s.log(point) - s.digamma(shape)
    total, moved = _series(shape, point)
    below = -(point * (log * total - moved))
    value, change = _fraction(shape, point)
    above = point * (log * value + change) * point
    return s.where(
        _is_near(shape, point), _uniform_slope(shape, point), s.where(_from_below(shape, point), below, above)
    )


def _inside(a: Expr, x: Expr) -> tuple[Expr, Expr]:
    """The arguments, with those outside of the domain replaced: they are treated in the end."""
    return s.where(s.gt(a, 0.0), a, 1.0), s.where(s.gt(x, 0.0) & s.lt(x, math.inf), x, 1.0)


def _from_below(a: Expr, x: Expr) -> Expr:
    below: Expr = s.le(x, s.maximum(a, _SMALL))
    return below


def _is_near(a: Expr, x: Expr) -> Expr:
    near: Expr = s.gt(a, _LARGE) & s.gt(x, a * _NEAR[0]) & s.lt(x, a * _NEAR[1])
    return near


def _weight(a: Expr, x: Expr) -> Any:
    """``x**a exp(-x) / gamma(a)``, which all results have as a factor but for one power of ``x``.

    For a large shape by Stirling's formula: the three logarithms would cancel.
    """
    large = s.maximum(a, _LARGE)
    root = s.sqrt(large * (0.5 / math.pi)) / polynomial(_STIRLING, s.div(1.0, large))
    return s.where(
        s.gt(a, _LARGE), s.exp(-large * excess((x - large) / large)) * root, s.exp(a * s.log(x) - x - s.lgamma(a))
    )


def _series(a: Expr, x: Expr) -> tuple[Any, Any]:
    """The sum of ``x**n / (a (a + 1) ... (a + n))``, and of its terms by ``1 / a + ... + 1 / (a + n)``."""
    inverse = s.div(1.0, a)
    term, harmonic = inverse, inverse
    total, moved = term, term * harmonic
    for n in range(1, _TERMS):
        inverse = s.div(1.0, a + float(n))
        term, harmonic = term * x * inverse, harmonic + inverse
        total, moved = total + term, moved + term * harmonic
    return total, moved


def _fraction(a: Expr, x: Expr) -> tuple[Any, Any]:
    """``Q(a, x)`` by ``x**a exp(-x) / gamma(a)``, by ``x`` less, and its derivative in ``a``; from the last level up."""
    base = x - a
    tail: Any = base + (2.0 * _LEVELS + 1.0)
    change: Any = s.to(-1.0, a.dtype)
    for k in range(_LEVELS, 0, -1):
        factor = s.sub(float(k), a) * float(k) / tail
        change = (float(k) + factor * change) / tail - 1.0
        tail = base + (2.0 * k - 1.0) - factor
    return s.div(1.0, tail * x), -change / (tail * tail * x)


def excess(mu: Expr) -> Any:
    """``mu - log(1 + mu)`` without cancellation: its series in ``y = mu / (mu + 2)``, where log(1 + mu) is 2 atanh(y)."""
    y = mu / (mu + 2.0)
    square = y * y
    total = polynomial([1.0 / (2 * n + 3) for n in range(16)], square)
    return s.where(s.lt(s.abs(mu), 0.5), mu * y - square * y * total * 2.0, mu - s.log1p(mu))


def _eta(a: Expr, x: Expr) -> tuple[Any, Any, Any]:
    """``mu = x / a - 1``, ``eta**2 / 2 = mu - log(1 + mu)``, and ``eta``, which has the sign of ``mu``."""
    mu = (x - a) / a
    mu = s.maximum(s.minimum(mu, _NEAR[1] - 1.0), _NEAR[0] - 1.0)  # the result is used within these only
    half = s.maximum(excess(mu), 0.0)
    return mu, half, s.copysign(s.sqrt(half * 2.0), mu)


def _sum_of_rows(rows: list[Any], a: Expr) -> Any:
    return _horner(rows, s.div(1.0, a))


def _horner(coefficients: list[Any], x: Expr) -> Any:
    total = coefficients[-1]
    for each in reversed(coefficients[:-1]):
        total = total * x + each
    return total


def _uniform(a: Expr, x: Expr) -> tuple[Any, Any]:
    a = s.maximum(a, _LARGE)
    _, half, eta = _eta(a, x)
    rest = _sum_of_rows([polynomial(row, eta) for row in ROWS], a) * s.exp(-a * half) * s.rsqrt(a * (2.0 * math.pi))
    scaled = eta * s.sqrt(a) * _ROOT_HALF
    return s.erfc(-scaled) * 0.5 - rest, s.erfc(scaled) * 0.5 + rest


def _uniform_slope(a: Expr, x: Expr) -> Any:
    """The derivative of Temme's expansion, with the exponential that all terms share divided out."""
    a = s.maximum(a, _LARGE)
    mu, _, eta = _eta(a, x)
    at_zero = s.eq(eta, 0.0)
    safe = s.where(at_zero, 1.0, eta)
    quotient = s.where(at_zero, s.to(1.0, a.dtype), mu / safe)
    rows = [polynomial(row, eta) for row in ROWS]
    slopes = [polynomial([k * c for k, c in enumerate(row)][1:], eta) for row in ROWS]
    inverse = s.div(1.0, a)
    total = _horner(rows, inverse)
    turned = -_horner(slopes, inverse) * quotient * inverse
    lowered = -_horner([rows[k] * float(k) for k in range(1, len(rows))], inverse) * inverse * inverse
    scaled = polynomial(_STIRLING, inverse)
    inner = eta * 0.5 - quotient - s.log1p(mu) * total - turned - lowered + total * inverse * 0.5
    return -(mu + 1.0) * scaled * inner


def _edges(a: Expr, x: Expr, value: Any, at_zero: float) -> Any:
    kind = x.dtype
    value = s.where(s.eq(x, 0.0), s.to(at_zero, kind), value)
    value = s.where(s.eq(x, math.inf) | s.eq(a, 0.0), s.to(1.0 - at_zero, kind), value)
    value = s.where(s.eq(a, math.inf), s.to(at_zero, kind), value)
    undefined = s.lt(x, 0.0) | s.lt(a, 0.0) | (s.eq(x, 0.0) & s.eq(a, 0.0)) | (s.isinf(x) & s.isinf(a))
    return s.where(undefined | s.isnan(a) | s.isnan(x), s.to(math.nan, kind), value)
