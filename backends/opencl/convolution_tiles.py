"""Convolution for GPUs: matrix products in tiles of local memory whose operands are read where they lie.

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
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from hotplug.backend import Kernel, OpKey
from hotplug.backend.render import OPENCL, Source
from hotplug.backends.opencl import tuning
from hotplug.backends.opencl.composite import Override, Plan, Sheet, Step, items
from hotplug.backends.opencl.convolution_plan import Problem, problem
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.frame import Layouts
from hotplug.backends.opencl.tiles import FUSED, Reader, Tile, declared, product, stored
from hotplug.dtypes import dtype

_MOST_PIECES: Final = 64
_WORDS: Final = tuple(
    "size[3] windows[3] shape[3] stride[3] padding[3] dilation[3] channels outputs taps plane positions inner outer rows "
    "columns depth across groups pieces piece".split()
)
"""``inner`` and ``outer`` are the channels of a group; ``plane`` and ``positions`` the places of input and output."""


class _Form(NamedTuple):
    """What the three products have in common."""

    source: Source
    kind: dtype
    tile: Tile

    @property
    def name(self) -> str:
        return self.source.type(self.kind.compute)

    def read(self, pointer: str, place: str) -> str:
        return f"v = {self.source.load(self.kind, f'{pointer}[{place}]')};"

    @staticmethod
    def unravel(flat: str, sizes: str, prefix: str) -> list[str]:
        """Statements that define the three coordinates of a number in C order."""
        return [
            f"const int {prefix}2 = {flat} % HP({sizes})[2], {prefix}q = {flat} / HP({sizes})[2];",
            f"const int {prefix}1 = {prefix}q % HP({sizes})[1], {prefix}0 = {prefix}q / HP({sizes})[1];",
        ]

    def read_window(self, image: str, channel: str) -> list[str]:
        """Statements that read the input under tap ``t*`` of the window ``w*``, where that isn't padding."""
        lines, inside = [], []
        place = f"({image} * HP(channels) + {channel})"
        for axis in range(3):
            lines.append(
                f"const int i{axis} = w{axis} * HP(stride)[{axis}] + t{axis} * HP(dilation)[{axis}] - HP(padding)[{axis}];"
            )
            inside.append(f"i{axis} >= 0 && i{axis} < HP(size)[{axis}]")
            place = f"({place} * HP(size)[{axis}] + i{axis})"
        return [*lines, f"if ({' && '.join(inside)}) {self.read('given', place)}"]

    def read_under(self, image: str, channel: str) -> list[str]:
        """Statements that read the output's gradient at the window whose tap ``t*`` lies on the input's place ``i*``."""
        lines, inside = [], []
        place = f"({image} * HP(outputs) + {channel})"
        for axis in range(3):
            lines.append(f"const int u{axis} = i{axis} + HP(padding)[{axis}] - t{axis} * HP(dilation)[{axis}];")
            lines.append(f"const int w{axis} = u{axis} / HP(stride)[{axis}];")
            inside.append(f"u{axis} >= 0 && w{axis} * HP(stride)[{axis}] == u{axis} && w{axis} < HP(windows)[{axis}]")
            place = f"({place} * HP(windows)[{axis}] + w{axis})"
        return [*lines, f"if ({' && '.join(inside)}) {self.read('delta', place)}"]


_CHANNEL: Final = "const int channel = place / HP(taps), tap = place % HP(taps);"


def _body(form: _Form, left: Reader, right: Reader, store: Sequence[str]) -> list[str]:
    """A kernel: tiles along the first axis of work-groups, groups and pieces of the depth along the second."""
    down, over = form.tile.down, form.tile.over
    return [
        *declared(form.name, form.tile),
        "const int number = (int)get_group_id(0), second = (int)get_group_id(1);",
        "const int group = second % HP(groups), piece = second / HP(groups);",
        f"const int down = number / HP(across) * {down}, over = number % HP(across) * {over};",
        "const int begin = piece * HP(piece), end = min(begin + HP(piece), HP(depth));",
        *product(form.source, form.kind.compute, form.tile, left, right, "HP(rows)", "HP(columns)", "begin", "end"),
        *stored(form.tile, "HP(rows)", "HP(columns)", store),
    ]


def _forward(form: _Form, biased: bool) -> list[str]:
    left = Reader([form.read("weight", "(group * HP(outer) + line) * HP(depth) + place")], "0")
    right = Reader(
        [
            "const int image = line / HP(positions), at = line % HP(positions);", *form.unravel("at", "windows", "w"),
            _CHANNEL, *form.unravel("tap", "shape", "t"), *form.read_window("image", "group * HP(inner) + channel"),
        ],
        "1",
    )  # fmt: skip
    kind, row = form.kind, "(group * HP(outer) + row)"
    begin = form.source.load(kind, f"bias[{row}]") if biased else "0"
    place = f"((column / HP(positions)) * HP(outputs) + {row}) * HP(positions) + column % HP(positions)"
    store = form.source.store(kind, f"out[{place}]", f"(total[r][c] + {begin})", kind.compute)
    return _body(form, left, right, [store])


def _input(form: _Form) -> list[str]:
    left = Reader(
        [_CHANNEL, form.read("weight", "((group * HP(outer) + channel) * HP(inner) + line) * HP(taps) + tap")], "0"
    )
    right = Reader(
        [
            "const int image = line / HP(plane), at = line % HP(plane);", *form.unravel("at", "size", "i"), _CHANNEL,
            *form.unravel("tap", "shape", "t"), *form.read_under("image", "group * HP(outer) + channel"),
        ],
        "1",
    )  # fmt: skip
    place = "((column / HP(plane)) * HP(channels) + group * HP(inner) + row) * HP(plane) + column % HP(plane)"
    return _body(form, left, right, [form.source.store(form.kind, f"out[{place}]", "total[r][c]", form.kind.compute)])


def _weight(form: _Form) -> list[str]:
    """Its depth is long and its tiles are few: pieces of the depth are summed by a second kernel."""
    positions = "const int image = place / HP(positions), at = place % HP(positions);"
    left = Reader(
        [positions, form.read("delta", "(image * HP(outputs) + group * HP(outer) + line) * HP(positions) + at")], "0"
    )
    right = Reader(
        [
            positions, *form.unravel("at", "windows", "w"),
            "const int channel = line / HP(taps), tap = line % HP(taps);", *form.unravel("tap", "shape", "t"),
            *form.read_window("image", "group * HP(inner) + channel"),
        ],
        "0",
    )  # fmt: skip
    place = "(piece * HP(outputs) + group * HP(outer) + row) * HP(columns) + column"
    return _body(form, left, right, [f"scratch[{place}] = total[r][c];"])


def _joined(form: _Form) -> list[str]:
    return [
        "const int i = (int)get_global_id(0), count = HP(outputs) * HP(columns);",
        "if (i >= count) return;",
        f"{form.name} total = 0;",
        "for (int k = 0; k < HP(pieces); ++k) total += scratch[k * count + i];",
        form.source.store(form.kind, "out[i]", "total", form.kind.compute),
    ]


def _numbers(of: Problem, mode: str, tile: Tile, device: Device, itemsize: int) -> Plan:
    plane, positions = math.prod(of.size), math.prod(of.windows)
    rows, columns, depth = {
        "forward": (of.outer, of.images * positions, of.inner * of.taps),
        "input": (of.inner, of.images * plane, of.outer * of.taps),
        "weight": (of.outer, of.inner * of.taps, of.images * positions),
    }[mode]
    across, outputs = -(-columns // tile.over), of.outer * of.groups
    blocks, pieces = -(-rows // tile.down) * across, 1
    if mode == "weight":
        busy = -(-4 * device.units // (blocks * of.groups))
        pieces = max(1, min(busy, depth // (4 * tile.deep), _MOST_PIECES))
    numbers = {
        "size": of.size, "windows": of.windows, "shape": of.kernel, "stride": of.stride, "padding": of.padding,
        "dilation": of.dilation, "channels": of.inner * of.groups, "outputs": outputs, "taps": of.taps, "plane": plane,
        "positions": positions, "inner": of.inner, "outer": of.outer, "rows": rows, "columns": columns, "depth": depth,
        "across": across, "groups": of.groups, "pieces": pieces, "piece": -(-depth // pieces),
    }  # fmt: skip
    steps = [Step("hp_product", blocks, tile.items, of.groups * pieces)]
    if mode == "weight":
        steps.append(items("hp_joined", outputs * columns, device.light))
    return Plan(numbers, steps, pieces * outputs * columns * itemsize if mode == "weight" else 0)


def in_tiles(device: Device, key: OpKey, mode: str) -> Kernel:
    """``forward``, or the gradient for the ``input`` or the ``weight``, of contiguous operands of one dtype."""
    kind, source = key.dtypes[0], Source(OPENCL)
    tile = tuning.tile(device, kind.compute)
    form = _Form(source, kind, tile)
    biased = mode == "forward" and ("bias", None) not in key.attributes
    names = {"forward": ("given", "weight"), "input": ("delta", "weight"), "weight": ("delta", "given")}[mode]
    memory = source.stored(kind)
    inputs = (*names, *(["bias"] if biased else []))
    is_weight = mode == "weight"
    pointers = {"out": memory, **dict.fromkeys(inputs, f"const {memory}")}
    sheet = Sheet(pointers, _WORDS, scratch=form.name if is_weight else "")
    bodies = {"forward": lambda: _forward(form, biased), "input": lambda: _input(form), "weight": lambda: _weight(form)}
    kernels = {"hp_product": sheet.kernel("hp_product", bodies[mode](), local=tile.items)}
    if is_weight:
        kernels["hp_joined"] = sheet.kernel("hp_joined", _joined(form))

    def plan(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        out, first, second = (each.shape for each in layouts[:3])
        shapes = {"forward": (first, second, out), "input": (out, second, first), "weight": (second, out, first)}[mode]
        return _numbers(problem(*shapes, *scalars[-4:]), mode, tile, device, kind.compute.itemsize)

    return Override(device, key.name, source, sheet, FUSED + "".join(kernels.values()), plan, tuple(kernels))
