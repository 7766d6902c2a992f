"""``reduce`` and ``argreduce`` on GPUs: a work-group a row, or a chunk of one, joined as a tree in local memory.

Where neighbouring work-items find neighbouring elements in neighbouring rows rather than along a row, or rows are short, a
work-item a row is better, and no local memory is needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, final

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backends.opencl.device import Device, Groups
from hotplug.backends.opencl.frame import Layouts
from hotplug.backends.opencl.lanes import Meaning
from hotplug.backends.opencl.program import Plans, Program
from hotplug.backends.opencl.text import advance, indented, pointers

_LOCAL: Final = 128
_SHORTEST: Final = 4096
"""No chunk is shorter: a second launch costs more."""
_MOST_CHUNKS: Final = 256


class Split(NamedTuple):
    """How many rows there are, and into how many chunks each is cut."""

    rows: int
    chunks: int
    tree: bool
    """Whether rows are worked on by groups."""


def split_of(layouts: Layouts, axes: int, units: int) -> Split:
    """Depends on the layouts only."""
    shape = layouts[1].shape
    first = len(shape) - axes
    length = math.prod(shape[first:])
    rows = layouts[1].numel // length
    chunks = max(1, min(-(-8 * units // rows), length // _SHORTEST, _MOST_CHUNKS))
    along = min((abs(layouts[1].strides[at]) for at in range(first, len(shape)) if shape[at] > 1), default=0)
    beside = min((abs(layouts[1].strides[at]) for at in range(first) if shape[at] > 1), default=along + 1)
    busy = rows >= 64 * units
    return Split(rows, chunks, length > 1 and (not busy or (length >= _LOCAL // 2 and along < beside)))


@final
class _Text:
    """The text of the two kernels of a key."""

    def __init__(self, device: Device, key: OpKey, meaning: Meaning) -> None:
        self.key: Final = key
        self.units: Final = device.units
        self.meaning: Final = meaning
        self.frame: Final = meaning.frame
        self.index: Final = meaning.frame.index
        self.kept: Final = range(key.rank - meaning.axes)
        self.reduced: Final = range(key.rank - meaning.axes, key.rank)

    def word(self, name: str) -> str:
        axes, units = self.meaning.axes, self.units
        return self.frame.word((name,), lambda layouts: getattr(split_of(layouts, axes, units), name))

    def start(self) -> list[str]:
        return [f"{kind} {name} = {start};" for kind, name, start in self.meaning.variables]

    def tree(self) -> list[str]:
        """Statements that join the states of a group into that of its first work-item.

        Local memory is declared at the head of the kernel, as OpenCL C wants it.
        """
        names = [name for _, name, _ in self.meaning.variables]
        joined = " ".join(self.meaning.join("_all[me]", "_all[me + h]"))
        return [
            *[f"{name}_all[me] = {name};" for name in names],
            f"for (int h = {_LOCAL // 2}; h > 0; h /= 2) {{",
            "    barrier(CLK_LOCAL_MEM_FENCE);",
            f"    if (me < h) {{ {joined} }}",
            "}",
        ]

    def local(self) -> list[str]:
        return [f"__local {kind} {name}_all[{_LOCAL}];" for kind, name, _ in self.meaning.variables]

    def store(self) -> list[str]:
        """Statements that write the result of row ``row``."""
        return [*advance(self.frame, 1), self.meaning.store(f"p0[{self.frame.position(0, self.kept, 'c')}]", "_all[0]")]

    def first(self) -> str:
        """The kernel that reads the inputs."""
        index, frame, meaning = self.index, self.frame, self.meaning
        length = frame.word(("length",), lambda layouts: layouts[1].numel // split_of(layouts, meaning.axes, 1).rows)
        chunks = self.word("chunks")
        body = [*self.local(), "const int me = get_local_id(0);", f"const {index} group = ({index})get_group_id(0);"]
        body += [f"const {index} row = group / {chunks}, part = group - row * {chunks};"]
        body += [f"const {index} size = ({length} - 1) / {chunks} + 1, begin = part * size;"]
        body += [f"const {index} end = {length} - begin < size ? {length} : begin + size;"]
        body += [*frame.unravel("row", 1, self.kept, "c"), *self.start()]
        elements = {}
        for position, kind in enumerate(self.key.dtypes[1:], 1):
            place = f"HP(o[{position}]) + {frame.position(position, self.kept, 'c')}"
            body.append(f"__global const {meaning.source.stored(kind)} *q{position} = p{position} + ({place});")
            elements[position] = f"q{position}[{frame.position(position, self.reduced, 'r')}]"
        body += [f"for ({index} at_ = begin + me; at_ < end; at_ += {_LOCAL}) {{"]
        body += [*frame.unravel("at_", 1, self.reduced, "r")]
        body += [*meaning.take("", elements.__getitem__, f"(row * {length} + at_)", "at_"), "}", *self.tree()]
        states = [f"scratch[group].{name} = {name}_all[0];" for _, name, _ in meaning.variables]
        body += ["if (me == 0) {", f"if ({chunks} > 1) {{", *states, "} else {", *self.store(), "}", "}"]
        return self._kernel("hp_tree", body)

    def second(self) -> str:
        """The kernel that joins chunks, a group a row."""
        index, chunks = self.index, self.word("chunks")
        body = [*self.local(), "const int me = get_local_id(0);", f"const {index} row = ({index})get_group_id(0);"]
        body += [*self.frame.unravel("row", 1, self.kept, "c"), *self.start()]
        body += [f"for ({index} k = me; k < {chunks}; k += {_LOCAL}) {{"]
        body += [f"const {kind} {name}_other = scratch[row * {chunks} + k].{name};" for kind, name, _ in
                 self.meaning.variables]  # fmt: skip
        body += [*self.meaning.join("", "_other"), "}", *self.tree(), "if (me == 0) {", *self.store(), "}"]
        return self._kernel("hp_join", body)

    def _kernel(self, name: str, body: Sequence[str]) -> str:
        parameters = f"HP_FRAME, {pointers(self.meaning.source, 1, self.key.dtypes)}, __global hp_state_t *scratch"
        head = f"__kernel __attribute__((reqd_work_group_size({_LOCAL}, 1, 1))) void {name}({parameters})"
        return f"{head} {{\n{indented(body)}}}\n"

    def text(self) -> str:
        """Both kernels."""
        fields = " ".join(f"{kind} {name};" for kind, name, _ in self.meaning.variables)
        return f"typedef struct {{ {fields} }} hp_state_t;\n" + self.first() + self.second()


@final
class Trees:
    """The kernel of the contract."""

    def __init__(
        self, device: Device, key: OpKey, meaning: Meaning, nbytes: int, by_rows: Callable[[], Kernel]
    ) -> None:
        """
        Args:
            device: where to build it.
            key: of a reduction.
            meaning: its text.
            nbytes: no state is longer.
            by_rows: makes the kernel of a work-item a row, when first needed.
        """
        text = _Text(device, key, meaning)
        kernels, count, axes, units = text.text(), len(key.dtypes) + 1, meaning.axes, device.units
        program = Program(device, key.name, text.frame, meaning.source, kernels, count)
        group = Groups(_LOCAL, _LOCAL, 0)
        self._device: Final = device
        self._pack: Final = program.packer.pack
        self._plans: Final = Plans(program.packer, lambda layouts: split_of(layouts, axes, units))
        self._first: Final = program.launcher("hp_tree", count, group)
        self._second: Final = program.launcher("hp_join", count, group)
        self._nbytes: Final = nbytes
        self._make: Final = by_rows
        self._by_rows: Kernel | None = None

    def __call__(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        arrays = (*outs, *inputs)
        words, (rows, chunks, tree) = self._plans.of(arrays)
        if not tree:
            if self._by_rows is None:
                self._by_rows = self._make()
            self._by_rows(outs, inputs, scalars)
            return
        frame = self._pack([array.offset for array in arrays], words, scalars)
        memories = [array.storage.buffer.memory for array in arrays]
        device = self._device
        with device.lock:
            memories.append(device.scratch(rows * chunks * self._nbytes if chunks > 1 else self._nbytes))
            self._first(rows * chunks * _LOCAL, frame, memories)
            if chunks > 1:
                self._second(rows * _LOCAL, frame, memories)
