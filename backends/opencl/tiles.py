"""Text that matrix products and convolutions share: vectors at any address, tiles in local memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from hotplug.backend.render import Source
from hotplug.dtypes import dtype


class Panel(NamedTuple):
    """Registers of a work-item: so many rows times so many vectors of a width."""

    rows: int
    vectors: int
    width: int

    @property
    def places(self) -> int:
        """Elements of a row."""
        return self.vectors * self.width


def vectors(source: Source, kind: dtype, *widths: int) -> str:
    """``HP_VECTOR<width>(pointer)`` reads and ``HP_SET_VECTOR<width>(pointer, value)`` writes a vector of elements that are
    computed with as they are stored.  ``vload`` and ``vstore`` do the same, but are calls of functions on PoCL.
    """
    real, text = source.type(kind.compute), ""
    for width in widths:
        text += (
            f"typedef struct __attribute__((packed)) {{ {real}{width} v; }} hp_vector{width};\n"
            f"#define HP_VECTOR{width}(pointer) (((__global const hp_vector{width} *)(pointer))->v)\n"
            f"#define HP_SET_VECTOR{width}(pointer, value) (((__global hp_vector{width} *)(pointer))->v = (value))\n"
        )
    return text


FUSED: Final = """\
#ifdef FP_FAST_FMAF
#define HP_FUSED(a, b, c) fma(a, b, c)
#else
#define HP_FUSED(a, b, c) ((a) * (b) + (c))
#endif
"""
"""A product's sum is as good or better fused, and the same bits in tiles of every shape."""


class Tile(NamedTuple):
    """What a work-group computes: ``down`` times ``over`` elements, each of its work-items ``high`` times ``wide`` of them.

    ``deep`` columns of the left operand and rows of the right one at a time lie in local memory.
    """

    down: int
    over: int
    deep: int
    high: int
    wide: int

    @property
    def items(self) -> int:
        """Work-items of a work-group."""
        return self.down // self.high * (self.over // self.wide)

    def nbytes(self, itemsize: int) -> int:
        """Of local memory."""
        return self.deep * (self.down + self.over + 2) * itemsize


class Reader(NamedTuple):
    """How a work-group reads an operand."""

    statements: Sequence[str]
    """Set ``v``, which is 0 before, to the element of line ``line`` (a row of the left operand, a column of the right one)
    at depth ``place``, both in range.
    """
    lines_first: str
    """A condition: neighbouring work-items read neighbouring lines, not depths."""


def declared(name: str, tile: Tile) -> list[str]:
    """Declarations that stand first in the kernel."""
    return [
        f"__local {name} left_tile[{tile.deep}][{tile.down + 1}], right_tile[{tile.deep}][{tile.over + 1}];",
        f"const int item = (int)get_local_id(0), y = item / {tile.over // tile.wide}, x = item % {tile.over // tile.wide};",
    ]


def _loaded(
    tile: Tile, side: int, name: str, target: str, reader: Reader, start: str, limit: str, end: str
) -> list[str]:
    """Statements that fill a tile from ``start`` and ``base`` on, with 0 behind the ends."""
    return [
        f"for (int e = item; e < {side * tile.deep}; e += {tile.items}) {{",
        f"    const int flat = {reader.lines_first};",
        f"    const int a = flat ? e % {side} : e / {tile.deep}, b = flat ? e / {side} : e % {tile.deep};",
        f"    const hp_index line = {start} + a, place = base + b;",
        f"    {name} v = 0;",
        f"    if (line < {limit} && place < {end}) {{",
        *reader.statements,
        "    }",
        f"    {target}[b][a] = v;",
        "}",
    ]


def product(
    source: Source, kind: dtype, tile: Tile, left: Reader, right: Reader, rows: str, columns: str, begin: str, end: str
) -> list[str]:
    """Statements: ``total`` of a work-item for the tile from row ``down`` and column ``over`` on.

    Work-items of a group stand side by side, so that their reads of local memory don't collide.
    """
    name, high, wide = source.type(kind), tile.high, tile.wide
    across, along = tile.over // wide, tile.down // high
    return [
        f"{name} total[{high}][{wide}];",
        f"for (int r = 0; r < {high}; ++r) for (int c = 0; c < {wide}; ++c) total[r][c] = 0;",
        f"for (hp_index base = {begin}; base < {end}; base += {tile.deep}) {{",
        *_loaded(tile, tile.down, name, "left_tile", left, "down", rows, end),
        *_loaded(tile, tile.over, name, "right_tile", right, "over", columns, end),
        "barrier(CLK_LOCAL_MEM_FENCE);",
        f"for (int k = 0; k < {tile.deep}; ++k) {{",
        f"    {name} u[{high}], w[{wide}];",
        f"    for (int r = 0; r < {high}; ++r) u[r] = left_tile[k][y + {along} * r];",
        f"    for (int c = 0; c < {wide}; ++c) w[c] = right_tile[k][x + {across} * c];",
        f"    for (int r = 0; r < {high}; ++r) for (int c = 0; c < {wide}; ++c)",
        f"        {_joined(source, kind, 'total[r][c]', 'u[r]', 'w[c]')}",
        "}",
        "barrier(CLK_LOCAL_MEM_FENCE);",
        "}",
    ]


def _joined(source: Source, kind: dtype, total: str, left: str, right: str) -> str:
    if kind.kind == "f":
        return f"{total} = HP_FUSED({left}, {right}, {total});"
    return multiply_add(source, kind, total, left, right)


def multiply_add(source: Source, kind: dtype, total: str, left: str, right: str) -> str:
    """The statement that adds a product to a total."""
    if kind.kind == "f":
        return f"{total} += {left} * {right};"
    times, plus = ("and", "or") if kind.kind == "b" else ("mul", "add")
    return f"{total} = {source.apply(plus, kind, total, source.apply(times, kind, left, right))};"


def stored(tile: Tile, rows: str, columns: str, statements: Sequence[str]) -> list[str]:
    """Statements that run for every element ``row``, ``column`` of the tile, whose value is ``total[r][c]``."""
    return [
        f"for (int r = 0; r < {tile.high}; ++r) for (int c = 0; c < {tile.wide}; ++c) {{",
        f"    const hp_index row = down + y + {tile.down // tile.high} * r, column = over + x + {tile.over // tile.wide} * c;",
        f"    if (row < {rows} && column < {columns}) {{",
        *statements,
        "    }",
        "}",
    ]
