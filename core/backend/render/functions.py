"""Functions that C lacks, or has with another meaning, as C text in the template language of ``operations``.

Each is written for all types at once: ``@name`` becomes the function for a type, ``name_float32`` for example, and
comes with the functions that it calls.
"""

from __future__ import annotations

from typing import Final

_ZETA: Final = (
    "0.322467033424113218 -0.0673523010531980951 0.0205808084277845479 -0.00738555102867398527 0.00289051033074152329 "
    "-0.00119275391170326098 0.000509669524743042422 -0.00022315475845357938 0.0000994575127818085337 "
    "-0.0000449262367381331417 0.0000205072127756706916 -9.4394882752683959e-6 4.3748667899074878e-6 "
    "-2.03921575380136624e-6 9.55141213040741983e-7 -4.49246919876456604e-7 2.12071848055546659e-7 "
    "-1.00432248239680996e-7 4.76981016936398057e-8 -2.27110946089431649e-8 1.08386592148969541e-8 "
    "-5.18347504197004666e-9 2.48367454380247832e-9 -1.19214014058609121e-9 5.73136724167886201e-10 "
    "-2.75952288512423315e-10"
).split()
"""``(-1)**k * (zeta(k) - 1) / k`` from k = 2."""

FLOATING: Final = {
    # By way of int64, which holds every narrower integer; then C's own conversion is modulo 2**bits.
    "to_int64": """
@qualifier @T[int64] @to_int64(@T x) {
    return x >= @c(-0x1p63) && x < @c(0x1p63) ? (@T[int64])x : @minimum_int64;
}""",
    "to_uint64": """
@qualifier @T[uint64] @to_uint64(@T x) {
    return x >= @c(0x1p63) && x < @c(0x1p64) ? (@T[uint64])x : (@T[uint64])@to_int64(x);
}""",
    # Python's quotient: exact where C's rounded a / b could step over an integer.
    "floor_divide": """
@qualifier @T @floor_divide(@T a, @T b) {
    if (b == 0) return a / b;
    @T rest = @fmod(a, b);
    @T quotient = (a - rest) / b;
    if (rest != 0 && (b < 0) != (rest < 0)) quotient -= @c(1.0);
    if (quotient == 0) return @copysign(@c(0.0), a / b);
    const @T whole = @floor(quotient);
    return quotient - whole > @c(0.5) ? whole + @c(1.0) : whole;
}""",
    "remainder_of": """
@qualifier @T @remainder_of(@T a, @T b) {
    const @T rest = @fmod(a, b);
    if (b == 0) return rest;
    if (rest == 0) return @copysign(@c(0.0), b);
    return (b < 0) != (rest < 0) ? rest + b : rest;
}""",
    # Reflection below 0 and recurrence into [1, 2]; there the distance to the zero times a rational function, as in
    # Boost (J. Maddock, 2006), which is accurate next to the zero as well; the asymptotic series above 10.
    "digamma": """
@qualifier @T @digamma(@T x) {
    if (x == 0) return @copysign(@infinity, -x);
    if (x < 0 && (x == @floor(x) || x == -@infinity)) return @nan;
    if (x == @infinity) return x;
    @T sum = 0;
    if (x < 0) {
        sum = -@pi / @tan(@pi * (x - @rint(x)));
        x = @c(1.0) - x;
    }
    if (x >= @c(10.0)) {
        const @T y = @c(1.0) / (x * x);
        return sum + (@log(x) - @c(0.5) / x - y * (@c(0.083333333333333333) - y * (@c(0.0083333333333333333)
            - y * (@c(0.003968253968253968) - y * (@c(0.004166666666666667) - y * (@c(0.0075757575757575758)
            - y * (@c(0.021092796092796093) - y * @c(0.083333333333333333))))))));
    }
    @T shift = 0;
    for (; x > @c(2.0); shift += @c(1.0) / x) x -= @c(1.0);
    for (; x < @c(1.0); x += @c(1.0)) shift -= @c(1.0) / x;
    const @T z = x - @c(1.0), far = (x - @c(1.461632144968362341262659542325721328)) -
        @rest(1.461632144968362341262659542325721328);
    const @T above = @c(0.25479851061131551) + z * (@c(-0.32555031186804491) + z * (@c(-0.65031853770896507)
        + z * (@c(-0.28919126444774784) + z * (@c(-0.045251321448739056) + z * @c(-0.0020713321167745952)))));
    const @T below = @c(1.0) + z * (@c(2.0767117023730469) + z * (@c(1.4606242909763515)
        + z * (@c(0.43593529692665969) + z * (@c(0.054151797245674225) + z * (@c(0.0021284987017821144)
        + z * @c(-0.55789841321675513e-6))))));
    return sum + (shift + (far * @c(0.99558162689208984) + far * (above / below)));
}""",
    # Near its zeros 1 and 2 the Taylor series of log gamma with zeta(k) - 1 in place of zeta(k), which converges four
    # times as fast; elsewhere recurrence, reflection and Stirling's series.  The C function's error has no bound there.
    "log_gamma_near_2": """
@qualifier @T @log_gamma_near_2(@T z) {
    @T sum = 0;
""" + "".join(f"    sum = sum * z + @c({each});\n" for each in reversed(_ZETA)) + """\
    return z * (@c(0.42278433509846713939) + z * sum);
}""",
    "log_gamma_above": """
@qualifier @T @log_gamma_above(@T x) {
    if (x >= @c(8.0)) {
        const @T y = @c(1.0) / (x * x);
        return (x - @c(0.5)) * (@log(x) - @c(1.0)) + (@c(0.41893853320467274178) + (@c(0.083333333333333333)
            - y * (@c(0.0027777777777777778) - y * (@c(0.00079365079365079365) - y * (@c(0.00059523809523809524)
            - y * (@c(0.00084175084175084175) - y * (@c(0.0019175269175269175)
            - y * @c(0.0064102564102564103))))))) / x);
    }
    @T product = 1;
    for (; x > @c(2.5); product *= x) x -= @c(1.0);
    if (x >= @c(1.5)) return @log(product) + @log_gamma_near_2(x - @c(2.0));
    if (x >= @c(0.5)) return @log_gamma_near_2(x - @c(1.0)) - @log1p(x - @c(1.0));
    return @log_gamma_near_2(x) - @log1p(x) - @log(x);
}""",
    "log_gamma": """
@qualifier @T @log_gamma(@T x) {
    const @T size = @fabs(x);
    if (x <= 0 && x == @floor(x)) return @infinity;
    if (size == @infinity) return size;
    if (size < @c(1e-18)) return -@log(size);
    if (x > 0 || x != x) return @log_gamma_above(x);
    return @log(@pi / (size * @fabs(@sin(@pi * (x - @rint(x)))))) - @log_gamma_above(size);
}""",
    # Rounding twice goes wrong at ties; a first result whose last bit says "inexact" makes the second one right.
    "to_odd": """
@qualifier @T[float32] @to_odd(@T x) {
    const @T[float32] near = (@T[float32])x;
    const @U[float32] bits = @as_bits[float32](near);
    const @T error = (@T)near - x;
    if (error == 0 || error != error || (bits & 1u) || @fabs(x) > @c(0x1p120)) return near;
    return @from_bits[float32]((error > 0) == (x > 0) ? bits - 1u : bits + 1u);
}""",
}  # fmt: skip
"""For float and double."""

FLOAT16: Final = {
    # IEEE binary16 by integer arithmetic: the same bits everywhere, and neither a type nor an extension is needed.
    "from_half": """
@qualifier @T @from_half(@stored h) {
    const @U sign = ((@U)h & 0x8000u) << 16, exponent = ((@U)h >> 10) & 31u, fraction = (@U)h & 1023u;
    const @U normal = sign | ((exponent + 112u) << 23) | (fraction << 13);
    const @U special = sign | 0x7f800000u | (fraction << 13);
    const @U small = sign | @as_bits((@T)(@I)fraction * @c(0x1p-24));
    return @from_bits(exponent == 31u ? special : exponent == 0u ? small : normal);
}""",
    "to_half": """
@qualifier @stored @to_half(@T x) {
    const @U bits = @as_bits(x), sign = (bits >> 16) & 0x8000u, size = bits & 0x7fffffffu;
    const @U normal = (size - 0x38000000u + 0xfffu + ((size >> 13) & 1u)) >> 13;
    const @U small = @as_bits(@from_bits(size) + @c(0.5)) - 0x3f000000u;
    const @U rounded = size > 0x7f800000u ? 0x7e00u : size >= 0x47800000u ? 0x7c00u : size < 0x38800000u ? small : normal;
    return (@stored)(sign | rounded);
}""",
}  # fmt: skip
"""For float16, which is ``@stored`` as two bytes and computed with as float."""

BFLOAT16: Final = {
    "from_half": """
@qualifier @T @from_half(@stored h) {
    return @from_bits((@U)h << 16);
}""",
    "to_half": """
@qualifier @stored @to_half(@T x) {
    const @U bits = @as_bits(x);
    const @U rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    return (@stored)((bits & 0x7fffffffu) > 0x7f800000u ? ((bits >> 16) | 0x40u) : rounded);
}""",
}  # fmt: skip
"""For bfloat16: the upper half of a float, rounded to the nearest, ties to even."""

HALF: Final = {
    "next_half": """
@qualifier @T @next_half(@T a, @T b) {
    if (a != a || b != b) return a + b;
    if (a == b) return b;
    const @U bits = @to_half(a);
    if (a == 0) return @from_half((@stored)(b < 0 ? 0x8001u : 1u));
    return @from_half((@stored)((a < b) == (a > 0) ? bits + 1u : bits - 1u));
}""",
    "rounded": """
@qualifier @T @rounded(@T x) {
    return @from_half(@to_half(x));
}""",
}  # fmt: skip
"""For both half types."""

INTEGER: Final = {
    # Modulo 2**bits; a negative exponent gives what is left of 1 / base: 1, +-1 or 0.
    "integer_power": """
@qualifier @T @integer_power(@T base, @T exponent) {
    @U result = 1, factor = (@U)base, left = (@U)exponent;
    if (exponent < 0) {
        if (base == 1) return 1;
        return base == (@T)-1 ? (@T)((left & 1u) ? -1 : 1) : (@T)0;
    }
    for (; left != 0; left >>= 1) {
        if (left & 1u) result *= factor;
        factor *= factor;
    }
    return (@T)result;
}""",
    # A divisor of -1 stands apart, since the quotient of the minimum by it overflows, which traps on x86.
    "floor_quotient": """
@qualifier @T @floor_quotient(@T a, @T b) {
    if (b == 0) return 0;
    if (b == -1) return (@T)(0 - (@U)a);
    const @T quotient = a / b;
    return (@T)((a % b != 0 && (a < 0) != (b < 0)) ? quotient - 1 : quotient);
}""",
    "truncated_remainder": """
@qualifier @T @truncated_remainder(@T a, @T b) {
    return b == 0 || b == -1 ? (@T)0 : (@T)(a % b);
}""",
    "floor_remainder": """
@qualifier @T @floor_remainder(@T a, @T b) {
    const @T rest = @truncated_remainder(a, b);
    return (@T)((rest != 0 && (rest < 0) != (b < 0)) ? rest + b : rest);
}""",
}  # fmt: skip
"""For integers."""
