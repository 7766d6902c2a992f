"""Functions rendered by formulas that are nearly right: lost digits, ranges and special values."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Final

from hotplug.conformance.strength.comparisons import becomes
from hotplug.conformance.strength.mutant import Operator
from hotplug.conformance.strength.rewriting import FLOATS, INTEGERS, SIGNED, UNSIGNED, rendered
from hotplug.dtypes import by_name, float32, float64, int32, int64
from hotplug.expr.node import Expr, binary, cast, constant, make, unary, where

Formula = Callable[..., Expr]


def _of(formula: Formula) -> Callable[[Expr], Expr]:
    """A change from a formula of the operands."""
    return lambda node: formula(*node.args)


def _number(x: Expr, value: Any) -> Expr:
    return constant(value, x.dtype)


def _exp(x: Expr) -> Expr:
    return unary("exp", x)


def _log(x: Expr) -> Expr:
    return unary("log", x)


def _sqrt(x: Expr) -> Expr:
    return unary("sqrt", x)


def _abs(x: Expr) -> Expr:
    return unary("abs", x)


def _half_away(x: Expr) -> Expr:
    return unary("trunc", x + binary("copysign", _number(x, 0.5), x))


def _turned(x: Expr) -> Expr:
    """An angle reduced by a rounded multiple of two pi."""
    turn = _number(x, 2 * math.pi)
    return x - unary("floor", x / turn) * turn


def _tanh_erf(x: Expr) -> Expr:
    return unary("tanh", (x + x * x * x * 0.0894) * 1.1283792)


_DIGITS: Final = "lost digits"
_RANGE: Final = "lost special value"

FORMULAS: Final[tuple[tuple[str, str, str, Formula], ...]] = (
    ("halves-away-from-zero", "wrong rounding", "round", _half_away),
    ("halves-up", "wrong rounding", "round", lambda x: unary("floor", x + 0.5)),
    ("as-trunc", "wrong rounding", "floor", lambda x: unary("trunc", x)),
    ("as-floor", "wrong rounding", "trunc", lambda x: unary("floor", x)),
    ("as-floor-plus-one", "wrong rounding", "ceil", lambda x: unary("floor", x) + 1.0),
    ("by-int32", _RANGE, "floor", lambda x: unary("floor", cast(cast(x, int32), x.dtype))),
    ("by-int64", _RANGE, "trunc", lambda x: cast(cast(x, int64), x.dtype)),
    ("by-int32", _RANGE, "round", lambda x: cast(cast(unary("round", x), int32), x.dtype)),
    ("as-a-difference", _RANGE, "neg", lambda x: _number(x, 0.0) - x),
    ("by-comparison", _RANGE, "abs", lambda x: where(x < 0.0, -x, x)),
    ("by-comparison", _RANGE, "copysign", lambda a, b: where(b < 0.0, -_abs(a), _abs(a))),
    ("of-the-first-only", _RANGE, "copysign", lambda a, b: where(b < 0.0, -a, a)),
    ("by-the-reciprocal", _DIGITS, "div", lambda a, b: a * (_number(a, 1.0) / b)),
    (
        "zero-by-zero-is-zero",
        _RANGE,
        "div",
        lambda a, b: where(binary("eq", b, _number(b, 0.0)), _number(a, 0.0), a / b),
    ),
    ("as-a-power", _RANGE, "sqrt", lambda x: _exp(_log(x) * 0.5)),
    ("of-the-magnitude", _RANGE, "sqrt", lambda x: _sqrt(_abs(x))),
    ("clamped-at-zero", _RANGE, "sqrt", lambda x: _sqrt(binary("maximum", x, _number(x, 0.0)))),
    (
        "zero-for-zero",
        _RANGE,
        "rsqrt",
        lambda x: where(binary("eq", x, _number(x, 0.0)), _number(x, 0.0), unary("rsqrt", x)),
    ),
    ("of-the-magnitude", _RANGE, "rsqrt", lambda x: unary("rsqrt", _abs(x))),
    ("by-squares", _RANGE, "hypot", lambda a, b: _sqrt(a * a + b * b)),
    ("as-exp-minus-one", _DIGITS, "expm1", lambda x: _exp(x) - 1.0),
    ("as-log-of-one-more", _DIGITS, "log1p", lambda x: _log(x + 1.0)),
    ("by-two-exponentials", _DIGITS, "sinh", lambda x: (_exp(x) - _exp(-x)) * 0.5),
    ("by-two-exponentials", _RANGE, "cosh", lambda x: (_exp(x) + _exp(-x)) * 0.5),
    ("by-one-exponential", _DIGITS, "tanh", lambda x: 1.0 - 2.0 / (_exp(x + x) + 1.0)),
    ("by-a-quotient", _RANGE, "tanh", lambda x: (_exp(x + x) - 1.0) / (_exp(x + x) + 1.0)),
    ("by-a-logarithm", _DIGITS, "asinh", lambda x: _log(x + _sqrt(x * x + 1.0))),
    ("by-a-logarithm", _RANGE, "acosh", lambda x: _log(x + _sqrt(x * x - 1.0))),
    ("by-a-logarithm", _DIGITS, "atanh", lambda x: _log((1.0 + x) / (1.0 - x)) * 0.5),
    ("by-exp-of-x", _RANGE, "sigmoid", lambda x: _exp(x) / (_exp(x) + 1.0)),
    ("by-tanh", _DIGITS, "sigmoid", lambda x: unary("tanh", x * 0.5) * 0.5 + 0.5),
    ("as-one-minus-erf", _DIGITS, "erfc", lambda x: 1.0 - unary("erf", x)),
    ("by-tanh", _DIGITS, "erf", _tanh_erf),
    ("by-exp", _DIGITS, "exp2", lambda x: _exp(x * math.log(2))),
    ("by-logarithms", _RANGE, "pow", lambda a, b: _exp(b * _log(a))),
    ("of-the-magnitude", _RANGE, "pow", lambda a, b: binary("pow", _abs(a), b)),
    ("by-a-quotient", _RANGE, "atan2", lambda a, b: unary("atan", a / b)),
    ("reduced-coarsely", _DIGITS, "sin", lambda x: unary("sin", _turned(x))),
    ("reduced-coarsely", _DIGITS, "cos", lambda x: unary("cos", _turned(x))),
    ("reduced-coarsely", _DIGITS, "tan", lambda x: unary("tan", _turned(x))),
    ("of-the-magnitude", _RANGE, "lgamma", lambda x: unary("lgamma", _abs(x))),
    ("without-reflection", _RANGE, "digamma", lambda x: unary("digamma", _abs(x))),
    ("by-its-series", _DIGITS, "digamma", lambda x: _log(x) - 0.5 / x - 1.0 / (x * x * 12.0)),
    ("finite-at-zero", _RANGE, "log", lambda x: _log(binary("maximum", x, _number(x, 1e-37)))),
    ("of-the-magnitude", _RANGE, "log", lambda x: _log(_abs(x))),
    ("finite-at-zero", _RANGE, "log2", lambda x: unary("log2", binary("maximum", x, _number(x, 1e-37)))),
    ("finite-at-zero", _RANGE, "log10", lambda x: unary("log10", binary("maximum", x, _number(x, 1e-37)))),
    ("clamped", _RANGE, "exp", lambda x: _exp(binary("minimum", x, _number(x, 88.0)))),
    ("cut-off-below", _RANGE, "exp", lambda x: where(x < -80.0, _number(x, 0.0), _exp(x))),
    (
        "clamped",
        _RANGE,
        "acos",
        lambda x: unary("acos", binary("maximum", binary("minimum", x, _number(x, 1)), _number(x, -1))),
    ),
    (
        "clamped",
        _RANGE,
        "asin",
        lambda x: unary("asin", binary("maximum", binary("minimum", x, _number(x, 1)), _number(x, -1))),
    ),
    ("as-a-difference", _DIGITS, "acos", lambda x: _number(x, math.pi / 2) - unary("asin", x)),
    ("rounded-quotient", _DIGITS, "floordiv", lambda a, b: unary("floor", a / b)),
    ("towards-zero", "wrong rounding", "floordiv", lambda a, b: unary("trunc", a / b)),
    ("of-a-product", _DIGITS, "remainder", lambda a, b: a - unary("floor", a / b) * b),
    ("of-a-product", _DIGITS, "fmod", lambda a, b: a - unary("trunc", a / b) * b),
    ("by-a-factor", _DIGITS, "nextafter", lambda a, b: where(a < b, a * 1.0000001, a * 0.9999999)),
    ("twice", _DIGITS, "nextafter", lambda a, b: binary("nextafter", binary("nextafter", a, b), b)),
)
"""Name, kind of bug, function, and the formula."""


def _divisor_checked(op: str, value: int) -> Callable[[Expr], Expr]:
    """Another result where the divisor is 0."""
    return lambda node: where(binary("eq", node.args[1], _number(node, 0)), _number(node, value), node)


def _towards_zero(node: Expr) -> Expr:
    a, b = node.args
    wide = [cast(each, float64) for each in (a, b)]
    return where(binary("eq", b, _number(b, 0)), node, cast(unary("trunc", wide[0] / wide[1]), node.dtype))


def _modulo_width(node: Expr) -> Expr:
    a, b = node.args
    return binary(node.op, a, binary("and", b, _number(b, 8 * b.dtype.itemsize - 1)))


def _logical(node: Expr) -> Expr:
    a, b = node.args
    twin = by_name(f"u{a.dtype.name}")
    return cast(binary("shr", cast(a, twin), cast(b, twin)), a.dtype)


def _by_floats(node: Expr) -> Expr:
    return cast(make(node.op, tuple(cast(arg, float64) for arg in node.args), float64), node.dtype)


def _saturating(node: Expr) -> Expr:
    """Sums of small integers without overflow."""
    bits = 8 * node.dtype.itemsize
    low, high = (0, (1 << bits) - 1) if node.dtype.kind == "u" else (-(1 << bits - 1), (1 << bits - 1) - 1)
    wide = make(node.op, tuple(cast(arg, int64) for arg in node.args), int64)
    held = binary("maximum", binary("minimum", wide, constant(high, int64)), constant(low, int64))
    return cast(held, node.dtype)


def _integers() -> Iterator[Operator]:
    for op in ("floordiv", "remainder", "fmod"):
        yield rendered("minus-one-by-zero", "wrong constant", op, _divisor_checked(op, -1), INTEGERS)
    yield rendered("the-dividend-by-zero", "wrong constant", "remainder", lambda node: where(
        binary("eq", node.args[1], _number(node, 0)), node.args[0], node), ("uint8", "int32", "int64"))  # fmt: skip
    yield rendered("towards-zero-in-integers", "wrong rounding", "floordiv", _towards_zero, ("int8", "int16", "int32"))
    yield rendered("as-fmod", "wrong rounding", "remainder", becomes("fmod"), (*SIGNED, *FLOATS))
    yield rendered("as-remainder", "wrong rounding", "fmod", becomes("remainder"), (*SIGNED, *FLOATS))
    for op in ("shl", "shr"):
        yield rendered("modulo-the-width", "wrong comparison", op, _modulo_width, INTEGERS)
    yield rendered("without-the-sign", "wrong promotion", "shr", _logical, SIGNED)
    for op in ("add", "sub", "mul"):
        yield rendered("by-way-of-floats", "wrong accumulate dtype", op, _by_floats, ("int64", "uint64"))
        yield rendered("saturated", "wrong promotion", op, _saturating, ("int8", "uint8", "int16", "int32"))
    yield rendered("by-way-of-floats", "wrong accumulate dtype", "pow", _by_floats, ("int32", "int64", "uint64"))
    yield rendered("zero-for-negative-exponents", "wrong constant", "pow", lambda node: where(
        node.args[1] < 0, _number(node, 0), node), SIGNED)  # fmt: skip
    yield rendered("of-the-lowest-31-bits", "wrong promotion", "mulhi", lambda node: binary(
        "shr", node, _number(node, 1)), ("uint32",))  # fmt: skip
    yield rendered("low-half", "swapped operands", "mulhi", lambda node: node.args[0] * node.args[1], ("uint32",))
    yield rendered("as-neg", "wrong constant", "invert", lambda node: make("neg", node.args, node.dtype), INTEGERS)
    yield rendered("one-for-zero", "wrong constant", "sign", lambda node: where(
        binary("ge", node.args[0], _number(node, 0)), _number(node, 1), _number(node, -1)), (*FLOATS, *SIGNED))  # fmt: skip
    yield rendered("kept-negative", "wrong constant", "abs", lambda node: node.args[0], (*FLOATS, *SIGNED))
    yield rendered("wrapped-twice", "wrong constant", "neg", lambda node: node.args[0], (*FLOATS, *SIGNED, *UNSIGNED))


def _through_float32(node: Expr) -> Expr:
    """A function of float64 in float32."""
    return cast(make(node.op, tuple(cast(arg, float32) for arg in node.args), float32), float64)


_IN_FLOAT32: Final = "exp log sin atan tanh erf pow lgamma sqrt div mul add hypot sigmoid".split()


def operators() -> Iterator[Operator]:
    """All of this module."""
    for name, kind, op, formula in FORMULAS:
        yield rendered(name, kind, op, _of(formula))
    yield from _integers()
    for op in _IN_FLOAT32:
        yield rendered("in-float32", "wrong accumulate dtype", op, _through_float32, ("float64",))
