"""Text of products in tiles: a block of 256 threads computes 64 x 64 elements, each thread 4 x 4 of them.

16 columns of the left operand and rows of the right one at a time lie in shared memory, in the type that is computed with.
Matrix products and convolutions differ in how an element of an operand is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from hotplug.backend.render import Source
from hotplug.backends.cuda.dialect import CUDA
from hotplug.backends.cuda.header import THREADS
from hotplug.dtypes import dtype

TILE: Final = 64
DEPTH: Final = 16
_SIDE: Final = 4
"""Rows, and columns, of a thread."""


class Reader(NamedTuple):
    """How a block reads an operand."""

    statements: Sequence[str]
    """Set ``v``, which is 0 before, to the element of line ``line`` (a row of the left operand, a column of the right one)
    at depth ``deep``, both in range.
    """
    lines_first: str
    """A condition: neighbouring threads read neighbouring lines, not depths."""


def multiply_add(source: Source, kind: dtype, total: str, left: str, right: str) -> str:
    """The statement that adds a product to a total; floating ones are fused on purpose."""
    if kind.kind == "f":
        return f"{total} = {CUDA.math('fma', kind)}({left}, {right}, {total});"
    times, plus = ("and", "or") if kind.kind == "b" else ("mul", "add")
    return f"{total} = {source.apply(plus, kind, total, source.apply(times, kind, left, right))};"


def declared(name: str) -> list[str]:
    """Declarations that stand first in the kernel."""
    return [
        f"__shared__ {name} left[{DEPTH}][{TILE} + 1], right[{DEPTH}][{TILE} + 1];",
        "const int thread = threadIdx.x, y = thread / 16, x = thread % 16;",
    ]


def _loaded(tile: str, name: str, index: str, reader: Reader, start: str, limit: str, end: str) -> list[str]:
    """Statements that fill a tile from ``start`` and ``base`` on, with 0 behind the ends."""
    return [
        "#pragma unroll 1",  # more would make the text of a convolution very long
        f"for (int e = thread; e < {TILE * DEPTH}; e += {THREADS}) {{",
        f"    const bool across = {reader.lines_first};",
        f"    const int a = across ? e % {TILE} : e / {DEPTH}, b = across ? e / {TILE} : e % {DEPTH};",
        f"    const {index} line = {start} + a, deep = base + b;",
        f"    {name} v = 0;",
        f"    if (line < {limit} && deep < {end}) {{",
        *reader.statements,
        "    }",
        f"    {tile}[b][a] = v;",
        "}",
    ]


def product(
    source: Source, kind: dtype, index: str, left: Reader, right: Reader, rows: str, columns: str, begin: str, end: str
) -> list[str]:
    """Statements: ``total[4][4]`` of a thread for the block's tile from row ``down`` and column ``over`` on."""
    name = source.type(kind)
    return [
        f"{name} total[{_SIDE}][{_SIDE}];",
        f"for (int r = 0; r < {_SIDE}; ++r) for (int c = 0; c < {_SIDE}; ++c) total[r][c] = 0;",
        f"for ({index} base = {begin}; base < {end}; base += {DEPTH}) {{",
        *_loaded("left", name, index, left, "down", rows, end),
        *_loaded("right", name, index, right, "over", columns, end),
        "__syncthreads();",
        "#pragma unroll 4",
        f"for (int k = 0; k < {DEPTH}; ++k) {{",
        f"    {name} u[{_SIDE}], v[{_SIDE}];",
        f"    for (int r = 0; r < {_SIDE}; ++r) {{ u[r] = left[k][y + 16 * r]; v[r] = right[k][x + 16 * r]; }}",
        f"    for (int r = 0; r < {_SIDE}; ++r) for (int c = 0; c < {_SIDE}; ++c)",
        f"        {multiply_add(source, kind, 'total[r][c]', 'u[r]', 'v[c]')}",
        "}",
        "__syncthreads();",
        "}",
    ]


def stored(index: str, rows: str, columns: str, statements: Sequence[str]) -> list[str]:
    """Statements that run for every element ``row``, ``column`` of the tile, whose value is ``total[r][c]``."""
    return [
        f"for (int r = 0; r < {_SIDE}; ++r) for (int c = 0; c < {_SIDE}; ++c) {{",
        f"    const {index} row = down + y + 16 * r, column = over + x + 16 * c;",
        f"    if (row < {rows} && column < {columns}) {{",
        *statements,
        "    }",
        "}",
    ]
