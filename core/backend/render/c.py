"""What the C-like languages share: a :class:`Source` collects the text of a kernel, a :class:`Dialect` spells it.

One Expr node becomes one typed statement, so that no compiler chooses a type or an order; the dialect switches off the
contraction of products and sums, since random numbers must be the same bits on every device.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Final, NamedTuple, final

import numpy as np

from hotplug import dtypes
from hotplug.backend.render import functions, operations
from hotplug.dtypes import bool_, dtype, float32, float64, int32, int64, uint16, uint32, uint64
from hotplug.errors import PluginError
from hotplug.expr.node import LEAVES, Expr, schedule

_WORD: Final = re.compile(r"@(?P<part>c|rest)\((?P<digits>[^()]*)\)|@(?P<name>\w+)(?:\[(?P<kind>\w+)\])?")
_OPERAND: Final = re.compile(r"\{(\d)\}")


def is_half(kind: dtype) -> bool:
    """Whether values are stored in two bytes and computed with as float."""
    return kind.is_floating_point and kind.itemsize == 2


class Dialect(ABC):
    """How one language spells what kernels are made of."""

    qualifier: str = "static inline"
    """Stands before the definition of a function."""
    long_suffix: str = "L"
    """Stands behind a literal of 64 bits."""

    @abstractmethod
    def type(self, kind: dtype) -> str:
        """The name of a type whose values are computed with: never a half type."""

    @abstractmethod
    def math(self, name: str, kind: dtype) -> str:
        """What C's mathematical function ``name`` (``exp``, ``fabs``, ``rint``) is called for float32 or float64."""

    @abstractmethod
    def as_bits(self, kind: dtype) -> str:
        """What reinterprets a float32 or float64 as an unsigned integer: a name to put before parentheses."""

    @abstractmethod
    def from_bits(self, kind: dtype) -> str:
        """What reinterprets an unsigned integer as a float32 or float64."""

    @abstractmethod
    def preamble(self, kinds: frozenset[dtype]) -> str:
        """What stands first in a source that computes with these dtypes: pragmas, extensions."""

    def stored(self, kind: dtype) -> str:
        """The name of the type of an element in memory."""
        if is_half(kind):
            return self.type(uint16)
        return self.type(dtypes.uint8 if kind is bool_ else kind)

    def literal(self, value: Any, kind: dtype) -> str:
        """A constant, exactly, as an expression that needs no parentheses."""
        if kind is bool_:
            return "true" if value else "false"
        if kind.is_floating_point:
            return self._floating_literal(float(np.asarray(value, kind.numpy)), kind.compute)
        if kind.kind == "i" and value == -(1 << (8 * kind.itemsize - 1)):  # C reads -N as the negative of N
            return f"({self.type(kind)})({value + 1}{self.long_suffix if kind is int64 else ''} - 1)"
        suffix = {uint32: "u", int64: self.long_suffix, uint64: f"U{self.long_suffix}"}.get(kind, "")
        return f"({self.type(kind)}){value}{suffix}" if value >= 0 else f"({self.type(kind)})({value}{suffix})"

    def _floating_literal(self, value: float, kind: dtype) -> str:
        if math.isnan(value):
            return f"({self.type(kind)})NAN"
        if math.isinf(value):
            return f"({self.type(kind)}){'(-INFINITY)' if value < 0 else 'INFINITY'}"
        digits = value.hex() + ("f" if kind is float32 else "")
        return f"({digits})" if digits.startswith("-") else digits


Names = Sequence[str] | Mapping[int, str]


class Body(NamedTuple):
    """A rendered program."""

    statements: tuple[str, ...]
    values: tuple[str, ...]
    """For every root an expression without side effects: a variable's name, or a literal."""

    @property
    def text(self) -> str:
        """The statements, one a line."""
        return "\n".join(self.statements)


_TABLES: Final = {
    "f": operations.FLOATING,
    "i": {**operations.INTEGER, **operations.SIGNED},
    "u": {**operations.INTEGER, **operations.UNSIGNED},
    "b": operations.BOOL,
}
_FUNCTIONS: Final[dict[str, dict[str, str]]] = {
    **dict.fromkeys(("float32", "float64"), functions.FLOATING),
    "float16": {**functions.FLOAT16, **functions.HALF},
    "bfloat16": {**functions.BFLOAT16, **functions.HALF},
    **dict.fromkeys((f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)), functions.INTEGER),
}


def _constant(digits: str, kind: dtype, rest: bool) -> float:
    """A number written in decimal or hexadecimal digits, or what is left of it when it is rounded to a dtype."""
    exact = Fraction(float.fromhex(digits)) if "x" in digits else Fraction(digits)
    return float(exact - Fraction(float(kind.compute.numpy.type(float(exact)))) if rest else exact)


@final
class Source:
    """The text of a kernel in the making: what is asked for here brings along the functions that it needs."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect: Final = dialect
        self._functions: dict[tuple[str, dtype], str] = {}
        self._kinds: set[dtype] = set()
        self._count = 0

    def text(self, *parts: str) -> str:
        """The whole source: the preamble, the functions in use, then the given parts."""
        preamble = self.dialect.preamble(frozenset(self._kinds))
        return "\n".join([preamble, *(text.strip("\n") for text in self._functions.values()), *parts])

    def type(self, kind: dtype) -> str:
        """The type in which values of a dtype are computed."""
        self._kinds.add(kind.compute)
        return self.dialect.type(kind.compute)

    def stored(self, kind: dtype) -> str:
        """The type of an element in memory."""
        self._kinds.add(kind)
        return self.dialect.stored(kind)

    def literal(self, value: Any, kind: dtype) -> str:
        """A constant of a dtype."""
        self._kinds.add(kind.compute)
        return self.dialect.literal(value, kind)

    def load(self, kind: dtype, element: str) -> str:
        """The value of an element in memory, such as ``p[i]``."""
        self._kinds.add(kind)
        if is_half(kind):
            return self._expand("@from_half({0})", kind, [element])
        return f"({element} != 0)" if kind is bool_ else element

    def store(self, kind: dtype, element: str, value: str, of: dtype | None = None) -> str:
        """A statement that writes a value to an element in memory, converting it and rounding it once.

        Args:
            kind: of the element.
            element: such as ``p[i]``.
            value: an expression.
            of: the value's dtype; default: ``kind``, of a half type rounded or not.
        """
        self._kinds.add(kind)
        if is_half(kind):
            return f"{element} = {self._expand('@to_half({0})', kind, [self._narrow(value, of or kind, kind)])};"
        return f"{element} = {self.convert(value, of or kind, kind)};"

    def convert(self, value: str, source: dtype, target: dtype) -> str:
        """A cast by the one table (see :func:`hotplug.expr.node.cast`), as an expression."""
        self._kinds.update((source.compute, target.compute))
        if source is target:
            return value
        if target is bool_:
            return f"({value} != 0)"
        if source.is_floating_point and target.kind in "ui":
            wide = "to_uint64" if target is uint64 else "to_int64"
            return f"({self.type(target)}){self._expand(f'@{wide}({{0}})', source.compute, [value])}"
        if is_half(target):
            return self._expand("@rounded({0})", target, [self._narrow(value, source, target)])
        return value if source.compute is target.compute else f"({self.type(target)}){value}"

    def _narrow(self, value: str, source: dtype, target: dtype) -> str:
        """A value as float32, such that rounding it to a half type rounds only once."""
        if source is float64:
            return self._expand("@to_odd({0})", float64, [value])
        return value if source.compute is float32 else f"({self.type(target)}){value}"

    def apply(self, op: str, kind: dtype, *operands: str) -> str:
        """An op of Exprs on values of a dtype that is no half type, as an expression in parentheses."""
        return f"({self._expand(_TABLES[kind.kind][op], kind, operands)})"

    def render(self, program: Sequence[Expr], inputs: Names, scalars: Names = (), index: str = "0") -> Body:
        """The statements that compute a program, and the roots' values in the dtypes in which theirs compute.

        A root of a half type that no other node reads is left unrounded, as :meth:`store` rounds it.

        Args:
            program: the roots.
            inputs: by position, a variable or an expression without side effects, of the dtype in which the input's
                dtype computes.
            scalars: the same for the runtime scalars.
            index: an expression for the index of the element.
        """
        names: dict[Expr, str] = {}
        statements: list[str] = []
        order = schedule(program)
        read = {arg for node in order for arg in node.args}
        for node in order:
            if node.op in LEAVES:
                names[node] = self._leaf(node, inputs, scalars, index)
                continue
            value = self._node(node, [names[arg] for arg in node.args])
            if is_half(node.dtype) and node in read and node.op != "where":
                value = self._expand("@rounded({0})", node.dtype, [value])
            names[node] = f"t{self._count}"
            self._count += 1
            statements.append(f"const {self.type(node.dtype)} {names[node]} = {value};")
        return Body(tuple(statements), tuple(names[root] for root in program))

    def _leaf(self, node: Expr, inputs: Names, scalars: Names, index: str) -> str:
        self._kinds.add(node.dtype.compute)
        if node.op == "constant":
            return self.literal(node.value, node.dtype)
        if node.op == "index":
            return f"({self.type(int64)}){index}"
        return (inputs if node.op == "input" else scalars)[node.value]

    def _node(self, node: Expr, args: Sequence[str]) -> str:
        if node.op == "where":
            return f"{args[0]} ? {args[1]} : {args[2]}"
        kind = node.args[0].dtype
        if node.op == "cast":
            half = is_half(node.dtype) and kind is not node.dtype
            return self._narrow(args[0], kind, node.dtype) if half else self.convert(args[0], kind, node.dtype)
        if is_half(kind) and node.op in operations.HALF:
            return self._expand(operations.HALF[node.op], kind, args)
        template = _TABLES.get(kind.kind, {}).get(node.op)
        if template is None:
            raise PluginError(
                f"render: {node.op} of {kind.name} has no spelling in C; lower it before it reaches a backend"
            )
        return self._expand(template, kind.compute, args)

    def _expand(self, template: str, kind: dtype, args: Sequence[str] = ()) -> str:
        """A template with its words spelled for a dtype and its operands filled in."""
        self._kinds.add(kind.compute)
        text = _WORD.sub(lambda found: self._word(found, kind), template)
        return _OPERAND.sub(lambda found: args[int(found[1])], text)

    def _word(self, found: re.Match[str], kind: dtype) -> str:
        if found["digits"] is not None:
            return self.literal(_constant(found["digits"], kind, found["part"] == "rest"), kind)
        name = found["name"]
        kind = dtypes.by_name(found["kind"]) if found["kind"] else kind
        fixed = self._fixed(name, kind)
        if fixed is not None:
            return fixed
        return self._function(name, kind) if name in _FUNCTIONS[kind.name] else self.dialect.math(name, kind)

    def _fixed(self, name: str, kind: dtype) -> str | None:
        """A word that is neither a literal nor a function."""
        wide = kind.itemsize == 8
        spelled: Mapping[str, Any] = {
            "T": lambda: self.type(kind),
            "U": lambda: self.type(uint64 if wide else uint32),
            "I": lambda: self.type(int64 if wide else int32),
            "width": lambda: str(8 * kind.itemsize),
            "stored": lambda: self.stored(kind),
            "qualifier": lambda: self.dialect.qualifier,
            "as_bits": lambda: self.dialect.as_bits(kind.compute),
            "from_bits": lambda: self.dialect.from_bits(kind.compute),
            "infinity": lambda: self.literal(math.inf, kind),
            "nan": lambda: self.literal(math.nan, kind),
            "pi": lambda: self.literal(math.pi, kind),
            "minimum_int64": lambda: self.literal(-(1 << 63), int64),
        }
        return spelled[name]() if name in spelled else None

    def _function(self, name: str, kind: dtype) -> str:
        """The C name of a function for a dtype; its definition follows those that it calls."""
        if (name, kind) not in self._functions:
            self._functions[name, kind] = ""  # it names itself in its definition
            text = self._expand(_FUNCTIONS[kind.name][name], kind)
            del self._functions[name, kind]
            self._functions[name, kind] = text
        return f"hp_{name}_{kind.name}"
