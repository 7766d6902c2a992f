"""Expr programs as kernel text: every node one statement, in exactly its dtype.

Products and sums are never contracted here, since random numbers must be the same bits on every device; the functions
of float32 that are called may be, inside.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, final

import numpy as np

from hotplug.backend import Expr, dtypes
from hotplug.dtypes import bool_, dtype, float64, uint64
from hotplug.expr.node import LEAVES, schedule

VECTORISED: Final = frozenset(
    "exp exp2 expm1 log log2 log10 log1p sin cos sinh cosh tanh erf sigmoid rsqrt pow".split()
)
"""Functions of float32 that are written here."""

_INTRINSICS: Final = {
    "floor": "memory.floor", "ceil": "memory.ceil", "trunc": "memory.trunc", "round": "memory.round_even",
    "abs": "memory.absolute", "sqrt": "memory.square_root",
}  # fmt: skip
_BINARY: Final = {"maximum": "memory.maximum", "minimum": "memory.minimum", "copysign": "memory.copysign"}
_OPERATORS: Final = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
_COMPARISONS: Final = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_LOGICAL: Final = {"and": "&", "or": "|", "xor": "^"}
_COST: Final = 6
"""A vectorised function costs about so many additions."""


class UnsupportedError(Exception):
    """A program has a node that is NumPy's."""


def is_half(kind: dtype) -> bool:
    """Whether elements are stored in two bytes and computed with in float32."""
    return kind.is_floating_point and kind.itemsize == 2


_LONGEST: Final = 500
"""Nodes of a program beyond which it is NumPy's: LLVM would take many seconds over it."""


def supported(program: Sequence[Expr]) -> bool:
    """Whether every node of a program can be rendered, and they are not too many."""
    if len(schedule(program)) > _LONGEST:
        return False
    try:
        Text().render(program, {}, {}, "i")
    except UnsupportedError:
        return False
    return True


def cost(program: Sequence[Expr]) -> int:
    """About how many additions a program costs by element."""
    return sum(_COST if node.op in VECTORISED else 1 for node in schedule(program) if node.args)


@final
class Text:
    """The text of one kernel in the making: its constants, and the statements of its programs."""

    def __init__(self) -> None:
        self.constants: list[str] = []
        self._count = 0

    def constant(self, value: Any, kind: dtype) -> str:
        """The name of a constant of a dtype."""
        if kind is bool_:
            return "True" if value else "False"
        name = f"c{len(self.constants)}"
        if kind.is_floating_point:
            digits = float(np.asarray(value, kind.numpy)).hex()
            self.constants.append(f"{name} = np.{kind.compute.name}(float.fromhex({digits!r}))")
        else:
            self.constants.append(f"{name} = np.{kind.name}({int(value)})")
        return name

    def render(
        self, program: Sequence[Expr], inputs: Mapping[int, str], scalars: Mapping[int, str], index: str
    ) -> tuple[list[str], list[str]]:
        """The statements that compute a program, and the names of the roots' values.

        A root of a half type that no other node reads is not rounded: storing it rounds.
        """
        names: dict[Expr, str] = {}
        lines: list[str] = []
        order = schedule(program)
        read = {arg for node in order for arg in node.args}
        for node in order:
            if node.op in LEAVES:
                names[node] = self._leaf(node, inputs, scalars, index)
                continue
            value = self._node(node, [names[arg] for arg in node.args])
            if is_half(node.dtype) and node in read and node.op != "where":
                value = f"round_{node.dtype.name}({value})"
            names[node] = f"t{self._count}"
            self._count += 1
            lines.append(f"{names[node]} = {value}")
        return lines, [names[root] for root in program]

    def _leaf(self, node: Expr, inputs: Mapping[int, str], scalars: Mapping[int, str], index: str) -> str:
        if node.op == "constant":
            return self.constant(node.value, node.dtype)
        if node.op == "index":
            return f"int64({index})"
        return (inputs if node.op == "input" else scalars).get(node.value, "_")

    def _node(self, node: Expr, args: Sequence[str]) -> str:
        if node.op == "where":
            return f"({args[1]} if {args[0]} else {args[2]})"
        kind = node.args[0].dtype
        if node.op == "cast":
            return converted(args[0], kind, node.dtype)
        if node.op in _COMPARISONS:
            return f"{args[0]} {_COMPARISONS[node.op]} {args[1]}"
        if kind is bool_:
            return _of_bool(node.op, args)
        if kind.is_floating_point:
            return _of_float(node.op, kind, args)
        return _of_integer(node, args)


def converted(value: str, source: dtype, target: dtype) -> str:
    """A cast by the one table, as an expression."""
    if source is target:
        return value
    if target is bool_:
        return f"{value} != 0"
    if source.is_floating_point and target.kind in "iu":
        if target is uint64:
            raise UnsupportedError("float to uint64")
        return f"{target.name}(to_int64({value}))"
    if is_half(target) and source is float64:
        raise UnsupportedError("float64 to a half type would be rounded twice")
    return f"{target.compute.name}({value})"


def _of_bool(op: str, args: Sequence[str]) -> str:
    if op in _LOGICAL:
        return f"({args[0]} {_LOGICAL[op]} {args[1]}) != 0"
    if op == "invert":
        return f"not {args[0]}"
    if op == "abs":
        return args[0]
    raise UnsupportedError(op)


def _of_float(op: str, kind: dtype, args: Sequence[str]) -> str:
    real = kind.compute.name
    if op in _OPERATORS:
        return f"{args[0]} {_OPERATORS[op]} {args[1]}"
    if op in _INTRINSICS:
        return f"{_INTRINSICS[op]}({args[0]})"
    if op in _BINARY:
        return f"{_BINARY[op]}({args[0]}, {args[1]})"
    if op in VECTORISED and real == "float32":
        return f"functions.{op}({', '.join(args)})"
    simple: dict[str, Callable[[], str]] = {
        "neg": lambda: f"-{args[0]}",
        "sign": lambda: f"{real}({args[0]} > 0) - {real}({args[0]} < 0)",
        "fmin": lambda: f"({args[0]} if ({args[0]} < {args[1]}) | ({args[1]} != {args[1]}) else {args[1]})",
        "fmax": lambda: f"({args[0]} if ({args[0]} > {args[1]}) | ({args[1]} != {args[1]}) else {args[1]})",
        "rsqrt": lambda: f"{real}(1) / memory.square_root({args[0]})",
    }
    if op not in simple:
        raise UnsupportedError(op)
    return simple[op]()


def _of_integer(node: Expr, args: Sequence[str]) -> str:
    op, kind = node.op, node.args[0].dtype
    name, width = kind.name, 8 * kind.itemsize
    if op in ("add", "sub", "mul"):
        return f"{name}({args[0]} {_OPERATORS[op]} {args[1]})"
    if op in _LOGICAL:
        return f"{name}({args[0]} {_LOGICAL[op]} {args[1]})"
    if op in ("shl", "shr"):
        return _shift(node, args, name, width)
    simple: dict[str, Callable[[], str]] = {
        "neg": lambda: f"{name}(-{args[0]})",
        "invert": lambda: f"{name}(~{args[0]})",
        "abs": lambda: f"{name}(-{args[0]} if {args[0]} < 0 else {args[0]})" if kind.kind == "i" else args[0],
        "sign": lambda: f"{name}(int64({args[0]} > 0) - int64({args[0]} < 0))",
        "mulhi": lambda: f"uint32((uint64({args[0]}) * uint64({args[1]})) >> uint64(32))",
        **dict.fromkeys(("minimum", "fmin"), lambda: f"({args[0]} if {args[0]} < {args[1]} else {args[1]})"),
        **dict.fromkeys(("maximum", "fmax"), lambda: f"({args[0]} if {args[0]} > {args[1]} else {args[1]})"),
    }
    if op not in simple:
        raise UnsupportedError(op)
    return simple[op]()


def _shift(node: Expr, args: Sequence[str], name: str, width: int) -> str:
    """Shifts by the width or more give 0, or the sign; numbers in the text are the usual case."""
    amount = node.args[1]
    if amount.op != "constant" or not 0 <= amount.value < width:
        raise UnsupportedError("a shift by a number that is not in the program")
    sign = "<<" if node.op == "shl" else ">>"
    return f"{name}({args[0]} {sign} {args[1]})"


def scalar_words(program: Sequence[Expr]) -> dict[int, dtype]:
    """The runtime scalars that a program reads, and their dtypes."""
    return {node.value: node.dtype for node in schedule(program) if node.op == "scalar"}


def pack_scalar(value: Any, kind: dtype) -> int:
    """A runtime scalar as a word of a task's table."""
    from hotplug.backends.cpu.compiled.pool import bits

    if kind.is_floating_point:
        return bits(float(np.asarray(value, kind.numpy)) if is_half(kind) else _as_float(value))
    whole = int(value)
    return (whole + (1 << 63)) % (1 << 64) - (1 << 63)


def _as_float(value: Any) -> float:
    """A number as float64; what is too large for it is infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def unpack_scalar(kind: dtype, word: int) -> str:
    """The expression that reads a runtime scalar from a task's table."""
    if kind is bool_:
        return f"word(table, {word}) != 0"
    if kind.is_floating_point:
        return f"{kind.compute.name}(number(table, {word}))"
    return f"{kind.name}(word(table, {word}))"


HEADER: Final = """\
import numpy as np
from numba.types import {types}
from hotplug.backends.cpu.compiled import functions, memory
from hotplug.backends.cpu.compiled.conversions import to_int64
from hotplug.backends.cpu.compiled.prelude import add, multiply, number, word
from numba.types import boolean

round_float16 = memory.rounding("float16")
round_bfloat16 = memory.rounding("bfloat16")
""".format(types=", ".join(each.name for each in dtypes.ALL if each.kind in "iuf" and not is_half(each)))
"""What every generated kernel starts with."""
