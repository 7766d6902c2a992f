"""``reduce``: sums of float32 and float64 are kept in double, which costs nothing beside the memory's bandwidth."""

from __future__ import annotations

import math
from typing import Final

from hotplug.backend import Kernel, OpKey, dtypes
from hotplug.backend.render import Source
from hotplug.backends.cuda.device import Device
from hotplug.backends.cuda.dialect import CUDA
from hotplug.backends.cuda.frame import Frame
from hotplug.backends.cuda.program import Program
from hotplug.backends.cuda.staged import Parts, Rows, Staged, staged_text, swapped
from hotplug.backends.cuda.text import pointers
from hotplug.dtypes import dtype, iinfo

OPERATIONS: Final = {"sum": "add", "prod": "mul", "max": "maximum", "min": "minimum", "any": "or", "all": "and"}
_ON_BOOL: Final = {"sum": "or", "prod": "and", "max": "or", "min": "and", "any": "or", "all": "and"}


def accumulator(mode: str, kind: dtype) -> dtype:
    """The dtype in which values of a dtype are accumulated."""
    if mode in ("any", "all"):
        return dtypes.bool_
    if kind.kind == "f" and mode in ("sum", "prod") and kind.itemsize > 2:
        return dtypes.float64
    return kind.compute


def identity(mode: str, kind: dtype) -> object:
    """What changes no value."""
    if mode in ("sum", "any"):
        return 0
    if mode in ("prod", "all"):
        return 1
    if kind.kind == "f":
        return -math.inf if mode == "max" else math.inf
    if kind.kind == "b":
        return mode == "min"
    return iinfo(kind).min if mode == "max" else iinfo(kind).max


def combine(source: Source, mode: str, kind: dtype, left: str, right: str) -> str:
    """The two values' sum, product, ..., as an expression."""
    return source.apply((_ON_BOOL if kind.kind == "b" else OPERATIONS)[mode], kind, left, right)


def join(source: Source, mode: str, kind: dtype) -> str:
    """The definition of ``hp_join``."""
    name = source.type(kind)
    return f"HP_INLINE {name} hp_join({name} a, {name} b) {{ return {combine(source, mode, kind, 'a', 'b')}; }}\n"


def _accumulate(source: Source, frame: Frame, key: OpKey, kind: dtype, first: str, step: str) -> list[str]:
    """Statements that take elements of row ``row`` into ``total``."""
    index, rank = frame.index, key.rank
    reduced = range(rank - key.axis, rank)
    count = frame.word("length", lambda layouts: 1)  # known since the rows were split
    lines = ["#pragma unroll 4", f"for ({index} place = {first}; place < end; place += {step}) {{"]
    lines += frame.unravel("place", 1, reduced, "r")
    names = []
    for position, each in enumerate(key.dtypes[1:], 1):
        element = f"q{position}[{frame.position(position, reduced, 'r')}]"
        lines.append(f"const {source.type(each)} x{position} = {source.load(each, element)};")
        lines.append(f"(void)x{position};")  # a program need not read it
        names.append(f"x{position}")
    root = key.program[0]
    body = source.render([root], names, frame.scalars([root]), f"(row * {count} + place)")
    value = source.convert(body.values[0], root.dtype, kind)
    return [*lines, *body.statements, f"total = hp_join(total, {value});", "}"]


def reduce(device: Device, key: OpKey) -> Kernel:
    """The kernel of a key."""
    source, frame = Source(CUDA), Frame(key, extras=1)
    rows = Rows(device, frame, key, key.axis)
    kept = range(key.rank - key.axis)
    kind = accumulator(key.mode, key.program[0].dtype)
    taken = range(1, len(key.dtypes))
    load = pointers(source, frame, 1, key.dtypes, taken)
    for position in taken:
        stored = source.stored(key.dtypes[position])
        load.append(f"const {stored} *q{position} = p{position} + {frame.position(position, kept, 'c')};")
    store = source.store(key.dtypes[0], f"p0[{frame.position(0, kept, 'c')}]", "total", kind)
    parts = Parts(
        state=source.type(kind),
        start=f"total = {source.literal(identity(key.mode, kind), kind)};",
        setup=frame.unravel("row", 1, kept, "c"),
        accumulate=lambda first, step: [*load, *_accumulate(source, frame, key, kind, first, step)],
        finish=[*pointers(source, frame, 1, key.dtypes, [0]), store],
        functions=join(source, key.mode, kind) + swapped(source.type(kind)),
    )
    return Staged(Program(device, "reduce", frame, source, staged_text(rows, parts)), rows, kind.itemsize)
