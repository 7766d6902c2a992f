"""The gradient of a convolution for its weight, for processors: sums of products of places that lie side by side.

The output's gradient is copied into lines as long as those of the input's padded copy (see :mod:`.convolution_plan`), zeros
behind each: then a tap's gradient is the dot product of two long rows.  A work-item has a few output channels and a few taps
in registers, each a vector of partial sums, and goes over all places of some images.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from hotplug.backend import Kernel, OpKey
from hotplug.backend.render import OPENCL, Source
from hotplug.backends.opencl import convolution_panels as panels, tuning
from hotplug.backends.opencl.composite import Override, Plan, Sheet, Step, items
from hotplug.backends.opencl.convolution_plan import Problem, fitting, forward, padded_copy, problem, rounded
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.frame import Layouts
from hotplug.backends.opencl.tiles import Panel, vectors
from hotplug.dtypes import dtype

_WORDS: Final = (
    *panels.COPY, *"delta_lines delta_at delta_step places windows[3] columns column_blocks slices partial_at flag_at".split(),
)  # fmt: skip
_DEEPEST: Final = 1 << 16
"""Places of one partial sum: more would lose digits."""


def _panels_of(device: Device, kind: dtype) -> dict[str, Panel]:
    """By kernel: output channels by taps, and the width of a vector."""
    width = tuning.panel(device, kind.compute).width
    return {"hp_dots": Panel(4, 3, width), "hp_narrow": Panel(1, 9, width)}


def _prepare(source: Source, kind: dtype) -> list[str]:
    """The body of ``hp_prepare``: lines of the input, lines of the output's gradient, the table of taps, and a tail."""
    real = source.type(kind.compute)
    return [
        "int item = (int)get_global_id(0), strange = 0;",
        "if (item < HP(copied)) {",
        *panels.copy_line(real, "source"),
        "if (strange) atomic_or((volatile __global int *)(scratch + HP(flag_at)), 1);",
        "return;",
        "}",
        "item -= HP(copied);",
        "if (item < HP(delta_lines)) {",
        "const int lines = HP(windows)[0] * HP(extent)[1], plane = item / lines, line = item - plane * lines;",
        "const int w0 = line / HP(extent)[1], w1 = line - w0 * HP(extent)[1];",
        "const int many = line == lines - 1 ? HP(delta_step) - line * HP(extent)[2] : HP(extent)[2];",
        f"__global {real} *to = scratch + HP(delta_at) + plane * HP(delta_step) + line * HP(extent)[2];",
        "const int inside = w1 < HP(windows)[1];",
        "const int at = ((plane * HP(windows)[0] + w0) * HP(windows)[1] + (inside ? w1 : 0)) * HP(windows)[2];",
        "hp_line(to, delta + at, many, 0, 1, inside ? HP(windows)[2] : 0);",
        "return;",
        "}",
        "item -= HP(delta_lines);",
        "if (item < HP(tables)) {",
        *panels.list_taps(),
        "return;",
        "}",
        "if (item == HP(tables)) for (int i = 0; i < HP(tail); ++i) scratch[HP(tail_at) + i] = 0;",
    ]


def _located(panel: Panel) -> list[str]:
    """Statements: which rows and columns a work-item has, and where the images of its slice begin."""
    rows, columns = panel.rows, panel.vectors
    lines = [
        "int rest = (int)get_global_id(0);",
        "const int over = rest % HP(column_blocks); rest /= HP(column_blocks);",
        "const int block = rest % HP(blocks); rest /= HP(blocks);",
        "const int groups = HP(channels) / HP(depth), group = rest % groups, slice = rest / groups;",
        "if (slice >= HP(slices)) return;",
        "__global const int *table = (__global const int *)(scratch + HP(table_at));",
        "const int begin = (int)((long)HP(images) * slice / HP(slices));",
        "const int end = (int)((long)HP(images) * (slice + 1) / HP(slices));",
        "const int delta_image = groups * HP(rows) * HP(delta_step);",
    ]
    for j in range(columns):
        lines += [
            f"const int column{j} = min(over * {columns} + {j}, HP(columns) - 1), channel{j} = column{j} / HP(taps);",
            (
                f"const int s{j} = (group * HP(depth) + channel{j}) * HP(channel_step) + "
                f"table[3 + 2 * (column{j} - channel{j} * HP(taps))];"
            ),
        ]
    for r in range(rows):
        lines.append(
            f"const int d{r} = HP(delta_at) + (group * HP(rows) + min(block * {rows} + {r}, HP(rows) - 1)) * HP(delta_step);"
        )
    return lines


def _sums(real: str, panel: Panel) -> list[str]:
    """Statements that compute ``sums``: in vectors, or place by place where 0 times a number might not be 0."""
    rows, columns, width = panel
    vector, places = f"{real}{width}", [(r, j) for r in range(panel.rows) for j in range(panel.vectors)]
    lines = [f"{real} sums[{rows * columns}];", "if (*(__global const int *)(scratch + HP(flag_at)) == 0) {"]
    lines += [f"{vector} " + ", ".join(f"t{r}_{j} = ({vector})(0)" for r, j in places) + ";"]
    lines += ["for (int n = begin; n < end; ++n) {"]
    lines += [f"    __global const {real} *a{r} = scratch + d{r} + n * delta_image;" for r in range(rows)]
    lines += [f"    __global const {real} *b{j} = scratch + s{j} + n * HP(image_step);" for j in range(columns)]
    lines += [f"    for (int p = 0; p < HP(places); p += {width}) {{"]
    lines += [f"        const {vector} v{j} = HP_VECTOR{width}(b{j} + p);" for j in range(columns)]
    for r in range(rows):
        lines += [f"        const {vector} u{r} = HP_VECTOR{width}(a{r} + p);"]
        lines += [f"        t{r}_{j} += u{r} * v{j};" for j in range(columns)]
    lines += ["    }", "}"]
    for r, j in places:
        name, half = f"t{r}_{j}", width
        total = name
        while half > 2:
            half //= 2
            lines.append(f"const {real}{half} {name}_{half} = {total}.lo + {total}.hi;")
            total = f"{name}_{half}"
        lines.append(f"sums[{r * columns + j}] = {total}.x + {total}.y;")
    starts = ", ".join(f"d{r}" for r in range(rows)), ", ".join(f"s{j}" for j in range(columns))
    return [
        *lines,
        "} else {",
        f"    const int from[{rows}] = {{ {starts[0]} }}, with[{columns}] = {{ {starts[1]} }};",
        f"    for (int r = 0; r < {rows}; ++r) for (int j = 0; j < {columns}; ++j) {{",
        f"        {real} sum = 0;",
        "        for (int n = begin; n < end; ++n) for (int w0 = 0; w0 < HP(windows)[0]; ++w0)",
        "            for (int w1 = 0; w1 < HP(windows)[1]; ++w1) for (int w2 = 0; w2 < HP(windows)[2]; ++w2) {",
        "                const int p = (w0 * HP(extent)[1] + w1) * HP(extent)[2] + w2;",
        "                sum += scratch[from[r] + n * delta_image + p] * scratch[with[j] + n * HP(image_step) + p];",
        "            }",
        f"        sums[r * {columns} + j] = sum;",
        "    }",
        "}",
    ]


def _dots(source: Source, kind: dtype, panel: Panel) -> list[str]:
    """The body of ``hp_dots``: to the output, or to a slice's partial results."""
    rows, columns, _ = panel
    result = f"sums[r * {columns} + j]"
    return [
        *_located(panel),
        *_sums(source.type(kind.compute), panel),
        f"for (int r = 0; r < {rows}; ++r) for (int j = 0; j < {columns}; ++j) {{",
        f"    const int row = block * {rows} + r, column = over * {columns} + j;",
        "    if (row < HP(rows) && column < HP(columns)) {",
        "        const int place = (group * HP(rows) + row) * HP(columns) + column;",
        f"        if (HP(slices) == 1) {{ {source.store(kind, 'out[place]', result, kind.compute)} }}",
        f"        else scratch[HP(partial_at) + slice * groups * HP(rows) * HP(columns) + place] = {result};",
        "    }",
        "}",
    ]


def _joined(source: Source, kind: dtype) -> list[str]:
    """The body of ``hp_joined``: the sum of the slices."""
    return [
        "const int i = (int)get_global_id(0), count = HP(channels) / HP(depth) * HP(rows) * HP(columns);",
        "if (i >= count) return;",
        f"{source.type(kind.compute)} total = 0;",
        "for (int k = 0; k < HP(slices); ++k) total += scratch[HP(partial_at) + k * count + i];",
        source.store(kind, "out[i]", "total", kind.compute),
    ]


def _plan(of: Problem, kind: dtype, device: Device) -> Plan:
    found = forward(of)
    name = "hp_dots" if of.outer > 1 else "hp_narrow"
    panel = _panels_of(device, kind)[name]
    copy = padded_copy(of, found, 1, panel.width, merged=False, is_forward=True)
    lines = of.windows[0] * found.extent[1]
    delta_step = -(-lines * found.extent[2] // panel.width) * panel.width
    outputs, columns = of.groups * of.outer, of.inner * of.taps
    flag_at = copy.size + rounded(of.images * outputs * delta_step)
    blocks, column_blocks = -(-of.outer // panel.rows), -(-columns // panel.vectors)
    work = of.groups * blocks * column_blocks
    slices = min(of.images, max(-(-4 * device.units // work), -(-of.images * found.length // _DEEPEST)))
    numbers = {
        **copy.numbers, "delta_lines": of.images * outputs * lines, "delta_at": copy.size, "delta_step": delta_step,
        "places": found.length, "windows": of.windows, "columns": columns, "column_blocks": column_blocks,
        "blocks": blocks, "slices": slices, "flag_at": flag_at, "partial_at": flag_at + rounded(1),
    }  # fmt: skip
    before = numbers["copied"] + numbers["delta_lines"] + numbers["tables"] + 1
    steps = [
        Step("hp_clear", 1), items("hp_prepare", before, device.heavy), Step(name, work * slices),
        *([items("hp_joined", outputs * columns, device.light)] if slices > 1 else []),
    ]  # fmt: skip
    scratch = flag_at + rounded(1) + (slices * outputs * columns if slices > 1 else 0)
    return Plan(numbers, steps, fitting(scratch) * kind.compute.itemsize)


def weight_gradient(device: Device, key: OpKey) -> Kernel:
    """``convolution_weight_backward`` of a contiguous gradient and input of one dtype."""
    kind, source = key.dtypes[0], Source(OPENCL)
    stored, real = source.stored(kind), source.type(kind.compute)
    sheet = Sheet({"out": stored, "delta": f"const {stored}", "source": f"const {stored}"}, _WORDS, scratch=real)
    by_name = _panels_of(device, kind)
    clear = ["if (get_global_id(0) == 0) *(__global int *)(scratch + HP(flag_at)) = 0;"]
    kernels = [
        sheet.kernel("hp_clear", clear, local=1), sheet.kernel("hp_prepare", _prepare(source, kind)),
        *[sheet.kernel(name, _dots(source, kind, panel), local=1) for name, panel in by_name.items()],
        sheet.kernel("hp_joined", _joined(source, kind)),
    ]  # fmt: skip
    width = by_name["hp_dots"].width
    text = "".join([panels.CONTRACT, vectors(source, kind, width), panels.copied(source, kind, watch=True), *kernels])

    def plan(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        out, delta, given = (each.shape for each in layouts[:3])
        return _plan(problem(given, out, delta, *scalars[-4:]), kind, device)

    return Override(device, key.name, source, sheet, text, plan, ("hp_clear", "hp_prepare", *by_name, "hp_joined"))
