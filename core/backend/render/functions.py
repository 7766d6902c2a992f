"""Functions that C lacks, or has with another meaning, as C text in the template language of ``operations``.

Each is written for all types at once: ``@name`` becomes the function for a type, ``name_float32`` for example, and
comes with the functions that it calls.
"""

from __future__ import annotations

from typing import Final

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
    # Reflection below 0, recurrence up to 10, then the asymptotic series (Abramowitz and Stegun, 6.3.18).
    "digamma": """
@qualifier @T @digamma(@T x) {
    if (x == 0) return @copysign(@infinity, -x);
    if (x < 0 && (x == @floor(x) || x == -@infinity)) return @nan;
    @T reflected = 0;
    if (x < 0) {
        const @T turn = @pi * (x - @floor(x));
        reflected = -@pi / @tan(turn);
        x = @c(1.0) - x;
    }
    @T shift = 0;
    for (; x < @c(10.0); x += @c(1.0)) shift -= @c(1.0) / x;
    if (x == @infinity) return x;
    const @T y = @c(1.0) / (x * x);
    const @T series = y * (@c(0.083333333333333333) - y * (@c(0.0083333333333333333) - y * (@c(0.003968253968253968)
        - y * (@c(0.004166666666666667) - y * (@c(0.0075757575757575758) - y * (@c(0.021092796092796093)
        - y * @c(0.083333333333333333)))))));
    return reflected + (shift + @log(x) - @c(0.5) / x - series);
}""",
    "log_gamma": """
@qualifier @T @log_gamma(@T x) {
    if (x <= 0 && x == @floor(x)) return @infinity;
    return @lgamma(x);
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
