"""Functions that NumPy lacks, in float64, for the reference: clear, not fast."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

NDArray = np.ndarray[Any, Any]


def _elementwise(function: Callable[[float], float]) -> Callable[[NDArray], NDArray]:
    def apply(x: NDArray) -> NDArray:
        values = np.fromiter((function(v) for v in np.asarray(x, np.float64).ravel().tolist()), np.float64, np.size(x))
        return values.reshape(np.shape(x)).astype(x.dtype)

    return apply


_LGAMMA_LIMIT = 2.55e305
"""From here on the logarithm of gamma is larger than any float64, which Python's raises an error for."""


def _lgamma(x: float) -> float:
    if math.isinf(x) or x > _LGAMMA_LIMIT or (x <= 0 and x == math.floor(x)):
        return math.inf
    return math.lgamma(x)


def _digamma(x: float) -> float:
    """Reflection below 0, recurrence up to 10, then the asymptotic series (Abramowitz and Stegun, 6.3.18)."""
    if x == 0:
        return -math.copysign(math.inf, x)
    if x < 0:
        if math.isinf(x) or x == math.floor(x):
            return math.nan
        return _digamma(1.0 - x) - math.pi / math.tan(math.pi * (x - round(x)))
    if math.isinf(x) or math.isnan(x):
        return x
    shift = 0.0
    while x < 10.0:
        shift -= 1.0 / x
        x += 1.0
    y = 1.0 / (x * x)
    series = y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y * (1 / 240 - y * (1 / 132 - y * (691 / 32760 - y / 12))))))
    return shift + math.log(x) - 0.5 / x - series


erf = _elementwise(math.erf)
erfc = _elementwise(math.erfc)
lgamma = _elementwise(_lgamma)
digamma = _elementwise(_digamma)
