"""Attention, backward: the scores are computed again, tile by tile, for each of the three gradients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from hotplug.backend import Kernel, OpKey
from hotplug.backend.render import Source
from hotplug.backends.cuda import attention_tensor_backward
from hotplug.backends.cuda.attention import (
    COLUMNS,
    LOCATE,
    ROWS,
    WIDTH,
    Load,
    bounded,
    load_tile,
    loading,
    masked,
    shared_tiles,
    store_tile,
    tile_product,
    tile_update,
    usable,
    uses_tensor_cores,
    words,
)
from hotplug.backends.cuda.composite import Override, Plan, Sheet, Step
from hotplug.backends.cuda.device import Device
from hotplug.backends.cuda.dialect import CUDA
from hotplug.backends.cuda.header import THREADS, WARP
from hotplug.backends.cuda.program import MOST_ACROSS
from hotplug.backends.cuda.text import kernel
from hotplug.backends.opencl.attention_operands import AXES, padded, sizes_of
from hotplug.backends.opencl.frame import Layouts
from hotplug.dtypes import bool_
from hotplug.layout import Shape, contiguous_strides


class _Gradient(NamedTuple):
    """One of the three: what stands along the rows of its tiles, along their columns, and what the tiles multiply."""

    name: str
    rows: str
    columns: str
    row_count: str
    column_count: str
    factor: str
    """The matrix that the tile of scores is multiplied with."""
    width: str
    through_softmax: bool
    """Whether the scores' gradient is what multiplies, else the shares themselves."""


_GRADIENTS: Final = (
    _Gradient("query", "query", "key", "queries", "keys", "key", "depth", through_softmax=True),
    _Gradient("key", "key", "query", "keys", "queries", "query", "depth", through_softmax=True),
    _Gradient("value", "key", "query", "keys", "queries", "delta", "width", through_softmax=False),
)


def _dots(name: str, stored: str, load: Load) -> str:
    """The kernel of ``sum(delta * out)`` of every row: a warp each."""
    left, right = load("delta[k * HP(delta_column)]"), load("result[k]")
    body = [
        f"const hp_i64 item = ((hp_i64)blockIdx.x * {THREADS} + threadIdx.x) / {WARP}, lane = threadIdx.x % {WARP};",
        "const hp_i64 batch = item / HP(queries), row = item - batch * HP(queries);",
        "const bool live = batch < HP(batches);",
        f"{name} total = 0;",
        "if (live) {",
        f"const {stored} *delta = HP(delta) + hp_batch(batch, HP(sizes), HP(delta_batch)) + row * HP(delta_row);",
        f"const {stored} *result = HP(result) + item * HP(width);",
        f"for (hp_i64 k = lane; k < HP(width); k += {WARP}) total += {left} * {right};",
        "}",
        f"for (int d = {WARP // 2}; d > 0; d >>= 1) total += hp_swap(total, d);",
        "if (live && lane == 0) HP(dots)[item] = total;",
    ]
    return kernel("hp_dots", body)


def _gradient(source: Source, key: OpKey, gradient: _Gradient) -> str:
    kind, load = key.dtypes[0].compute, loading(source, key.dtypes[0])
    name, exp, stored = source.type(kind), CUDA.math("exp", kind), source.stored(key.dtypes[0])
    of_query = gradient.name == "query"
    query, column = ("here", "there") if of_query else ("there", "here")
    causal = ("causal", True) in key.attributes
    limit = f"hp_smaller(HP(keys), row + {ROWS})" if causal and of_query else f"HP({gradient.column_count})"
    start = f"row / {COLUMNS} * {COLUMNS}" if causal and not of_query else "0"
    pointers = ["query", "key", "value", "delta", *([] if ("mask", None) in key.attributes else ["mask"])]
    kinds = dict.fromkeys(pointers, stored) | {"mask": source.stored(bool_) if bool_ in key.dtypes else stored}
    used = [each for each in pointers if gradient.through_softmax or each != "value"]
    rows, columns = f"HP({gradient.row_count})", f"HP({gradient.column_count})"
    first, second = ("delta", "value") if of_query else ("value", "delta")
    slopes = tile_product(name, kind, "slope", "HP(width)", bounded(load, first, "row", rows),
                          bounded(load, second, "base", columns)) if gradient.through_softmax else []  # fmt: skip
    share = f"{exp}(s - known)"
    body = [
        *shared_tiles(name),
        f"const hp_i64 tiles = ({rows} - 1) / {ROWS} + 1, row = (blockIdx.x % tiles) * {ROWS};",
        f"const hp_i64 first = (blockIdx.x / tiles) * {WIDTH};",
        f"for (hp_i64 own = blockIdx.y; own < HP({gradient.name}_owns); own += gridDim.y) {{",
        f"{name} sum[4][4];",
        "for (int r = 0; r < 4; ++r) for (int c = 0; c < 4; ++c) sum[r][c] = 0;",
        # A matrix that was broadcast has a gradient from each of its uses.
        f"for (hp_i64 use = 0; use < HP({gradient.name}_uses); ++use) {{",
        *[f"const {kinds[each]} *{each} = HP({each}) + {_offset(gradient.name, f'{each}_batch')};" for each in used],
        f"const {name} *totals = HP(total) + {_offset(gradient.name, 'total_batch')};",
        f"const {name} *dots = HP(dots) + {_offset(gradient.name, 'dots_batch')};",
        "(void)dots;",
        f"const hp_i64 limit = {limit};",
        f"for (hp_i64 base = {start}; base < limit; base += {COLUMNS}) {{",
        *tile_product(name, kind, "part", "HP(depth)", bounded(load, gradient.rows, "row", rows),
                      bounded(load, gradient.columns, "base", columns)),
        *slopes,
        "for (int r = 0; r < 4; ++r) for (int c = 0; c < 2; ++c) {",
        "    const hp_i64 here = row + y + 16 * r, there = base + x + 16 * c;",
        f"    {name} found = 0;",
        f"    if (here < {rows} && there < {columns}) {{",
        *masked(name, key, load, "part[r][c]", query, column),
        f"const {name} known = totals[{query}] == -INFINITY ? ({name})0 : totals[{query}];",
        f"found = {share} * (slope[r][c] - dots[{query}]);" if gradient.through_softmax else f"found = {share};",
        "    }",
        "    score[y + 16 * r][x + 16 * c] = found;",
        "}",
        *load_tile(load, gradient.factor, "base", columns, "first", f"HP({gradient.width})", name),
        "__syncthreads();",
        *tile_update(kind),
        "}",
        "}",
        *store_tile(source, key, f"to_{gradient.name}", "own", rows, f"HP({gradient.width})",
                    f"sum[r][c] * ({name})HP(scale)" if gradient.through_softmax else "sum[r][c]"),
        "}",
    ]  # fmt: skip
    return kernel(f"hp_{gradient.name}", body)


def _offset(name: str, steps: str) -> str:
    return f"hp_batch(own, HP({name}_own), HP({steps})) + hp_batch(use, HP({name}_use), HP({steps}))"


def _parted(shape: Shape, batch: Shape) -> tuple[Shape, Shape]:
    """The batch's sizes along the axes that a tensor has, and along those over which it is broadcast."""
    wide = (1,) * (len(batch) - len(shape)) + shape
    own = tuple(size if mine == size else 1 for size, mine in zip(batch, wide, strict=True))
    return own, tuple(size // mine for size, mine in zip(batch, own, strict=True))


def attention_backward(device: Device, key: OpKey) -> Kernel | None:
    """The kernel of a key; the result and the total must be dense, as forward leaves them."""
    if not usable(key) or ("through_mask", True) in key.attributes:
        return None
    has_mask = ("mask", None) not in key.attributes
    source, kind = Source(CUDA), key.dtypes[0]
    name, stored = source.type(kind.compute), source.stored(kind)
    operands = ["delta", "query", "key", "value", *(["mask"] if has_mask else []), "result", "total"]
    if any(each != "contiguous" for each in key.layouts[-2:]):
        return None
    kinds = dict.fromkeys(operands, stored) | {"total": name}
    if has_mask and bool_ in key.dtypes:
        kinds["mask"] = source.stored(bool_)
    outs = [f"to_{each.name}" for each in _GRADIENTS]
    taken = [each for each in operands if each != "result"]
    extra = [f"{each.name}_{part}[{AXES}]" for each in _GRADIENTS for part in ("own", "use")]
    extra += [f"{each.name}_{part}" for each in _GRADIENTS for part in ("owns", "uses")]
    inputs = {each: f"const {type_}" for each, type_ in kinds.items()}
    sheet = Sheet({**dict.fromkeys(outs, stored), **inputs, "dots": name},
                  (*words(taken), *extra, f"dots_batch[{AXES}]"), ("scale",))  # fmt: skip
    text = (
        LOCATE
        + _dots(name, stored, loading(source, kind))
        + "".join(_gradient(source, key, each) for each in _GRADIENTS)
    )
    kernels = ["hp_dots", *(f"hp_{each.name}" for each in _GRADIENTS)]
    fast = uses_tensor_cores(device, key)
    if fast:
        read = {each: kinds[each] for each in taken if each != "total"}
        more, names = attention_tensor_backward.backward_text(source, key, read)
        text, kernels = text + more, kernels + names

    def plan(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        given = dict(zip([*outs, *operands], layouts, strict=True))
        batch, numbers = sizes_of({each: given[each] for each in taken}, scalars[0])
        count = numbers["batches"] * numbers["queries"]
        steps = [Step("hp_dots", -(-count * WARP // THREADS))]
        whole = contiguous_strides((*batch, numbers["queries"]))[:-1]
        numbers["dots_batch"] = padded(whole, 0)
        shapes = [batch + given["query"].shape[-2:], *(given[each].shape for each in ("query", "key", "value"))]
        form = attention_tensor_backward.form_of(numbers, shapes) if fast else None
        for each in _GRADIENTS:
            own, use = _parted(given[each.name].shape[:-2], batch)
            numbers |= {f"{each.name}_own": padded(own, 1), f"{each.name}_use": padded(use, 1),
                        f"{each.name}_owns": math.prod(own), f"{each.name}_uses": math.prod(use)}  # fmt: skip
            blocks = -(-numbers[each.row_count] // ROWS) * -(-numbers[each.width] // WIDTH)
            steps.append(Step(f"hp_{each.name}", blocks, min(math.prod(own), MOST_ACROSS)))
        if form is not None:
            steps[1:] = attention_tensor_backward.steps_of(form, numbers)
        return Plan(numbers, steps, count * kind.compute.itemsize)

    return Override(device, key.name, source, sheet, text, plan, kernels, scratch=True)
