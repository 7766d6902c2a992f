"""argmax and argmin down columns: a strip of outputs next to each other, row after row.

Along rows NumPy's search is fast; down columns it goes through memory with a stride for every output.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backends.cpu.compiled import render
from hotplug.backends.cpu.compiled.build import task_of_text
from hotplug.backends.cpu.compiled.pool import run
from hotplug.backends.cpu.memory import address
from hotplug.caches import Bounded
from hotplug.layout import Layout

_STRIP: Final = 256
"""Outputs next to each other that one item searches for."""
_SHORT: Final = 1 << 31
"""Rows have numbers of 32 bits, as wide as float32."""


class Plan(NamedTuple):
    """The task and the numbers for certain layouts."""

    code: int
    numbers: tuple[int, ...]
    items: int


def kernel(key: OpKey, small: Kernel) -> Kernel | None:
    """The compiled kernel, or ``None`` for dtypes that it doesn't know; ``small`` serves other layouts than columns."""
    if key.dtypes[1].kind not in "fiu" or key.rank < 2:
        return None
    plans: Bounded[tuple[Layout, ...], Plan | None] = Bounded()

    def call(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        layouts = (outs[0].layout, inputs[0].layout)
        if layouts not in plans:
            plans[layouts] = _plan(key, *layouts)
        plan = plans[layouts]
        if plan is None:
            small(outs, inputs, scalars)
        else:
            run(plan.code, (address(outs[0]), address(inputs[0]), *plan.numbers), plan.items, 1)

    return call


def _plan(key: OpKey, out: Layout, source: Layout) -> Plan | None:
    """The numbers, where neighbouring outputs read neighbouring elements."""
    last = len(source.shape) - 1
    dense = [axis for axis in range(last) if source.strides[axis] == 1 and source.shape[axis] >= 8]
    if not dense or source.strides[last] == 1 or not 0 < source.shape[last] < _SHORT:
        return None
    inner = dense[-1]
    walked = [axis for axis in range(last) if axis != inner]
    strips = -(-source.shape[inner] // _STRIP)
    numbers = [source.shape[axis] for axis in walked]
    numbers += [source.strides[axis] for axis in walked] + [out.strides[axis] for axis in walked]
    numbers += [source.shape[inner], strips, out.strides[inner], source.shape[last], source.strides[last]]
    items = strips * math.prod(source.shape[axis] for axis in walked)
    return Plan(task_of_text("argreduce", _text(key, len(walked))), tuple(numbers), items)


def _text(key: OpKey, walked: int) -> str:
    kind = key.dtypes[1]
    sign = ">" if key.mode == "argmax" else "<"
    axes = range(walked)
    names = [f"{letter}{axis}" for letter in "nst" for axis in axes] + ["inner", "strips", "step", "rows", "down"]
    lines = [*(f"{name} = word(table, {2 + at})" for at, name in enumerate(names))]
    lines += ["best, place = memory.stack_4096(), memory.stack_4096()", "for item in range(start, stop):"]
    item = [f"first = (item % strips) * {_STRIP}", f"width = min({_STRIP}, inner - first)", "rest = item // strips"]
    item += ["base = first", "goal = first * step"]
    for axis in reversed(axes):
        item += [f"base += (rest % n{axis}) * s{axis}", f"goal += (rest % n{axis}) * t{axis}", f"rest //= n{axis}"]
    item += ["for j in range(width):", "    keep(best, j, take(source, base + j))", "    note(place, j, int32(0))"]
    better = f"(value {sign} old)" + (" | ((value != value) & (old == old))" if kind.kind == "f" else "")
    item += ["for row in range(1, rows):", "    at = base + row * down", "    for j in range(width):"]
    item += [f"        {line}" for line in (
        "value, old = take(source, at + j), kept(best, j)",
        f"better = {better}",
        "keep(best, j, value if better else old)",
        "note(place, j, int32(row) if better else noted(place, j))",
    )]  # fmt: skip
    item += ["for j in range(width):", "    store_out(target, goal + j * step, int64(noted(place, j)))"]
    compute = kind.compute.name
    head = [render.HEADER, 'store_out = memory.store("int64", 0)', f'take = memory.load("{kind.name}", 1)']
    head += [f'kept, keep = memory.load("{compute}", 20), memory.store("{compute}", 20)']
    head += ['noted, note = memory.load("int32", 21), memory.store("int32", 21)', "", ""]
    head += ["def task(table, start, stop, thread):", "    target, source = word(table, 0), word(table, 1)"]
    return "\n".join([*head, *(f"    {line}" for line in lines), *(f"        {line}" for line in item), ""])
