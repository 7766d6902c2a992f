"""Level 1, ``reduce``, ``argreduce`` and ``scan``: the families that work along rows."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from ml_dtypes import finfo

from hotplug.backend import ARGREDUCE_MODES, REDUCE_MODES, SCAN_MODES
from hotplug.conformance import model
from hotplug.conformance.calls import LAYOUTS, NDArray, shown
from hotplug.conformance.case import Bench, Case, Options
from hotplug.conformance.draw import Draw
from hotplug.conformance.levels.kernels_scalar import REAL, SOME
from hotplug.conformance.tolerance import EXACT, Tolerance, tolerance_of
from hotplug.conformance.trial import Given, Wanted, any_values, expect, launch, supported, values
from hotplug.dtypes import bool_, dtype, float32, float64, int64
from hotplug.expr.node import binary, cast, index, input_, scalar
from hotplug.layout import Shape

ROWS: Final[dict[str, tuple[Shape, int]]] = {
    "nothing": ((4, 5), 0), "all": ((4, 3, 50), 3), "one": ((1,), 1), "rows": ((40, 6, 5), 2), "columns": ((70, 3), 1),
    "long": ((9001,), 1), "many": ((1303, 2), 1), "few-long": ((3, 2, 3001), 2), "rank8": ((2, 1, 3, 2, 2, 2, 1, 3), 4),
}  # fmt: skip
"""Shapes, and how many trailing axes are reduced."""
LENGTHS: Final = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 255, 257, 1023, 1025, 4097, 20_001)
_FEW: Final = frozenset((1, 2, 3, 8, 17, 33, 65, 257, 1025, 4097))
_LONG: Final = 70_001


def result_of(mode: str, kind: dtype) -> dtype:
    """The dtype of a reduction's output, as the core asks for it."""
    if mode in ("any", "all"):
        return bool_
    return int64 if kind.kind in "bui" and mode in ("sum", "prod") else kind


def operand(bench: Bench, mode: str, kind: dtype, shape: Shape) -> NDArray:
    """Values whose running sum, product or extremum says something in the dtype."""
    if mode == "prod" and kind.kind == "f":
        draw = Draw("factors", "f", bench.options.seed)
        rare = draw.uniform(*shape) < 32 / max(shape[-1:] or (1,))  # few enough factors for their rounding errors
        size = np.where(rare, 1 + (draw.uniform(*shape) - 0.5) / 8, 1)
        signed: NDArray = np.where(draw.uniform(*shape) > 0.5, size, -size).astype(kind.numpy)
        return signed
    if mode == "prod":
        odd: NDArray = np.bitwise_or(any_values(bench, mode, kind, shape), kind.numpy.type(1))
        return odd  # a product of even numbers is soon 0
    if mode in ("any", "all"):
        rare = Draw(mode, "f", bench.options.seed).uniform(*shape) > 0.97  # some rows have one, some none
        return (rare if mode == "any" else ~rare).astype(kind.numpy)
    return any_values(bench, mode, kind, shape)


def allowed_of(mode: str) -> Tolerance:
    """Sums and products round; the others choose."""
    return tolerance_of({"sum": "sum", "prod": "prod"}[mode]) if mode in ("sum", "prod") else EXACT


def reduced(bench: Bench, mode: str, given: Given, axes: int, out: str = "contiguous") -> float:
    """One reduction over trailing axes."""
    from hotplug import dtypes

    kind = dtypes.from_numpy(given.values.dtype)
    goal_kind = result_of(mode, kind)
    program = (cast(input_(0, kind), goal_kind.compute),)
    shape = given.values.shape
    x = shown(*given)
    with np.errstate(all="ignore"):
        wide = model.evaluate(program, [x], (), shape)[0]
    (goal,) = [model.reduce(mode, wide, axes, goal_kind)]
    wanted = [Wanted(goal_kind, shape[: len(shape) - axes], out)]
    found = launch(bench, "reduce", wanted, [given], mode=mode, program=program, axis=axes)
    if not found:  # a backend may decline to convert on the way: the core makes a map of that
        plain = Given(model.narrow(wide, program[0].dtype), given.layout)
        program = (input_(0, program[0].dtype),)
        found = launch(bench, "reduce", wanted, [plain], mode=mode, program=program, axis=axes)
    # Where many terms cancel, their rounding errors don't: those add up like the steps of a random walk.
    size = np.abs(x.astype(np.float64))
    terms = float(np.sqrt(np.sum(size * size, where=np.isfinite(size)) / max(1, goal.size)))
    return expect(bench, found[0], goal, goal_kind, allowed_of(mode), f"{mode} of {list(shape)}", terms=terms)


def reduce_dtype(mode: str, kind: dtype, bench: Bench) -> float:
    """Every mode in every dtype, from strided memory into strided memory."""
    supported(bench, kind, result_of(mode, kind))
    return reduced(bench, mode, Given(operand(bench, mode, kind, (4, 5, 9)), "mixed"), 2, "stepped")


def reduce_shape(mode: str, name: str, bench: Bench) -> float:
    """Every mode over each kind of rows, in all layouts in turns."""
    shape, axes = ROWS[name]
    supported(bench, float32)
    x = operand(bench, mode, float32, shape)
    chosen = ["contiguous", "mixed", "broadcast"] if mode == "sum" else ["mixed"]
    if bench.options.full:
        chosen += ["transposed", "reversed", "broadcast"]
    first = sum(map(ord, name))  # results lie in all layouts in turns
    return max(
        reduced(bench, mode, Given(x, layout), axes, LAYOUTS[(first + turn) % len(LAYOUTS)])
        for turn, layout in enumerate(chosen)
    )


def reduce_lengths(full: bool, bench: Bench) -> float:
    """Rows and columns of many lengths."""
    worst = 0.0
    for length in LENGTHS if full else sorted(_FEW):
        for mode in ("sum", "max"):
            rows = operand(bench, mode, float32, (3, length))
            worst = max(worst, reduced(bench, mode, Given(rows), 1))
            if length < 300:
                columns = operand(bench, mode, float32, (length, 5))
                worst = max(worst, reduced(bench, mode, Given(columns, "transposed"), 1))
    return worst


def _special_rows(kind: dtype) -> NDArray:
    rows = np.ones((8, 40))
    rows[0, 17], rows[1, 0], rows[2, 39] = np.nan, np.nan, np.inf
    rows[3, 3], rows[3, 30], rows[4, 5] = np.inf, -np.inf, -np.inf
    rows[6], rows[7] = np.inf, -np.inf
    found: NDArray = rows.astype(kind.numpy)
    return found


def special(kind: dtype, bench: Bench) -> float:
    """NaN in a row is its extremum; infinities add up to infinity or NaN."""
    supported(bench, kind)
    return max(reduced(bench, mode, Given(_special_rows(kind)), 1) for mode in ("max", "min", "sum"))


def special_scans(kind: dtype, bench: Bench) -> float:
    """From the first NaN on, running values are NaN; infinities stay."""
    supported(bench, kind)
    x, worst = _special_rows(kind), 0.0
    for mode in SCAN_MODES:
        (found,) = launch(bench, "scan", [Wanted(kind, x.shape)], [Given(x)], mode=mode)
        worst = max(worst, expect(bench, found, model.scan(mode, x, kind), kind, EXACT, f"running {mode}"))
    return worst


def accuracy(bench: Bench) -> float:
    """Sums of many equal float32 are kept pairwise or wider: one after another, their error would grow."""
    supported(bench, float32)
    tenths = np.full((_LONG,), 0.1, np.float32)
    worst = reduced(bench, "sum", Given(tenths), 1)
    worst = max(worst, reduced(bench, "sum", Given(np.full((_LONG // 7, 7), 0.1, np.float32), "transposed"), 2))
    ones = np.ones((_LONG,), np.float32)
    (found,) = launch(bench, "scan", [Wanted(float32, ones.shape)], [Given(ones)], mode="sum")
    expect(bench, found, np.arange(1.0, _LONG + 1), float32, EXACT, "running sum of ones")
    (found,) = launch(bench, "scan", [Wanted(float32, tenths.shape)], [Given(tenths)], mode="sum")
    goal = model.scan("sum", tenths, float32)
    return max(worst, expect(bench, found, goal, float32, tolerance_of("cumsum"), "running sum of tenths"))


def half_accuracy(kind: dtype, bench: Bench) -> float:
    """Sums of half types are kept wider: a thousand ones are a thousand, where a bfloat16 would stop at 256."""
    supported(bench, kind)
    return reduced(bench, "sum", Given(np.ones((2, 5000), kind.numpy)), 1)


def half_scans(kind: dtype, bench: Bench) -> float:
    """So are running sums."""
    supported(bench, kind)
    ones = np.ones((2, 5000), kind.numpy)
    (found,) = launch(bench, "scan", [Wanted(kind, ones.shape)], [Given(ones)], mode="sum")
    return expect(bench, found, np.cumsum(ones.astype(np.float64), -1), kind, EXACT, "running sum of ones")


def again(name: str, bench: Bench) -> float:
    """A second call of the same kernel on other elements of the same shape."""
    supported(bench, float32, int64)
    for turn in range(3):
        x = values(bench, f"again{turn}", float32, (3, 9))
        if name == "reduce":
            reduced(bench, "sum", Given(x), 1)
        elif name == "scan":
            (found,) = launch(bench, "scan", [Wanted(float32, x.shape)], [Given(x)], mode="sum")
            expect(
                bench, found, model.scan("sum", x, float32), float32, tolerance_of("cumsum"), "second call", terms=3.0
            )
        else:
            (found,) = launch(bench, "argreduce", [Wanted(int64, (3,))], [Given(x)], mode="argmax", axis=1)
            expect(bench, found, model.argreduce("argmax", x, float32), int64, EXACT, "second call")
    return 0.0


def applied(bench: Bench) -> float:
    """A program of several inputs, a scalar and the index, before the sum; a backend may decline it."""
    supported(bench, float32, float64)
    x, y = values(bench, "applied0", float32, (4, 501)), values(bench, "applied1", float32, (4, 501))
    product = cast(input_(0, float32), float64) * cast(input_(1, float32), float64) * scalar(0, float64)
    program = (binary("add", product, cast(index(), float64)),)
    given = [Given(x, "transposed"), Given(y, "broadcast")]
    more: dict[str, Any] = {"mode": "sum", "program": program, "axis": 1}
    found = launch(bench, "reduce", [Wanted(float64, (4,))], given, [2.0], **more)
    if not found:
        return 0.0
    wide = model.evaluate(program, [x, shown(*given[1])], [2.0], x.shape)[0]
    goal = model.reduce("sum", wide, 1, float64)
    return expect(bench, found[0], goal, float64, tolerance_of("sum"), "sum of a program")


def positions(mode: str, kind: dtype, bench: Bench) -> float:
    """The first extremum, or the first NaN, of rows with many equal elements."""
    supported(bench, kind, int64)
    everything = bench.options.full or kind is float32
    for shape in ((7, 1), (4, 1500), (1303, 2), (3, 4, 33)) if everything else ((3, 4, 33),):
        x = any_values(bench, mode, kind, shape)
        if kind.kind == "f" and shape[-1] > 1:
            x.reshape(-1, shape[-1])[1, [shape[-1] // 2, shape[-1] - 1]] = np.nan
        if kind.kind == "f" and shape[-1] > 1:
            x.reshape(-1, shape[-1])[0, :] = np.array(-np.inf if mode == "argmax" else np.inf).astype(kind.numpy)
            step = float(finfo(kind.numpy).eps) * (1 if mode == "argmax" else -1)
            x.reshape(-1, shape[-1])[-1, :] = (1 + step * (np.arange(shape[-1]) % 7)).astype(kind.numpy)
        chosen = (("mixed", "stepped"), ("contiguous", "contiguous"), ("transposed", "reversed"), ("stepped", "mixed"),
                  ("broadcast", "contiguous"))  # fmt: skip
        for layout, out in chosen if everything else chosen[:1]:
            given, wanted = Given(x, layout), Wanted(int64, shape[:-1], out)
            (found,) = launch(bench, "argreduce", [wanted], [given], mode=mode, axis=1)
            expect(
                bench,
                found,
                model.argreduce(mode, shown(*given), kind),
                int64,
                EXACT,
                f"{mode} of {list(shape)}, {layout}",
            )
    return 0.0


def running(mode: str, kind: dtype, bench: Bench) -> float:
    """Running values along rows of several lengths, in and out of all layouts."""
    supported(bench, kind)
    worst = 0.0
    everything = bench.options.full or kind is float32
    shapes = ((5, 3, 11), (1,), (2, 700), (257, 3), (4, 6)) if everything else ((5, 3, 11),)
    for turn, shape in enumerate(shapes, 1):
        x = operand(bench, mode, kind, shape)
        layout = "broadcast" if shape == (4, 6) else LAYOUTS[(turn + 4) % len(LAYOUTS)]
        (found,) = launch(bench, "scan", [Wanted(kind, shape, LAYOUTS[turn])], [Given(x, layout)], mode=mode)
        goal = model.scan(mode, shown(x, layout), kind)
        allowed = tolerance_of({"sum": "cumsum", "prod": "cumprod"}[mode]) if mode in ("sum", "prod") else EXACT
        worst = max(worst, expect(bench, found, goal, kind, allowed, f"running {mode} of {list(shape)}", terms=3.0))
    return worst


def scan_lengths(full: bool, bench: Bench) -> float:
    """Rows of many lengths."""
    supported(bench, float32)
    worst = 0.0
    for length in LENGTHS if full else sorted(_FEW):
        x = operand(bench, "sum", float32, (2, length))
        (found,) = launch(bench, "scan", [Wanted(float32, x.shape)], [Given(x)], mode="sum")
        goal = model.scan("sum", x, float32)
        allowed = tolerance_of("cumsum")
        worst = max(worst, expect(bench, found, goal, float32, allowed, f"running sum of {length}", terms=3.0))
    return worst


def cases(options: Options) -> Iterator[Case]:
    """All cases of the three families."""
    for mode in REDUCE_MODES:
        for kind in REAL:
            wanted = (
                options.full or kind in SOME or mode in ("sum", "max") or (kind is bool_ and mode in ("any", "all"))
            )
            if wanted and (mode not in ("sum", "prod") or kind is not bool_):
                yield Case(1, "reduce", kind.name, mode, functools.partial(reduce_dtype, mode, kind))
        for name in ROWS if mode in ("sum", "max") or options.full else ("nothing", "rows"):
            yield Case(1, "reduce", "float32", f"{mode}-{name}", functools.partial(reduce_shape, mode, name))
    yield Case(1, "reduce", "float32", "lengths", functools.partial(reduce_lengths, options.full))
    yield Case(1, "reduce", "float32", "accuracy", accuracy)
    yield Case(1, "reduce", "float64", "applied", applied)
    for name in ("reduce", "argreduce", "scan"):
        yield Case(1, name, "float32", "again", functools.partial(again, name))
    for kind in REAL:
        if kind.kind == "f":
            yield Case(1, "reduce", kind.name, "special", functools.partial(special, kind))
            yield Case(1, "scan", kind.name, "special", functools.partial(special_scans, kind))
            if kind.itemsize == 2:
                yield Case(1, "reduce", kind.name, "accuracy", functools.partial(half_accuracy, kind))
                yield Case(1, "scan", kind.name, "accuracy", functools.partial(half_scans, kind))
        for mode in ARGREDUCE_MODES:
            yield Case(1, "argreduce", kind.name, mode, functools.partial(positions, mode, kind))
        for mode in SCAN_MODES:
            if kind is not bool_ and (options.full or kind in SOME or mode in ("sum", "max")):
                yield Case(1, "scan", kind.name, mode, functools.partial(running, mode, kind))
    yield Case(1, "scan", "float32", "lengths", functools.partial(scan_lengths, options.full))
