"""Expr programs as Python source over NumPy ufuncs: the NumPy tier of the device ``cpu``.

Each program becomes one function that is compiled once.  Elementwise results of a wanted dtype go straight into the
output; what is larger than the cache is worked off in pieces, so that a long program such as the random generator's
passes over memory once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, final

import numpy as np

from hotplug.backend import Expr, OpKey
from hotplug.backends.cpu import special
from hotplug.backends.numpy import evaluate
from hotplug.dtypes import bfloat16
from hotplug.expr.node import COMPARISON, schedule

NDArray = np.ndarray[Any, Any]

UFUNCS: Final[dict[str, Any]] = {
    name: function for name, function in evaluate.FUNCTIONS.items() if isinstance(function, np.ufunc) and name != "pow"
}
"""Functions that can write into an output given to them."""

OTHERS: Final[dict[str, Any]] = {
    **{name: function for name, function in evaluate.FUNCTIONS.items() if name not in UFUNCS},
    "erf": special.erf,
    "erfc": special.erfc,
    "sigmoid": special.sigmoid,
}

PIECE: Final = 16384
"""Elements that are worked on at a time: a few operands of them fit the second-level cache."""

_SILENT: Final = frozenset(
    "and or xor invert eq ne lt le gt ge where minimum maximum neg abs input constant scalar index".split()
)
"""Functions that raise no floating-point flag."""


@final
class Source:
    """The text of one kernel while it is written, and the objects that it names."""

    def __init__(self, key: OpKey) -> None:
        self.key = key
        self.roots = key.program
        self.count = len(key.program)
        self.names: dict[str, Any] = {"ndarray": np.ndarray, "copyto": np.copyto}
        self.lines: list[str] = []
        self.where: dict[Expr, str] = {}

    def name(self, prefix: str, value: Any) -> str:
        """A global of the kernel that holds ``value``."""
        name = f"{prefix}{len(self.names)}"
        self.names[name] = value
        return name

    def literal(self, node: Expr) -> str:
        """A constant; a Python number keeps the other operand's dtype, a NumPy scalar brings its own."""
        return self.name("c", node.dtype.numpy.type(node.value))

    def head(self, outputs: bool = True) -> None:
        """Operands as ndarrays, views of inputs kept in their ``native`` slot."""
        for position, dtype in enumerate(self.key.dtypes):
            if position < self.count and not outputs:
                continue
            array = f"outs[{position}]" if position < self.count else f"inputs[{position - self.count}]"
            local = f"o{position}" if position < self.count else f"x{position - self.count}"
            kind = self.name("D", dtype.numpy)
            size = dtype.itemsize
            view = f"ndarray(a.layout.shape, {kind}, a.storage.buffer, a.offset * {size}, a.layout.byte_strides)"
            self.lines.append(f"a = {array}")
            if position < self.count:
                self.lines.append(f"{local} = a.native = {view}")
            else:
                self.lines += [f"{local} = a.native", f"if {local} is None:", f"    {local} = a.native = {view}"]

    def body(self) -> None:
        """One statement a node; the last node of a single root writes into the output."""
        order = schedule(self.roots)
        single = self.count == 1 and self.roots[0].dtype.numpy == self.key.dtypes[0].numpy
        for node in order:
            if node is self.roots[0] and single and node.op in UFUNCS and self._is_array(node):
                function = self.name("f", UFUNCS[node.op])
                target = "out=o0" if node.op in ("maximum", "minimum") else "o0"  # NumPy deprecates it by position
                self.lines.append(f"{function}({', '.join(self.where[arg] for arg in node.args)}, {target})")
                return
            self.where[node] = self.statement(node)
        for position, root in enumerate(self.roots):
            self.lines.append(f"copyto(o{position}, {self.where[root]}, casting='unsafe')")

    def _is_array(self, node: Expr) -> bool:
        return any(leaf.op in ("input", "index") for leaf in schedule([node]))

    def statement(self, node: Expr) -> str:
        """Compute a node; returns the name of its value."""
        if node.op == "input":
            return f"x{node.value}"
        if node.op == "constant":
            return self.literal(node)
        local = f"t{len(self.where)}"
        self.lines.append(f"{local} = {self._expression(node)}")
        return local

    def _expression(self, node: Expr) -> str:
        args = ", ".join(self.where[arg] for arg in node.args)
        if node.op == "scalar":
            return f"{self.name('k', node.dtype.numpy.type)}(scalars[{node.value}])"
        if node.op == "index":
            return "index"
        if node.op == "cast":
            return self._cast(node, args)
        function = UFUNCS.get(node.op) or OTHERS[node.op]
        return f"{self.name('f', function)}({args})"

    def _cast(self, node: Expr, arg: str) -> str:
        source, target = node.args[0].dtype, node.dtype
        if target.kind == "b":
            return f"{self.name('f', np.not_equal)}({arg}, 0)"
        if source.kind == "f" and target.kind in "ui":
            return f"{self.name('f', evaluate.float_to_integer)}({arg}, {self.name('D', target.numpy)})"
        return f"{arg}.astype({self.name('D', target.numpy)})"


def _compile(source: Source, arguments: str, lines: Sequence[str]) -> Callable[..., Any]:
    text = f"def kernel({arguments}):\n" + "".join(f"    {line}\n" for line in lines or ["pass"])
    exec(compile(text, f"<map {source.key.program}>", "exec"), source.names)
    return source.names["kernel"]  # type: ignore[no-any-return]


def warns(program: Sequence[Expr]) -> bool:
    """Whether a node may raise a floating-point flag, which NumPy would report as a warning.

    Comparisons of NaN are silent, but not in bfloat16, which is no dtype of NumPy's own.
    """
    return any(
        node.op not in _SILENT or (node.op in COMPARISON and node.args[0].dtype is bfloat16)
        for node in schedule(program)
    )


def whole(key: OpKey) -> Callable[..., None]:
    """The kernel that works on whole operands at once; called with ``(outs, inputs, scalars)``."""
    source = Source(key)
    source.head()
    if any(node.op == "index" for node in schedule(key.program)):
        source.names["arange"] = np.arange
        source.lines.append("index = arange(o0.size).reshape(o0.shape)")
    source.body()
    return _compile(source, "outs, inputs, scalars", source.lines)


def value(key: OpKey) -> Callable[..., NDArray]:
    """The program's value as a new ndarray; called with ``(inputs, scalars)``."""
    source = Source(key)
    source.head(outputs=False)
    if any(node.op == "index" for node in schedule(key.program)):
        source.names["arange"] = np.arange
        source.lines.append("index = arange(x0.size).reshape(x0.shape)")
    for node in schedule(key.program):
        source.where[node] = source.statement(node)
    source.lines.append(f"return {source.where[key.program[0]]}")
    return _compile(source, "inputs, scalars", source.lines)


def piece(key: OpKey) -> Callable[..., None]:
    """The kernel of one piece: called with the operands' ndarrays, the scalars and the first element's index."""
    source = Source(key)
    inputs = len(key.dtypes) - source.count
    operands = [f"o{i}" for i in range(source.count)] + [f"x{i}" for i in range(inputs)]
    if any(node.op == "index" for node in schedule(key.program)):
        source.names["arange"] = np.arange
        source.lines.append("index = arange(start, start + o0.size)")
    source.body()
    return _compile(source, ", ".join([*operands, "scalars", "start"]), source.lines)
