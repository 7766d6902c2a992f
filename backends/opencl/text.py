"""Pieces of kernel text that the families share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from hotplug.backend import dtypes
from hotplug.backend.render import Source
from hotplug.backends.opencl.frame import Frame
from hotplug.dtypes import dtype

_BITS: Final = {1: dtypes.uint8, 2: dtypes.uint16, 4: dtypes.uint32, 8: dtypes.uint64}


def raw(kind: dtype) -> dtype:
    """An unsigned integer of the same size: what moves values without looking at them."""
    return _BITS[kind.itemsize]


def pointers(source: Source, outs: int, kinds: Iterable[dtype]) -> str:
    """The parameters ``p0, p1, ...`` of a kernel, outputs first."""
    return ", ".join(
        f"__global {'const ' if position >= outs else ''}{source.stored(kind)} *p{position}"
        for position, kind in enumerate(kinds)
    )


def advance(frame: Frame, count: int) -> list[str]:
    """Statements that move every pointer to its array's first element."""
    return [f"p{position} += {frame.offset(position)};" for position in range(count)]


def indented(statements: Iterable[str]) -> str:
    """The body of a kernel."""
    return "".join(f"    {statement}\n" for statement in statements)
