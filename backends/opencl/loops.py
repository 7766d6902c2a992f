"""``map`` on processors: a work-item goes through a stretch of elements, in a loop that becomes vector instructions.

How the loop runs (along which axis, and which operands step by 0, 1 or more) follows from the layouts of a call; each
such form is a program of its own, built when first needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, final

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.dialect import source_of
from hotplug.backends.opencl.frame import Frame, Layouts
from hotplug.backends.opencl.program import Program, Single
from hotplug.backends.opencl.text import advance, indented, pointers, raw
from hotplug.expr.node import Expr, input_, leaves

SAFE: Final = "\n#pragma clang loop vectorize(assume_safety)"
"""Before a loop whose turns don't depend on each other.  Other compilers than Clang ignore it."""

UNROLLED: Final = "\n#pragma unroll"
"""Before a loop over so few values that they fit registers."""

_FEW: Final = 10
"""Statements that may stand 16 times in a text."""
_PIECE: Final = 4096
_LEAST_PIECE: Final = 512
_SIDE: Final = 16
"""Of a square of elements, where operands are contiguous along different axes."""
_LONG: Final = 32
"""A loop so long is long enough."""
_MANY_PLANS: Final = 4096


class Form(NamedTuple):
    """How a call is looped over."""

    axis: int
    """Of the loop; -1 where all elements are one row."""
    steps: tuple[int, ...]
    """Of every operand along that axis: 0, 1, or 2 for anything else."""
    across: int
    """The axis along which the next rows lie; -1: the last of the others."""


def form_of(key: OpKey, layouts: Layouts) -> Form:
    """The best form for layouts, outputs first."""
    if "strided" not in key.layouts:
        return Form(-1, tuple(int(each == "contiguous") for each in key.layouts), -1)
    outs, shape = len(key.program), layouts[0].shape

    def score(axis: int) -> tuple[int, int, int]:
        dense = [abs(each.strides[axis]) <= 1 for each in layouts]
        return min(shape[axis], _LONG), 2 * sum(dense[:outs]) + sum(dense[outs:]), axis

    axis = max(range(key.rank), key=score)
    steps = tuple(each.strides[axis] if each.strides[axis] in (0, 1) else 2 for each in layouts)
    crossing = [layout for layout, step in zip(layouts, steps, strict=True) if step == 2]
    across = [
        each
        for each in range(key.rank)
        if each != axis and shape[each] >= _SIDE // 2 and any(layout.strides[each] == 1 for layout in crossing)
    ]
    return Form(axis, steps, across[0] if across else -1)


class Split(NamedTuple):
    """How the elements of a call are dealt out: ``rows`` of ``length``, a work-item so many rows and elements of each."""

    rows: int
    length: int
    rows_each: int
    piece: int

    @property
    def pieces(self) -> int:
        return -(-self.length // self.piece)

    @property
    def items(self) -> int:
        return self.pieces * -(-self.rows // self.rows_each)


def split_of(form: Form, layouts: Layouts, units: int, least: int = _LEAST_PIECE) -> Split:
    """Enough work-items for all units, each of at least so many elements; depends on the layouts only."""
    count = layouts[0].numel
    length = count if form.axis < 0 else layouts[0].shape[form.axis]
    rows = count // length
    if form.across >= 0:
        return Split(rows, length, _SIDE, _PIECE // _SIDE)
    work = max(least, min(_PIECE, -(-count // (4 * units)))) // 64 * 64
    return Split(rows, length, max(1, work // length), work)


def stretches(frame: Frame, form: Form, split: Callable[[Layouts], Split]) -> list[str]:
    """Statements that find a work-item's rows, ``row_begin`` to ``row_end``, and ``begin`` to ``end`` in each."""

    def word(name: str) -> str:
        return frame.word((name,), lambda layouts: getattr(split(layouts), name))

    index = frame.index
    lines = [
        f"const {index} item = ({index})get_global_id(0), group = item / {word('pieces')};",
        f"const {index} begin = (item - group * {word('pieces')}) * {word('piece')};",
        f"const {index} length = {word('length')}, left = length - begin;",
        f"const {index} end = left < {word('piece')} ? length : begin + {word('piece')};",
    ]
    if form.axis < 0:
        return lines
    most = f"rows_left < {word('rows_each')} ? rows_left : {word('rows_each')}"
    lines += [f"const {index} row_begin = group * {word('rows_each')}, rows_left = {word('rows')} - row_begin;"]
    return [*lines, f"const {index} row_end = row_begin + ({most});"]


@final
class _Text:
    """The text of the kernel of one form."""

    def __init__(self, device: Device, key: OpKey, form: Form) -> None:
        self.outs: Final = len(key.program)
        program, kinds = key.program, key.dtypes
        if all(root.op == "input" for root in program):
            program, kinds = moved(program), tuple(raw(kind) for kind in kinds)
        self.key: Final = key
        self.form: Final = form
        self.units: Final = device.units
        self.program: Final = program
        self.kinds: Final = kinds
        self.source: Final = source_of(device)
        self.frame: Final = Frame(key)
        axes = [axis for axis in range(key.rank) if axis not in (form.axis, form.across)]
        self.others: Final = [] if form.axis < 0 else axes + [form.across] * (form.across >= 0)

    def elements(self) -> tuple[list[str], dict[int, str], list[str]]:
        """Statements before the loop, every operand's element in it, and the inputs that don't change in it."""
        index, lines, found, constants = self.frame.index, [], {}, []
        for position, (kind, step) in enumerate(zip(self.kinds, self.form.steps, strict=True)):
            pointer = f"p{position}"
            if self.form.axis >= 0:
                pointer = f"q{position}"
                const = "" if position < self.outs else "const "
                place = self.frame.position(position, self.others, "c")
                lines.append(f"__global {const}{self.source.stored(kind)} *{pointer} = p{position} + {place};")
            if step == 2:
                lines.append(f"const {index} step{position} = {self.frame.stride(position, self.form.axis)};")
            found[position] = f"{pointer}[{('0', 'i', f'i * step{position}')[step]}]"
            if not step and position >= self.outs:
                constants.append(self.load(position, found[position]))
        return lines, found, constants

    def load(self, position: int, element: str) -> str:
        kind = self.kinds[position]
        return f"const {self.source.type(kind)} x{position} = {self.source.load(kind, element)};"

    def index_of_element(self) -> tuple[list[str], str]:
        """Statements before the loop, and the element's index in C order."""
        if self.form.axis < 0 or not list(leaves(self.program, "index")):
            return [], "i"
        order = {axis: self.frame.word(("order", axis), _order_of(axis)) for axis in (*self.others, self.form.axis)}
        start = " + ".join(f"c{axis} * {order[axis]}" for axis in self.others) or "0"
        kind = self.frame.index
        lines = [f"const {kind} first = {start}, order = {order[self.form.axis]};"]
        return lines, "(first + i * order)"

    def loop(self) -> tuple[list[str], list[str]]:
        """Statements before the loop, and those in it: loads, the program, then stores: an output may be an input."""
        source = self.source
        before, elements, constants = self.elements()
        base, index = self.index_of_element()
        scalars = dict(self.frame.scalars(self.program))
        named: Mapping[int, str] = {position: f"s{position}" for position in scalars}
        kinds = {leaf.value: leaf.dtype for leaf in leaves(self.program, "scalar")}
        numbers = [f"const {source.type(kinds[at])} s{at} = {text};" for at, text in scalars.items()]
        moving = [at for at in range(self.outs, len(self.kinds)) if self.form.steps[at]]
        body = source.render(self.program, {at: f"x{at + self.outs}" for at in range(len(self.kinds))}, named, index)
        lines = [self.load(at, elements[at]) for at in moving]
        lines += body.statements
        for at, (root, value) in enumerate(zip(self.program, body.values, strict=True)):
            lines.append(source.store(self.kinds[at], elements[at], value, root.dtype))
        return [*before, *base, *constants, *numbers], lines

    def kernel(self) -> str:
        """The whole text."""
        index = self.frame.index
        lines = stretches(self.frame, self.form, lambda layouts: split_of(self.form, layouts, self.units))
        lines += advance(self.frame, len(self.kinds))
        before, inside = self.loop()
        along = [SAFE, f"for ({index} i = begin; i < end; ++i) {{", *inside, "}"]
        if self.form.axis < 0:
            lines += [*before, *along]
        else:
            body = [f"for ({index} row = row_begin; row < row_end; ++row) {{"]
            body += [*self.frame.unravel("row", 0, self.others, "c"), *before]
            if self.form.across < 0:
                lines += [*body, *along, "}"]
            else:  # square by square, each of which the cache holds
                square = [
                    UNROLLED if len(inside) <= _FEW else SAFE,
                    f"for (int k = 0; k < {_SIDE}; ++k) {{ const {index} i = tile + k;",
                    *inside,
                    "}",
                ]
                rest = [f"for ({index} i = tile; i < end; ++i) {{", *inside, "}"]
                lines += [f"for ({index} tile = begin; tile < end; tile += {_SIDE}) {{", *body]
                lines += [f"if (end - tile >= {_SIDE}) {{", *square, "} else {", *rest, "}", "}", "}"]
        parameters = pointers(self.source, self.outs, self.kinds)
        return f"__kernel void hp_map(HP_FRAME, {parameters}) {{\n{indented(lines)}}}"


def _order_of(axis: int) -> Any:
    return lambda layouts: math.prod(layouts[0].shape[axis + 1 :])


def moved(program: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """A program that only copies, on unsigned integers of the same size."""
    return tuple(input_(root.value, raw(root.dtype)) for root in program)


def _single(device: Device, key: OpKey, form: Form) -> Single:
    """The kernel of one form."""
    text = _Text(device, key, form)
    kernel = text.kernel()
    program = Program(device, "map", text.frame, text.source, kernel, len(text.kinds))
    launch = program.launcher("hp_map", len(text.kinds), device.tiles)
    return Single(program, launch, lambda layouts: split_of(form, layouts, device.units).items)


@final
class _Loops:
    """The kernel of a key whose operands are strided."""

    def __init__(self, device: Device, key: OpKey) -> None:
        self._device: Final = device
        self._key: Final = key
        self._built: dict[Form, Single] = {}
        self._known: dict[Layouts, Single] = {}

    def _kernel(self, layouts: Layouts) -> Single:
        form = form_of(self._key, layouts)
        if form not in self._built:
            self._built[form] = _single(self._device, self._key, form)
        if len(self._known) >= _MANY_PLANS:
            self._known.clear()
        found = self._known[layouts] = self._built[form]
        return found

    def __call__(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        layouts = tuple([array.layout for array in (*outs, *inputs)])
        (self._known.get(layouts) or self._kernel(layouts))(outs, inputs, scalars)


def loops(device: Device, key: OpKey) -> Kernel:
    """The kernel of a key on a processor."""
    return _Loops(device, key) if "strided" in key.layouts else _single(device, key, form_of(key, ()))
