"""Level 1, ``gather`` and ``scatter``: elements picked and placed by an index array."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from hotplug import dispatch, dtypes
from hotplug.backend import SCATTER_MODES
from hotplug.conformance import calls, model
from hotplug.conformance.calls import LAYOUTS, NDArray, shown
from hotplug.conformance.case import Bench, Case, CaseFailedError, Options
from hotplug.conformance.draw import Draw
from hotplug.conformance.levels.kernels_scalar import REAL, SOME
from hotplug.conformance.tolerance import EXACT, tolerance_of
from hotplug.conformance.trial import Given, Wanted, any_values, expect, launch, supported, values
from hotplug.dispatch import call as run
from hotplug.dtypes import bool_, dtype, float32, int32, int64
from hotplug.errors import IndexRangeError
from hotplug.layout import Shape

INDEX_DTYPES: Final = (dtypes.uint8, dtypes.int8, dtypes.int16, int32, int64)
SHAPES: Final[dict[str, tuple[Shape, int]]] = {
    "vector": ((40,), 0), "first": ((7, 6), 0), "last": ((6, 7), 1), "middle": ((3, 5, 4), 1), "one": ((1, 9), 0),
    "cube": ((4, 4, 4), 1), "rank5": ((2, 3, 2, 4, 3), 3),
}  # fmt: skip
"""Shapes of what is indexed, and along which axis."""


def picked(bench: Bench, key: str, high: int, shape: Shape, kind: dtype = int64) -> NDArray:
    """Positions below ``high``, with repetitions."""
    return Draw(key, "i", bench.options.seed).index(high, *shape).values.astype(kind.numpy)


def gathered(bench: Bench, kind: dtype, shape: Shape, axis: int, layouts: tuple[str, str, str], many: int = 11,
             index_kind: dtype = int64) -> None:  # fmt: skip
    """``many`` elements along an axis."""
    x = any_values(bench, "gather", kind, shape)
    if kind.kind == "f":
        x.flat[:3] = np.array([np.nan, -np.inf, np.inf]).astype(kind.numpy)
    wanted = (*shape[:axis], many, *shape[axis + 1 :])
    given = [Given(x, layouts[1]), Given(picked(bench, "at", shape[axis], wanted, index_kind), layouts[2])]
    (found,) = launch(bench, "gather", [Wanted(kind, wanted, layouts[0])], given, axis=axis)
    goal = model.gather(shown(*given[0]), shown(*given[1]), axis)
    expect(bench, found, goal, kind, EXACT, f"gather along axis {axis} of {list(shape)}, {', '.join(layouts)}")


def gather_dtype(kind: dtype, bench: Bench) -> float:
    """Elements of every dtype that the device can hold."""
    supported(bench, kind, held=True)
    gathered(bench, kind, (3, 5, 4), 1, ("mixed", "transposed", "contiguous"))
    return 0.0


def gather_shape(name: str, bench: Bench) -> float:
    """Every axis, in all layouts in turns, more and fewer elements than there are."""
    supported(bench, float32)
    shape, axis = SHAPES[name]
    inputs = (*LAYOUTS, "broadcast")
    for turn, layout in enumerate(LAYOUTS if bench.options.full or name == "middle" else LAYOUTS[::3]):
        chosen = (layout, inputs[(turn + 3) % len(inputs)], inputs[(turn + 5) % len(inputs)])
        gathered(bench, float32, shape, axis, chosen, 1 + 5 * turn if name != "cube" else shape[axis])
    return 0.0


def gather_index(kind: dtype, bench: Bench) -> float:
    """Index arrays of every integer dtype."""
    supported(bench, kind, float32)
    gathered(bench, float32, (9, 4), 0, ("contiguous", "contiguous", "reversed"), 13, kind)
    return 0.0


def scattered(bench: Bench, mode: str, kind: dtype, shape: Shape, axis: int, layouts: tuple[str, str, str],
              many: int = 11, index_kind: dtype = int64) -> float:  # fmt: skip
    """``many`` elements along an axis of a pre-filled output; of equal positions the last one counts, or all do."""
    given = (*shape[:axis], many, *shape[axis + 1 :])
    low = 1 if mode == "mul" else -3  # products stay small, and what is set is told from what was there
    start, source = values(bench, "start", kind, shape, low, 2), values(bench, "source", kind, given, low, 2)
    if kind.kind in "ui":
        start, source = any_values(bench, "start", kind, shape), any_values(bench, "source", kind, given)
    if mode in ("min", "max") and kind.kind == "f":  # NaN wins, wherever it is
        start.flat[1], source.flat[min(2, source.size - 1)] = np.nan, np.nan
    index = Given(picked(bench, "at", shape[axis], given, index_kind), layouts[1])
    values_ = Given(source, layouts[2])
    (found,) = launch(bench, "scatter", [Given(start, layouts[0])], [index, values_], mode=mode, axis=axis)
    goal = model.scatter(mode, start, shown(*index), shown(*values_), axis, kind)
    allowed = {"add": tolerance_of("scatter_add"), "mul": tolerance_of("prod")}.get(mode, EXACT)
    what = f"scatter {mode} along axis {axis} of {list(shape)}, {', '.join(layouts)}"
    return expect(bench, found, goal, kind, allowed, what, terms=3.0)


def scatter_dtype(mode: str, kind: dtype, bench: Bench) -> float:
    """Every mode in every dtype."""
    supported(bench, kind, held=mode == "set")
    return scattered(bench, mode, kind, (3, 5, 4), 1, ("mixed", "contiguous", "transposed"), 7)


def scatter_shape(mode: str, name: str, bench: Bench) -> float:
    """Every axis, in all layouts in turns."""
    supported(bench, float32)
    shape, axis = SHAPES[name]
    inputs = (*LAYOUTS, "broadcast")
    return max(
        scattered(
            bench, mode, float32, shape, axis, (layout, inputs[(turn + 3) % 7], inputs[(turn + 6) % 7]), 1 + 4 * turn
        )
        for turn, layout in enumerate(LAYOUTS if bench.options.full or name == "first" else LAYOUTS[::3])
    )


def scatter_index(kind: dtype, bench: Bench) -> float:
    """Index arrays of every integer dtype."""
    supported(bench, kind, float32)
    return scattered(bench, "add", float32, (9, 4), 0, ("contiguous", "reversed", "contiguous"), 13, kind)


def scatter_many(bench: Bench) -> float:
    """Hundreds of elements onto one place, in order; and the same bits again where the device promises that."""
    supported(bench, float32)
    worst, found = 0.0, []
    for _ in range(3):
        source, index = values(bench, "source", float32, (900,)), picked(bench, "at", 3, (900,))
        start = values(bench, "start", float32, (5,))
        (got,) = launch(bench, "scatter", [Given(start)], [Given(index), Given(source)], mode="add", axis=0)
        goal = model.scatter("add", start, index, source, 0, float32)
        worst = max(worst, expect(bench, got, goal, float32, tolerance_of("scatter_add"), "scatter add", terms=3.0))
        found.append(got.tobytes())
    if bench.runtime.capabilities.deterministic_scatter and len(set(found)) > 1:
        raise CaseFailedError("scatter add of equal inputs gave other bits, though deterministic_scatter is declared")
    return worst


def many(name: str, bench: Bench) -> float:
    """Thousands of elements picked or placed, more than one group of threads has."""
    supported(bench, float32, int64)
    if name == "scatter":
        return scattered(bench, "set", float32, (2, 1500), 1, ("contiguous", "contiguous", "contiguous"), 1700)
    gathered(bench, float32, (2, 1500), 1, ("contiguous", "contiguous", "contiguous"), 1700)
    return 0.0


def waits(name: str, bench: Bench) -> float:
    """A position out of range is told by synchronize too; work that was asked for afterwards is done all the same."""
    supported(bench, float32, int64)
    runtime = bench.runtime
    bad = calls.upload(runtime, np.array([0, 9, 1]))
    three = calls.upload(runtime, np.arange(3, dtype=np.float32))
    out, after = (calls.upload(runtime, np.zeros(3, np.float32)) for _ in range(2))
    inputs = [three, bad] if name == "gather" else [bad, three]
    more: dict[str, Any] = {"axis": 0, "mode": "" if name == "gather" else "set"}
    kernel = runtime.kernel(calls.key_for(name, [out], inputs, **more))
    assert kernel is not None
    told = False
    try:
        run(runtime, kernel, [out], inputs, ())
    except IndexRangeError:
        told = True
    dispatch.copy(three, after)
    try:
        runtime.backend.synchronize(runtime.index)
    except IndexRangeError:
        told = True
    if not told:
        raise CaseFailedError(f"{name} with position 9 for 3 elements: synchronize raised no IndexRangeError")
    expect(bench, calls.download(after), np.arange(3.0), float32, EXACT, f"a copy after a {name} that went wrong")
    return 0.0


def out_of_range(name: str, position: int, bench: Bench) -> float:
    """A position out of range is an IndexRangeError that names the op, at once or at the next host read; afterwards
    the device works, and nothing beside the output was written.
    """  # fmt: skip
    supported(bench, float32, int64)
    runtime = bench.runtime
    index = np.array([0, 2, position, 1])
    start = np.arange(5, dtype=np.float32)
    out = calls.upload(runtime, start[: 4 if name == "gather" else 5], offset=64, behind=64, byte=calls.POISON)
    first = calls.upload(runtime, start if name == "gather" else index)
    second = calls.upload(runtime, index if name == "gather" else start[:4])
    before = calls.whole(out)
    more: dict[str, Any] = {"axis": 0, "mode": "" if name == "gather" else "set"}
    try:
        kernel = runtime.kernel(calls.key_for(name, [out], [first, second], **more))
        assert kernel is not None
        run(runtime, kernel, [out], [first, second], ())
        calls.download(out)
    except IndexRangeError as error:
        if name not in str(error) or str(position) not in str(error):
            raise CaseFailedError(f"expected an error with the words {name} and {position}, got: {error}") from error
    else:
        raise CaseFailedError(f"{name} with position {position} for 5 elements: expected an IndexRangeError, got none")
    runtime.backend.synchronize(runtime.index)
    if calls.outside(out, calls.whole(out)) != calls.outside(out, before):
        raise CaseFailedError(f"{name} with position {position} wrote beside its output")
    gathered(bench, float32, (4, 3), 0, ("contiguous", "contiguous", "contiguous"))
    return 0.0


def cases(options: Options) -> Iterator[Case]:
    """All cases of both families."""
    for kind in REAL:
        yield Case(1, "gather", kind.name, "dtypes", functools.partial(gather_dtype, kind))
        for mode in SCATTER_MODES:
            wanted = options.full or kind in SOME or mode in ("set", "add") or (kind.kind == "f" and mode != "mul")
            if wanted and (mode == "set" or kind is not bool_):
                yield Case(1, "scatter", kind.name, mode, functools.partial(scatter_dtype, mode, kind))
    for kind in INDEX_DTYPES:
        parts: tuple[tuple[str, Callable[[dtype, Bench], float]], ...] = (
            ("gather", gather_index), ("scatter", scatter_index)
        )  # fmt: skip
        for name, part in parts:
            yield Case(1, name, kind.name, "index", functools.partial(part, kind))
    for shape in SHAPES:
        yield Case(1, "gather", "float32", shape, functools.partial(gather_shape, shape))
        for mode in SCATTER_MODES if options.full else ("set", "add"):
            yield Case(1, "scatter", "float32", f"{mode}-{shape}", functools.partial(scatter_shape, mode, shape))
    yield Case(1, "scatter", "float32", "many-onto-one", scatter_many)
    for name in ("gather", "scatter"):
        yield Case(1, name, "float32", "many", functools.partial(many, name))
        yield Case(1, name, "", "synchronize", functools.partial(waits, name))
    for name in ("gather", "scatter"):
        for position in (-1, 5, 1 << 40):
            yield Case(1, name, "", f"index-{position}", functools.partial(out_of_range, name, position))
