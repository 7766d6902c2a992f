"""``matmul``: two tiers, chosen by the sizes.

Small products, and those of integers, are computed from the operands as they lie, a tile of 4 x 4 a work-item.  Others
are packed first: each operand into panels of as many rows or columns as a work-item's tile has, in the order in which
it reads them, padded with zeros.  Then a tile is a chain of vector multiply-adds on registers, without a bound to check.
Local memory is not used: on processors it costs twenty times what it gains.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, final

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backend.render import OPENCL, Source
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.frame import Frame, Layouts
from hotplug.backends.opencl.program import Plans, Program
from hotplug.backends.opencl.text import advance, indented, pointers
from hotplug.layout import layout_of

_SIDE: Final = 4
"""Rows and columns of a tile of the direct tier."""
_ROWS: Final = 6
_VECTORS: Final = 2
"""A packed tile has 6 rows of 2 vectors of 32 bytes: with their operands they fill the 16 registers of AVX2."""
_LEAST: Final = 8
_LEAST_WORK: Final = 1 << 15
_MOST_SCRATCH: Final = 1 << 27


class Sizes(NamedTuple):
    """Of a product ``(batch, m, k) @ (batch, k, n)``; ``left`` and ``right`` are the distinct matrices of the operands."""

    batch: int
    m: int
    n: int
    k: int
    left: int
    right: int


def sizes(layouts: Layouts) -> Sizes:
    """The sizes of a call; an operand with batch stride 0 is one matrix."""
    (batch, m, n), k = layouts[0].shape, layouts[1].shape[2]
    left, right = (batch if each.strides[0] else 1 for each in layouts[1:])
    return Sizes(batch, m, n, k, left, right)


@final
class _Text:
    """What the kernels of one key have in common."""

    def __init__(self, key: OpKey) -> None:
        self.key: Final = key
        self.source: Final = Source(OPENCL)
        self.frame: Final = Frame(key)
        self.index: Final = self.frame.index
        self.kind: Final = key.dtypes[0].compute
        self.type: Final = self.source.type(self.kind)
        self.width: Final = 32 // self.kind.itemsize
        """Elements of a vector."""
        self.columns: Final = self.width * _VECTORS
        self.parameters: Final = pointers(self.source, 1, key.dtypes)

    def word(self, name: str, value: Callable[[Sizes], int]) -> str:
        return self.frame.word((name,), lambda layouts: value(sizes(layouts)))

    def read(self, operand: int, row: str, column: str) -> str:
        """An element of an operand's matrix, in the type that is computed with."""
        place = f"{row} * {self.frame.stride(operand, 1)} + {column} * {self.frame.stride(operand, 2)}"
        kind = self.key.dtypes[operand]
        return self.source.convert(self.source.load(kind, f"p{operand}[{place}]"), kind.compute, self.kind)

    def write(self, row: str, column: str, value: str) -> str:
        place = f"{row} * {self.frame.stride(0, 1)} + {column} * {self.frame.stride(0, 2)}"
        return self.source.store(self.key.dtypes[0], f"p0[{place}]", value, self.kind)

    def multiply_add(self, total: str, left: str, right: str) -> str:
        if self.kind.kind == "f":
            return f"{total} += {left} * {right};"
        times, plus = ("and", "or") if self.kind.kind == "b" else ("mul", "add")
        return (
            f"{total} = {self.source.apply(plus, self.kind, total, self.source.apply(times, self.kind, left, right))};"
        )

    def tile_of_item(self, rows: str, columns: str) -> list[str]:
        """Statements that find a work-item's tile, rows of tiles first: ``batch``, ``down`` and ``across``."""
        return [
            f"const {self.index} item = ({self.index})get_global_id(0), over = item / {rows};",
            f"const {self.index} down = item - over * {rows}, batch = over / {columns}, across = over - batch * {columns};",
            f"if (batch >= {self.word('batch', lambda s: s.batch)}) return;",
            *advance(self.frame, 3),
        ]


def _direct(text: _Text) -> str:
    """A tile whose reads stay inside by repeating the last row and column."""
    index, side, word = text.index, _SIDE, text.word
    m, n = word("m", lambda s: s.m), word("n", lambda s: s.n)
    body = text.tile_of_item(
        word("tiles down", lambda s: -(-s.m // side)), word("tiles across", lambda s: -(-s.n // side))
    )
    body += [f"p{operand} += batch * {text.frame.stride(operand, 0)};" for operand in range(3)]
    body += [f"{index} row[{side}], column[{side}];"]
    body += [f"for (int r = 0; r < {side}; ++r) {{"]
    body += [f"    row[r] = down * {side} + r < {m} ? down * {side} + r : {m} - 1;"]
    body += [f"    column[r] = across * {side} + r < {n} ? across * {side} + r : {n} - 1;", "}"]
    body += [f"{text.type} total[{side}][{side}];"]
    body += [f"for (int r = 0; r < {side}; ++r) for (int c = 0; c < {side}; ++c) total[r][c] = 0;"]
    body += [f"for ({index} k = 0; k < {word('k', lambda s: s.k)}; ++k) {{", f"    {text.type} a[{side}], b[{side}];"]
    body += [f"    for (int r = 0; r < {side}; ++r) a[r] = {text.read(1, 'row[r]', 'k')};"]
    body += [f"    for (int c = 0; c < {side}; ++c) b[c] = {text.read(2, 'k', 'column[c]')};"]
    body += [f"    for (int r = 0; r < {side}; ++r) for (int c = 0; c < {side}; ++c)"]
    body += [f"        {text.multiply_add('total[r][c]', 'a[r]', 'b[c]')}", "}"]
    body += [f"for (int r = 0; r < {side} && down * {side} + r < {m}; ++r)"]
    body += [f"    for (int c = 0; c < {side} && across * {side} + c < {n}; ++c)"]
    body += [f"        {text.write('row[r]', 'column[c]', 'total[r][c]')}"]
    return f"__kernel void hp_direct(HP_FRAME, {text.parameters}) {{\n{indented(body)}}}\n"


def _panels(rows: int, size: int) -> int:
    return -(-rows // size)


def _packed_left(s: Sizes) -> int:
    """Elements of the packed left operand, to a multiple of the vectors' alignment."""
    return -(-s.left * _panels(s.m, _ROWS) * _ROWS * s.k // 16) * 16


def _packed_right(s: Sizes, columns: int) -> int:
    return s.right * _panels(s.n, columns) * columns * s.k


def _pack(text: _Text, name: str, operand: int, side: int) -> str:
    """A work-item copies one row of a panel: ``side`` elements of one ``k``."""
    index, word = text.index, text.word
    left = operand == 1
    count = word("left" if left else "right", lambda s: s.left if left else s.right)
    panels = word(f"panels {operand}", lambda s: _panels(s.m if left else s.n, side))
    limit = word("m", lambda s: s.m) if left else word("n", lambda s: s.n)
    depth = word("k", lambda s: s.k)
    read = text.read(operand, "at", "k") if left else text.read(operand, "k", "at")
    body = [
        f"const {index} item = ({index})get_global_id(0), over = item / {depth}, k = item - over * {depth};",
        f"const {index} batch = over / {panels}, panel = over - batch * {panels};",
        f"if (batch >= {count}) return;",
        *advance(text.frame, 3),
        f"p{operand} += batch * {text.frame.stride(operand, 0)};",
        f"scratch += {'0' if left else word('start of right', _packed_left)} + item * {side};",
        f"for (int r = 0; r < {side}; ++r) {{",
        f"    const {index} at = panel * {side} + r;",
        f"    scratch[r] = at < {limit} ? {read} : 0;",
        "}",
    ]
    return f"__kernel void {name}(HP_FRAME, {text.parameters}, __global {text.type} *scratch) {{\n{indented(body)}}}\n"


def _multiply(text: _Text) -> str:
    """A tile of two packed panels.  Vectors are read through pointers: the panels are aligned."""
    index, word, columns = text.index, text.word, text.columns
    down = word("panels 1", lambda s: _panels(s.m, _ROWS))
    across = word("panels 2", lambda s: _panels(s.n, columns))
    depth, vector = word("k", lambda s: s.k), f"{text.type}{text.width}"
    places = [(r, v) for r in range(_ROWS) for v in range(_VECTORS)]
    body = text.tile_of_item(down, across)
    body += [f"p0 += batch * {text.frame.stride(0, 0)};"]
    left = f"(batch * {word('left step', lambda s: int(s.left > 1))} * {down} + down) * {depth} * {_ROWS}"
    right = f"(batch * {word('right step', lambda s: int(s.right > 1))} * {across} + across) * {depth} * {columns}"
    body += [f"__global const {text.type} *a = scratch + {left};"]
    start = f"scratch + {word('start of right', _packed_left)} + {right}"
    body += [f"__global const {vector} *b = (__global const {vector} *)({start});"]
    # A bound that differs between work-items keeps PoCL from splitting the loop, which would spill the registers.
    body += [f"__global const {vector} *end = b + {depth} * {_VECTORS};"]
    body += [f"{vector} " + ", ".join(f"t{r}{v} = ({vector})(0)" for r, v in places) + ";"]
    body += [f"for (; b != end; b += {_VECTORS}, a += {_ROWS}) {{"]
    body += [f"    const {vector} b{v} = b[{v}];" for v in range(_VECTORS)]
    for r in range(_ROWS):
        body += [f"    const {vector} a{r} = ({vector})(a[{r}]);"]
        body += [f"    t{r}{v} += a{r} * b{v};" for v in range(_VECTORS)]
    body += ["}", f"const {vector} tile[{len(places)}] = {{ {', '.join(f't{r}{v}' for r, v in places)} }};"]
    body += [f"const {text.type} *value = (const {text.type} *)tile;"]
    body += [f"const {index} row = down * {_ROWS}, column = across * {columns};"]
    body += [f"for ({index} r = 0; r < {_ROWS} && row + r < {word('m', lambda s: s.m)}; ++r)"]
    body += [f"    for ({index} c = 0; c < {columns} && column + c < {word('n', lambda s: s.n)}; ++c)"]
    body += [f"        {text.write('(row + r)', '(column + c)', f'value[r * {columns} + c]')}"]
    parameters = f"HP_FRAME, {text.parameters}, __global {text.type} *scratch"
    return f"__kernel void hp_multiply({parameters}) {{\n{indented(body)}}}\n"


@final
class Matmul:
    """The kernel: direct, or packed and multiplied, in several turns where the packed operands would be too large."""

    def __init__(self, device: Device, key: OpKey) -> None:
        text = _Text(key)
        self._columns: Final = text.columns
        self._packs: Final = text.kind.kind == "f"
        self._itemsize: Final = text.kind.itemsize
        kernels = [_direct(text)]
        if self._packs:
            kernels += [_pack(text, "hp_left", 1, _ROWS), _pack(text, "hp_right", 2, text.columns), _multiply(text)]
        contract = "#pragma OPENCL FP_CONTRACT ON\n"  # a product's sum is as good or better fused
        program = Program(device, "matmul", text.frame, text.source, contract + "".join(kernels), 4)
        self._device: Final = device
        self._pack: Final = program.packer.pack
        self._plans: Final = Plans(program.packer, sizes)
        self._direct: Final = program.launcher("hp_direct", 3, device.heavy)
        if self._packs:
            self._left: Final = program.launcher("hp_left", 4, device.light)
            self._right: Final = program.launcher("hp_right", 4, device.light)
            self._multiply: Final = program.launcher("hp_multiply", 4, device.tiles)

    def __call__(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        arrays = (*outs, *inputs)
        words, size = self._plans.of(arrays)
        if not self._packs or min(size.m, size.n, size.k) < _LEAST or size.m * size.n * size.k < _LEAST_WORK:
            frame = self._pack([array.offset for array in arrays], words, ())
            with self._device.lock:
                self._direct(size.batch * _panels(size.m, _SIDE) * _panels(size.n, _SIDE), frame, _memories(arrays))
            return
        nbytes = self._itemsize * (_packed_left(size) + _packed_right(size, self._columns))
        if nbytes > _MOST_SCRATCH and size.batch > 1:
            half = size.batch // 2
            for start, stop in ((0, half), (half, size.batch)):
                self(
                    [_batches(each, start, stop) for each in outs], [_batches(each, start, stop) for each in inputs], ()
                )
            return
        frame = self._pack([array.offset for array in arrays], words, ())
        down, across = _panels(size.m, _ROWS), _panels(size.n, self._columns)
        with self._device.lock:
            memories = [*_memories(arrays), self._device.scratch(nbytes)]
            self._left(size.left * down * size.k, frame, memories)
            self._right(size.right * across * size.k, frame, memories)
            self._multiply(size.batch * down * across, frame, memories)


def _memories(arrays: Sequence[Array]) -> list[Any]:
    return [array.storage.buffer.memory for array in arrays]


def _batches(array: Array, start: int, stop: int) -> Array:
    """Some of the matrices."""
    layout = layout_of(array.dtype, (stop - start, *array.shape[1:]), array.strides)
    return Array(array.storage, layout, array.offset + start * array.strides[0])


def matmul(device: Device, key: OpKey) -> Kernel:
    """The kernel of a key."""
    return Matmul(device, key)
