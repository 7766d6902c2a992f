"""One call of a kernel through the contract, watched: what it was given, what it wrote, and what it left alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from hotplug.array import Array
from hotplug.conformance import calls
from hotplug.conformance.calls import NDArray
from hotplug.conformance.case import Bench, CaseFailedError, Unsupported
from hotplug.conformance.compare import check
from hotplug.conformance.draw import Draw
from hotplug.conformance.tolerance import Tolerance
from hotplug.dispatch import call as run
from hotplug.dtypes import dtype, float64
from hotplug.layout import Shape

_GUARD: Final = 67
"""Elements behind the last one of an output: more than any vector of a processor holds."""


class Given(NamedTuple):
    """An operand: an input, or an output that comes pre-filled."""

    values: NDArray
    layout: str = "contiguous"


class Wanted(NamedTuple):
    """An output that must be written as a whole."""

    kind: dtype
    shape: Shape
    layout: str = "contiguous"


def values(bench: Bench, key: str, kind: dtype, shape: Shape, low: float = -3.0, high: float = 3.0) -> NDArray:
    """Ordinary values of a dtype, the same in every process; float64 has digits that float32 can't hold."""
    draw = Draw(key, kind.kind, bench.options.seed)
    found: NDArray = draw(*shape, low=low, high=high).values.astype(kind.numpy)
    return found + found * (draw.uniform(*shape) - 0.5) * 2.0**-25 if kind is float64 else found


def any_values(bench: Bench, key: str, kind: dtype, shape: Shape) -> NDArray:
    """:func:`values`, but of integers every third one is near a limit of the dtype, or near one of a narrower type."""
    found = values(bench, key, kind, shape)
    if kind.kind not in "ui":
        return found
    bits, signed = 8 * kind.itemsize, kind.kind == "i"
    edges = [(1 << bits - signed) - 1, (1 << bits - signed) - 2, 1 << bits - 1 - signed, (1 << min(bits - 2, 53)) + 1]
    edges += [-(1 << bits - 1), 1 - (1 << bits - 1), -(1 << min(bits - 2, 31)) - 5] if signed else [(1 << bits - 1) + 1]
    draw = Draw(f"{key}/edges", "f", bench.options.seed)
    chosen = np.array(edges, kind.numpy)[(draw.uniform(*shape) * len(edges)).astype(int)]
    return np.where(draw.uniform(*shape) < 1 / 3, chosen, found).astype(kind.numpy)


def supported(bench: Bench, *kinds: dtype, held: bool = False) -> None:
    """Raise Unsupported where the device says that it does not compute in (or ``held``: hold) a dtype."""
    can = bench.runtime.capabilities
    for kind in kinds:
        if kind not in (can.storage if held else can.arithmetic):
            raise Unsupported(f"the device does not {'hold' if held else 'compute in'} {kind.name}")


def launch(
    bench: Bench, name: str, outs: Sequence[Given | Wanted], inputs: Sequence[Given], scalars: Sequence[Any] = (),
    **more: Any,
) -> list[NDArray]:  # fmt: skip
    """Run a kernel on operands laid out as they say; its outputs, or nothing where the backend declines a reduce.

    Raises:
        CaseFailedError: bytes beside the outputs, or inputs, were changed.
    """
    runtime = bench.runtime
    targets = [_target(bench, each) for each in outs]
    sources = [calls.upload(runtime, calls.shown(*each), *calls.memory_of(each.layout, each.values.shape)) for each in
               inputs]  # fmt: skip
    for position, alias in enumerate(more.get("alias", ())):
        if alias >= 0:
            sources[alias] = targets[position]
    before = [calls.whole(each) for each in (*targets, *sources)]
    kernel = runtime.kernel(calls.key_for(name, targets, sources, **more))
    if kernel is None:
        return []
    run(runtime, kernel, targets, sources, scalars)
    found = [calls.download(each) for each in targets]
    _untouched(name, targets, sources, before)
    return found


def _target(bench: Bench, wanted: Given | Wanted) -> Array:
    runtime = bench.runtime
    start = wanted.values if isinstance(wanted, Given) else calls.poison(wanted.kind, wanted.shape)
    strides, offset = calls.memory_of(wanted.layout, start.shape)
    # A functional engine has a path of its own for arrays that are all of their memory.
    behind = 0 if runtime.capabilities.functional and wanted.layout == "contiguous" else _GUARD
    return calls.upload(runtime, start, strides, offset, behind, calls.POISON)


def _untouched(name: str, targets: Sequence[Array], sources: Sequence[Array], before: Sequence[bytearray]) -> None:
    for position, (array, old) in enumerate(zip(targets, before, strict=False)):
        now, then = calls.outside(array, calls.whole(array)), calls.outside(array, old)
        if now != then:
            first = next(at for at, (a, b) in enumerate(zip(now, then, strict=True)) if a != b)
            low, high = array.byte_range()
            raise CaseFailedError(
                f"{name} wrote at byte {first} of the memory of output {position}, whose elements lie from {low} to "
                f"{high} with strides {list(array.strides)}: outputs are written within their shape only"
            )
    for position, (array, old) in enumerate(zip(sources, before[len(targets) :], strict=True)):
        if array not in targets and calls.whole(array) != old:
            raise CaseFailedError(f"{name} changed its input {position}")


def expect(
    bench: Bench, found: NDArray, goal: NDArray, kind: dtype, allowed: Tolerance, what: str, *, terms: float = 0.0,
    operands: Sequence[NDArray] = (), signs: bool = False,
) -> float:  # fmt: skip
    """Compare an output with its wide goal; the error in ulps."""
    denormals = bench.runtime.capabilities.denormals
    return check(
        found, np.asarray(goal), kind, allowed, what, terms, denormals=denormals, operands=operands, signs=signs
    )


def normal(bench: Bench, numbers: Sequence[float] | NDArray, kind: dtype) -> NDArray:
    """Numbers in a floating dtype, without denormal ones where the device flushes them."""
    from ml_dtypes import finfo

    with np.errstate(all="ignore"):
        made = np.asarray(numbers).astype(kind.numpy).astype(np.float64)
    smallest = float(finfo(kind.compute.numpy).smallest_normal)
    keep = (made == 0) | ~(np.abs(made) < smallest) | bench.runtime.capabilities.denormals
    return np.asarray(made[keep].astype(kind.numpy))
