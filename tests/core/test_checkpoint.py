"""Activation checkpointing: the same gradients from less memory."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

import hotplug as hp
from hotplug import nn
from hotplug.errors import ArgumentError
from hotplug.utils.checkpoint import CheckpointError, checkpoint, checkpoint_sequential


def chain(x: hp.Tensor) -> hp.Tensor:
    for _ in range(8):
        x = (x * 1.01).sin().exp()
    return x


def gradient(function: Callable[[hp.Tensor], hp.Tensor], start: hp.Tensor) -> hp.Tensor:
    x = start.clone().requires_grad_()
    function(x).sum().backward()
    assert x.grad is not None
    return x.grad


def peak(function: Callable[[hp.Tensor], hp.Tensor]) -> int:
    x = hp.ones(128, 1024, requires_grad=True)
    gc.collect()
    hp.reset_peak_memory_stats("cpu")
    before = hp.memory_allocated("cpu")
    function(x).sum().backward()
    return (hp.max_memory_allocated("cpu") - before) // x.nbytes


def test_memory_really_drops() -> None:
    def whole(x: hp.Tensor) -> hp.Tensor:
        for _ in range(6):
            x = chain(x)
        return x

    def parts(x: hp.Tensor) -> hp.Tensor:
        for _ in range(6):
            x = checkpoint(chain, x)
        return x

    kept, again = peak(whole), peak(parts)
    assert kept > 90  # two saved tensors for each of the 48 steps
    assert again < 30  # six inputs, and the saved tensors of one part


def test_memory_is_back_after_backward_and_after_the_graph_is_dropped() -> None:
    gc.collect()
    x = hp.ones(100, 100, requires_grad=True)
    before = hp.memory_allocated("cpu")
    y = checkpoint(chain, x).sum()
    y.backward()
    x.grad = None
    assert hp.memory_allocated("cpu") - before <= 256
    y = checkpoint(chain, x).sum()
    y.backward(retain_graph=True)
    x.grad = None
    during = hp.memory_allocated("cpu") - before
    assert during <= 2 * x.nbytes  # what was computed again went with the backward
    del y
    assert hp.memory_allocated("cpu") == before


def test_gradients_are_those_without() -> None:
    start = hp.randn(5, 4, dtype=hp.float64)
    weight = hp.randn(4, 4, dtype=hp.float64, requires_grad=True)

    def layer(x: hp.Tensor, *, scale: hp.Tensor) -> hp.Tensor:
        return (x @ weight * scale).tanh().softmax(-1)

    scale = hp.tensor(1.5, dtype=hp.float64, requires_grad=True)
    grads = []
    for wrapped in (False, True):
        x = start.clone().requires_grad_()
        y = checkpoint(layer, x, scale=scale, use_reentrant=False) if wrapped else layer(x, scale=scale)
        grads.append(hp.autograd.grad((y * y).sum(), [x, weight, scale]))
    assert [each.tolist() for each in grads[0]] == [each.tolist() for each in grads[1]]


def test_only_a_weight_needs_a_gradient() -> None:
    weight = hp.randn(3, 3, requires_grad=True)
    y = checkpoint(lambda x: (x @ weight).exp(), hp.ones(2, 3))
    y.sum().backward()
    assert weight.grad is not None


def test_nested() -> None:
    def inner(x: hp.Tensor) -> hp.Tensor:
        return (x.exp() * x).sin()

    def outer(x: hp.Tensor) -> hp.Tensor:
        x = checkpoint(inner, x.cos())
        return checkpoint(inner, x * x).exp()

    def plain(x: hp.Tensor) -> hp.Tensor:
        x = inner(x.cos())
        return inner(x * x).exp()

    start = hp.randn(7, dtype=hp.float64)
    found = gradient(lambda x: checkpoint(outer, x), start)
    assert found.tolist() == gradient(plain, start).tolist()


def test_second_order() -> None:
    x = hp.randn(4, dtype=hp.float64, requires_grad=True)
    assert hp.autograd.gradcheck(lambda x: checkpoint(chain, x), [x])
    assert hp.autograd.gradgradcheck(lambda x: checkpoint(lambda x: (x * x).exp() * x, x), [x])


def test_how_often_the_function_runs() -> None:
    calls: list[bool] = []

    def function(x: hp.Tensor) -> hp.Tensor:
        calls.append(hp.is_grad_enabled())
        return (x.exp() * x).sin() * x

    x = hp.ones(3, requires_grad=True)
    y = checkpoint(function, x).sum()
    y.backward(retain_graph=True)
    assert len(calls) == 2
    y.backward()
    assert len(calls) == 3
    with hp.no_grad():
        checkpoint(function, x)
    assert calls == [True, True, True, False]


def test_random_numbers_are_the_same() -> None:
    def noisy(x: hp.Tensor) -> hp.Tensor:
        return (x * hp.rand(1000)).exp() * hp.nn.functional.dropout(x, 0.5)

    grads = []
    for wrapped in (False, True):
        hp.manual_seed(5)
        x = hp.ones(1000, requires_grad=True)
        (checkpoint(noisy, x) if wrapped else noisy(x)).sum().backward()
        after = hp.rand(1).item()
        assert x.grad is not None
        grads.append((x.grad.tolist(), after))
    assert grads[0] == grads[1]


def test_a_function_that_differs_is_found_out() -> None:
    sizes = iter([3, 2])

    def other_size(x: hp.Tensor) -> hp.Tensor:
        return x[: next(sizes)].exp().sum()

    x = hp.ones(3, requires_grad=True)
    with pytest.raises(CheckpointError, match="different metadata"):
        checkpoint(other_size, x).backward()
    counts = iter([3, 1])

    def other_count(x: hp.Tensor) -> hp.Tensor:
        for _ in range(next(counts)):
            x = x.exp()
        return x.sum()

    with pytest.raises(CheckpointError, match="3 tensors were saved during the forward pass and 1"):
        checkpoint(other_count, x).backward()


def test_the_contexts_and_wrong_arguments() -> None:
    entered: list[str] = []

    @contextlib.contextmanager
    def noting(name: str) -> Any:
        entered.append(name)
        yield

    x = hp.ones(2, requires_grad=True)
    y = checkpoint(lambda x: x.exp(), x, context_fn=lambda: (noting("first"), noting("again")))
    assert entered == ["first"]
    y.sum().backward()
    assert entered == ["first", "again"]
    with pytest.raises(ArgumentError, match="use_reentrant"):
        checkpoint(chain, x, use_reentrant=True)
    with pytest.raises(ArgumentError, match="determinism_check"):
        checkpoint(chain, x, determinism_check="strict")
    with pytest.raises(ArgumentError, match="segments"):
        checkpoint_sequential([chain], 2, x)


@pytest.mark.parametrize("segments", [1, 2, 3, 5])
def test_sequential(segments: int, torch: ModuleType) -> None:
    model = nn.Sequential(*[nn.Linear(3, 3) if step % 2 else nn.Tanh() for step in range(5)])
    x = hp.randn(2, 3, requires_grad=True)
    expected = hp.autograd.grad(model(x).sum(), [x, *model.parameters()])
    found = hp.autograd.grad(checkpoint_sequential(model, segments, x).sum(), [x, *model.parameters()])
    assert [each.tolist() for each in found] == [each.tolist() for each in expected]
    calls: dict[str, int] = {}
    for library, run in ((hp, checkpoint_sequential), (torch, torch.utils.checkpoint.checkpoint_sequential)):
        seen = []
        steps = [lambda v, seen=seen: seen.append(1) or v.exp() for _ in range(5)]
        y = run(steps, segments, library.ones(2, requires_grad=True), use_reentrant=False)
        y.sum().backward()
        calls[library.__name__] = len(seen)
    assert calls["hotplug"] == calls["torch"]
