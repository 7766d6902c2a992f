"""Numbers of each dtype, and the functions of an Expr.  Python raises where hardware gives infinity or NaN."""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from hotplug.backend import Expr, dtypes, schedule

INF, NAN = math.inf, math.nan
LETTERS: Final = zip(dtypes.ALL, "? B H I Q b h i q e - f d - -".split(), strict=True)
FORMATS: Final = {each: struct.Struct("<" + letter) for each, letter in LETTERS if letter != "-"}


def pack(x: Any, dtype: dtypes.dtype) -> bytes:
    """A number as bytes; integers wrap around, floats round."""
    if dtype.kind in "ui":
        return int(x % (1 << 8 * dtype.itemsize)).to_bytes(dtype.itemsize, "little")
    try:
        return FORMATS[dtype].pack(x)
    except OverflowError:  # a float too large for its dtype
        return FORMATS[dtype].pack(math.copysign(INF, x))


def unpack(memory: Any, place: int, dtype: dtypes.dtype) -> Any:
    return FORMATS[dtype].unpack_from(memory, place * dtype.itemsize)[0]


def quiet(function: Callable[..., float], special: Mapping[float, float] | None = None) -> Callable[..., float]:
    """The function with given values at some points, infinity for an overflow, and else NaN where it is undefined."""

    def call(x: Any, *more: Any) -> float:
        try:
            return special[x] if special and x in special else function(x, *more)
        except OverflowError:
            return math.copysign(INF, x) if function is math.sinh else INF
        except ValueError:
            return NAN

    return call


def whole(function: Callable[[float], int]) -> Callable[[float], float]:
    return lambda x: math.copysign(function(x), x) if math.isfinite(x) else x  # keeps the sign of zero


def divide(a: float, b: float) -> float:
    return a / b if b else NAN if a == 0 or a != a else math.copysign(INF, a) * math.copysign(1, b)


def by_zero(integer: Callable[[int, int], int], floating: Callable[[float, float], float]) -> Callable[[Any, Any], Any]:
    return lambda a, b: floating(a, b) if isinstance(a, float) else integer(a, b) if b else 0


def power(a: Any, b: Any) -> Any:
    if isinstance(a, int):
        return pow(a, b, 1 << 64) if b >= 0 else a ** (b % 2) if a in (1, -1) else 0
    try:
        return math.pow(a, b)
    except (OverflowError, ValueError):  # too large, a zero to a negative power, a negative to a fraction
        return NAN if a < 0 and b % 1 else math.copysign(INF, a) if b % 2 == 1 else INF


def digamma(x: float) -> float:
    if x <= 0:  # reflection
        pole = -math.copysign(INF, x) if x == 0 else NAN
        return pole if x % 1 in (0, NAN) else digamma(1 - x) - math.pi / math.tan(math.pi * (x % 1))
    shift = 0.0
    while x < 10:  # recurrence, then the asymptotic series
        shift, x = shift - 1 / x, x + 1
    y = 1 / (x * x)
    return shift + math.log(x) - 0.5 / x - y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y * (1 / 240 - y / 132))))


def nextafter(a: float, b: float) -> float:
    """Of float32."""
    if a == b or a != a or b != b or a == 0:
        return b if a == b else math.copysign(2.0**-149, b) if a == 0 and b == b else NAN
    (bits,) = struct.unpack("<i", struct.pack("<f", a))
    return float(struct.unpack("<f", struct.pack("<i", bits + (1 if (a < b) == (a > 0) else -1)))[0])


def pick(first: Callable[[Any, Any], bool], number: bool) -> Callable[[Any, Any], Any]:
    """The operand that comes first; beside NaN, the number or NaN."""
    return lambda a, b: (b if number else a) if a != a else (a if number else b) if b != b else a if first(a, b) else b


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    **{name: quiet(getattr(math, name)) for name in
       "exp exp2 expm1 sqrt sin cos tan asin acos atan sinh cosh tanh asinh acosh erf erfc fmod".split()},
    **{name: quiet(getattr(math, name), {0: -INF}) for name in "log log2 log10".split()},
    **{name: getattr(math, name) for name in "atan2 hypot copysign nextafter".split()},
    **{name: getattr(operator, name.rstrip("_")) for name in "add sub mul neg abs eq ne lt le gt ge xor".split()},
    "and": operator.and_, "or": operator.or_, "invert": lambda x: not x if isinstance(x, bool) else ~x,
    "log1p": quiet(math.log1p, {-1: -INF}), "atanh": quiet(math.atanh, {1: INF, -1: -INF}),
    "rsqrt": quiet(lambda x: 1 / math.sqrt(x), {0: INF}), "sigmoid": lambda x: 1 / (1 + FUNCTIONS["exp"](-x)),
    "lgamma": lambda x: INF if x <= 0 and x % 1 == 0 else quiet(math.lgamma)(x), "digamma": digamma,
    "floor": whole(math.floor), "ceil": whole(math.ceil), "trunc": whole(math.trunc), "round": whole(round),
    "sign": lambda x: (x > 0) - (x < 0), "div": divide, "pow": power,
    "floordiv": by_zero(operator.floordiv, lambda a, b: a // b if b else divide(a, b)),
    "remainder": by_zero(operator.mod, lambda a, b: a % b if b else NAN),
    "fmod": by_zero(lambda a, b: abs(a) % abs(b) * (1 if a > 0 else -1), quiet(math.fmod)),
    "minimum": pick(operator.le, False), "maximum": pick(operator.ge, False),
    "fmin": pick(operator.le, True), "fmax": pick(operator.ge, True),
    "shl": lambda a, b: a << b if b < 64 else 0, "shr": lambda a, b: a >> min(b, 64),
    "mulhi": lambda a, b: a * b >> 32, "where": lambda condition, a, b: a if condition else b,
}  # fmt: skip


def value(node: Expr, args: Sequence[Any], element: Sequence[Any], scalars: Sequence[Any], index: int) -> Any:
    """The value of one node, in its dtype."""
    target = node.dtype
    if node.op in ("input", "index", "constant", "scalar"):
        source: Any = {"input": element, "scalar": scalars}.get(node.op)
        found = index if node.op == "index" else node.value if source is None else source[node.value]
    elif node.op == "cast":  # a float that int64 can't hold becomes its minimum
        found = args[0]
        if target.kind == "b":
            return found != 0
        if isinstance(found, float) and target.kind in "ui":
            limit = 2.0**64 if target.name == "uint64" else 2.0**63
            found = int(found) if -(2.0**63) <= found < limit else -(2**63)
    elif node.op == "nextafter" and target.name == "float32":
        found = nextafter(*args)
    else:
        found = FUNCTIONS[node.op](*args)
    return unpack(pack(found, target), 0, target)


def evaluator(program: Sequence[Expr]) -> Callable[[Sequence[Any], Sequence[Any], int], list[Any]]:
    """The program as a function of an element of each input, the runtime scalars, and the element's index."""
    order = schedule(program)

    def evaluate(element: Sequence[Any], scalars: Sequence[Any], index: int) -> list[Any]:
        values: dict[Expr, Any] = {}
        for node in order:
            values[node] = value(node, [values[arg] for arg in node.args], element, scalars, index)
        return [values[root] for root in program]

    return evaluate
