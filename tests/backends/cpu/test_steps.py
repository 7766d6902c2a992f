"""Optimizers' steps over lists of parameters, and the norm of a list, by compiled kernels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from compiled_tier import forced, quick, values
from hypothesis import given, strategies as st

import hotplug as hp
from hotplug.conformance import compare
from hotplug.conformance.tolerance import TRAINING

SHAPES = [(300, 200), (7,), (), (0, 3), (40, 30, 20), (16384,), (16385,), (1, 2)]
OPTIMIZERS: dict[str, Callable[..., Any]] = {
    "sgd": lambda p: hp.optim.SGD(p, 0.1, weight_decay=0.1),
    "momentum": lambda p: hp.optim.SGD(p, 0.1, momentum=0.9, nesterov=True),
    "adam": lambda p: hp.optim.Adam(p, 0.01, maximize=True),
    "adamw": lambda p: hp.optim.AdamW(p, 0.01),
    "amsgrad": lambda p: hp.optim.Adam(p, 0.01, amsgrad=True),
    "rmsprop": lambda p: hp.optim.RMSprop(p, 0.01, momentum=0.5, centered=True),
    "adagrad": lambda p: hp.optim.Adagrad(p, 0.01),
    "radam": lambda p: hp.optim.RAdam(p, 0.01),
}


@pytest.fixture(autouse=True, scope="module")
def _compiled() -> Iterator[None]:
    with forced("compiled"):
        yield


def _trained(make: Callable[..., Any], device: str, kind: Any, steps: int = 3) -> list[np.ndarray[Any, Any]]:
    parameters = [hp.tensor(values(s, i), device=device).to(kind).requires_grad_() for i, s in enumerate(SHAPES)]
    optimizer = make(parameters)
    for step in range(steps):
        for i, parameter in enumerate(parameters):
            parameter.grad = hp.tensor(values(SHAPES[i], 100 * step + i), device=device).to(kind)
        optimizer.step()
    return [each.detach().cpu().double().numpy() for each in parameters]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_is_the_reference_s(name: str) -> None:
    found, goal = (_trained(OPTIMIZERS[name], device, hp.float32) for device in ("cpu", "numpy"))
    for one, other in zip(found, goal, strict=True):
        compare.check(one, other, hp.float32, TRAINING, terms=1.0)


@pytest.mark.parametrize("kind", [hp.float16, hp.bfloat16, hp.float64])
def test_other_dtypes(kind: Any) -> None:
    found, goal = (_trained(OPTIMIZERS["adamw"], device, kind) for device in ("cpu", "numpy"))
    for one, other in zip(found, goal, strict=True):
        compare.check(one, other, kind, TRAINING, terms=1.0)


def test_the_number_of_threads_changes_no_bit() -> None:
    before = hp.get_num_threads()
    try:
        hp.set_num_threads(1)
        single = _trained(OPTIMIZERS["adamw"], "cpu", hp.float32)
        hp.set_num_threads(8)
        several = _trained(OPTIMIZERS["adamw"], "cpu", hp.float32)
    finally:
        hp.set_num_threads(before)
    assert all(one.tobytes() == other.tobytes() for one, other in zip(single, several, strict=True))


def test_one_launch_for_all() -> None:
    """A parameter in another order of memory has a launch of its own, with the same result."""
    results = []
    for device in ("cpu", "numpy"):
        plain = hp.tensor(values((30, 20), 1), device=device).requires_grad_()
        turned = hp.tensor(values((20, 30), 2), device=device).t().requires_grad_()
        optimizer = hp.optim.Adam([plain, turned])
        for each in (plain, turned):
            each.grad = hp.tensor(values((30, 20), 3), device=device)
        optimizer.step()
        results.append([plain.detach().cpu().numpy(), turned.detach().cpu().numpy()])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


@quick
@given(
    shapes=st.lists(st.lists(st.integers(0, 200), max_size=2), min_size=1, max_size=5),
    order=st.sampled_from([2.0, 1.0, 3.0, np.inf]),
)
def test_the_norm_of_gradients(shapes: list[list[int]], order: float) -> None:
    arrays = [values(shape, i) for i, shape in enumerate(shapes)]
    found, goal = (
        hp.nn.utils.get_total_norm([hp.tensor(each, device=device) for each in arrays], order).item()
        for device in ("cpu", "numpy")
    )
    assert found == pytest.approx(goal, rel=1e-6)


def test_the_norm_of_large_and_of_infinite_numbers() -> None:
    large = hp.full((20000,), 1e30, device="cpu")
    assert hp.nn.utils.get_total_norm([large]).item() == pytest.approx(1e30 * 20000**0.5, rel=1e-6)
    large[3] = np.inf
    assert hp.nn.utils.get_total_norm([large]).item() == np.inf
    large[5] = np.nan
    assert np.isnan(hp.nn.utils.get_total_norm([large]).item())
