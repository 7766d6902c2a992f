"""What the tests of the device cpu's compiled kernels share: the tier forced, and results compared with the reference's."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

import hotplug as hp
from hotplug.caches import Bounded
from hotplug.conformance import compare
from hotplug.conformance.tolerance import GRADIENT, TERMS, Tolerance
from hotplug.runtime import runtime_of

quick: Final = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
"""For hypothesis: kernels are compiled within the first examples."""

NEAR: Final = GRADIENT._replace(scale=TERMS)
"""For gradients that cancel to nothing, as those of two standardised numbers do: ulps of the terms."""


@contextmanager
def forced(tier: str) -> Iterator[None]:
    """All calls of the device cpu by one tier, whatever their size; without the extra ``cpu`` the test is skipped."""
    pytest.importorskip("numba", reason="compiled kernels come with the extra cpu")
    from hotplug.backends.cpu import tiers

    runtime = runtime_of("cpu", 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiers, "forced", lambda: tier)
        patch.setattr(runtime, "_kernels", {})
        patch.setattr(runtime, "plans", Bounded())
        yield


def values(shape: Sequence[int], seed: int, kind: str = "float32") -> np.ndarray[Any, Any]:
    """Normal numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(kind)


def arranged(tensor: Any, layout: str) -> Any:
    """A tensor of the same values in another layout: ``plain``, ``turned`` axes, or ``gaps`` between elements."""
    if layout == "turned" and tensor.ndim > 1:
        return tensor.transpose(0, -1).contiguous().transpose(0, -1)
    if layout == "gaps":
        return hp.stack([tensor, tensor], -1)[..., 0]
    return tensor


def results(run: Callable[..., Any], device: str, inputs: Sequence[Any], layout: str = "plain") -> list[Any]:
    """The outputs of ``run`` on a device, and the gradients of its floating inputs, as ndarrays."""
    tensors = [hp.tensor(each, device=device) for each in inputs]
    leaves = [each.requires_grad_() if each.dtype.kind == "f" else each for each in tensors]
    outcome = run(*[arranged(each, layout) for each in leaves])
    outs = outcome if isinstance(outcome, tuple) else (outcome,)
    made = [out for out in outs if out.dtype.kind == "f" and out.requires_grad]
    for place, out in enumerate(made):
        weights = values(out.shape, 91 + place)
        out.backward(hp.tensor(weights, device=device).to(out.dtype), retain_graph=True)
    grads = [each.grad for each in leaves if each.requires_grad]
    return [each.detach().cpu().float().numpy() if each.dtype.kind == "f" else each.cpu().numpy()
            for each in (*outs, *(grad for grad in grads if grad is not None))]  # fmt: skip


def agree(
    run: Callable[..., Any], inputs: Sequence[Any], allowed: Tolerance, layout: str = "plain", terms: float = 1.0
) -> None:
    """Values and gradients of the device cpu are the reference's in float64, as near as the table asks, whatever the
    number of threads.
    """
    single, several = [], []
    before = hp.get_num_threads()
    try:
        for found, threads in ((single, 1), (several, os.cpu_count() or 1)):
            hp.set_num_threads(threads)
            found += results(run, "cpu", inputs, layout)
    finally:
        hp.set_num_threads(before)
    wide = [each.astype(np.float64) if each.dtype.kind == "f" else each for each in inputs]
    expected = results(run, "numpy", wide, layout)
    kind = hp.float32 if all(each.dtype.itemsize != 2 for each in inputs) else hp.float16
    assert len(single) == len(several) == len(expected)
    for one, many, goal in zip(single, several, expected, strict=True):
        assert one.tobytes() == many.tobytes()
        compare.check(one, goal, kind if goal.dtype.kind == "f" else hp.int64, allowed, terms=terms)
