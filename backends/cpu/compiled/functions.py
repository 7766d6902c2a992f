"""Functions of float32 without a branch, so that a loop over them becomes vector instructions.

Every one is a range reduction and a polynomial, both written here; the coefficients are weighted least-squares fits on
Chebyshev nodes to values of 40 digits, reweighted until the largest errors were level.  Errors are at most 2 units in
the last place, which ``tests/backends/cpu/test_functions.py`` checks over all exponents.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, Final

import numpy as np
from numba import types

from hotplug.backends.cpu.compiled.memory import (
    absolute,
    copysign,
    float32_of_bits,
    float64_of_bits,
    floor,
    int32_bits,
    round_even,
)  # fmt: skip
from hotplug.backends.cpu.compiled.prelude import exact, inline

_F: Final = np.float32
_I: Final = np.int32
_INFINITY: Final = _F(np.inf)
_NAN: Final = _F(np.nan)
_ZERO: Final = _F(0)
_HALF: Final = _F(0.5)
_ONE: Final = _F(1)
_TWO: Final = _F(2)

_LOG2_E: Final = _F(1.4426950408889634)
_LN2_HIGH: Final = _F(0.693359375)
_LN2_LOW: Final = _F(-2.12194440054690581e-4)
_LOG2_10_HIGH, _LOG2_10_LOW = _F(3.3203125), _F(1.6156248873623478e-3)

_E2, _E3, _E4 = _F(0.5), _F(0.1666666716337204), _F(0.041666269302368164)
_E5, _E6, _E7 = _F(0.008333266712725163), _F(0.0013946208637207747), _F(0.00019917191821150482)


@exact
def _difference(left: Any, right: Any) -> Any:
    """``left - right``, and what its rounding lost."""
    value = left - right
    return value, (left - value) - right


@inline
def _at_most(x: Any, most: Any) -> Any:
    """``min(x, most)`` that keeps NaN."""
    return most if x > most else x  # noqa: FURB136 (Numba's min does not keep it)


@inline
def _at_least(x: Any, least: Any) -> Any:
    """``max(x, least)`` that keeps NaN."""
    return least if x < least else x  # noqa: FURB136


@inline
def _exp_reduced(k: Any, r: Any, lost: Any) -> Any:
    """``2**k * exp(r + lost)`` for |r| up to log(2) / 2; 2**k in two factors, so that the result may be subnormal."""
    p = ((((_E7 * r + _E6) * r + _E5) * r + _E4) * r + _E3) * r + _E2
    p = (p * (r * r) + lost) + r + _ONE
    n = types.int32(k)
    half = n >> _I(1)
    first = float32_of_bits(types.int32((half + _I(127)) << _I(23)))
    second = float32_of_bits(types.int32((n - half + _I(127)) << _I(23)))
    return p * first * second


@inline
def exp(x: Any) -> Any:
    """e to the power x."""
    return _exp_from(_at_most(x, _F(89.0)))


@inline
def _exp_from(x: Any) -> Any:
    """e to the power x up to 89."""
    y = _at_least(x, _F(-104.0))
    k = round_even(y * _LOG2_E)
    high = y - k * _LN2_HIGH
    r, lost = _difference(high, k * _LN2_LOW)
    return _exp_reduced(k, r, lost)


@inline
def _exp_moderate(x: Any) -> Any:
    """e to the power x, for x from -80 to 80 or so: no end to think of, and nothing subnormal."""
    k = round_even(x * _LOG2_E)
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    p = ((((_E7 * r + _E6) * r + _E5) * r + _E4) * r + _E3) * r + _E2
    p = p * (r * r) + r + _ONE
    return float32_of_bits(types.int32(int32_bits(p) + (types.int32(k) << _I(23))))


@inline
def exp2(x: Any) -> Any:
    """2 to the power x."""
    y = _at_least(x, _F(-151.0))
    y = _at_most(y, _F(129.0))
    k = round_even(y)
    f = y - k
    return _exp_reduced(k, f * _F(0.6931471805599453), _ZERO)


_M2, _M3, _M4, _M5 = _F(0.5), _F(0.1666666716337204), _F(0.0416666679084301), _F(0.00833314098417759)
_M6, _M7, _M8 = _F(0.0013888543471693993), _F(0.000199740199605003), _F(2.497025161574129e-05)


@inline
def expm1(x: Any) -> Any:
    """exp(x) - 1, by a polynomial of its own near 0."""
    y = x if absolute(x) < _HALF else _ZERO
    p = (((((_M8 * y + _M7) * y + _M6) * y + _M5) * y + _M4) * y + _M3) * y + _M2
    near = y + p * (y * y)
    return (near if x != _ZERO else x) if absolute(x) < _HALF else exp(x) - _ONE


_L0, _L1, _L2 = _F(0.3333331048488617), _F(-0.24999985098838806), _F(0.20002272725105286)
_L3, _L4, _L5 = _F(-0.1666935682296753), _F(0.14217713475227356), _F(-0.12381807714700699)
_L6, _L7, _L8 = _F(0.11877931654453278), _F(-0.1180785596370697), _F(0.06925825774669647)


@inline
def _split(x: Any) -> Any:
    """``(k, f)`` with ``x = 2**k * (1 + f)`` and 1 + f between sqrt(1/2) and sqrt(2), for positive finite x."""
    tiny = x < _F(1.1754943508222875e-38)
    y = x * _F(8388608.0) if tiny else x
    shifted = int32_bits(y) - _I(0x3F3504F3)
    k = shifted >> _I(23)
    mantissa = float32_of_bits(types.int32((shifted & _I(0x007FFFFF)) + _I(0x3F3504F3)))
    return types.float32(k) - (_F(23.0) if tiny else _ZERO), mantissa - _ONE


@inline
def _log_one_plus(f: Any) -> Any:
    """What log(1 + f) is more than f, for 1 + f between sqrt(1/2) and sqrt(2)."""
    p = (((((((_L8 * f + _L7) * f + _L6) * f + _L5) * f + _L4) * f + _L3) * f + _L2) * f + _L1) * f + _L0
    square = f * f
    return p * (square * f) - _HALF * square


@inline
def _log_ends(x: Any, result: Any) -> Any:
    """The result of a logarithm, or what it is at 0, below 0, at infinity and for NaN."""
    result = result if x < _INFINITY else x
    result = result if x > _ZERO else -_INFINITY
    return result if x >= _ZERO else _NAN


@inline
def log(x: Any) -> Any:
    """The natural logarithm."""
    k, f = _split(x)
    return _log_ends(x, k * _LN2_HIGH + (f + (_log_one_plus(f) + k * _LN2_LOW)))


_INVERSE_LN2_HIGH, _INVERSE_LN2_LOW = _F(1.44140625), _F(1.2887908890e-3)
_LOG10_E_HIGH, _LOG10_E_LOW = _F(0.434326171875), _F(-3.1689971365e-5)
_LOG10_2_HIGH, _LOG10_2_LOW = _F(0.30102539062), _F(4.6050389811e-6)


@exact
def _upper(f: Any) -> Any:
    """The upper 12 bits of a number, whose product with another such is exact."""
    return float32_of_bits(types.int32(int32_bits(f) & _I(-4096)))


@inline
def log2(x: Any) -> Any:
    """The logarithm to the base 2; powers of 2 are exact."""
    k, f = _split(x)
    more = _log_one_plus(f)
    high = _upper(f + more)
    low = (f - high) + more
    tail = (low + high) * _INVERSE_LN2_LOW + low * _INVERSE_LN2_HIGH
    return _log_ends(x, k + (high * _INVERSE_LN2_HIGH + tail))


@inline
def log10(x: Any) -> Any:
    """The logarithm to the base 10."""
    k, f = _split(x)
    more = _log_one_plus(f)
    high = _upper(f + more)
    low = (f - high) + more
    tail = k * _LOG10_2_LOW + ((low + high) * _LOG10_E_LOW + low * _LOG10_E_HIGH)
    return _log_ends(x, k * _LOG10_2_HIGH + (high * _LOG10_E_HIGH + tail))


@exact
def _lost(x: Any) -> Any:
    """What rounding takes from 1 + x, relative to it."""
    u = x + _ONE
    big = absolute(x) > _ONE
    return ((_ONE - (u - x)) if big else (x - (u - _ONE))) / u


@inline
def log1p(x: Any) -> Any:
    """log(1 + x), with what rounding 1 + x lost put back."""
    u = x + _ONE
    k, f = _split(u)
    value = k * _LN2_HIGH + (f + (_log_one_plus(f) + (k * _LN2_LOW + _lost(x))))
    result = _log_ends(u, value if u < _INFINITY else u)
    return result if absolute(x) > _F(1e-5) else x - _HALF * x * x


@exact
def _one_more(e: Any) -> Any:
    """``1 + e`` for e up to 1, and what its rounding lost."""
    value = _ONE + e
    return value, e - (value - _ONE)


@inline
def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)), by the exponential that can't overflow, with what rounding 1 + e lost put back."""
    e = _exp_from(-absolute(x))
    below, lost = _one_more(e)
    quotient = (e if x < _ZERO else _ONE) / below
    return quotient - quotient * lost


_T0, _T1, _T2 = _F(-0.3333333134651184), _F(0.13333247601985931), _F(-0.053952474147081375)
_T3, _T4, _T5 = _F(0.021734438836574554), _F(-0.008267088793218136), _F(0.00223106169141829)


@inline
def tanh(x: Any) -> Any:
    """The hyperbolic tangent: a polynomial near 0, else 1 - 2 / (exp(2 |x|) + 1)."""
    size = absolute(x)
    small = size if size < _F(0.6) else _ZERO
    t = small * small
    p = ((((_T5 * t + _T4) * t + _T3) * t + _T2) * t + _T1) * t + _T0
    near = small + small * (t * p)
    far = _ONE - _TWO / (exp(size + size) + _ONE)
    return copysign(near if size < _F(0.6) else far, x)


@inline
def sinh(x: Any) -> Any:
    """The hyperbolic sine, from expm1 of half the way up where exp would overflow."""
    size = absolute(x)
    m = expm1(min(_F(80.0), size))
    near = _HALF * (m + m / (m + _ONE))
    half = exp(_HALF * size)
    return copysign(near if size < _F(80.0) else (_HALF * half) * half, x)


@inline
def cosh(x: Any) -> Any:
    """The hyperbolic cosine."""
    size = absolute(x)
    e = exp(min(_F(80.0), size))
    near = _HALF * e + _HALF / e
    half = exp(_HALF * size)
    return near if size < _F(80.0) else (_HALF * half) * half


_R0, _R1, _R2 = _F(0.1283791671), _F(-0.37612637877464294), _F(0.11283747106790543)
_R3, _R4, _R5 = _F(-0.026862481608986855), _F(0.005209298804402351), _F(-0.0008244290947914124)
_R6 = _F(8.836253982735798e-05)  # _R0 is less by 1, which is added apart
_Q0, _Q1, _Q2 = _F(-0.00015450351929757744), _F(1.1294156312942505), _F(0.6335520148277283)
_Q3, _Q4, _Q5 = _F(0.10804980248212814), _F(-0.02496771141886711), _F(0.004112458787858486)
_Q6, _Q7 = _F(-0.00042217952432110906), _F(2.0017887436551973e-05)


@inline
def erf(x: Any) -> Any:
    """The error function: x times a polynomial in its square up to 0.85, above it 1 - exp of a polynomial."""
    size = absolute(x)
    t = x * x
    p = (((((_R6 * t + _R5) * t + _R4) * t + _R3) * t + _R2) * t + _R1) * t + _R0
    y = min(_F(4.0), size)
    q = ((((((_Q7 * y + _Q6) * y + _Q5) * y + _Q4) * y + _Q3) * y + _Q2) * y + _Q1) * y + _Q0
    far = copysign(_ONE - _exp_moderate(-q), x)
    result = x + x * p if size < _F(0.85) else far
    return result if x <= _INFINITY else x


@inline
def rsqrt(x: Any) -> Any:
    """1 / sqrt(x)."""
    return _ONE / np.sqrt(x)


_W: Final = np.float64
_INVERSE_LN2: Final = _W(1 / math.log(2))
_ATANH: Final = tuple(_W(2 / (2 * k + 1) / math.log(2)) for k in range(9))
_EXP2: Final = tuple(_W(math.log(2) ** k / math.factorial(k)) for k in range(12))


@inline
def _wide_log2(size: Any) -> Any:
    """log2 of a float32 in float64: the series of artanh, whose argument is at most 0.172."""
    k, f = _split(size)
    m = types.float64(f)
    s = m / (m + _W(2))
    t = s * s
    p = ((_ATANH[8] * t + _ATANH[7]) * t + _ATANH[6]) * t + _ATANH[5]
    p = ((((p * t + _ATANH[4]) * t + _ATANH[3]) * t + _ATANH[2]) * t + _ATANH[1]) * t + _ATANH[0]
    value = types.float64(k) + s * p
    value = value if size > _ZERO else -_W(np.inf)
    return value if size < _INFINITY else _W(np.inf)


@inline
def _wide_exp2(x: Any) -> Any:
    """2**x in float64, for x where the result is a normal float64."""
    k = round_even(x)
    g = x - k
    p = ((((_EXP2[11] * g + _EXP2[10]) * g + _EXP2[9]) * g + _EXP2[8]) * g + _EXP2[7]) * g + _EXP2[6]
    p = (((((p * g + _EXP2[5]) * g + _EXP2[4]) * g + _EXP2[3]) * g + _EXP2[2]) * g + _EXP2[1]) * g + _EXP2[0]
    return p * float64_of_bits(types.int64((types.int64(k) + 1023) << 52))


@inline
def pow(x: Any, y: Any) -> Any:
    """x to the power y, in float64 by way of log2 and exp2; the special cases are C's."""
    size = absolute(x)
    t = types.float64(y) * _wide_log2(size)
    t = max(_W(-200), t)
    t = min(_W(200), t)
    result = types.float32(_wide_exp2(t))
    whole = floor(y) == y
    odd = whole & (absolute(y) < _F(16777216.0)) & (floor(y * _HALF) * _TWO != y)
    negative = int32_bits(x) < _I(0)
    result = -result if negative & odd else result
    result = _NAN if (x < _ZERO) & (not whole) & (size < _INFINITY) else result
    result = _NAN if (x != x) | (y != y) else result  # noqa: PLR0124
    return _ONE if (y == _ZERO) | (x == _ONE) | ((size == _ONE) & (absolute(y) == _INFINITY)) else result


# --- sine and cosine ---


def _pi_digits() -> Fraction:
    """Pi to 300 bits, by Machin's formula."""

    def inverse_tangent(n: int) -> Fraction:
        total, term, k = Fraction(0), Fraction(1, n), 0
        while term > Fraction(1, 1 << 310):
            total += term / (2 * k + 1) * (-1) ** k
            term, k = term / (n * n), k + 1
        return total

    return 4 * (4 * inverse_tangent(5) - inverse_tangent(239))


_BITS: Final = int((2 / _pi_digits()) * (1 << 256))
_W0, _W1, _W2, _W3 = (np.uint64((_BITS >> (192 - 64 * i)) & (2**64 - 1)) for i in range(4))  # 2 / pi
_63: Final = np.uint64(63)

_QUARTER: Final = math.pi / 2
_UNIT: Final = math.pi / 2 / 2.0**62
_TWO_OVER_PI: Final = 2 / math.pi
_PI_HIGH: Final = float.fromhex("0x1.921fb5p+0")  # 25 bits: its product with a whole number of 28 bits is exact
_PI_LOW: Final = math.pi / 2 - _PI_HIGH
_PI_REST: Final = float(_pi_digits() / 2 - Fraction(_PI_HIGH) - Fraction(_PI_LOW))
_LARGE: Final = _F(2.0**27)


@exact
def near_quarter(x: Any) -> Any:
    """``(q, r)`` with x = q * pi/2 + r modulo a turn, for |x| up to 2**27: three parts of pi/2 in float64."""
    wide = types.float64(x)
    k = round_even(wide * _TWO_OVER_PI)
    r = ((wide - k * _PI_HIGH) - k * _PI_LOW) - k * _PI_REST
    return types.int32(types.int64(k) & 3), types.float32(r)


@exact
def far_quarter(x: Any) -> Any:
    """The same for any finite x: the product with 2 / pi modulo 4, in integers (Payne and Hanek, 1983)."""
    bits = int32_bits(x)
    exponent = (bits >> _I(23)) & _I(255)
    skip = types.int64(exponent) - 152
    mantissa = types.uint64((bits & _I(0x007FFFFF)) | _I(0x00800000))
    skip = max(skip, 0)  # bits of 2 / pi that contribute whole turns only
    second, shift = skip >= 64, types.uint64(skip & 63)
    a = _W1 if second else _W0
    b = _W2 if second else _W1
    c = _W3 if second else _W2
    upper = (a << shift) | ((b >> types.uint64(1)) >> (_63 - shift))
    lower = ((b << shift) | ((c >> types.uint64(1)) >> (_63 - shift))) >> types.uint64(32)
    turns = mantissa * upper + ((mantissa * lower) >> types.uint64(32))
    q = (turns + types.uint64(1 << 61)) >> types.uint64(62)
    r = types.float64(types.int64(turns - (q << types.uint64(62)))) * _UNIT
    whole = types.int32(types.int64(q) & 3)
    return (-whole & 3 if x < _ZERO else whole), types.float32(-r if x < _ZERO else r)


_S0, _S1, _S2 = _F(-0.1666666716337204), _F(0.008333329111337662), _F(-0.00019839256128761917)
_S3 = _F(2.7175644845556235e-06)
_C0, _C1, _C2 = _F(0.0416666679084301), _F(-0.0013888883404433727), _F(2.479943577782251e-05)
_C3 = _F(-2.7203304853173904e-07)


@inline
def sine_of_quarter(q: Any, r: Any) -> Any:
    """sin(q * pi/2 + r)."""
    t = r * r
    sine = r + r * (t * (((_S3 * t + _S2) * t + _S1) * t + _S0))
    cosine = (_ONE - _HALF * t) + (t * t) * (((_C3 * t + _C2) * t + _C1) * t + _C0)
    value = cosine if q & 1 else sine
    return -value if q & 2 else value


@exact
def _quarter(x: Any) -> Any:
    return near_quarter(x) if absolute(x) < _LARGE else far_quarter(x)


@inline
def sin(x: Any) -> Any:
    """The sine."""
    q, r = _quarter(x)
    result = sine_of_quarter(q, r) if absolute(x) > _F(1e-4) else x
    return result if absolute(x) < _INFINITY else _NAN


@inline
def cos(x: Any) -> Any:
    """The cosine."""
    q, r = _quarter(x)
    return sine_of_quarter((q + 1) & 3, r) if absolute(x) < _INFINITY else _NAN
