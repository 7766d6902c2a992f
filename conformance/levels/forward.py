"""Level 2: every declared op forward."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from hotplug import dtypes
from hotplug.conformance import golden, sampling
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


def cases(options: Options) -> Iterator[Case]:
    """Every op, in the dtypes and layouts that :mod:`hotplug.conformance.sampling` chooses."""
    for name in OPS:
        recipe = recipe_of(name)
        if recipe is None:
            continue
        accepted = [each for each in dtypes.ALL if each.kind in recipe.kinds]
        for position, kind in enumerate(sampling.kinds(name, accepted or [dtypes.float32], options)):
            for layout in sampling.layouts(name, position == 0, options) if recipe.layouts else LAYOUTS[:1]:
                if layout == "expanded" and name.endswith("_"):
                    continue  # memory that several elements share can't be written
                everything = position == 0 and layout == LAYOUTS[0]
                yield Case(2, name, kind.name, layout, functools.partial(run, name, kind, layout, everything))
            if position == 0 and OPS[name].inplace:
                yield Case(2, name, kind.name, "inplace", functools.partial(run_inplace, name, kind))


def supported(bench: Bench, kind: dtype) -> None:
    """Raise Unsupported where the device says that it lacks the dtype."""
    parts = kind.real if kind.kind == "c" else kind
    if parts not in bench.runtime.capabilities.arithmetic:
        raise Unsupported(f"the device does not compute in {parts.name}")


def run(name: str, kind: dtype, layout: str, everything: bool, bench: Bench) -> float:
    """The samples of an op in one dtype and layout; ``everything``: all of them in the default run too."""
    worst = 0.0
    for number, sample in sampling.chosen(name, kind, bench.options, everything):
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
    except HotplugError as error:
        if not (isinstance(error, DTypeError) or layout == "expanded"):
            raise CaseFailedError(f"the sample is wrong: {error}") from error
        # Recipes serve several ops, of which some refuse a dtype, or memory that several elements share.
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


def _same_error(name: str, sample: Sample, kind: dtype, layout: str, bench: Bench, expected: HotplugError) -> None:
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
    for number, sample in sampling.chosen(name, kind, bench.options, False):
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
