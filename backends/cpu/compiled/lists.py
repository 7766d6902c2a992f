"""Compiled steps over lists of parameters: one task for all of them.

A work item is a chunk of one parameter.  The task's table has two words: the address of the chunks, each with the
address of its parameter's record and its first element, and the number of elements of a whole chunk.  A record has the
addresses of the operands, the number of elements and the runtime scalars.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backends.cpu.compiled import render
from hotplug.backends.cpu.compiled.build import task_of_text
from hotplug.backends.cpu.compiled.pool import run
from hotplug.backends.cpu.memory import address

_CHUNK: Final = 16384


def kernel(key: OpKey) -> Kernel | None:
    """The compiled step of a list, or ``None`` where its program has a function that is NumPy's."""
    if not render.supported(key.program):
        return None
    outputs = len(key.program)
    width = len(key.dtypes) - outputs
    words = sorted(render.scalar_words(key.program).items())
    code = task_of_text("lists", _text(key, outputs, width, words))

    def call(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        lists = len(outs) // outputs
        numbers = len(scalars) // lists
        records: list[int] = []
        counts = []
        for i in range(lists):
            operands = inputs[i * width : (i + 1) * width]
            records += [address(each) for each in operands]
            records.append(operands[0].layout.numel)
            counts.append(operands[0].layout.numel)
            for position, kind in words:
                records.append(render.pack_scalar(scalars[i * numbers + position], kind))
        table = array("q", records)
        chunks = _chunks(counts, table.buffer_info()[0], 8 * len(records) // lists)
        run(code, (int(chunks.__array_interface__["data"][0]), _CHUNK), len(chunks), 1)

    return call


def _chunks(counts: Sequence[int], records: int, size: int) -> Any:
    """For every chunk the address of its record and its first element."""
    pieces = -(-np.array(counts, np.int64) // _CHUNK)
    owner = np.repeat(np.arange(len(counts)), pieces)
    first = np.arange(len(owner)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    return np.ascontiguousarray(np.stack([records + owner * size, first * _CHUNK], 1), np.int64)


def _text(key: OpKey, outputs: int, width: int, words: Sequence[tuple[int, Any]]) -> str:
    text = render.Text()
    scalars = {position: f"k{position}" for position, _ in words}
    body, values = text.render(key.program, {i: f"x{i}" for i in range(width)}, scalars, "j")
    kinds = key.dtypes[outputs:]
    lines = ["record = word(item, 0)", "first = word(item, 1)", f"count = word(record, {width})"]
    lines += [f"p{i} = word(record, {i})" for i in range(width)]
    lines += [
        f"k{position} = {render.unpack_scalar(kind, width + 1 + at)}".replace("(table,", "(record,")
        for at, (position, kind) in enumerate(words)
    ]
    loop = [f"x{i} = load{i}(p{i}, j)" for i in range(width)] + body
    loop += [f"store{i}(p{i}, j, {key.dtypes[i].compute.name}({value}))" for i, value in enumerate(values)]
    lines += ["for j in range(first, min(count, first + word(table, 1))):", *(f"    {line}" for line in loop)]
    heads = [f'load{i} = memory.load("{kind.name}", {i})' for i, kind in enumerate(kinds)]
    heads += [f'store{i} = memory.store("{key.dtypes[i].name}", {i})' for i in range(outputs)]
    head = [render.HEADER, *heads, *text.constants, "", "", "def task(table, start, stop, thread):"]
    outer = ["for chunk in range(start, stop):", "    item = word(table, 0) + chunk * 16"]
    return "\n".join([*head, *(f"    {line}" for line in (*outer, *(f"    {line}" for line in lines))), ""])
