"""``argreduce``: the position of the first extremum of each row; a NaN counts as one."""

from __future__ import annotations

from hotplug.backend import Kernel, OpKey
from hotplug.backend.render import Source
from hotplug.backends.cuda.device import Device
from hotplug.backends.cuda.dialect import CUDA
from hotplug.backends.cuda.frame import Frame
from hotplug.backends.cuda.program import Program
from hotplug.backends.cuda.staged import Parts, Rows, Staged, staged_text
from hotplug.backends.cuda.text import pointers


def _functions(value: str, compare: str) -> str:
    """A value and where it was found; position -1 stands for none."""
    return f"""
struct hp_found {{ {value} value; hp_i64 place; }};
HP_INLINE hp_found hp_join(hp_found a, hp_found b) {{
    if (b.place < 0) return a;
    if (a.place < 0) return b;
    const bool na = a.value != a.value, nb = b.value != b.value;
    if (na != nb) return na ? a : b;
    if (!na && a.value != b.value) return a.value {compare} b.value ? a : b;
    return a.place < b.place ? a : b;
}}
HP_INLINE hp_found hp_swapped(hp_found found, int mask) {{
    hp_found other;
    other.value = ({value})hp_swap(found.value, mask);
    other.place = hp_swap(found.place, mask);
    return other;
}}
"""


def argreduce(device: Device, key: OpKey) -> Kernel:
    """The kernel of a key."""
    source, frame = Source(CUDA), Frame(key, extras=1)
    rows = Rows(device, frame, key, 1)
    index, kind = frame.index, key.dtypes[1]
    kept, stride = range(key.rank - 1), frame.stride(1, key.rank - 1)
    value = source.type(kind)
    parts = Parts(
        state="hp_found",
        start="total.value = 0; total.place = -1;",
        setup=frame.unravel("row", 1, kept, "c"),
        accumulate=lambda first, step: [
            *pointers(source, frame, 1, key.dtypes, [1]),
            f"const {source.stored(kind)} *q = p1 + {frame.position(1, kept, 'c')};",
            f"for ({index} place = {first}; place < end; place += {step}) {{",
            f"const hp_found found = {{ {source.load(kind, f'q[place * {stride}]')}, (hp_i64)place }};",
            "total = hp_join(total, found);",
            "}",
        ],
        finish=[*pointers(source, frame, 1, key.dtypes, [0]), f"p0[{frame.position(0, kept, 'c')}] = total.place;"],
        functions=_functions(value, ">" if key.mode == "argmax" else "<"),
    )
    return Staged(Program(device, "argreduce", frame, source, staged_text(rows, parts)), rows, 16)
