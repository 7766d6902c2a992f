"""Functions that NumPy lacks, vectorised: from SciPy where it is installed, else by rational approximation."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

NDArray = np.ndarray[Any, Any]


def sigmoid(x: NDArray) -> NDArray:
    """1 / (1 + exp(-x)), with one temporary."""
    result: NDArray = np.asarray(np.negative(x))  # of a 0-d array, NumPy returns a scalar
    np.exp(result, result)
    np.add(result, 1, result)
    np.reciprocal(result, out=result)
    return result


# W. J. Cody, "Rational Chebyshev approximations for the error function" (1969): up to 0.46875, up to 4, above.
_A: Final = (
    1.85777706184603153e-1,
    3.16112374387056560e0,
    1.13864154151050156e2,
    3.77485237685302021e2,
    3.20937758913846947e3,
)
_B: Final = (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3)
_C: Final = (
    2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1, 2.98635138197400131e2,
    8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3,
)  # fmt: skip
_D: Final = (
    1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
    3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3,
)  # fmt: skip
_P: Final = (
    1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
    1.60837851487422766e-2, 6.58749161529837803e-4,
)  # fmt: skip
_Q: Final = (
    1.0, 2.56852019228982242e0, 1.87295284992346725e0, 5.27905102951428412e-1, 6.05183413124413191e-2,
    2.33520497626869185e-3,
)  # fmt: skip
_ROOT_PI: Final = 0.5641895835477562869


def _ratio(numerator: tuple[float, ...], denominator: tuple[float, ...], x: NDArray) -> NDArray:
    return np.asarray(np.polyval(np.array(numerator), x) / np.polyval(np.array(denominator), x))


def _erfc_positive(y: NDArray) -> NDArray:
    """erfc for ``y`` above 0.46875."""
    middle = np.minimum(y, 4.0)
    far = np.maximum(y, 4.0)
    square = 1.0 / (far * far)
    tail = (_ROOT_PI - square * _ratio(_P, _Q, square)) / far
    scaled = np.where(y <= 4.0, _ratio(_C, _D, middle), tail)
    y = np.minimum(y, 30.0)  # from where on the result is 0
    coarse = np.floor(y * 16) / 16  # its square is exact: what rounding y * y loses would be multiplied by y * y
    return np.asarray(np.exp(-coarse * coarse) * np.exp(-(y - coarse) * (y + coarse)) * scaled)


def _erf_float64(x: NDArray) -> NDArray:
    y = np.abs(x)
    small = np.minimum(y, 0.46875)
    near = x * _ratio(_A, _B, small * small)
    return np.where(y <= 0.46875, near, np.copysign(1.0 - _erfc_positive(np.maximum(y, 0.46875)), x))


def _erfc_float64(x: NDArray) -> NDArray:
    y = np.abs(x)
    far = _erfc_positive(np.maximum(y, 0.46875))
    return np.where(y <= 0.46875, 1.0 - _erf_float64(x), np.where(x < 0, 2.0 - far, far))


def _scipy(name: str) -> Any:
    try:
        from scipy import special
    except ImportError:
        return None
    return getattr(special, name)


def erf(x: NDArray) -> NDArray:
    """Error function."""
    function = _scipy("erf") or _erf_float64
    return np.asarray(function(x if function is not _erf_float64 else x.astype(np.float64)), x.dtype)


def erfc(x: NDArray) -> NDArray:
    """Complement of the error function.  SciPy's loses 5 bits in float64, where the result is small."""
    function = (_scipy("erfc") if x.dtype != np.float64 else None) or _erfc_float64
    return np.asarray(function(x if function is not _erfc_float64 else x.astype(np.float64)), x.dtype)
