"""sort, topk and searchsorted, of every dtype that has an order.

========================  =============================================================================================
rows of up to 2048        many short ones, or one long one, are sorted by a block in shared memory
the first few of more     blocks keep the first few of pieces of 2048, and these are sorted again, until one piece is left
else                      digit by digit, from the lowest on (LSD radix sort; Satish, Harris and Garland, 2009)
========================  =============================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, final

from hotplug.array import Array
from hotplug.backend import Kernel, OpKey
from hotplug.backend.render import Source
from hotplug.backends.cuda.composite import Override, Plan, Sheet, Step
from hotplug.backends.cuda.device import Device
from hotplug.backends.cuda.dialect import CUDA
from hotplug.backends.cuda.header import THREADS
from hotplug.backends.cuda.ordering_text import (
    AXES,
    DIGIT,
    DIGITS,
    POINTERS,
    TILE,
    WORDS,
    bits_of,
    key_function,
    key_type,
    memory_type,
    text,
)
from hotplug.backends.cuda.program import MOST_ACROSS, addresses
from hotplug.backends.opencl.frame import Layouts
from hotplug.caches import Bounded

_FEW: Final = TILE // 4
_NUMBERS: Final = {
    "rows": 0, "length": 0, "kept": 0, "tiles": 1, "span": 1, "units": 0, "each": 1, "first": 1, "last": 0, "shift": 0,
}  # fmt: skip


class _Launch(NamedTuple):
    """One kernel; results between launches go to and fro between two halves of the scratch memory."""

    kernel: str
    blocks: int
    across: int
    numbers: bytes
    turned: bool
    """Whether it reads the second half and writes the first."""


class _Plan(NamedTuple):
    launches: tuple[_Launch, ...]
    room: int
    """Elements of a half."""
    counts: int


@final
class Ordering:
    """The kernel of a key."""

    def __init__(self, device: Device, key: OpKey, descending: bool) -> None:
        kind, source = key.dtypes[0], Source(CUDA)
        memory, name = memory_type(kind), key_type(kind)
        types = (memory, "hp_i64", f"const {memory}", f"const {name}", "const hp_u32", name, "hp_u32", "hp_u32")
        sheet = Sheet(dict(zip(POINTERS, types, strict=True)), WORDS)
        module = device.module(key.name, source.text(sheet.declaration(), text(kind, descending)))
        kernels = ("hp_tiles", "hp_count", "hp_starts", "hp_move", "hp_finish")
        self._functions: Final = {each: device.driver.function(module, each) for each in kernels}
        self._device: Final = device
        self._sheet: Final = sheet
        self._width: Final = 8 if kind.itemsize == 8 else 4
        self._passes: Final = bits_of(kind) // DIGIT
        self._plans: Final[Bounded[Any, _Plan]] = Bounded(1024)

    def __call__(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        if not outs[0].numel:
            return
        arrays = (*outs, *inputs)
        layouts, axis = tuple([each.layout for each in arrays]), scalars[-1]
        plan = self._plans.get((layouts, axis))
        if plan is None:
            plan = self._plans[layouts, axis] = self._planned(layouts, axis)
        sizes = (plan.room * self._width, plan.room * self._width, plan.room * 4, plan.room * 4, plan.counts * 4)
        # Given back in the order of the queue.
        room = arrays[0].storage.runtime.allocate(sum(sizes) + 8) if plan.room else None
        places = [room.buffer.address if room else 0]
        for size in sizes:
            places.append(places[-1] + size)
        keys, next_keys, order, next_order, counts = places[:5]
        fixed = addresses(arrays)
        with self._device.lock:
            for each in plan.launches:
                halves = (keys, order, next_keys, next_order)
                halves = (*halves[2:], *halves[:2]) if each.turned else halves
                frame = self._sheet.frame([*fixed, *halves, counts], each.numbers)
                self._device.launch(self._functions[each.kernel], (each.blocks, each.across, 1), THREADS, frame)

    def _planned(self, layouts: Layouts, axis: int) -> _Plan:
        out, places, input_ = layouts
        length, kept = input_.shape[axis], out.shape[axis]
        rows = input_.numel // length
        others = [each for each in range(len(input_.shape)) if each != axis]
        ahead = AXES - len(others)
        base: dict[str, Any] = {
            **_NUMBERS, "rows": rows, "length": length, "kept": kept,
            "sizes": (*(1,) * ahead, *(input_.shape[each] for each in others)),
        }  # fmt: skip
        for name, layout in (("from", input_), ("to", out), ("at", places)):
            base[name] = (*(0,) * ahead, *(layout.strides[each] for each in others))
            base[f"step_{name}"] = layout.strides[axis]
        if length <= TILE or kept <= _FEW:
            return self._rounds(base, rows, length, kept)
        return self._digits(base, rows, length, kept)

    def _launch(self, kernel: str, blocks: int, base: Mapping[str, Any], across: int = 1, **numbers: int) -> _Launch:
        turned = bool(numbers.pop("turned", 0))
        return _Launch(kernel, blocks, across, self._sheet.numbers({**base, **numbers}), turned)

    def _rounds(self, base: Mapping[str, Any], rows: int, length: int, kept: int) -> _Plan:
        """Pieces are sorted and cut, until there is one a row."""
        launches: list[_Launch] = []
        room = 0
        while True:
            span = min(TILE, 1 << max(length - 1, 1).bit_length())
            tiles = -(-length // span)
            units, each = rows * tiles, TILE // span
            each = min(each, units)
            launches.append(self._launch(
                "hp_tiles", -(-units // each), base, length=length, tiles=tiles, span=span, units=units, each=each,
                first=not launches, last=tiles == 1, turned=len(launches) % 2,
            ))  # fmt: skip
            if tiles == 1:
                return _Plan(tuple(launches), room, 0)
            length = tiles * kept
            room = max(room, rows * length)

    def _digits(self, base: Mapping[str, Any], rows: int, length: int, kept: int) -> _Plan:
        tiles, across = -(-length // TILE), min(rows, MOST_ACROSS)
        launches = []
        for number in range(self._passes):
            numbers = {"tiles": tiles, "first": not number, "shift": number * DIGIT, "turned": number % 2}
            launches += [
                self._launch("hp_count", tiles, base, across, **numbers),
                self._launch("hp_starts", rows, base, **numbers),
                self._launch("hp_move", tiles, base, across, **numbers),
            ]
        blocks = -(-rows * kept // THREADS)
        launches.append(self._launch("hp_finish", blocks, base, turned=self._passes % 2))
        return _Plan(tuple(launches), rows * length, rows * DIGITS * tiles)


def _made(device: Device, key: OpKey) -> Kernel | None:
    if key.index64 or not 0 < key.rank <= AXES or key.dtypes[0].kind == "c":
        return None
    return Ordering(device, key, bool(dict(key.attributes)["largest" if key.name == "topk" else "descending"]))


_SEARCH: Final = """
HP_KERNEL(@THREADS@) hp_search(HP_FRAME) {
    const hp_i64 i = (hp_i64)blockIdx.x * @THREADS@ + threadIdx.x;
    if (i >= HP(count)) return;
    const @KEY@ wanted = hp_key(HP(values)[i]);
    const @BITS@ *sequence = HP(sequence) + i / HP(width) * HP(size);
    hp_i64 low = 0, high = HP(size);
    while (low < high) {
        const hp_i64 middle = low + (high - low) / 2;
        const @KEY@ found = hp_key(sequence[middle]);
        if (found < wanted || (HP(right) && found == wanted)) low = middle + 1;
        else high = middle;
    }
    HP(out)[i] = low;
}
"""


def _search(device: Device, key: OpKey) -> Kernel | None:
    """How many elements of a sorted row come before each value: a thread a value."""
    kind = key.dtypes[1]
    plain = all(each == "contiguous" for each in key.layouts) and key.dtypes[2] is kind and kind.kind != "c"
    if not plain:
        return None
    memory, source = memory_type(kind), Source(CUDA)
    sheet = Sheet(
        {"out": "hp_i64", "sequence": f"const {memory}", "values": f"const {memory}"},
        ("count", "width", "size", "right"),
    )
    body = key_function(kind, False) + _SEARCH
    for name, value in (("THREADS", str(THREADS)), ("KEY", key_type(kind)), ("BITS", memory)):
        body = body.replace(f"@{name}@", value)
    right = int(bool(dict(key.attributes)["right"]))

    def plan(layouts: Layouts, _: Sequence[Any]) -> Plan:
        out, sequence, values = layouts
        width = values.shape[-1] if len(sequence.shape) > 1 else out.numel
        numbers = {"count": out.numel, "width": width, "size": sequence.shape[-1], "right": right}
        return Plan(numbers, [Step("hp_search", -(-out.numel // THREADS))])

    return Override(device, key.name, source, sheet, body, plan, ("hp_search",))


OVERRIDES: Final[dict[str, Callable[[Device, OpKey], Kernel | None]]] = {
    "search": _search,
    "sort": _made,
    "topk": _made,
}
