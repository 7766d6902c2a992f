"""Convolution over one to three axes and its two gradients as matrix products whose operands are read where they lie.

========  ==================  ========================  ==================
          rows                columns                   summed over
========  ==================  ========================  ==================
forward   output channels     images and positions      channels and taps
input     input channels      images and positions      channels and taps
weight    output channels     channels and taps         images and positions
========  ==================  ========================  ==================
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from hotplug.backend import Kernel, OpKey
from hotplug.backend.render import Source
from hotplug.backends.cuda.composite import Override, Plan, Sheet, Step
from hotplug.backends.cuda.device import Device
from hotplug.backends.cuda.dialect import CUDA
from hotplug.backends.cuda.header import THREADS
from hotplug.backends.cuda.text import kernel
from hotplug.backends.cuda.tiles import TILE, Reader, declared, product, stored
from hotplug.backends.opencl.frame import Layouts
from hotplug.dtypes import dtype
from hotplug.layout import Shape

_MOST_PIECES: Final = 64


class _Form(NamedTuple):
    """What the three products have in common: the dtype, and the number of axes."""

    source: Source
    kind: dtype
    axes: int

    @property
    def name(self) -> str:
        return self.source.type(self.kind.compute)

    def read(self, pointer: str, place: str) -> str:
        return f"v = {self.source.load(self.kind, f'HP({pointer})[{place}]')};"

    def unravel(self, flat: str, sizes: str, prefix: str) -> list[str]:
        """Statements that define the coordinates of a number in C order; the first axis gets what is left."""
        lines, rest = [], flat
        for axis in reversed(range(1, self.axes)):
            size = f"(int)HP({sizes})[{axis}]"
            lines.append(f"const int {prefix}{axis} = {rest} % {size}, {prefix}q{axis} = {rest} / {size};")
            rest = f"{prefix}q{axis}"
        return [*lines, f"const int {prefix}0 = {rest};"]

    def read_window(self, image: str, channel: str) -> list[str]:
        """Statements that read the input under tap ``t*`` of the window ``w*``, where that isn't padding."""
        lines, inside = [], []
        place = f"(hp_i64){image} * HP(channels) + {channel}"
        for axis in range(self.axes):
            lines.append(f"const int i{axis} = w{axis} * (int)HP(stride)[{axis}] + t{axis} * (int)HP(dilation)[{axis}] - "
                         f"(int)HP(padding)[{axis}];")  # fmt: skip
            inside.append(f"i{axis} >= 0 && i{axis} < HP(size)[{axis}]")
            place = f"({place}) * HP(size)[{axis}] + i{axis}"
        return [*lines, f"if ({' && '.join(inside)}) {self.read('input', place)}"]

    def read_under(self, image: str, channel: str) -> list[str]:
        """Statements that read the output's gradient at the window whose tap ``t*`` lies on the input's place ``i*``."""
        lines, inside = [], []
        place = f"(hp_i64){image} * HP(outputs) + {channel}"
        for axis in range(self.axes):
            lines.append(
                f"const int u{axis} = i{axis} + (int)HP(padding)[{axis}] - t{axis} * (int)HP(dilation)[{axis}];"
            )
            lines.append(f"const int w{axis} = u{axis} / (int)HP(stride)[{axis}];")
            inside.append(f"u{axis} >= 0 && w{axis} * HP(stride)[{axis}] == u{axis} && w{axis} < HP(windows)[{axis}]")
            place = f"({place}) * HP(windows)[{axis}] + w{axis}"
        return [*lines, f"if ({' && '.join(inside)}) {self.read('delta', place)}"]


_WORDS: Final = tuple(
    "size[3] windows[3] kernel[3] stride[3] padding[3] dilation[3] channels outputs taps plane positions inner outer rows "
    "columns deep tiles pieces piece".split()
)
"""``inner`` and ``outer`` are the channels of a group; ``plane`` and ``positions`` the places of input and output."""


def _body(form: _Form, left: Reader, right: Reader, store: Sequence[str]) -> list[str]:
    """A kernel: tiles along x, groups along y, pieces of the depth along z."""
    names = ("rows", "columns", "tiles", "taps", "inner", "outer")
    return [
        *declared(form.name),
        *[f"const int {name} = (int)HP({name}); (void){name};" for name in names],
        "const int group = blockIdx.y;",
        f"const int down = (blockIdx.x / tiles) * {TILE}, over = (blockIdx.x % tiles) * {TILE};",
        "const int begin = blockIdx.z * (int)HP(piece), end = (int)hp_smaller(begin + HP(piece), HP(deep));",
        *product(form.source, form.kind.compute, "int", left, right, "rows", "columns", "begin", "end"),
        *stored("int", "rows", "columns", store),
    ]


def _forward(form: _Form, biased: bool) -> str:
    positions = "const int image = line / (int)HP(positions), place = line % (int)HP(positions);"
    left = Reader([form.read("weight", "((hp_i64)group * outer + line) * HP(deep) + deep")], "false")
    right = Reader(
        [positions, *form.unravel("place", "windows", "w"), "const int channel = deep / taps, tap = deep % taps;",
         *form.unravel("tap", "kernel", "t"), *form.read_window("image", "group * inner + channel")], "true",
    )  # fmt: skip
    kind = form.kind
    bias = f" + {form.source.load(kind, 'HP(bias)[group * outer + row]')}" if biased else ""
    place = "((hp_i64)(column / (int)HP(positions)) * HP(outputs) + group * outer + row) * HP(positions)"
    element = f"HP(out)[{place} + column % (int)HP(positions)]"
    return kernel(
        "hp_product", _body(form, left, right, [form.source.store(kind, element, f"total[r][c]{bias}", kind.compute)])
    )


def _input(form: _Form) -> str:
    left = Reader(
        ["const int channel = deep / taps, tap = deep % taps;",
         form.read("weight", "(((hp_i64)group * outer + channel) * inner + line) * taps + tap")], "false",
    )  # fmt: skip
    right = Reader(
        ["const int image = line / (int)HP(plane), place = line % (int)HP(plane);", *form.unravel("place", "size", "i"),
         "const int channel = deep / taps, tap = deep % taps;", *form.unravel("tap", "kernel", "t"),
         *form.read_under("image", "group * outer + channel")], "true",
    )  # fmt: skip
    place = (
        "((hp_i64)(column / (int)HP(plane)) * HP(channels) + group * inner + row) * HP(plane) + column % (int)HP(plane)"
    )
    store = form.source.store(form.kind, f"HP(out)[{place}]", "total[r][c]", form.kind.compute)
    return kernel("hp_product", _body(form, left, right, [store]))


def _weight(form: _Form) -> str:
    """Its depth is long and its tiles are few: pieces of the depth are summed by a second kernel."""
    positions = "const int image = deep / (int)HP(positions), place = deep % (int)HP(positions);"
    at = "((hp_i64)image * HP(outputs) + group * outer + line) * HP(positions) + place"
    left = Reader([positions, form.read("delta", at)], "false")
    right = Reader(
        [positions, *form.unravel("place", "windows", "w"), "const int channel = line / taps, tap = line % taps;",
         *form.unravel("tap", "kernel", "t"), *form.read_window("image", "group * inner + channel")], "false",
    )  # fmt: skip
    place = "((hp_i64)group * outer + row) * columns + column"
    store = [f"HP(partial)[(hp_i64)blockIdx.z * HP(outputs) * columns + {place}] = total[r][c];"]
    joined = [
        f"const hp_i64 i = (hp_i64)blockIdx.x * {THREADS} + threadIdx.x, count = HP(outputs) * HP(columns);",
        "if (i >= count) return;",
        f"{form.name} total = 0;",
        "for (hp_i64 k = 0; k < HP(pieces); ++k) total += HP(partial)[k * count + i];",
        form.source.store(form.kind, "HP(out)[i]", "total", form.kind.compute),
    ]
    return kernel("hp_product", _body(form, left, right, store)) + kernel("hp_joined", joined)


def _numbers(input: Shape, weight: Shape, out: Shape, scalars: Sequence[Any], mode: str, units: int) -> Plan:
    """The plan of a call; the last four numbers are stride, padding, dilation and groups."""
    stride, padding, dilation, groups = scalars[-4:]
    taps, plane, positions = (math.prod(each[2:]) for each in (weight, input, out))
    images, channels, outputs = input[0], input[1], weight[0]
    inner, outer = channels // groups, outputs // groups
    rows, columns, deep = {
        "forward": (outer, images * positions, inner * taps),
        "input": (inner, images * plane, outer * taps),
        "weight": (outer, inner * taps, images * positions),
    }[mode]
    tiles, blocks = -(-columns // TILE), -(-rows // TILE) * -(-columns // TILE)
    pieces = 1
    if mode == "weight":
        pieces = max(1, min(-(-4 * units // (blocks * groups)), deep // TILE, _MOST_PIECES))
    piece = -(-deep // pieces)
    numbers = {
        "size": input[2:], "windows": out[2:], "kernel": weight[2:], "stride": stride, "padding": padding,
        "dilation": dilation, "channels": channels, "outputs": outputs, "taps": taps, "plane": plane,
        "positions": positions, "inner": inner, "outer": outer, "rows": rows, "columns": columns, "deep": deep,
        "tiles": tiles, "pieces": pieces, "piece": piece,
    }  # fmt: skip
    steps = [Step("hp_product", blocks, groups, pieces)]
    if mode == "weight":
        steps.append(Step("hp_joined", -(-outputs * columns // THREADS)))
    return Plan(numbers, steps, pieces * outputs * columns)


def _made(device: Device, key: OpKey, mode: str) -> Kernel | None:
    kind, axes = key.dtypes[0], key.rank - 2
    plain = all(each is kind for each in key.dtypes) and kind.kind == "f" and 1 <= axes <= 3
    if not plain or key.index64 or any(each != "contiguous" for each in key.layouts):
        return None
    form = _Form(Source(CUDA), kind, axes)
    biased = mode == "forward" and ("bias", None) not in key.attributes
    names = {"forward": ("input", "weight"), "input": ("delta", "weight"), "weight": ("delta", "input")}[mode]
    text = {"forward": lambda: _forward(form, biased), "input": lambda: _input(form), "weight": lambda: _weight(form)}[
        mode
    ]()
    memory = form.source.stored(kind)
    pointers = {"out": memory, **dict.fromkeys((*names, *(["bias"] if biased else [])), f"const {memory}")}
    if mode == "weight":
        pointers["partial"] = form.name
    sheet = Sheet(pointers, _WORDS)

    def plan(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        out, first, second = (each.shape for each in layouts[:3])
        shapes = {"forward": (first, second, out), "input": (out, second, first), "weight": (second, out, first)}[mode]
        found = _numbers(*shapes, scalars, mode, device.traits.units)
        return found._replace(scratch=found.scratch * kind.compute.itemsize)

    kernels = ("hp_product", *(["hp_joined"] if mode == "weight" else []))
    return Override(device, key.name, form.source, sheet, text, plan, kernels, scratch=mode == "weight")


OVERRIDES: Final[dict[str, Callable[[Device, OpKey], Kernel | None]]] = {
    "convolution": lambda device, key: _made(device, key, "forward"),
    "convolution_input_backward": lambda device, key: _made(device, key, "input"),
    "convolution_weight_backward": lambda device, key: _made(device, key, "weight"),
}
