"""Every distribution's densities, moments and shapes against PyTorch's, with their gradients."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from distributions.cases import CASES, made, to_hotplug

import hotplug as hp

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore:Singular sample detected")]

PROPERTIES = ("mean", "variance", "stddev", "mode")
MATRICES = ("covariance_matrix", "precision_matrix", "scale_tril", "probs", "logits")

BETTER = {
    ("Kumaraswamy", "mode"): "PyTorch takes the logarithm of a negative number; see test_modes",
}
"""Where PyTorch is wrong or fails."""

ROUGH = {
    "VonMises": (1e-4, "PyTorch's Bessel functions have seven digits; see test_von_mises"),
    "Multinomial": (1e-7, "PyTorch's entropy adds the logarithm of a factorial in float32"),
    "GeneralizedPareto": (2e-5, "compared in float32, since PyTorch's fails in float64"),
}
"""How far values may be off, where not by the rounding of float64, and why."""


def rounding(name: str) -> float:
    return ROUGH.get(name, (2e-9, ""))[0]


def outcome(get: Any) -> Any:
    """The value, or the kind of error where there is none."""
    try:
        return get()
    except (NotImplementedError, AttributeError) as error:
        return type(error)


def same(ours: Any, theirs: Any, what: str, rtol: float) -> None:
    """Equal shape, dtype and values, within the rounding of a chain of functions in float64."""
    if isinstance(theirs, type) or isinstance(ours, type):
        assert ours is theirs, f"{what}: {ours}, PyTorch has {theirs}"
        return
    assert tuple(ours.shape) == tuple(theirs.shape), what
    assert ours.dtype.name == str(theirs.dtype).removeprefix("torch."), what
    found, expected = ours.detach().numpy(), theirs.detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol / 100, err_msg=what)


@pytest.mark.parametrize("name", CASES)
def test_moments(torch: ModuleType, name: str) -> None:
    ours, theirs = made(hp, name)[0], made(torch, name)[0]
    assert tuple(ours.batch_shape) == tuple(theirs.batch_shape)
    assert tuple(ours.event_shape) == tuple(theirs.event_shape)
    assert (ours.has_rsample, ours.has_enumerate_support) == (theirs.has_rsample, theirs.has_enumerate_support)
    for key in (*PROPERTIES, *MATRICES):
        if (name, key) not in BETTER:
            same(
                outcome(lambda key=key: getattr(ours, key)),
                outcome(lambda key=key: getattr(theirs, key)),
                key,
                rounding(name),
            )
    same(outcome(ours.entropy), outcome(theirs.entropy), "entropy", rounding(name))
    same(outcome(ours.perplexity), outcome(theirs.perplexity), "perplexity", rounding(name))


@pytest.mark.parametrize("name", CASES)
def test_densities(torch: ModuleType, name: str) -> None:
    ours, theirs = made(hp, name)[0], made(torch, name)[0]
    torch.manual_seed(0)
    values = theirs.sample((5,))
    same(ours.log_prob(to_hotplug(values)), theirs.log_prob(values), "log_prob", rounding(name))
    same(outcome(lambda: ours.cdf(to_hotplug(values))), outcome(lambda: theirs.cdf(values)), "cdf", rounding(name))
    shares = (
        torch.linspace(0.05, 0.95, 4)
        .to(values.dtype if values.is_floating_point() else torch.float64)
        .reshape((4, *(1,) * len(theirs.batch_shape)))
    )
    same(outcome(lambda: ours.icdf(to_hotplug(shares))), outcome(lambda: theirs.icdf(shares)), "icdf", rounding(name))
    if theirs.has_enumerate_support:
        for expand in (True, False):
            same(ours.enumerate_support(expand), theirs.enumerate_support(expand), "enumerate_support", rounding(name))


@pytest.mark.parametrize("name", CASES)
def test_gradients(torch: ModuleType, name: str) -> None:
    """Of the density and of the entropy, for all parameters."""
    ours, mine = made(hp, name, grad=True)
    theirs, parameters = made(torch, name, grad=True)
    torch.manual_seed(0)
    with torch.no_grad():
        values = theirs.sample((2,))
    ours.log_prob(to_hotplug(values)).sum().backward()
    theirs.log_prob(values).sum().backward()
    for one, other in zip(mine, parameters, strict=True):
        assert (one.grad is None) == (other.grad is None)
        if other.grad is not None:
            same(one.grad, other.grad, "gradient", rounding(name))


@pytest.mark.parametrize("name", CASES)
def test_expand(torch: ModuleType, name: str) -> None:
    ours, theirs = made(hp, name)[0], made(torch, name)[0]
    shape = (2, *theirs.batch_shape)
    torch.manual_seed(1)
    wide, goal = ours.expand(shape), theirs.expand(shape)
    assert type(wide) is type(ours)
    assert tuple(wide.batch_shape) == shape
    values = goal.sample()
    same(wide.log_prob(to_hotplug(values)), goal.log_prob(values), "log_prob", rounding(name))
    same(outcome(lambda: wide.mean), outcome(lambda: goal.mean), "mean", rounding(name))
    assert tuple(wide.sample((3,)).shape) == tuple(goal.sample((3,)).shape)


@pytest.mark.parametrize("name", CASES)
def test_float32(torch: ModuleType, name: str) -> None:
    ours, theirs = made(hp, name, dtype="float32")[0], made(torch, name, dtype="float32")[0]
    torch.manual_seed(0)
    values = theirs.sample((3,))
    found, expected = ours.log_prob(to_hotplug(values)), theirs.log_prob(values)
    assert found.dtype is hp.float32
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=2e-4, atol=2e-4)
    assert str(ours.sample().dtype).rpartition(".")[2] == str(theirs.sample().dtype).rpartition(".")[2]


@pytest.mark.parametrize("name", CASES)
def test_constraints(torch: ModuleType, name: str) -> None:
    """The same parameters are constrained, and the support holds PyTorch's samples."""
    ours, theirs = made(hp, name)[0], made(torch, name)[0]
    assert set(ours.arg_constraints) == set(theirs.arg_constraints)
    assert (ours.support.event_dim, ours.support.is_discrete) == (theirs.support.event_dim, theirs.support.is_discrete)
    values = theirs.sample((3,))
    found = ours.support.check(to_hotplug(values))
    assert tuple(found.shape) == tuple(theirs.support.check(values).shape)
    assert bool(found.all())


def test_modes() -> None:
    """Where PyTorch has none: the largest density on a grid."""
    for name in ("Kumaraswamy",):
        ours = getattr(hp.distributions, name)(hp.tensor(2.5), hp.tensor(3.5))
        grid = hp.linspace(0.001, 0.999, 999)
        assert ours.mode.item() == pytest.approx(grid[ours.log_prob(grid).argmax()].item(), abs=2e-3)
    both = hp.distributions.Dirichlet(hp.tensor([[0.5, 0.9, 0.2], [3.0, 2.0, 2.0]])).mode
    np.testing.assert_allclose(both.numpy(), [[1, 0, 0], [0.5, 0.25, 0.25]], rtol=1e-6)


def test_von_mises() -> None:
    """Against SciPy, whose Bessel functions have all digits."""
    stats = pytest.importorskip("scipy.stats", reason="the oracle; it comes with the extras cpu and test")
    angle = np.linspace(-3, 3, 13)
    for concentration in (0.2, 3.0, 40.0):
        ours = hp.distributions.VonMises(hp.tensor(0.5, dtype=hp.float64), hp.tensor(concentration, dtype=hp.float64))
        law = stats.vonmises(concentration, 0.5)
        np.testing.assert_allclose(ours.log_prob(hp.tensor(angle)).numpy(), law.logpdf(angle), rtol=1e-11)
