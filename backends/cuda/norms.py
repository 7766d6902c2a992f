"""Normalisation over any axes: layer_norm, batch_norm, group_norm, instance_norm and rms_norm, forward and backward.

A row is what one mean is taken of.  The gradients of weight and bias are sums over all axes that these don't have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from hotplug.backend import Kernel, Layout, OpKey
from hotplug.backend.render import Source
from hotplug.backends.cuda.composite import Override, Plan, Sheet, Step
from hotplug.backends.cuda.device import Device
from hotplug.backends.cuda.dialect import CUDA
from hotplug.backends.cuda.header import THREADS, WARP
from hotplug.backends.cuda.rows import WORDS, Pass, joins, lanes_of, row_kernels, row_step
from hotplug.backends.cuda.text import kernel
from hotplug.backends.opencl.frame import Layouts
from hotplug.backends.opencl.groups import group, group_words
from hotplug.layout import Shape, broadcast_strides, contiguous_strides

_DEEP: Final = THREADS // WARP

LOCATE: Final = """
static __device__ __noinline__ void hp_locate_over(hp_i64 flat, int axes, const hp_i64 *sizes, const hp_i64 *first,
                                                   const hp_i64 *second, hp_i64 *at, hp_i64 *to) {
    for (int axis = 0; axis < axes; ++axis) {
        const hp_i64 rest = flat / sizes[axis], here = flat - rest * sizes[axis];
        *at += here * first[axis];
        *to += here * second[axis];
        flat = rest;
    }
}
// The two positions of a number in C order over some axes, the last of which is in front; one axis needs no division.
HP_INLINE void hp_locate(hp_i64 flat, int axes, const hp_i64 *sizes, const hp_i64 *first, const hp_i64 *second,
                         hp_i64 *at, hp_i64 *to) {
    if (axes == 1) {
        *at += flat * first[0];
        *to += flat * second[0];
    } else {
        hp_locate_over(flat, axes, sizes, first, second, at, to);
    }
}
"""


def _located(name: str, flat: str) -> str:
    fields = ", ".join(f"HP({name}_{part})" for part in ("size", "first", "second"))
    return f"hp_locate({flat}, (int)HP({name}_axes), {fields}, &at, &of);"


def _row_plan(layouts: Layouts, weight: Layout | None, input: Layout, dims: Shape) -> Plan:
    shape = input.shape
    kept = [axis for axis in range(len(shape)) if axis not in dims]
    steps = contiguous_strides(shape)
    own = (0,) * len(shape) if weight is None else broadcast_strides(weight.shape, weight.strides, shape)
    rows, reduced = group(shape, kept, steps, own), group(shape, sorted(dims), steps, own)
    strided = bool(reduced.first) and bool(rows.first) and rows.first[0] < reduced.first[0]
    lanes = lanes_of(rows.numel, reduced.numel, strided and rows.numel >= THREADS)
    numbers = {**rows.words("row"), **reduced.words("in"), "rows": rows.numel, "length": reduced.numel, "lanes": lanes}
    return Plan(numbers, [row_step(rows.numel, reduced.numel, lanes)])


_SETUP: Final = ("hp_i64 row_at = 0, row_of = 0;", "if (live) {", "hp_i64 at = 0, of = 0;", _located("row", "row"),
                 "row_at = at; row_of = of;", "}", "(void)row_at; (void)row_of;")  # fmt: skip
_PLACE: Final = ("hp_i64 at = row_at, of = row_of;", _located("in", "place"), "(void)at; (void)of;")
_ROW_WORDS: Final = (*WORDS, *group_words("row"), *group_words("in"))


def _usable(key: OpKey) -> bool:
    kind = key.dtypes[0]
    plain = all(each is kind for each in key.dtypes) and kind.kind == "f" and kind.itemsize >= 4
    return plain and all(each == "contiguous" for each in key.layouts)


def _none(key: OpKey, name: str) -> bool:
    return (name, None) in key.attributes


def _forward(device: Device, key: OpKey, centred: bool) -> Kernel | None:
    if not _usable(key):
        return None
    source, kind = Source(CUDA), key.dtypes[0]
    name, sqrt = source.type(kind), CUDA.math("sqrt", kind)
    weighted = not _none(key, "weight")
    biased = centred and not _none(key, "bias")
    outs = {"out": name, "mean": name, "scale": name} if centred else {"out": name, "scale": name}
    given = ["input", *(["weight"] if weighted else []), *(["bias"] if biased else [])]
    sheet = Sheet({**outs, **dict.fromkeys(given, f"const {name}")}, _ROW_WORDS, ("eps",))
    count = f"({name})HP(length)"
    mean = Pass(["total += x;"], ["total = hp_sum(total, lanes, shared);"], [f"{name} total = 0;"])
    spread = Pass(["spread += (x - middle) * (x - middle);"], ["spread = hp_sum(spread, lanes, shared);"],
                  [f"const {name} middle = {f'total / {count}' if centred else '0'};", f"{name} spread = 0;"])  # fmt: skip
    value = "(x - middle) * scale" + (" * HP(weight)[of]" if weighted else "") + (" + HP(bias)[of]" if biased else "")
    write = Pass(
        [f"HP(out)[at] = {value};"], before=[f"const {name} scale = 1 / {sqrt}(spread / {count} + ({name})HP(eps));"]
    )
    finish = [*(["HP(mean)[row] = middle;"] if centred else []), "HP(scale)[row] = scale;"]
    passes = [mean, spread, write] if centred else [spread, write]
    text = joins(source, kind) + LOCATE
    text += row_kernels(source, kind, _SETUP, _PLACE, {"x": "HP(input)[at]"}, passes, finish)

    def plan(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        weight = layouts[len(outs) + 1] if weighted else None
        found = _row_plan(layouts, weight, layouts[len(outs)], scalars[0])
        return found._replace(numbers={**found.numbers, "eps": scalars[1]})

    return Override(device, key.name, source, sheet, text, plan, ("hp_held", "hp_long"))


def _parameters(name: str, biased: bool) -> str:
    """Kernels of the gradients of weight and bias: pieces of the sums, and the sums of the pieces."""
    outs = ["slope", *(["offset"] if biased else [])]
    body = [
        f"__shared__ {name} shared[2][{THREADS}];",
        # Lanes stand in neighbouring places of the weight, or all of them go along what is summed.
        f"const int wide = (int)HP(wide), deep = {THREADS} / wide, column = threadIdx.x % wide, lane = threadIdx.x / wide;",
        "const hp_i64 place = (hp_i64)blockIdx.x * wide + column;",
        f"{name} slope = 0, offset = 0;",
        "if (place < HP(places)) {",
        "hp_i64 start_at = 0, start_of = 0;",
        "{ hp_i64 at = 0, of = 0;", _located("place", "place"), "start_at = at; start_of = of; }",
        "const hp_i64 size = (HP(terms) - 1) / gridDim.y + 1, begin = blockIdx.y * size;",
        "const hp_i64 end = hp_smaller(begin + size, HP(terms));",
        "for (hp_i64 term = begin + lane; term < end; term += deep) {",
        "hp_i64 at = start_at, of = start_of;", _located("term", "term"),
        f"const {name} d = HP(delta)[at];",
        "slope += d * ((HP(input)[at] - HP(mean)[of]) * HP(scale)[of]);",
        "offset += d;",
        "}",
        "}",
        "shared[0][threadIdx.x] = slope;",
        "shared[1][threadIdx.x] = offset;",
        "for (int d = deep / 2; d > 0; d >>= 1) {",
        "    __syncthreads();",
        "    if (lane < d) {",
        "        shared[0][threadIdx.x] += shared[0][threadIdx.x + d * wide];",
        "        shared[1][threadIdx.x] += shared[1][threadIdx.x + d * wide];",
        "    }",
        "}",
        "if (lane == 0 && place < HP(places)) {",
        *[f"HP(partial)[({number} * (hp_i64)gridDim.y + blockIdx.y) * HP(places) + place] = shared[{number}][threadIdx.x];"
          for number in range(len(outs))],
        "}",
    ]  # fmt: skip
    joined = [
        f"const hp_i64 place = (hp_i64)blockIdx.x * {THREADS} + threadIdx.x;",
        "if (place >= HP(places)) return;",
    ]
    for number, out in enumerate(outs):
        joined += [f"{name} {out} = 0;", "for (hp_i64 k = 0; k < HP(pieces); ++k)",
                   f"    {out} += HP(partial)[({number} * HP(pieces) + k) * HP(places) + place];",
                   f"HP({out})[place] = {out};"]  # fmt: skip
    return kernel("hp_parameters", body) + kernel("hp_joined", joined)


def _parameter_steps(
    device: Device, weight: Layout, input: Layout, mean: Layout
) -> tuple[dict[str, Any], list[Step], int]:
    shape = input.shape
    own = broadcast_strides(weight.shape, contiguous_strides(weight.shape), shape)
    steps, means = contiguous_strides(shape), broadcast_strides(mean.shape, contiguous_strides(mean.shape), shape)
    inner = [axis for axis in range(len(shape)) if own[axis] and shape[axis] > 1]
    places = group(shape, inner, steps, means)
    terms = group(shape, [axis for axis in range(len(shape)) if axis not in inner], steps, means)
    wide = WARP if places.first and (not terms.first or places.first[0] < terms.first[0]) else 1
    blocks = -(-places.numel // wide)
    pieces = max(1, min(-(-4 * device.traits.units // blocks), terms.numel // device.traits.shortest, 64))
    numbers = {**places.words("place"), **terms.words("term"), "places": places.numel, "terms": terms.numel,
               "wide": wide, "pieces": pieces}  # fmt: skip
    launches = [Step("hp_parameters", blocks, pieces), Step("hp_joined", -(-places.numel // THREADS))]
    return numbers, launches, 2 * pieces * places.numel * input.dtype.itemsize


def _backward(device: Device, key: OpKey) -> Kernel | None:
    if not _usable(key):
        return None
    source, kind = Source(CUDA), key.dtypes[0]
    name = source.type(kind)
    weighted, biased = not _none(key, "weight"), weighted_bias(key)
    outs = ["out", *(["slope"] if weighted else []), *(["offset"] if biased else [])]
    given = ["delta", "input", *(["weight"] if weighted else []), "mean", "scale"]
    words = (*_ROW_WORDS, *group_words("place"), *group_words("term"), "places", "terms", "wide", "pieces")
    pointers = {**dict.fromkeys(outs, name), **dict.fromkeys(given, f"const {name}"), "partial": name}
    sheet = Sheet(pointers, words if weighted else _ROW_WORDS)
    setup = [
        *_SETUP,
        f"const {name} middle = live ? HP(mean)[row] : ({name})0, scale = live ? HP(scale)[row] : ({name})0;",
    ]
    loads = {"d": "HP(delta)[at]" + (" * HP(weight)[of]" if weighted else ""), "h": "(HP(input)[at] - middle) * scale"}
    sums = Pass(["total += d; slope += d * h;"],
                ["total = hp_sum(total, lanes, shared);", "slope = hp_sum(slope, lanes, shared);"],
                [f"{name} total = 0, slope = 0;"])  # fmt: skip
    count = f"({name})HP(length)"
    write = Pass([f"HP(out)[at] = (d - total / {count} - h * (slope / {count})) * scale;"])
    text = joins(source, kind) + LOCATE + row_kernels(source, kind, setup, _PLACE, loads, [sums, write])
    text += _parameters(name, biased) if weighted else ""

    def plan(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        first = len(outs)
        weight = layouts[first + 2] if weighted else None
        found = _row_plan(layouts, weight, layouts[first + 1], scalars[0])
        if weight is None:
            return found
        numbers, launches, scratch = _parameter_steps(device, weight, layouts[first + 1], layouts[first + 3])
        return Plan({**found.numbers, **numbers}, [*found.steps, *launches], scratch)

    kernels = ("hp_held", "hp_long", *(("hp_parameters", "hp_joined") if weighted else ()))
    return Override(device, key.name, source, sheet, text, plan, kernels, scratch=True)


def weighted_bias(key: OpKey) -> bool:
    """Whether the gradient of a bias is asked for."""
    return not _none(key, "weight") and ("biased", True) in key.attributes


OVERRIDES: Final[dict[str, Callable[[Device, OpKey], Kernel | None]]] = {
    "standardize": lambda device, key: _forward(device, key, centred=True),
    "standardize_backward": _backward,
    "root_mean_square_scale": lambda device, key: _forward(device, key, centred=False),
}
