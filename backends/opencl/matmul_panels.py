"""Products as kernels: a work-item holds a tile of the output in registers.

============  =======================================================================================================
hp_direct     of any dtype and strides, a number at a time: for small products, and for integers
hp_rows       right operand with its columns side by side: vectors of them, the operands read where they lie
hp_dots       both operands with their depth side by side: vectors of partial sums
hp_multiply   large ones: vectors of columns, the operands copied by ``hp_pack`` into panels in the order of their use
hp_tiles      for GPUs, of any dtype and strides: work-groups with tiles of the operands in local memory
============  =======================================================================================================

A sum runs over the depth in order, whatever the tile; only ``hp_dots`` has a partial sum for each lane.  Reads stay inside by
repeating the last row and by moving the last tile back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, final

from hotplug.backend.render import Source
from hotplug.backends.opencl.tiles import Panel, Reader, Tile, declared, multiply_add, product, stored
from hotplug.dtypes import dtype

SIDE: Final = 4
"""Rows and columns of a tile of ``hp_direct``."""
WORDS: Final = (
    "batch m n k ob om on lb lm lk rb rk rn bias_step keep down across left_panels right_panels left_step right_step "
    "right_at packed left_first right_first".split()
)
"""Numbers of the sheet: sizes, strides (output, left, right), and what :mod:`.matmul` says of tiles."""


@final
class Text:
    """What the kernels of one product have in common."""

    def __init__(
        self, source: Source, kinds: Sequence[dtype], panel: Panel, biased: bool, kept: bool, activation: str
    ) -> None:
        """
        Args:
            source: collects functions.
            kinds: of the output, the left and the right operand; the bias, if any, has the output's.
            panel: rows and vectors of a tile.
            biased: whether the sheet has a ``bias`` of the columns.
            kept: whether it has ``before``, which gets what the activation was given where the number ``keep`` isn't 0.
            activation: a name, or empty.
        """
        self.source: Final = source
        self.kinds: Final = tuple(kinds)
        self.kind: Final = kinds[0].compute
        self.type: Final = source.type(self.kind)
        self.panel: Final = panel
        self.biased: Final = biased
        self.kept: Final = kept
        self.activation: Final = activation
        self.plain: Final = all(source.stored(kind) == self.type for kind in kinds)
        """Whether elements are computed with as they are stored."""

    def read(self, operand: int, place: str) -> str:
        """An element of an operand, in the type that is computed with."""
        kind, name = self.kinds[operand], ("out", "left", "right")[operand]
        return self.source.convert(self.source.load(kind, f"{name}[{place}]"), kind.compute, self.kind)

    def begin(self, column: str) -> str:
        """Where the sum of a column begins."""
        if not self.biased:
            return "0"
        return self.source.load(self.kinds[0], f"bias[({column}) * HP(bias_step)]")

    def store(self, place: str, value: str) -> list[str]:
        """Statements that store one element."""
        kind = self.kinds[0]
        kept = (
            [f"if (HP(keep)) {{ {self.source.store(kind, f'before[{place}]', value, self.kind)} }}"]
            if self.kept
            else []
        )
        return [
            *kept,
            self.source.store(
                kind, f"out[{place}]", activated(self.source, self.kind, self.activation, value), self.kind
            ),
        ]

    def store_vector(self, width: int, place: str, value: str) -> list[str]:
        """Statements that store a vector of neighbouring elements, of a type that is computed with as it is stored."""
        kept = [f"if (HP(keep)) HP_SET_VECTOR{width}(before + {place}, {value});"] if self.kept else []
        result = activated(self.source, self.kind, self.activation, value, width)
        return [*kept, f"HP_SET_VECTOR{width}(out + {place}, {result});"]

    def multiply_add(self, total: str, left: str, right: str) -> str:
        """The statement that adds a product to a total."""
        return multiply_add(self.source, self.kind, total, left, right)

    def tile_of_item(self) -> list[str]:
        """Statements that find a work-item's tile, columns of tiles last: ``batch``, ``down`` and ``across``."""
        return [
            "hp_index rest = (hp_index)get_global_id(0);",
            "const hp_index down = rest % HP(down); rest /= HP(down);",
            "const hp_index across = rest % HP(across), batch = rest / HP(across);",
            "if (batch >= HP(batch)) return;",
            "out += batch * HP(ob);",
            *(["before += batch * HP(ob);"] if self.kept else []),
        ]


def activated(source: Source, kind: dtype, activation: str, value: str, width: int = 0) -> str:
    """An activation of a number, or of a vector, as an expression; the value is a name."""
    one, half, name = source.literal(1.0, kind), source.literal(0.5, kind), f"{source.type(kind)}{width or ''}"
    if activation == "relu":
        zero = f"({name})(0)"
        return f"select({value}, {zero}, {value} < {zero})" if width else f"({value} < 0 ? 0 : {value})"
    if activation == "gelu":
        return f"({half} * {value} * ({one} + erf({value} * {source.literal(0.5**0.5, kind)})))"
    if activation == "gelu_tanh":
        cube = f"({value} + {source.literal(0.044715, kind)} * {value} * {value} * {value})"
        return f"({half} * {value} * ({one} + tanh({source.literal(0.7978845608028654, kind)} * {cube})))"
    if activation == "silu":
        return f"({value} / ({one} + exp(-{value})))"
    if activation == "sigmoid":
        return f"({one} / ({one} + exp(-{value})))"
    return f"tanh({value})" if activation == "tanh" else value


def direct(text: Text) -> list[str]:
    """The body of ``hp_direct``: a square of numbers."""
    return [
        *text.tile_of_item(),
        "left += batch * HP(lb);",
        "right += batch * HP(rb);",
        f"hp_index row[{SIDE}], column[{SIDE}];",
        f"for (int r = 0; r < {SIDE}; ++r) {{",
        f"    row[r] = min(down * {SIDE} + r, HP(m) - 1);",
        f"    column[r] = min(across * {SIDE} + r, HP(n) - 1);",
        "}",
        f"{text.type} total[{SIDE}][{SIDE}];",
        f"for (int c = 0; c < {SIDE}; ++c) {{",
        f"    const {text.type} begin = {text.begin('column[c]')};",
        f"    for (int r = 0; r < {SIDE}; ++r) total[r][c] = begin;",
        "}",
        "for (hp_index k = 0; k < HP(k); ++k) {",
        f"    {text.type} a[{SIDE}], b[{SIDE}];",
        f"    for (int r = 0; r < {SIDE}; ++r) a[r] = {text.read(1, 'row[r] * HP(lm) + k * HP(lk)')};",
        f"    for (int c = 0; c < {SIDE}; ++c) b[c] = {text.read(2, 'k * HP(rk) + column[c] * HP(rn)')};",
        f"    for (int r = 0; r < {SIDE}; ++r) for (int c = 0; c < {SIDE}; ++c)",
        f"        {text.multiply_add('total[r][c]', 'a[r]', 'b[c]')}",
        "}",
        f"for (int r = 0; r < {SIDE} && down * {SIDE} + r < HP(m); ++r)",
        f"    for (int c = 0; c < {SIDE} && across * {SIDE} + c < HP(n); ++c) {{",
        f"        const {text.type} value = total[r][c];",
        *text.store("row[r] * HP(om) + column[c] * HP(on)", "value"),
        "    }",
    ]


def pack(text: Text) -> list[str]:
    """The body of ``hp_pack``: a work-item copies one ``k`` of a panel of the left operand, then of the right one."""
    lines = ["hp_index item = (hp_index)get_global_id(0);", "if (item >= HP(packed)) return;"]
    lines += ["const hp_index of_left = HP(left_panels) * HP(down) * HP(k);"]
    for operand, (side, limit, panels) in enumerate(
        ((text.panel.rows, "m", "down"), (text.panel.places, "n", "across")), 1
    ):
        batch, along = ("lb", "at * HP(lm) + k * HP(lk)") if operand == 1 else ("rb", "k * HP(rk) + at * HP(rn)")
        lines += [
            "if (item < of_left) {" if operand == 1 else "item -= of_left;",
            "const hp_index over = item / HP(k), k = item - over * HP(k);",
            f"const hp_index batch = over / HP({panels}), panel = over - batch * HP({panels});",
            f"{'left' if operand == 1 else 'right'} += batch * HP({batch});",
            f"scratch += {'0' if operand == 1 else 'HP(right_at)'} + item * {side};",
            f"for (int r = 0; r < {side}; ++r) {{",
            f"    const hp_index at = panel * {side} + r;",
            f"    scratch[r] = at < HP({limit}) ? {text.read(operand, along)} : 0;",
            "}",
            *(["return;", "}"] if operand == 1 else []),
        ]
    return lines


def _begun(text: Text, column: str) -> list[str]:
    """Declarations of ``t<row>_<vector>``, the sums of a tile from a column on; columns behind the last repeat it."""
    rows, vectors, width = text.panel
    vector, lines = f"{text.type}{width}", []
    for v in range(vectors):
        start = f"({vector})(0)"
        if text.biased:
            places = [f"min({column} + {v * width + lane}, HP(n) - 1)" for lane in range(width)]
            start = f"({vector})({', '.join(text.begin(place) for place in places)})"
        lines.append(f"const {vector} start{v} = {start};")
    return [*lines, *[f"{vector} t{r}_{v} = start{v};" for r in range(rows) for v in range(vectors)]]


def _added(text: Text, left: Callable[[int], str], right: Callable[[int], str]) -> list[str]:
    """Statements that add one ``k`` to a tile."""
    rows, vectors, width = text.panel
    vector = f"{text.type}{width}"
    lines = [f"    const {vector} b{v} = {right(v)};" for v in range(vectors)]
    for r in range(rows):
        lines += [f"    const {vector} a{r} = ({vector})({left(r)});"]
        lines += [f"    t{r}_{v} += a{r} * b{v};" for v in range(vectors)]
    return lines


def _stored(text: Text, first: str) -> list[str]:
    """Statements that store a tile from column ``column`` on, but nothing left of ``first``."""
    rows, vectors, width = text.panel
    vector, names = f"{text.type}{width}", ", ".join(f"t{r}_{v}" for r in range(rows) for v in range(vectors))
    place = "(row + r) * HP(om) + (column + c) * HP(on)"
    whole = [
        f"if (HP(on) == 1 && column >= {first} && column + {text.panel.places} <= HP(n)) {{",
        f"    for (int r = 0; r < {rows} && row + r < HP(m); ++r) for (int v = 0; v < {vectors}; ++v) {{",
        f"        const {vector} value = sums[r * {vectors} + v];",
        *text.store_vector(width, f"(row + r) * HP(om) + column + v * {width}", "value"),
        "    }",
        "    return;",
        "}",
    ]
    return [
        f"const {vector} sums[{rows * vectors}] = {{ {names} }};",
        *(whole if text.plain else []),
        f"const {text.type} *values = (const {text.type} *)sums;",
        f"for (hp_index r = 0; r < {rows} && row + r < HP(m); ++r)",
        f"    for (hp_index c = {first} - column; c < {text.panel.places} && column + c < HP(n); ++c) {{",
        f"        const {text.type} value = values[r * {text.panel.places} + c];",
        *text.store(place, "value"),
        "    }",
    ]


def multiply(text: Text) -> list[str]:
    """The body of ``hp_multiply``: a tile of two packed panels, whose vectors are aligned."""
    rows, vectors, width = text.panel
    vector, places = f"{text.type}{width}", text.panel.places
    return [
        *text.tile_of_item(),
        f"const hp_index row = down * {rows}, column = across * {places};",
        f"__global const {text.type} *a = scratch + (batch * HP(left_step) * HP(down) + down) * HP(k) * {rows};",
        (f"__global const {vector} *b = (__global const {vector} *)(scratch + HP(right_at) + "
        f"(batch * HP(right_step) * HP(across) + across) * HP(k) * {places});"),
        f"__global const {vector} *end = b + HP(k) * {vectors};",
        *_begun(text, "column"),
        f"for (; b != end; b += {vectors}, a += {rows}) {{",
        *_added(text, lambda r: f"a[{r}]", lambda v: f"b[{v}]"),
        "}",
        *_stored(text, "column"),
    ]  # fmt: skip


def rows(text: Text) -> list[str]:
    """The body of ``hp_rows``: there are at least as many columns as a tile has, and they are neighbours."""
    side, _, width = text.panel
    places = text.panel.places
    return [
        *text.tile_of_item(),
        f"const hp_index row = down * {side}, first = across * {places}, column = min(first, HP(n) - {places});",
        "left += batch * HP(lb);",
        "right += batch * HP(rb) + column;",
        *[f"__global const {text.type} *a{r}_ = left + min(row + {r}, HP(m) - 1) * HP(lm);" for r in range(side)],
        *_begun(text, "column"),
        "for (hp_index k = 0; k < HP(k); ++k, right += HP(rk)) {",
        *_added(text, lambda r: f"a{r}_[k * HP(lk)]", lambda v: f"HP_VECTOR{width}(right + {v * width})"),
        "}",
        *_stored(text, "first"),
    ]


def dots(text: Text, panel: Panel) -> list[str]:
    """The body of ``hp_dots``: rows times columns of vectors along the depth."""
    side, columns, width = panel
    vector, places = f"{text.type}{width}", [(r, c) for r in range(side) for c in range(columns)]
    lines = [
        *text.tile_of_item(),
        f"const hp_index row = down * {side}, column = across * {columns};",
        "left += batch * HP(lb);",
        "right += batch * HP(rb);",
        *[f"__global const {text.type} *a{r} = left + min(row + {r}, HP(m) - 1) * HP(lm);" for r in range(side)],
        *[f"__global const {text.type} *b{c} = right + min(column + {c}, HP(n) - 1) * HP(rn);" for c in range(columns)],
        f"{vector} " + ", ".join(f"t{r}_{c} = ({vector})(0)" for r, c in places) + ";",
        "hp_index k = 0;",
        f"for (; k + {width} <= HP(k); k += {width}) {{",
        *[f"    const {vector} v{c} = HP_VECTOR{width}(b{c} + k);" for c in range(columns)],
    ]
    for r in range(side):
        lines += [f"    const {vector} u{r} = HP_VECTOR{width}(a{r} + k);"]
        lines += [f"    t{r}_{c} += u{r} * v{c};" for c in range(columns)]
    lines += ["}", f"{text.type} sums[{len(places)}];"]
    for r, c in places:
        lines.append(f"sums[{r * columns + c}] = {text.begin(f'min(column + {c}, HP(n) - 1)')};")
        lines += folded(text.type, width, f"t{r}_{c}", f"sums[{r * columns + c}] +=")
    lines += ["for (; k < HP(k); ++k) {"]
    lines += [f"    sums[{r * columns + c}] += a{r}[k] * b{c}[k];" for r, c in places]
    return [
        *lines,
        "}",
        f"for (int r = 0; r < {side} && row + r < HP(m); ++r)",
        f"    for (int c = 0; c < {columns} && column + c < HP(n); ++c) {{",
        f"        const {text.type} value = sums[r * {columns} + c];",
        *text.store("(row + r) * HP(om) + (column + c) * HP(on)", "value"),
        "    }",
    ]


def folded(real: str, width: int, name: str, result: str) -> list[str]:
    """Statements that give ``result`` (with its operator) the sum of a vector's lanes, halves first."""
    lines, total = [], name
    while width > 2:
        width //= 2
        lines.append(f"const {real}{width} {name}_{width} = {total}.lo + {total}.hi;")
        total = f"{name}_{width}"
    return [*lines, f"{result} {total}.x + {total}.y;"]


def tiles(text: Text, tile: Tile) -> list[str]:
    """The body of ``hp_tiles``: tiles along the first axis of work-groups, batches along the second."""
    readers = []
    for operand, place in ((1, "line * HP(lm) + place * HP(lk)"), (2, "place * HP(rk) + line * HP(rn)")):
        first = "HP(left_first)" if operand == 1 else "HP(right_first)"
        readers.append(Reader([f"v = {text.read(operand, place)};"], first))
    finish = [
        f"const {text.type} begin = {text.begin('column')}, value = begin + total[r][c];" if text.biased else
        f"const {text.type} value = total[r][c];",
        *text.store("row * HP(om) + column * HP(on)", "value"),
    ]  # fmt: skip
    return [
        *declared(text.type, tile),
        "const hp_index group = (hp_index)get_group_id(0), batch = (hp_index)get_group_id(1);",
        f"const hp_index down = group / HP(across) * {tile.down}, over = group % HP(across) * {tile.over};",
        "out += batch * HP(ob);",
        *(["before += batch * HP(ob);"] if text.kept else []),
        "left += batch * HP(lb);",
        "right += batch * HP(rb);",
        *product(text.source, text.kind, tile, readers[0], readers[1], "HP(m)", "HP(n)", "0", "HP(k)"),
        *stored(tile, "HP(m)", "HP(n)", finish),
    ]
