"""``scan``: running values along rows; a chunk of a row starts from the totals of the chunks before it."""

from __future__ import annotations

from hotplug.backend import Kernel, OpKey
from hotplug.backend.render import OPENCL, Source
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.frame import Frame
from hotplug.backends.opencl.program import Program
from hotplug.backends.opencl.reduce import accumulator, combine, identity
from hotplug.backends.opencl.staged import Rows, Staged, staged_text
from hotplug.backends.opencl.text import advance, pointers

_SHORTEST = 1024


def scan(device: Device, key: OpKey) -> Kernel:
    """The first stage totals the chunks, the second runs through each of them."""
    source, frame = Source(OPENCL), Frame(key)
    rows = Rows(device, frame, 1, _SHORTEST)
    target, kind = key.dtypes
    total = accumulator(device, key.mode, kind)
    index, axis, kept = frame.index, key.rank - 1, range(key.rank - 1)
    element = source.convert(source.load(kind, f"q[at * {frame.stride(1, axis)}]"), kind.compute, total)
    take = f"total = {combine(source, key.mode, total, 'total', 'value')};"
    each = f"for ({index} at = begin; at < end; ++at)"
    value = f"const {source.type(total)} value = {element};"
    row = [*advance(frame, 2), *frame.unravel("row", 1, kept, "c")]
    row += [
        f"const __global {source.stored(kind)} *q = p1 + {frame.position(1, kept, 'c')};",
        f"{source.type(total)} total = {source.literal(identity(key.mode, total), total)};",
    ]
    store = source.store(target, f"p0[at * {frame.stride(0, axis)}]", "total", total)
    run = [f"p0 += {frame.position(0, kept, 'c')};", f"{each} {{ {value} {take} {store} }}"]
    before = combine(source, key.mode, total, "total", f"scratch[row * {rows.chunks} + k]")
    whole = [*rows.each(), *row, *rows.all_of_row(), *run]
    partial = [*rows.each_chunk(), *row, *rows.part_of_row(), f"{each} {{ {value} {take} }}", "scratch[item] = total;"]
    finish = [*rows.each_chunk(), *row, *rows.part_of_row()]
    finish += [f"for ({index} k = 0; k < part; ++k) total = {before};", *run]
    scratch = f"__global {source.stored(total)} *scratch"
    text = staged_text(pointers(source, 1, key.dtypes), scratch, whole, partial, finish)
    program = Program(device, "scan", frame, source, text, 3)
    return Staged(program, 2, rows, total.itemsize, finish_by_chunk=True)
