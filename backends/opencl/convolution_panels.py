"""Convolution for processors, as kernels: see :mod:`.convolution_plan` for what is computed.

``hp_prepare`` makes the padded copy, the weights in the order of their use, and for every phase of the output the table of
its taps.  ``hp_panels`` then holds a few rows times some vectors of neighbouring places in registers, over all channels and
taps: a vector is one read at any address, a weight one number for all lanes.  There is no barrier and no local memory.
"""

from __future__ import annotations

from typing import Final

from hotplug.backend.render import Source
from hotplug.backends.opencl.tiles import Panel
from hotplug.dtypes import dtype

COPY: Final = tuple(
    "copied channels image_step channel_step phase_step source[3] step[3] before[3] phases[3] extent[3] table_at tables taps "
    "shape[3] stride[3] padding[3] dilation[3] out_phases[3] forward side tail_at tail images depth rows blocks out[3]".split()
)
"""Numbers of every sheet: of the copy of the source, and of the tables."""
WORDS: Final = (
    *COPY, *"weights_at packed row_step depth_step group_step merge span tiles run parts out_step[3]".split(),
)  # fmt: skip
"""Numbers of a correlation's sheet."""

CONTRACT: Final = "#pragma OPENCL FP_CONTRACT ON\n"
"""A sum of products is as good or better fused."""


def copied(source: Source, kind: dtype, watch: bool = False) -> str:
    """The function that copies one line with zeros around it; with ``watch`` it tells whether a number isn't finite."""
    real, stored = source.type(kind.compute), source.stored(kind)
    value = source.load(kind, "from[i]")
    seen = "for (int x = low; x < high; ++x) strange |= !(to[x] - to[x] == 0);"
    return f"""
static inline int hp_line(__global {real} *to, __global const {stored} *from, int many, int first, int step, int size) {{
    const int low = first < 0 ? min(many, (step - 1 - first) / step) : 0;
    const int high = first < size ? max(low, min(many, (size - 1 - first) / step + 1)) : low;
    int strange = 0;
    for (int x = 0; x < low; ++x) to[x] = 0;
    if (step == 1) {{
        for (int x = low; x < high; ++x) {{ const int i = first + x; to[x] = {value}; }}
    }} else {{
        for (int x = low; x < high; ++x) {{ const int i = first + x * step; to[x] = {value}; }}
    }}
    for (int x = high; x < many; ++x) to[x] = 0;
    {seen if watch else ""}
    return strange;
}}
"""


def copy_line(real: str, pointer: str) -> list[str]:
    """Statements: copy line ``item`` of the padded source."""
    return [
        "int rest = item;",
        "const int q1 = rest % HP(extent)[1]; rest /= HP(extent)[1];",
        "const int q0 = rest % HP(extent)[0]; rest /= HP(extent)[0];",
        "const int phases = HP(phases)[0] * HP(phases)[1] * HP(phases)[2], phase = rest % phases; rest /= phases;",
        "const int channel = rest % HP(channels), image = rest / HP(channels);",
        "const int f2 = phase % HP(phases)[2], f1 = phase / HP(phases)[2] % HP(phases)[1];",
        "const int f0 = phase / HP(phases)[2] / HP(phases)[1];",
        "const int i0 = q0 * HP(step)[0] + f0 - HP(before)[0], i1 = q1 * HP(step)[1] + f1 - HP(before)[1];",
        "const int inside = i0 >= 0 && i0 < HP(source)[0] && i1 >= 0 && i1 < HP(source)[1];",
        ("const int at = ((image * HP(channels) + channel) * HP(source)[0] + (inside ? i0 : 0)) * HP(source)[1] + "
        "(inside ? i1 : 0);"),
        (f"__global {real} *to = scratch + image * HP(image_step) + channel * HP(channel_step) + phase * "
        "HP(phase_step) + (q0 * HP(extent)[1] + q1) * HP(extent)[2];"),
        (f"strange = hp_line(to, {pointer} + at * HP(source)[2], HP(extent)[2], f2 - HP(before)[2], HP(step)[2], "
        "inside ? HP(source)[2] : 0);"),
    ]  # fmt: skip


def _pack_line(source: Source, kind: dtype) -> list[str]:
    """Statements: the taps of one channel for one block of rows, those of a tap side by side."""
    real = source.type(kind.compute)
    return [
        "const int channel = item % HP(depth), block = item / HP(depth) % HP(blocks), group = item / HP(depth) / HP(blocks);",
        f"__global {real} *to = scratch + HP(weights_at) + item * HP(taps) * HP(side);",
        "const int from = group * HP(group_step) + channel * HP(depth_step);",
        "for (int r = 0; r < HP(side); ++r) {",
        "    const int row = block * HP(side) + r;",
        ("    for (int t = 0; t < HP(taps); ++t) to[t * HP(side) + r] = row < HP(rows) ? "
        f"{source.load(kind, 'weight[from + row * HP(row_step) + t]')} : 0;"),
        "}",
    ]  # fmt: skip


def list_taps() -> list[str]:
    """Statements: the taps of phase ``item`` of the output, as pairs of places: among the weights, and in the copy."""
    lines = [
        "__global int *table = (__global int *)(scratch + HP(table_at)) + item * (2 * HP(taps) + 2);",
        "const int a2 = item % HP(out_phases)[2], a1 = item / HP(out_phases)[2] % HP(out_phases)[1];",
        "const int a0 = item / HP(out_phases)[2] / HP(out_phases)[1];",
        "int found = 0, tap = 0;",
        *[f"for (int t{a} = 0; t{a} < HP(shape)[{a}]; ++t{a})" for a in range(3)],
        "{",
        "    int phase = 0, place = 0, fits = 1;",
    ]
    for a in range(3):
        lines += [
            "    if (HP(forward)) {",
            f"        const int u = t{a} * HP(dilation)[{a}], q = u / HP(stride)[{a}];",
            f"        phase = phase * HP(phases)[{a}] + u - q * HP(stride)[{a}];",
            f"        place = place * HP(extent)[{a}] + q;",
            "    } else {",
            f"        const int u = a{a} + HP(padding)[{a}] - t{a} * HP(dilation)[{a}], q = u / HP(stride)[{a}];",
            f"        fits &= q * HP(stride)[{a}] == u;",
            f"        place = place * HP(extent)[{a}] + q + HP(before)[{a}];",
            "    }",
        ]
    return [
        *lines,
        (
            "    if (fits) { table[2 + 2 * found] = tap * HP(side); table[3 + 2 * found] = phase * HP(phase_step) + place; "
            "++found; }"
        ),
        "    ++tap;",
        "}",
        "table[0] = found;",
    ]


def prepare(source: Source, kind: dtype) -> list[str]:
    """The body of ``hp_prepare``: work-items of three kinds, one after the other, and one that writes zeros at the end."""
    return [
        "int item = (int)get_global_id(0), strange = 0;",
        "if (item < HP(copied)) {",
        *copy_line(source.type(kind.compute), "source"),
        "return;",
        "}",
        "item -= HP(copied);",
        "if (item < HP(packed)) {",
        *_pack_line(source, kind),
        "return;",
        "}",
        "item -= HP(packed);",
        "if (item < HP(tables)) {",
        *list_taps(),
        "return;",
        "}",
        "if (item == HP(tables)) for (int i = 0; i < HP(tail); ++i) scratch[HP(tail_at) + i] = 0;",
    ]


def _located() -> list[str]:
    """Statements: which panels a work-item has."""
    return [
        "int rest = (int)get_global_id(0);",
        "const int part = rest % HP(parts); rest /= HP(parts);",
        "const int runs = (HP(tiles) + HP(run) - 1) / HP(run), first_tile = rest % runs * HP(run); rest /= runs;",
        "const int many = (HP(images) + HP(merge) - 1) / HP(merge), image = rest % many * HP(merge); rest /= many;",
        "const int groups = HP(channels) / HP(depth), group = rest % groups, phase = rest / groups;",
        "if (phase >= HP(tables)) return;",
        "__global const int *table = (__global const int *)(scratch + HP(table_at)) + phase * (2 * HP(taps) + 2);",
        "const int taps = table[0];",
        "const int a2 = phase % HP(out_phases)[2], a1 = phase / HP(out_phases)[2] % HP(out_phases)[1];",
        "const int a0 = phase / HP(out_phases)[2] / HP(out_phases)[1];",
        *[f"const int n{a} = (HP(out)[{a}] - a{a} + HP(out_step)[{a}] - 1) / HP(out_step)[{a}];" for a in range(3)],
        "const int plane = HP(out)[0] * HP(out)[1] * HP(out)[2];",
        "const int last = HP(blocks) * (part + 1) / HP(parts), last_tile = min(first_tile + HP(run), HP(tiles));",
    ]  # fmt: skip


def _multiplied(real: str, panel: Panel) -> list[str]:
    """Statements: the sums of one panel in ``t<row>_<vector>``, which have been begun."""
    places, vector = [(r, v) for r in range(panel.rows) for v in range(panel.vectors)], f"{real}{panel.width}"
    lines = [
        (
            f"__global const {real} *weights = scratch + HP(weights_at) + "
            f"(group * HP(blocks) + block) * HP(depth) * HP(taps) * {panel.rows};"
        ),
        f"__global const {real} *from = scratch + start, *end = from + HP(depth) * HP(channel_step);",
        f"for (; from != end; from += HP(channel_step), weights += HP(taps) * {panel.rows}) {{",
        "    for (int j = 0; j < taps; ++j) {",
        f"        __global const {real} *a = weights + table[2 + 2 * j], *b = from + table[3 + 2 * j];",
    ]
    lines += [
        f"        const {vector} b{v} = HP_VECTOR{panel.width}(b + {v * panel.width});" for v in range(panel.vectors)
    ]
    for r in range(panel.rows):
        lines += [f"        const {vector} a{r} = ({vector})(a[{r}]);"]
        lines += [f"        t{r}_{v} += a{r} * b{v};" for row, v in places if row == r]
    return [*lines, "    }", "}"]


_PLACE: Final = (
    "const int o = first + n * image_size + (c0 * HP(out_step)[0] * HP(out)[1] + c1 * HP(out_step)[1]) * HP(out)[2] + "
)
_IS_PLACE: Final = "c1 < n1 && c0 < n0 && n < HP(merge) && image + n < HP(images)"


def _stored(source: Source, kind: dtype, panel: Panel) -> list[str]:
    """Statements: the panel's results to their places, those between lines dropped."""
    real, width = source.type(kind.compute), panel.width
    names = ", ".join(f"t{r}_{v}" for r in range(panel.rows) for v in range(panel.vectors))
    element = f"values[(r * {panel.vectors} + v) * {width} + l]"
    whole = [
        f"    if (HP(out_step)[2] == 1 && c2 + {width} <= n2 && {_IS_PLACE}) {{",
        f"        {_PLACE}c2;",
        "        for (int r = 0; r < many_rows; ++r)",
        f"            HP_SET_VECTOR{width}(out + o + r * plane, sums[r * {panel.vectors} + v]);",
        "        continue;",
        "    }",
    ]
    return [
        f"const {real}{width} sums[{panel.rows * panel.vectors}] = {{ {names} }};",
        f"const {real} *values = (const {real} *)sums;",
        f"const int many_rows = min({panel.rows}, HP(rows) - block * {panel.rows}), image_size = HP(rows) * groups * plane;",
        f"const int row = (image * groups + group) * HP(rows) + block * {panel.rows};",
        "const int first = row * plane + (a0 * HP(out)[1] + a1) * HP(out)[2] + a2;",
        f"for (int v = 0; v < {panel.vectors}; ++v) {{",
        f"    int c2 = tile * {panel.places} + v * {width}, n = 0, c0 = 0, c1 = 0;",
        "    if (HP(merge) > 1) { n = c2 / HP(span); c2 -= n * HP(span); }",
        "    c1 = c2 / HP(extent)[2]; c2 -= c1 * HP(extent)[2];",
        "    c0 = c1 / HP(extent)[1]; c1 -= c0 * HP(extent)[1];",
        *(whole if real == source.stored(kind) else []),
        f"    for (int l = 0; l < {width}; ++l) {{",
        f"        if (c2 < n2 && {_IS_PLACE}) {{",
        f"            {_PLACE}c2 * HP(out_step)[2];",
        "            for (int r = 0; r < many_rows; ++r) {",
        source.store(kind, "out[o + r * plane]", element, kind.compute),
        "            }",
        "        }",
        "        if (++c2 < HP(extent)[2]) continue;",
        "        c2 = 0;",
        "        if (++c1 < HP(extent)[1]) continue;",
        "        c1 = 0;",
        "        if (++c0 == HP(extent)[0]) { c0 = 0; ++n; }",
        "    }",
        "}",
    ]


def panels(source: Source, kind: dtype, panel: Panel, biased: bool) -> list[str]:
    """The body of ``hp_panels``: all blocks of rows, or a part of them, for some stretches of places."""
    real = source.type(kind.compute)
    vector = f"{real}{panel.width}"
    lines = [
        *_located(),
        "for (int tile = first_tile; tile < last_tile; ++tile) {",
        f"const int start = image * HP(image_step) + group * HP(depth) * HP(channel_step) + tile * {panel.places};",
        "for (int block = HP(blocks) * part / HP(parts); block < last; ++block) {",
    ]
    for r in range(panel.rows):
        row = f"group * HP(rows) + min(block * {panel.rows} + {r}, HP(rows) - 1)"
        begin = source.load(kind, f"bias[{row}]") if biased else "0"
        lines += [f"{vector} " + ", ".join(f"t{r}_{v} = ({vector})({begin})" for v in range(panel.vectors)) + ";"]
    return [*lines, *_multiplied(real, panel), *_stored(source, kind, panel), "}", "}"]
