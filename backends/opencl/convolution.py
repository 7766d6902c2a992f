"""Convolution over one to three axes and its two gradients: in panels on processors, in tiles of local memory elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, final

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backend.render import OPENCL, Source
from hotplug.backends.opencl import convolution_panels as panels, tuning
from hotplug.backends.opencl.composite import Override, Plan, Sheet, Step, items
from hotplug.backends.opencl.convolution_gradient import weight_gradient
from hotplug.backends.opencl.convolution_plan import (
    Problem,
    backward,
    fitting,
    forward,
    merges,
    padded_copy,
    parts,
    problem,
    runs,
)
from hotplug.backends.opencl.convolution_tiles import in_tiles
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.frame import Layouts
from hotplug.backends.opencl.tiles import Panel, vectors
from hotplug.dtypes import dtype
from hotplug.layout import layout_of

_MOST_SCRATCH: Final = 1 << 28
_MANY_PLANS: Final = 1024
_NARROW: Final = 32
"""Bytes of a vector where there are 16 registers; machines with wider ones have more."""


def _panels_of(device: Device, kind: dtype) -> dict[str, Panel]:
    """By kernel: for rows in blocks, and for groups of a single row."""
    width = tuning.panel(device, kind.compute).width
    rows = 8 if width * kind.compute.itemsize > _NARROW else 4
    return {"hp_panels": Panel(rows, 3, width), "hp_narrow": Panel(1, 6, width)}


def _correlation(of: Problem, is_forward: bool, kind: dtype, device: Device) -> Plan:
    found = forward(of) if is_forward else backward(of)
    name = "hp_panels" if found.rows > 1 else "hp_narrow"
    panel = _panels_of(device, kind)[name]
    merged = merges(found, of.images, panel.places)
    copy = padded_copy(of, found, panel.rows, panel.places + panel.width, merged=merged, is_forward=is_forward)
    blocks = -(-found.rows // panel.rows)
    tiles = -(-(found.length + (of.images - 1) * found.volume * merged) // panel.places)
    lines = of.groups * copy.numbers["tables"] * (1 if merged else of.images)
    multiplications = blocks * panel.rows * panel.places * found.depth * of.taps
    run = runs(tiles, lines, multiplications, device.units)
    work = -(-tiles // run) * lines
    share = parts(blocks, work, device.units)
    near, far = of.taps, found.depth * of.taps
    numbers = {
        **copy.numbers, "weights_at": copy.size, "packed": of.groups * blocks * found.depth, "blocks": blocks,
        "row_step": far if is_forward else near, "depth_step": near if is_forward else found.rows * of.taps,
        "group_step": found.rows * far, "merge": of.images if merged else 1, "span": found.volume, "tiles": tiles, "run": run,
        "parts": share, "out_step": found.out_step,
    }  # fmt: skip
    before = numbers["copied"] + numbers["packed"] + numbers["tables"] + 1
    scratch = copy.size + numbers["packed"] * of.taps * panel.rows
    steps = [items("hp_prepare", before, device.heavy), Step(name, work * share)]
    return Plan(numbers, steps, fitting(scratch) * kind.compute.itemsize)


@final
class InTurns:
    """A kernel that goes over the images of its first output and input: over some at a time, if its scratch memory would be
    too large for all.
    """

    def __init__(
        self, kernel: Kernel, plan: Callable[[Layouts, Sequence[Any]], Plan], most: int = _MOST_SCRATCH
    ) -> None:
        """
        Args:
            kernel: of all images.
            plan: tells its scratch memory.
            most: bytes of scratch memory for one turn, unless one image needs more.
        """
        self._kernel: Final = kernel
        self._plan: Final = plan
        self._most: Final = most
        self._turns: dict[Any, int] = {}

    def __call__(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        images = outs[0].shape[0]
        key = (outs[0].layout, *[each.layout for each in inputs], *scalars[-4:])
        turns = self._turns.get(key)
        if turns is None:
            if len(self._turns) >= _MANY_PLANS:
                self._turns.clear()
            layouts = tuple(each.layout for each in (*outs, *inputs))
            scratch = self._plan(layouts, scalars).scratch if outs[0].numel else 0
            turns = self._turns[key] = max(1, min(images, -(-scratch // self._most)))
        if turns == 1:
            self._kernel(outs, inputs, scalars)
            return
        for turn in range(turns):
            start, stop = images * turn // turns, images * (turn + 1) // turns
            self._kernel([_some(outs[0], start, stop)], [_some(inputs[0], start, stop), *inputs[1:]], scalars)


def _some(array: Array, start: int, stop: int) -> Array:
    """Some of the images."""
    layout = layout_of(array.dtype, (stop - start, *array.shape[1:]), array.strides)
    return Array(array.storage, layout, array.offset + start * array.strides[0])


def _usable(key: OpKey) -> bool:
    kind = key.dtypes[0]
    plain = all(each is kind for each in key.dtypes) and kind.kind == "f" and 3 <= key.rank <= 5
    return plain and not key.index64 and all(each == "contiguous" for each in key.layouts)


def _correlate(device: Device, key: OpKey, is_forward: bool) -> Kernel:
    """Forward, or the gradient for the input, in panels."""
    kind, source = key.dtypes[0], Source(OPENCL)
    biased = is_forward and ("bias", None) not in key.attributes
    stored, real = source.stored(kind), source.type(kind.compute)
    names = ("source", "weight", *(["bias"] if biased else []))
    sheet = Sheet({"out": stored, **dict.fromkeys(names, f"const {stored}")}, panels.WORDS, scratch=real)
    kernels = [sheet.kernel("hp_prepare", panels.prepare(source, kind))]
    for name, panel in _panels_of(device, kind).items():
        kernels.append(sheet.kernel(name, panels.panels(source, kind, panel, biased), local=1))
    width = _panels_of(device, kind)["hp_panels"].width
    text = "".join([panels.CONTRACT, vectors(source, kind, width), panels.copied(source, kind), *kernels])

    def plan(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        out, first, second = (each.shape for each in layouts[:3])
        shapes = (first, second, out) if is_forward else (out, second, first)
        return _correlation(problem(*shapes, *scalars[-4:]), is_forward, kind, device)

    return InTurns(
        Override(device, key.name, source, sheet, text, plan, ("hp_prepare", *_panels_of(device, kind))), plan
    )


def _made(device: Device, key: OpKey, mode: str) -> Kernel | None:
    if not _usable(key):
        return None
    if not device.is_processor:
        return in_tiles(device, key, mode)
    return weight_gradient(device, key) if mode == "weight" else _correlate(device, key, mode == "forward")


OVERRIDES: Final[dict[str, Callable[[Device, OpKey], Kernel | None]]] = {
    "convolution": lambda device, key: _made(device, key, "forward"),
    "convolution_input_backward": lambda device, key: _made(device, key, "input"),
    "convolution_weight_backward": lambda device, key: _made(device, key, "weight"),
}
