"""Blocks of small matrix products whose sums stay in registers, as intrinsics.

``C[i, :] = sum over k of A[i, k] * B[k, :]``: numbers of A are read one at a time, from memory of any two strides, so
that A may be transposed as it stands; rows of B and C are ``VECTORS`` vectors wide.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from hotplug.backends.cpu.compiled.panels import _intrinsic, _Writer, lanes, machine

VECTORS: Final = 2
ROWS: Final = 8 if machine().registers >= 32 else 4
"""Rows of a block: with the vectors of B and a number of A they fill the registers."""
PANEL: Final = 8 if machine().registers >= 32 else 6
"""Rows of a block where A is packed, and needs no more than one address."""
LANES: Final = lanes("float32")
WIDTH: Final = VECTORS * LANES
"""Columns of a block."""


@cache
def tile(rows: int, add: bool) -> Any:
    """``tile(a, down, along, b, step, c, row, count)``: ``rows`` rows of C from ``count`` products each, float32.

    A's rows are ``down`` bytes apart and its columns ``along`` bytes, B's rows ``step`` bytes and C's ``row`` bytes.  With
    ``add``, sums begin with what C holds.
    """

    def write(writer: _Writer, a: Any, down: Any, along: Any, b: Any, step: Any, c: Any, row: Any, length: Any) -> None:
        size = 4 * LANES
        multiply, plus = writer.builder.mul, writer.builder.add
        targets = [
            plus(plus(c, multiply(row, writer.number(i))), writer.number(j * size))
            for i in range(rows) for j in range(VECTORS)
        ]  # fmt: skip
        zero = writer.splat(writer.real(0.0))
        begin = [writer.load(target, writer.vector) if add else zero for target in targets]
        skips = [multiply(down, writer.number(i)) for i in range(rows)]

        def products(_: Any, values: list[Any]) -> list[Any]:
            left, right, sums = values[0], values[1], values[2:]
            vectors = [writer.load(plus(right, writer.number(j * size)), writer.vector) for j in range(VECTORS)]
            found = []
            for i in range(rows):
                factor = writer.splat(writer.load(plus(left, skips[i]), writer.real))
                found += [writer.fused(factor, vectors[j], sums[i * VECTORS + j]) for j in range(VECTORS)]
            return [plus(left, along), plus(right, step), *found]

        result = writer.loop(length, [a, b, *begin], products)
        for value, target in zip(result[2:], targets, strict=True):
            writer.store(value, target)

    return _intrinsic(8, "float32", LANES, write)
