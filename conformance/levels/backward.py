"""Level 3: gradients against the analytic ones of the reference in float64."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from hotplug import autograd, dtypes, ops
from hotplug.conformance import sampling
from hotplug.conformance.case import Bench, Case, CaseFailedError, Options, Unsupported
from hotplug.conformance.compare import check
from hotplug.conformance.draw import Draw, Sample
from hotplug.conformance.guard import guarded
from hotplug.conformance.levels.forward import REFERENCE, called, reference, supported
from hotplug.conformance.place import WIDER, Placed, host_values, tensor
from hotplug.conformance.samples import recipe_of, samples_of
from hotplug.conformance.tolerance import GRADIENT
from hotplug.declare import OPS
from hotplug.dtypes import by_name, dtype
from hotplug.errors import CapabilityError, DTypeError, HotplugError
from hotplug.host_execution import HostExecutionError
from hotplug.tensor import Tensor

NDArray = np.ndarray[Any, Any]


def cases(options: Options) -> Iterator[Case]:
    """Gradients of every op that has any, in the dtypes that sampling chooses, and in its first dtype strided in turns."""
    for name in differentiable():
        recipe = recipe_of(name) or _none()
        accepted = [each for each in dtypes.ALL if each.kind in "fc" and each.kind in recipe.kinds]
        kinds = sampling.kinds(name, accepted, options)
        for kind in kinds:
            yield Case(3, name, kind.name, "gradient", functools.partial(run, name, kind, "contiguous"))
        if recipe.layouts and "sliced" in sampling.layouts(name, True, options):
            yield Case(3, name, kinds[0].name, "gradient-sliced", functools.partial(run, name, kinds[0], "sliced"))


def _none() -> Any:
    raise LookupError("an op without samples has no gradient cases")


def differentiable() -> list[str]:
    """The ops whose gradients are tested."""
    found = []
    for name in OPS:
        recipe = recipe_of(name)
        if recipe is not None and recipe.gradient and set("fc") & set(recipe.kinds):
            found.append(name)
    return found


def run(name: str, kind: dtype, layout: str, bench: Bench) -> float:
    """The gradients of all samples of an op, each weighted by fixed random numbers."""
    supported(bench, kind)
    worst = 0.0
    # What is not elementwise may be a kernel of the backend's own, with a backward for every flag.
    everything = layout == "contiguous" and OPS[name].kind != "elementwise"
    for number, sample in sampling.chosen(name, kind, bench.options, everything, gradient=True):
        goal = expected(name, kind, number, bench.options.seed)
        if not goal:
            continue
        try:
            with guarded(bench.runtime):
                found = gradients(name, sample, bench.device, kind, layout, number=number)
            for position, (values, like) in enumerate(zip(found, goal, strict=True)):
                what, keeps = f"gradient of tensor {position}", bench.runtime.capabilities.denormals
                worst = max(worst, check(values, like, kind, GRADIENT, what, denormals=keeps))
        except HostExecutionError as error:
            raise Unsupported(str(error)) from error
        except CapabilityError:
            continue
        except (CaseFailedError, HotplugError) as error:
            if isinstance(error, DTypeError) and _refused(name, kind, number, bench.options.seed):
                continue
            raise CaseFailedError(f"{name}{sample!r}, sample {number}, {kind.name}, {layout}: {error}") from error
    return worst


def _refused(name: str, kind: dtype, number: int, seed: int) -> bool:
    """Whether the op takes no tensors of the dtype anywhere; the wider ones of the expected gradients hide that."""
    try:
        reference(name, kind, number, "contiguous", seed, False)
    except DTypeError:
        return True
    return False


@functools.lru_cache(maxsize=4096)
def expected(name: str, kind: dtype, number: int, seed: int) -> tuple[NDArray, ...]:
    """The analytic gradients on the reference device in float64; none where the op refuses or has none."""
    sample = samples_of(name, kind.kind, seed)[number]
    try:
        return tuple(gradients(name, sample, REFERENCE, kind, "contiguous", number=number, wide=True))
    except HotplugError:
        return ()


def gradients(
    name: str, sample: Sample, device: str, kind: dtype, layout: str, *, number: int = 0, wide: bool = False
) -> list[NDArray]:
    """Gradients of ``sum(output * weight)`` over all floating outputs for all leaves; zeros where there is none."""
    placed = Placed(sample, device, kind, layout, wide=wide, grad=True, writes=name.endswith("_"))
    found = called(name, placed)
    targets = [each for each in found if isinstance(each, Tensor) and each.requires_grad]
    if not targets:
        return []
    weights = [_weight(name, each, device, kind, wide, number * 16 + at) for at, each in enumerate(targets)]
    grads = autograd.grad(targets, placed.leaves, weights, allow_unused=True)
    return [
        host_values(ops.zeros_like(leaf) if each is None else each)
        for each, leaf in zip(grads, placed.leaves, strict=True)
    ]


def _weight(name: str, like: Tensor, device: str, kind: dtype, wide: bool, number: int) -> Tensor:
    drawn = Draw(f"{name}/weight{number}", like.dtype.kind)(*like.shape, low=0.5, high=1.5).values
    narrow = kind if kind.kind == like.dtype.kind else (kind.real if like.dtype.kind == "f" else kind.to_complex())
    rounded = drawn.astype(narrow.numpy)
    target = by_name(WIDER.get(like.dtype.name, like.dtype.name)) if wide else like.dtype
    return tensor(device, rounded.astype(target.numpy), target)
