"""``scan``: running values along rows, kept in double for floating sums and products.

A block runs along a row, 256 elements at a time, joined by exchanges between lanes.  Rows that are long and few are cut
into pieces: a first launch totals the pieces, and a second runs along each of them, from the totals of those before it.
Many short rows are a thread each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, final

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backend.render import Source
from hotplug.backends.cuda.device import Device
from hotplug.backends.cuda.dialect import CUDA
from hotplug.backends.cuda.frame import Frame
from hotplug.backends.cuda.header import THREADS, WARP
from hotplug.backends.cuda.program import Plans, Program, addresses
from hotplug.backends.cuda.reduce import accumulator, identity, join
from hotplug.backends.cuda.staged import swapped
from hotplug.backends.cuda.text import item, kernel
from hotplug.backends.opencl.frame import Layouts

_WARPS: Final = THREADS // WARP


class Split(NamedTuple):
    """How the rows of a call are worked on."""

    rows: int
    pieces: int
    single: bool
    """A thread a row."""


@final
class _Text:
    """The text of the kernels of one key."""

    def __init__(self, device: Device, key: OpKey) -> None:
        self.source: Final = Source(CUDA)
        self.frame: Final = Frame(key, extras=1)
        self.key: Final = key
        self.traits: Final = device.traits
        self.kind: Final = accumulator(key.mode, key.dtypes[1])
        self.state: Final = self.source.type(self.kind)
        self.start: Final = self.source.literal(identity(key.mode, self.kind), self.kind)
        word = self.frame.word
        self.rows: Final = word("rows", lambda layouts: self.split(layouts).rows)
        self.length: Final = word("length", lambda layouts: layouts[1].shape[-1])
        self.pieces: Final = word("pieces", lambda layouts: self.split(layouts).pieces)

    def split(self, layouts: Layouts) -> Split:
        """Enough pieces to keep the device busy; depends on the layouts only."""
        shape, strides = layouts[1].shape, layouts[1].strides
        rows, length = math.prod(shape[:-1]), shape[-1]
        outer = min((abs(each) for each, size in zip(strides[:-1], shape[:-1], strict=True) if size > 1), default=0)
        across = 0 < outer < abs(strides[-1]) and rows >= 64 * self.traits.units
        if length <= WARP // 2 or across:
            return Split(rows, 1, True)
        wanted = -(-4 * self.traits.units // rows)
        return Split(rows, max(1, min(wanted, length // self.traits.shortest, self.traits.most_pieces)), False)

    def row(self, stores: bool = True) -> list[str]:
        """Statements that define the pointers ``q`` and ``r`` to the first elements of a row."""
        key, frame, kept = self.key, self.frame, range(self.key.rank - 1)
        stored = [self.source.stored(kind) for kind in key.dtypes]
        lines = ["(void)row;", *frame.unravel("row", 1, kept, "c")]
        lines.append(
            f"const {stored[1]} *q = {frame.pointer(1, f'const {stored[1]}')} + {frame.position(1, kept, 'c')};"
        )
        if stores:
            lines.append(f"{stored[0]} *r = {frame.pointer(0, stored[0])} + {frame.position(0, kept, 'c')};")
        return lines

    def load(self, place: str) -> str:
        kind = self.key.dtypes[1]
        element = f"q[{place} * {self.frame.stride(1, self.key.rank - 1)}]"
        return self.source.convert(self.source.load(kind, element), kind.compute, self.kind)

    def store(self, place: str, value: str) -> str:
        element = f"r[{place} * {self.frame.stride(0, self.key.rank - 1)}]"
        return self.source.store(self.key.dtypes[0], element, value, self.kind)

    def piece(self) -> list[str]:
        """Statements that define a block's row and its range."""
        index = self.frame.index
        return [
            f"const {index} row = ({index})(blockIdx.x / (hp_u64){self.pieces});",
            f"const {index} part = ({index})(blockIdx.x - (hp_u64)row * {self.pieces});",
            f"const {index} size_ = ({self.length} - 1) / {self.pieces} + 1;",
            f"const {index} begin = ({index})hp_smaller((hp_i64)part * size_, {self.length});",
            f"const {index} end = ({index})hp_smaller((hp_i64)begin + size_, {self.length});",
        ]

    def single(self) -> str:
        """The kernel of a thread a row."""
        index = self.frame.index
        each = f"for ({index} at = 0; at < {self.length}; ++at) {{ total = hp_join(total, {self.load('at')}); "
        lines = [*item(self.frame, self.rows, "row"), *self.row(), f"{self.state} total = {self.start};"]
        return kernel("hp_single", [*lines, f"{each}{self.store('at', 'total')} }}"])

    def totals(self) -> str:
        """The kernel of the pieces' totals."""
        index = self.frame.index
        lines = [
            f"__shared__ {self.state} shared[{_WARPS}];", *self.piece(), *self.row(stores=False),
            f"{self.state} total = {self.start};",
            f"for ({index} at = begin + (int)threadIdx.x; at < end; at += {THREADS})",
            f"    total = hp_join(total, {self.load('at')});",
            f"for (int d = {WARP // 2}; d > 0; d >>= 1) total = hp_join(total, hp_swapped(total, d));",
            f"if (threadIdx.x % {WARP} == 0) shared[threadIdx.x / {WARP}] = total;",
            "__syncthreads();",
            "if (threadIdx.x == 0) {",
            f"for (int k = 1; k < {_WARPS}; ++k) total = hp_join(total, shared[k]);",
            f"{self.frame.extra(0, self.state)}[row * {self.pieces} + part] = total;",
            "}",
        ]  # fmt: skip
        return kernel("hp_totals", lines)

    def run(self) -> str:
        """The kernel that runs along pieces."""
        index, state = self.frame.index, self.state
        before = f"{self.frame.extra(0, state)}[row * {self.pieces} + k]"
        lines = [
            f"__shared__ {state} shared[{_WARPS}];", *self.piece(), *self.row(), f"{state} carry = {self.start};",
            f"for ({index} k = 0; k < part; ++k) carry = hp_join(carry, {before});",
            f"const int lane = threadIdx.x % {WARP}, warp = threadIdx.x / {WARP};",
            f"for ({index} base = begin; base < end; base += {THREADS}) {{",
            f"const {index} at = base + (int)threadIdx.x;",
            f"{state} value = at < end ? {self.load('at')} : {self.start};",
            f"for (int d = 1; d < {WARP}; d <<= 1) {{",
            f"    const {state} other = ({state})hp_lower(value, d);",
            "    if (lane >= d) value = hp_join(other, value);",
            "}",
            f"if (lane == {WARP - 1}) shared[warp] = value;",
            "__syncthreads();",
            f"{state} all = carry;",
            f"for (int k = 0; k < {_WARPS}; ++k) {{",
            "    if (k == warp) value = hp_join(all, value);",
            "    all = hp_join(all, shared[k]);",
            "}",
            f"if (at < end) {{ {self.store('at', 'value')} }}",
            "carry = all;",
            "__syncthreads();",
            "}",
        ]  # fmt: skip
        return kernel("hp_run", lines)


@final
class Scan:
    """The kernel of the contract."""

    def __init__(self, device: Device, key: OpKey) -> None:
        text = _Text(device, key)
        functions = join(text.source, key.mode, text.kind) + swapped(text.state)
        kernels = functions + text.single() + text.totals() + text.run()
        program = Program(device, "scan", text.frame, text.source, kernels)
        self._device: Final = device
        self._pack: Final = program.packer.pack
        self._plans: Final = Plans(program.packer, text.split)
        self._single: Final = program.launcher("hp_single")
        self._totals: Final = program.launcher("hp_totals")
        self._run: Final = program.launcher("hp_run")
        self._nbytes: Final = text.kind.itemsize

    def __call__(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        arrays = (*outs, *inputs)
        words, (rows, pieces, single) = self._plans.of(arrays)
        places = addresses(arrays)
        with self._device.lock:
            places.append(self._device.scratch(rows * pieces * self._nbytes) if pieces > 1 else 0)
            frame = self._pack(places, words, scalars)
            if single:
                self._single(-(-rows // THREADS), frame)
                return
            if pieces > 1:
                self._totals(rows * pieces, frame)
            self._run(rows * pieces, frame)


def scan(device: Device, key: OpKey) -> Kernel:
    """The kernel of a key."""
    return Scan(device, key)
