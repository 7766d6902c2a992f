"""Samples by their laws and moments, and the gradients of reparameterised ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from distributions.cases import CASES, made

import hotplug as hp

stats = pytest.importorskip("scipy.stats", reason="the oracle; it comes with the extras cpu and test")

d = hp.distributions
COUNT = 2000
PLAIN = sorted(name for name, case in CASES.items() if name == case.name)
WITHOUT_VARIANCE = {"Cauchy", "HalfCauchy", "StudentT", "Pareto", "FisherSnedecor", "InverseGamma", "GeneralizedPareto"}
"""Laws of such tails that sample moments mean little; those below compare some of them whole."""

LAWS: dict[str, tuple[Any, Any]] = {
    "Normal": (lambda: d.Normal(1.0, 2.0), lambda: stats.norm(1, 2)),
    "Laplace": (lambda: d.Laplace(1.0, 2.0), lambda: stats.laplace(1, 2)),
    "Cauchy": (lambda: d.Cauchy(1.0, 2.0), lambda: stats.cauchy(1, 2)),
    "Gumbel": (lambda: d.Gumbel(1.0, 2.0), lambda: stats.gumbel_r(1, 2)),
    "LogNormal": (lambda: d.LogNormal(0.5, 0.7), lambda: stats.lognorm(0.7, scale=np.exp(0.5))),
    "HalfNormal": (lambda: d.HalfNormal(2.0), lambda: stats.halfnorm(scale=2)),
    "HalfCauchy": (lambda: d.HalfCauchy(2.0), lambda: stats.halfcauchy(scale=2)),
    "Uniform": (lambda: d.Uniform(-1.0, 2.0), lambda: stats.uniform(-1, 3)),
    "Exponential": (lambda: d.Exponential(2.0), lambda: stats.expon(scale=0.5)),
    "Gamma": (lambda: d.Gamma(0.7, 2.0), lambda: stats.gamma(0.7, scale=0.5)),
    "InverseGamma": (lambda: d.InverseGamma(2.5, 2.0), lambda: stats.invgamma(2.5, scale=2)),
    "Chi2": (lambda: d.Chi2(3.0), lambda: stats.chi2(3)),
    "Beta": (lambda: d.Beta(0.7, 2.0), lambda: stats.beta(0.7, 2)),
    "StudentT": (lambda: d.StudentT(2.5, 1.0, 2.0), lambda: stats.t(2.5, 1, 2)),
    "FisherSnedecor": (lambda: d.FisherSnedecor(3.0, 5.0), lambda: stats.f(3, 5)),
    "Pareto": (lambda: d.Pareto(2.0, 3.0), lambda: stats.pareto(3, scale=2)),
    "GeneralizedPareto": (lambda: d.GeneralizedPareto(1.0, 2.0, 0.3), lambda: stats.genpareto(0.3, 1, 2)),
    "Weibull": (lambda: d.Weibull(2.0, 1.5), lambda: stats.weibull_min(1.5, scale=2)),
    "VonMises": (lambda: d.VonMises(0.0, 3.0), lambda: stats.vonmises(3)),
}


@pytest.fixture(autouse=True)
def _on_numpy() -> Iterator[None]:
    """Samples are the same on all devices, but NumPy compiles nothing."""
    before = hp.get_default_device()
    hp.set_default_device("numpy")
    yield
    hp.set_default_device(before)


@pytest.mark.parametrize("name", LAWS)
def test_laws(name: str) -> None:
    """Kolmogorov and Smirnov's test, with a fixed seed."""
    make, law = LAWS[name]
    hp.manual_seed(1)
    drawn = make().sample((COUNT,)).double().numpy()
    assert stats.kstest(drawn, law().cdf).pvalue > 1e-3


@pytest.mark.parametrize("name", [each for each in PLAIN if each not in WITHOUT_VARIANCE])
def test_moments(name: str) -> None:
    """Mean and variance of samples, within six standard errors; angles by their sines."""
    ours = made(hp, name)[0]
    hp.manual_seed(2)
    drawn = ours.sample((COUNT,))
    assert tuple(drawn.shape) == (COUNT, *ours.batch_shape, *ours.event_shape)
    assert bool(ours.support.check(drawn).all())
    values = drawn.double().numpy()
    if name == "VonMises":
        centre = (drawn - ours.loc).double()
        assert np.abs(centre.sin().mean(0).numpy()).max() < 0.08
        np.testing.assert_allclose(1 - centre.cos().mean(0).numpy(), ours.variance.numpy(), atol=0.03)
        return
    try:
        mean, variance = ours.mean.double().numpy(), ours.variance.double().numpy()
    except NotImplementedError:
        assert name in ("LogisticNormal", "RelaxedBernoulli", "RelaxedOneHotCategorical", "LKJCholesky")
        return
    if np.isnan(mean).any():
        assert name == "Categorical"
        shares = [(values == k).mean(0) for k in range(3)]
        np.testing.assert_allclose(np.stack(shares, -1), ours.probs.numpy(), atol=0.03)
        return
    assert np.all(np.abs(values.mean(0) - mean) <= 6 * np.sqrt(values.var(0) / COUNT) + 1e-9)
    np.testing.assert_allclose(
        values.var(0), variance, rtol=0.4 if name in ("LogNormal", "Weibull") else 0.25, atol=2e-3
    )


@pytest.mark.parametrize("name", [each for each in PLAIN if each not in WITHOUT_VARIANCE])
def test_reparameterised_gradients(name: str) -> None:
    """The mean of a sample moves with the parameters as the mean itself does."""
    ours, parameters = made(hp, name, grad=True)
    if not ours.has_rsample:
        with pytest.raises(NotImplementedError):
            ours.rsample()
        return
    try:
        goal = ours.mean
    except NotImplementedError:
        drawn = ours.rsample((2,))
        grads = hp.autograd.grad(drawn.square().sum(), parameters)
        assert all(bool(grad.isfinite().all()) for grad in grads)
        return
    weight = hp.linspace(0.5, 1.5, goal.numel(), dtype=goal.dtype).reshape(tuple(goal.shape))
    wanted = hp.autograd.grad((goal * weight).sum(), parameters, retain_graph=True, allow_unused=True)
    hp.manual_seed(3)
    drawn = ours.rsample((COUNT,))
    found = hp.autograd.grad((drawn * weight).sum() / COUNT, parameters, allow_unused=True)
    for one, other in zip(found, wanted, strict=True):
        if other is not None:
            np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=0.1, atol=0.1)


@pytest.mark.parametrize("make", [lambda a: d.Gamma(a, 1.0), d.Exponential, lambda a: d.Normal(0.0, a)])
def test_a_sample_moves_with_its_probability(make: Any) -> None:
    """The gradient of a sample is ``-(dF/da) / p`` at the sample, here by a quotient of the distribution function."""
    a = hp.full((50,), 1.7, dtype=hp.float64, requires_grad=True)
    hp.manual_seed(4)
    x = make(a).rsample()
    (found,) = hp.autograd.grad(x.sum(), a)
    with hp.no_grad():
        step = 1e-5
        quotient = (make(a + step).cdf(x) - make(a - step).cdf(x)) / (2 * step)
        expected = -quotient / make(a).log_prob(x).exp()
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-6)


def test_mixtures() -> None:
    mix = d.Categorical(hp.tensor([0.3, 0.7]))
    ours = d.MixtureSameFamily(mix, d.Normal(hp.tensor([-2.0, 1.0]), hp.tensor([0.5, 1.0])))
    hp.manual_seed(5)
    drawn = ours.sample((COUNT,))
    law = [stats.norm(-2, 0.5), stats.norm(1, 1)]
    assert stats.kstest(drawn.double().numpy(), lambda x: 0.3 * law[0].cdf(x) + 0.7 * law[1].cdf(x)).pvalue > 1e-3
    x = hp.tensor([0.0, -2.0])
    expected = np.log(0.3 * law[0].pdf(x.numpy()) + 0.7 * law[1].pdf(x.numpy()))
    np.testing.assert_allclose(ours.log_prob(x).numpy(), expected, rtol=1e-5)
    assert ours.mean.item() == pytest.approx(0.1)
    assert ours.variance.item() == pytest.approx(0.3 * (0.25 + 4.41) + 0.7 * (1 + 0.81), rel=1e-5)
    assert ours.expand((2,)).sample((3,)).shape == (3, 2)


def test_fixed_seeds_repeat() -> None:
    hp.manual_seed(6)
    first = d.Gamma(hp.ones(5), 1.0).sample((2,))
    hp.manual_seed(6)
    assert bool((first == d.Gamma(hp.ones(5), 1.0).sample((2,))).all())


def test_the_samples_of_another_device() -> None:
    """Integers are the same, other numbers within the rounding of functions."""
    makes = [
        lambda: d.Poisson(hp.linspace(0.1, 60, 300)), lambda: d.Binomial(40, hp.linspace(0.01, 0.99, 300)),
        lambda: d.Categorical(logits=hp.zeros(300, 4)), lambda: d.Gamma(hp.full((300,), 2.3), 1.5),
        lambda: d.VonMises(hp.zeros(300), 3.0),
    ]  # fmt: skip
    found: list[list[Any]] = []
    for device in ("numpy", "cpu"):
        hp.set_default_device(device)
        hp.manual_seed(7)
        found.append([make().sample().numpy() for make in makes])
    for at, (one, other) in enumerate(zip(*found, strict=True)):
        if at < 3:
            np.testing.assert_array_equal(one, other)
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
