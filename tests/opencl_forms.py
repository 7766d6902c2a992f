"""What the tests of OpenCL's composites share: the kernels for a processor and those for a GPU, both on one device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from devices import needed
from hypothesis import HealthCheck, settings

import hotplug as hp
from hotplug.conformance.compare import check
from hotplug.conformance.tolerance import GRADIENT, tolerance_of
from hotplug.runtime import Runtime

DEVICE = "opencl:0"
FORMS = ("processor", "gpu")
quick = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@contextmanager
def form_of(form: str) -> Iterator[Runtime]:
    """The device with the kernels of one kind of hardware, whichever it is."""
    runtime = needed(DEVICE)
    device: Any = runtime.backend.device(runtime.index)  # type: ignore[attr-defined]
    before = device.is_processor
    device.is_processor = form == "processor"
    _forget(runtime)
    try:
        yield runtime
    finally:
        device.is_processor = before
        _forget(runtime)


def _forget(runtime: Runtime) -> None:
    runtime.plans.clear()
    runtime._kernels.clear()


def used(runtime: Runtime, *names: str) -> bool:
    """Whether the device has run its own kernels of these composites."""
    return {key.name for key, kernel in runtime._kernels.items() if kernel is not None}.issuperset(names)


def agree(
    op: str, make: Callable[..., Any], shapes: Sequence[tuple[int, ...]], kind: Any = hp.float32, seed: int = 0
) -> None:
    """Result and gradients on the device, and on the reference in float64, within the table's tolerances."""
    rng = np.random.default_rng(seed)
    arrays = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
    found = []
    for device, dtype in ((DEVICE, kind), ("numpy", hp.float64)):
        given = [hp.tensor(each).to(kind).to(dtype).to(device).requires_grad_() for each in arrays]
        out = make(*given)
        weight = hp.tensor(np.cos(np.arange(out.numel()))).to(kind).to(dtype).to(device).reshape(out.shape)
        out.backward(weight)
        found.append([each.detach().cpu().double().numpy() for each in (out, *(x.grad for x in given))])
    for number, (actual, expected) in enumerate(zip(*found, strict=True)):
        what = f"gradient {number}" if number else op
        check(actual, expected, kind, GRADIENT if number else tolerance_of(op), what, terms=1.0)
