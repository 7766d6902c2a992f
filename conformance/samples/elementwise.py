"""Elementwise ops: operands from the range in the declaration, and keywords worth a sample of their own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from hotplug.conformance.draw import SPECIAL, Draw, Operand, Sample
from hotplug.declare import Entry

KEYWORDS: Final[dict[str, list[dict[str, Any]]]] = {
    "add": [{}, {"alpha": 2}],
    "sub": [{}, {"alpha": 2}],
    "rsub": [{}, {"alpha": 2}],
    "addcmul": [{}, {"value": 2}],
    "addcdiv": [{}, {"value": 2}],
    "round": [{}, {"decimals": 1}],
    "clamp": [{"min": -1, "max": 1}, {"min": 0}, {"max": 1}],
    "logit": [{}, {"eps": 0.2}],
    "nn.functional.leaky_relu": [{}, {"negative_slope": 0.2}],
    "nn.functional.elu": [{}, {"alpha": 0.5}],
    "nn.functional.celu": [{}, {"alpha": 0.5}],
    "nn.functional.gelu": [{}, {"approximate": "tanh"}],
    "nn.functional.softplus": [{}, {"beta": 2.0, "threshold": 3.0}],
    "nn.functional.hardtanh": [{}, {"min_val": -2.0, "max_val": 0.5}],
    "nn.functional.hardshrink": [{}, {"lambd": 1.0}],
    "nn.functional.softshrink": [{}, {"lambd": 1.0}],
}
"""Keyword arguments of the first sample, and of more like it."""

NUMBERS: Final = frozenset({"threshold", "value", "beta", "delta", "scale", "eps"})
"""Parameters that PyTorch takes as Python numbers only."""


_BROADCAST: Final = ((2, 1, 4), (3, 1), (4,))
_MIXED: Final = ((2, 3), (), (2, 1))


def operands(entry: Entry) -> list[str]:
    """The parameters that need a value."""
    return [name for name, each in entry.signature.parameters.items() if each.default is each.empty]


def automatic(entry: Entry, draw: Draw) -> Iterator[Sample]:
    """Same shapes, broadcast ones, a number, 0-d, empty, and special values."""
    names = operands(entry)
    variants = KEYWORDS.get(_key(entry), [{}])
    for keywords in variants:
        yield Sample(*_of(entry, draw, [(2, 3, 4)] * len(names)), **_fitting(draw, keywords))
    base = _fitting(draw, variants[0])
    yield Sample(*_of(entry, draw, [()] * len(names)), **base)
    yield Sample(*_of(entry, draw, [(0, 3)] * len(names)), **base)
    free = [name for name in names if name not in NUMBERS]
    if len(free) > 1:
        yield Sample(*_of(entry, draw, list(itertools.islice(itertools.cycle(_BROADCAST), len(names)))), **base)
        yield Sample(*_of(entry, draw, list(itertools.islice(itertools.cycle(_MIXED), len(names)))), **base)
        boolean = getattr(entry.function, "boolean", ())
        if names[-1] not in boolean and free[-1] == names[-1]:
            low, high = entry.sample
            given = _of(entry, draw, [(2, 5)] * (len(names) - 1))
            number = draw.number(low, high)
            takes_tensors = names[-1] in getattr(entry.function, "tensors", ())
            yield Sample(*given, draw.of(number) if takes_tensors else number, **base)
    if draw.kind == "f" and len(free) <= 2:
        yield Sample(*_special(entry, draw, names), **base).forward()


def _key(entry: Entry) -> str:
    return f"{entry.namespace}.{entry.name}" if entry.namespace else entry.name


def _fitting(draw: Draw, keywords: dict[str, Any]) -> dict[str, Any]:
    """Keywords that the kind under test allows: no negative bounds for unsigned integers."""
    return {
        name: abs(value) if draw.kind == "u" and isinstance(value, int) and not isinstance(value, bool) else value
        for name, value in keywords.items()
    }


def _of(entry: Entry, draw: Draw, shapes: list[tuple[int, ...]]) -> list[Any]:
    low, high = entry.sample
    boolean = getattr(entry.function, "boolean", ())
    made: list[Any] = []
    for name, shape in zip(operands(entry), shapes, strict=False):
        if name in NUMBERS:
            made.append(draw.number(max(low, 0.5), high))
        else:
            made.append(draw.mask(*shape) if name in boolean else draw(*shape, low=low, high=high))
    return made


def _special(entry: Entry, draw: Draw, names: list[str]) -> list[Any]:
    values = np.asarray(SPECIAL)
    grids = np.meshgrid(values, values, indexing="ij")
    boolean = getattr(entry.function, "boolean", ())
    made: list[Any] = []
    tensors = 0
    count = sum(name not in NUMBERS for name in names)
    for name in names:
        if name in NUMBERS:
            made.append(1.0)
        elif name in boolean:
            made.append(Operand(grids[tensors].reshape(-1) > 0, "bool"))
            tensors += 1
        else:
            made.append(Operand(values if count == 1 else grids[tensors].reshape(-1)))
            tensors += 1
    return made
