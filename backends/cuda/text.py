"""Pieces of kernel text that the families share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from hotplug.backend import dtypes
from hotplug.backend.render import Source
from hotplug.backends.cuda.frame import Frame
from hotplug.backends.cuda.header import THREADS
from hotplug.dtypes import dtype

_BITS: Final = {1: dtypes.uint8, 2: dtypes.uint16, 4: dtypes.uint32, 8: dtypes.uint64}


def raw(kind: dtype) -> dtype:
    """An unsigned integer of the same size: what moves values without looking at them."""
    return _BITS[kind.itemsize]


def pointers(source: Source, frame: Frame, outs: int, kinds: Sequence[dtype], used: Iterable[int] = ()) -> list[str]:
    """Statements that define the pointers ``p0, p1, ...``, outputs first; by default all of them."""
    lines = []
    for position in used or range(len(kinds)):
        stored = source.stored(kinds[position])
        stored = stored if position < outs else f"const {stored}"
        lines.append(f"{stored} *p{position} = {frame.pointer(position, stored)};")
    return lines


def kernel(name: str, body: Iterable[str], threads: int = THREADS) -> str:
    """A kernel's text."""
    return f"HP_KERNEL({threads}) {name}(HP_FRAME) {{\n{indented(body)}}}\n"


def item(frame: Frame, count: str, name: str = "i", threads: int = THREADS) -> list[str]:
    """Statements: a thread an item, numbered ``name``; the others return."""
    return [
        f"const hp_u64 {name}_ = (hp_u64)blockIdx.x * {threads} + threadIdx.x;",
        f"if ({name}_ >= (hp_u64){count}) return;",
        f"const {frame.index} {name} = ({frame.index}){name}_;",
    ]


def indented(statements: Iterable[str]) -> str:
    """The body of a kernel."""
    return "".join(f"    {statement}\n" for statement in statements)
