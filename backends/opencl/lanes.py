"""``reduce`` and ``argreduce`` on processors: a work-item keeps many running values, which vector instructions advance.

The running values are either of neighbouring results (where those lie along an axis whose elements are neighbours), or of
one result, of which each takes every 32nd element.  There is no barrier.  Where results are few, each is computed in
chunks, and a second kernel joins the chunks.  Which axis the loop runs along, and by which steps, follows from the layouts
of a call; each such form is a program of its own, built when first needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, final

from hotplug.backend import Array, OpKey
from hotplug.backend.render import Source
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.frame import Frame, Layouts
from hotplug.backends.opencl.loops import SAFE, UNROLLED
from hotplug.backends.opencl.program import Launcher, Plans, Program
from hotplug.backends.opencl.text import advance, indented, pointers

LANES: Final = 32
_COLUMNS: Final = 2048
_WORK: Final = 1 << 14
"""Elements that make a work-item of their own worth while."""
_MOST_CHUNKS: Final = 64
_JOINED: Final = 64
"""Results that a work-item of the second kernel joins."""
_MANY_PLANS: Final = 4096


class Meaning(NamedTuple):
    """What is reduced, as text.  A state is one or more variables, of which a kernel keeps arrays."""

    source: Source
    frame: Frame
    variables: Sequence[tuple[str, str, str]]
    """Types, names and what they start from."""
    take: Callable[[str, Callable[[int], str], str, str], list[str]]
    """``take(lane, element, index, place)``: statements that take an element into the state ``name[lane]``; ``element``
    gives an input's element by its operand, ``index`` is the index in C order, ``place`` the one along a single axis."""
    join: Callable[[str, str], list[str]]
    """Statements that join into the state with a suffix (``[k]``) another one (``[k + 1]``)."""
    store: Callable[[str, str], str]
    """``store(element, lane)``: a statement that writes a result."""
    axes: int
    """How many trailing axes are reduced."""
    indexed: bool
    """Whether ``index`` is read."""
    small: bool
    """Whether ``take`` is little text: then the running values of one result are kept in registers."""
    stretch: Callable[[Callable[[int], str]], list[str]] | None = None
    """``stretch(element)``: statements that take the elements ``i`` from ``begin`` to ``end`` into the one state
    ``name[0]``, where there is a better way than running values."""


class Form(NamedTuple):
    """How a call is looped over."""

    axis: int
    kept: bool
    """Whether results lie along the axis."""
    steps: tuple[int, ...]
    """Of every input along it: 0, 1, or 2 for anything else."""


def form_of(layouts: Layouts, axes: int) -> Form:
    """The best form for layouts, the output first."""
    inputs = layouts[1:]
    shape, first = inputs[0].shape, len(inputs[0].shape) - axes

    def score(axis: int) -> tuple[int, int, int]:
        return min(shape[axis], LANES), sum(abs(each.strides[axis]) <= 1 for each in inputs), axis

    axis = max(range(len(shape)), key=score)
    return Form(axis, axis < first, tuple(_step(each.strides[axis]) for each in inputs))


def _step(stride: int) -> int:
    return stride if stride in (0, 1) else 2


class Split(NamedTuple):
    """How the elements of a call are dealt out.

    A line is what the loop runs along; ``rows`` of results (beside those along a line) have ``depth`` lines each.
    """

    rows: int
    depth: int
    length: int
    rows_each: int
    depth_each: int
    piece: int

    @property
    def pieces(self) -> int:
        return -(-self.length // self.piece)

    @property
    def layers(self) -> int:
        return -(-self.depth // self.depth_each)

    @property
    def parts(self) -> int:
        return self.pieces * self.layers

    @property
    def items(self) -> int:
        return self.parts * -(-self.rows // self.rows_each)


def split_of(form: Form, layouts: Layouts, axes: int, units: int) -> Split:
    """Enough work-items for all units, each with enough to do; depends on the layouts only."""
    shape = layouts[1].shape
    kept, over = math.prod(shape[: len(shape) - axes]), math.prod(shape[len(shape) - axes :])
    length = shape[form.axis]
    wanted = 8 * units
    rows, depth = (kept // length, over) if form.kept else (kept, over // length)
    piece = min(_COLUMNS, length) if form.kept else length
    across = -(-length // piece)
    chunks = max(1, min(-(-wanted // (rows * across)), kept * over // (rows * across * _WORK), _MOST_CHUNKS))
    if form.kept or depth >= 4 * chunks:
        depth_each = -(-depth // min(chunks, depth))
    else:
        depth_each = depth
        piece = -(-length // chunks)
        piece = min(length, -(-piece // LANES) * LANES)
    whole = depth_each == depth and -(-length // piece) == across
    rows_each = max(1, min(_WORK // (depth * length), -(-rows // wanted))) if whole else 1
    return Split(rows, depth, length, rows_each, depth_each, piece)


@final
class Text:
    """The text of the two kernels of one form."""

    def __init__(self, device: Device, key: OpKey, meaning: Meaning, form: Form) -> None:
        self.key: Final = key
        self.meaning: Final = meaning
        self.form: Final = form
        self.units: Final = device.units
        self.source: Final = meaning.source
        self.frame: Final = meaning.frame
        self.index: Final = meaning.frame.index
        first = key.rank - meaning.axes
        self.others: Final = [axis for axis in range(first) if axis != form.axis]
        self.depth: Final = [axis for axis in range(first, key.rank) if axis != form.axis]
        self.order: Final = [*self.others, form.axis] if form.kept else self.others
        """The axes of the results, in the order in which scratch memory has them."""
        self.lanes: Final = 1 if meaning.stretch else LANES
        self.width: Final = _COLUMNS if form.kept else self.lanes

    def word(self, name: str) -> str:
        """A number of the split."""
        form, axes, units = self.form, self.meaning.axes, self.units
        return self.frame.word((name,), lambda layouts: getattr(split_of(form, layouts, axes, units), name))

    def results(self) -> str:
        """How many results there are."""
        return self.frame.word(("results",), lambda layouts: layouts[0].numel)

    def item(self) -> list[str]:
        """Statements that find a work-item's rows, and which lines and stretch of each row it has."""
        index, parts, pieces = self.index, self.word("parts"), self.word("pieces")
        lines = [
            f"const {index} item = ({index})get_global_id(0), group = item / {parts}, part = item - group * {parts};"
        ]
        lines += [f"const {index} layer = part / {pieces};"]
        for name, start, each, whole in (
            ("", f"(part - layer * {pieces}) * {self.word('piece')}", "piece", "length"),
            ("depth_", f"layer * {self.word('depth_each')}", "depth_each", "depth"),
            ("row_", f"group * {self.word('rows_each')}", "rows_each", "rows"),
        ):
            lines += [f"const {index} {name}begin = {start}, {name}rest = {self.word(whole)} - {name}begin;"]
            least = f"{name}rest < {self.word(each)} ? {name}rest : {self.word(each)}"
            lines += [f"const {index} {name}end = {name}begin + ({least});"]
        return lines

    def reset(self) -> list[str]:
        """Statements that start all running values."""
        count = "end - begin" if self.form.kept else str(self.lanes)
        starts = " ".join(f"{name}[k] = {start};" for _, name, start in self.meaning.variables)
        return [f"for ({self.index} k = 0; k < {count}; ++k) {{ {starts} }}"]

    def elements(self) -> tuple[list[str], Callable[[int], str]]:
        """Statements before the loop along a line, and the element ``i`` of every input in it."""
        lines, found = [], {}
        for position, (kind, step) in enumerate(zip(self.key.dtypes[1:], self.form.steps, strict=True), 1):
            place = " + ".join(
                (self.frame.position(position, self.others, "c"), self.frame.position(position, self.depth, "r"))
            )
            lines.append(f"__global const {self.source.stored(kind)} *q{position} = p{position} + {place};")
            if step == 2:
                lines.append(f"const {self.index} step{position} = {self.frame.stride(position, self.form.axis)};")
            found[position] = f"q{position}[{('0', 'i', f'i * step{position}')[step]}]"
            if not step:  # the compiler can't know that no running value lies there
                lines.append(f"const {self.source.stored(kind)} same{position} = q{position}[0];")
                found[position] = f"same{position}"
        return lines, found.__getitem__

    def index_in_order(self) -> tuple[list[str], str]:
        """Statements before the loop, and an element's index in C order."""
        if not self.meaning.indexed:
            return [], "0"
        terms = [f"c{axis} * {self.frame.word(('order', axis), _order_of(axis))}" for axis in self.others]
        terms += [f"r{axis} * {self.frame.word(('order', axis), _order_of(axis))}" for axis in self.depth]
        order = self.frame.word(("order", self.form.axis), _order_of(self.form.axis))
        return [f"const {self.index} first = {' + '.join(terms) or '0'}, order = {order};"], "(first + i * order)"

    def line(self) -> list[str]:
        """Statements that take in a stretch of a line."""
        before, element = self.elements()
        base, index = self.index_in_order()
        place = "i" if not self.form.kept else f"r{self.depth[0]}" if self.depth else "0"
        take = " ".join(self.meaning.take("[k]", element, index, place))
        lines, kind = [*before, *base], self.index
        if self.form.kept:
            return [*lines, SAFE, f"for ({kind} k = 0; k < end - begin; ++k) {{ const {kind} i = begin + k; {take} }}"]
        if self.meaning.stretch is not None:
            return [*lines, *self.meaning.stretch(element)]
        return [
            *lines, f"{kind} base = begin;",
            f"for (; base + {LANES} <= end; base += {LANES}) {{",
            UNROLLED if self.meaning.small else SAFE,
            f"for (int k = 0; k < {LANES}; ++k) {{ const {kind} i = base + k; {take} }}",
            "}",
            SAFE, f"for (int k = 0; k < end - base; ++k) {{ const {kind} i = base + k; {take} }}",
        ]  # fmt: skip

    def first(self) -> str:
        """The kernel that reads the inputs."""
        index, variables = self.index, self.meaning.variables
        lines = [*self.item(), *advance(self.frame, len(self.key.dtypes))]
        lines += [f"{kind} {name}[{self.width}];" for kind, name, _ in variables]
        lines += [f"for ({index} row = row_begin; row < row_end; ++row) {{"]
        lines += [*self.frame.unravel("row", 1, self.others, "c"), *self.reset()]
        lines += [f"for ({index} deep = depth_begin; deep < depth_end; ++deep) {{"]
        lines += [*self.frame.unravel("deep", 1, self.depth, "r"), *self.line(), "}"]
        kept = self.frame.position(0, self.others, "c")
        if self.form.kept:
            stride = self.frame.stride(0, self.form.axis)
            place, lane = f"p0[{kept} + (begin + k) * {stride}]", "[k]"
            each = [f"for ({index} k = 0; k < end - begin; ++k) {{"]
            number = f"row * {self.word('length')} + begin + k"
        else:
            joined = " ".join(self.meaning.join("[k]", "[k + h]"))
            lines += [f"for (int h = {self.lanes // 2}; h > 0; h /= 2) for (int k = 0; k < h; ++k) {{ {joined} }}"]
            place, lane, each, number = f"p0[{kept}]", "[0]", ["{"], "row"
        # The chunks of a result lie in scratch memory as far apart as there are results.
        chunk = "layer" if self.form.kept else "part"
        states = [f"scratch[{chunk} * {self.results()} + {number}].{name} = {name}{lane};" for _, name, _ in variables]
        lines += [f"if ({self.chunks()} == 1) {{", *each, self.meaning.store(place, lane), "}", "} else {"]
        lines += [*each, *states, "}", "}", "}"]
        return self._kernel("hp_first", lines)

    def chunks(self) -> str:
        """Of a result."""
        return self.word("layers" if self.form.kept else "parts")

    def second(self) -> str:
        """The kernel that joins chunks."""
        index, variables = self.index, self.meaning.variables
        lines = [
            f"const {index} begin = ({index})get_global_id(0) * {_JOINED}, rest = {self.results()} - begin;",
            f"const int count = rest < {_JOINED} ? (int)rest : {_JOINED};",
            *advance(self.frame, 1),
            *[f"{kind} {name}[{_JOINED}], {name}_other;" for kind, name, _ in variables],
            f"for (int k = 0; k < count; ++k) {{ {' '.join(f'{n}[k] = scratch[begin + k].{n};' for _, n, _ in variables)} }}",
            f"for ({index} chunk = 1; chunk < {self.chunks()}; ++chunk) for (int k = 0; k < count; ++k) {{",
            *[f"{n}_other = scratch[chunk * {self.results()} + begin + k].{n};" for _, n, _ in variables],
            *self.meaning.join("[k]", "_other"),
            "}",
            "for (int k = 0; k < count; ++k) {",
            f"const {index} row = begin + k;",
            *self.frame.unravel("row", 1, self.order, "c"),
            self.meaning.store(f"p0[{self.frame.position(0, self.order, 'c')}]", "[k]"),
            "}",
        ]  # fmt: skip
        return self._kernel("hp_second", lines)

    def _kernel(self, name: str, lines: Sequence[str]) -> str:
        parameters = f"HP_FRAME, {pointers(self.source, 1, self.key.dtypes)}, __global hp_state_t *scratch"
        return f"__kernel void {name}({parameters}) {{\n{indented(lines)}}}\n"

    def text(self) -> str:
        """Both kernels."""
        fields = " ".join(f"{kind} {name};" for kind, name, _ in self.meaning.variables)
        return f"typedef struct {{ {fields} }} hp_state_t;\n" + self.first() + self.second()


def _order_of(axis: int) -> Callable[[Layouts], int]:
    return lambda layouts: math.prod(layouts[1].shape[axis + 1 :])


class _Built(NamedTuple):
    first: Launcher
    second: Launcher
    program: Program
    plans: Plans[Split]


@final
class Lanes:
    """The kernel of the contract."""

    def __init__(self, device: Device, key: OpKey, meaning: Callable[[], Meaning], nbytes: int) -> None:
        """
        Args:
            device: where to build it.
            key: of a reduction with at least one axis.
            meaning: makes the text of one form, with a source and a frame of its own.
            nbytes: no state is longer.
        """
        self._device: Final = device
        self._key: Final = key
        self._meaning: Final = meaning
        self._nbytes: Final = nbytes
        self._axes: Final = meaning().axes
        self._built: dict[Form, _Built] = {}
        self._known: dict[Layouts, tuple[_Built, Form]] = {}

    def _form(self, layouts: Layouts) -> tuple[_Built, Form]:
        form = form_of(layouts, self._axes)
        if form not in self._built:
            text = Text(self._device, self._key, self._meaning(), form)
            kernels, count = text.text(), len(self._key.dtypes) + 1
            program = Program(self._device, self._key.name, text.frame, text.source, kernels, count)
            first, second = (program.launcher(name, count, self._device.tiles) for name in ("hp_first", "hp_second"))
            axes, units = self._axes, self._device.units
            plans = Plans(program.packer, lambda layouts: split_of(form, layouts, axes, units))
            self._built[form] = _Built(first, second, program, plans)
        if len(self._known) >= _MANY_PLANS:
            self._known.clear()
        found = self._known[layouts] = (self._built[form], form)
        return found

    def __call__(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        arrays = (*outs, *inputs)
        layouts = tuple([array.layout for array in arrays])
        built, form = self._known.get(layouts) or self._form(layouts)
        words, split = built.plans.of(arrays)
        frame = built.program.packer.pack([array.offset for array in arrays], words, scalars)
        memories = [array.storage.buffer.memory for array in arrays]
        chunks, results = split.layers if form.kept else split.parts, layouts[0].numel
        device = self._device
        with device.lock:
            memories.append(device.scratch(chunks * results * self._nbytes if chunks > 1 else self._nbytes))
            built.first(split.items, frame, memories)
            if chunks > 1:
                built.second(-(-results // _JOINED), frame, memories)
