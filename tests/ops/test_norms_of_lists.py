"""The norm of a list of tensors: one composite, which a backend may override."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import hotplug as hp
from hotplug.caches import Bounded
from hotplug.nn import utils
from hotplug.ops.norms_of_lists import norm_of_list
from hotplug.runtime import runtime_of

SHAPES = ((2, 3), (4,), (), (0, 2))


@pytest.mark.parametrize("order", [0.0, 1.0, 2.0, 3.0, math.inf])
def test_values(order: float) -> None:
    draw = np.random.default_rng(0)
    arrays = [draw.normal(size=shape) for shape in SHAPES[:3]]
    found = norm_of_list([hp.tensor(each) for each in arrays], order)
    together = np.concatenate([each.reshape(-1) for each in arrays])
    expected = np.count_nonzero(together) if order == 0 else np.linalg.norm(together, order)
    assert found.item() == pytest.approx(3.0 if order == 0 else expected)  # the norms of three that aren't 0
    assert found.shape == ()


def test_a_backend_is_asked_once_with_the_whole_list(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    runtime = runtime_of("cpu", 0)
    original = runtime.backend.resolve

    def resolve(index: int, key: Any) -> Any:
        kernel = original(index, key)
        if key.name != "norm_of_list":
            return kernel
        return lambda outs, inputs, scalars: asked.append((len(inputs), key.dtypes, list(scalars)))

    monkeypatch.setattr(runtime.backend, "resolve", resolve)
    monkeypatch.setattr(runtime, "_kernels", {})
    monkeypatch.setattr(runtime, "plans", Bounded())
    parameters = [hp.nn.Parameter(hp.ones(shape)) for shape in SHAPES]
    for each in parameters:
        each.grad = hp.ones_like(each)
    assert utils.clip_grad_norm_(parameters, 1.0).shape == ()
    assert asked == [(4, (hp.float32,) * 5, [2.0])]


def test_gradients_of_several_dtypes_are_taken_together() -> None:
    parameters = [hp.nn.Parameter(hp.ones(3)), hp.nn.Parameter(hp.ones(4, dtype=hp.float64))]
    for each in parameters:
        each.grad = hp.full_like(each, 2.0)
    total = utils.clip_grad_norm_(parameters, 1.0)
    assert total.item() == pytest.approx(math.sqrt(28))
    assert parameters[1].grad is not None
    assert parameters[1].grad.tolist() == pytest.approx([2 / math.sqrt(28)] * 4)
