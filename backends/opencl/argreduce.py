"""``argreduce``: the position of the first extremum of each row; a NaN counts as one."""

from __future__ import annotations

from hotplug.backend import Kernel, OpKey
from hotplug.backend.render import OPENCL, Source
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.frame import Frame
from hotplug.backends.opencl.program import Program
from hotplug.backends.opencl.staged import Rows, Staged, staged_text
from hotplug.backends.opencl.text import advance, pointers

_SHORTEST = 2048


def argreduce(device: Device, key: OpKey) -> Kernel:
    """A chunk's partial result is a position; the last stage looks at the chunks' winners again."""
    source, frame = Source(OPENCL), Frame(key)
    rows = Rows(device, frame, 1, _SHORTEST)
    index, kind = frame.index, key.dtypes[1]
    kept = range(key.rank - 1)
    step = frame.stride(1, key.rank - 1)
    better = f"value {'>' if key.mode == 'argmax' else '<'} best || (value != value && best == best)"
    row = [*advance(frame, 2), *frame.unravel("row", 1, kept, "c")]
    row += [f"const __global {source.stored(kind)} *q = p1 + {frame.position(1, kept, 'c')};"]

    def first(place: str) -> list[str]:
        found = source.load(kind, f"q[{place} * {step}]")
        return [f"{index} winner = {place};", f"{source.type(kind)} best = {found};"]

    def compare(place: str) -> str:
        found = source.load(kind, f"q[{place} * {step}]")
        return f"const {source.type(kind)} value = {found}; if ({better}) {{ best = value; winner = {place}; }}"

    scan = [*first("begin"), f"for ({index} at = begin + 1; at < end; ++at) {{ {compare('at')} }}"]
    store = f"p0[{frame.position(0, kept, 'c')}] = winner;"
    whole = [*rows.each(), *row, *rows.all_of_row(), *scan, store]
    # A chunk behind the end of its row is empty, and says so.
    partial = [*rows.each_chunk(), *row, *rows.part_of_row()]
    partial += ["if (begin >= end) { scratch[item] = -1; return; }", *scan, "scratch[item] = winner;"]
    finish = [*rows.each(), *row, f"const {index} head = row * {rows.chunks};"]
    finish += [f"const {index} zero = ({index})scratch[head];", *first("zero")]
    finish += [f"for ({index} k = 1; k < {rows.chunks}; ++k) {{", f"    const {index} at = ({index})scratch[head + k];"]
    finish += ["    if (at < 0) break;", f"    {compare('at')}", "}", store]
    text = staged_text(pointers(source, 1, key.dtypes), "__global long *scratch", whole, partial, finish)
    return Staged(Program(device, "argreduce", frame, source, text, 3), 2, rows, 8)
