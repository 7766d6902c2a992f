"""Compiled maps: one loop nest for each program and pattern of strides.

The axes are put in the order of the first output's strides.  Of a program over dense operands a work item is an
element; otherwise it is a segment of a row, or a tile of rows and columns where an operand runs down the columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backends.cpu.compiled import powers, render
from hotplug.backends.cpu.compiled.build import task_of_text
from hotplug.backends.cpu.compiled.pool import run
from hotplug.backends.cpu.memory import address
from hotplug.caches import Bounded
from hotplug.dtypes import dtype
from hotplug.expr.node import schedule
from hotplug.layout import Layout

_GRAIN: Final = 32768
"""Elements of one work range; of costly programs fewer."""
_TILE: Final = 64
"""Rows and columns of a tile: a few operands of it fit the first-level cache."""


class Walk(NamedTuple):
    """How one form of a kernel walks: what its text depends on."""

    outer: int
    """Axes before the last."""
    tiled: bool
    """Whether the second-last axis is walked in tiles with the last."""
    steps: tuple[int, ...]
    """By operand, the stride of the last axis: 0, 1, or 2 for any other."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A form, ready for certain layouts."""

    code: int
    numbers: tuple[int, ...]
    """Sizes and strides, behind the addresses."""
    items: int
    grain: int


def _steps(strides: Sequence[Sequence[int]]) -> tuple[int, ...]:
    return tuple(each[-1] if each[-1] in (0, 1) else 2 for each in strides)


def arranged(layouts: Sequence[Layout], in_order: bool) -> tuple[list[int], list[list[int]]]:
    """Sizes and strides by operand, with the axes in the order of the first operand's strides unless ``in_order``.

    Where an operand's elements lie along another axis than the last, that axis becomes the second-last.
    """
    shape = layouts[0].shape
    axes = [axis for axis, size in enumerate(shape) if size != 1]
    if not in_order:
        axes.sort(key=lambda axis: -abs(layouts[0].strides[axis]))
        for layout in layouts[1:]:
            dense = [axis for axis in axes[:-1] if layout.strides[axis] == 1]
            if dense and abs(layout.strides[axes[-1]]) > 1:
                axes.remove(dense[-1])
                axes.insert(len(axes) - 1, dense[-1])
                break
    return [shape[axis] for axis in axes] or [1], [[each.strides[axis] for axis in axes] or [1] for each in layouts]


def is_tiled(sizes: Sequence[int], strides: Sequence[Sequence[int]]) -> bool:
    """Whether an operand runs down the columns: dense along the second-last axis, not along the last."""
    if len(sizes) < 2 or min(sizes[-2:]) < 8:
        return False
    return any(each[-2] == 1 and abs(each[-1]) > 1 for each in strides)


def kernel(key: OpKey) -> Kernel | None:
    """The compiled kernel of a map, or ``None`` where its program has a function that is NumPy's."""
    if not render.supported(key.program):
        return None
    in_order = any(node.op == "index" for node in schedule(key.program))
    scalars_read = sorted(render.scalar_words(key.program).items())
    exponents = powers.exponents(key.program)
    plans: Bounded[tuple[Any, ...], Plan] = Bounded()

    def call(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        operands = (*outs, *inputs)
        layouts = tuple([each.layout for each in operands])
        short = powers.chosen(exponents, scalars) if exponents else ()
        plan = plans.get((layouts, short))
        if plan is None:
            form = key._replace(program=powers.shortened(key.program, short)) if short else key
            plan = plans[layouts, short] = _plan(form, layouts, in_order, scalars_read)
        table = [address(each) for each in operands]
        for position, kind in scalars_read:
            table.append(render.pack_scalar(scalars[position], kind))
        table += plan.numbers
        run(plan.code, table, plan.items, plan.grain)

    return call


def _plan(key: OpKey, layouts: Sequence[Layout], in_order: bool, scalars: Sequence[tuple[int, dtype]]) -> Plan:
    sizes, strides = arranged(layouts, in_order)
    tiled = not in_order and is_tiled(sizes, strides)
    grain = max(4096, _GRAIN // (1 + render.cost(key.program) // 8))
    walk = Walk(len(sizes) - 1, tiled, _steps(strides))
    code = task_of_text("map", _text(key, walk, scalars))
    if walk.outer == 0:
        return Plan(code, tuple(each[0] for each in strides), sizes[0], grain)
    numbers = [*sizes, *(stride for each in strides for stride in each)]
    rows, columns = sizes[-2] if tiled else 1, sizes[-1]
    outer = 1
    for size in sizes[: -2 if tiled else -1]:
        outer *= size
    height, width = (_TILE, _TILE) if tiled else (1, min(columns, grain))
    down, along = -(-rows // height), -(-columns // width)
    numbers += [width, along, down]
    return Plan(code, tuple(numbers), outer * down * along, max(1, grain // (height * width)))


def _text(key: OpKey, walk: Walk, words: Sequence[tuple[int, dtype]]) -> str:
    text = render.Text()
    count = len(key.dtypes)
    outputs = len(key.program)
    lines = [f"p{i} = word(table, {i})" for i in range(count)]
    scalars: dict[int, str] = {}
    for at, (position, kind) in enumerate(words):
        scalars[position] = f"k{position}"
        lines.append(f"k{position} = {render.unpack_scalar(kind, count + at)}")
    inputs = {i - outputs: f"x{i - outputs}" for i in range(outputs, count)}
    body, values = text.render(key.program, inputs, scalars, "e")
    stores = [f"store{i}(p{i}, o{i}, {_stored(key, i, values[i])})" for i in range(outputs)]
    if walk.outer == 0:
        lines += _flat(walk, count, count + len(scalars), outputs, [*body, *stores])
    else:
        lines += _nested(walk, count, count + len(scalars), outputs, [*body, *stores])
    head = [render.HEADER, *_accesses(key, outputs), *text.constants, "", "", "def task(table, start, stop, thread):"]
    return "\n".join([*head, *(f"    {line}" for line in lines), ""])


def _stored(key: OpKey, position: int, value: str) -> str:
    """The value in the type that the output's store takes."""
    source, target = key.program[position].dtype, key.dtypes[position]
    if source is target:
        return value if source.kind == "b" else f"{source.compute.name}({value})"
    return render.converted(value, source, target)


def _accesses(key: OpKey, outputs: int) -> list[str]:
    """The loads and stores; an input that is an output shares its scope."""
    same = {source: out for out, source in enumerate(key.alias) if source >= 0}
    found = []
    for position, kind in enumerate(key.dtypes):
        if position < outputs:
            found.append(f'store{position} = memory.store("{kind.name}", {position})')
        else:
            scope = same.get(position - outputs, position)
            found.append(f'load{position} = memory.load("{kind.name}", {scope})')
    return found


def _element(position: int, step: int, base: str) -> str:
    """The offset of an operand's element in the innermost loop."""
    if step == 0:
        return base or "0"
    along = "j" if step == 1 else f"j * s{position}"
    return f"{base} + {along}" if base else along


def _innermost(walk: Walk, outputs: int, bases: Sequence[str], bounds: str, body: Sequence[str]) -> list[str]:
    """The loop over the last axis: what is broadcast along it is read before it."""
    before: list[str] = []
    within: list[str] = []
    for position, (step, base) in enumerate(zip(walk.steps, bases, strict=True)):
        if position < outputs:
            within.append(f"o{position} = {_element(position, step, base)}")
        else:
            read = f"x{position - outputs} = load{position}(p{position}, {_element(position, step, base)})"
            (before if step == 0 else within).append(read)
    return [*before, f"for j in range({bounds}):", *(f"    {line}" for line in (*within, *body))]


def _flat(walk: Walk, count: int, at: int, outputs: int, body: Sequence[str]) -> list[str]:
    strides = [f"s{i} = word(table, {at + i})" for i in range(count) if walk.steps[i] == 2]
    return [*strides, *_innermost(walk, outputs, [""] * count, "start, stop", ["e = j", *body])]


def _nested(walk: Walk, count: int, at: int, outputs: int, body: Sequence[str]) -> list[str]:
    rank = walk.outer + 1
    lines = [f"n{axis} = word(table, {at + axis})" for axis in range(rank)]
    first = at + rank
    for i in range(count):
        lines += [f"s{i}_{axis} = word(table, {first + i * rank + axis})" for axis in range(rank)]
        lines.append(f"s{i} = s{i}_{rank - 1}")
    end = first + count * rank
    lines += [f"width, along, down = word(table, {end}), word(table, {end + 1}), word(table, {end + 2})"]
    lines.append("for item in range(start, stop):")
    inner = ["rest = item // along", "begin = (item - rest * along) * width"]
    inner.append(f"finish = min(begin + width, n{rank - 1})")
    walked = walk.outer
    if walk.tiled:
        walked -= 1
        inner += [f"top = (rest % down) * {_TILE}", "rest = rest // down", f"bottom = min(top + {_TILE}, n{rank - 2})"]
    inner.append("place = rest")
    for axis in reversed(range(walked)):
        inner += [f"i{axis} = rest % n{axis}", f"rest = rest // n{axis}"]
    for i in range(count):
        terms = [f"i{axis} * s{i}_{axis}" for axis in range(walked)]
        inner.append(f"b{i} = {' + '.join(terms) or '0'}")
    if walk.tiled:
        inner.append("for i in range(top, bottom):")
        rows = [f"r{i} = b{i} + i * s{i}_{rank - 2}" for i in range(count)]
        rows += _innermost(walk, outputs, [f"r{i}" for i in range(count)], "begin, finish", body)
        inner += [f"    {line}" for line in rows]
    else:
        linear = [f"e = place * n{rank - 1} + j", *body]
        inner += _innermost(walk, outputs, [f"b{i}" for i in range(count)], "begin, finish", linear)
    return [*lines, *(f"    {line}" for line in inner)]
