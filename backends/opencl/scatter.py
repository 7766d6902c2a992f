"""``scatter``: deterministic, without atomics.

A work-item owns every ``parts``-th place of a line of the output along the axis, and goes through the line's index in
order.  Lines never share an element; where they are few, more parts a line keep the device busy.
"""

from __future__ import annotations

import math
from typing import Final

from hotplug.backend import Kernel, OpKey
from hotplug.backend.render import OPENCL, Source
from hotplug.backends.opencl import fault
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.frame import Frame, Layouts
from hotplug.backends.opencl.program import Program, Single
from hotplug.backends.opencl.reduce import combine
from hotplug.backends.opencl.text import advance, indented, pointers, raw
from hotplug.dtypes import dtype

_MODES: Final = {"add": "sum", "mul": "prod", "min": "min", "max": "max"}
_MOST_PARTS: Final = 1024
_SHORT: Final = 64
"""A line with so few places or indices isn't worth a second part."""


def scatter(device: Device, key: OpKey) -> Kernel:
    """Where the index is out of range, the element is skipped and the error word is set."""
    source, frame = Source(OPENCL), Frame(key)
    kinds = _kinds(key)
    axis, index = key.axis, frame.index
    others = [each for each in range(key.rank) if each != axis]
    parts = frame.word(("parts",), lambda layouts: _parts(device, layouts, axis))
    shift = frame.word(("shift of parts",), lambda layouts: _parts(device, layouts, axis).bit_length() - 1)
    lines = frame.word(("lines",), lambda layouts: _lines(layouts, axis))
    size, step = frame.size(0, axis), frame.stride(0, axis)
    body = [
        f"const {index} i = ({index})get_global_id(0), line = i >> {shift}, part = i & ({parts} - 1);",
        f"if (line >= {lines}) return;",
        *advance(frame, 3),
        *frame.unravel("line", 1, others, "c"),
        *[f"p{operand} += {frame.position(operand, others, 'c')};" for operand in range(3)],
        f"for ({index} k = 0; k < {frame.size(1, axis)}; ++k) {{",
        f"    const long at = (long)p1[k * {frame.stride(1, axis)}];",
        f"    if (at < 0 || at >= {size}) {{",
        f"        hp_fail(fault, {fault.OPERATIONS.index('scatter')}, at, {size});",
        "        continue;",
        "    }",
        f"    if (((int)at & ({parts} - 1)) != part) continue;",
        f"    __global {source.stored(kinds[0])} *q = p0 + ({index})at * {step};",
        f"    {_update(source, key, kinds, f'p2[k * {frame.stride(2, axis)}]')}",
        "}",
    ]
    parameters = f"HP_FRAME, {pointers(source, 1, kinds)}, {fault.PARAMETER}"
    text = f"{fault.SOURCE}\n__kernel void hp_scatter({parameters}) {{\n{indented(body)}}}"
    program = Program(device, "scatter", frame, source, text, 4)
    launch = program.launcher("hp_scatter", 4, device.heavy)
    return Single(program, launch, lambda layouts: _lines(layouts, axis) * _parts(device, layouts, axis), checks=True)


def _kinds(key: OpKey) -> tuple[dtype, dtype, dtype]:
    target, index, values = key.dtypes
    return (raw(target), index, raw(values)) if key.mode == "set" else (target, index, values)


def _update(source: Source, key: OpKey, kinds: tuple[dtype, dtype, dtype], element: str) -> str:
    """Statements that bring one element of the source to its place ``q``."""
    target, _, values = kinds
    if key.mode == "set":
        return f"*q = {element};"
    kind = target.compute
    joined = combine(source, _MODES[key.mode], kind, "old", "value")
    return " ".join((
        f"const {source.type(kind)} old = {source.load(target, '*q')};",
        f"const {source.type(kind)} value = {source.convert(source.load(values, element), values.compute, kind)};",
        source.store(target, "*q", joined),
    ))  # fmt: skip


def _lines(layouts: Layouts, axis: int) -> int:
    shape = layouts[1].shape
    return math.prod(shape[:axis]) * math.prod(shape[axis + 1 :])


def _parts(device: Device, layouts: Layouts, axis: int) -> int:
    """A power of two; every part reads the whole index, so no more than keep the device busy."""
    busy = device.units if device.is_processor else 64 * device.units
    if min(layouts[0].shape[axis], layouts[1].shape[axis]) < _SHORT:
        return 1
    wanted = min(-(-busy // _lines(layouts, axis)), layouts[0].shape[axis], _MOST_PARTS)
    return 1 << (max(1, wanted).bit_length() - 1)
