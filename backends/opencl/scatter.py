"""``scatter``: in order, or with atomics.

In order, on GPUs, a work-item owns every ``parts``-th place of a line of the output along the axis, and goes through the
line's index from its start; on processors it has a stretch of neighbouring lines, and goes through their index together.
So the result never depends on which work-item comes first.  Lines never share an element.

With atomics, a work-item brings one element of the source to its place.  That is used on GPUs for long lines where any
order gives the same bits (integers, and extrema); and for floating sums and products if HOTPLUG_OPENCL_SCATTER is
``atomic``.  OpenCL 1.2 has no atomics of floating numbers: a word is compared and swapped until nobody came in between.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, final

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backend.render import OPENCL, Source
from hotplug.backends.opencl import fault
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.frame import Frame, Layouts
from hotplug.backends.opencl.hardware import ATOMIC
from hotplug.backends.opencl.loops import SAFE, Form, Split, split_of, stretches
from hotplug.backends.opencl.program import Launcher, Plans, Program
from hotplug.backends.opencl.reduce import combine
from hotplug.backends.opencl.text import advance, indented, pointers, raw
from hotplug.dtypes import dtype
from hotplug.layout import layout_of

_MODES: Final = {"add": "sum", "mul": "prod", "min": "min", "max": "max"}
_MOST_PARTS: Final = 1024
_SHORT: Final = 64
"""A line with so few places or indices isn't worth a second part, nor atomics."""
_SIDE: Final = 16
"""So many neighbouring lines are worth a loop."""
_CODE: Final = fault.OPERATIONS.index("scatter")


class Work(NamedTuple):
    """How much there is to do."""

    lines: int
    parts: int
    elements: int
    length: int
    stretch: int
    """The axis along which lines are neighbours, or -1."""
    shared: bool
    """Whether neighbouring lines have one index."""


@final
class _Text:
    """The text of the kernels of one key."""

    def __init__(self, device: Device, key: OpKey) -> None:
        self.key: Final = key
        self.units: Final = device.units
        self.processor: Final = device.is_processor
        self.source: Final = Source(OPENCL)
        self.frame: Final = Frame(key)
        target, index, values = key.dtypes
        self.kinds: Final = (raw(target), index, raw(values)) if key.mode == "set" else (target, index, values)
        self.others: Final = [each for each in range(key.rank) if each != key.axis]

    def work(self, layouts: Layouts) -> Work:
        """A power of two of parts; every part reads the whole index, so no more than keep the device busy."""
        axis, shape = self.key.axis, layouts[1].shape
        lines, length = math.prod(shape[:axis]) * math.prod(shape[axis + 1 :]), shape[axis]
        busy, parts = self.units if self.processor else 64 * self.units, 1
        if min(layouts[0].shape[axis], length) >= _SHORT:
            wanted = min(-(-busy // lines), layouts[0].shape[axis], _MOST_PARTS)
            parts = 1 << (max(1, wanted).bit_length() - 1)
        near = [at for at in self.others if shape[at] >= _SIDE and layouts[0].strides[at] == 1]
        stretch = near[0] if near and self.processor else -1
        return Work(lines, parts, layouts[1].numel, length, stretch, stretch >= 0 and not layouts[1].strides[stretch])

    def split(self, form: Form, layouts: Layouts) -> Split:
        """How lines are dealt out to work-items."""
        shape = layouts[1].shape
        lines = layout_of(layouts[1].dtype, (*shape[: self.key.axis], 1, *shape[self.key.axis + 1 :]))
        return split_of(form, (lines,), self.units, 64)

    def place(self, element: str, size: str) -> list[str]:
        """Statements that define ``at``, and tell where it is out of range; the block stays open."""
        return [
            f"const long at = (long)p1[{element}];",
            f"if (at < 0 || at >= {size}) {{",
            f"    hp_fail(fault, {_CODE}, at, {size});",
        ]

    def ordered(self) -> str:
        """The kernel of a work-item a part of a line."""
        frame, axis, index = self.frame, self.key.axis, self.frame.index
        parts = frame.word(("parts",), lambda layouts: self.work(layouts).parts)
        shift = frame.word(("shift of parts",), lambda layouts: self.work(layouts).parts.bit_length() - 1)
        lines = frame.word(("lines",), lambda layouts: self.work(layouts).lines)
        body = [
            f"const {index} i = ({index})get_global_id(0), line = i >> {shift}, part = i & ({parts} - 1);",
            f"if (line >= {lines}) return;",
            *advance(frame, 3),
            *frame.unravel("line", 1, self.others, "c"),
            *[f"p{operand} += {frame.position(operand, self.others, 'c')};" for operand in range(3)],
            f"for ({index} k = 0; k < {frame.size(1, axis)}; ++k) {{",
            *self.place(f"k * {frame.stride(1, axis)}", frame.size(0, axis)),
            "    continue;",
            "}",
            f"if (((int)at & ({parts} - 1)) != part) continue;",
            f"__global {self.source.stored(self.kinds[0])} *q = p0 + ({index})at * {frame.stride(0, axis)};",
            self._update("*q", f"p2[k * {frame.stride(2, axis)}]"),
            "}",
        ]
        return self._kernel("hp_ordered", body)

    def together(self, form: Form, shared: bool) -> str:
        """The kernel of a work-item a stretch of neighbouring lines, of which ``shared`` have one index."""
        frame, axis, index = self.frame, self.key.axis, self.frame.index
        others = [each for each in self.others if each != form.axis]
        steps = [frame.stride(operand, form.axis) for operand in (1, 2)]
        value = "r[i]" if form.steps[2] == 1 else f"r[i * {steps[1]}]"
        values = f"__global const {self.source.stored(self.kinds[2])} *r = p2 + {frame.position(2, others, 'c')}"
        body = [
            *stretches(frame, form, lambda layouts: self.split(form, layouts)), *advance(frame, 3),
            f"for ({index} row = row_begin; row < row_end; ++row) {{", *frame.unravel("row", 1, others, "c"),
            f"for ({index} k = 0; k < {frame.size(1, axis)}; ++k) {{",
            f"__global {self.source.stored(self.kinds[0])} *q = p0 + {frame.position(0, others, 'c')};",
            f"{values} + k * {frame.stride(2, axis)};",
        ]  # fmt: skip
        start = f"{frame.position(1, others, 'c')} + k * {frame.stride(1, axis)}"
        each, hop = f"for ({index} i = begin; i < end; ++i) {{", f"({index})at * {frame.stride(0, axis)}"
        if shared:
            body += [*self.place(start, frame.size(0, axis)), "    continue;", "}", f"q += {hop};"]
            body += [SAFE, each, self._update("q[i]", value), "}"]
        else:
            body += [each, *self.place(f"{start} + i * {steps[0]}", frame.size(0, axis)), "    continue;", "}"]
            body += [self._update(f"q[{hop} + i]", value), "}"]
        return self._kernel("hp_together", [*body, "}", "}"])

    def _value(self, element: str) -> str:
        values, kind = self.kinds[2], self.kinds[0].compute
        return self.source.convert(self.source.load(values, element), values.compute, kind)

    def _update(self, place: str, element: str) -> str:
        """Statements that bring one element of the source to its place."""
        if self.key.mode == "set":
            return f"{place} = {element};"
        target, kind, source = self.kinds[0], self.kinds[0].compute, self.source
        return " ".join((
            f"const {source.type(kind)} old = {source.load(target, place)};",
            f"const {source.type(kind)} value = {self._value(element)};",
            source.store(target, place, combine(source, _MODES[self.key.mode], kind, "old", "value")),
        ))  # fmt: skip

    def atomic(self) -> str:
        """The kernel of a work-item an element."""
        frame, key, source, index = self.frame, self.key, self.source, self.frame.index
        axes, target, kind = range(key.rank), self.kinds[0], self.kinds[0].compute
        wide = target.itemsize == 8
        function = _ATOMIC.format(
            name=source.type(kind), stored=source.stored(target), loaded=source.load(target, "part.v[which]"),
            stores=source.store(target, "part.v[which]", combine(source, _MODES[key.mode], kind, "old", "value")),
            word="ulong" if wide else "uint", count=1 if wide else 4 // target.itemsize,
            swap="atom_cmpxchg" if wide else "atomic_cmpxchg",
        )  # fmt: skip
        place = f"({index})at * {frame.stride(0, key.axis)} + {frame.position(0, self.others, 'c')}"
        body = [
            f"const {index} i = ({index})get_global_id(0);",
            f"if (i >= {frame.count(1)}) return;",
            *advance(frame, 3),
            *frame.unravel("i", 1, axes, "c"),
            *self.place(frame.position(1, axes, "c"), frame.size(0, key.axis)),
            "    return;",
            "}",
            f"hp_bring(p0 + ({place}), {self._value(f'p2[{frame.position(2, axes, chr(99))}]')});",
        ]
        extension = "#pragma OPENCL EXTENSION cl_khr_int64_base_atomics : enable\n" if wide else ""
        return extension + function + self._kernel("hp_atomic", body)

    def _kernel(self, name: str, body: Sequence[str]) -> str:
        parameters = f"HP_FRAME, {pointers(self.source, 1, self.kinds)}, {fault.PARAMETER}"
        return f"__kernel void {name}({parameters}) {{\n{indented(body)}}}\n"


_ATOMIC: Final = """
// An element is read, joined and written back as part of the word that holds it, until nobody came in between.
static inline void hp_bring(__global {stored} *place, {name} value) {{
    union {{ {word} bits; {stored} v[{count}]; }} part;
    volatile __global {word} *word = (volatile __global {word} *)((size_t)place & ~(sizeof({word}) - 1));
    const int which = (int)(place - (__global {stored} *)word);
    {word} found = *word, expected;
    do {{
        expected = found;
        part.bits = expected;
        const {name} old = {loaded};
        {stores}
        found = {swap}(word, expected, part.bits);
    }} while (found != expected);
}}
"""


def atomic_by_default(mode: str, kind: dtype) -> bool:
    """Whether work-items may come in any order without another result."""
    return mode in ("min", "max") or (mode in ("add", "mul") and kind.kind != "f")


@final
class Scatter:
    """The kernel of the contract; where the index is out of range, the element is skipped and the error word is set."""

    def __init__(self, device: Device, key: OpKey) -> None:
        text = _Text(device, key)
        free = not device.is_processor and atomic_by_default(key.mode, key.dtypes[0])
        free = (free or (ATOMIC and key.mode != "set")) and _swaps(device, key.dtypes[0])
        kernels = fault.SOURCE + text.ordered() + (text.atomic() if free else "")
        program = Program(device, "scatter", text.frame, text.source, kernels, 4)
        self._device: Final = device
        self._key: Final = key
        self._program: Final = program
        self._plans: Final = Plans(program.packer, text.work)
        self._ordered: Final = program.launcher("hp_ordered", 4, device.heavy)
        self._atomic: Final = program.launcher("hp_atomic", 4, device.light) if free else None
        self._together: dict[tuple[Form, bool], tuple[Launcher, Plans[Split], Program]] = {}

    def _stretched(self, layouts: Layouts, work: Work) -> tuple[Launcher, Plans[Split], Program]:
        """The kernel of neighbouring lines of one form, built when first needed."""
        steps = [each.strides[work.stretch] for each in layouts]
        form = Form(work.stretch, tuple(step if step == 1 else 2 for step in steps), -1)
        found = self._together.get((form, work.shared))
        if found is None:
            text, device = _Text(self._device, self._key), self._device
            kernel = fault.SOURCE + text.together(form, work.shared)
            program = Program(device, "scatter", text.frame, text.source, kernel, 4)
            plans = Plans(program.packer, lambda layouts: text.split(form, layouts))
            found = program.launcher("hp_together", 4, device.tiles), plans, program
            self._together[form, work.shared] = found
        return found

    def __call__(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        arrays = (*outs, *inputs)
        words, work = self._plans.of(arrays)
        launch, program, items = self._ordered, self._program, work.lines * work.parts
        if self._atomic is not None and (work.length >= _SHORT or ATOMIC):
            launch, items = self._atomic, work.elements
        elif work.stretch >= 0:
            launch, plans, program = self._stretched(tuple([array.layout for array in arrays]), work)
            words, split = plans.of(arrays)
            items = split.items
        frame = program.packer.pack([array.offset for array in arrays], words, scalars)
        memories = [array.storage.buffer.memory for array in arrays]
        with self._device.lock:
            memories.append(self._device.fault.memory)
            self._device.fault.armed = True
            launch(items, frame, memories)


def _swaps(device: Device, kind: dtype) -> bool:
    """Whether a word that holds an element can be compared and swapped: 64 bits only by an extension."""
    return kind.itemsize < 8 or "cl_khr_int64_base_atomics" in device.handle.extensions.split()


def scatter(device: Device, key: OpKey) -> Kernel:
    """The kernel of a key."""
    return Scatter(device, key)
