"""sort and topk along any axis, of every dtype that has an order.

===============================  ======================================================================================
on a processor, first few        kept in order while a row is read
on a processor, many rows        digit by digit, from the lowest on (LSD radix sort), a work-item a row
on a GPU, rows of up to 2048     many short ones, or one long one, are sorted by a group in local memory
on a GPU, the first few of more  groups keep the first few of pieces of 2048; these are sorted again, until one is left
else                             digit by digit, a work-item or a group a piece of a row (Satish, Harris and Garland, 2009)
===============================  ======================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, final

import numpy as np
import pyopencl as cl

from hotplug.array import Array
from hotplug.backend import Kernel, OpKey
from hotplug.backend.render import OPENCL, Source
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.frame import Layouts
from hotplug.backends.opencl.ordering_text import (
    AXES,
    FEW,
    GROUP,
    NUMBERS,
    ON_GPU,
    ON_PROCESSOR,
    ROOMS,
    TILE,
    sheet_of,
    text_of,
)
from hotplug.caches import Bounded

_LONG: Final = 1 << 16
"""Elements from which few rows of a processor are cut into pieces."""
_MUCH: Final = 1 << 20
"""Bytes of scratch memory that aren't kept."""
_DIGIT: Final = {False: 4, True: 8}
"""Bits of a digit, on GPUs and on processors."""


class _Launch(NamedTuple):
    kernel: str
    groups: int
    local: int
    numbers: bytes


class _Plan(NamedTuple):
    launches: tuple[_Launch, ...]
    scratch: int
    """Bytes."""


@final
class Ordering:
    """The kernel of a key."""

    def __init__(self, device: Device, key: OpKey, descending: bool) -> None:
        kind, source, sheet = key.dtypes[0], Source(OPENCL), sheet_of(key.dtypes[0])
        by_value = device.by_value(sheet.nbytes, sheet.buffers)
        self._processor: Final = device.is_processor
        self._digit: Final = _DIGIT[self._processor]
        kernels = ON_PROCESSOR if self._processor else ON_GPU
        text = text_of(kind, descending, sheet, kernels, 0 if self._processor else GROUP, self._digit)
        built = device.built(key.name, source.text(sheet.declaration(by_value), text))
        self._kernels: Final = {name: device.kernel(key.name, built, name) for name in kernels}
        for each in self._kernels.values():
            each.set_arg_types((np.dtype(f"V{sheet.nbytes}") if by_value else None, *[None] * sheet.buffers))
        self._by_value: Final = by_value
        self._op: Final = key.name
        self._device: Final = device
        self._sheet: Final = sheet
        self._width: Final = 8 if kind.itemsize == 8 else 4
        self._passes: Final = kind.itemsize * 8 // self._digit
        self._plans: Final[Bounded[Any, _Plan]] = Bounded(1024)

    def __call__(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        if not outs[0].numel:
            return
        arrays = (*outs, *inputs)
        layouts, axis = tuple([each.layout for each in arrays]), scalars[-1]
        plan = self._plans.get((layouts, axis))
        if plan is None:
            plan = self._plans[layouts, axis] = self._planned(layouts, axis)
        device, offsets = self._device, [each.offset for each in arrays]
        memories = [each.storage.buffer.memory for each in arrays]
        # Much is taken from the allocator, which has it back in the order of the queue.
        room = arrays[0].storage.runtime.allocate(plan.scratch) if plan.scratch > _MUCH else None
        with device.lock:
            memories.append(device.scratch(plan.scratch) if room is None else room.buffer.memory)
            try:
                for each in plan.launches:
                    frame = self._argument(self._sheet.frame(offsets, each.numbers))
                    size, local = (each.groups * each.local,), (each.local,)
                    self._kernels[each.kernel](device.queue, size, local, frame, *memories)
                    device.launches += 1
            except cl.Error as error:
                raise device.failure(self._op, error) from error

    def _argument(self, frame: bytes) -> Any:
        if self._by_value:
            return frame
        flags = cl.mem_flags.READ_ONLY | cl.mem_flags.COPY_HOST_PTR
        return cl.Buffer(self._device.context, flags, hostbuf=bytearray(frame))

    def _planned(self, layouts: Layouts, axis: int) -> _Plan:
        out, places, input_ = layouts
        length, kept = input_.shape[axis], out.shape[axis]
        rows = input_.numel // length
        others = [each for each in range(len(input_.shape)) if each != axis]
        ahead = AXES - len(others)
        base: dict[str, Any] = {
            **dict.fromkeys((*ROOMS, *NUMBERS), 0), "tiles": 1, "span": 1, "each": 1, "items": 1,
            "rows": rows, "length": length, "kept": kept,
            "sizes": (*(1,) * ahead, *(input_.shape[each] for each in others)),
        }  # fmt: skip
        for name, layout in (("from", input_), ("to", out), ("at", places)):
            base[name] = (*(0,) * ahead, *(layout.strides[each] for each in others))
            base[f"step_{name}"] = layout.strides[axis]
        base = {name.partition("[")[0]: value for name, value in base.items() if "[" not in name}
        if self._processor:
            return self._by_rows(base, rows, length, kept)
        if length <= TILE or kept <= TILE // 4:
            return self._rounds(base, rows, length, kept)
        return self._digits(base, rows, length, kept, TILE)

    def _launch(self, kernel: str, groups: int, base: Mapping[str, Any], **numbers: int) -> _Launch:
        local = 1 if self._processor else GROUP
        self._device.check_group("sort", local)
        return _Launch(kernel, groups, local, self._sheet.numbers({**base, **numbers}))

    def _rooms(self, elements: int, turned: bool = False) -> tuple[dict[str, int], int]:
        """Where the halves of the scratch memory start, between which results go to and fro; and where they end."""
        keys, order = -(-elements * self._width // 8) * 8, -(-elements * 4 // 8) * 8
        first, second = (0, keys), (keys + order, 2 * keys + order)
        (a, b), (c, d) = (second, first) if turned else (first, second)
        end = 2 * (keys + order)
        return {"keys_at": a, "order_at": b, "next_keys_at": c, "next_order_at": d, "counts_at": end}, end

    def _by_rows(self, base: Mapping[str, Any], rows: int, length: int, kept: int) -> _Plan:
        """On a processor: whole rows, unless they are too few and long."""
        units = self._device.units
        if kept <= FEW and kept < length:
            return _Plan((self._launch("hp_few", rows, base),), 8)
        if rows < units and length >= _LONG:
            return self._digits(base, rows, length, kept, -(-length // (4 * units)))
        items = min(rows, 4 * units)
        rooms, end = self._rooms(items * length)
        return _Plan((self._launch("hp_rows", items, base, items=items, **rooms),), end + 8)

    def _rounds(self, base: Mapping[str, Any], rows: int, length: int, kept: int) -> _Plan:
        """Pieces are sorted and cut, until there is one a row."""
        shapes = []
        while True:
            span = min(TILE, 1 << max(length - 1, 1).bit_length())
            tiles = -(-length // span)
            shapes.append((length, span, tiles))
            if tiles == 1:
                break
            length = tiles * kept
        most = max((rows * tiles * kept for _, _, tiles in shapes[:-1]), default=1)
        launches = []
        for number, (length_, span, tiles) in enumerate(shapes):
            units = rows * tiles
            each = min(TILE // span, units)
            numbers = {"length": length_, "tiles": tiles, "span": span, "units": units, "each": each}
            ends = {"first": number == 0, "last": tiles == 1, **self._rooms(most, bool(number % 2))[0]}
            launches.append(self._launch("hp_tiles", -(-units // each), base, **numbers, **ends))
        return _Plan(tuple(launches), self._rooms(most)[1] + 8)

    def _digits(self, base: Mapping[str, Any], rows: int, length: int, kept: int, span: int) -> _Plan:
        tiles, launches = -(-length // span), []
        for number in range(self._passes):
            rooms, end = self._rooms(rows * length, bool(number % 2))
            numbers = {"tiles": tiles, "span": span, "first": not number, "shift": number * self._digit, **rooms}
            launches += [
                self._launch("hp_count", rows * tiles, base, **numbers),
                self._launch("hp_starts", rows, base, **numbers),
                self._launch("hp_move", rows * tiles, base, **numbers),
            ]
        rooms, end = self._rooms(rows * length, bool(self._passes % 2))
        groups = rows * tiles if self._processor else -(-rows * kept // GROUP)
        launches.append(self._launch("hp_finish", groups, base, tiles=tiles, span=span, **rooms))
        return _Plan(tuple(launches), end + 4 * (rows * tiles << self._digit))


def _made(device: Device, key: OpKey) -> Kernel | None:
    if key.index64 or not 0 < key.rank <= AXES or key.dtypes[0].kind == "c":
        return None
    return Ordering(device, key, bool(dict(key.attributes)["largest" if key.name == "topk" else "descending"]))


OVERRIDES: Final[dict[str, Callable[[Device, OpKey], Kernel | None]]] = {"sort": _made, "topk": _made}
