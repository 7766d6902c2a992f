"""``map``: on a GPU a work-item an element; on a processor a work-item many."""

from __future__ import annotations

from hotplug.backend import Kernel, OpKey
from hotplug.backend.render import OPENCL, Source
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.frame import Frame
from hotplug.backends.opencl.loops import loops, moved
from hotplug.backends.opencl.program import Program, Single
from hotplug.backends.opencl.text import advance, indented, pointers, raw


def map_(device: Device, key: OpKey) -> Kernel:
    """The kernel of a key."""
    return loops(device, key) if device.is_processor else by_element(device, key)


def by_element(device: Device, key: OpKey) -> Kernel:
    """Loads, the program's statements, then the stores: so an output may be an input."""
    outs = len(key.program)
    program, kinds = key.program, key.dtypes
    if all(root.op == "input" for root in program):
        program, kinds = moved(program), tuple(raw(kind) for kind in kinds)
    source, frame = Source(OPENCL), Frame(key)
    body = [f"const {frame.index} i = ({frame.index})get_global_id(0);", f"if (i >= {frame.count(0)}) return;"]
    axes = range(key.rank)
    if "strided" in key.layouts:
        body += frame.unravel("i", 0, axes, "c")
    at = {"contiguous": "i", "broadcast": "0"}
    places = [at.get(each) or frame.position(n, axes, "c") for n, each in enumerate(key.layouts)]
    body += advance(frame, len(kinds))
    values = []
    for position in range(outs, len(kinds)):
        kind = kinds[position]
        body.append(f"const {source.type(kind)} x{position} = {source.load(kind, f'p{position}[{places[position]}]')};")
        values.append(f"x{position}")
    rendered = source.render(program, values, frame.scalars(program), "i")
    body += rendered.statements
    for position, (root, value) in enumerate(zip(program, rendered.values, strict=True)):
        body.append(source.store(kinds[position], f"p{position}[{places[position]}]", value, root.dtype))
    text = f"__kernel void hp_map(HP_FRAME, {pointers(source, outs, kinds)}) {{\n{indented(body)}}}"
    built = Program(device, "map", frame, source, text, len(kinds))
    return Single(built, built.launcher("hp_map", len(kinds), device.light), lambda layouts: layouts[0].numel)
