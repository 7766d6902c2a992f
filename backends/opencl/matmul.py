"""``matmul``, and what is made of it: which kernel of :mod:`.matmul_panels` a call gets, by its sizes and strides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, final

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backend.render import OPENCL, Source
from hotplug.backends.opencl import matmul_panels as panels, tuning
from hotplug.backends.opencl.composite import Override, Plan, Sheet, Step, items
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.frame import Layouts
from hotplug.backends.opencl.tiles import FUSED, Panel, Tile, vectors
from hotplug.dtypes import dtype
from hotplug.layout import layout_of

_LEAST: Final = 8
_LEAST_WORK: Final = 1 << 12
"""Multiplications below which a number at a time is as good."""
_ROWS_WORK: Final = 1 << 23
"""Multiplications of a matrix up to which a right operand with its columns side by side needn't be packed."""
_DOTS_WORK: Final = 1 << 21
"""The same of all matrices, for operands with their depth side by side."""
_FEW_ROWS: Final = 32
"""With so few rows a right operand is not read often enough to pay for packing."""
_MOST_SCRATCH: Final = 1 << 27
_ALIGNED: Final = 16
_CONTRACT: Final = "#pragma OPENCL FP_CONTRACT ON\n"
"""A sum of products is as good or better fused."""


class Sizes(NamedTuple):
    """Of a product ``(batch, m, k) @ (batch, k, n)``, with the strides of each operand."""

    batch: int
    m: int
    n: int
    k: int
    out: Sequence[int]
    left: Sequence[int]
    right: Sequence[int]


def sizes(layouts: Layouts) -> Sizes:
    """The sizes of a ``matmul``."""
    (batch, m, n), k = layouts[0].shape, layouts[1].shape[2]
    strides = [
        [0 if size == 1 else step for size, step in zip(each.shape, each.strides, strict=True)] for each in layouts[:3]
    ]
    return Sizes(batch, m, n, k, *strides)


def _blocks(size: int, side: int) -> int:
    return -(-size // side)


class Shape(NamedTuple):
    """The tiles of a product's kernels on one device."""

    panel: Panel
    dots: Panel
    tile: Tile | None
    """``None`` on processors."""


def shape_of(device: Device, kind: dtype, chosen: Panel | Tile | None = None) -> Shape:
    """The tiles for a dtype that is computed with: those of the device, or of a choice."""
    if not device.is_processor:
        tile = chosen if isinstance(chosen, Tile) else tuning.tile(device, kind)
        return Shape(Panel(1, 1, 1), Panel(1, 1, 1), tile)
    if kind.kind != "f":
        return Shape(Panel(1, 1, 1), Panel(1, 1, 1), None)
    panel = chosen if isinstance(chosen, Panel) else tuning.panel(device, kind)
    return Shape(panel, Panel(4, 3, panel.width), None)


def _tier(of: Sizes, shape: Shape, plain: bool, packs: bool) -> str:
    """The kernel of a call on a processor."""
    work, panel = of.m * of.n * of.k, shape.panel
    if not packs or work < _LEAST_WORK:
        return "hp_direct"
    few = of.m <= _FEW_ROWS
    if plain and (few or work <= _ROWS_WORK) and of.n >= panel.places and of.right[2] == 1:
        return "hp_rows"
    if plain and (few or of.batch * work <= _DOTS_WORK) and of.k >= shape.dots.width and of.left[2] == of.right[1] == 1:
        return "hp_dots"
    return "hp_multiply" if min(of.m, of.n, of.k) >= _LEAST else "hp_direct"


def scratch_of(of: Sizes, shape: Shape) -> tuple[int, int]:
    """Elements of the packed left operand, to a multiple of the vectors' alignment, and of both."""
    panel = shape.panel
    left = (of.batch if of.left[0] else 1) * _blocks(of.m, panel.rows) * panel.rows * of.k
    right = (of.batch if of.right[0] else 1) * _blocks(of.n, panel.places) * panel.places * of.k
    start = -(-left // _ALIGNED) * _ALIGNED
    return start, start + right


def plan(device: Device, of: Sizes, shape: Shape, kind: dtype, plain: bool, extra: Mapping[str, int]) -> Plan:
    """The launches of a product, and the sheet's numbers; ``extra`` are those of the bias and the activation."""
    name = "hp_tiles" if shape.tile else _tier(of, shape, plain, kind.kind == "f")
    side, over = {
        "hp_direct": (panels.SIDE, panels.SIDE), "hp_rows": (shape.panel.rows, shape.panel.places),
        "hp_dots": (shape.dots.rows, shape.dots.vectors), "hp_multiply": (shape.panel.rows, shape.panel.places),
        "hp_tiles": (shape.tile.down, shape.tile.over) if shape.tile else (1, 1),
    }[name]  # fmt: skip
    down, across = _blocks(of.m, side), _blocks(of.n, over)
    numbers = {
        "batch": of.batch, "m": of.m, "n": of.n, "k": of.k, "ob": of.out[0], "om": of.out[1], "on": of.out[2],
        "lb": of.left[0], "lm": of.left[1], "lk": of.left[2], "rb": of.right[0], "rk": of.right[1], "rn": of.right[2],
        "down": down, "across": across, "left_panels": 0, "right_panels": 0, "left_step": 0, "right_step": 0, "right_at": 0,
        "packed": 0, "left_first": abs(of.left[1]) < abs(of.left[2]), "right_first": abs(of.right[2]) <= abs(of.right[1]),
        **extra,
    }  # fmt: skip
    work = of.batch * down * across
    if name == "hp_tiles":
        assert shape.tile is not None
        return Plan(numbers, [Step(name, down * across, shape.tile.items, of.batch)])
    if name == "hp_direct":
        return Plan(numbers, [items(name, work, device.heavy)])
    if name != "hp_multiply":
        return Plan(numbers, [Step(name, work)])
    start, count = scratch_of(of, shape)
    left, right = (of.batch if each[0] else 1 for each in (of.left, of.right))
    packed = (left * down + right * across) * of.k
    numbers |= {"left_panels": left, "right_panels": right, "left_step": left > 1, "right_step": right > 1, "right_at": start,
                "packed": packed}  # fmt: skip
    return Plan(numbers, [items("hp_pack", packed, device.light), Step(name, work)], count * kind.itemsize)


def built(
    device: Device, op: str, source: Source, text: panels.Text, sheet: Sheet, shape: Shape,
    plan: Callable[[Layouts, Sequence[Any]], Plan],
) -> Override:  # fmt: skip
    """The kernels of a product, as one program."""
    if shape.tile:
        bodies = {"hp_tiles": (panels.tiles(text, shape.tile), shape.tile.items)}
        return _override(device, op, source, sheet, FUSED, bodies, plan)
    bodies = {"hp_direct": (panels.direct(text), 0)}
    head = _CONTRACT
    if text.kind.kind == "f":
        head += vectors(source, text.kind, shape.panel.width)
        bodies |= {"hp_pack": (panels.pack(text), 0), "hp_multiply": (panels.multiply(text), 1)}
        if text.plain:
            bodies |= {"hp_rows": (panels.rows(text), 1), "hp_dots": (panels.dots(text, shape.dots), 1)}
    return _override(device, op, source, sheet, head, bodies, plan)


def _override(
    device: Device, op: str, source: Source, sheet: Sheet, head: str, bodies: Mapping[str, tuple[list[str], int]],
    plan: Callable[[Layouts, Sequence[Any]], Plan],
) -> Override:  # fmt: skip
    kernels = [sheet.kernel(name, body, local=local) for name, (body, local) in bodies.items()]
    return Override(device, op, source, sheet, head + "".join(kernels), plan, tuple(bodies))


@final
class Matmul:
    """The kernel of the family; in several turns where packed operands would be too large."""

    def __init__(self, device: Device, key: OpKey, shape: Shape | None = None) -> None:
        """
        Args:
            device: where to build it.
            key: of the family.
            shape: of the tiles, where those of the device are not meant.
        """
        source, kind = Source(OPENCL), key.dtypes[0].compute
        self._shape: Final = shape or shape_of(device, kind)
        self._itemsize: Final = kind.itemsize
        text = panels.Text(source, key.dtypes, self._shape.panel, False, False, "")
        pointers = {name: f"{'const ' * (name != 'out')}{source.stored(each)}"
                    for name, each in zip(("out", "left", "right"), key.dtypes, strict=True)}  # fmt: skip
        sheet = Sheet(pointers, panels.WORDS, wide=key.index64, scratch=text.type)
        extra = {"bias_step": 0, "keep": 0}

        def planned(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
            return plan(device, sizes(layouts), self._shape, kind, text.plain, extra)

        self._kernel: Final = built(device, "matmul", source, text, sheet, self._shape, planned)

    def __call__(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        batch = outs[0].shape[0]
        if batch > 1 and self._nbytes(outs, inputs) > _MOST_SCRATCH:
            for start, stop in ((0, batch // 2), (batch // 2, batch)):
                parts = [[_batches(each, start, stop) for each in arrays] for arrays in (outs, inputs)]
                self(parts[0], parts[1], ())
            return
        self._kernel(outs, inputs, ())

    def _nbytes(self, outs: Sequence[Array], inputs: Sequence[Array]) -> int:
        """At most so much scratch memory is needed."""
        if self._shape.tile:
            return 0
        (batch, m, n), k = outs[0].shape, inputs[0].shape[2]
        return batch * 2 * (m + n + 64) * k * self._itemsize


def _batches(array: Array, start: int, stop: int) -> Array:
    """Some of the matrices."""
    layout = layout_of(array.dtype, (stop - start, *array.shape[1:]), array.strides)
    return Array(array.storage, layout, array.offset + start * array.strides[0])


def matmul(device: Device, key: OpKey) -> Kernel:
    """The kernel of a key."""
    return Matmul(device, key)
