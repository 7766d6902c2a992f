"""``matmul``: by a library where the driver has one for the operands, else in tiles; half types are computed in float."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, final

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backend.render import Source
from hotplug.backends.cuda.device import Device
from hotplug.backends.cuda.dialect import CUDA
from hotplug.backends.cuda.frame import Frame
from hotplug.backends.cuda.program import MOST_ACROSS, Plans, Program, addresses
from hotplug.backends.cuda.text import kernel, pointers
from hotplug.backends.cuda.tiles import TILE, Reader, declared, product, stored
from hotplug.backends.opencl.frame import Layouts


class Tiles(NamedTuple):
    """How many tiles an output has."""

    across: int
    down: int
    batch: int


def _reader(source: Source, frame: Frame, key: OpKey, operand: int) -> Reader:
    """Neighbouring threads read neighbouring elements: along which axis those lie is a word."""
    line, deep = (1, 2) if operand == 1 else (2, 1)
    place = f"line * {frame.stride(operand, line)} + deep * {frame.stride(operand, deep)}"
    first = frame.word(
        ("lines first", operand),
        lambda layouts: int(abs(layouts[operand].strides[line]) <= abs(layouts[operand].strides[deep])),
    )
    return Reader([f"v = {source.load(key.dtypes[operand], f'p{operand}[{place}]')};"], first)


def _text(source: Source, frame: Frame, key: OpKey) -> str:
    index, kind = frame.index, key.dtypes[0].compute
    m, n, depth = frame.size(0, 1), frame.size(0, 2), frame.size(1, 2)
    tiles = frame.word("across", lambda layouts: _tiles(layouts).across)
    place = f"p0[row * {frame.stride(0, 1)} + column * {frame.stride(0, 2)}]"
    left, right = (_reader(source, frame, key, operand) for operand in (1, 2))
    body = [
        *declared(source.type(kind)),
        f"const {index} down = ({index})(blockIdx.x / {tiles}) * {TILE}, over = ({index})(blockIdx.x % {tiles}) * {TILE};",
        f"for ({index} batch = blockIdx.y; batch < {frame.size(0, 0)}; batch += gridDim.y) {{",
        *pointers(source, frame, 1, key.dtypes),
        *[f"p{operand} += batch * {frame.stride(operand, 0)};" for operand in range(3)],
        *product(source, kind, index, left, right, m, n, "0", depth),
        *stored(index, m, n, [source.store(key.dtypes[0], place, "total[r][c]", kind)]),
        "}",
    ]
    return kernel("hp_matmul", body)


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
