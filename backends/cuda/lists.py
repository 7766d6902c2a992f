"""Optimizers' steps over lists of parameters: one launch for all parameters of a kind.

What is different for each parameter (pointers, size, numbers) is a row of a table in device memory.  A block finds its row
by the number of the first block of each, and updates a piece of that parameter.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, Final, final

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backend.render import Source
from hotplug.backends.cuda.composite import Sheet
from hotplug.backends.cuda.device import Device
from hotplug.backends.cuda.dialect import CUDA
from hotplug.backends.cuda.header import THREADS
from hotplug.backends.cuda.program import addresses
from hotplug.backends.cuda.text import kernel
from hotplug.expr.node import leaves

SUFFIX: Final = "_of_list"
_WIDTH: Final = 4
"""Elements of a thread at a time."""
_PIECE: Final = THREADS * _WIDTH * 4
"""Elements of a block."""
_HEAD: Final = 3
"""Words of a row before the pointers: its first block, its size, and whether all its pointers are aligned."""


def _loaded(source: Source, key: OpKey, element: str) -> list[str]:
    """Statements that load, compute and store; ``element`` has the operand's position in braces."""
    outs, scalars = len(key.program), _scalars(key)
    lines, names = [], []
    for position, kind in enumerate(key.dtypes[outs:]):
        lines.append(f"const {source.type(kind)} x{position} = {source.load(kind, element.format(position))};")
        lines.append(f"(void)x{position};")  # a program need not read it
        names.append(f"x{position}")
    body = source.render(key.program, names, {position: f"s{position}" for position in scalars})
    lines += body.statements
    for position, (root, value) in enumerate(zip(key.program, body.values, strict=True)):
        lines.append(source.store(key.dtypes[position], element.format(position), value, root.dtype))
    return lines


def _scalars(key: OpKey) -> dict[int, str]:
    source = Source(CUDA)
    return {leaf.value: source.type(leaf.dtype.compute) for leaf in leaves(key.program, "scalar")}


def _text(source: Source, key: OpKey) -> str:
    outs = len(key.program)
    kinds = key.dtypes[outs:]
    width = _HEAD + len(kinds)
    scalars = _scalars(key)
    lines = [
        "hp_i64 low = 0, high = HP(rows) - 1;",
        "while (low < high) {",
        "    const hp_i64 middle = (low + high + 1) / 2;",
        "    if (HP(table)[middle * HP(words)] <= blockIdx.x) low = middle; else high = middle - 1;",
        "}",
        "const hp_i64 *own = HP(table) + low * HP(words);",
        f"const hp_i64 start = (blockIdx.x - own[0]) * {_PIECE}, end = hp_smaller(start + {_PIECE}, own[1]);",
    ]
    for position, kind in enumerate(kinds):
        stored = source.stored(kind) if position < outs else f"const {source.stored(kind)}"
        lines.append(f"{stored} *p{position} = ({stored} *)own[{_HEAD + position}];")
    for position, name in scalars.items():
        lines.append(f"const {name} s{position} = ({name})hp_double_of_bits((hp_u64)own[{width + position}]);")
    packs, stores = [], []
    for position, kind in enumerate(kinds):
        pack = f"hp_pack<{source.stored(kind)}, {_WIDTH}>"
        constant = "" if position < outs else "const "
        packs.append(f"{constant}{pack} v{position} = *(const {pack} *)(p{position} + i);")
        if position < outs:
            stores.append(f"*({pack} *)(p{position} + i) = v{position};")
    lines += [
        f"for (hp_i64 i = start + (hp_i64)threadIdx.x * {_WIDTH}; i < end; i += {THREADS * _WIDTH}) {{",
        f"if (own[2] && i + {_WIDTH} <= end) {{",
        *packs, "#pragma unroll", f"for (int k = 0; k < {_WIDTH}; ++k) {{", *_loaded(source, key, "v{}.v[k]"), "}", *stores,
        "} else {",
        f"for (hp_i64 j = i; j < hp_smaller(i + {_WIDTH}, end); ++j) {{", *_loaded(source, key, "p{}[j]"), "}",
        "}",
        "}",
    ]  # fmt: skip
    return kernel("hp_list", lines)


@final
class Lists:
    """The kernel of the contract: outputs, inputs and numbers of all parameters, one parameter after the other."""

    def __init__(self, device: Device, key: OpKey) -> None:
        source, sheet = Source(CUDA), Sheet({"table": "const hp_i64"}, ("rows", "words"))
        module = device.module(key.name, source.text(sheet.declaration(), _text(source, key)))
        self._device: Final = device
        self._function: Final = device.driver.function(module, "hp_list")
        self._sheet: Final = sheet
        self._kinds: Final = key.dtypes[len(key.program) :]

    def __call__(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        each = len(self._kinds)
        count = len(inputs) // each
        numbers = len(scalars) // count
        row = struct.Struct(f"={_HEAD + each}q{numbers}d")
        places = addresses(inputs)
        rows, blocks = [], 0
        for item in range(count):
            own, size = places[item * each : (item + 1) * each], inputs[item * each].numel
            aligned = not any(place % (kind.itemsize * _WIDTH) for place, kind in zip(own, self._kinds, strict=True))
            rows.append(row.pack(blocks, size, aligned, *own, *scalars[item * numbers : (item + 1) * numbers]))
            blocks += -(-size // _PIECE)
        if not blocks:
            return
        device = self._device
        with device.lock:
            table = device.scratch(row.size * count, "table")
            device.driver.write(table, memoryview(b"".join(rows)))
            frame = self._sheet.frame([table], self._sheet.numbers({"rows": count, "words": row.size // 8}))
            device.launch(self._function, (blocks, 1, 1), THREADS, frame)


def lists(device: Device, key: OpKey) -> Kernel | None:
    """The kernel of a key, where all operands are dense and the program is known."""
    if not key.program or any(each != "contiguous" for each in key.layouts):
        return None
    return Lists(device, key)
