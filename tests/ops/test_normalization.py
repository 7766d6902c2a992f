"""Batch, layer, group, instance and root-mean-square normalisation; lengths and angles."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from oracle import agree, agree_on, close, same_error

import hotplug as hp
from hotplug.autograd import gradcheck, gradgradcheck
from hotplug.nn import functional as F


def running(t: Any, channels: int = 3) -> tuple[Any, Any]:
    return t.full((channels,), 0.3, dtype=t.float64), t.full((channels,), 2.0, dtype=t.float64)


@pytest.mark.parity
@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 5), (2, 3, 4, 4)])
def test_batch_norm(torch: ModuleType, shape: tuple[int, ...]) -> None:
    agree(torch, lambda t, F, x, w, b: F.batch_norm(x, *running(t), w, b, True), shape, (3,), (3,))
    agree(torch, lambda t, F, x, w, b: F.batch_norm(x, *running(t), w, b, False, eps=1e-2), shape, (3,), (3,))
    agree(torch, lambda t, F, x: F.batch_norm(x, None, None, training=True), shape)
    agree(torch, lambda t, F, x, b: F.batch_norm(x, None, None, None, b, True), shape, (3,), order=1)
    agree(torch, lambda t, F, x, w: F.batch_norm(x, None, None, w, None, True), shape, (3,), order=1)


@pytest.mark.parity
def test_running_statistics(torch: ModuleType) -> None:
    def program(t: Any, F: Any, x: Any) -> Any:
        mean, variance = running(t)
        first = F.batch_norm(x, mean, variance, training=True, momentum=0.3)
        return first, mean, variance, F.batch_norm(x, mean, variance)

    agree(torch, program, (4, 3, 5))

    def by_instance(t: Any, F: Any, x: Any) -> Any:
        mean, variance = running(t)
        return F.instance_norm(x, mean, variance, momentum=0.3), mean, variance

    agree(torch, by_instance, (4, 3, 5))


@pytest.mark.parity
def test_layers_groups_instances(torch: ModuleType) -> None:
    agree(torch, lambda t, F, x, w, b: F.layer_norm(x, (4, 5), w, b), (3, 4, 5), (4, 5), (4, 5))
    agree(torch, lambda t, F, x: F.layer_norm(x, (5,)), (3, 4, 5))
    agree(torch, lambda t, F, x, w: F.layer_norm(x, (5,), w), (3, 4, 5), (5,))
    agree(torch, lambda t, F, x, w, b: F.group_norm(x, 2, w, b), (3, 4, 5), (4,), (4,))
    agree(torch, lambda t, F, x: F.group_norm(x, 4), (3, 4, 2, 2))
    agree(torch, lambda t, F, x, w, b: F.instance_norm(x, None, None, w, b), (3, 4, 5), (4,), (4,))
    agree(torch, lambda t, F, x: F.instance_norm(x, *running(t, 4), use_input_stats=False), (3, 4, 5))
    agree(torch, lambda t, F, x, w: F.rms_norm(x, (5,), w), (3, 4, 5), (5,))
    agree(torch, lambda t, F, x: F.rms_norm(x, (4, 5), eps=1e-3), (3, 4, 5))


@pytest.mark.parity
def test_lengths_and_angles(torch: ModuleType) -> None:
    agree(torch, lambda t, F, x: (F.normalize(x, dim=0), F.normalize(x, p=3.0)), (3, 4))
    agree(torch, lambda t, F, x, y: F.cosine_similarity(x, y, dim=-1), (3, 1, 4), (2, 4))
    agree(torch, lambda t, F, x, y: F.pairwise_distance(x, y), (3, 4), (3, 4))
    agree(torch, lambda t, F, x, y: F.pairwise_distance(x, y, p=1, keepdim=True), (3, 4), (3, 4))


@pytest.mark.parity
def test_zero_vectors(torch: ModuleType) -> None:
    zero = np.zeros((2, 3))
    agree_on(torch, lambda t, F, x: F.normalize(x), [zero], order=0)
    agree_on(torch, lambda t, F, x, y: F.cosine_similarity(x, y), [zero, np.ones((2, 3))], order=0)


@pytest.mark.parity
@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_half_types_keep_their_statistics_in_float32(torch: ModuleType, name: str) -> None:
    values = np.random.default_rng(0).normal(100.0, 1.0, (8, 64)).astype(np.float32)
    found = []
    for t, functional in ((hp, F), (torch, torch.nn.functional)):
        x = t.tensor(values).to(getattr(t, name))
        found.append([functional.layer_norm(x, (64,)).float(), functional.group_norm(x, 4).float()])
    for ours, theirs in zip(*found, strict=True):
        close(ours, theirs, name, rtol=2e-2, atol=2e-2)


def test_gradients_are_numerical_ones() -> None:
    draw = np.random.default_rng(0)
    x, w, b = (hp.tensor(draw.normal(size=size), requires_grad=True) for size in ((3, 2, 3), (2,), (2,)))
    norm = lambda x, w, b: F.batch_norm(x, None, None, w, b, True)  # noqa: E731
    assert gradcheck(norm, (x, w, b))
    assert gradgradcheck(norm, (x, w, b))
    layer = lambda x: F.layer_norm(x, (2, 3)) * F.rms_norm(x, (3,))  # noqa: E731
    assert gradgradcheck(layer, x)


def test_a_second_backward_through_saved_statistics() -> None:
    x = hp.tensor(np.random.default_rng(0).normal(size=(4, 3)), requires_grad=True)
    out = F.layer_norm(x, (3,))
    out.pow(2).sum().backward(retain_graph=True)
    first = x.grad
    assert first is not None
    x.grad = None
    out.pow(2).sum().backward()
    np.testing.assert_array_equal(first.numpy(), x.grad.numpy())


BAD = {
    "one value": lambda t, F: F.batch_norm(t.zeros(1, 3), None, None, training=True),
    "no statistics": lambda t, F: F.batch_norm(t.zeros(2, 3), None, None),
    "channels": lambda t, F: F.batch_norm(t.zeros(2, 3), t.zeros(4), t.zeros(4)),
    "weight": lambda t, F: F.batch_norm(t.zeros(2, 3), t.zeros(3), t.ones(3), t.zeros(4)),
    "integers": lambda t, F: F.batch_norm(t.zeros(2, 3, dtype=t.int64), None, None, training=True),
    "layer shape": lambda t, F: F.layer_norm(t.zeros(2, 3), (4,)),
    "layer weight": lambda t, F: F.layer_norm(t.zeros(2, 3), (3,), t.zeros(4)),
    "layer without axes": lambda t, F: F.layer_norm(t.zeros(2, 3), ()),
    "groups": lambda t, F: F.group_norm(t.zeros(2, 3, 4), 2),
    "instances of one element": lambda t, F: F.instance_norm(t.zeros(2, 3, 1)),
    "rms shape": lambda t, F: F.rms_norm(t.zeros(2, 3), (4,)),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", BAD)
def test_bad_input(torch: ModuleType, name: str) -> None:
    same_error(torch, BAD[name])
