"""What the kernels of attention know of their operands: batches, strides and masks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from hotplug.backend import Layout, OpKey
from hotplug.backend.render import Source
from hotplug.dtypes import bool_
from hotplug.layout import Shape, broadcast_shapes, broadcast_strides, contiguous_strides

AXES: Final = 6

LOCATE: Final = f"""
// Where a matrix of a batch starts, by its number in C order over the batch's axes.
static inline hp_index hp_batch(hp_index flat, HP_SPACE const hp_index *sizes, HP_SPACE const hp_index *steps) {{
    hp_index at = 0;
    for (int axis = {AXES - 1}; axis >= 0; --axis) {{
        if (sizes[axis] == 1) continue;
        const hp_index rest = flat / sizes[axis];
        at += (flat - rest * sizes[axis]) * steps[axis];
        flat = rest;
    }}
    return at;
}}
"""


def usable(key: OpKey) -> bool:
    """Whether the kernels take the operands: one wide floating dtype, a mask of it or of bool, and no dropout."""
    kind = key.dtypes[0]
    plain = all(each in (kind, bool_) for each in key.dtypes) and kind.kind == "f" and kind.itemsize >= 4
    return plain and ("stream", None) in key.attributes and key.rank <= AXES + 2


def has_mask(key: OpKey) -> bool:
    """Whether there is a mask."""
    return ("mask", None) not in key.attributes


def is_causal(key: OpKey) -> bool:
    """Whether a query attends to no later key."""
    return ("causal", True) in key.attributes


def types_of(source: Source, key: OpKey, names: Sequence[str]) -> dict[str, str]:
    """Types of input operands by name."""
    name = source.stored(key.dtypes[0])
    mask = source.stored(bool_) if bool_ in key.dtypes else name
    return {each: f"const {mask if each == 'mask' else name}" for each in names}


def padded(values: Sequence[int], fill: int) -> Shape:
    """The batch's sizes or strides for all the axes there may be."""
    return (fill,) * (AXES - len(values)) + tuple(values)


def sizes_of(layouts: Mapping[str, Layout], scale: Any) -> tuple[Shape, dict[str, Any]]:
    """The batch, and the numbers that forward and backward share."""
    batch = broadcast_shapes("attention", *(layouts[each].shape[:-2] for each in ("query", "key", "value")))
    numbers: dict[str, Any] = {
        "sizes": padded(batch, 1), "batches": math.prod(batch), "queries": layouts["query"].shape[-2],
        "keys": layouts["key"].shape[-2], "depth": layouts["query"].shape[-1], "width": layouts["value"].shape[-1],
        "scale": scale, "flat": padded(contiguous_strides(batch), 0),
    }  # fmt: skip
    for name, layout in layouts.items():
        if name == "mask":  # it broadcasts to the scores as well
            whole = (*batch, numbers["queries"], numbers["keys"])
            steps = broadcast_strides(layout.shape, layout.strides, whole)
            numbers |= {"mask_batch": padded(steps[:-2], 0), "mask_row": steps[-2], "mask_column": steps[-1]}
        elif name == "total":
            own = broadcast_strides(layout.shape[:-1], contiguous_strides(layout.shape)[:-1], batch)
            numbers["total_batch"] = padded(own, 0)
        else:
            row, column = layout.strides[-2:]
            own = broadcast_strides(layout.shape[:-2], layout.strides[:-2], batch)
            numbers |= {f"{name}_batch": padded(own, 0), f"{name}_row": row, f"{name}_column": column}
    return batch, numbers


def words(names: Sequence[str]) -> tuple[str, ...]:
    """The integers of a sheet for these operands."""
    found = [f"sizes[{AXES}]", f"flat[{AXES}]", "batches", "queries", "keys", "depth", "width"]
    for name in names:
        found.append(f"{name}_batch[{AXES}]")
        found += [] if name == "total" else [f"{name}_row", f"{name}_column"]
    return tuple(found)


def parted(shape: Shape, batch: Shape) -> tuple[Shape, Shape]:
    """The batch's sizes along the axes that a tensor has, and along those over which it is broadcast."""
    wide = (1,) * (len(batch) - len(shape)) + shape
    own = tuple(size if mine == size else 1 for size, mine in zip(batch, wide, strict=True))
    return own, tuple(size // max(mine, 1) for size, mine in zip(batch, own, strict=True))
