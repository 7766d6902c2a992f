"""Attention on a processor: a work-item has six queries, or six keys, and no other waits for it.

Operands are packed first, in the order in which products read them, in panels of two vectors; then a product is a chain of
vector multiply-adds on registers.  A tile of scores is 6 x 64, and stays in the first-level cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, final

from hotplug.backend import OpKey
from hotplug.backend.render import Source
from hotplug.backends.opencl.attention_operands import has_mask, is_causal
from hotplug.backends.opencl.composite import Sheet, Step, items
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.rows import exp_of, lanes_in_vector
from hotplug.dtypes import bool_, dtype

ROWS: Final = 6
TILE: Final = 64
"""Columns of a tile of scores."""
WIDTH: Final = 128
"""Columns of the results of a work-item."""
_ALIGNED: Final = 16


class Pack(NamedTuple):
    """A copy of an operand in panels: of so many lines, for each place along the other axis."""

    operand: str
    lines: str
    deep: str
    by_row: bool
    """Whether the operand's rows are the lines, else its columns."""

    @property
    def name(self) -> str:
        """Of its place in scratch memory."""
        return f"{self.operand}_{'rows' if self.by_row else 'columns'}"

    def elements(self, numbers: dict[str, Any], panel: int) -> int:
        """Its size."""
        found: int = numbers["batches"] * -(-numbers[self.lines] // panel) * panel * numbers[self.deep]
        return found


def panel_of(kind: dtype) -> int:
    """Lines of a panel."""
    return 2 * lanes_in_vector(kind)


def pack_words(packs: Sequence[Pack]) -> tuple[str, ...]:
    """Names of the numbers that say where the packs lie in scratch memory."""
    return tuple(f"{each.name}_start" for each in packs)


def pack_plan(device: Device, kind: dtype, packs: Sequence[Pack], numbers: dict[str, Any]) -> tuple[list[Step], int]:
    """Launches that pack, with the places put among the numbers; and the first free element behind."""
    at, steps, panel = 0, [], panel_of(kind)
    for each in packs:
        numbers[f"{each.name}_start"] = at
        at += -(-each.elements(numbers, panel) // _ALIGNED) * _ALIGNED
        steps.append(items(f"hp_pack_{each.name}", numbers["batches"] * -(-numbers[each.lines] // panel), device.heavy))
    return steps, at


@final
class Tiles:
    """Text of the kernels of one key."""

    def __init__(self, source: Source, key: OpKey, sheet: Sheet) -> None:
        self.source: Final = source
        self.key: Final = key
        self.sheet: Final = sheet
        self.kind: Final = key.dtypes[0]
        self.name: Final = source.type(self.kind)
        self.lanes: Final = lanes_in_vector(self.kind)
        self.vector: Final = f"{self.name}{self.lanes}"
        self.panel: Final = panel_of(self.kind)

    def exp(self, text: str, wide: bool) -> str:
        """``EXP(`` spelled for a vector, or a scalar."""
        return exp_of(self.source, self.kind, text, True, wide)

    def pack(self, each: Pack) -> str:
        """A kernel that packs: a work-item a panel."""
        line, deep = ("row", "column") if each.by_row else ("column", "row")
        operand, panel = each.operand, self.panel
        body = [
            f"const hp_index panels = (HP({each.lines}) - 1) / {panel} + 1, item = (hp_index)get_global_id(0);",
            "const hp_index batch = item / panels, panel = item - batch * panels;",
            f"if (HP({each.lines}) == 0 || batch >= HP(batches)) return;",
            f"__global const {self.name} *from = {operand} + hp_batch(batch, HP(sizes), HP({operand}_batch));",
            f"from += panel * {panel} * HP({operand}_{line});",
            f"__global {self.name} *to = scratch + HP({each.name}_start) + item * {panel} * HP({each.deep});",
            f"const int count = (int)min(HP({each.lines}) - panel * {panel}, (hp_index){panel});",
            f"for (hp_index d = 0; d < HP({each.deep}); ++d, to += {panel}, from += HP({operand}_{deep})) {{",
            f"    if (HP({operand}_{line}) == 1 && count == {panel}) {{",
            f"        *(__global {self.vector} *)to = hp_read_{self.vector}(from);",
            f"        *(__global {self.vector} *)(to + {self.lanes}) = hp_read_{self.vector}(from + {self.lanes});",
            f"    }} else if (count == {panel}) {{",
            f"        for (int k = 0; k < {panel}; ++k) to[k] = from[k * HP({operand}_{line})];",
            "    } else {",
            f"        for (int k = 0; k < {panel}; ++k) to[k] = k < count ? from[k * HP({operand}_{line})] : 0;",
            "    }",
            "}",
        ]
        return self.sheet.kernel(f"hp_pack_{each.name}", body)

    def chain(self, start: Callable[[int, int], str], left: Callable[[int], str], count: str, panel: str,
              end: Callable[[int, int, str], str]) -> list[str]:  # fmt: skip
        """Statements of a product of six rows and a panel along ``count`` places ``d``.

        Args:
            start: the value of row ``r`` and vector ``v`` before.
            left: the element of row ``r`` at ``d``.
            count: how many places.
            panel: where the panel starts.
            end: a statement that takes the result.
        """
        places = [(r, v) for r in range(ROWS) for v in range(2)]
        lines = ["{", f"__global const {self.vector} *b = (__global const {self.vector} *)({panel});"]
        lines += [f"{self.vector} t{r}{v} = {start(r, v)};" for r, v in places]
        lines += [f"for (hp_index d = 0; d < {count}; ++d, b += 2) {{", f"const {self.vector} b0 = b[0], b1 = b[1];"]
        for r in range(ROWS):
            lines += [f"const {self.vector} a{r} = ({self.vector})({left(r)});"]
            lines += [f"t{r}{v} += a{r} * b{v};" for v in range(2)]
        return [*lines, "}", *[end(r, v, f"t{r}{v}") for r, v in places], "}"]

    def tile(self, target: str, rows: str, matrix: str, pack: Pack, depth: str, factor: str) -> list[str]:
        """Statements: a tile of products of six rows of ``matrix`` and 64 packed lines from ``base`` on."""
        step = self.panel // self.lanes
        lines = ["{", *[f"__global const {self.name} *r{r} = {rows} + at{r} * HP({matrix}_row);" for r in range(ROWS)]]
        lines += [f"for (hp_index k = 0; k < count; k += {self.panel})"]
        panels = f"((HP({pack.lines}) - 1) / {self.panel} + 1)"
        line = f"batch * {panels} * {self.panel} + base + k"
        panel = f"scratch + HP({pack.name}_start) + ({line}) * HP({depth})"
        lines += self.chain(
            lambda r, v: f"({self.vector})(0)", lambda r: f"r{r}[d * HP({matrix}_column)]", f"HP({depth})", panel,
            lambda r, v, t: f"{target}_v[{r * TILE // self.lanes + v} + k / {self.panel} * {step}] = {t}{factor};",
        )  # fmt: skip
        return [*lines, "}"]

    def update(self, target: str, shares: str, pack: Pack, width: str) -> list[str]:
        """Statements: ``target`` plus a tile's shares times the packed columns of a matrix from ``first`` on."""
        vectors = WIDTH // self.lanes
        panels = f"((HP({width}) - 1) / {self.panel} + 1)"
        number = f"batch * {panels} + (first + c) / {self.panel}"
        panel = f"scratch + HP({pack.name}_start) + (({number}) * HP({pack.deep}) + base) * {self.panel}"
        place = f"{target}_v[{{}} * {vectors} + c / {self.lanes} + {{}}]"
        lines = [f"for (hp_index c = 0; c < {WIDTH} && first + c < HP({width}); c += {self.panel})"]
        return lines + self.chain(
            place.format, lambda r: f"{shares}[{r * TILE} + d]", "count", panel,
            lambda r, v, t: f"{place.format(r, v)} = {t};",
        )  # fmt: skip

    def declared(self, name: str, columns: int) -> list[str]:
        """Six rows of private memory, as vectors ``name_v`` and as elements ``name``."""
        return [
            f"{self.vector} {name}_v[{ROWS * columns // self.lanes}];",
            f"{self.name} *{name} = ({self.name} *){name}_v;",
        ]

    def cleared(self, name: str, columns: int) -> str:
        """The statement that sets them to 0."""
        return f"for (int k = 0; k < {ROWS * columns // self.lanes}; ++k) {name}_v[k] = ({self.vector})(0);"

    def masked(self, turned: bool, tail: bool) -> list[str]:
        """Statements that put -inf into a tile of scores where not to attend, or add the mask."""
        query, column = ("base + k", "here") if turned else ("here", "base + k")
        lines = [f"for (int r = 0; r < {ROWS}; ++r) {{"]
        lines += [f"const hp_index here = min(row + r, {'HP(keys)' if turned else 'HP(queries)'} - 1);", "(void)here;"]
        if has_mask(self.key):
            element = f"mask[({query}) * HP(mask_row) + ({column}) * HP(mask_column)]"
            change = f"if (!{element}) score[r * {TILE} + k] = -INFINITY;"
            if bool_ not in self.key.dtypes:
                change = f"score[r * {TILE} + k] += {element};"
            lines += [f"for (int k = 0; k < count; ++k) {change}"]
        if is_causal(self.key):
            lines += [f"for (int k = 0; k < count; ++k) if ({column} > {query}) score[r * {TILE} + k] = -INFINITY;"]
        if tail:
            lines += [f"for (int k = count; k < {TILE}; ++k) score[r * {TILE} + k] = -INFINITY;"]
        return [*lines, "}"]

    def rows_of_item(self, rows: str, batches: str) -> list[str]:
        """Statements that find a work-item's rows and columns: ``row``, ``first``, and the number ``own``."""
        return [
            f"const hp_index tiles = (HP({rows}) - 1) / {ROWS} + 1, item = (hp_index)get_global_id(0);",
            f"const hp_index over = item / tiles, own = over / HP(wides), row = (item - over * tiles) * {ROWS};",
            f"const hp_index first = (over - own * HP(wides)) * {WIDTH};",
            f"if (own >= {batches}) return;",
            *[f"const hp_index at{r} = min(row + {r}, HP({rows}) - 1);" for r in range(ROWS)],
        ]

    def stored(self, out: str, target: str, rows: str, width: str, factor: str) -> list[str]:
        """Statements that write the results into a contiguous output; ``factor`` may depend on ``r``."""
        return [
            f"for (int r = 0; r < {ROWS} && row + r < HP({rows}); ++r) {{",
            f"    __global {self.name} *to = {out} + (own * HP({rows}) + row + r) * HP({width}) + first;",
            f"    const int columns = (int)min(HP({width}) - first, (hp_index){WIDTH});",
            f"    const {self.name} factor = {factor};",
            f"    for (int c = 0; c < columns; ++c) to[c] = {target}[r * {WIDTH} + c] * factor;",
            "}",
        ]
