"""Attention, forward: tiles of scores pass through shared memory, and are never stored.

A block has 64 queries and 64 columns of the values, and goes along the keys, 32 at a time; the softmax's maximum and sum are
kept running (Milakov and Gimelshein, 2018; Dao et al., 2022).  Half types are computed with as float; where there are tensor
cores, heads of up to 128 elements are theirs (:mod:`hotplug.backends.cuda.attention_tensor`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from hotplug.backend import Kernel, OpKey
from hotplug.backend.render import Source
from hotplug.backends.cuda import attention_tensor
from hotplug.backends.cuda.composite import Override, Plan, Sheet, Step
from hotplug.backends.cuda.device import Device
from hotplug.backends.cuda.dialect import CUDA
from hotplug.backends.cuda.header import THREADS
from hotplug.backends.cuda.program import MOST_ACROSS
from hotplug.backends.cuda.text import kernel
from hotplug.backends.opencl.attention_operands import AXES, sizes_of
from hotplug.backends.opencl.frame import Layouts
from hotplug.dtypes import bool_, dtype

ROWS: Final = 64
COLUMNS: Final = 32
DEPTH: Final = 16
WIDTH: Final = 64
Load = Callable[[str], str]

LOCATE: Final = f"""
// What the number of a matrix, in C order over the batch's axes, amounts to as an offset.
HP_INLINE hp_i64 hp_batch(hp_i64 flat, const hp_i64 *sizes, const hp_i64 *steps) {{
    hp_i64 at = 0;
#pragma unroll
    for (int axis = {AXES - 1}; axis >= 0; --axis) {{
        if (flat == 0) break;
        const bool wide = (flat | sizes[axis]) >> 32 != 0;
        const hp_i64 rest = wide ? flat / sizes[axis] : (hp_i64)((hp_u32)flat / (hp_u32)sizes[axis]);
        at += (flat - rest * sizes[axis]) * steps[axis];
        flat = rest;
    }}
    return at;
}}
"""


def usable(key: OpKey) -> bool:
    """Whether the kernels take the operands: one floating dtype, a mask of it or of bool, and no dropout."""
    kind = key.dtypes[0]
    plain = kind.kind == "f" and all(each in (kind, kind.compute, bool_) for each in key.dtypes)
    return plain and ("stream", None) in key.attributes


def loading(source: Source, kind: dtype) -> Load:
    """What makes a value of an element in memory."""
    return lambda element: source.load(kind, element)


def shared_tiles(name: str) -> list[str]:
    """Declarations of the tiles of a block."""
    return [
        f"__shared__ {name} left[{DEPTH}][{ROWS} + 1], right[{DEPTH}][{COLUMNS} + 1];",
        f"__shared__ {name} score[{ROWS}][{COLUMNS} + 1], tile[{COLUMNS}][{WIDTH} + 1];",
        "const int thread = threadIdx.x, y = thread / 16, x = thread % 16;",
    ]


def tile_product(name: str, kind: dtype, target: str, depth: str, left: Callable[[str, str], str],
                 right: Callable[[str, str], str]) -> list[str]:  # fmt: skip
    """Statements: ``target[4][2]`` of a thread as part of a 64 x 32 product along ``depth``.

    ``left(r, d)`` and ``right(c, d)`` read an element, or 0 beyond the ends.
    """
    return [
        f"{name} {target}[4][2];",
        f"for (int r = 0; r < 4; ++r) for (int c = 0; c < 2; ++c) {target}[r][c] = 0;",
        f"for (hp_i64 deep = 0; deep < {depth}; deep += {DEPTH}) {{",
        "#pragma unroll 1",
        f"for (int e = thread; e < {ROWS * DEPTH}; e += {THREADS}) {{",
        f"    const int r = e / {DEPTH}, d = e % {DEPTH};",
        f"    left[d][r] = deep + d < {depth} ? {left('r', '(deep + d)')} : ({name})0;",
        "}",
        "#pragma unroll 1",
        f"for (int e = thread; e < {COLUMNS * DEPTH}; e += {THREADS}) {{",
        f"    const int c = e / {DEPTH}, d = e % {DEPTH};",
        f"    right[d][c] = deep + d < {depth} ? {right('c', '(deep + d)')} : ({name})0;",
        "}",
        "__syncthreads();",
        "#pragma unroll 4",
        f"for (int d = 0; d < {DEPTH}; ++d) for (int r = 0; r < 4; ++r) for (int c = 0; c < 2; ++c)",
        f"    {target}[r][c] = {CUDA.math('fma', kind)}(left[d][y + 16 * r], right[d][x + 16 * c], {target}[r][c]);",
        "__syncthreads();",
        "}",
    ]


def tile_update(kind: dtype) -> list[str]:
    """Statements: ``sum[4][4]`` of a thread plus the 64 x 32 ``score`` times the 32 x 64 ``tile``."""
    return [
        "#pragma unroll 4",
        f"for (int k = 0; k < {COLUMNS}; ++k) for (int r = 0; r < 4; ++r) for (int c = 0; c < 4; ++c)",
        f"    sum[r][c] = {CUDA.math('fma', kind)}(score[y + 16 * r][k], tile[k][x + 16 * c], sum[r][c]);",
        "__syncthreads();",
    ]


def bounded(load: Load, pointer: str, row: str, rows: str) -> Callable[[str, str], str]:
    """Reads ``pointer[row + r][d]``, or 0 behind the last row."""

    def read(r: str, d: str) -> str:
        element = f"{pointer}[({row} + {r}) * HP({pointer}_row) + {d} * HP({pointer}_column)]"
        return f"({row} + {r} < {rows} ? {load(element)} : 0)"

    return read


def masked(name: str, key: OpKey, load: Load, value: str, query: str, column: str) -> list[str]:
    """Statements that define ``s``, the score of a query and a key: -inf where not to attend."""
    lines = [f"{name} s = {value} * ({name})HP(scale);"]
    if ("mask", None) not in key.attributes:
        element = f"mask[{query} * HP(mask_row) + {column} * HP(mask_column)]"
        lines.append(f"if (!{element}) s = -INFINITY;" if bool_ in key.dtypes else f"s += {load(element)};")
    if ("causal", True) in key.attributes:
        lines.append(f"if ({column} > {query}) s = -INFINITY;")
    return lines


def _scores(name: str, key: OpKey, load: Load) -> list[str]:
    """Statements that put a tile of scores into shared memory, -inf outside and where not to attend."""
    return [
        "for (int r = 0; r < 4; ++r) for (int c = 0; c < 2; ++c) {",
        "    const hp_i64 here = row + y + 16 * r, there = base + x + 16 * c;",
        f"    {name} found = -INFINITY;",
        "    if (here < HP(queries) && there < HP(keys)) {",
        *masked(name, key, load, "part[r][c]", "here", "there"), "found = s;",
        "    }",
        "    score[y + 16 * r][x + 16 * c] = found;",
        "}",
    ]  # fmt: skip


def _powers(name: str, exp: str, greater: str) -> list[str]:
    """Statements that turn the scores of a tile into powers, below the rows' new largest, and add them up."""
    return [
        # Four neighbouring threads have a row of scores together.
        "const int own = thread / 4, lane = thread % 4;",
        f"{name} best = top;",
        f"for (int k = lane; k < {COLUMNS}; k += 4) {{ const {name} other = score[own][k]; best = {greater}; }}",
        f"for (int d = 1; d < 4; d <<= 1) {{ const {name} other = hp_swap(best, d); best = {greater}; }}",
        f"const {name} shift = best == -INFINITY ? ({name})0 : best, scaled = {exp}(top - shift);",
        f"{name} more = 0;",
        f"for (int k = lane; k < {COLUMNS}; k += 4) {{",
        f"    const {name} power = {exp}(score[own][k] - shift);",
        "    score[own][k] = power;",
        "    more += power;",
        "}",
        "for (int d = 1; d < 4; d <<= 1) more += hp_swap(more, d);",
        "total = total * scaled + more;",
        "top = best;",
        "if (lane == 0) factor[own] = scaled;",
    ]  # fmt: skip


def _text(source: Source, key: OpKey) -> str:
    kind, load = key.dtypes[0].compute, loading(source, key.dtypes[0])
    name, exp = source.type(kind), CUDA.math("exp", kind)
    limit = f"hp_smaller(HP(keys), row + {ROWS})" if ("causal", True) in key.attributes else "HP(keys)"
    has_mask = ("mask", None) not in key.attributes
    greater = source.apply("maximum", kind, "best", "other")
    body = [
        *shared_tiles(name),
        f"__shared__ {name} factor[{ROWS}];",
        f"const hp_i64 tiles = (HP(queries) - 1) / {ROWS} + 1, row = (blockIdx.x % tiles) * {ROWS};",
        f"const hp_i64 first = (blockIdx.x / tiles) * {WIDTH};",
        "for (hp_i64 batch = blockIdx.y; batch < HP(batches); batch += gridDim.y) {",
        *[f"const {kind_} *{pointer} = HP({pointer}) + hp_batch(batch, HP(sizes), HP({pointer}_batch));"
          for pointer, kind_ in _operands(source, key, has_mask)],
        f"{name} sum[4][4], top = -INFINITY, total = 0;",
        "for (int r = 0; r < 4; ++r) for (int c = 0; c < 4; ++c) sum[r][c] = 0;",
        f"const hp_i64 limit = {limit};",
        f"for (hp_i64 base = 0; base < limit; base += {COLUMNS}) {{",
        *tile_product(name, kind, "part", "HP(depth)", bounded(load, "query", "row", "HP(queries)"),
                      bounded(load, "key", "base", "HP(keys)")),
        *_scores(name, key, load),
        *load_tile(load, "value", "base", "HP(keys)", "first", "HP(width)", name),
        "__syncthreads();",
        *_powers(name, exp, greater),
        "__syncthreads();",
        "for (int r = 0; r < 4; ++r) for (int c = 0; c < 4; ++c) sum[r][c] *= factor[y + 16 * r];",
        *tile_update(kind),
        "}",
        "if (thread % 4 == 0) {",
        f"    factor[thread / 4] = total == 0 ? ({name})1 : total;",
        "    if (first == 0 && row + thread / 4 < HP(queries))",
        "        HP(total)[hp_batch(batch, HP(sizes), HP(total_batch)) + row + thread / 4] =",
        f"            (top == -INFINITY ? ({name})0 : top) + {CUDA.math('log', kind)}(total);",
        "}",
        "__syncthreads();",
        *store_tile(source, key, "out", "batch", "HP(queries)", "HP(width)", "sum[r][c] / factor[y + 16 * r]"),
        "__syncthreads();",
        "}",
    ]  # fmt: skip
    return LOCATE + kernel("hp_attention", body)


def _operands(source: Source, key: OpKey, has_mask: bool) -> list[tuple[str, str]]:
    stored = source.stored(key.dtypes[0])
    mask = [("mask", source.stored(bool_) if bool_ in key.dtypes else stored)] if has_mask else []
    return [("query", stored), ("key", stored), ("value", stored), *mask]


def load_tile(load: Load, pointer: str, row: str, rows: str, first: str, columns: str, name: str) -> list[str]:
    """Statements that bring 32 rows and 64 columns of a matrix into ``tile``, with 0 beyond its ends."""
    element = f"{pointer}[({row} + k) * HP({pointer}_row) + ({first} + c) * HP({pointer}_column)]"
    return [
        "#pragma unroll 1",
        f"for (int e = thread; e < {COLUMNS * WIDTH}; e += {THREADS}) {{",
        f"    const int k = e / {WIDTH}, c = e % {WIDTH};",
        f"    tile[k][c] = {row} + k < {rows} && {first} + c < {columns} ? {load(element)} : ({name})0;",
        "}",
    ]


def store_tile(source: Source, key: OpKey, pointer: str, batch: str, rows: str, columns: str, value: str) -> list[str]:
    """Statements that write a block's 64 x 64 results into a contiguous output."""
    kind = key.dtypes[0]
    store = source.store(kind, f"HP({pointer})[({batch} * {rows} + here) * {columns} + there]", value, kind.compute)
    return [
        "for (int r = 0; r < 4; ++r) for (int c = 0; c < 4; ++c) {",
        "    const hp_i64 here = row + y + 16 * r, there = first + x + 16 * c;",
        f"    if (here < {rows} && there < {columns}) {{ {store} }}",
        "}",
    ]


def words(names: Sequence[str]) -> tuple[str, ...]:
    """The integers of a sheet for these operands."""
    found = [f"sizes[{AXES}]", "batches", "queries", "keys", "depth", "width"]
    for name in names:
        found.append(f"{name}_batch[{AXES}]")
        found += [] if name == "total" else [f"{name}_row", f"{name}_column"]
    return tuple(found)


def attention(device: Device, key: OpKey) -> Kernel | None:
    """The kernel of a key."""
    if not usable(key):
        return None
    source, kind = Source(CUDA), key.dtypes[0]
    operands = _operands(source, key, ("mask", None) not in key.attributes)
    names = [name for name, _ in operands]
    pointers = {"out": source.stored(kind), "total": source.type(kind.compute)}
    sheet = Sheet(pointers | {name: f"const {type_}" for name, type_ in operands}, words([*names, "total"]), ("scale",))
    text, kernels = _text(source, key), ["hp_attention"]
    forms = attention_tensor.forms_of(key) if uses_tensor_cores(device, key) else ()
    if forms:
        text += attention_tensor.forward_text(source, key, operands)
        kernels += [each.name for each in forms]

    def plan(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        given = dict(zip(["out", "total", *names], layouts, strict=True))
        del given["out"]
        _, numbers = sizes_of(given, scalars[0])
        form = attention_tensor.form_of(forms, numbers)
        if form is not None:
            return Plan(numbers, [attention_tensor.step_of(form, numbers)])
        blocks = (-(-numbers["queries"] // ROWS)) * (-(-numbers["width"] // WIDTH))
        return Plan(numbers, [Step("hp_attention", blocks, min(numbers["batches"], MOST_ACROSS))])

    return Override(device, key.name, source, sheet, text, plan, kernels)


def uses_tensor_cores(device: Device, key: OpKey) -> bool:
    """Whether there are kernels for the operands that use tensor cores."""
    return device.traits.tensor_cores and key.dtypes[0].itemsize == 2
