"""Kernels over rows (reduce, argreduce, scan): one launch, or two where rows are too few to keep the device busy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, final

from hotplug.backend import Array
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.frame import Frame, Layouts
from hotplug.backends.opencl.program import Plans, Program
from hotplug.backends.opencl.text import indented

_MANY_CHUNKS: Final = 256
"""More would make the second stage slow, which goes through them one by one."""


class Split(NamedTuple):
    """How many rows there are, and into how many chunks each is cut."""

    rows: int
    chunks: int


@final
class Rows:
    """Text about the rows of the first input, whose trailing axes are one row."""

    def __init__(self, device: Device, frame: Frame, axes: int, shortest: int) -> None:
        """
        Args:
            device: decides how many work-items are enough.
            frame: where the words are put.
            axes: how many trailing axes make a row.
            shortest: no chunk is shorter than this.
        """
        self._busy: Final = device.units * (4 if device.is_processor else 256)
        self._axes: Final = axes
        self._shortest: Final = shortest
        self._index: Final = frame.index
        self.count: Final = frame.word(("rows",), lambda layouts: self.split(layouts).rows)
        self.length: Final = frame.word(("length",), self._length)
        self.chunks: Final = frame.word(("chunks",), lambda layouts: self.split(layouts).chunks)

    def _length(self, layouts: Layouts) -> int:
        shape = layouts[1].shape
        return math.prod(shape[len(shape) - self._axes :])

    def split(self, layouts: Layouts) -> Split:
        """Enough chunks to keep the device busy; depends on the sizes only."""
        length = self._length(layouts)
        rows = layouts[1].numel // length
        return Split(rows, max(1, min(-(-self._busy // rows), length // self._shortest, _MANY_CHUNKS)))

    def each(self) -> list[str]:
        """Statements: a work-item a row."""
        return [f"const {self._index} row = ({self._index})get_global_id(0);", f"if (row >= {self.count}) return;"]

    def each_chunk(self) -> list[str]:
        """Statements: a work-item a chunk, the number ``part`` of its row."""
        return [
            f"const {self._index} item = ({self._index})get_global_id(0), row = item / {self.chunks};",
            f"if (row >= {self.count}) return;",
            f"const {self._index} part = item - row * {self.chunks};",
        ]

    def all_of_row(self) -> list[str]:
        """Statements that define the range of all of a row."""
        return [f"const {self._index} begin = 0, end = {self.length};"]

    def part_of_row(self) -> list[str]:
        """Statements that define the range of the chunk ``part``; the last ones may be empty."""
        return [
            f"const {self._index} size = ({self.length} - 1) / {self.chunks} + 1;",
            f"const {self._index} begin = min(part * size, {self.length}), end = min(begin + size, {self.length});",
        ]


def staged_text(
    parameters: str, scratch: str, whole: Sequence[str], partial: Sequence[str], finish: Sequence[str]
) -> str:
    """The three kernels of a :class:`Staged`, of their bodies' statements."""
    return (
        f"__kernel void hp_whole(HP_FRAME, {parameters}) {{\n{indented(whole)}}}\n"
        f"__kernel void hp_partial(HP_FRAME, {parameters}, {scratch}) {{\n{indented(partial)}}}\n"
        f"__kernel void hp_finish(HP_FRAME, {parameters}, {scratch}) {{\n{indented(finish)}}}"
    )


@final
class Staged:
    """A kernel of the contract made of three: ``hp_whole`` does a row at once, and is enough where rows aren't cut.

    Otherwise ``hp_partial`` makes a partial result of each chunk in scratch memory, and ``hp_finish`` the output of them.
    """

    def __init__(self, program: Program, buffers: int, rows: Rows, nbytes: int, finish_by_chunk: bool = False) -> None:
        """
        Args:
            program: of :func:`staged_text`.
            buffers: how many there are beside the scratch memory.
            rows: how rows are cut.
            nbytes: of one partial result.
            finish_by_chunk: whether ``hp_finish`` has a work-item for each chunk; else for each row.
        """
        groups = program.device.heavy
        self._device: Final = program.device
        self._pack: Final = program.packer.pack
        self._plans: Final = Plans(program.packer, rows.split)
        self._whole: Final = program.launcher("hp_whole", buffers, groups)
        self._partial: Final = program.launcher("hp_partial", buffers + 1, groups)
        self._finish: Final = program.launcher("hp_finish", buffers + 1, groups)
        self._nbytes: Final = nbytes
        self._by_chunk: Final = finish_by_chunk

    def __call__(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        arrays = (*outs, *inputs)
        words, (rows, chunks) = self._plans.of(arrays)
        frame = self._pack([array.offset for array in arrays], words, scalars)
        memories = [array.storage.buffer.memory for array in arrays]
        device = self._device
        with device.lock:
            if chunks == 1:
                self._whole(rows, frame, memories)
                return
            memories.append(device.scratch(rows * chunks * self._nbytes))
            self._partial(rows * chunks, frame, memories)
            self._finish(rows * chunks if self._by_chunk else rows, frame, memories)
