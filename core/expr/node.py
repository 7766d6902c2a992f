"""Expr: a typed scalar expression, the meaning of an elementwise kernel.

A small DAG over inputs, runtime scalars, constants and the element index.  Nodes are interned: structurally equal
nodes are one object, so sharing is found for free and a node hashes by identity.  Every node has a dtype; a renderer
computes each node in exactly that dtype and never infers one.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, final

import numpy as np

from hotplug.dtypes import bool_, dtype, int64
from hotplug.errors import DTypeError

Literal = bool | int | float

FLOATING: Final = frozenset(
    "exp exp2 expm1 log log2 log10 log1p sqrt rsqrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh "
    "erf erfc sigmoid lgamma digamma floor ceil trunc round div pow atan2 hypot copysign nextafter".split()
)
"""Functions of floating (and complex) operands, result of the same dtype.  ``pow`` takes integers too."""

ARITHMETIC: Final = frozenset("add sub mul neg abs sign minimum maximum fmin fmax floordiv remainder fmod".split())
"""Functions of numbers, result of the same dtype.  ``minimum`` and ``maximum`` propagate NaN, ``fmin`` and ``fmax``
prefer the number; ``floordiv`` and ``remainder`` round towards minus infinity, ``fmod`` towards zero."""

COMPARISON: Final = frozenset("eq ne lt le gt ge".split())
"""Functions of two equal dtypes, result bool."""

BITWISE: Final = frozenset("and or xor invert shl shr mulhi".split())
"""Functions of bool (the first four) or integers.  ``mulhi`` is the upper half of a uint32 product; a shift by the
width or more gives 0 (-1 for ``shr`` of a negative number)."""

COMPLEX: Final = frozenset("real imag conj complex angle".split())
"""Functions between complex numbers and their parts; the core lowers them before any backend sees them."""

_ON_BOOL: Final = {"add": "or", "mul": "and", "maximum": "or", "minimum": "and", "fmax": "or", "fmin": "and"}
_FOLDED: Final = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide}
_NEUTRAL: Final = {"mul": 1, "div": 1, "sub": 0}  # x + 0 is not x: it turns -0.0 into 0.0

LEAVES: Final = frozenset("input scalar constant index".split())


@final
class Expr:
    """One node.

    Attributes:
        op: a name of the sets above, ``where``, ``cast``, or a leaf: ``input``, ``scalar``, ``constant``, ``index``.
        args: operand nodes.
        dtype: of the value.
        value: a constant's value (bool, int or float; complex before lowering); the position of an input or scalar.
    """

    __slots__ = ("__weakref__", "args", "dtype", "op", "value")

    op: str
    args: tuple[Expr, ...]
    dtype: dtype
    value: Any

    def __init__(self, *_: object) -> None:
        raise TypeError("an Expr is made with hotplug.expr.node.make, which interns it")

    def __add__(self, other: Expr | Literal) -> Expr:
        return binary("add", self, other)

    def __radd__(self, other: Literal) -> Expr:
        return binary("add", other, self)

    def __sub__(self, other: Expr | Literal) -> Expr:
        return binary("sub", self, other)

    def __rsub__(self, other: Literal) -> Expr:
        return binary("sub", other, self)

    def __mul__(self, other: Expr | Literal) -> Expr:
        return binary("mul", self, other)

    def __rmul__(self, other: Literal) -> Expr:
        return binary("mul", other, self)

    def __truediv__(self, other: Expr | Literal) -> Expr:
        return binary("div", self, other)

    def __rtruediv__(self, other: Literal) -> Expr:
        return binary("div", other, self)

    def __floordiv__(self, other: Expr | Literal) -> Expr:
        return binary("floordiv", self, other)

    def __mod__(self, other: Expr | Literal) -> Expr:
        return binary("remainder", self, other)

    def __pow__(self, other: Expr | Literal) -> Expr:
        return binary("pow", self, other)

    def __neg__(self) -> Expr:
        return make("neg", (self,), self.dtype)

    def __invert__(self) -> Expr:
        return make("invert", (self,), self.dtype)

    def __and__(self, other: Expr | Literal) -> Expr:
        return binary("and", self, other)

    def __or__(self, other: Expr | Literal) -> Expr:
        return binary("or", self, other)

    def __xor__(self, other: Expr | Literal) -> Expr:
        return binary("xor", self, other)

    def __lshift__(self, other: Expr | Literal) -> Expr:
        return binary("shl", self, other)

    def __rshift__(self, other: Expr | Literal) -> Expr:
        return binary("shr", self, other)

    def __lt__(self, other: Expr | Literal) -> Expr:
        return binary("lt", self, other)

    def __le__(self, other: Expr | Literal) -> Expr:
        return binary("le", self, other)

    def __gt__(self, other: Expr | Literal) -> Expr:
        return binary("gt", self, other)

    def __ge__(self, other: Expr | Literal) -> Expr:
        return binary("ge", self, other)

    def __bool__(self) -> bool:
        raise TypeError("an Expr has no truth value; write where(condition, a, b) instead of if")

    def __reduce__(self) -> tuple[Any, ...]:
        return _remake, (self.op, self.args, self.dtype, self.value)

    def __repr__(self) -> str:
        return _shown(self, _SHOWN_DEPTH)


_SHOWN_DEPTH: Final = 7
"""What is deeper is left out: shared nodes are written wherever they are used, which doubles the text at each level."""


def _shown(node: Expr, depth: int) -> str:
    if node.op in ("input", "scalar"):
        return f"{node.op[0]}{node.value}:{node.dtype.name}"
    if node.op == "constant":
        return f"{node.value!r}:{node.dtype.name}"
    suffix = f":{node.dtype.name}" if node.op in ("cast", "index") else ""
    args = ", ".join(_shown(each, depth - 1) for each in node.args) if depth else "..."
    return f"{node.op}({args}){suffix}"


_INTERNED: dict[tuple[Any, ...], Expr] = {}


def _remake(op: str, args: tuple[Expr, ...], dtype: dtype, value: Any) -> Expr:
    return make(op, args, dtype, value)


def make(op: str, args: tuple[Expr, ...], dtype: dtype, value: Any = None) -> Expr:
    """The interned node."""
    # repr keeps 0.0 and -0.0, 1 and 1.0 and True apart, which compare equal as dictionary keys.
    key = (op, args, dtype, repr(value))
    found = _INTERNED.get(key)
    if found is None:
        node = object.__new__(Expr)
        node.op, node.args, node.dtype, node.value = op, args, dtype, value
        found = _INTERNED.setdefault(key, node)
    return found


def input_(position: int, dtype: dtype) -> Expr:
    """The element of input array ``position``."""
    return make("input", (), dtype, position)


def scalar(position: int, dtype: dtype) -> Expr:
    """The runtime scalar ``position``: a number that never recompiles."""
    return make("scalar", (), dtype, position)


def index() -> Expr:
    """The C-order index of the element within the output, int64."""
    return make("index", (), int64)


def constant(value: Any, dtype: dtype) -> Expr:
    """A literal, converted to ``dtype``."""
    if dtype.kind == "b":
        return make("constant", (), dtype, bool(value))
    if dtype.kind in "ui":
        bits = 8 * dtype.itemsize
        wrapped = int(value) & ((1 << bits) - 1)
        return make(
            "constant", (), dtype, wrapped - (1 << bits) if dtype.kind == "i" and wrapped >> (bits - 1) else wrapped
        )
    return make("constant", (), dtype, complex(value) if dtype.kind == "c" else float(value))


def cast(node: Expr, dtype: dtype) -> Expr:
    """Conversion by the one table: to bool ``x != 0``; float to integer truncates, by way of int64 and modulo 2**bits,
    with NaN and what int64 can't hold going to its minimum; integer to integer modulo 2**bits.
    """
    if node.dtype is dtype:
        return node
    exact = dtype.kind in "bc" or (dtype.kind == "f" and dtype.itemsize > 2) or node.dtype.kind in "bui"
    if node.op == "constant" and node.dtype.kind != "c" and exact:
        return constant(node.value, dtype)
    return make("cast", (node,), dtype)


def binary(op: str, left: Expr | Literal, right: Expr | Literal) -> Expr:
    """A function of two operands of one dtype; a literal takes the dtype of the other operand."""
    if not isinstance(left, Expr):
        assert isinstance(right, Expr)
        left = constant(left, right.dtype)
    if not isinstance(right, Expr):
        right = constant(right, left.dtype)
    if left.dtype is not right.dtype:
        raise DTypeError(f"{op} in an Expr expected equal dtypes, got {left.dtype!r} and {right.dtype!r}; cast one")
    if left.dtype is bool_ and op not in COMPARISON:
        op = _ON_BOOL.get(op, op)
        if op not in BITWISE:
            raise DTypeError(f"{op} is not defined for bool; use logical_xor, or convert with .to(dtype)")
    if right.op == "constant" and right.value == _NEUTRAL.get(op, right):
        return left
    if left.op == "constant" and op == "mul" and left.value == 1:
        return right
    if left.op == right.op == "constant" and op in _FOLDED and left.dtype.kind == "f" and left.dtype.itemsize > 2:
        return _fold(op, left, right)
    return make(op, (left, right), bool_ if op in COMPARISON else left.dtype)


def _fold(op: str, left: Expr, right: Expr) -> Expr:
    """The result of two constants, rounded as a kernel would round it."""
    kind = left.dtype.numpy.type
    with np.errstate(all="ignore"):
        return constant(_FOLDED[op](kind(left.value), kind(right.value)), left.dtype)


def unary(op: str, operand: Expr) -> Expr:
    """A function of one operand; the result has its dtype, but ``abs`` and parts of complex numbers are real."""
    result = operand.dtype.real if op in ("abs", "real", "imag", "angle") else operand.dtype
    return make(op, (operand,), result)


def where(condition: Expr, left: Expr | Literal, right: Expr | Literal) -> Expr:
    """``left`` where the condition holds, ``right`` elsewhere; both may be evaluated."""
    if not isinstance(left, Expr):
        assert isinstance(right, Expr)
        left = constant(left, right.dtype)
    if not isinstance(right, Expr):
        right = constant(right, left.dtype)
    if left.dtype is not right.dtype or condition.dtype is not bool_:
        raise DTypeError(f"where in an Expr expected bool and two equal dtypes, got {condition!r}, {left!r}, {right!r}")
    if left is right:
        return left
    return make("where", (condition, left, right), left.dtype)


def schedule(roots: Iterable[Expr]) -> list[Expr]:
    """All nodes below the roots, every node once and after its operands; the same order in every process."""
    order: dict[Expr, None] = {}
    stack = [(root, False) for root in reversed(list(roots))]
    while stack:
        node, ready = stack.pop()
        if node in order:
            continue
        if ready:
            order[node] = None
        else:
            stack.append((node, True))
            stack.extend((arg, False) for arg in reversed(node.args))
    return list(order)


def leaves(roots: Iterable[Expr], op: str) -> Iterator[Expr]:
    """The leaves of one kind (``input``, ``scalar``), by position."""
    found = [node for node in schedule(roots) if node.op == op]
    return iter(sorted(found, key=operator.attrgetter("value")))


def substitute(roots: Iterable[Expr], replacement: Mapping[Expr, Expr]) -> tuple[Expr, ...]:
    """The roots with some nodes replaced, outermost first: what is below a replaced node is not looked at."""
    roots = tuple(roots)
    done: dict[Expr, Expr] = dict(replacement)
    stack = list(roots)
    while stack:
        node = stack[-1]
        if node in done:
            stack.pop()
            continue
        missing = [arg for arg in node.args if arg not in done]
        if missing:
            stack.extend(missing)
            continue
        stack.pop()
        args = tuple(done[arg] for arg in node.args)
        done[node] = node if args == node.args else make(node.op, args, node.dtype, node.value)
    return tuple(done[root] for root in roots)
