"""Bugs of renderers: a program is rendered with some of its nodes spelled as others.

The wrong program goes through the renderer of NumPy source of the device ``cpu``, so that what runs is source with the
bug in it; reductions of programs run it on the reference.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Final, final

from hotplug.backend import Expr, Kernel, OpKey
from hotplug.backends.cpu import render
from hotplug.backends.numpy import families
from hotplug.backends.numpy.quiet import quiet
from hotplug.conformance.strength.mutant import Operator
from hotplug.conformance.strength.planting import Bare
from hotplug.dtypes import by_name, dtype
from hotplug.expr.node import make, schedule

Change = Callable[[Expr], Expr | None]
"""What a node becomes; ``None``: stays as it is."""

FLOATS: Final = ("float32", "float64")
SIGNED: Final = ("int8", "int16", "int32", "int64")
UNSIGNED: Final = ("uint8", "uint16", "uint32", "uint64")
INTEGERS: Final = (*UNSIGNED, *SIGNED)
NUMBERS: Final = (*FLOATS, *INTEGERS)
EVERY: Final = ("bool", *NUMBERS)


def rewritten(program: Sequence[Expr], change: Change) -> tuple[Expr, ...]:
    """The program with every node changed, from the leaves to the roots."""
    done: dict[Expr, Expr] = {}
    for node in schedule(program):
        args = tuple(done[arg] for arg in node.args)
        same = node if args == node.args else make(node.op, args, node.dtype, node.value)
        changed = change(same)
        done[node] = same if changed is None else changed
    return tuple(done[root] for root in program)


@final
class Misrendered(Bare):
    """A device whose renderer has a bug."""

    def __init__(self, change: Callable[[OpKey], Change] | Change, *, by_key: bool = False) -> None:
        self._change = change
        self._by_key = by_key

    def resolve(self, index: int, key: OpKey) -> Kernel | None:
        if key.name not in ("map", "reduce"):
            return families.kernel(key)
        change = self._change(key) if self._by_key else self._change  # type: ignore[arg-type]
        wrong = key._replace(program=rewritten(key.program, change))  # type: ignore[arg-type]
        return quiet(render.whole(wrong)) if key.name == "map" else families.kernel(wrong)


def node_is(op: str, kind: dtype, node: Expr) -> bool:
    """Whether a node is a function of operands of a dtype."""
    return node.op == op and (node.args[0].dtype if node.args else node.dtype) is kind


def _changed(op: str, change: Change, variant: str, node: Expr) -> Expr | None:
    wanted = by_name(variant)
    if not node_is(op, wanted, node) and not (op == "cast" and node.op == "cast" and node.dtype is wanted):
        return None
    return change(node)


def _planted(op: str, change: Change, variant: str) -> Misrendered:
    return Misrendered(functools.partial(_changed, op, change, variant))


def rendered(
    name: str, kind: str, op: str, change: Change, variants: Sequence[str] = FLOATS, says: str = ""
) -> Operator:
    """An operator that spells one scalar function wrong, in the operands' dtype that each variant names."""
    return Operator(
        f"{name}/{op}", kind, "source", says or f"{op} is rendered {name.replace('-', ' ')}", ("map",), tuple(variants),
        functools.partial(_planted, op, change),
    )  # fmt: skip


def anywhere(name: str, kind: str, change: Change, says: str, home: Sequence[str] = ("map",)) -> Operator:
    """An operator that changes nodes wherever they are."""
    return Operator(name, kind, "source", says, tuple(home), ("all",), lambda _: Misrendered(change))


def each_of(*groups: Iterator[Operator] | Sequence[Operator]) -> Iterator[Operator]:
    """One after another."""
    for group in groups:
        yield from group
