"""Special functions in the scalar language: series, for the bodies of ops and for derivatives.

The Chebyshev coefficients were computed with 40 digits, by interpolation at Chebyshev's nodes, and cut where they fall
below the rounding of float64.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from hotplug.expr import scalar as s
from hotplug.expr.node import Expr

_I0_NEAR: Final = (
    0.33839763720473803, -0.3046826723431984, 0.17162090152220877, -0.09490109704804764, 0.04930528423967071,
    -0.02373741480589947, 0.010546460394594998, -0.004324309995050576, 0.0016394756169413357, -0.0005763755745385824,
    0.00018850288509584165, -5.754195010082104e-05, 1.6448448070728896e-05, -4.4167383584587505e-06,
    1.1173875391201037e-06, -2.670793853940612e-07, 6.046995022541919e-08, -1.300025009986248e-08,
    2.6598237246823866e-09, -5.189795601635263e-10, 9.675809035373237e-11, -1.726826291441556e-11, 2.95505266312964e-12,
    -4.856446783111929e-13, 7.676185498604936e-14, -1.1685332877993451e-14, 1.715391285555133e-15,
    -2.431279846547955e-16, 3.3307945188222384e-17,
)  # fmt: skip
"""``exp(-x) I0(x)`` on [0, 8] in ``x / 4 - 1``."""
_I0_FAR: Final = (
    0.4022452055070544, 0.0033691164782556943, 6.889758346916825e-05, 2.8913705208347567e-06, 2.0489185894690638e-07,
    2.266668990498178e-08, 3.3962320257083865e-09, 4.94060238822497e-10, 1.1889147107846439e-11,
    -3.1499165279632416e-11, -1.3215811840447713e-11, -1.7941785315068062e-12, 7.180124451383666e-13,
    3.8527783827421426e-13, 1.54008621752141e-14, -4.150569347287222e-14, -9.554846698828307e-15, 3.8116806693526224e-15,
    1.7725601330565263e-15, -3.425485619677219e-16, -2.8276239805165836e-16, 3.461222867697461e-17, 4.46562142029676e-17,
)  # fmt: skip
"""``exp(-x) I0(x) sqrt(x)`` above 8 in ``16 / x - 1``."""
_I1_NEAR: Final = (
    0.12629359322181682, -0.17641651835783406, 0.1026436586898471, -0.05294598120809499, 0.024726449030626516,
    -0.010564084894626197, 0.004156422944312888, -0.0015135724506312532, 0.0005122859561685758, -0.00016176081582589674,
    4.781565107550054e-05, -1.3273163656039436e-05, 3.4702513081376785e-06, -8.568720264695455e-07,
    2.0032947535521353e-07, -4.445059128796328e-08, 9.381537386495773e-09, -1.8872497517228294e-09,
    3.625590281552117e-10, -6.663489723502027e-11, 1.1736186298890901e-11, -1.9839743977649436e-12, 3.223793365945575e-13,
    -5.042185504727912e-14, 7.600684294735408e-15, -1.1055969477353862e-15, 1.5536319577362005e-16,
    -2.111421214358166e-17,
)  # fmt: skip
"""``exp(-x) I1(x) / x`` on [0, 8] in ``x / 4 - 1``."""
_I1_FAR: Final = (
    0.38928811750914005, -0.009761097491361469, -0.00011058893876262371, -3.882564808877691e-06, -2.512236237870209e-07,
    -2.6314688468895196e-08, -3.835380385964237e-09, -5.589743462196584e-10, -1.8974958123505413e-11,
    3.2526035830154884e-11, 1.4125807436613782e-11, 2.0356285441470896e-12, -7.198551776245908e-13,
    -4.0835511110921974e-13, -2.1015418427726643e-14, 4.272440016711951e-14, 1.0420276984128802e-14,
    -3.8144030724370075e-15, -1.8803547755107825e-15, 3.3082023109209285e-16, 2.96262899764595e-16,
    -3.209525921993424e-17, -4.650305368489358e-17,
)  # fmt: skip
"""``exp(-x) I1(x) sqrt(x)`` above 8 in ``16 / x - 1``."""
_ERFCX: Final = (
    1.1775789345674017, -0.004590054580646478, -0.08424913336651792, 0.05920993999819189, -0.026658668435305753,
    0.009074997670705265, -0.002413163540417608, 0.0004907758365258086, -6.916973302501207e-05, 4.13902798607301e-06,
    7.74038306619849e-07, -2.1886401049234397e-07, 1.076499946567091e-08, 4.521959811218287e-09, -7.754400208831351e-10,
    -6.318088340886684e-11, 2.86879501093067e-11, 1.9455868545777347e-13, -9.65469674843344e-13, 3.25254814814874e-14,
    3.3478119482868056e-14, -1.864562880419313e-15, -1.2507950530688648e-15, 7.418235256624044e-17, 5.068148904796111e-17,
)  # fmt: skip
"""``(1 + 2 x) exp(x**2) erfc(x)`` of positive x in ``(x - 3.75) / (x + 3.75)`` (Shepherd and Laframboise, 1981)."""

# M. J. Wichura, "Algorithm AS 241: the percentage points of the normal distribution" (1988), numerators, denominators.
_CENTRE: Final = (
    (3.3871328727963666080, 133.14166789178437745, 1971.5909503065514427, 13731.693765509461125, 45921.953931549871457,
     67265.770927008700853, 33430.575583588128105, 2509.0809287301226727),
    (1.0, 42.313330701600911252, 687.18700749205790830, 5394.1960214247511077, 21213.794301586595867,
     39307.895800092710610, 28729.085735721942674, 5226.4952788528545610),
)  # fmt: skip
_MIDDLE: Final = (
    (1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550, 3.64784832476320460504,
     1.27045825245236838258, 0.241780725177450611770, 0.0227238449892691845833, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187, 1.67638483018380384940, 0.689767334985100004550, 0.148103976427480074590,
     0.0151986665636164571966, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
)  # fmt: skip
_TAIL: Final = (
    (6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580, 0.296560571828504891230,
     0.0265321895265761230930, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 0.599832206555887937690, 0.136929880922735805310, 0.0148753612908506148525, 7.86869131145613259100e-4,
     1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15),
)  # fmt: skip

_BERNOULLI: Final = (
    1 / 6,
    -1 / 30,
    1 / 42,
    -1 / 30,
    5 / 66,
    -691 / 2730,
    7 / 6,
    -3617 / 510,
    43867 / 798,
    -174611 / 330,
)
_SHIFT: Final = 10
"""Terms that are added one by one before the Euler-Maclaurin formula takes over."""


def polynomial(coefficients: Sequence[float], x: Expr) -> Any:
    """``c[0] + c[1] x + c[2] x**2 + ...`` by Horner's rule."""
    total: Any = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        total = x * total + coefficient
    return total


def chebyshev(coefficients: Sequence[float], t: Expr) -> Any:
    """A series in Chebyshev's polynomials of ``t`` in [-1, 1], by Clenshaw's rule."""
    ahead, total = s.to(0.0, t.dtype), s.to(0.0, t.dtype)
    for coefficient in reversed(coefficients[1:]):
        ahead, total = total, t * total * 2.0 - ahead + coefficient
    return t * total - ahead + coefficients[0]


def _bessel(near: Sequence[float], far: Sequence[float], size: Expr) -> tuple[Any, Any]:
    """A scaled Bessel function by its two series; each is right in its range, split at 8, and finite elsewhere."""
    distant = s.maximum(size, 8.0)
    return (
        chebyshev(near, s.minimum(size, 8.0) * 0.25 - 1.0),
        chebyshev(far, 16.0 / distant - 1.0) * s.rsqrt(distant),
    )


def i0e(x: Expr) -> Any:
    """``exp(-|x|) I0(x)``, the modified Bessel function of order 0."""
    size = s.abs(x)
    near, far = _bessel(_I0_NEAR, _I0_FAR, size)
    return s.where(s.gt(size, 8.0), far, near)


def i1e(x: Expr) -> Any:
    """``exp(-|x|) I1(x)``, the modified Bessel function of order 1."""
    size = s.abs(x)
    near, far = _bessel(_I1_NEAR, _I1_FAR, size)
    return s.where(s.gt(size, 8.0), s.copysign(far, x), x * near)


def i1e_by_x(x: Expr) -> Any:
    """``exp(-|x|) I1(x) / x``, a half at 0."""
    size = s.abs(x)
    near, far = _bessel(_I1_NEAR, _I1_FAR, size)
    return s.where(s.gt(size, 8.0), far / s.maximum(size, 8.0), near)


def erfcx(x: Expr) -> Any:
    """The scaled complement ``exp(x**2) erfc(x)``; of negative x by reflection."""
    size = s.abs(x)
    ratio = s.where(s.eq(size, math.inf), s.to(1.0, x.dtype), (size - 3.75) / (size + 3.75))
    value = chebyshev(_ERFCX, ratio) / (size * 2.0 + 1.0)
    return s.where(s.lt(x, 0.0), s.exp(x * x) * 2.0 - value, value)


def normal_quantile(half: Expr, tail: Expr) -> Any:
    """The quantile of the normal distribution at ``0.5 + half``, where ``tail`` is ``0.5 - |half|``.

    Both are given, so that neither loses digits.
    """
    centre = half * _ratio(_CENTRE, s.sub(0.180625, half * half))
    depth = s.sqrt(-s.log(tail))
    outer = s.where(s.le(depth, 5.0), _ratio(_MIDDLE, depth - 1.6), _ratio(_TAIL, depth - 5.0))
    outer = s.where(s.eq(tail, 0.0), s.to(math.inf, half.dtype), outer)
    return s.where(s.le(s.abs(half), 0.425), centre, s.where(s.lt(half, 0.0), -outer, outer))


def _ratio(pair: tuple[Sequence[float], Sequence[float]], x: Expr) -> Any:
    return polynomial(pair[0], x) / polynomial(pair[1], x)


def zeta(exponent: Any, start: Expr) -> Any:
    """Hurwitz's zeta function, the sum of ``(start + k)**-exponent`` over k from 0, for a positive ``start``.

    By the Euler-Maclaurin formula after the first terms.  Below ``start`` 0 it is NaN, at 0 infinite.
    """
    exponent = exponent if isinstance(exponent, Expr) else s.to(float(exponent), start.dtype)
    total = s.pow(start, -exponent)
    for k in range(1, _SHIFT):
        total = total + s.pow(start + float(k), -exponent)
    last = start + float(_SHIFT)
    power = s.pow(last, -exponent)
    total = total + power * last / (exponent - 1.0) + power * 0.5
    factor = power / last * exponent
    for k, number in enumerate(_BERNOULLI, 1):
        total = total + factor * (number / math.factorial(2 * k))
        factor = factor * (exponent + (2 * k - 1.0)) / last * (exponent + 2.0 * k) / last
    total = s.where(s.eq(exponent, 1.0), s.to(math.inf, start.dtype), total)
    total = s.where(s.eq(start, 0.0), s.to(math.inf, start.dtype), total)
    return s.where(s.lt(start, 0.0) | s.lt(exponent, 1.0), s.to(math.nan, start.dtype), total)


def trigamma(x: Expr) -> Any:
    """The derivative of digamma; left of 0.5 by reflection, NIST DLMF 5.5.4 differentiated."""
    away = s.lt(x, 0.5)
    value = zeta(2.0, s.where(away, s.sub(1.0, x), x))
    sine = s.sin((x - s.round(x)) * math.pi)
    return s.where(away, math.pi**2 / (sine * sine) - value, value)
