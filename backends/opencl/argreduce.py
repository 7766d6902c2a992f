"""``argreduce``: the position of the first extremum of each row; a NaN counts as one."""

from __future__ import annotations

from collections.abc import Callable

from hotplug.backend import Kernel, OpKey
from hotplug.backend.render import OPENCL, Source
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.dialect import source_of
from hotplug.backends.opencl.frame import Frame
from hotplug.backends.opencl.lanes import LANES, Lanes, Meaning
from hotplug.backends.opencl.loops import UNROLLED
from hotplug.backends.opencl.program import Program
from hotplug.backends.opencl.reduce import combine, identity
from hotplug.backends.opencl.staged import Rows, Staged, staged_text
from hotplug.backends.opencl.text import advance, pointers
from hotplug.backends.opencl.trees import Trees

_SHORTEST = 2048
_BLOCK = 1024


def _meaning(device: Device, key: OpKey) -> Meaning:
    """A state is the best value and its place, -1 before there is one; for the kernels of processors."""
    source, frame, kind = source_of(device), Frame(key), key.dtypes[1]
    sign = ">" if key.mode == "argmax" else "<"

    def take(lane: str, element: Callable[[int], str], _: str, place: str) -> list[str]:
        v, at = f"v{lane}", f"at{lane}"
        return [
            f"const {source.type(kind)} value = {source.load(kind, element(1))};",
            f"const bool better = ({at} < 0) | (value {sign} {v}) | ((value != value) & ({v} == {v}));",
            f"{v} = better ? value : {v}; {at} = better ? {place} : {at};",
        ]

    def join(lane: str, other: str) -> list[str]:
        v, at, w, there = f"v{lane}", f"at{lane}", f"v{other}", f"at{other}"
        equal = f"({w} == {v} || ({w} != {w} && {v} != {v})) && {there} < {at}"
        beats = f"{at} < 0 || {w} {sign} {v} || ({w} != {w} && {v} == {v}) || ({equal})"
        return [f"if ({there} >= 0 && ({beats})) {{ {v} = {w}; {at} = {there}; }}"]

    def stretch(element: Callable[[int], str]) -> list[str]:
        """The extremum of a block by running values; only where it is a better one, where it stands."""
        mode = key.mode[3:]
        start = source.literal(identity(mode, kind.compute), kind.compute)
        value = f"const {source.type(kind)} value = {source.load(kind, element(1))};"
        taken = f"{value} m[k] = {combine(source, mode, kind.compute, 'm[k]', 'value')};"
        same = "((value == wanted) | ((value != value) & (wanted != wanted)))"
        index, joined = frame.index, combine(source, mode, kind.compute, "m[k]", "m[k + h]")
        return [
            f"for ({index} base = begin, stop; base < end; base = stop) {{",
            f"stop = end - base < {_BLOCK} ? end : base + {_BLOCK};",
            f"{source.stored(kind.compute)} m[{LANES}];",
            f"for (int k = 0; k < {LANES}; ++k) m[k] = {start};",
            f"{index} j = base;",
            f"for (; j + {LANES} <= stop; j += {LANES}) {{",
            UNROLLED,
            f"for (int k = 0; k < {LANES}; ++k) {{ const {index} i = j + k; {taken} }}",
            "}",
            f"for (int k = 0; k < stop - j; ++k) {{ const {index} i = j + k; {taken} }}",
            f"for (int h = {LANES // 2}; h > 0; h /= 2) for (int k = 0; k < h; ++k) m[k] = {joined};",
            f"if (at[0] < 0 || m[0] {sign} v[0] || (m[0] != m[0] && v[0] == v[0])) {{",
            f"    const {source.type(kind)} wanted = m[0];",
            f"    {index} s = base;",
            f"    for (; s + {LANES} <= stop; s += {LANES}) {{",
            "        int hits = 0;\n#pragma clang loop vectorize(enable)",
            f"        for (int k = 0; k < {LANES}; ++k) {{ const {index} i = s + k; {value} hits += {same}; }}",
            "        if (hits) break;",
            "    }",
            f"    for ({index} i = s; i < stop; ++i) {{",
            f"        {value}",
            f"        if ({same}) {{ v[0] = value; at[0] = i; break; }}",
            "    }",
            "}",
            "}",
        ]

    variables = [(source.stored(kind.compute), "v", "0"), (frame.index, "at", "-1")]
    return Meaning(
        source, frame, variables, take, join, lambda element, lane: f"{element} = at{lane};", 1, False, False, stretch
    )


def argreduce(device: Device, key: OpKey) -> Kernel:
    """The kernel of a key."""
    if device.is_processor:
        return Lanes(device, key, lambda: _meaning(device, key), 16)
    return Trees(device, key, _meaning(device, key), 16, lambda: _by_rows(device, key))


def _by_rows(device: Device, key: OpKey) -> Kernel:
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
