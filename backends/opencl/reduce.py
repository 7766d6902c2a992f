"""``reduce``: a work-item a row, or a chunk of a row where rows are few and long.

Sums of floating numbers are kept in double where the device has it.  Either way each work-item keeps several running
values and starts anew every block, so that no sum ever adds up many numbers one by one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, final

from hotplug.backend import Kernel, OpKey, dtypes
from hotplug.backend.render import OPENCL, Source
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.dialect import source_of
from hotplug.backends.opencl.frame import Frame
from hotplug.backends.opencl.lanes import Lanes, Meaning
from hotplug.backends.opencl.program import Program
from hotplug.backends.opencl.staged import Rows, Staged, staged_text
from hotplug.backends.opencl.text import advance, pointers
from hotplug.backends.opencl.trees import Trees
from hotplug.dtypes import dtype, iinfo
from hotplug.expr.node import leaves, schedule

_LANES: Final = 8
"""Running values of a work-item: enough to hide the latency of an addition."""
_BLOCK: Final = 1024
_FEW_NODES: Final = 6
"""Of an expression that costs hardly more than its loads."""
_SHORTEST: Final = 2048
"""No chunk is shorter: a second launch costs more."""

OPERATIONS: Final = {"sum": "add", "prod": "mul", "max": "maximum", "min": "minimum", "any": "or", "all": "and"}
_ON_BOOL: Final = {"sum": "or", "prod": "and", "max": "or", "min": "and", "any": "or", "all": "and"}


def accumulator(device: Device, mode: str, kind: dtype) -> dtype:
    """The dtype in which values of a dtype are accumulated."""
    if mode in ("any", "all"):
        return dtypes.bool_
    if kind.kind == "f" and mode in ("sum", "prod"):
        return dtypes.float64 if device.has_double else kind.compute
    return kind.compute


def identity(mode: str, kind: dtype) -> object:
    """What changes no value."""
    if mode in ("sum", "any"):
        return 0
    if mode in ("prod", "all"):
        return 1
    if kind.kind == "f":
        return -math.inf if mode == "max" else math.inf
    if kind.kind == "b":
        return mode == "min"
    return iinfo(kind).min if mode == "max" else iinfo(kind).max


def combine(source: Source, mode: str, kind: dtype, left: str, right: str) -> str:
    """The two values' sum, product, ..., as an expression."""
    return source.apply((_ON_BOOL if kind.kind == "b" else OPERATIONS)[mode], kind, left, right)


@final
class _Text:
    """The text of the kernels of one key."""

    def __init__(self, device: Device, key: OpKey) -> None:
        self.key: Final = key
        self.source: Final = Source(OPENCL)
        self.frame: Final = Frame(key)
        self.rows: Final = Rows(device, self.frame, key.axis, _SHORTEST)
        self.kept: Final = range(key.rank - key.axis)
        self.reduced: Final = range(key.rank - key.axis, key.rank)
        self.root: Final = key.program[0]
        self.kind: Final = accumulator(device, key.mode, self.root.dtype)
        self.type: Final = self.source.type(self.kind)
        self.start: Final = self.source.literal(identity(key.mode, self.kind), self.kind)

    def joined(self, left: str, right: str) -> str:
        return combine(self.source, self.key.mode, self.kind, left, right)

    def element(self, target: str) -> str:
        """Statements that take in the element ``at`` of the innermost axis."""
        source, loads, names = self.source, [], []
        for position, kind in enumerate(self.key.dtypes[1:]):
            stride = self.frame.stride(1 + position, self.key.rank - 1) if self.reduced else "0"
            loads.append(f"const {source.type(kind)} x{position} = {source.load(kind, f'q{position}[at * {stride}]')};")
            names.append(f"x{position}")
        body = source.render([self.root], names, self.frame.scalars([self.root]), "first + at")
        value = source.convert(body.values[0], self.root.dtype, self.kind)
        return " ".join([*loads, *body.statements, f"{target} = {self.joined(target, value)};"])

    def accumulate(self) -> list[str]:
        """Statements that reduce the elements ``[begin, end)`` of row ``row`` into ``total``."""
        index, inner = self.frame.index, self.frame.size(1, self.key.rank - 1) if self.reduced else "1"
        outer = [axis for axis in self.reduced if axis != self.key.rank - 1]
        body = [*self.frame.unravel("row", 1, self.kept, "c"), f"{self.type} total = {self.start};"]
        body += [f"for ({index} place = begin; place < end;) {{"]
        if outer:
            body += [f"const {index} over = {self.frame.quotient('place', 1, self.key.rank - 1)};"]
            body += self.frame.unravel("over", 1, outer, "r")
            body += [f"const {index} head = place - over * {inner};"]
        else:
            body += [f"const {index} head = place;"]
        for position in range(len(self.key.dtypes) - 1):
            kept = self.frame.position(1 + position, self.kept, "c")
            body.append(f"__global const {self.source.stored(self.key.dtypes[1 + position])} *q{position} = "
                        f"p{1 + position} + {kept} + {self.frame.position(1 + position, outer, 'r')};")  # fmt: skip
        body += [
            f"const {index} first = row * {self.rows.length} + place - head;",
            f"const {index} left = min(min({inner} - head, end - place), ({index}){_BLOCK});",
            f"const {index} stop = head + left;",
            f"{self.type} lane[{_LANES}];",
            f"for (int k = 0; k < {_LANES}; ++k) lane[k] = {self.start};",
            f"{index} base = head;",
            f"for (; base + {_LANES} <= stop; base += {_LANES})",
            f"    for (int k = 0; k < {_LANES}; ++k) {{ const {index} at = base + k; {self.element('lane[k]')} }}",
            f"for ({index} at = base; at < stop; ++at) {{ {self.element('lane[0]')} }}",
            f"for (int k = 0; k < {_LANES}; ++k) total = {self.joined('total', 'lane[k]')};",
            "place += left;",
            "}",
        ]
        return body

    def result(self) -> str:
        place = self.frame.position(0, self.kept, "c")
        return self.source.store(self.key.dtypes[0], f"p0[{place}]", "total", self.kind)


def _meaning(device: Device, key: OpKey) -> Meaning:
    """What is reduced, for the kernels of processors."""
    source, frame, root = source_of(device), Frame(key), key.program[0]
    kind = accumulator(device, key.mode, root.dtype)
    start = source.literal(identity(key.mode, kind), kind)

    def take(lane: str, element: Callable[[int], str], index: str, _: str) -> list[str]:
        lines, names = [], []
        for position, each in enumerate(key.dtypes[1:], 1):
            lines.append(f"const {source.type(each)} x{position} = {source.load(each, element(position))};")
            names.append(f"x{position}")
        body = source.render([root], names, frame.scalars([root]), index)
        value = source.convert(body.values[0], root.dtype, kind)
        return [*lines, *body.statements, f"v{lane} = {combine(source, key.mode, kind, f'v{lane}', value)};"]

    return Meaning(
        source,
        frame,
        [(source.stored(kind), "v", start)],
        take,
        lambda lane, other: [f"v{lane} = {combine(source, key.mode, kind, f'v{lane}', f'v{other}')};"],
        lambda element, lane: source.store(key.dtypes[0], element, f"v{lane}", kind),
        key.axis,
        bool(list(leaves([root], "index"))),
        len(schedule([root])) <= _FEW_NODES,
    )


def reduce(device: Device, key: OpKey) -> Kernel:
    """The kernel of a key."""
    if device.is_processor and device.has_double and key.rank:
        return Lanes(device, key, lambda: _meaning(device, key), 8)
    if device.is_processor:
        return _by_rows(device, key)
    return Trees(device, key, _meaning(device, key), 8, lambda: _by_rows(device, key))


def _by_rows(device: Device, key: OpKey) -> Kernel:
    """Three kernels: whole rows, chunks of rows, and the reduction of the chunks' results."""
    text = _Text(device, key)
    rows, count = text.rows, len(key.dtypes)
    start = advance(text.frame, count)
    whole = [*rows.each(), *start, *rows.all_of_row(), *text.accumulate(), text.result()]
    partial = [*rows.each_chunk(), *start, *rows.part_of_row(), *text.accumulate(), "scratch[item] = total;"]
    finish = [*rows.each(), *advance(text.frame, 1), *text.frame.unravel("row", 1, text.kept, "c")]
    finish += [f"{text.type} total = {text.start};", f"for ({text.frame.index} k = 0; k < {rows.chunks}; ++k)"]
    finish += [f"    total = {text.joined('total', f'scratch[row * {rows.chunks} + k]')};", text.result()]
    parameters = pointers(text.source, 1, key.dtypes)
    scratch = f"__global {text.source.stored(text.kind)} *scratch"
    kernels = staged_text(parameters, scratch, whole, partial, finish)
    program = Program(device, "reduce", text.frame, text.source, kernels, count + 1)
    return Staged(program, count, rows, text.kind.itemsize)
