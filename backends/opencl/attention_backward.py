"""Attention, backward: the scores are computed again, tile by tile, for each of the gradients."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from hotplug.backend import Kernel, OpKey
from hotplug.backend.render import OPENCL, Source
from hotplug.backends.opencl.attention_of_groups import batch_of, gradient_of_groups, group_step, has_room
from hotplug.backends.opencl.attention_of_items import ROWS, TILE, WIDTH, Pack, Tiles, pack_plan, pack_words
from hotplug.backends.opencl.attention_operands import (
    AXES,
    LOCATE,
    has_mask,
    is_causal,
    padded,
    parted,
    sizes_of,
    types_of,
    usable,
    words,
)
from hotplug.backends.opencl.composite import Override, Plan, Sheet, Step, items
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.frame import Layouts
from hotplug.backends.opencl.rows import helpers
from hotplug.dtypes import dtype

_NAMES: Final = ("query", "key", "value")
_PACKS: Final = {
    each.name: each
    for each in (
        Pack("key", "keys", "depth", by_row=True), Pack("value", "keys", "width", by_row=True),
        Pack("key", "depth", "keys", by_row=False),
        Pack("query", "queries", "depth", by_row=True), Pack("delta", "queries", "width", by_row=True),
        Pack("query", "depth", "queries", by_row=False), Pack("delta", "width", "queries", by_row=False),
    )
}  # fmt: skip


def _dots(sheet: Sheet, name: str) -> str:
    """The kernel of ``sum(delta * out)`` of every row."""
    body = [
        "const hp_index item = (hp_index)get_global_id(0);",
        "if (HP(queries) == 0 || item >= HP(batches) * HP(queries)) return;",
        "const hp_index batch = item / HP(queries), row = item - batch * HP(queries);",
        f"__global const {name} *d = delta + hp_batch(batch, HP(sizes), HP(delta_batch)) + row * HP(delta_row);",
        f"__global const {name} *y = result + item * HP(width);",
        f"{name} sum = 0;",
        "for (hp_index k = 0; k < HP(width);) {",
        f"    {name} part = 0;",
        "    for (int n = 0; n < 64 && k < HP(width); ++n, ++k) part += d[k * HP(delta_column)] * y[k];",
        "    sum += part;",
        "}",
        "scratch[HP(dots_start) + item] = sum;",
    ]
    return sheet.kernel("hp_dots", body)


def _query_of_items(tiles: Tiles, kinds: Mapping[str, str]) -> str:
    name, given = tiles.name, ["query", "delta", "total", *(["mask"] if has_mask(tiles.key) else [])]
    limit = f"min(HP(keys), row + {ROWS})" if is_causal(tiles.key) else "HP(keys)"
    place = f"r * {TILE // tiles.lanes} + k"
    body = [
        *tiles.rows_of_item("queries", "HP(query_owns)"),
        *_start(tiles, kinds, given, ["sum"]),
        "for (hp_index use = 0; use < HP(query_uses); ++use) {",
        *batch_of("query", given),
        f"{name} known[{ROWS}], dot[{ROWS}];",
        f"for (int r = 0; r < {ROWS}; ++r) {{",
        "    const hp_index here = min(row + r, HP(queries) - 1);",
        f"    known[r] = total[here] == -INFINITY ? ({name})0 : total[here];",
        "    dot[r] = dots[here];",
        "}",
        f"const hp_index limit = {limit};",
        f"for (hp_index base = 0; base < limit; base += {TILE}) {{",
        f"const int count = (int)min(limit - base, (hp_index){TILE});",
        *tiles.tile("score", "query", "query", _PACKS["key_rows"], "depth", f" * ({name})HP(scale)"),
        *tiles.tile("slope", "delta", "delta", _PACKS["value_rows"], "width", ""),
        *tiles.masked(turned=False, tail=False),
        f"for (int r = 0; r < {ROWS}; ++r) for (int k = 0; k * {tiles.lanes} < count; ++k)",
        f"    score_v[{place}] = {tiles.exp(f'EXP(score_v[{place}] - known[r])', True)} * (slope_v[{place}] - dot[r]);",
        *tiles.update("sum", "score", _PACKS["key_columns"], "depth"),
        "}",
        "}",
        *tiles.stored("to_query", "sum", "queries", "depth", f"({name})HP(scale)"),
    ]
    return tiles.sheet.kernel("hp_query", body)


def _start(tiles: Tiles, kinds: Mapping[str, str], given: Sequence[str], sums: Sequence[str]) -> list[str]:
    """Statements that declare a work-item's tiles and sums, and remember where its operands start."""
    lines = [*tiles.declared("score", TILE), *tiles.declared("slope", TILE)]
    for each in sums:
        lines += [*tiles.declared(each, WIDTH), tiles.cleared(each, WIDTH)]
    return [*lines, *[f"__global {kinds[each]} *{each}0 = {each};" for each in given]]


def _keys_of_items(tiles: Tiles, kinds: Mapping[str, str], kernel: str, targets: Sequence[str]) -> str:
    """The kernel of the gradients of keys, values, or both: the tiles are those of the scores, turned."""
    name, lanes, first = tiles.name, tiles.lanes, targets[0]
    given = ["key", "value", "total", *(["mask"] if has_mask(tiles.key) else [])]
    start = f"row / {TILE} * {TILE}" if is_causal(tiles.key) else "0"
    place, through = f"r * {TILE // lanes} + k", "key" in targets
    share = tiles.exp(f"EXP(score_v[{place}] - known_v[k])", True)
    slopes = tiles.tile("slope", "value", "value", _PACKS["delta_rows"], "width", "") if through else []
    body = [
        *tiles.rows_of_item("keys", f"HP({first}_owns)"),
        *_start(tiles, kinds, given, [f"sum_{each}" for each in targets]),
        f"{tiles.vector} known_v[{TILE // lanes}], dot_v[{TILE // lanes}];",
        f"{name} *known = ({name} *)known_v, *dot = ({name} *)dot_v;",
        f"for (hp_index use = 0; use < HP({first}_uses); ++use) {{",
        *batch_of(first, given),
        f"for (hp_index base = {start}; base < HP(queries); base += {TILE}) {{",
        f"const int count = (int)min(HP(queries) - base, (hp_index){TILE});",
        f"for (int k = 0; k < {TILE}; ++k) {{",
        f"    const {name} whole = k < count ? total[base + k] : 0;",
        f"    known[k] = whole == -INFINITY ? ({name})0 : whole;",
        "    dot[k] = k < count ? dots[base + k] : 0;",
        "}",
        *tiles.tile("score", "key", "key", _PACKS["query_rows"], "depth", f" * ({name})HP(scale)"),
        *slopes,
        *tiles.masked(turned=True, tail=False),
        f"for (int r = 0; r < {ROWS}; ++r) for (int k = 0; k * {lanes} < count; ++k) {{",
        f"    const {tiles.vector} share = {share};",
        f"    score_v[{place}] = share;",
        *([f"    slope_v[{place}] = share * (slope_v[{place}] - dot_v[k]);"] if through else []),
        "}",
        *(tiles.update("sum_key", "slope", _PACKS["query_columns"], "depth") if through else []),
        *(tiles.update("sum_value", "score", _PACKS["delta_columns"], "width") if "value" in targets else []),
        "}",
        "}",
        *(tiles.stored("to_key", "sum_key", "keys", "depth", f"({name})HP(scale)") if through else []),
        *(tiles.stored("to_value", "sum_value", "keys", "width", "1") if "value" in targets else []),
    ]
    return tiles.sheet.kernel(kernel, body)


_TARGETS: Final[Mapping[str, Sequence[str]]] = {"hp_both": ("key", "value"), "hp_key": ("key",), "hp_value": ("value",)}


def _text(device: Device, source: Source, key: OpKey, sheet: Sheet, kinds: Mapping[str, str]) -> str:
    text = helpers(source, key.dtypes[0], device.is_processor) + LOCATE
    text += f"typedef {source.type(key.dtypes[0])} hp_real;\n"
    text += _dots(sheet, source.type(key.dtypes[0]))
    if not device.is_processor:
        return text + "".join(gradient_of_groups(source, key, sheet, each, kinds) for each in _NAMES)
    tiles = Tiles(source, key, sheet)
    text += "".join(map(tiles.pack, _PACKS.values())) + _query_of_items(tiles, kinds)
    return text + "".join(_keys_of_items(tiles, kinds, name, each) for name, each in _TARGETS.items())


def attention_backward(device: Device, key: OpKey) -> Kernel | None:
    """The kernel of a key; the result and the total must be dense, as forward leaves them."""
    kind = key.dtypes[0]
    if not usable(key) or ("through_mask", True) in key.attributes or any(e != "contiguous" for e in key.layouts[-2:]):
        return None
    if not (device.is_processor or has_room(device, kind)):
        return None
    source = Source(OPENCL)
    name = source.type(kind)
    operands = ["delta", *_NAMES, *(["mask"] if has_mask(key) else []), "result", "total"]
    outs, kinds = [f"to_{each}" for each in _NAMES], types_of(source, key, operands)
    taken = [each for each in operands if each != "result"]
    extra = [f"{each}_{part}[{AXES}]" for each in _NAMES for part in ("own", "use")]
    extra += [f"{each}_{part}" for each in _NAMES for part in ("owns", "uses")]
    longs = ("dots_start", *(pack_words(tuple(_PACKS.values())) if device.is_processor else ()))
    sheet = Sheet({**dict.fromkeys(outs, name), **kinds}, (*words(taken), *extra, "wides"), ("scale",), longs=longs,
                  wide=key.index64, double=kind.itemsize == 8, scratch=name)  # fmt: skip

    def plan(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        given = dict(zip([*outs, *operands], layouts, strict=True))
        batch, numbers = sizes_of({each: given[each] for each in taken}, scalars[0])
        for each in _NAMES:
            own, use = parted(given[each].shape[:-2], batch)
            numbers |= {f"{each}_own": padded(own, 1), f"{each}_use": padded(use, 1),
                        f"{each}_owns": math.prod(own), f"{each}_uses": math.prod(use)}  # fmt: skip
        return _planned(device, kind, numbers)

    kernels = ["hp_dots", "hp_query", "hp_key", "hp_value"]
    if device.is_processor:
        kernels += ["hp_both", *(f"hp_pack_{each}" for each in _PACKS)]
    return Override(device, key.name, source, sheet, _text(device, source, key, sheet, kinds), plan, kernels)


def _planned(device: Device, kind: dtype, numbers: dict[str, Any]) -> Plan:
    """The launches: packs, the rows' sums, then the gradients."""
    steps: list[Step] = []
    size = 0
    if device.is_processor:
        steps, size = pack_plan(device, kind, tuple(_PACKS.values()), numbers)
    count = numbers["batches"] * numbers["queries"]
    numbers["dots_start"] = size
    steps.append(items("hp_dots", count, device.heavy))
    wides = numbers["wides"] = max(1, *(-(-numbers[each] // WIDTH) for each in ("depth", "width")))
    if not device.is_processor:
        for each, rows, width in (("query", "queries", "depth"), ("key", "keys", "depth"), ("value", "keys", "width")):
            steps.append(group_step(f"hp_{each}", numbers, rows, width, f"{each}_owns"))
        return Plan(numbers, steps, (size + count) * kind.itemsize)
    together = numbers["key_own"] == numbers["value_own"]
    queries, keys = (-(-numbers[each] // ROWS) * wides for each in ("queries", "keys"))
    steps.append(items("hp_query", numbers["query_owns"] * queries, device.tiles))
    for each, owns in (("hp_both", "key_owns"),) if together else (("hp_key", "key_owns"), ("hp_value", "value_owns")):
        steps.append(items(each, numbers[owns] * keys, device.tiles))
    return Plan(numbers, steps, (size + count) * kind.itemsize)
