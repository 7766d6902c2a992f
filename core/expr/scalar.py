"""The scalar language: functions of Exprs and literals for the bodies of elementwise ops.

Where both operands are plain numbers the result is computed in Python: bodies may be given literals throughout.
"""

from __future__ import annotations

import math
from typing import Any

from hotplug.dtypes import bool_, dtype
from hotplug.expr import node
from hotplug.expr.node import Expr, Literal, binary, cast, constant, index, make, unary

__all__ = ["cast", "constant", "index"]

Operand = Any


def _function_of_one(name: str) -> Any:
    def function(operand: Operand) -> Any:
        if isinstance(operand, Expr):
            return unary(name, operand)
        if name == "abs":
            return -operand if operand < 0 else operand
        return getattr(math, name)(operand)

    function.__name__ = name
    function.__doc__ = f"``{name}`` of an Expr."
    return function


def _function_of_two(name: str) -> Any:
    def function(left: Operand, right: Operand) -> Any:
        return (
            binary(name, left, right)
            if isinstance(left, Expr) or isinstance(right, Expr)
            else _PYTHON[name](left, right)
        )

    function.__name__ = name
    function.__doc__ = f"``{name}`` of two Exprs of one dtype, or of an Expr and a literal."
    return function


_PYTHON: dict[str, Any] = {
    "pow": lambda a, b: a**b,
    "sub": lambda a, b: a - b,
    "div": lambda a, b: a / b,
    "mul": lambda a, b: a * b,
    "lt": lambda a, b: a < b,
    "gt": lambda a, b: a > b,
    "le": lambda a, b: a <= b,
    "ge": lambda a, b: a >= b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
}

exp, exp2, expm1 = map(_function_of_one, ("exp", "exp2", "expm1"))
log, log2, log10, log1p = map(_function_of_one, ("log", "log2", "log10", "log1p"))
sqrt, rsqrt, sigmoid, erf, erfc = map(_function_of_one, ("sqrt", "rsqrt", "sigmoid", "erf", "erfc"))
sin, cos, tan, asin, acos, atan = map(_function_of_one, ("sin", "cos", "tan", "asin", "acos", "atan"))
sinh, cosh, tanh, asinh, acosh, atanh = map(_function_of_one, ("sinh", "cosh", "tanh", "asinh", "acosh", "atanh"))
lgamma, digamma = map(_function_of_one, ("lgamma", "digamma"))
floor, ceil, trunc, round, abs, sign = map(_function_of_one, ("floor", "ceil", "trunc", "round", "abs", "sign"))
real, imag, angle, invert = map(_function_of_one, ("real", "imag", "angle", "invert"))

sub, div, mul, pow, atan2, hypot, copysign = map(
    _function_of_two, ("sub", "div", "mul", "pow", "atan2", "hypot", "copysign")
)
floordiv, remainder, fmod, nextafter = map(_function_of_two, ("floordiv", "remainder", "fmod", "nextafter"))
maximum, minimum, fmax, fmin = map(_function_of_two, ("maximum", "minimum", "fmax", "fmin"))
eq, ne, lt, le, gt, ge = map(_function_of_two, ("eq", "ne", "lt", "le", "gt", "ge"))
bit_and, bit_or, bit_xor, shl, shr, mulhi = map(_function_of_two, ("and", "or", "xor", "shl", "shr", "mulhi"))


def where(condition: Operand, left: Operand, right: Operand) -> Any:
    """``left`` where the condition holds; a literal condition chooses at once."""
    if not isinstance(condition, Expr):
        return left if condition else right
    if not isinstance(left, Expr) and not isinstance(right, Expr):
        raise TypeError("where of two literals has no dtype; make one an Expr with constant()")
    return node.where(condition, left, right)


def conj(operand: Expr) -> Expr:
    """The complex conjugate; a real number is its own."""
    return unary("conj", operand) if operand.dtype.kind == "c" else operand


def whole(name: str, operand: Expr) -> Expr:
    """A rounding function; integers are whole already."""
    return operand if operand.dtype.kind in "bui" else unary(name, operand)


def isnan(operand: Expr) -> Expr:
    """Whether the value is NaN: it differs from itself."""
    return constant(False, bool_) if operand.dtype.kind in "bui" else binary("ne", operand, operand)


def isinf(operand: Expr) -> Expr:
    """Whether the value is an infinity; of a complex one, whether a part is."""
    if operand.dtype.kind == "c":
        return isinf(real(operand)) | isinf(imag(operand))
    return constant(False, bool_) if operand.dtype.kind in "bui" else eq(unary("abs", operand), math.inf)


def to(operand: Expr | Literal, target: dtype) -> Expr:
    """Conversion of an Expr or a literal."""
    return cast(operand, target) if isinstance(operand, Expr) else constant(operand, target)


def complex_(re: Expr, im: Expr) -> Expr:
    """The complex number of two real parts."""
    return make("complex", (re, im), re.dtype.to_complex())
