"""Where Hotplug and PyTorch differ: the one list, each with its reason.  An entry that no longer differs is an error."""

from __future__ import annotations

import fnmatch
import re
from typing import Final, NamedTuple

from parity.cells import Cell


class Difference(NamedTuple):
    """Cells that differ in a known way.

    Attributes:
        ops: names in the op table, separated by spaces; every one of them must differ somewhere.
        where: pattern of ``form/dtype/layout/sample``, as a shell would match it.
        message: regular expression for how the cell differs.
        reason: why it stays.
        full: whether only the run with all dtypes meets it.
    """

    ops: str
    where: str
    message: str
    reason: str
    full: bool = False


OWN: Final[dict[str, str]] = {}
"""Public ops that PyTorch does not have, and what they are for."""

KNOWN: Final[tuple[Difference, ...]] = ()


def find(cell: Cell, message: str) -> Difference | None:
    """The entry for a cell that differs."""
    where = f"{cell.form}/{cell.dtype}/{cell.layout}/{cell.sample}"
    for entry in KNOWN:
        if cell.op in entry.ops.split() and fnmatch.fnmatchcase(where, entry.where) and re.search(entry.message, message):
            return entry
    return None


def of(op: str, full: bool) -> list[Difference]:
    """The entries that a run over an op must meet."""
    return [entry for entry in KNOWN if op in entry.ops.split() and (full or not entry.full)]
