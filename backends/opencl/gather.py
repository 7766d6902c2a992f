"""``gather``: a work-item an element of the output."""

from __future__ import annotations

from hotplug.backend import Kernel, OpKey
from hotplug.backend.render import OPENCL, Source
from hotplug.backends.opencl import fault
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.frame import Frame
from hotplug.backends.opencl.program import Program, Single
from hotplug.backends.opencl.text import advance, indented, pointers, raw


def gather(device: Device, key: OpKey) -> Kernel:
    """Where the index is out of range, the output becomes 0 and the error word is set."""
    source, frame = Source(OPENCL), Frame(key)
    kinds = (raw(key.dtypes[0]), raw(key.dtypes[1]), key.dtypes[2])
    axes = range(key.rank)
    others = [axis for axis in axes if axis != key.axis]
    size = frame.size(1, key.axis)
    place = f"({frame.index})at * {frame.stride(1, key.axis)} + {frame.position(1, others, 'c')}"
    body = [
        f"const {frame.index} i = ({frame.index})get_global_id(0);",
        f"if (i >= {frame.count(0)}) return;",
        *advance(frame, 3),
        *frame.unravel("i", 0, axes, "c"),
        f"const long at = (long)p2[{frame.position(2, axes, 'c')}];",
        f"const bool inside = at >= 0 && at < {size};",
        f"if (!inside) hp_fail(fault, {fault.OPERATIONS.index('gather')}, at, {size});",
        f"p0[{frame.position(0, axes, 'c')}] = inside ? p1[{place}] : 0;",
    ]
    parameters = f"HP_FRAME, {pointers(source, 1, kinds)}, {fault.PARAMETER}"
    text = f"{fault.SOURCE}\n__kernel void hp_gather({parameters}) {{\n{indented(body)}}}"
    program = Program(device, "gather", frame, source, text, 4)
    launch = program.launcher("hp_gather", 4, device.light)
    return Single(program, launch, lambda layouts: layouts[0].numel, checks=True)
