"""Optimizers with more than one launch a parameter: L-BFGS, Adafactor, Muon, SparseAdam."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hotplug as hp
from hotplug import optim
from hotplug.errors import ArgumentError, ArgumentTypeError, DTypeError


def grads(seed: int, *shapes: tuple[int, ...]) -> list[np.ndarray[Any, Any]]:
    draw = np.random.default_rng(seed)
    return [np.asarray(draw.normal(size=shape), np.float32) for shape in shapes]


def run(library: Any, name: str, options: dict[str, Any], shapes: tuple[tuple[int, ...], ...], steps: int) -> list[Any]:
    params = [library.tensor(each).requires_grad_() for each in grads(0, *shapes)]
    optimizer = getattr(library.optim, name)(params, **options)
    for step in range(steps):
        for param, grad in zip(params, grads(step + 1, *shapes), strict=True):
            param.grad = library.tensor(grad)
        optimizer.step()
    return [param.detach().numpy() for param in params]


@pytest.mark.parity
@pytest.mark.parametrize(
    "options",
    [{}, {"lr": 0.05, "weight_decay": 0.1, "maximize": True}, {"beta2_decay": -0.5, "eps": (1e-4, 1e-2), "d": 2.0}],
    ids=str,
)
def test_adafactor(torch: Any, options: dict[str, Any]) -> None:
    shapes = ((4, 6), (5,), (), (2, 3, 4))
    for ours, theirs in zip(*(run(lib, "Adafactor", options, shapes, 12) for lib in (hp, torch)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-6)


def test_adafactor_keeps_rows_and_columns_only() -> None:
    param = hp.zeros(30, 20, requires_grad=True)
    optimizer = optim.Adafactor([param])
    param.grad = hp.ones(30, 20)
    optimizer.step()
    kept = [value.numel() for value in optimizer.state[param].values() if isinstance(value, hp.Tensor)]
    assert sorted(kept) == [20, 30]


@pytest.mark.parity
@pytest.mark.parametrize(
    "options", [{}, {"nesterov": False, "lr": 0.01}, {"adjust_lr_fn": "match_rms_adamw", "weight_decay": 0.0}], ids=str
)
def test_muon(torch: Any, options: dict[str, Any]) -> None:
    """bfloat16 has three digits, and the iteration amplifies what the last one says: the step is compared by size."""
    shapes = ((6, 4), (4, 6), (5, 5))
    start = grads(0, *shapes)
    for ours, theirs, origin in zip(*(run(lib, "Muon", options, shapes, 3) for lib in (hp, torch)), start, strict=True):
        assert np.abs(ours - theirs).max() <= 0.05 * np.abs(theirs - origin).max()


def test_orthogonalised_has_singular_values_near_one() -> None:
    from hotplug.optim.muon import orthogonalised

    matrix = hp.tensor(grads(3, (20, 12))[0])
    found = np.linalg.svd(orthogonalised(matrix, (3.4445, -4.7750, 2.0315), 5, 1e-7).float().numpy())[1]
    assert found.min() > 0.5
    assert found.max() < 1.4


def test_sparse_adam_moves_touched_rows_as_adam_does_and_no_others() -> None:
    """But for where the tiny eps comes in."""
    values, grad = grads(1, (5, 3), (5, 3))
    grad[[0, 3]] = 0
    sparse, dense = (hp.tensor(values).requires_grad_() for _ in range(2))
    optimizers = optim.SparseAdam([sparse], lr=0.1), optim.Adam([dense], lr=0.1)
    for _ in range(3):
        for param, optimizer in zip((sparse, dense), optimizers, strict=True):
            param.grad = hp.tensor(grad)
            optimizer.step()
    np.testing.assert_array_equal(sparse.detach().numpy()[[0, 3]], values[[0, 3]])
    np.testing.assert_allclose(sparse.detach().numpy()[[1, 2, 4]], dense.detach().numpy()[[1, 2, 4]], 1e-4)
    assert optimizers[0].state[sparse]["exp_avg"][0].abs().max().item() == 0


def rosenbrock(library: Any, options: dict[str, Any], steps: int) -> tuple[list[float], int]:
    x = library.tensor([-1.5, 2.0], dtype=library.float64, requires_grad=True)
    optimizer = library.optim.LBFGS([x], **options)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
        loss.backward()
        return loss

    for _ in range(steps):
        optimizer.step(closure)
    return x.tolist(), optimizer.state[x]["func_evals"]


@pytest.mark.parity
@pytest.mark.parametrize(
    "options", [{"lr": 0.001, "max_iter": 7}, {"lr": 0.5, "max_iter": 1, "history_size": 2}], ids=str
)
def test_lbfgs_without_a_search_is_pytorchs(torch: Any, options: dict[str, Any]) -> None:
    ours, theirs = (rosenbrock(library, options, 3) for library in (hp, torch))
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-9)
    assert ours[1] == theirs[1]


def test_lbfgs_with_a_search_finds_the_minimum() -> None:
    place, evaluations = rosenbrock(hp, {"line_search_fn": "strong_wolfe", "max_iter": 100}, 1)
    np.testing.assert_allclose(place, [1, 1], atol=1e-5)
    assert evaluations < 80


def test_lbfgs_with_several_parameters_and_complex_ones() -> None:
    target = [hp.tensor([1.0, -2.0]), hp.tensor([[0.5 + 1j]])]
    params = [hp.zeros(2, requires_grad=True), hp.zeros(1, 1, dtype=hp.complex64, requires_grad=True)]
    optimizer = optim.LBFGS(params, line_search_fn="strong_wolfe")

    def closure() -> Any:
        optimizer.zero_grad()
        loss = sum((param - goal).abs().pow(2).sum() for param, goal in zip(params, target, strict=True))
        loss.backward()
        return loss

    optimizer.step(closure)
    for param, goal in zip(params, target, strict=True):
        np.testing.assert_allclose(param.detach().numpy(), goal.numpy(), atol=1e-4)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda p: optim.LBFGS(p).step(), ArgumentTypeError),
        (lambda p: optim.LBFGS(p, line_search_fn="armijo"), ArgumentError),
        (lambda p: optim.LBFGS([{"params": p}, {"params": [hp.ones(1)]}]), ArgumentError),
        (lambda p: optim.Muon([hp.ones(3)]), ArgumentError),
        (lambda p: optim.Muon(p, adjust_lr_fn="none"), ArgumentError),
        (lambda p: optim.Adafactor(p, d=0.5), ArgumentError),
        (lambda p: optim.Adafactor(p, beta2_decay=0.1), ArgumentError),
        (lambda p: optim.SparseAdam(p, betas=(0.9, 1.0)), ArgumentError),
        (lambda p: optim.Rprop(p, etas=(1.1, 1.2)), ArgumentError),
        (lambda p: optim.Adadelta(p, rho=1.5), ArgumentError),
        (lambda p: optim.RMSprop(p, momentum=-1), ArgumentError),
        (lambda p: optim.NAdam(p, eps=-1), ArgumentError),
        (lambda p: optim.Adagrad(p, lr=-1), ArgumentError),
    ],
)
def test_bad_options(make: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        make([hp.ones(2, 2, requires_grad=True)])


def test_adafactor_refuses_complex_parameters() -> None:
    param = hp.ones(2, dtype=hp.complex64, requires_grad=True)
    param.grad = hp.ones(2, dtype=hp.complex64)
    with pytest.raises(DTypeError, match="complex"):
        optim.Adafactor([param]).step()
