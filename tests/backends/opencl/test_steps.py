"""Optimizers' steps over lists: the bits of ``cpu``, and few launches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hotplug as hp
from hotplug.conformance.calls import download

SHAPES = [(3,), (50, 60), (5000,), (1,), (7, 11), (0,), *[(each + 1,) for each in range(20)]]
STEPS: dict[str, Any] = {
    "AdamW": lambda each: hp.optim.AdamW(each, lr=0.01),
    "Adam, amsgrad": lambda each: hp.optim.Adam(each, lr=0.01, weight_decay=0.1, amsgrad=True),
    "SGD": lambda each: hp.optim.SGD(each, lr=0.1),
    "SGD, momentum": lambda each: hp.optim.SGD(each, lr=0.1, momentum=0.9, nesterov=True),
    "two rates": lambda each: hp.optim.Adam([{"params": each[:9], "lr": 0.1}, {"params": each[9:]}]),
}


def trained(device: str, make: Any, kind: Any) -> tuple[list[Any], int]:
    """Parameters after three steps, and how many kernels one step queued."""
    rng = np.random.default_rng(0)
    weights = [hp.tensor(rng.standard_normal(shape), dtype=kind, device=device).requires_grad_() for shape in SHAPES]
    optimizer, launches = make(weights), 0
    for _ in range(3):
        for each in weights:
            each.grad = hp.tensor(rng.standard_normal(each.shape), dtype=kind, device=device)
        before = queued(device)
        optimizer.step()
        launches = queued(device) - before
    return [download(each.detach()._array) for each in weights], launches


def queued(device: str) -> int:
    """Kernels that an OpenCL device has queued so far."""
    backend: Any = hp.runtime.resolve_runtime(device).backend
    return int(backend.device(0).launches) if device.startswith("opencl") else 0


@pytest.mark.parametrize("name", STEPS)
def test_steps_have_the_bits_of_cpu_in_few_launches(opencl: Any, name: str) -> None:
    found, launches = trained("opencl:0", STEPS[name], hp.float32)
    for ours, theirs in zip(found, trained("cpu", STEPS[name], hp.float32)[0], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert 0 < launches <= 8, f"{launches} launches for {len(SHAPES)} parameters"


def test_half_types(opencl: Any) -> None:
    found, _ = trained("opencl:0", STEPS["SGD"], hp.bfloat16)
    for ours, theirs in zip(found, trained("numpy", STEPS["SGD"], hp.bfloat16)[0], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_masks_of_dropout_are_those_of_cpu(opencl: Any) -> None:
    masks = []
    for device in ("cpu", "opencl:0"):
        hp.manual_seed(3)
        dropped = hp.nn.functional.dropout(hp.ones(1000, device=device), 0.3)
        masks.append([dropped.cpu().tolist(), hp.rand(5, device=device).cpu().tolist()])
    assert masks[0] == masks[1]
