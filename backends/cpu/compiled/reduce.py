"""Compiled reductions, with the Expr that is applied first in the same loop.

Along rows, a work item is the elements that one output sums up, or a chunk of them; down columns, a strip of outputs
next to each other.  float32 is summed in the lanes of vectors over at most 1024 elements, then in float64.  Where the
outputs are few, chunks of the reduced axes are items of their own, and their results are reduced in turn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from hotplug.backend import Array, Kernel, OpKey, dtypes
from hotplug.backends.cpu.compiled import render
from hotplug.backends.cpu.compiled.build import task_of_text
from hotplug.backends.cpu.compiled.pool import run, workspace
from hotplug.backends.cpu.memory import address
from hotplug.caches import Bounded
from hotplug.dtypes import dtype
from hotplug.expr.node import input_, schedule
from hotplug.layout import Layout, layout_of

_SEGMENT: Final = 1024
"""Elements that are summed in float32."""
_STRIP: Final = 512
"""Outputs next to each other that one item sums down the columns."""
_ROWS: Final = 32
"""Rows of a strip that are summed in float32."""
_CHUNK: Final = 65536
"""Elements of a chunk, where the outputs are too few to be the items."""
_FEW: Final = 16
_TOGETHER: Final = 4
"""Steps of a strip that are read together, so that the lanes are loaded and stored less often."""
_LIGHT: Final = 6
"""Statements of a program up to which that pays."""


class Form(NamedTuple):
    """What the text of a reduction depends on beside its key."""

    kept: int
    """Kept axes, without the one that strips lie along."""
    reduced: int
    """Reduced axes, without the last where rows are summed."""
    columns: bool
    steps: tuple[int, ...]
    """By input, the stride along the innermost loop: 0, 1, or 2 for any other."""
    partial: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """A form ready for certain layouts."""

    code: int
    numbers: tuple[int, ...]
    items: int
    grain: int
    partial: int
    """Bytes of the chunks' results."""
    join: Plan | None
    """Reduces the chunks' results."""


def kernel(key: OpKey) -> Kernel | None:
    """The compiled kernel of a reduction, or ``None`` where NumPy has to serve it."""
    root = key.program[0].dtype
    if not key.axis or not render.supported(key.program) or any(n.op == "index" for n in schedule(key.program)):
        return None
    if key.mode in ("sum", "prod") and root.compute is not key.dtypes[0].compute:
        return None
    scalars_read = sorted(render.scalar_words(key.program).items())
    plans: Bounded[tuple[Layout, ...], Plan] = Bounded()

    def call(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        layouts = tuple([each.layout for each in (*outs, *inputs)])
        plan = plans.get(layouts)
        if plan is None:
            plan = plans[layouts] = _plan(key, layouts, scalars_read)
        table = [address(each) for each in inputs]
        table += [render.pack_scalar(scalars[position], kind) for position, kind in scalars_read]
        target = address(outs[0])
        join = plan.join
        if join is None:
            run(plan.code, (target, *table, *plan.numbers), plan.items, plan.grain)
            return
        place = workspace(plan.partial)
        run(plan.code, (place, *table, *plan.numbers), plan.items, plan.grain)
        run(join.code, (target, place, *join.numbers), join.items, join.grain)

    return call


def _wide(key: OpKey) -> dtype:
    """The dtype of the chunks' results."""
    if key.mode in ("sum", "prod"):
        return dtypes.float64 if key.dtypes[0].is_floating_point else dtypes.int64
    if key.mode in ("any", "all"):
        return dtypes.int64
    return key.program[0].dtype.compute


def _plan(
    key: OpKey, layouts: Sequence[Layout], scalars: Sequence[tuple[int, dtype]], whole: bool = False
) -> Plan:  # fmt: skip
    """The form and the numbers for some layouts; ``whole`` if there must be no chunks."""
    shape = layouts[1].shape
    split = len(shape) - key.axis
    inputs = layouts[1:]

    def weight(axis: int) -> int:
        return -max(abs(each.strides[axis]) for each in inputs)

    kept = sorted((axis for axis in range(split) if shape[axis] != 1), key=weight)
    reduced = sorted((axis for axis in range(split, len(shape)) if shape[axis] != 1), key=weight) or [split]
    columns = _down_columns(inputs, kept, reduced, shape)
    inner = kept[-1] if columns else reduced[-1]
    walked_kept = kept[:-1] if columns else kept
    walked_reduced = reduced if columns else reduced[:-1]
    outputs = math.prod(shape[axis] for axis in kept)
    length = math.prod(shape[axis] for axis in reduced)
    strips = -(-shape[inner] // _STRIP) if columns else 1
    segments = 1 if columns else -(-shape[inner] // _SEGMENT)
    steps = math.prod(shape[axis] for axis in walked_reduced) * segments
    places = math.prod(shape[axis] for axis in walked_kept) * strips
    chunks = 1
    if places < _FEW and not whole:
        chunks = max(1, min(steps, _FEW * 4 // max(1, places), outputs * length // _CHUNK))
    each_chunk = -(-steps // chunks)
    chunks = -(-steps // each_chunk)
    form = Form(len(walked_kept), len(walked_reduced), columns, _inner_steps(inputs, inner), chunks > 1)
    code = task_of_text("reduce", _text(key, form, scalars))
    operands = [*inputs]
    numbers = [shape[axis] for axis in walked_kept] + [shape[axis] for axis in walked_reduced]
    for layout in operands:
        numbers += [layout.strides[axis] for axis in (*walked_kept, *walked_reduced, inner)]
    out_strides = _out_strides(layouts[0], kept, shape, chunks > 1)
    numbers += [out_strides[axis] for axis in walked_kept] + [out_strides[inner] if columns else 0]
    numbers += [shape[inner], segments, strips, steps, each_chunk, chunks, outputs]
    items = places * chunks
    join = _join(key, layouts[0], kept, shape, chunks) if chunks > 1 else None
    grain = max(1, _FEW * outputs // (items * 64))
    return Plan(code, tuple(numbers), items, grain, chunks * outputs * _wide(key).itemsize, join)


def _join(key: OpKey, out: Layout, kept: Sequence[int], shape: Sequence[int], chunks: int) -> Plan:
    """The reduction of the chunks' results, which lie side by side for each chunk."""
    wide = _wide(key)
    strides = _out_strides(out, kept, shape, partial=True)
    axes = range(len(shape) - key.axis)
    outputs = math.prod(shape[axis] for axis in kept)
    sizes = (*(shape[axis] for axis in axes), chunks)
    partial = layout_of(wide, sizes, (*(strides.get(axis, 0) for axis in axes), outputs))
    of_partial = key._replace(program=(input_(0, wide),), dtypes=(key.dtypes[0], wide), axis=1)
    return _plan(of_partial, (out, partial), (), whole=True)


def _out_strides(layout: Layout, kept: Sequence[int], shape: Sequence[int], partial: bool) -> dict[int, int]:
    """By kept axis, the stride of the output, or of partial results, which lie densely in the order of ``kept``."""
    if not partial:
        return {axis: layout.strides[axis] for axis in kept}
    found, step = {}, 1
    for axis in reversed(kept):
        found[axis] = step
        step *= shape[axis]
    return found


def _inner_steps(inputs: Sequence[Layout], inner: int) -> tuple[int, ...]:
    return tuple(each.strides[inner] if each.strides[inner] in (0, 1) else 2 for each in inputs)


def _down_columns(inputs: Sequence[Layout], kept: Sequence[int], reduced: Sequence[int], shape: Sequence[int]) -> bool:
    """Whether neighbouring outputs read neighbouring elements, and an output's own elements lie apart."""
    if not kept or shape[kept[-1]] < 8:
        return False
    along = [each.strides[kept[-1]] for each in inputs]
    down = [each.strides[reduced[-1]] for each in inputs]
    dense_along = sum(each == 1 for each in along)
    dense_down = sum(each == 1 for each in down)
    return dense_along > 0 and (dense_along > dense_down or shape[reduced[-1]] < 8)


# --- text ---


class Mode(NamedTuple):
    """How one reduction is spelled: the lanes' type and start, and how a value joins them."""

    lane: str
    start: str
    join: str
    wide: str
    """The type of totals; where it is the lanes' own type, there is one level only."""
    value: str


def _mode(key: OpKey) -> Mode:
    kind = key.program[0].dtype.compute
    name = "boolean" if kind.kind == "b" else kind.name
    if key.mode == "sum":
        if kind.is_floating_point:
            return Mode(name, f"{name}(0)", "add({0}, {1})", "float64", "{0}")
        return Mode("int64", "int64(0)", "{0} + {1}", "int64", "int64({0})")
    if key.mode == "prod":
        wide = "float64" if kind.is_floating_point else "int64"
        return Mode(wide, f"{wide}(1)", "multiply({0}, {1})", wide, f"{wide}({{0}})")
    if key.mode in ("any", "all"):
        sign = "|" if key.mode == "any" else "&"
        return Mode("int64", f"int64({int(key.mode == 'all')})", f"{{0}} {sign} {{1}}", "int64", "int64({0} != 0)")
    if kind.kind == "b":
        sign = "|" if key.mode == "max" else "&"
        return Mode("int64", f"int64({int(key.mode == 'min')})", f"{{0}} {sign} {{1}}", "int64", "int64({0})")
    if kind.is_floating_point:
        start = f"{name}({'-' if key.mode == 'max' else ''}np.inf)"
        return Mode(name, start, f"memory.{key.mode}imum({{0}}, {{1}})", name, "{0}")
    limit = np.iinfo(kind.numpy)
    start = f"{name}({limit.min if key.mode == 'max' else limit.max})"
    sign = ">" if key.mode == "max" else "<"
    return Mode(name, start, f"({{1}} if {{1}} {sign} {{0}} else {{0}})", name, "{0}")


def _text(key: OpKey, form: Form, scalars: Sequence[tuple[int, dtype]]) -> str:
    mode = _mode(key)
    count = len(key.dtypes) - 1
    text = render.Text()
    lines = [f"p{i} = word(table, {i + 1})" for i in range(count)]
    names = {position: f"k{position}" for position, _ in scalars}
    for at, (position, kind) in enumerate(scalars):
        lines.append(f"k{position} = {render.unpack_scalar(kind, count + 1 + at)}")
    body, values = text.render(key.program, {i: f"x{i}" for i in range(count)}, names, "0")
    body.append(f"value = {mode.value.format(values[0])}")
    lines += ["target = word(table, 0)", *_numbers(form, count, 1 + count + len(scalars))]
    lines += _columns(form, mode, count, body) if form.columns else _rows(form, mode, count, body)
    stored = _wide(key).name if form.partial else key.dtypes[0].name
    head = [render.HEADER, f'store_out = memory.store("{stored}", 0)']
    head += [f'load{i} = memory.load("{kind.name}", {i + 1})' for i, kind in enumerate(key.dtypes[1:])]
    head += [f'load_lane = memory.load("{mode.lane}", 20)', f'store_lane = memory.store("{mode.lane}", 20)']
    head += [f'load_total = memory.load("{mode.wide}", 21)', f'store_total = memory.store("{mode.wide}", 21)']
    final = _final(key, form, mode)
    head += [*text.constants, "", "", "def task(table, start, stop, thread):"]
    return "\n".join([*head, *(f"    {line.replace('@final', final)}" for line in lines), ""])


def _final(key: OpKey, form: Form, mode: Mode) -> str:
    """The type that a total is converted to when it is stored."""
    out = _wide(key) if form.partial else key.dtypes[0]
    return "boolean" if out.kind == "b" else out.compute.name


def _numbers(form: Form, count: int, at: int) -> list[str]:
    names = [f"n{axis}" for axis in range(form.kept)] + [f"m{axis}" for axis in range(form.reduced)]
    for i in range(count):
        names += [f"s{i}_{axis}" for axis in range(form.kept)]
        names += [f"r{i}_{axis}" for axis in range(form.reduced)] + [f"s{i}"]
    names += [f"so_{axis}" for axis in range(form.kept)] + ["so"]
    names += ["inner", "segments", "strips", "steps", "each", "chunks", "outputs"]
    return [f"{name} = word(table, {at + i})" for i, name in enumerate(names)]


def _decode(names: Sequence[str], sizes: Sequence[str], source: str) -> list[str]:
    lines = [f"rest = {source}"]
    for name, size in zip(reversed(names), reversed(sizes), strict=True):
        lines += [f"{name} = rest % {size}", f"rest = rest // {size}"]
    return lines


def _sum_of(terms: Sequence[str]) -> str:
    return " + ".join(terms) or "0"


def _place(form: Form, count: int) -> list[str]:
    """Where an item starts: the kept axes, and its chunk of the reduced ones."""
    lines = ["chunk = item % chunks", "place = item // chunks"]
    if form.columns:
        lines += ["first = (place % strips) * 512", "last = min(first + 512, inner)", "place = place // strips"]
    kept = [f"i{axis}" for axis in range(form.kept)]
    lines += _decode(kept, [f"n{axis}" for axis in range(form.kept)], "place")
    for i in range(count):
        lines.append(f"a{i} = {_sum_of([f'i{axis} * s{i}_{axis}' for axis in range(form.kept)])}")
    lines.append(f"goal = {_sum_of([f'i{axis} * so_{axis}' for axis in range(form.kept)])}")
    if form.partial:
        lines.append("goal = goal + chunk * outputs")
    return [*lines, "low = chunk * each", "high = min(low + each, steps)"]


def _reads(form: Form, count: int, variable: str, step: str = "") -> tuple[list[str], list[str]]:
    """The loads before the innermost loop and within it; ``step`` is a suffix of the bases' names."""
    before: list[str] = []
    within: list[str] = []
    for i in range(count):
        stride = form.steps[i]
        along = {0: "", 1: f" + {variable}", 2: f" + {variable} * s{i}"}[stride]
        (before if stride == 0 else within).append(f"x{i} = load{i}(p{i}, b{i}{step}{along})")
    return before, within


def _bases(form: Form, count: int, source: str) -> list[str]:
    """The offsets of one step of the reduced axes."""
    names = [f"q{axis}" for axis in range(form.reduced)]
    lines = _decode(names, [f"m{axis}" for axis in range(form.reduced)], source)
    for i in range(count):
        lines.append(f"b{i} = {_sum_of([f'a{i}', *(f'q{axis} * r{i}_{axis}' for axis in range(form.reduced))])}")
    return lines


def _indented(lines: Sequence[str], depth: int = 1) -> list[str]:
    return ["    " * depth + line for line in lines]


def _rows(form: Form, mode: Mode, count: int, body: Sequence[str]) -> list[str]:
    total = mode.join if mode.wide == mode.lane else "{0} + {1}"
    item = [*_place(form, count), f"total = {mode.wide}({mode.start})", "for step in range(low, high):"]
    step = ["whole = step // segments", f"begin = (step - whole * segments) * {_SEGMENT}"]
    step += [f"finish = min(begin + {_SEGMENT}, inner)", *_bases(form, count, "whole")]
    step += _segment(form, mode, count, body)
    step.append(f"total = {total.format('total', f'{mode.wide}(lane)')}")
    item += [*_indented(step), "store_out(target, goal, @final(total))"]
    return ["for item in range(start, stop):", *_indented(item)]


def _segment(form: Form, mode: Mode, count: int, body: Sequence[str]) -> list[str]:
    """Reduce one segment into ``lane``.

    A maximum that keeps NaN is slow, so that one which need not comes first, beside a sum, which is NaN wherever there
    is one among the values (or infinities of both signs): only then is the segment read again.
    """

    def loop(join: str, *more: str) -> list[str]:
        before, within = _reads(form, count, "j")
        each = [*within, *body, *more, f"lane = {join.format('lane', 'value')}"]
        return [*before, f"lane = {mode.start}", "for j in range(begin, finish):", *_indented(each)]

    if not mode.join.startswith("memory."):
        return loop(mode.join)
    quick = mode.join.replace("memory.maximum", "memory.larger").replace("memory.minimum", "memory.smaller")
    doubt = f"doubt = {mode.lane}(0)"
    return [doubt, *loop(quick, "doubt = add(doubt, value)"), "if doubt != doubt:", *_indented(loop(mode.join))]


def _strip_step(form: Form, mode: Mode, count: int, body: Sequence[str], together: int) -> list[str]:
    """Add some steps of the reduced axes, from ``step`` on, to the lanes of a strip."""
    join = mode.join.format("lane", "value")
    if mode.join.startswith("memory."):  # lane by lane this is quicker than LLVM's maximum, and the same
        sign = ">" if "maximum" in mode.join else "<"
        join = f"(value if (value {sign} lane) | (value != value) else lane)"
    lines: list[str] = []
    loop = ["lane = load_lane(lanes, j)"]
    for number in range(together):
        lines += _bases(form, count, f"(step + {number})")
        lines += [f"b{i}_{number} = b{i}" for i in range(count)]
        before, within = _reads(form, count, "(first + j)", f"_{number}")
        lines += [f"broadcast_{number}_{line}" for line in before]
        loop += [f"{line.split(' = ')[0]} = broadcast_{number}_{line.split(' = ')[0]}" for line in before]
        loop += [*within, *body, f"lane = {join}"]
    return [*lines, "for j in range(width):", *_indented([*loop, "store_lane(lanes, j, lane)"])]


def _columns(form: Form, mode: Mode, count: int, body: Sequence[str]) -> list[str]:
    two = mode.wide != mode.lane
    together = _TOGETHER if len(body) <= _LIGHT else 1
    fold = ["for j in range(width):", "    store_total(totals, j, load_total(totals, j) + float64(load_lane(lanes, j)))",
            f"    store_lane(lanes, j, {mode.start})"]  # fmt: skip
    item = [*_place(form, count), "width = last - first", "for j in range(width):"]
    item += _indented([f"store_lane(lanes, j, {mode.start})", *(["store_total(totals, j, float64(0))"] if two else [])])
    item += [f"most = low + (high - low) // {together} * {together}", f"for step in range(low, most, {together}):"]
    item += _indented(_strip_step(form, mode, count, body, together))
    if two:
        item += [f"    if (step - low) % {_ROWS} == {_ROWS - together}:", *_indented(fold, 2)]
    if together > 1:
        item += ["for step in range(most, high):", *_indented(_strip_step(form, mode, count, body, 1))]
    if two:
        item += fold
    result = "load_total(totals, j)" if two else "load_lane(lanes, j)"
    item += ["for j in range(width):", f"    store_out(target, goal + (first + j) * so, @final({result}))"]
    scratch = ["lanes = memory.stack_4096()", *(["totals = memory.stack_4096()"] if two else [])]
    return [*scratch, "for item in range(start, stop):", *_indented(item)]
