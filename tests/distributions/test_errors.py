"""Bad parameters and values: errors of PyTorch's kinds."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

import hotplug as hp

BAD: dict[str, Any] = {
    "a negative scale": lambda d, t: d.Normal(0.0, -1.0),
    "a negative scale in a tensor": lambda d, t: d.Normal(t.zeros(2), t.tensor([1.0, -1.0])),
    "a list": lambda d, t: d.Normal([0.0], 1.0),
    "text": lambda d, t: d.Normal("0", 1.0),
    "shapes that don't broadcast": lambda d, t: d.Normal(t.zeros(2), t.ones(3)),
    "both probs and logits": lambda d, t: d.Bernoulli(probs=0.5, logits=0.0),
    "neither": lambda d, t: d.Bernoulli(),
    "neither for categories": lambda d, t: d.Categorical(),
    "a probability above 1": lambda d, t: d.Bernoulli(1.5),
    "a number as categories": lambda d, t: d.Categorical(t.tensor(0.5)),
    "probabilities below 0": lambda d, t: d.Categorical(t.tensor([-0.5, 1.0])),
    "NaN": lambda d, t: d.Exponential(float("nan")),
    "low above high": lambda d, t: d.Uniform(1.0, 0.0),
    "a rate of 0": lambda d, t: d.Gamma(1.0, 0.0),
    "a negative count": lambda d, t: d.Binomial(-1, t.tensor(0.5)),
    "a count that is no int": lambda d, t: d.Multinomial(t.tensor([1, 2]), t.tensor([0.5, 0.5])),
    "concentrations without axes": lambda d, t: d.Dirichlet(t.tensor(1.0)),
    "no matrix": lambda d, t: d.MultivariateNormal(t.zeros(2)),
    "two matrices": lambda d, t: d.MultivariateNormal(t.zeros(2), t.eye(2), t.eye(2)),
    "an indefinite covariance": lambda d, t: d.MultivariateNormal(t.zeros(2), t.tensor([[1.0, 2.0], [2.0, 1.0]])),
    "a mean without axes": lambda d, t: d.MultivariateNormal(t.tensor(0.0), t.eye(1)),
    "one row of correlations": lambda d, t: d.LKJCholesky(1),
    "too few degrees of freedom": lambda d, t: d.Wishart(t.tensor(0.5), t.eye(3)),
    "more axes than the batch has": lambda d, t: d.Independent(d.Normal(t.zeros(2), 1.0), 2),
    "weights of another number": lambda d, t: d.MixtureSameFamily(d.Categorical(t.ones(3)), d.Normal(t.zeros(2), 1.0)),
    "a mixture of no categories": lambda d, t: d.MixtureSameFamily(d.Normal(0.0, 1.0), d.Normal(t.zeros(2), 1.0)),
    "no transform": lambda d, t: d.TransformedDistribution(d.Normal(0.0, 1.0), [3]),
    "a value outside": lambda d, t: d.Exponential(1.0).log_prob(t.tensor(-1.0)),
    "a value beyond the count": lambda d, t: d.Binomial(3, t.tensor(0.5)).log_prob(t.tensor(4.0)),
    "a fraction": lambda d, t: d.Poisson(1.0).log_prob(t.tensor(0.5)),
    "a category beyond": lambda d, t: d.Categorical(t.ones(3)).log_prob(t.tensor(3)),
    "a number as value": lambda d, t: d.Normal(0.0, 1.0).log_prob(1.0),
    "a value of another shape": lambda d, t: d.Normal(t.zeros(3), 1.0).log_prob(t.zeros(2)),
    "an event of another shape": lambda d, t: d.Dirichlet(t.ones(3)).log_prob(t.ones(2) / 2),
    "no distribution function": lambda d, t: d.Poisson(1.0).cdf(t.tensor(1.0)),
    "no gradient": lambda d, t: d.Poisson(1.0).rsample(),
    "values of a continuous one": lambda d, t: d.Normal(0.0, 1.0).enumerate_support(),
    "values of several counts": lambda d, t: d.Binomial(t.tensor([1.0, 2.0]), t.tensor(0.5)).enumerate_support(),
    "a dependent constraint": lambda d, t: d.constraints.dependent.check(t.ones(1)),
    "a switch that is none": lambda d, t: d.Distribution.set_default_validate_args(3),
    "no constraint": lambda d, t: d.biject_to(3),
    "another number of elements": lambda d, t: d.ReshapeTransform((2,), (3,)),
    "a shape that doesn't end so": lambda d, t: d.ReshapeTransform((2,), (1, 2)).forward_shape((3,)),
    "no stick": lambda d, t: d.StickBreakingTransform().forward_shape(()),
    "no number of correlations": lambda d, t: d.CorrCholeskyTransform().forward_shape((4,)),
}


@pytest.mark.parity
@pytest.mark.parametrize("what", BAD)
def test_bad(torch: ModuleType, what: str) -> None:
    with pytest.raises(Exception) as theirs:  # noqa: PT011 - whatever PyTorch raises
        BAD[what](torch.distributions, torch)
    kind = next(each for each in theirs.type.__mro__ if each.__module__ == "builtins")
    with pytest.raises(kind) as ours:
        BAD[what](hp.distributions, hp)
    assert isinstance(ours.value, (hp.errors.HotplugError, NotImplementedError))


def test_without_validation() -> None:
    d = hp.distributions
    assert d.Normal(0.0, -1.0, validate_args=False).scale.item() == -1.0
    assert d.Exponential(1.0, validate_args=False).log_prob(hp.tensor(-1.0)).item() == 1.0
    try:
        d.Distribution.set_default_validate_args(False)
        assert d.Gamma(1.0, -1.0).rate.item() == -1.0
    finally:
        d.Distribution.set_default_validate_args(True)
    with pytest.raises(ValueError, match="rate"):
        d.Gamma(1.0, -1.0)


def test_subclasses_of_users() -> None:
    class Shifted(hp.distributions.Normal):
        def __init__(self, loc: Any) -> None:
            self.loc_before = loc
            super().__init__(loc + 1.0, 1.0)

    class Plain(hp.distributions.Normal):
        pass

    assert type(Plain(hp.zeros(2), 1.0).expand((3, 2))) is Plain
    with pytest.raises(NotImplementedError, match="Shifted"):
        Shifted(hp.zeros(2)).expand((3, 2))


def test_the_repr() -> None:
    assert repr(hp.distributions.Normal(0.0, 1.0)) == "Normal(loc: 0.0, scale: 1.0)"
    assert "Size([3])" in repr(hp.distributions.Normal(hp.zeros(3), 1.0))
    assert repr(hp.distributions.constraints.interval(0.0, 1.0)) == "interval(lower_bound=0.0, upper_bound=1.0)"
