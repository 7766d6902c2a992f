"""Attention on a GPU: 256 work-items have 64 queries, or keys, and 64 columns; tiles pass through local memory.

A group goes along the other side 32 at a time: a 64 x 32 tile of scores, each work-item 4 x 2 of them, then 64 x 64 results,
each work-item 4 x 4 of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hotplug.backend import OpKey
from hotplug.backend.render import Source
from hotplug.backends.opencl.attention_operands import has_mask, is_causal
from hotplug.backends.opencl.composite import Sheet, Step
from hotplug.backends.opencl.device import Device
from hotplug.dtypes import bool_, dtype

ROWS: Final = 64
COLUMNS: Final = 32
DEPTH: Final = 16
WIDTH: Final = 64
LOCAL: Final = 256
_ELEMENTS: Final = (
    DEPTH * (ROWS + 1) + DEPTH * (COLUMNS + 1) + ROWS * (COLUMNS + 1) + COLUMNS * (WIDTH + 1) + ROWS + LOCAL
)


def has_room(device: Device, kind: dtype) -> bool:
    """Whether groups can be so large, and their tiles fit into local memory."""
    enough: bool = _ELEMENTS * kind.itemsize <= int(device.handle.local_mem_size)
    return enough and device.light.of_many >= LOCAL


def group_step(kernel: str, numbers: Mapping[str, Any], rows: str, width: str, batches: str = "batches") -> Step:
    """The launch of one of these kernels."""
    blocks = -(-numbers[rows] // ROWS) * max(1, -(-numbers[width] // WIDTH))
    return Step(kernel, blocks, LOCAL, numbers[batches])


def _tiles(name: str) -> list[str]:
    """Declarations of the tiles of a group."""
    return [
        f"__local {name} left[{DEPTH}][{ROWS + 1}], right[{DEPTH}][{COLUMNS + 1}];",
        f"__local {name} score[{ROWS}][{COLUMNS + 1}], tile[{COLUMNS}][{WIDTH + 1}];",
        "const int id = (int)get_local_id(0), y = id / 16, x = id % 16;",
        "const hp_index own = (hp_index)get_group_id(1);",
    ]


_BARRIER: Final = "barrier(CLK_LOCAL_MEM_FENCE);"


def _product(name: str, target: str, depth: str, left: str, right: str) -> list[str]:
    """Statements: ``target[4][2]`` of a work-item as part of a 64 x 32 product along ``depth``.

    ``left`` and ``right`` read the element of line ``r`` at ``d``, or 0 beyond the ends.
    """
    return [
        f"{name} {target}[4][2];",
        f"for (int r = 0; r < 4; ++r) for (int c = 0; c < 2; ++c) {target}[r][c] = 0;",
        f"for (hp_index deep = 0; deep < {depth}; deep += {DEPTH}) {{",
        f"for (int e = id; e < {ROWS * DEPTH}; e += {LOCAL}) {{",
        f"    const hp_index r = e / {DEPTH}, d = deep + e % {DEPTH};",
        f"    left[e % {DEPTH}][r] = d < {depth} ? {left} : ({name})0;",
        "}",
        f"for (int e = id; e < {COLUMNS * DEPTH}; e += {LOCAL}) {{",
        f"    const hp_index r = e / {DEPTH}, d = deep + e % {DEPTH};",
        f"    right[e % {DEPTH}][r] = d < {depth} ? {right} : ({name})0;",
        "}",
        _BARRIER,
        f"for (int d = 0; d < {DEPTH}; ++d) for (int r = 0; r < 4; ++r) for (int c = 0; c < 2; ++c)",
        f"    {target}[r][c] += left[d][y + 16 * r] * right[d][x + 16 * c];",
        _BARRIER,
        "}",
    ]


def _line(name: str, matrix: str, row: str, rows: str) -> str:
    """Reads ``matrix[row + r][d]``, or 0 behind the last row."""
    return f"({row} + r < {rows} ? {matrix}[({row} + r) * HP({matrix}_row) + d * HP({matrix}_column)] : ({name})0)"


def _update(name: str, matrix: str, rows: str, width: str) -> list[str]:
    """Statements: ``sum[4][4]`` plus the 64 x 32 ``score`` times 32 rows of a matrix from ``base`` on."""
    return [
        f"for (int e = id; e < {COLUMNS * WIDTH}; e += {LOCAL}) {{",
        f"    const hp_index k = base + e / {WIDTH}, c = first + e % {WIDTH};",
        f"    const bool inside = k < {rows} && c < {width};",
        f"    tile[e / {WIDTH}][e % {WIDTH}] = inside ? {matrix}[k * HP({matrix}_row) + c * HP({matrix}_column)] : ({name})0;",
        "}",
        _BARRIER,
        f"for (int k = 0; k < {COLUMNS}; ++k) for (int r = 0; r < 4; ++r) for (int c = 0; c < 4; ++c)",
        "    sum[r][c] += score[y + 16 * r][k] * tile[k][x + 16 * c];",
        _BARRIER,
    ]


def _masked(name: str, key: OpKey, value: str, query: str, column: str) -> list[str]:
    """Statements that define ``s``, the score of a query and a key: -inf where not to attend."""
    lines = [f"{name} s = {value} * ({name})HP(scale);"]
    if has_mask(key):
        element = f"mask[{query} * HP(mask_row) + {column} * HP(mask_column)]"
        lines.append(f"if (!{element}) s = -INFINITY;" if bool_ in key.dtypes else f"s += {element};")
    if is_causal(key):
        lines.append(f"if ({column} > {query}) s = -INFINITY;")
    return lines


def _scores(rows: str, columns: str, found: list[str]) -> list[str]:
    """Statements that put ``found`` of every score into local memory; it is defined by statements for those inside."""
    return [
        "for (int r = 0; r < 4; ++r) for (int c = 0; c < 2; ++c) {",
        "    const hp_index here = row + y + 16 * r, there = base + x + 16 * c;",
        f"    if (here < {rows} && there < {columns}) {{",
        *found,
        "    } else score[y + 16 * r][x + 16 * c] = OUTSIDE;",
        "}",
    ]


def _stored(pointer: str, rows: str, width: str, value: str) -> list[str]:
    return [
        "for (int r = 0; r < 4; ++r) for (int c = 0; c < 4; ++c) {",
        "    const hp_index here = row + y + 16 * r, there = first + x + 16 * c;",
        f"    if (here < {rows} && there < {width}) {pointer}[(own * {rows} + here) * {width} + there] = {value};",
        "}",
    ]


def _place(rows: str) -> list[str]:
    return [
        f"const hp_index blocks = ({rows} - 1) / {ROWS} + 1, group = (hp_index)get_group_id(0);",
        f"const hp_index row = (group % blocks) * {ROWS}, first = (group / blocks) * {WIDTH};",
    ]


def _powers(name: str) -> list[str]:
    """Statements that turn the scores of a tile into powers, below the rows' new largest, and add them up.

    Four neighbouring work-items have a row together.
    """
    return [
        "const int line = id / 4, lane = id % 4;",
        f"{name} best = top;",
        f"for (int k = lane; k < {COLUMNS}; k += 4) best = max(best, score[line][k]);",
        "part[id] = best;",
        _BARRIER,
        "best = max(max(part[line * 4], part[line * 4 + 1]), max(part[line * 4 + 2], part[line * 4 + 3]));",
        _BARRIER,
        f"const {name} shift = best == -INFINITY ? ({name})0 : best, scaled = exp(top - shift);",
        f"{name} more = 0;",
        f"for (int k = lane; k < {COLUMNS}; k += 4) {{",
        f"    const {name} power = exp(score[line][k] - shift);",
        "    score[line][k] = power;",
        "    more += power;",
        "}",
        "part[id] = more;",
        "if (lane == 0) factor[line] = scaled;",
        _BARRIER,
        "whole = whole * scaled + ((part[line * 4] + part[line * 4 + 1]) + (part[line * 4 + 2] + part[line * 4 + 3]));",
        "top = best;",
    ]


def forward_of_groups(source: Source, key: OpKey, sheet: Sheet) -> str:
    """The kernel ``hp_attention``."""
    name = source.type(key.dtypes[0])
    limit = f"min(HP(keys), row + {ROWS})" if is_causal(key) else "HP(keys)"
    given = ["query", "key", "value", *(["mask"] if has_mask(key) else [])]
    body = [
        *_tiles(name),
        f"__local {name} factor[{ROWS}], part[{LOCAL}];",
        *_place("HP(queries)"),
        *[f"{each} += hp_batch(own, HP(sizes), HP({each}_batch));" for each in given],
        f"{name} sum[4][4], top = -INFINITY, whole = 0;",
        "for (int r = 0; r < 4; ++r) for (int c = 0; c < 4; ++c) sum[r][c] = 0;",
        f"const hp_index limit = {limit};",
        f"for (hp_index base = 0; base < limit; base += {COLUMNS}) {{",
        *_product(name, "dot", "HP(depth)", _line(name, "query", "row", "HP(queries)"), _line(name, "key", "base", "HP(keys)")),
        *_scores("HP(queries)", "HP(keys)", [
            *_masked(name, key, "dot[r][c]", "here", "there"), "score[y + 16 * r][x + 16 * c] = s;",
        ]),
        _BARRIER,
        *_powers(name),
        "for (int r = 0; r < 4; ++r) for (int c = 0; c < 4; ++c) sum[r][c] *= factor[y + 16 * r];",
        *_update(name, "value", "HP(keys)", "HP(width)"),
        "}",
        "if (id % 4 == 0) {",
        f"    factor[id / 4] = whole == 0 ? ({name})1 : whole;",
        "    if (first == 0 && row + id / 4 < HP(queries))",
        "        total[hp_batch(own, HP(sizes), HP(total_batch)) + row + id / 4] =",
        f"            (top == -INFINITY ? ({name})0 : top) + log(whole);",
        "}",
        _BARRIER,
        *_stored("out", "HP(queries)", "HP(width)", "sum[r][c] / factor[y + 16 * r]"),
    ]  # fmt: skip
    return sheet.kernel("hp_attention", [each.replace("OUTSIDE", "-INFINITY") for each in body], LOCAL)


def gradient_of_groups(source: Source, key: OpKey, sheet: Sheet, target: str, kinds: Mapping[str, str]) -> str:
    """The kernel of the gradient of ``query``, ``key`` or ``value``, which has the target's name."""
    name, of_query = source.type(key.dtypes[0]), target == "query"
    rows, columns = ("HP(queries)", "HP(keys)") if of_query else ("HP(keys)", "HP(queries)")
    down, along = ("query", "key") if of_query else ("key", "query")
    factor = {"query": "key", "key": "query", "value": "delta"}[target]
    width = "HP(width)" if target == "value" else "HP(depth)"
    query, column = ("here", "there") if of_query else ("there", "here")
    causal = is_causal(key)
    limit = f"min(HP(keys), row + {ROWS})" if causal and of_query else columns
    start = f"row / {COLUMNS} * {COLUMNS}" if causal and not of_query else "0"
    first, second = ("delta", "value") if of_query else ("value", "delta")
    slopes = [] if target == "value" else _product(
        name, "slope", "HP(width)", _line(name, first, "row", rows), _line(name, second, "base", columns))  # fmt: skip
    share = "exp(s - known)" + ("" if target == "value" else f" * (slope[r][c] - dots[{query}])")
    given = ["query", "key", "value", "delta", "total", *(["mask"] if has_mask(key) else [])]
    scale = "" if target == "value" else f" * ({name})HP(scale)"
    body = [
        *_tiles(name),
        *_place(rows),
        *[f"__global {kinds[each]} *{each}0 = {each};" for each in given],
        f"{name} sum[4][4];",
        "for (int r = 0; r < 4; ++r) for (int c = 0; c < 4; ++c) sum[r][c] = 0;",
        # A matrix that was broadcast has a gradient from each of its uses.
        f"for (hp_index use = 0; use < HP({target}_uses); ++use) {{",
        *batch_of(target, given),
        f"const hp_index limit = {limit};",
        f"for (hp_index base = {start}; base < limit; base += {COLUMNS}) {{",
        *_product(name, "dot", "HP(depth)", _line(name, down, "row", rows), _line(name, along, "base", columns)),
        *slopes,
        *_scores(rows, columns, [
            *_masked(name, key, "dot[r][c]", query, column),
            f"const {name} known = total[{query}] == -INFINITY ? ({name})0 : total[{query}];",
            f"score[y + 16 * r][x + 16 * c] = {share};",
        ]),
        *_update(name, factor, columns, width),
        "}",
        "}",
        *_stored(f"to_{target}", rows, width, f"sum[r][c]{scale}"),
    ]  # fmt: skip
    return sheet.kernel(f"hp_{target}", [each.replace("OUTSIDE", "0") for each in body], LOCAL)


def batch_of(target: str, given: list[str]) -> list[str]:
    """Statements that move the operands' pointers to the matrices of a use of a target's matrix ``own``."""
    return [
        f"const hp_index batch = hp_batch(own, HP({target}_own), HP(flat)) + hp_batch(use, HP({target}_use), HP(flat));",
        *[f"{each} = {each}0 + hp_batch(batch, HP(sizes), HP({each}_batch));" for each in given],
        "__global const hp_real *dots = scratch + HP(dots_start) + batch * HP(queries);",
        "(void)dots;",
    ]
