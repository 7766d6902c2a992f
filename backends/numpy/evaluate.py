"""The meaning of an Expr, node by node: the reference that every renderer is measured against.

Every node is computed in its own dtype.  Where languages and processors differ, this is the one table:

==========================  ==========================================================================================
float to integer            truncated; NaN and what int64 can't hold give the int64 minimum; then modulo 2**bits
float to uint64             as above, but values from 2**63 to 2**64 are exact
integer ``// % fmod`` by 0  0
shift by the width or more  0, or -1 for the right shift of a negative number
integer ``pow``             modulo 2**bits; a negative exponent gives 1 for base 1, +-1 for base -1, else 0
``sign(NaN)``               0, as in PyTorch
``minimum``, ``maximum``    NaN if either operand is
``round``                   halves to even
==========================  ==========================================================================================
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from hotplug.backend import Expr, dtypes
from hotplug.backends.numpy import special
from hotplug.expr.node import schedule

NDArray = np.ndarray[Any, Any]


def sign(x: NDArray) -> NDArray:
    """-1, 0 or 1; 0 for NaN."""
    result: NDArray = np.subtract(x > 0, x < 0, dtype=np.int8).astype(x.dtype)
    return result


def sigmoid(x: NDArray) -> NDArray:
    """1 / (1 + exp(-x)): the overflow of exp gives the right 0."""
    result: NDArray = np.reciprocal(np.exp(-x) + x.dtype.type(1))
    return result


def rsqrt(x: NDArray) -> NDArray:
    """1 / sqrt(x)."""
    return np.reciprocal(np.sqrt(x))


def mulhi(a: NDArray, b: NDArray) -> NDArray:
    """The upper half of a product of two uint32."""
    return ((np.asarray(a, np.uint64) * np.asarray(b, np.uint64)) >> np.uint64(32)).astype(np.uint32)


def power(base: NDArray, exponent: NDArray) -> NDArray:
    """``base ** exponent``; integers never leave the integers."""
    if base.dtype.kind in "fu":
        return np.asarray(np.power(base, exponent))
    negative = exponent < 0
    parity = np.where(exponent & 1, base, np.ones_like(base))
    unit = np.where(base == 1, 1, np.where(base == -1, parity, 0)).astype(base.dtype)
    return np.where(negative, unit, np.power(base, np.where(negative, 0, exponent)))


def float_to_integer(x: NDArray, target: np.dtype[Any]) -> NDArray:
    """By way of int64, and modulo 2**bits."""
    wide = x.astype(np.float64) if x.dtype.itemsize < 4 else x
    fits = (wide >= -(2.0**63)) & (wide < 2.0**63)
    whole = np.where(fits, wide, 0).astype(np.int64)
    whole = np.where(fits, whole, np.iinfo(np.int64).min)
    if target == np.uint64:
        large = (wide >= 2.0**63) & (wide < 2.0**64)
        return np.where(large, np.where(large, wide, 0).astype(np.uint64), whole.astype(np.uint64))
    return whole.astype(target)


def convert(x: NDArray, target: np.dtype[Any]) -> NDArray:
    """A cast by the table."""
    if target.kind == "b":
        return np.asarray(x != 0)
    if x.dtype.kind in "fV" and target.kind in "ui":
        return float_to_integer(x, target)
    return x.astype(target)


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "neg": np.negative, "abs": np.abs, "sign": sign, "invert": np.invert, "exp": np.exp, "exp2": np.exp2,
    "expm1": np.expm1, "log": np.log, "log2": np.log2, "log10": np.log10, "log1p": np.log1p, "sqrt": np.sqrt,
    "rsqrt": rsqrt, "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos,
    "atan": np.arctan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh, "acosh": np.arccosh,
    "atanh": np.arctanh, "erf": special.erf, "erfc": special.erfc, "sigmoid": sigmoid, "lgamma": special.lgamma,
    "digamma": special.digamma, "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc, "round": np.rint,
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.true_divide, "pow": power, "atan2": np.arctan2,
    "hypot": np.hypot, "copysign": np.copysign, "nextafter": np.nextafter, "minimum": np.minimum,
    "maximum": np.maximum, "fmin": np.fmin, "fmax": np.fmax, "floordiv": np.floor_divide, "remainder": np.remainder,
    "fmod": np.fmod, "eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater,
    "ge": np.greater_equal, "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor, "shl": np.left_shift,
    "shr": np.right_shift, "mulhi": mulhi, "where": np.where,
}  # fmt: skip
"""Scalar functions by name, as functions of ndarrays."""


def evaluate(
    program: Sequence[Expr], inputs: Sequence[NDArray], scalars: Sequence[Any], shape: Sequence[int]
) -> list[NDArray]:
    """The values of the roots; each broadcasts to ``shape``."""
    values: dict[Expr, NDArray] = {}
    for node in schedule(program):
        values[node] = value_of(node, [values[arg] for arg in node.args], inputs, scalars, shape)
    return [values[root] for root in program]


def value_of(
    node: Expr, args: Sequence[NDArray], inputs: Sequence[NDArray], scalars: Sequence[Any], shape: Sequence[int]
) -> NDArray:
    """The value of one node, given those of its operands."""
    target: np.dtype[Any] = node.dtype.numpy
    if node.op == "input":
        found: NDArray = inputs[node.value]
        return found
    if node.op == "scalar":
        return np.full((), scalars[node.value], target)
    if node.op == "constant":
        return np.full((), node.value, target)
    if node.op == "index":
        return np.arange(math.prod(shape)).reshape(shape)
    if node.op == "cast":
        return convert(args[0], target)
    result: NDArray = np.asarray(FUNCTIONS[node.op](*args))
    assert result.dtype == target or node.dtype is dtypes.bool_, f"{node.op} gave {result.dtype}, expected {target}"
    return result
