"""Attention, forward: tiles of scores are never stored.

The softmax's maximum and sum are kept running along the keys (Milakov and Gimelshein, 2018; Dao et al., 2022).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from hotplug.backend import Kernel, OpKey
from hotplug.backend.render import OPENCL, Source
from hotplug.backends.opencl.attention_backward import attention_backward
from hotplug.backends.opencl.attention_of_groups import forward_of_groups, group_step, has_room
from hotplug.backends.opencl.attention_of_items import ROWS, TILE, WIDTH, Pack, Tiles, pack_plan, pack_words
from hotplug.backends.opencl.attention_operands import LOCATE, has_mask, is_causal, sizes_of, types_of, usable, words
from hotplug.backends.opencl.composite import Override, Plan, Sheet, items
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.frame import Layouts
from hotplug.backends.opencl.rows import helpers

_PACKS: Final = (Pack("key", "keys", "depth", by_row=True), Pack("value", "width", "keys", by_row=False))


def _powers(tiles: Tiles) -> list[str]:
    """Statements that turn a tile of scores into powers, below the rows' new largest, and add them up."""
    name, vector, lanes = tiles.name, tiles.vector, tiles.lanes
    place, sums = f"r * {TILE // lanes} + k", WIDTH // lanes
    return [
        f"for (int r = 0; r < {ROWS}; ++r) {{",
        f"{vector} best_v = score_v[r * {TILE // lanes}];",
        f"for (int k = 1; k < {TILE // lanes}; ++k)",
        f"    best_v = score_v[{place}] > best_v ? score_v[{place}] : best_v;",
        f"const {name} best = max(top[r], hp_top_of(best_v));",
        f"const {name} shift = best == -INFINITY ? ({name})0 : best, scaled = {tiles.exp('EXP(top[r] - shift)', False)};",
        f"{vector} more = ({vector})(0);",
        f"for (int k = 0; k < {TILE // lanes}; ++k) {{",
        f"    const {vector} power = {tiles.exp(f'EXP(score_v[{place}] - shift)', True)};",
        f"    score_v[{place}] = power;",
        "    more += power;",
        "}",
        "total_[r] = total_[r] * scaled + hp_sum_of(more);",
        "top[r] = best;",
        f"if (scaled != 1) for (int k = 0; k < {sums}; ++k) sum_v[r * {sums} + k] *= scaled;",
        "}",
    ]


def _of_items(tiles: Tiles) -> str:
    name = tiles.name
    limit = f"min(HP(keys), row + {ROWS})" if is_causal(tiles.key) else "HP(keys)"
    body = [
        *tiles.rows_of_item("queries", "HP(batches)"),
        "const hp_index batch = own;",
        "query += hp_batch(batch, HP(sizes), HP(query_batch));",
        *(["mask += hp_batch(batch, HP(sizes), HP(mask_batch));"] if has_mask(tiles.key) else []),
        *tiles.declared("score", TILE),
        *tiles.declared("sum", WIDTH),
        tiles.cleared("sum", WIDTH),
        f"{name} top[{ROWS}], total_[{ROWS}];",
        f"for (int r = 0; r < {ROWS}; ++r) {{ top[r] = -INFINITY; total_[r] = 0; }}",
        f"const hp_index limit = {limit};",
        f"for (hp_index base = 0; base < limit; base += {TILE}) {{",
        f"const int count = (int)min(limit - base, (hp_index){TILE});",
        *tiles.tile("score", "query", "query", _PACKS[0], "depth", f" * ({name})HP(scale)"),
        *tiles.masked(turned=False, tail=True),
        *_powers(tiles),
        *tiles.update("sum", "score", _PACKS[1], "width"),
        "}",
        *tiles.stored("out", "sum", "queries", "width", "1 / (total_[r] == 0 ? 1 : total_[r])"),
        f"if (first == 0) for (int r = 0; r < {ROWS} && row + r < HP(queries); ++r)",
        "    total[hp_batch(batch, HP(sizes), HP(total_batch)) + row + r] =",
        f"        (top[r] == -INFINITY ? ({name})0 : top[r]) + log(total_[r]);",
    ]
    return "".join(map(tiles.pack, _PACKS)) + tiles.sheet.kernel("hp_attention", body)


def attention(device: Device, key: OpKey) -> Kernel | None:
    """The kernel of a key."""
    if not usable(key) or not (device.is_processor or has_room(device, key.dtypes[0])):
        return None
    source, kind = Source(OPENCL), key.dtypes[0]
    name = source.type(kind)
    names = ["query", "key", "value", *(["mask"] if has_mask(key) else [])]
    pointers = {"out": name, "total": name, **types_of(source, key, names)}
    longs = pack_words(_PACKS) if device.is_processor else ()
    sheet = Sheet(pointers, (*words([*names, "total"]), "wides"), ("scale",), longs=longs, wide=key.index64,
                  double=kind.itemsize == 8, scratch=name if device.is_processor else "")  # fmt: skip
    text = helpers(source, kind, device.is_processor) + LOCATE
    if device.is_processor:
        text += _of_items(Tiles(source, key, sheet))
    else:
        text += forward_of_groups(source, key, sheet)

    def plan(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        given = dict(zip(["out", "total", *names], layouts, strict=True))
        del given["out"]
        _, numbers = sizes_of(given, scalars[0])
        if not device.is_processor:
            return Plan({**numbers, "wides": 1}, [group_step("hp_attention", numbers, "queries", "width")])
        numbers["wides"] = max(1, -(-numbers["width"] // WIDTH))
        steps, size = pack_plan(device, kind, _PACKS, numbers)
        count = numbers["batches"] * numbers["wides"] * -(-numbers["queries"] // ROWS)
        return Plan(numbers, [*steps, items("hp_attention", count, device.tiles)], size * kind.itemsize)

    kernels = ("hp_attention", *(f"hp_pack_{each.name}" for each in _PACKS if device.is_processor))
    return Override(device, key.name, source, sheet, text, plan, kernels)


OVERRIDES: Final[dict[str, Callable[[Device, OpKey], Kernel | None]]] = {
    "attention": attention,
    "attention_backward": attention_backward,
}
