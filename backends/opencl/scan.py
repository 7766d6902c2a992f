"""``scan``: running values along rows; a chunk of a row starts from the totals of the chunks before it.

On processors, where elements of neighbouring rows are neighbours, a work-item runs along many rows at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, final

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backend.render import OPENCL, Source
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.dialect import source_of
from hotplug.backends.opencl.frame import Frame, Layouts
from hotplug.backends.opencl.loops import SAFE
from hotplug.backends.opencl.program import Program, Single
from hotplug.backends.opencl.reduce import accumulator, combine, identity
from hotplug.backends.opencl.staged import Rows, Staged, staged_text
from hotplug.backends.opencl.text import advance, indented, pointers

_SHORTEST: Final = 1024
_SIDE: Final = 16
_COLUMNS: Final = 2048
"""The most rows that a work-item runs along at once."""
_MANY_PLANS: Final = 4096


class _Split(NamedTuple):
    """How neighbouring rows are dealt out: ``rows`` times ``length`` of them, ``piece`` a work-item."""

    axis: int
    rows: int
    length: int
    piece: int

    @property
    def items(self) -> int:
        return self.rows * -(-self.length // self.piece)


def _across(layouts: Layouts, units: int) -> _Split | None:
    """``None`` where rows have no neighbours to run along with."""
    shape, steps = layouts[0].shape, [each.strides for each in layouts]
    dense = [at for at in range(len(shape) - 1) if shape[at] >= _SIDE and all(each[at] in (0, 1) for each in steps)]
    if not dense or shape[-1] < 2:
        return None
    axis = max(dense, key=lambda at: shape[at])
    length = shape[axis]
    rows = layouts[0].numel // (length * shape[-1])
    piece = min(_COLUMNS, max(_SIDE, -(-length // max(1, -(-units // rows)))))
    split = _Split(axis, rows, length, -(-piece // _SIDE) * _SIDE)
    chunks = shape[-1] // _SHORTEST
    return None if split.items < units and chunks > split.items * _SIDE else split


def _text_across(device: Device, key: OpKey, axis: int, dense: bool) -> tuple[Frame, Source, str]:
    """The kernel that runs along neighbouring rows; ``dense`` says that the input's step along the axis is 1, not 0."""
    source, frame = source_of(device), Frame(key)
    target, kind = key.dtypes
    total = accumulator(device, key.mode, kind)
    index, last = frame.index, key.rank - 1
    others = [each for each in range(last) if each != axis]

    def word(name: str) -> str:
        return frame.word((name,), lambda layouts: getattr(_across(layouts, device.units), name))

    pieces = frame.word(("pieces",), lambda layouts: _items(layouts, device.units) // _rows(layouts, device.units))
    value = source.convert(source.load(kind, "q[k]" if dense else "q[0]"), kind.compute, total)
    start, stored = source.literal(identity(key.mode, total), total), source.stored(total)
    body = [
        f"const {index} item = ({index})get_global_id(0), row = item / {pieces};",
        f"const {index} begin = (item - row * {pieces}) * {word('piece')}, rest = {word('length')} - begin;",
        f"const int count = rest < {word('piece')} ? (int)rest : (int){word('piece')};",
        *advance(frame, 2),
        *frame.unravel("row", 1, others, "c"),
        f"{stored} v[{_COLUMNS}];",
        f"for (int k = 0; k < count; ++k) v[k] = {start};",
        f"for ({index} at = 0; at < {frame.size(0, last)}; ++at) {{",
        (
            f"__global const {source.stored(kind)} *q = p1 + {frame.position(1, others, 'c')} + "
            f"{'begin' if dense else '0'} + at * {frame.stride(1, last)};"
        ),
        (
            f"__global {source.stored(target)} *r = p0 + {frame.position(0, others, 'c')} + begin + "
            f"at * {frame.stride(0, last)};"
        ),
        SAFE,
        "for (int k = 0; k < count; ++k) {",
        f"const {source.type(total)} value = {value};",
        f"v[k] = {combine(source, key.mode, total, 'v[k]', 'value')};",
        source.store(target, "r[k]", "v[k]", total),
        "}",
        "}",
    ]
    return frame, source, f"__kernel void hp_across(HP_FRAME, {pointers(source, 1, key.dtypes)}) {{\n{indented(body)}}}"


def _items(layouts: Layouts, units: int) -> int:
    split = _across(layouts, units)
    return split.items if split else 1


def _rows(layouts: Layouts, units: int) -> int:
    split = _across(layouts, units)
    return split.rows if split else 1


@final
class _Scan:
    """The kernel of a key on a processor."""

    def __init__(self, device: Device, key: OpKey) -> None:
        self._device: Final = device
        self._key: Final = key
        self._along: Final = _by_rows(device, key)
        self._built: dict[tuple[int, bool], Kernel] = {}
        self._known: dict[Layouts, Kernel] = {}

    def _kernel(self, layouts: Layouts) -> Kernel:
        split = _across(layouts, self._device.units)
        made: Kernel = self._along
        if split is not None:
            form = (split.axis, layouts[1].strides[split.axis] == 1)
            if form not in self._built:
                frame, source, text = _text_across(self._device, self._key, *form)
                program, units = Program(self._device, "scan", frame, source, text, 2), self._device.units
                launch = program.launcher("hp_across", 2, self._device.tiles)
                self._built[form] = Single(program, launch, lambda layouts: _items(layouts, units))
            made = self._built[form]
        if len(self._known) >= _MANY_PLANS:
            self._known.clear()
        self._known[layouts] = made
        return made

    def __call__(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        layouts = tuple([array.layout for array in (*outs, *inputs)])
        (self._known.get(layouts) or self._kernel(layouts))(outs, inputs, scalars)


def scan(device: Device, key: OpKey) -> Kernel:
    """The kernel of a key."""
    across = device.is_processor and key.rank > 1 and not _compensated(device, key)
    return _Scan(device, key) if across else _by_rows(device, key)


def _compensated(device: Device, key: OpKey) -> bool:
    """Whether running sums carry what rounding lost, since the device has no double precision to keep them in."""
    return key.mode == "sum" and key.dtypes[1].kind == "f" and not device.has_double


_TAKE: Final = (
    "{ const float sum = total + value, back = sum - total, slip = (total - (sum - back)) + (value - back); "
    "lost += slip == slip ? slip : 0; total = sum; }"
)
"""The sum of two numbers and its rounding error (Knuth, 1969); of infinities the error is not a number, and is left out."""


def _by_rows(device: Device, key: OpKey) -> Kernel:
    """The first stage totals the chunks, the second runs through each of them."""
    source, frame = Source(OPENCL), Frame(key)
    rows = Rows(device, frame, 1, _SHORTEST)
    target, kind = key.dtypes
    total = accumulator(device, key.mode, kind)
    index, axis, kept = frame.index, key.rank - 1, range(key.rank - 1)
    element = source.convert(source.load(kind, f"q[at * {frame.stride(1, axis)}]"), kind.compute, total)
    careful = _compensated(device, key)
    take = _TAKE if careful else f"total = {combine(source, key.mode, total, 'total', 'value')};"
    found = "(total + lost)" if careful else "total"
    each = f"for ({index} at = begin; at < end; ++at)"
    value = f"const {source.type(total)} value = {element};"
    row = [*advance(frame, 2), *frame.unravel("row", 1, kept, "c")]
    row += [
        f"const __global {source.stored(kind)} *q = p1 + {frame.position(1, kept, 'c')};",
        f"{source.type(total)} total = {source.literal(identity(key.mode, total), total)}{', lost = 0' if careful else ''};",
    ]
    store = source.store(target, f"p0[at * {frame.stride(0, axis)}]", found, total)
    run = [f"p0 += {frame.position(0, kept, 'c')};", f"{each} {{ {value} {take} {store} }}"]
    before = f"const {source.type(total)} value = scratch[row * {rows.chunks} + k]; {take}"
    whole = [*rows.each(), *row, *rows.all_of_row(), *run]
    partial = [*rows.each_chunk(), *row, *rows.part_of_row(), f"{each} {{ {value} {take} }}"]
    partial += [f"scratch[item] = {found};"]
    finish = [*rows.each_chunk(), *row, *rows.part_of_row()]
    finish += [f"for ({index} k = 0; k < part; ++k) {{ {before} }}", *run]
    scratch = f"__global {source.stored(total)} *scratch"
    text = staged_text(pointers(source, 1, key.dtypes), scratch, whole, partial, finish)
    program = Program(device, "scan", frame, source, text, 3)
    return Staged(program, 2, rows, total.itemsize, finish_by_chunk=True)
