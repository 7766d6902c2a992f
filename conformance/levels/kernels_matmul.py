"""Level 1, ``matmul``: batches, strides, and sizes around the edges of tiles."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Final

import numpy as np

from hotplug.conformance import model
from hotplug.conformance.calls import shown
from hotplug.conformance.case import Bench, Case, Options
from hotplug.conformance.levels.kernels_scalar import REAL
from hotplug.conformance.tolerance import EXACT, Tolerance, tolerance_of
from hotplug.conformance.trial import Given, Wanted, any_values, expect, launch, supported, values
from hotplug.dtypes import bool_, dtype, float32

EDGES: Final = (1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33, 47, 48, 49, 63, 64, 65, 127, 129, 257)
_FEW: Final = ((1, 1, 1), (1, 9, 4), (5, 1, 7), (17, 3, 1), (8, 48, 16), (9, 49, 17), (33, 50, 65), (64, 65, 63),
               (129, 7, 33), (31, 129, 129))  # fmt: skip
LAYOUTS: Final = (
    ("contiguous", "contiguous", "contiguous"), ("contiguous", "rows", "columns"), ("columns", "columns", "rows"),
    ("stepped", "stepped", "broadcast"), ("mixed", "broadcast", "reversed"), ("offset", "mixed", "offset"),
)  # fmt: skip
"""Of the output and both operands; ``columns`` is a transposed matrix, ``broadcast`` one matrix for all of a batch."""


def product(bench: Bench, kind: dtype, sizes: tuple[int, int, int, int], layouts: tuple[str, str, str]) -> float:
    """One batched product ``(b, m, k) @ (b, k, n)``."""
    batch, m, n, k = sizes
    left, right = any_values(bench, "left", kind, (batch, m, k)), any_values(bench, "right", kind, (batch, k, n))
    a, b = (_given(each, layout) for each, layout in zip((left, right), layouts[1:], strict=True))
    out = "transposed" if layouts[0] == "columns" else layouts[0]
    (found,) = launch(bench, "matmul", [Wanted(kind, (batch, m, n), out)], [a, b])
    goal = model.matmul(shown(*a), shown(*b), kind)
    what = f"({batch}, {m}, {k}) @ ({batch}, {k}, {n}), {', '.join(layouts)}"
    return expect(bench, found, goal, kind, _allowed(k), what, terms=9.0)


def _allowed(k: int) -> Tolerance:
    """Rounding errors of a sum of products grow with the root of the number of terms."""
    found = tolerance_of("matmul")
    return found._replace(wide=found.wide * max(1.0, (k / 16) ** 0.5))


def _given(values: np.ndarray[tuple[int, ...], np.dtype[np.generic]], layout: str) -> Given:
    return Given(values, {"rows": "contiguous", "columns": "transposed"}.get(layout, layout))


def dtypes_(kind: dtype, bench: Bench) -> float:
    """Every dtype, plain and strided."""
    supported(bench, kind)
    return max(product(bench, kind, (2, 9, 7, 11), layouts) for layouts in (LAYOUTS[0], LAYOUTS[2]))


def layouts(position: int, bench: Bench) -> float:
    """Operands in every layout, small and larger than a tile."""
    supported(bench, float32)
    return max(
        product(bench, float32, sizes, LAYOUTS[position]) for sizes in ((3, 5, 4, 6), (2, 5, 5, 5), (2, 37, 50, 70))
    )


def edges(full: bool, bench: Bench) -> float:
    """Sizes around likely tiles."""
    supported(bench, float32)
    chosen = _FEW if not full else [
        (m, EDGES[(at * 7 + 3) % len(EDGES)], EDGES[(at * 11 + 5) % len(EDGES)]) for at, m in enumerate(EDGES * 3)
    ]  # fmt: skip
    return max(product(bench, float32, (1, *sizes), LAYOUTS[0]) for sizes in chosen)


def special(bench: Bench) -> float:
    """NaN and infinities reach the elements of their rows and columns only."""
    supported(bench, float32)
    left, right = values(bench, "left", float32, (1, 6, 5)), values(bench, "right", float32, (1, 5, 7))
    left[0, 1, 2], right[0, 3, 4], right[0, 0, 0] = np.nan, np.inf, -np.inf
    (found,) = launch(bench, "matmul", [Wanted(float32, (1, 6, 7))], [Given(left), Given(right)])
    return expect(bench, found, model.matmul(left, right, float32), float32, _allowed(5), "special values", terms=9.0)


def half_accuracy(kind: dtype, bench: Bench) -> float:
    """Products of half types are added up wider: sums of thousands of equal terms keep their digits."""
    supported(bench, kind)
    left, right = np.full((1, 2, 4096), 1, kind.numpy), np.full((1, 4096, 3), 0.25, kind.numpy)
    (found,) = launch(bench, "matmul", [Wanted(kind, (1, 2, 3))], [Given(left), Given(right)])
    return expect(bench, found, np.full((1, 2, 3), 1024.0), kind, EXACT, "4096 equal terms")


def cases(options: Options) -> Iterator[Case]:
    """All cases of the family."""
    for kind in REAL:
        if kind is not bool_:
            yield Case(1, "matmul", kind.name, "dtypes", functools.partial(dtypes_, kind))
    for position, names in enumerate(LAYOUTS):
        yield Case(1, "matmul", "float32", f"layouts-{'-'.join(names)}", functools.partial(layouts, position))
    yield Case(1, "matmul", "float32", "edges", functools.partial(edges, options.full))
    yield Case(1, "matmul", "float32", "special", special)
    for kind in REAL:
        if kind.kind == "f" and kind.itemsize == 2:
            yield Case(1, "matmul", kind.name, "accuracy", functools.partial(half_accuracy, kind))
