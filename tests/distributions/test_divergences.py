"""kl_divergence: every pair that PyTorch has, with its values, gradients and infinities; the registry."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from distributions.cases import CASES, made

import hotplug as hp
from hotplug.distributions import kl_registry

NAMES = sorted({case.name for name, case in CASES.items() if name == case.name})

WRONG = {
    ("ContinuousBernoulli", "Uniform"): "PyTorch says infinity where the interval holds [0, 1], and a number where not",
}
"""Where PyTorch's value is not the divergence: the test below integrates."""

INSIDE = {"Uniform": {"low": (0.1, 0.4), "high": (0.5, 0.9)}}
"""Parameters under which less is infinite."""


def pairs() -> list[tuple[str, str]]:
    found = sorted((p.__name__, q.__name__) for p, q in kl_registry._REGISTRY)
    return [(p, q) for p, q in found if p in CASES and q in CASES]


def of(library: ModuleType, name: str, number: int, grad: bool = False) -> tuple[Any, list[Any]]:
    if name in INSIDE and number == 0:
        draw = np.random.default_rng(3)
        found = {
            key: library.tensor(draw.uniform(*ends, (4, 3))).requires_grad_(grad) for key, ends in INSIDE[name].items()
        }
        return getattr(library.distributions, name)(**found), list(found.values())
    return made(library, name, number, grad)


@pytest.mark.parity
@pytest.mark.parametrize(("p", "q"), pairs())
def test_a_pair(torch: ModuleType, p: str, q: str) -> None:
    if (p, q) in WRONG:
        assert "PyTorch" in WRONG[p, q]
        return
    (one, mine), (two, more) = of(hp, p, 0, True), of(hp, q, 1, True)
    (left, theirs), (right, others) = of(torch, p, 0, True), of(torch, q, 1, True)
    found, expected = hp.distributions.kl_divergence(one, two), torch.distributions.kl_divergence(left, right)
    assert tuple(found.shape) == tuple(expected.shape)
    np.testing.assert_allclose(found.detach().numpy(), expected.detach().numpy(), rtol=2e-9, atol=1e-11)
    finite = torch.isfinite(expected)
    if not expected.requires_grad or not bool(finite.all()):
        return
    found.sum().backward()
    expected.sum().backward()
    for ours, goal in zip([*mine, *more], [*theirs, *others], strict=True):
        assert (ours.grad is None) == (goal.grad is None)
        if goal.grad is not None:
            np.testing.assert_allclose(ours.grad.numpy(), goal.grad.numpy(), rtol=2e-8, atol=1e-9)


@pytest.mark.parity
def test_all_of_pytorchs_pairs_are_there(torch: ModuleType) -> None:
    theirs = {(p.__name__, q.__name__) for p, q in torch.distributions.kl._KL_REGISTRY}
    ours = {(p.__name__, q.__name__) for p, q in kl_registry._REGISTRY}
    assert theirs - ours == set()


@pytest.mark.parametrize(("p", "q"), [
    (hp.distributions.ContinuousBernoulli(hp.tensor(0.3)), hp.distributions.Uniform(hp.tensor(-0.5), hp.tensor(1.5))),
    (hp.distributions.Kumaraswamy(hp.tensor(2.0), hp.tensor(3.0)),) * 2,
])  # fmt: skip
def test_against_an_integral(p: Any, q: Any) -> None:
    grid = (hp.arange(2000).double() + 0.5) / 2000
    terms = p.log_prob(grid).exp() * (p.log_prob(grid) - q.log_prob(grid))
    assert hp.distributions.kl_divergence(p, q).item() == pytest.approx(terms.mean().item(), abs=1e-4)
    narrow = hp.distributions.Uniform(hp.tensor(0.2), hp.tensor(0.8))
    if isinstance(p, hp.distributions.ContinuousBernoulli):
        assert hp.distributions.kl_divergence(p, narrow).item() == float("inf")


def test_the_registry() -> None:
    class Mine(hp.distributions.Normal):
        pass

    p, q = Mine(hp.tensor(0.0), hp.tensor(1.0)), hp.distributions.Normal(hp.tensor(1.0), hp.tensor(1.0))
    assert hp.distributions.kl_divergence(p, q).item() == pytest.approx(0.5)
    try:

        @hp.distributions.register_kl(Mine, hp.distributions.Normal)
        def _(p: Any, q: Any) -> Any:
            return hp.tensor(42.0)

        assert hp.distributions.kl_divergence(p, q).item() == 42.0
        assert hp.distributions.kl_divergence(q, q).item() == 0.0
    finally:
        del kl_registry._REGISTRY[Mine, hp.distributions.Normal]
        kl_registry._chosen.cache_clear()
    with pytest.raises(NotImplementedError, match="Normal and q type Poisson"):
        hp.distributions.kl_divergence(q, hp.distributions.Poisson(1.0))
    with pytest.raises(TypeError, match="register_kl"):
        hp.distributions.register_kl(int, Mine)


def test_independent_and_transformed() -> None:
    d = hp.distributions
    p, q = d.Normal(hp.zeros(3), 1.0), d.Normal(hp.ones(3), 2.0)
    whole = d.kl_divergence(d.Independent(p, 1), d.Independent(q, 1))
    assert whole.item() == pytest.approx(d.kl_divergence(p, q).sum().item())
    logs = d.kl_divergence(d.LogNormal(0.0, 1.0), d.LogNormal(1.0, 2.0))
    assert logs.item() == pytest.approx(d.kl_divergence(d.Normal(0.0, 1.0), d.Normal(1.0, 2.0)).item())
    with pytest.raises(NotImplementedError):
        d.kl_divergence(d.Independent(p, 1), d.Independent(d.Normal(hp.zeros(2, 3), 1.0), 2))
