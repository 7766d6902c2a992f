"""Calls that can't be right, made from the first sample of an op: each library must refuse those that the other does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
from parity import cells
from parity.cells import Cell, Run
from parity.matrix import dtypes_of

from hotplug.conformance.draw import Operand, Sample
from hotplug.conformance.samples import samples_of
from hotplug.dtypes import by_name

OUTSIDE: Final = (99, -99)
"""No dimension, size or count of any sample."""


def calls(name: str) -> Iterator[tuple[str, Cell, Sample]]:
    """What is wrong, the cell, and the arguments."""
    kinds = dtypes_of(name)
    cell = Cell(name, "function", "float32" if "float32" in kinds else kinds[0], "contiguous", 0)
    found = samples_of(name, by_name(cell.dtype).kind)
    if not found:
        return
    for what, sample in _mutants(found[0]):
        sample.gradient = False
        if sample.args or not name.endswith("_"):  # an op that writes needs what it writes to
            yield what, cell, sample


def _mutants(sample: Sample) -> Iterator[tuple[str, Sample]]:
    args, keywords = sample.args, sample.kwargs
    yield "no arguments", Sample()
    yield "unknown keyword", Sample(*args, **keywords, unheard_of=1)
    for place, value in enumerate(args):
        for what, other in _wrong(value, place):
            yield f"{what} for {place}", Sample(*args[:place], other, *args[place + 1 :], **keywords)
    for name, value in keywords.items():
        if isinstance(value, int) and not isinstance(value, bool):
            for number in OUTSIDE:
                yield f"{number} for {name}", Sample(*args, **{**keywords, name: number})


def _wrong(value: Any, place: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Operand):
        yield "text", "text"
        yield "None", None
        if value.dtype.startswith("int"):
            yield "index beyond", replace(value, values=np.full_like(value.values, 1000))
            yield "index before", replace(value, values=np.full_like(value.values, -1000))
        elif place and not value.dtype:
            yield "shape", replace(value, values=np.resize(value.values, (7, 11)))
    elif isinstance(value, int) and not isinstance(value, bool):
        for number in OUTSIDE:
            yield str(number), number


def compare(torch: Any, what: str, cell: Cell, sample: Sample) -> str:
    """:data:`cells.AGREES`, :data:`cells.WIDER`, or how the two differ.

    Of an argument of a wrong type it is only asked that both refuse: PyTorch raises TypeError, and Hotplug, which looks
    at no argument twice, that or the AttributeError of Python.
    """
    theirs, ours = cells.run_theirs(torch, cell, sample), cells.run_ours(cell, sample)
    if theirs.error is None and ours.error is None:
        return cells.AGREES
    if what.startswith(("text", "None")) and _both(ours, theirs):
        return cells.AGREES
    return cells.errors(ours.error, theirs.error)


def _both(ours: Run, theirs: Run) -> bool:
    return ours.error is not None and theirs.error is not None
