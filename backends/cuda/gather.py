"""``gather``: a thread an element of the output."""

from __future__ import annotations

from hotplug.backend import Kernel, OpKey
from hotplug.backend.render import Source
from hotplug.backends.cuda import fault
from hotplug.backends.cuda.device import Device
from hotplug.backends.cuda.dialect import CUDA
from hotplug.backends.cuda.frame import Frame
from hotplug.backends.cuda.program import Program, Single
from hotplug.backends.cuda.text import item, kernel, pointers, raw


def gather(device: Device, key: OpKey) -> Kernel:
    """Where the index is out of range, the output becomes 0 and the error word is set."""
    source, frame = Source(CUDA), Frame(key, extras=1)
    kinds = (raw(key.dtypes[0]), raw(key.dtypes[1]), key.dtypes[2])
    axes = range(key.rank)
    others = [axis for axis in axes if axis != key.axis]
    size = frame.size(1, key.axis)
    place = f"({frame.index})at * {frame.stride(1, key.axis)} + {frame.position(1, others, 'c')}"
    body = [
        *item(frame, frame.count(0)),
        *frame.unravel("i", 0, axes, "c"),
        *pointers(source, frame, 1, kinds),
        f"const hp_i64 at = (hp_i64)p2[{frame.position(2, axes, 'c')}];",
        f"const bool inside = at >= 0 && at < {size};",
        f"if (!inside) hp_fail({frame.extra(0, 'hp_fault_t')}, {fault.OPERATIONS.index('gather')}, at, {size});",
        f"p0[{frame.position(0, axes, 'c')}] = inside ? p1[{place}] : ({source.stored(kinds[1])})0;",
    ]
    program = Program(device, "gather", frame, source, kernel("hp_gather", body))
    return Single(program, program.launcher("hp_gather"), lambda layouts: layouts[0].numel, checks=True)
