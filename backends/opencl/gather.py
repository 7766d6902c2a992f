"""``gather``: on a GPU a work-item an element of the output; on a processor a work-item a stretch of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, final

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backend.render import OPENCL, Source
from hotplug.backends.opencl import fault
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.frame import Frame, Layouts
from hotplug.backends.opencl.loops import SAFE, Form, split_of, stretches
from hotplug.backends.opencl.program import Program, Single
from hotplug.backends.opencl.text import advance, indented, pointers, raw

_LONG: Final = 32
_MANY_PLANS: Final = 4096
_CODE: Final = fault.OPERATIONS.index("gather")


def by_element(device: Device, key: OpKey) -> Kernel:
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
        f"if (!inside) hp_fail(fault, {_CODE}, at, {size});",
        f"p0[{frame.position(0, axes, 'c')}] = inside ? p1[{place}] : 0;",
    ]
    parameters = f"HP_FRAME, {pointers(source, 1, kinds)}, {fault.PARAMETER}"
    text = f"{fault.SOURCE}\n__kernel void hp_gather({parameters}) {{\n{indented(body)}}}"
    program = Program(device, "gather", frame, source, text, 4)
    launch = program.launcher("hp_gather", 4, device.light)
    return Single(program, launch, lambda layouts: layouts[0].numel, checks=True)


def _form_of(key: OpKey, layouts: Layouts) -> Form:
    """Along an axis whose elements share an index and lie side by side, if there is one."""
    out, source, index = layouts

    def score(axis: int) -> tuple[int, int, int]:
        dense = 2 * (out.strides[axis] == 1) + (axis != key.axis and source.strides[axis] == 1)
        return min(out.shape[axis], _LONG), 2 * dense + (axis != key.axis and index.strides[axis] == 0), axis

    axis = max(range(key.rank), key=score)
    steps = [each.strides[axis] for each in layouts]
    return Form(axis, tuple(step if step in (0, 1) else 2 for step in steps), -1)


def _text(key: OpKey, form: Form, source: Source, frame: Frame, units: int) -> str:
    """A stretch at a time; what is out of range is told once a stretch."""
    kinds = (raw(key.dtypes[0]), raw(key.dtypes[1]), key.dtypes[2])
    index, axis, size = frame.index, form.axis, frame.size(1, key.axis)
    others = [each for each in range(key.rank) if each != axis]
    lines = [*stretches(frame, form, lambda layouts: split_of(form, layouts, units)), *advance(frame, 3)]
    lines += [f"for ({index} row = row_begin; row < row_end; ++row) {{", *frame.unravel("row", 0, others, "c")]
    element = []
    for operand, step in enumerate(form.steps):
        const = "const " if operand else ""
        axes = [each for each in others if operand != 1 or each != key.axis]
        place = frame.position(operand, axes, "c")
        lines += [f"__global {const}{source.stored(kinds[operand])} *q{operand} = p{operand} + {place};"]
        stride = frame.stride(operand, axis)
        element.append("0" if step == 0 else "i" if step == 1 else f"i * {stride}")
    inside, hop = f"at >= 0 && at < {size}", frame.stride(1, key.axis)
    each = f"for ({index} i = begin; i < end; ++i)"
    if axis != key.axis and form.steps[2] == 0:
        lines += ["const long at = (long)q2[0];", f"if ({inside}) {{", f"q1 += ({index})at * {hop};"]
        lines += [f"{SAFE}\n{each} q0[{element[0]}] = q1[{element[1]}];"]
        lines += ["} else {", f"hp_fail(fault, {_CODE}, at, {size});", f"{each} q0[{element[0]}] = 0;", "}", "}"]
    else:
        along = "" if axis == key.axis else f" + {element[1]}"
        # The index is looked through first, so that the loop that moves is free of conditions.
        at = f"const long at = (long)q2[{element[2]}];"
        lines += ["long low = 0, high = 0;", f"{SAFE}\n{each} {{ {at} low = at < low ? at : low;"]
        lines += ["high = at > high ? at : high; }", f"if (low >= 0 && high < {size}) {{"]
        lines += [f"{SAFE}\n{each} q0[{element[0]}] = q1[({index})q2[{element[2]}] * {hop}{along}];", "} else {"]
        lines += [f"hp_fail(fault, {_CODE}, low < 0 ? low : high, {size});", f"{each} {{", at]
        lines += [f"q0[{element[0]}] = {inside} ? q1[({index})at * {hop}{along}] : 0;", "}", "}", "}"]
    parameters = f"HP_FRAME, {pointers(source, 1, kinds)}, {fault.PARAMETER}"
    return f"{fault.SOURCE}\n__kernel void hp_gather({parameters}) {{\n{indented(lines)}}}"


@final
class _Gather:
    """The kernel of a key on a processor; each form is a program, built when first needed."""

    def __init__(self, device: Device, key: OpKey) -> None:
        self._device: Final = device
        self._key: Final = key
        self._built: dict[Form, Single] = {}
        self._known: dict[Layouts, Single] = {}

    def _kernel(self, layouts: Layouts) -> Single:
        form, units = _form_of(self._key, layouts), self._device.units
        if form not in self._built:
            source, frame = Source(OPENCL), Frame(self._key)
            text = _text(self._key, form, source, frame, units)
            program = Program(self._device, "gather", frame, source, text, 4)
            launch = program.launcher("hp_gather", 4, self._device.tiles)
            self._built[form] = Single(program, launch, lambda all_: split_of(form, all_, units).items, checks=True)
        if len(self._known) >= _MANY_PLANS:
            self._known.clear()
        found = self._known[layouts] = self._built[form]
        return found

    def __call__(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        layouts = tuple([array.layout for array in (*outs, *inputs)])
        (self._known.get(layouts) or self._kernel(layouts))(outs, inputs, scalars)


def gather(device: Device, key: OpKey) -> Kernel:
    """The kernel of a key."""
    return _Gather(device, key) if device.is_processor and key.rank else by_element(device, key)
