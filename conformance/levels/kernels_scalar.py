"""Level 1, ``map``: what every scalar function and every conversion computes, special values included."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
from ml_dtypes import finfo

from hotplug import dtypes
from hotplug.conformance import model
from hotplug.conformance.calls import NDArray
from hotplug.conformance.case import Bench, Case, Options
from hotplug.conformance.draw import Draw
from hotplug.conformance.tolerance import EXACT, KERNEL, Tolerance, function_tolerance
from hotplug.conformance.trial import Given, Wanted, expect, launch, normal, supported
from hotplug.dtypes import bool_, dtype, float16, float32, float64, uint32
from hotplug.expr import node
from hotplug.expr.node import Expr, binary, cast, input_, unary, where

BINARY: Final = frozenset(
    "add sub mul div pow atan2 hypot copysign nextafter minimum maximum fmin fmax floordiv remainder fmod and or xor "
    "shl shr mulhi".split()
)
"""The functions of two operands; comparisons aside."""

SIGNED: Final = frozenset("neg abs mul copysign".split())
"""Functions whose zeros must have the right sign."""

SOME: Final = (dtypes.uint8, dtypes.int32, float16, float32)
"""The dtypes in which the default run tries every mode of a family; the others have the first modes only."""
REAL: Final = tuple(each for each in dtypes.ALL if each.kind != "c")
_AT_ONCE: Final = 32
"""Outputs of one kernel."""

SPECIAL: Final = (
    0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 0.5, -0.5, 2.0, -2.0, 3.0, 2.5, 3.5, -2.5, 1e-40, -1e-40, 3e38, -3e38,
    88.8, -86.0, -104.0, 1e-30, 127.0, 128.5, 255.0, 256.0, -129.0, 32768.0, 65519.9, 65520.0, 1e5, 2147483648.0,
    -2147483649.0, 9.3e18, 1.8e19, 1e20, 171.0, 0.49999997,
)  # fmt: skip

FINE: Final = (
    5e-324, -1e-310, 1e-300, 1.7e308, -1.7e308, 710.2, -745.0, 1e16, 9007199254740993.0, 0.1, 1 / 3, 0.9999999, -0.9999999,
)  # fmt: skip
"""What float64 has beside :data:`SPECIAL`."""

Made = tuple[str, Expr]


def functions(kind: dtype) -> tuple[list[str], list[str]]:
    """The names of the functions of one and of two operands that a dtype has."""
    names = {"f": node.FLOATING | node.ARITHMETIC, "b": node.BITWISE - {"shl", "shr", "mulhi"}}.get(
        kind.kind, node.ARITHMETIC | node.BITWISE | {"pow"}
    )
    if kind is not uint32:
        names = names - {"mulhi"}
    one, two = sorted(names - BINARY), sorted((names & BINARY) | node.COMPARISON)
    return one, two


def special_values(bench: Bench, kind: dtype) -> NDArray:
    """The values at which functions of a dtype are told apart."""
    if kind.kind == "b":
        return np.array([False, True])
    if kind.kind == "f":
        return normal(bench, (*SPECIAL, *FINE) if kind is float64 else SPECIAL, kind)
    low, high = int(np.iinfo(kind.numpy).min), int(np.iinfo(kind.numpy).max)
    chosen = {0, 1, 2, 3, 5, 7, 8, 16, 31, 32, 63, 64, high, high - 1, high // 2, low, low + 1, -1, -2, -3, -7}
    return np.array(sorted(value for value in chosen if low <= value <= high), kind.numpy)


def pairs(bench: Bench, kind: dtype) -> tuple[NDArray, NDArray]:
    """All pairs of special values and, of floats, ordinary ones."""
    special = special_values(bench, kind)
    left, right = (each.ravel() for each in np.meshgrid(special, special))
    if kind.kind != "f":
        return left, right
    more = Draw(f"pairs/{kind.name}", "f", bench.options.seed)
    drawn = [more(300, low=-9, high=9).values.astype(kind.numpy) for _ in range(2)]
    return np.concatenate([left, drawn[0]]), np.concatenate([right, drawn[1]])


def of_one(bench: Bench, kind: dtype) -> float:
    """Functions of one operand; half types are read, computed in float32 and rounded once."""
    both = special_values(bench, kind), pairs(bench, kind)[0]
    values = np.concatenate([both[0], np.unique(both[1].astype(kind.compute.numpy)).astype(kind.numpy)])
    x = cast(input_(0, kind), kind.compute)
    return _compare(bench, [(name, cast(unary(name, x), kind)) for name in functions(kind)[0]], [values])


def of_two(bench: Bench, kind: dtype) -> float:
    """Functions of two operands, comparisons and ``where``."""
    left, right = pairs(bench, kind)
    x, y = (cast(input_(position, kind), kind.compute) for position in range(2))
    names = [name for name in functions(kind)[1] if name not in ("shl", "shr")]
    made = [(name, binary(name, x, y)) for name in names if name != "nextafter" or kind.itemsize > 2]
    made.append(("where", where(binary("lt", x, y), x, y)))
    rounded = [(name, each if each.dtype is bool_ else cast(each, kind)) for name, each in made]
    return _compare(bench, rounded, [left, right])


def shifts(bench: Bench, kind: dtype) -> float:
    """Shifts by any non-negative number of bits; by the width or more nothing is left but the sign."""
    left, right = pairs(bench, kind)
    fits = right >= 0
    x, y = input_(0, kind), input_(1, kind)
    made = [(name, binary(name, x, y)) for name in ("shl", "shr")]
    return _compare(bench, made, [left[fits], right[fits]])


def casts(bench: Bench, kind: dtype) -> float:
    """Conversion to every dtype that the device has, by the one table, bit for bit."""
    values = special_values(bench, kind)
    if kind.kind == "f":
        values = np.concatenate([values, Draw("casts", "f")(200, low=-300, high=300).values.astype(kind.numpy)])
    if kind.kind in "ui" and kind.itemsize == 8:
        values = np.concatenate([values, _ties(kind)])
    goals = [each for each in REAL if each in bench.runtime.capabilities.arithmetic and each is not kind]
    return _compare(bench, [(f"cast to {each.name}", cast(input_(0, kind), each)) for each in goals], [values], EXACT)


def _ties(kind: dtype) -> NDArray:
    """Integers half way between two numbers of a floating dtype, and what lies beside them."""
    found = [(1 << top) + (1 << top - digits) * odd + beside for top in (40, 53, 61) for digits in (24, 53)
             for odd in (1, 3) for beside in (-1, 0, 1) if top > digits]  # fmt: skip
    return np.array(found + ([-each for each in found] if kind.kind == "i" else []), kind.numpy)


def rounding(bench: Bench, kind: dtype) -> float:
    """Rounding to a half type: numbers half way between two of them go to the even one, whatever is a bit off does not."""
    supported(bench, kind)
    bits = np.arange(0, 1 << 16, 1 if bench.options.full else 7, dtype=np.uint16)
    with np.errstate(all="ignore"):
        exact = bits.view(kind.numpy).astype(np.float64)
        after = (bits + np.uint16(1)).view(kind.numpy).astype(np.float64)
        ties = ((exact + after) / 2).astype(np.float32)
        around = [ties, np.nextafter(ties, np.float32(0)), np.nextafter(ties, np.float32(np.inf))]
    largest = float(finfo(kind.numpy).max)
    edge = np.float32(largest + largest * float(finfo(kind.numpy).eps) / 4)  # half way to what would be the next number
    around.append(np.array([edge, np.nextafter(edge, np.float32(0)), np.nextafter(edge, np.float32(np.inf)), 3.4e38]))
    values = normal(bench, np.concatenate(around), float32)
    worst = _compare(bench, [("cast", cast(input_(0, float32), kind))], [values], EXACT)
    if float64 in bench.runtime.capabilities.arithmetic and kind is float16:  # bfloat16 is rounded by way of float32
        tie = 2.0**-11
        finer = np.array([1 + tie, 1 + tie + 2.0**-40, 1 + tie - 2.0**-40, -1 - tie - 2.0**-40, 1 + 3 * tie])
        worst = max(worst, _compare(bench, [("cast", cast(input_(0, float64), kind))], [finer], EXACT))
    return worst


def _compare(bench: Bench, made: Sequence[Made], inputs: Sequence[NDArray], allowed: Tolerance | None = None) -> float:
    """Every program over the inputs, some at a time in one kernel."""
    supported(bench, *{dtypes.from_numpy(each.dtype) for each in inputs})
    worst = 0.0
    for start in range(0, len(made), _AT_ONCE):
        names, program = zip(*made[start : start + _AT_ONCE], strict=True)
        outs = [Wanted(root.dtype, inputs[0].shape) for root in program]
        found = launch(bench, "map", outs, [Given(each) for each in inputs], program=program)
        goals = model.evaluate(program, inputs, (), inputs[0].shape)
        for name, root, values, goal in zip(names, program, found, goals, strict=True):
            limit = allowed or (function_tolerance(name) if root.dtype.kind == "f" else KERNEL)
            signs = name in SIGNED
            worst = max(worst, expect(bench, values, goal, root.dtype, limit, name, operands=inputs, signs=signs))
    return worst


def cases(_: Options) -> Iterator[Case]:
    """All functions, in every dtype that has them."""
    for kind in REAL:
        parts: list[Callable[[Bench, dtype], float]] = [of_one, of_two, casts]
        parts += [shifts] * (kind.kind in "ui") + [rounding] * (kind.itemsize == 2 and kind.kind == "f")
        for part in parts:
            yield Case(1, "map", kind.name, f"functions-{part.__name__}", functools.partial(_run, part, kind))


def _run(part: Callable[[Bench, dtype], float], kind: dtype, bench: Bench) -> float:
    return part(bench, kind)
