"""The meaning of an Expr on Python numbers, one element at a time: the contract's scalar functions, to be read and run.

Slow and plain.  A device compiles the Expr instead; where it gives another result, this module says what was meant:

==========================  ==========================================================================================
every node                  is computed in its own dtype: integers modulo 2**bits, floats rounded to nearest
float to integer            truncated; NaN and what int64 can't hold give the int64 minimum; then modulo 2**bits
float to uint64             as above, but values from 2**63 to 2**64 are exact
integer ``// % fmod`` by 0  0
shift by the width or more  0, or -1 for the right shift of a negative number
integer ``pow``             modulo 2**bits; a negative exponent gives 1 for base 1, +-1 for base -1, else 0
``sign(NaN)``               0
``minimum``, ``maximum``    NaN if either operand is; ``fmin`` and ``fmax`` prefer the number
``round``                   halves to even
==========================  ==========================================================================================
"""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from hotplug.dtypes import ALL, bfloat16, dtype, float32, uint64
from hotplug.expr.node import Expr, schedule

__all__ = ["FORMATS", "FUNCTIONS", "Program", "evaluator", "pack", "quiet", "rounded", "unpack"]

Program = Callable[[Sequence[Any], Sequence[Any], int], list[Any]]
"""``program(element, scalars, index)``: one number an output, from one element of each input, the runtime scalars, and
the element's index in C order.
"""

_INF: Final = math.inf
_NAN: Final = math.nan

FORMATS: Final = {
    each: struct.Struct("<" + letter)
    for each, letter in zip(ALL, "? B H I Q b h i q e - f d - -".split(), strict=True)
    if letter != "-"
}
"""What the struct module can pack: all dtypes but bfloat16 and the complex ones, which never reach a kernel."""


def _wide(number: Any, kind: dtype) -> float:
    """A number as float64, such that rounding it on to a narrower dtype rounds only once: an odd last bit says "inexact"."""
    near = float(number)
    if kind.itemsize == 8 or not isinstance(number, int) or near == number or struct.pack("<d", near)[0] & 1:
        return near
    return math.nextafter(near, _INF if number > near else -_INF)


def pack(number: Any, kind: dtype) -> bytes:
    """A number as bytes; integers wrap around, floats round to nearest, a large one to infinity."""
    if kind.kind in "ui":
        return int(number % (1 << 8 * kind.itemsize)).to_bytes(kind.itemsize, "little")
    if kind is bfloat16:  # the upper half of a float32
        bits = int.from_bytes(pack(number, float32), "little")
        if not math.isnan(number):  # NaN would round to infinity
            bits += 0x7FFF + (bits >> 16 & 1)
        return (bits >> 16).to_bytes(2, "little")
    try:
        return FORMATS[kind].pack(number if kind.kind == "b" else _wide(number, kind))
    except OverflowError:
        return FORMATS[kind].pack(_INF if number > 0 else -_INF)


def unpack(memory: Any, offset: int, kind: dtype) -> Any:
    """The number whose bytes start at an offset of host memory."""
    if kind is bfloat16:
        return FORMATS[float32].unpack(b"\0\0" + bytes(memory[offset : offset + 2]))[0]
    return FORMATS[kind].unpack_from(memory, offset)[0]


def rounded(number: Any, kind: dtype) -> Any:
    """The nearest number that the dtype holds."""
    return unpack(pack(number, kind), 0, kind)


def quiet(function: Callable[..., float], special: Mapping[float, float] | None = None) -> Callable[..., float]:
    """A function of ``math`` that never raises: given values at some points, infinity where it overflows, else NaN."""

    def call(x: Any, *more: Any) -> float:
        try:
            return special[x] if special and x in special else function(x, *more)
        except OverflowError:
            return math.copysign(_INF, x) if function is math.sinh else _INF
        except ValueError:
            return _NAN

    return call


def _whole(function: Callable[[float], int]) -> Callable[[float], float]:
    """A rounding function that keeps infinities, NaN and the sign of zero."""
    return lambda x: math.copysign(function(x), x) if math.isfinite(x) else x


def _divide(a: float, b: float) -> float:
    if b:
        return a / b
    return _NAN if a == 0 or math.isnan(a) else math.copysign(_INF, a) * math.copysign(1, b)


def _by_zero(integer: Callable[[int, int], int], floating: Callable[[float, float], float]) -> Callable[..., Any]:
    """A division; an integer divided by zero gives 0."""
    return lambda a, b: floating(a, b) if isinstance(a, float) else integer(a, b) if b else 0


def _power(a: Any, b: Any) -> Any:
    if isinstance(a, int):
        return pow(a, b, 1 << 64) if b >= 0 else a ** (b % 2) if a in (1, -1) else 0
    try:
        return math.pow(a, b)
    except (OverflowError, ValueError):  # too large, zero to a negative power, a negative number to a fraction
        return _NAN if a < 0 and b % 1 else math.copysign(_INF, a) if b % 2 == 1 else _INF


def _digamma(x: float) -> float:
    """Reflection below 0, recurrence up to 10, then the asymptotic series (Abramowitz and Stegun, 6.3.18)."""
    if x <= 0:
        if x == 0:
            return -math.copysign(_INF, x)
        return _NAN if x % 1 == 0 or math.isinf(x) else _digamma(1 - x) - math.pi / math.tan(math.pi * (x - round(x)))
    shift = 0.0
    while x < 10:
        shift, x = shift - 1 / x, x + 1
    y = 1 / (x * x)
    series = y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y * (1 / 240 - y * (1 / 132 - y * (691 / 32760 - y / 12))))))
    return shift + math.log(x) - 0.5 / x - series


def _next_float32(a: float, b: float) -> float:
    """The float32 next to ``a`` towards ``b``: its distance is 2**29 times that of the next float64."""
    if a == b or math.isnan(a) or math.isnan(b):
        return b if a == b else _NAN
    if math.isinf(a):
        return math.copysign((2 - 2.0**-23) * 2.0**127, a)
    return a + math.copysign(max(abs(math.nextafter(a, b) - a) * 2.0**29, 2.0**-149), b - a)


def _pick(first: Callable[[Any, Any], bool], number: bool) -> Callable[[Any, Any], Any]:
    """The operand that comes first; of a number and NaN, the number or NaN."""

    def choose(a: Any, b: Any) -> Any:
        if math.isnan(a) or math.isnan(b):
            return a if math.isnan(a) != number else b
        return a if first(a, b) else b

    return choose


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    **{name: quiet(getattr(math, name)) for name in
       "exp exp2 expm1 sqrt sin cos tan asin acos atan sinh cosh tanh asinh acosh erf erfc".split()},
    **{name: quiet(getattr(math, name), {0: -_INF}) for name in "log log2 log10".split()},
    **{name: getattr(math, name) for name in "atan2 hypot copysign nextafter".split()},
    **{name: getattr(operator, name) for name in "add sub mul neg abs eq ne lt le gt ge xor".split()},
    "log1p": quiet(math.log1p, {-1: -_INF}), "atanh": quiet(math.atanh, {1: _INF, -1: -_INF}),
    "rsqrt": quiet(lambda x: _divide(1, math.sqrt(x))), "sigmoid": lambda x: 1 / (1 + FUNCTIONS["exp"](-x)),
    "lgamma": lambda x: _INF if x <= 0 and x % 1 == 0 else quiet(math.lgamma)(x), "digamma": _digamma,
    "floor": _whole(math.floor), "ceil": _whole(math.ceil), "trunc": _whole(math.trunc), "round": _whole(round),
    "sign": lambda x: (x > 0) - (x < 0), "div": _divide, "pow": _power,
    "floordiv": _by_zero(operator.floordiv, lambda a, b: a // b if b else _divide(a, b)),
    "remainder": _by_zero(operator.mod, lambda a, b: a % b if b else _NAN),
    "fmod": _by_zero(lambda a, b: abs(a) % abs(b) * (1 if a > 0 else -1), quiet(math.fmod)),
    "minimum": _pick(operator.le, False), "maximum": _pick(operator.ge, False),
    "fmin": _pick(operator.le, True), "fmax": _pick(operator.ge, True),
    "and": operator.and_, "or": operator.or_, "invert": lambda x: not x if isinstance(x, bool) else ~x,
    "shl": lambda a, b: a << b if b < 64 else 0, "shr": lambda a, b: a >> min(b, 64),
    "mulhi": lambda a, b: a * b >> 32, "where": lambda condition, a, b: a if condition else b,
}  # fmt: skip
"""The scalar functions by name, on exact operands; the result is then rounded to the node's dtype."""


def _cast(number: Any, target: dtype) -> Any:
    if target.kind == "b":
        return number != 0
    if isinstance(number, float) and target.kind in "ui":
        fits = -(2.0**63) <= number < (2.0**64 if target is uint64 else 2.0**63)
        return int(number) if fits else -(2**63)
    return number


def evaluator(program: Sequence[Expr]) -> Program:
    """What a program of Exprs computes, as a function of numbers."""
    order = schedule(program)

    def evaluate(element: Sequence[Any], scalars: Sequence[Any], index: int) -> list[Any]:
        values: dict[Expr, Any] = {}
        for node in order:
            args = [values[arg] for arg in node.args]
            if node.op in ("input", "scalar"):
                found = (element if node.op == "input" else scalars)[node.value]
            elif node.op in ("constant", "index"):
                found = node.value if node.op == "constant" else index
            elif node.op == "cast":
                found = _cast(args[0], node.dtype)
            elif node.op == "nextafter" and node.dtype is float32:
                found = _next_float32(*args)
            else:
                found = FUNCTIONS[node.op](*args)
            values[node] = rounded(found, node.dtype)
        return [values[root] for root in program]

    return evaluate
