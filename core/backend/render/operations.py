"""What every Expr op is in C: one line each.

In these templates ``{0}``, ``{1}``, ``{2}`` are the operands' names, and the rest is spelled by the dialect:

==============  ======================================================================================================
``@T @U @I``    the operands' type; the unsigned and the signed integer in which their arithmetic is done (at least 32
                bits, since C promotes smaller ones to ``int``, whose overflow is undefined)
``@width``      the number of bits of the operands' type, and of ``@U`` and ``@I``
``@name``       a function of :mod:`hotplug.backend.render.functions`, else one of the language's mathematical functions
``@name[d]``    the same for dtype ``d`` instead of the operands'
``@c(1.5)``     a literal of the operands' type; ``@rest(1.1)`` is what rounding to that type takes away
==============  ======================================================================================================
"""

from __future__ import annotations

from typing import Final

_BUILT_IN: Final = (
    "exp exp2 expm1 log log2 log10 log1p sqrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf erfc "
    "floor ceil trunc"
).split()

COMPARISON: Final = {
    "eq": "{0} == {1}", "ne": "{0} != {1}", "lt": "{0} < {1}", "le": "{0} <= {1}", "gt": "{0} > {1}", "ge": "{0} >= {1}",
}  # fmt: skip

FLOATING: Final = {
    **{name: f"@{name}({{0}})" for name in _BUILT_IN},
    "rsqrt": "@c(1.0) / @sqrt({0})",
    "sigmoid": "@c(1.0) / (@c(1.0) + @exp(-{0}))",
    "lgamma": "@log_gamma({0})",
    "digamma": "@digamma({0})",
    "round": "@rint({0})",
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "neg": "-{0}",
    "abs": "@fabs({0})",
    "sign": "(@T)(({0} > 0) - ({0} < 0))",
    "pow": "@pow({0}, {1})",
    "atan2": "@atan2({0}, {1})",
    "hypot": "@hypot({0}, {1})",
    "copysign": "@copysign({0}, {1})",
    "nextafter": "@nextafter({0}, {1})",
    "minimum": "({0} < {1} || {0} != {0}) ? {0} : {1}",
    "maximum": "({0} > {1} || {0} != {0}) ? {0} : {1}",
    "fmin": "({0} < {1} || {1} != {1}) ? {0} : {1}",
    "fmax": "({0} > {1} || {1} != {1}) ? {0} : {1}",
    "floordiv": "@floor_divide({0}, {1})",
    "remainder": "@remainder_of({0}, {1})",
    "fmod": "@fmod({0}, {1})",
    **COMPARISON,
}
"""Functions of float and double."""

HALF: Final = {"nextafter": "@next_half({0}, {1})"}
"""Functions of half types that are not the float32 function, rounded."""

INTEGER: Final = {
    "add": "(@T)((@U){0} + (@U){1})",
    "sub": "(@T)((@U){0} - (@U){1})",
    "mul": "(@T)((@U){0} * (@U){1})",
    "neg": "(@T)(0 - (@U){0})",
    "minimum": "{0} < {1} ? {0} : {1}",
    "maximum": "{0} > {1} ? {0} : {1}",
    "fmin": "{0} < {1} ? {0} : {1}",
    "fmax": "{0} > {1} ? {0} : {1}",
    "pow": "@integer_power({0}, {1})",
    "and": "(@T)({0} & {1})",
    "or": "(@T)({0} | {1})",
    "xor": "(@T)({0} ^ {1})",
    "invert": "(@T)~{0}",
    "shl": "(@U){1} < @width ? (@T)((@U){0} << ((@U){1} & (@width - 1))) : (@T)0",
    **COMPARISON,
}
"""Functions of integers, signed or not."""

SIGNED: Final = {
    "abs": "(@T)({0} < 0 ? 0 - (@U){0} : (@U){0})",
    "sign": "(@T)(({0} > 0) - ({0} < 0))",
    "floordiv": "@floor_quotient({0}, {1})",
    "remainder": "@floor_remainder({0}, {1})",
    "fmod": "@truncated_remainder({0}, {1})",
    "shr": "(@T)({0} >> ((@U){1} < @width ? (@U){1} : @width - 1))",
}
"""Where signed integers differ from unsigned ones."""

UNSIGNED: Final = {
    "abs": "{0}",
    "sign": "(@T)({0} > 0)",
    "floordiv": "{1} == 0 ? (@T)0 : (@T)({0} / {1})",
    "remainder": "{1} == 0 ? (@T)0 : (@T)({0} % {1})",
    "fmod": "{1} == 0 ? (@T)0 : (@T)({0} % {1})",
    "shr": "(@U){1} < @width ? (@T)({0} >> ((@U){1} & (@width - 1))) : (@T)0",
    "mulhi": "(@T)(((@U[uint64]){0} * {1}) >> 32)",
}
"""Where unsigned integers differ from signed ones; ``mulhi`` is of uint32 only."""

BOOL: Final = {
    "and": "{0} && {1}",
    "or": "{0} || {1}",
    "xor": "{0} != {1}",
    "invert": "!{0}",
    "abs": "{0}",
    "sign": "{0}",
    **COMPARISON,
}
"""Functions of bool."""
