"""``scatter``: in order, or with atomics.

In order, a thread owns every ``parts``-th place of a line of the output along the axis, and goes through the line's index
from its start; so the result never depends on which thread comes first.  Lines never share an element.

With atomics, a thread brings one element of the source to its place.  That is used for long lines where any order gives
the same bits (integers, and extrema), and for floating sums and products if HOTPLUG_CUDA_SCATTER is ``atomic``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, final

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backend.render import Source
from hotplug.backends.cuda import fault
from hotplug.backends.cuda.device import Device
from hotplug.backends.cuda.dialect import CUDA
from hotplug.backends.cuda.frame import Frame
from hotplug.backends.cuda.hardware import ATOMIC
from hotplug.backends.cuda.header import THREADS
from hotplug.backends.cuda.program import Plans, Program, addresses
from hotplug.backends.cuda.reduce import combine
from hotplug.backends.cuda.text import item, kernel, pointers, raw
from hotplug.backends.opencl.frame import Layouts
from hotplug.dtypes import dtype

_MODES: Final = {"add": "sum", "mul": "prod", "min": "min", "max": "max"}
_MOST_PARTS: Final = 1024
_SHORT: Final = 64
"""A line with so few places or indices isn't worth a second part, nor atomics."""


class Work(NamedTuple):
    """How much there is to do."""

    lines: int
    parts: int
    elements: int
    length: int


@final
class _Text:
    """The text of the kernels of one key."""

    def __init__(self, device: Device, key: OpKey) -> None:
        self.key: Final = key
        self.busy: Final = 512 * device.traits.units
        self.source: Final = Source(CUDA)
        self.frame: Final = Frame(key, extras=1)
        target, index, values = key.dtypes
        self.kinds: Final = (raw(target), index, raw(values)) if key.mode == "set" else (target, index, values)
        self.others: Final = [each for each in range(key.rank) if each != key.axis]

    def work(self, layouts: Layouts) -> Work:
        """A power of two of parts; every part reads the whole index, so no more than keep the device busy."""
        axis, shape = self.key.axis, layouts[1].shape
        lines, length = math.prod(shape[:axis]) * math.prod(shape[axis + 1 :]), shape[axis]
        parts = 1
        if min(layouts[0].shape[axis], length) >= _SHORT:
            wanted = min(-(-self.busy // lines), layouts[0].shape[axis], _MOST_PARTS)
            parts = 1 << (max(1, wanted).bit_length() - 1)
        return Work(lines, parts, layouts[1].numel, length)

    def place(self, element: str) -> list[str]:
        """Statements that define ``q``, the place of an element of the index, or go on to the next one."""
        code = fault.OPERATIONS.index("scatter")
        size = self.frame.size(0, self.key.axis)
        return [
            f"const hp_i64 at = (hp_i64)p1[{element}];",
            f"if (at < 0 || at >= {size}) {{",
            f"    hp_fail({self.frame.extra(0, 'hp_fault_t')}, {code}, at, {size});",
        ]

    def ordered(self) -> str:
        """The kernel of a thread a part of a line."""
        frame, axis, index = self.frame, self.key.axis, self.frame.index
        parts = frame.word("parts", lambda layouts: self.work(layouts).parts)
        shift = frame.word("shift of parts", lambda layouts: self.work(layouts).parts.bit_length() - 1)
        lines = frame.word("lines", lambda layouts: self.work(layouts).lines)
        stored = self.source.stored(self.kinds[0])
        body = [
            *item(frame, f"{lines} << {shift}"),
            f"const {index} line = i >> {shift}, part = i & ({parts} - 1);",
            "(void)line;",
            *frame.unravel("line", 1, self.others, "c"),
            *pointers(self.source, frame, 1, self.kinds),
            *[f"p{operand} += {frame.position(operand, self.others, 'c')};" for operand in range(3)],
            f"for ({index} k = 0; k < {frame.size(1, axis)}; ++k) {{",
            *self.place(f"k * {frame.stride(1, axis)}"),
            "    continue;",
            "}",
            f"if ((at & ({parts} - 1)) != part) continue;",
            f"{stored} *q = p0 + ({index})at * {frame.stride(0, axis)};",
            self._update(f"p2[k * {frame.stride(2, axis)}]"),
            "}",
        ]
        return kernel("hp_ordered", body)

    def _value(self, element: str) -> str:
        values, kind = self.kinds[2], self.kinds[0].compute
        return self.source.convert(self.source.load(values, element), values.compute, kind)

    def _update(self, element: str) -> str:
        """Statements that bring one element of the source to its place ``q``."""
        if self.key.mode == "set":
            return f"*q = {element};"
        target, kind, source = self.kinds[0], self.kinds[0].compute, self.source
        joined = combine(source, _MODES[self.key.mode], kind, "old", "value")
        return " ".join((
            f"const {source.type(kind)} old = {source.load(target, '*q')};",
            f"const {source.type(kind)} value = {self._value(element)};",
            source.store(target, "*q", joined),
        ))  # fmt: skip

    def atomic(self) -> str:
        """The kernel of a thread an element."""
        frame, key, source = self.frame, self.key, self.source
        axes, target, kind = range(key.rank), self.kinds[0], self.kinds[0].compute
        name, stored = source.type(kind), source.stored(target)
        place = f"({frame.index})at * {frame.stride(0, key.axis)} + {frame.position(0, self.others, 'c')}"
        element = f"p2[{frame.position(2, axes, 'c')}]"
        function = _ATOMIC.format(
            name=name, stored=stored, loaded=source.load(target, "part.v[which]"),
            stores=source.store(target, "part.v[which]", combine(source, _MODES[key.mode], kind, "old", "value")),
            word="hp_u64" if target.itemsize == 8 else "hp_u32", count=1 if target.itemsize == 8 else 4 // target.itemsize,
        )  # fmt: skip
        body = [
            *item(frame, frame.count(1)),
            *frame.unravel("i", 1, axes, "c"),
            *pointers(source, frame, 1, self.kinds),
            *self.place(frame.position(1, axes, "c")),
            "    return;",
            "}",
            f"hp_bring(p0 + ({place}), {self._value(element)});",
        ]
        return function + kernel("hp_atomic", body)


_ATOMIC: Final = """
// An element is read, joined and written back as part of the word that holds it, until nobody came in between.
HP_INLINE void hp_bring({stored} *place, {name} value) {{
    union {{ {word} bits; {stored} v[{count}]; }} part;
    {word} *word = ({word} *)((hp_u64)place & ~(hp_u64)(sizeof({word}) - 1));
    const int which = (int)(place - ({stored} *)word);
    {word} found = *(volatile {word} *)word, expected;
    do {{
        expected = found;
        part.bits = expected;
        const {name} old = {loaded};
        {stores}
        found = atomicCAS(word, expected, part.bits);
    }} while (found != expected);
}}
"""


def atomic_by_default(mode: str, kind: dtype) -> bool:
    """Whether threads may come in any order without another result."""
    return mode in ("min", "max") or (mode in ("add", "mul") and kind.kind != "f")


@final
class Scatter:
    """The kernel of the contract; where the index is out of range, the element is skipped and the error word is set."""

    def __init__(self, device: Device, key: OpKey) -> None:
        text = _Text(device, key)
        free = atomic_by_default(key.mode, key.dtypes[0]) or (ATOMIC and key.mode != "set")
        kernels = text.ordered() + (text.atomic() if free else "")
        program = Program(device, "scatter", text.frame, text.source, kernels)
        self._device: Final = device
        self._pack: Final = program.packer.pack
        self._plans: Final = Plans(program.packer, text.work)
        self._ordered: Final = program.launcher("hp_ordered")
        self._atomic: Final = program.launcher("hp_atomic") if free else None

    def __call__(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        arrays = (*outs, *inputs)
        words, work = self._plans.of(arrays)
        places = addresses(arrays)
        with self._device.lock:
            places.append(self._device.fault.address)
            self._device.fault.armed = True
            frame = self._pack(places, words, scalars)
            if self._atomic is not None and (work.length >= _SHORT or ATOMIC):
                self._atomic(-(-work.elements // THREADS), frame)
            else:
                self._ordered(-(-work.lines * work.parts // THREADS), frame)


def scatter(device: Device, key: OpKey) -> Kernel:
    """The kernel of a key."""
    return Scatter(device, key)
