"""Functions of float32 without a branch and without a call, as OpenCL C: a range reduction and a polynomial each.

They are those of ``hotplug.backends.cpu.compiled.functions``, coefficients included, whose largest errors are 2 units
in the last place.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Final

_HELPERS: Final = {
    "abs": "static inline float hp_fast_abs(float x) { return as_float(as_int(x) & 0x7fffffff); }",
    "sign_of": """
static inline float hp_fast_sign_of(float size, float x) {
    return as_float((as_int(size) & 0x7fffffff) | (as_int(x) & (int)0x80000000));
}""",
    # To the nearest whole number, ties to even, for what is below 2**22.
    "near": "static inline float hp_fast_near(float x) { return (x + 12582912.0f) - 12582912.0f; }",
    # 2**k * exp(r + lost); 2**k in two factors, so that the result may be subnormal.
    "scaled": """
static inline float hp_fast_scaled(float k, float r, float lost) {
    HP_CONTRACT
    float p = ((((0.00019917191821150482f * r + 0.0013946208637207747f) * r + 0.008333266712725163f) * r
        + 0.041666269302368164f) * r + 0.1666666716337204f) * r + 0.5f;
    p = (p * (r * r) + lost) + r + 1.0f;
    const int n = (int)k, half_n = n >> 1;
    return p * as_float((half_n + 127) << 23) * as_float((n - half_n + 127) << 23);
}""",
    # x = 2**k * (1 + f), where 1 + f is between sqrt(1/2) and sqrt(2), of a positive finite x.
    "exponent": """
static inline float hp_fast_exponent(float x) {
    const bool tiny = x < 0x1p-126f;
    const int shifted = as_int(tiny ? x * 8388608.0f : x) - 0x3f3504f3;
    return (float)(shifted >> 23) - (tiny ? 23.0f : 0.0f);
}""",
    "fraction": """
static inline float hp_fast_fraction(float x) {
    const int shifted = as_int(x < 0x1p-126f ? x * 8388608.0f : x) - 0x3f3504f3;
    return as_float((shifted & 0x007fffff) + 0x3f3504f3) - 1.0f;
}""",
    # What log(1 + f) is more than f.
    "log_more": """
static inline float hp_fast_log_more(float f) {
    HP_CONTRACT
    const float p = (((((((0.06925825774669647f * f - 0.1180785596370697f) * f + 0.11877931654453278f) * f
        - 0.12381807714700699f) * f + 0.14217713475227356f) * f - 0.1666935682296753f) * f + 0.20002272725105286f) * f
        - 0.24999985098838806f) * f + 0.3333331048488617f;
    const float square = f * f;
    return p * (square * f) - 0.5f * square;
}""",
    "log_ends": """
static inline float hp_fast_log_ends(float x, float result) {
    result = x < INFINITY ? result : x;
    result = x > 0.0f ? result : -INFINITY;
    return x >= 0.0f ? result : NAN;
}""",
    # The upper 12 bits of a number, whose product with another such is exact.
    "upper": "static inline float hp_fast_upper(float f) { return as_float(as_int(f) & -4096); }",
    # x is so many quarters of a turn, modulo a turn, and a rest in radians.  Up to 2**27 by three parts of pi/2; above,
    # from the product with 2 / pi modulo 4 in integers (Payne and Hanek, 1983), in units of 2**-62 of a quarter.
    "turns": """
static inline ulong hp_fast_turns(float x) {
    const int bits = as_int(x);
    const int from = ((bits >> 23) & 255) - 152, skip = from > 0 ? from : 0;
    const ulong mantissa = (ulong)((bits & 0x007fffff) | 0x00800000), shift = (ulong)(skip & 63);
    const ulong a = skip >= 64 ? @word1 : @word0, b = skip >= 64 ? @word2 : @word1, c = skip >= 64 ? @word3 : @word2;
    const ulong upper = (a << shift) | ((b >> 1) >> (63 - shift));
    const ulong lower = ((b << shift) | ((c >> 1) >> (63 - shift))) >> 32;
    return mantissa * upper + ((mantissa * lower) >> 32);
}""",
    "quarters": """
static inline int hp_fast_quarters(float x) {
    const float size = hp_fast_abs(x), near = size < 0x1p27f ? x : 0.0f;
    const int few = (int)((double)near * 0.6366197723675814 + 6755399441055744.0 - 6755399441055744.0) & 3;
    const int many = (int)((hp_fast_turns(x) + 0x2000000000000000UL) >> 62);
    return size < 0x1p27f ? few : x < 0.0f ? -many & 3 : many;
}""",
    "rest_of_quarters": """
static inline float hp_fast_rest_of_quarters(float x) {
    const float size = hp_fast_abs(x), near = size < 0x1p27f ? x : 0.0f;
    const double wide = (double)near, k = (wide * 0.6366197723675814 + 6755399441055744.0) - 6755399441055744.0;
    const float few = (float)(((wide - k * 0x1.921fb5p+0) - k * @middle) - k * @last);
    const ulong turns = hp_fast_turns(x), q = (turns + 0x2000000000000000UL) >> 62;
    const double rest = (double)(long)(turns - (q << 62)) * @unit;
    return size < 0x1p27f ? few : (float)(x < 0.0f ? -rest : rest);
}""",
    # sin(q * pi/2 + r).
    "quarter": """
static inline float hp_fast_quarter(int q, float r) {
    HP_CONTRACT
    const float t = r * r;
    const float sine = r + r * (t * (((2.7175644845556235e-06f * t - 0.00019839256128761917f) * t
        + 0.008333329111337662f) * t - 0.1666666716337204f));
    const float cosine = (1.0f - 0.5f * t) + (t * t) * (((-2.7203304853173904e-07f * t + 2.479943577782251e-05f) * t
        - 0.0013888883404433727f) * t + 0.0416666679084301f);
    const float value = (q & 1) ? cosine : sine;
    return (q & 2) ? -value : value;
}""",
}

FUNCTIONS: Final = {
    "exp": """
static inline float hp_fast_exp(float x) {
    float y = x > -104.0f ? x : -104.0f;
    y = y < 89.0f ? y : 89.0f;
    const float k = hp_fast_near(y * 1.4426950408889634f);
    const float high = y - k * 0.693359375f, low = k * -2.12194440054690581e-4f, r = high - low;
    const float result = hp_fast_scaled(k, r, (high - r) - low);
    return x <= INFINITY ? result : x;
}""",
    "exp2": """
static inline float hp_fast_exp2(float x) {
    float y = x > -151.0f ? x : -151.0f;
    y = y < 129.0f ? y : 129.0f;
    const float k = hp_fast_near(y);
    const float result = hp_fast_scaled(k, (y - k) * 0.6931471805599453f, 0.0f);
    return x <= INFINITY ? result : x;
}""",
    "expm1": """
static inline float hp_fast_expm1(float x) {
    HP_CONTRACT
    const bool small = hp_fast_abs(x) < 0.5f;
    const float y = small ? x : 0.0f;
    const float p = (((((2.497025161574129e-05f * y + 0.000199740199605003f) * y + 0.0013888543471693993f) * y
        + 0.00833314098417759f) * y + 0.0416666679084301f) * y + 0.1666666716337204f) * y + 0.5f;
    const float near = y + p * (y * y), far = hp_fast_exp(x) - 1.0f;
    return small ? (x != 0.0f ? near : x) : far;
}""",
    "log": """
static inline float hp_fast_log(float x) {
    HP_CONTRACT
    const float k = hp_fast_exponent(x), f = hp_fast_fraction(x);
    return hp_fast_log_ends(x, k * 0.693359375f + (f + (hp_fast_log_more(f) + k * -2.12194440054690581e-4f)));
}""",
    "log2": """
static inline float hp_fast_log2(float x) {
    HP_CONTRACT
    const float k = hp_fast_exponent(x), f = hp_fast_fraction(x), more = hp_fast_log_more(f);
    const float high = hp_fast_upper(f + more), low = (f - high) + more;
    const float tail = (low + high) * 1.2887908890e-3f + low * 1.44140625f;
    return hp_fast_log_ends(x, k + (high * 1.44140625f + tail));
}""",
    "log10": """
static inline float hp_fast_log10(float x) {
    HP_CONTRACT
    const float k = hp_fast_exponent(x), f = hp_fast_fraction(x), more = hp_fast_log_more(f);
    const float high = hp_fast_upper(f + more), low = (f - high) + more;
    const float tail = k * 4.6050389811e-6f + ((low + high) * -3.1689971365e-5f + low * 0.434326171875f);
    return hp_fast_log_ends(x, k * 0.30102539062f + (high * 0.434326171875f + tail));
}""",
    # What rounding takes from 1 + x, relative to it, is put back.
    "log1p": """
static inline float hp_fast_log1p(float x) {
    const float size = hp_fast_abs(x), u = x + 1.0f;
    const float lost = (size > 1.0f ? 1.0f - (u - x) : x - (u - 1.0f)) / u;
    const float k = hp_fast_exponent(u), f = hp_fast_fraction(u);
    const float value = k * 0.693359375f + (f + (hp_fast_log_more(f) + (k * -2.12194440054690581e-4f + lost)));
    const float result = hp_fast_log_ends(u, u < INFINITY ? value : u);
    return size > 1e-5f ? result : x - 0.5f * x * x;
}""",
    "tanh": """
static inline float hp_fast_tanh(float x) {
    HP_CONTRACT
    const float size = hp_fast_abs(x), small = size < 0.6f ? size : 0.0f, t = small * small;
    const float p = ((((0.00223106169141829f * t - 0.008267088793218136f) * t + 0.021734438836574554f) * t
        - 0.053952474147081375f) * t + 0.13333247601985931f) * t - 0.3333333134651184f;
    const float near = small + small * (t * p), far = 1.0f - 2.0f / (hp_fast_exp(size + size) + 1.0f);
    return hp_fast_sign_of(size < 0.6f ? near : far, x);
}""",
    "sinh": """
static inline float hp_fast_sinh(float x) {
    const float size = hp_fast_abs(x), m = hp_fast_expm1(size < 80.0f ? size : 80.0f), e = hp_fast_exp(0.5f * size);
    const float near = 0.5f * (m + m / (m + 1.0f)), far = (0.5f * e) * e;
    return hp_fast_sign_of(size < 80.0f ? near : far, x);
}""",
    "cosh": """
static inline float hp_fast_cosh(float x) {
    const float size = hp_fast_abs(x), e = hp_fast_exp(size < 80.0f ? size : 80.0f), h = hp_fast_exp(0.5f * size);
    const float near = 0.5f * e + 0.5f / e, far = (0.5f * h) * h;
    return size < 80.0f ? near : far;
}""",
    # x times a polynomial in its square up to 0.85, above it 1 - exp of a polynomial.
    "erf": """
static inline float hp_fast_erf(float x) {
    HP_CONTRACT
    const float size = hp_fast_abs(x), t = x * x, y = size < 4.0f ? size : 4.0f;
    const float p = (((((8.836253982735798e-05f * t - 0.0008244290947914124f) * t + 0.005209298804402351f) * t
        - 0.026862481608986855f) * t + 0.11283747106790543f) * t - 0.37612637877464294f) * t + 0.1283791671f;
    const float q = ((((((2.0017887436551973e-05f * y - 0.00042217952432110906f) * y + 0.004112458787858486f) * y
        - 0.02496771141886711f) * y + 0.10804980248212814f) * y + 0.6335520148277283f) * y + 1.1294156312942505f) * y
        - 0.00015450351929757744f;
    const float far = hp_fast_sign_of(1.0f - hp_fast_exp(-q), x), near = x + x * p;
    const float result = size < 0.85f ? near : far;
    return x <= INFINITY ? result : x;
}""",
    "pow": """
static inline float hp_fast_pow(float x, float y) {
    HP_CONTRACT
    const float size = hp_fast_abs(x);
    const double m = (double)hp_fast_fraction(size), s = m / (m + 2.0), u = s * s;
    const double series = @series;
    double log_2 = (double)hp_fast_exponent(size) + s * series;
    log_2 = size > 0.0f ? log_2 : -(double)INFINITY;
    log_2 = size < INFINITY ? log_2 : (double)INFINITY;
    double t = (double)y * log_2;
    t = t > -200.0 ? t : -200.0;
    t = t < 200.0 ? t : 200.0;
    const double k = (t + 6755399441055744.0) - 6755399441055744.0, g = t - k;
    const double power = @power;
    float result = (float)(power * as_double(((long)(int)k + 1023) << 52));
    const float far = hp_fast_abs(y), bound = far < 16777216.0f ? y : 0.0f;
    const int n = (int)bound;
    const bool whole = far >= 16777216.0f || (float)n == y, odd = far < 16777216.0f && (float)n == y && (n & 1);
    result = as_int(x) < 0 && odd ? -result : result;
    result = x < 0.0f && !whole && size < INFINITY ? NAN : result;
    result = x != x || y != y ? NAN : result;
    return y == 0.0f || x == 1.0f || (size == 1.0f && far == INFINITY) ? 1.0f : result;
}""",
    "sin": """
static inline float hp_fast_sin(float x) {
    const float size = hp_fast_abs(x), r = hp_fast_rest_of_quarters(x);
    const float result = size > 1e-4f ? hp_fast_quarter(hp_fast_quarters(x), r) : x;
    return size < INFINITY ? result : NAN;
}""",
    "cos": """
static inline float hp_fast_cos(float x) {
    const float result = hp_fast_quarter((hp_fast_quarters(x) + 1) & 3, hp_fast_rest_of_quarters(x));
    return hp_fast_abs(x) < INFINITY ? result : NAN;
}""",
}  # fmt: skip
"""By C's names."""

NEEDS_DOUBLE: Final = frozenset({"pow", "sin", "cos"})

_TWO_OVER_PI: Final = 0xA2F9836E4E441529_FC2757D1F534DDC0_DB6295993C439041_FE5163ABDEBBC561
"""2 / pi times 2**256."""
_PI: Final = Fraction(2 << 256, _TWO_OVER_PI)


def _polynomial(name: str, coefficients: Iterable[float]) -> str:
    first, *rest = reversed(list(coefficients))
    text = float(first).hex()
    for each in rest:
        text = f"({text} * {name} + {float(each).hex()})"
    return text


def _filled(text: str) -> str:
    """A text with its constants put in."""
    words = [(_TWO_OVER_PI >> (192 - 64 * i)) & (2**64 - 1) for i in range(4)]
    half = _PI / 2
    high = Fraction(float.fromhex("0x1.921fb5p+0"))  # 25 bits: its product with a whole number of 28 bits is exact
    middle = Fraction(float(half - high))
    constants = {
        **{f"word{i}": f"0x{word:016x}UL" for i, word in enumerate(words)},
        "middle": float(middle).hex(),
        "last": float(half - high - middle).hex(),
        "unit": (math.pi / 2 / 2.0**62).hex(),
        "series": _polynomial("u", [2 / (2 * k + 1) / math.log(2) for k in range(9)]),
        "power": _polynomial("g", [math.log(2) ** k / math.factorial(k) for k in range(12)]),
    }
    return re.sub(r"@(\w+)", lambda found: constants[found[1]], text)


def text_of(names: Iterable[str], contract: bool) -> str:
    """The definitions of functions, after those that they call.

    Args:
        names: of :data:`FUNCTIONS`.
        contract: whether products and sums inside may be fused.
    """
    found: dict[str, str] = {}

    def add(name: str) -> None:
        if name in found:
            return
        text = _HELPERS.get(name) or FUNCTIONS[name]
        for other in re.findall(r"hp_fast_(\w+)\(", text):
            if other != name:
                add(other)
        found[name] = _filled(text).strip()

    for name in names:
        add(name)
    pragma = '_Pragma("OPENCL FP_CONTRACT ON")' if contract else ""
    return "\n".join([f"#define HP_CONTRACT {pragma}", *found.values()])
