"""``matmul``: by a library where the driver has one for the operands, else tiles in shared memory.

A block of 256 threads computes a tile of 64 x 64, each thread 4 x 4 of it; 16 columns of the left operand and rows of
the right one at a time lie in shared memory.  Half types are multiplied and added in float.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, final

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backend.render import Source
from hotplug.backends.cuda.device import Device
from hotplug.backends.cuda.dialect import CUDA
from hotplug.backends.cuda.frame import Frame
from hotplug.backends.cuda.header import THREADS
from hotplug.backends.cuda.program import MOST_ACROSS, Plans, Program, addresses
from hotplug.backends.cuda.text import kernel, pointers
from hotplug.backends.opencl.frame import Layouts
from hotplug.dtypes import dtype

TILE: Final = 64
DEPTH: Final = 16
_SIDE: Final = 4
"""Rows, and columns, of a thread."""


class Tiles(NamedTuple):
    """How many tiles an output has."""

    across: int
    down: int
    batch: int


def multiply_add(source: Source, kind: dtype, total: str, left: str, right: str) -> str:
    """The statement that adds a product to a total; floating ones are fused on purpose."""
    if kind.kind == "f":
        return f"{total} = {CUDA.math('fma', kind)}({left}, {right}, {total});"
    times, plus = ("and", "or") if kind.kind == "b" else ("mul", "add")
    return f"{total} = {source.apply(plus, kind, total, source.apply(times, kind, left, right))};"


def _text(source: Source, frame: Frame, key: OpKey) -> str:
    """The kernel.  Neighbouring threads read neighbouring elements: along which axis those lie is a word."""
    index, kind = frame.index, key.dtypes[0].compute
    name = source.type(kind)
    m, n, depth = frame.size(0, 1), frame.size(0, 2), frame.size(1, 2)
    rows_first = frame.word("rows first", lambda layouts: int(abs(layouts[1].strides[1]) < abs(layouts[1].strides[2])))
    right_first = frame.word(
        "depth first", lambda layouts: int(abs(layouts[2].strides[1]) < abs(layouts[2].strides[2]))
    )
    tiles = frame.word("across", lambda layouts: _tiles(layouts).across)

    def read(operand: int, row: str, column: str) -> str:
        place = f"{row} * {frame.stride(operand, 1)} + {column} * {frame.stride(operand, 2)}"
        return source.load(key.dtypes[operand], f"p{operand}[{place}]")

    body = [
        f"__shared__ {name} left[{DEPTH}][{TILE} + 1], right[{DEPTH}][{TILE} + 1];",
        f"const {index} down = ({index})(blockIdx.x / {tiles}) * {TILE}, across = ({index})(blockIdx.x % {tiles}) * {TILE};",
        "const int thread = threadIdx.x, y = thread / 16, x = thread % 16;",
        f"for ({index} batch = blockIdx.y; batch < {frame.size(0, 0)}; batch += gridDim.y) {{",
        *pointers(source, frame, 1, key.dtypes),
        *[f"p{operand} += batch * {frame.stride(operand, 0)};" for operand in range(3)],
        f"{name} total[{_SIDE}][{_SIDE}];",
        f"for (int r = 0; r < {_SIDE}; ++r) for (int c = 0; c < {_SIDE}; ++c) total[r][c] = 0;",
        f"for ({index} base = 0; base < {depth}; base += {DEPTH}) {{",
        f"for (int e = thread; e < {TILE * DEPTH}; e += {THREADS}) {{",
        f"    const int a = {rows_first} ? e % {TILE} : e / {DEPTH}, b = {rows_first} ? e / {TILE} : e % {DEPTH};",
        f"    left[b][a] = down + a < {m} && base + b < {depth} ? {read(1, '(down + a)', '(base + b)')} : ({name})0;",
        f"    const int c = {right_first} ? e / {DEPTH} : e % {TILE}, d = {right_first} ? e % {DEPTH} : e / {TILE};",
        f"    right[d][c] = across + c < {n} && base + d < {depth} ? {read(2, '(base + d)', '(across + c)')} : ({name})0;",
        "}",
        "__syncthreads();",
        f"for (int k = 0; k < {DEPTH}; ++k) {{",
        f"    {name} u[{_SIDE}], v[{_SIDE}];",
        f"    for (int r = 0; r < {_SIDE}; ++r) {{ u[r] = left[k][y + 16 * r]; v[r] = right[k][x + 16 * r]; }}",
        f"    for (int r = 0; r < {_SIDE}; ++r) for (int c = 0; c < {_SIDE}; ++c)",
        f"        {multiply_add(source, kind, 'total[r][c]', 'u[r]', 'v[c]')}",
        "}",
        "__syncthreads();",
        "}",
        f"for (int r = 0; r < {_SIDE}; ++r) for (int c = 0; c < {_SIDE}; ++c) {{",
        f"    const {index} row = down + y + 16 * r, column = across + x + 16 * c;",
        f"    if (row < {m} && column < {n}) {{",
        f"        {_store(source, frame, key, kind)}",
        "    }",
        "}",
        "}",
    ]
    return kernel("hp_matmul", body)


def _store(source: Source, frame: Frame, key: OpKey, kind: dtype) -> str:
    place = f"row * {frame.stride(0, 1)} + column * {frame.stride(0, 2)}"
    return source.store(key.dtypes[0], f"p0[{place}]", "total[r][c]", kind)


def _tiles(layouts: Layouts) -> Tiles:
    batch, m, n = layouts[0].shape
    return Tiles(-(-n // TILE), -(-m // TILE), batch)


@final
class Matmul:
    """The kernel of the contract."""

    def __init__(self, device: Device, key: OpKey) -> None:
        source, frame = Source(CUDA), Frame(key)
        program = Program(device, "matmul", frame, source, _text(source, frame, key))
        self._device: Final = device
        self._pack: Final = program.packer.pack
        self._plans: Final = Plans(program.packer, _tiles)
        self._launch: Final = program.launcher("hp_matmul")
        self._library: Final = device.driver.product if key.dtypes[0].kind == "f" else None

    def __call__(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        arrays = (*outs, *inputs)
        with self._device.lock:
            if self._library is not None and self._library(*arrays):
                return
            words, tiles = self._plans.of(arrays)
            frame = self._pack(addresses(arrays), words, ())
            self._launch(tiles.across * tiles.down, frame, min(tiles.batch, MOST_ACROSS))


def matmul(device: Device, key: OpKey) -> Kernel:
    """The kernel of a key."""
    return Matmul(device, key)
