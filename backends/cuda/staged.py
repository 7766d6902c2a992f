"""Kernels over rows (reduce, argreduce): blocks that join what their threads found, in one launch or two.

A row's elements are next to each other in memory, or those of one place in neighbouring rows are: lanes of a warp go along
what is next to each other.  Rows that are long and few are cut into pieces, whose results a second launch joins.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, final

from hotplug.backend import Array, OpKey
from hotplug.backends.cuda.device import Device
from hotplug.backends.cuda.frame import Frame
from hotplug.backends.cuda.header import THREADS, WARP
from hotplug.backends.cuda.program import MOST_ACROSS, Plans, Program, addresses
from hotplug.backends.cuda.text import kernel
from hotplug.backends.opencl.frame import Layouts

_ACROSS: Final = WARP
"""Rows of a block whose lanes go along rows."""
_DEEP: Final = THREADS // _ACROSS
_SHORT: Final = 512
"""A row up to this length is the work of one warp, a longer one of a block."""


class Split(NamedTuple):
    """How the rows of a call are worked on."""

    rows: int
    length: int
    pieces: int
    along: bool
    """Lanes go along the row; else across the rows."""
    lanes: int
    """Threads of a row where they go along it."""


@final
class Rows:
    """How the trailing axes of the first input are split, as words of a frame."""

    def __init__(self, device: Device, frame: Frame, key: OpKey, axes: int) -> None:
        self._traits: Final = device.traits
        self._axes: Final = axes
        self.frame: Final = frame
        self.rows: Final = frame.word("rows", lambda layouts: self.split(layouts).rows)
        self.length: Final = frame.word("length", lambda layouts: self.split(layouts).length)
        self.pieces: Final = frame.word("pieces", lambda layouts: self.split(layouts).pieces)
        self.lanes: Final = frame.word("lanes", lambda layouts: self.split(layouts).lanes)

    def split(self, layouts: Layouts) -> Split:
        """Enough pieces to keep the device busy; depends on the layouts only."""
        shape, strides = layouts[1].shape, layouts[1].strides
        first = len(shape) - self._axes
        length = math.prod(shape[first:])
        rows = layouts[1].numel // length
        inner = min(
            (abs(each) for each, size in zip(strides[first:], shape[first:], strict=True) if size > 1), default=1
        )
        outer = min(
            (abs(each) for each, size in zip(strides[:first], shape[:first], strict=True) if size > 1), default=0
        )
        along = length > 1 and (rows < _ACROSS // 2 or outer == 0 or inner <= outer)
        lanes = WARP if length <= _SHORT else THREADS
        per_block = THREADS // lanes if along else _ACROSS
        blocks = -(-rows // per_block)
        wanted = -(-4 * self._traits.units // blocks)
        pieces = max(1, min(wanted, length // self._traits.shortest, self._traits.most_pieces))
        return Split(rows, length, pieces, along, lanes)

    def range_of_piece(self) -> list[str]:
        """Statements that define the range of the piece ``part``; the last ones may be empty."""
        index = self.frame.index
        return [
            f"const {index} size_ = ({self.length} - 1) / {self.pieces} + 1;",
            f"const {index} begin = ({index})hp_smaller((hp_i64)part * size_, {self.length});",
            f"const {index} end = ({index})hp_smaller((hp_i64)begin + size_, {self.length});",
        ]


class Parts(NamedTuple):
    """What a reduction is made of, as text."""

    state: str
    """The type of a partial result."""
    start: str
    """The statement ``total = ...;`` for no elements."""
    setup: Sequence[str]
    """Statements that define the coordinates of ``row``."""
    accumulate: Callable[[str, str], Sequence[str]]
    """Statements that take the elements from ``first`` to ``end``, in steps, into ``total``."""
    finish: Sequence[str]
    """Statements that store ``total`` as the result of ``row``."""
    functions: str
    """Definitions of ``hp_join(state, state)`` and, where the state is a struct, of ``hp_swapped(state, mask)``."""


def swapped(state: str) -> str:
    """The definition of ``hp_swapped`` for a number."""
    return f"HP_INLINE {state} hp_swapped({state} value, int mask) {{ return ({state})hp_swap(value, mask); }}\n"


def _along(rows: Rows, parts: Parts, accumulate: Sequence[str], live: str) -> list[str]:
    """Statements: ``lanes`` threads of the block for each task, whose first one has the total in the end."""
    return [
        f"__shared__ {parts.state} shared[{THREADS // WARP}];",
        f"const int lanes = {rows.lanes}, lane = threadIdx.x & (lanes - 1);",
        f"const hp_u64 task = (hp_u64)blockIdx.x * ({THREADS} / lanes) + threadIdx.x / lanes;",
        f"{parts.state} total;",
        parts.start,
        f"const bool live = task < {live};",
        *accumulate,
        f"for (int d = {WARP // 2}; d > 0; d >>= 1) total = hp_join(total, hp_swapped(total, d));",
        f"if (lanes > {WARP}) {{",
        f"    if (lane % {WARP} == 0) shared[lane / {WARP}] = total;",
        "    __syncthreads();",
        f"    if (lane == 0) for (int k = 1; k < {THREADS // WARP}; ++k) total = hp_join(total, shared[k]);",
        "}",
    ]


def staged_text(rows: Rows, parts: Parts) -> str:
    """The kernels: along rows, across rows, and the join of the pieces' results."""
    index, frame = rows.frame.index, rows.frame
    scratch = frame.extra(0, parts.state)
    store = [f"if ({rows.pieces} == 1) {{", *parts.finish, f"}} else {scratch}[row * {rows.pieces} + part] = total;"]
    body = [
        "if (live) {",
        f"const {index} row = ({index})(task / {rows.pieces}), part = ({index})(task - (hp_u64)row * {rows.pieces});",
        *rows.range_of_piece(), *parts.setup, *parts.accumulate("begin + lane", "lanes"), "}",
    ]  # fmt: skip
    end = [
        "if (live && lane == 0) {",
        f"const {index} row = ({index})(task / {rows.pieces}), part = ({index})(task - (hp_u64)row * {rows.pieces});",
        *parts.setup, *store, "}",
    ]  # fmt: skip
    along = [*_along(rows, parts, body, f"(hp_u64){rows.rows} * {rows.pieces}"), *end]
    join = f"for ({index} k = lane; k < {rows.pieces}; k += lanes) total = hp_join(total, {scratch}[row * {rows.pieces} + k]);"
    joined = ["if (live) {", f"const {index} row = ({index})task;", join, "}"]
    end = [
        "if (live && lane == 0) {",
        f"const {index} row = ({index})task;",
        "(void)row;",
        *parts.setup,
        *parts.finish,
        "}",
    ]
    finish = [*_along(rows, parts, joined, f"(hp_u64){rows.rows}"), *end]
    return (
        parts.functions
        + kernel("hp_along", along)
        + kernel("hp_across", _across(rows, parts, store))
        + kernel("hp_finish", finish)
    )


def _across(rows: Rows, parts: Parts, store: Sequence[str]) -> list[str]:
    """Statements: a warp's lanes stand in neighbouring rows, and its warps take turns along them."""
    index = rows.frame.index
    return [
        f"__shared__ {parts.state} shared[{THREADS}];",
        f"const int deep = threadIdx.x / {_ACROSS};",
        f"const hp_u64 row_ = (hp_u64)blockIdx.x * {_ACROSS} + threadIdx.x % {_ACROSS};",
        f"const {index} row = ({index})row_, part = blockIdx.y;",
        f"const bool live = row_ < (hp_u64){rows.rows};",
        f"{parts.state} total;",
        parts.start,
        "if (live) {", *rows.range_of_piece(), *parts.setup, *parts.accumulate("begin + deep", str(_DEEP)), "}",
        "shared[threadIdx.x] = total;",
        "__syncthreads();",
        "if (live && deep == 0) {",
        f"for (int k = 1; k < {_DEEP}; ++k) total = hp_join(total, shared[k * {_ACROSS} + threadIdx.x]);",
        *parts.setup, *store, "}",
    ]  # fmt: skip


@final
class Staged:
    """A kernel of the contract made of :func:`staged_text`."""

    def __init__(self, program: Program, rows: Rows, nbytes: int) -> None:
        """
        Args:
            program: of the text.
            rows: how rows are split.
            nbytes: of one partial result.
        """
        self._device: Final = program.device
        self._pack: Final = program.packer.pack
        self._plans: Final = Plans(program.packer, rows.split)
        self._along: Final = program.launcher("hp_along")
        self._across: Final = program.launcher("hp_across")
        self._finish: Final = program.launcher("hp_finish")
        self._nbytes: Final = nbytes

    def __call__(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        arrays = (*outs, *inputs)
        words, split = self._plans.of(arrays)
        places = addresses(arrays)
        device, per_block = self._device, THREADS // split.lanes
        with device.lock:
            places.append(device.scratch(split.rows * split.pieces * self._nbytes) if split.pieces > 1 else 0)
            frame = self._pack(places, words, scalars)
            if split.along:
                self._along(-(-split.rows * split.pieces // per_block), frame)
            else:
                assert split.pieces <= MOST_ACROSS
                self._across(-(-split.rows // _ACROSS), frame, split.pieces)
            if split.pieces > 1:
                self._finish(-(-split.rows // per_block), frame)
