"""Level 2: every declared op forward."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from hotplug import dtypes
from hotplug.conformance import golden
from hotplug.conformance.case import Bench, Case, CaseFailedError, Options, Unsupported
from hotplug.conformance.compare import check
from hotplug.conformance.draw import Sample
from hotplug.conformance.guard import guarded
from hotplug.conformance.place import LAYOUTS, Placed, host_values, outputs
from hotplug.conformance.samples import kinds_of, recipe_of, samples_of
from hotplug.conformance.tolerance import tolerance_of
from hotplug.declare import OPS
from hotplug.dtypes import dtype
from hotplug.errors import CapabilityError, DTypeError, HotplugError
from hotplug.host_execution import HostExecutionError
from hotplug.tensor import Tensor

REFERENCE: Final = "numpy"

REPRESENTATIVE: Final = frozenset(
    "add mul true_divide floor_divide remainder pow maximum neg abs exp sigmoid eq where clamp bitwise_xor "
    "bitwise_left_shift logical_and sum prod amax argmax any cumsum gather scatter_add matmul cat to".split()
)
"""Ops that the default run tries in every dtype: they use every family, and every kind of scalar function."""


def cases(options: Options) -> Iterator[Case]:
    """Every op at one dtype, some at all; every op in some layouts.  All of it with ``full``."""
    for name in OPS:
        recipe = recipe_of(name)
        if recipe is None:
            continue
        everywhere = options.full or name in REPRESENTATIVE
        chosen = [each for each in dtypes.ALL if each.kind in recipe.kinds]
        if not recipe.kinds:
            chosen = [dtypes.float32]
        if not everywhere:
            chosen = chosen_dtypes(chosen)
        for kind in chosen:
            first = kind is dtypes.float32 or kind is chosen[0]
            for layout in LAYOUTS if recipe.layouts and (options.full or first) else LAYOUTS[:1]:
                if layout == "expanded" and name.endswith("_"):
                    continue  # memory that several elements share can't be written
                yield Case(2, name, kind.name, layout, functools.partial(run, name, kind, layout))
            if first and OPS[name].inplace:
                yield Case(2, name, kind.name, "inplace", functools.partial(run_inplace, name, kind))


def chosen_dtypes(candidates: Sequence[dtype]) -> list[dtype]:
    """One dtype of an op: float32 where it takes that."""
    return [dtypes.float32] if dtypes.float32 in candidates else list(candidates[:1])


def supported(bench: Bench, kind: dtype) -> None:
    """Raise Unsupported where the device says that it lacks the dtype."""
    parts = kind.real if kind.kind == "c" else kind
    if parts not in bench.runtime.capabilities.arithmetic:
        raise Unsupported(f"the device does not compute in {parts.name}")


def run(name: str, kind: dtype, layout: str, bench: Bench) -> float:
    """All samples of an op in one dtype and layout."""
    worst = 0.0
    for number, sample in enumerate(samples_of(name, kind.kind, bench.options.seed)):
        try:
            worst = max(worst, _one(name, sample, number, kind, layout, bench))
        except HostExecutionError as error:
            raise Unsupported(str(error)) from error
        except (CaseFailedError, HotplugError) as error:
            if isinstance(error, CapabilityError):
                _check_capability(error, kind, sample, bench)
                continue
            raise CaseFailedError(f"{name}{sample!r}, sample {number}, {kind.name}, {layout}: {error}") from error
    return worst


def _check_capability(error: CapabilityError, kind: dtype, sample: Sample, bench: Bench) -> None:
    """A device may refuse a dtype that it declares not to have; nothing else."""
    missing = [each.name for each in dtypes.ALL if each not in bench.runtime.capabilities.arithmetic]
    if not any(each in str(error) for each in missing):
        raise CaseFailedError(f"{kind.name}{sample!r}: the device has what it says it lacks: {error}") from error
    supported(bench, kind)


def _one(name: str, sample: Sample, number: int, kind: dtype, layout: str, bench: Bench) -> float:
    try:
        same = reference(name, kind, number, layout, bench.options.seed, False)
    except DTypeError as error:  # recipes serve several ops, and not each takes all dtypes of its recipe
        _same_error(name, sample, kind, layout, bench, error)
        return 0.0
    wide = reference(name, kind, number, layout, bench.options.seed, True)
    placed = Placed(sample, bench.device, kind, layout)
    with guarded(bench.runtime):
        found = called(name, placed)
        got = [_values(each) for each in found]
    terms = sample.largest()
    keeps = bench.runtime.capabilities.denormals
    worst = compare(name, found, got, same, wide, terms, keeps)
    stored = golden.values(name, kind, number) if layout == "contiguous" and not bench.options.seed else None
    if stored is not None:
        worst = max(worst, _against_golden(name, same, got, stored, terms, keeps))
    return worst


def _values(value: Any) -> Any:
    return host_values(value) if isinstance(value, Tensor) else value


def compare(
    name: str, found: list[Any], got: list[Any], same: Sequence[Any], wide: Sequence[Any], terms: float, keeps: bool
) -> float:
    """Outputs of an op against those of the reference in the same dtype (for the dtype) and a wider one; ``keeps`` says
    whether the device keeps denormals.
    """
    if len(found) != len(same):
        raise CaseFailedError(f"expected {len(same)} outputs, got {len(found)}")
    worst = 0.0
    for position, (tensor, values, like, goal) in enumerate(zip(found, got, same, wide, strict=True)):
        if not isinstance(tensor, Tensor):
            if values != goal:
                raise CaseFailedError(f"output {position}: expected {goal!r}, got {values!r}")
            continue
        expected_kind = dtypes.from_numpy(like.dtype)
        if tensor.dtype is not expected_kind:
            raise CaseFailedError(f"output {position}: expected dtype {expected_kind.name}, got {tensor.dtype.name}")
        what = f"output {position}"
        worst = max(worst, check(values, goal, tensor.dtype, tolerance_of(name), what, terms, denormals=keeps))
    return worst


def _against_golden(
    name: str, same: Sequence[Any], got: list[Any], stored: Sequence[Any], terms: float, keeps: bool
) -> float:
    worst = 0.0
    for position, (like, values, goal) in enumerate(zip(same, got, stored, strict=True)):
        if isinstance(like, np.ndarray):
            kind = dtypes.from_numpy(like.dtype)
            what = f"output {position} against the golden value"
            worst = max(worst, check(values, goal, kind, tolerance_of(name), what, terms, denormals=keeps))
    return worst


def _same_error(name: str, sample: Sample, kind: dtype, layout: str, bench: Bench, expected: DTypeError) -> None:
    """Where the reference refuses, so must the device, in the same way."""
    placed = Placed(sample, bench.device, kind, layout)
    try:
        OPS[name].function(*placed.args, **placed.kwargs)
    except type(expected):
        return
    raise CaseFailedError(f"expected {type(expected).__name__} ({expected}), got a result")


@functools.lru_cache(maxsize=4096)
def reference(name: str, kind: dtype, number: int, layout: str, seed: int, wide: bool) -> tuple[Any, ...]:
    """Outputs of a sample on the reference device, in the same dtype or in a wider one; tensors as ndarrays.

    The cache serves the layouts, which differ in values only where memory is broadcast.
    """
    if layout not in ("contiguous", "expanded"):
        return reference(name, kind, number, "contiguous", seed, wide)
    sample = samples_of(name, kind.kind, seed)[number]
    placed = Placed(sample, REFERENCE, kind, layout, wide=wide)
    return tuple(_values(each) for each in called(name, placed))


def called(name: str, placed: Placed) -> list[Any]:
    """What an op returns, or what stands for it, as a flat list."""
    recipe = recipe_of(name)
    assert recipe is not None
    return outputs(recipe.compared(placed.args, OPS[name].function(*placed.args, **placed.kwargs)))


def run_inplace(name: str, kind: dtype, bench: Bench) -> float:
    """``x.op_(...)`` writes what ``op(x, ...)`` returns, where dtype and shape allow."""
    worst = 0.0
    supported(bench, kind)
    for number, sample in enumerate(samples_of(name, kind.kind, bench.options.seed)):
        placed = Placed(sample, bench.device, kind)
        target = placed.args[0]
        try:
            wide = reference(name, kind, number, "contiguous", bench.options.seed, True)
            same = reference(name, kind, number, "contiguous", bench.options.seed, False)
        except HotplugError:
            continue
        if not isinstance(target, Tensor) or same[0].shape != tuple(target.shape):
            continue
        if not dtypes.can_cast(dtypes.from_numpy(same[0].dtype), target.dtype):
            continue
        with guarded(bench.runtime):
            getattr(target, f"{OPS[name].name}_")(*placed.args[1:], **placed.kwargs)
        try:
            goal = wide[0].astype(target.dtype.numpy) if same[0].dtype != target.dtype.numpy else wide[0]
            allowed, keeps = tolerance_of(name), bench.runtime.capabilities.denormals
            found = host_values(target)
            worst = max(worst, check(found, goal, target.dtype, allowed, terms=sample.largest(), denormals=keeps))
        except CaseFailedError as error:
            raise CaseFailedError(f"{name}_{sample!r}, sample {number}, {kind.name}: {error}") from error
    return worst


def tested(name: str) -> bool:
    """Whether an op has samples."""
    return recipe_of(name) is not None


__all__ = ["cases", "kinds_of", "run", "tested"]
