"""Distributions with drawn parameters, made of the same numbers by both libraries."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, Final, NamedTuple

import numpy as np

SHAPE: Final = (4, 3)

Arrays = dict[str, Any]
Draw = Callable[[np.random.Generator], Arrays]


class Case(NamedTuple):
    """How a distribution is made."""

    name: str
    draw: Draw
    """Arrays by the names of the parameters."""
    fixed: dict[str, Any] = {}  # noqa: RUF012 - never written
    """Arguments that are plain numbers."""
    scalars: dict[str, float] = {}  # noqa: RUF012 - never written
    """Parameters that are tensors of one number."""
    dtype: str = "float64"


def between(low: float, high: float, *shape: int) -> Callable[[np.random.Generator], Any]:
    return lambda g: g.uniform(low, high, shape or SHAPE)


def numbers(**ranges: tuple[float, float]) -> Draw:
    """Independent uniform parameters of the common shape."""
    return lambda g: {name: g.uniform(low, high, SHAPE) for name, (low, high) in ranges.items()}


def simplex(g: np.random.Generator, *shape: int) -> Any:
    found = g.uniform(0.1, 1, shape)
    return found / found.sum(-1, keepdims=True)


def root(g: np.random.Generator, *shape: int) -> Any:
    """Lower triangular matrices with a positive diagonal."""
    size = shape[-1]
    return np.tril(g.uniform(-0.5, 0.5, shape), -1) + np.eye(size) * g.uniform(0.5, 1.5, shape)


def definite(g: np.random.Generator, *shape: int) -> Any:
    found = root(g, *shape)
    return found @ np.swapaxes(found, -1, -2)


_LINE: Final = {"loc": (-2, 2), "scale": (0.5, 2)}

CASES: Final[dict[str, Case]] = {
    "Normal": Case("Normal", numbers(**_LINE)),
    "Laplace": Case("Laplace", numbers(**_LINE)),
    "Cauchy": Case("Cauchy", numbers(**_LINE)),
    "Gumbel": Case("Gumbel", numbers(**_LINE)),
    "LogNormal": Case("LogNormal", numbers(loc=(-1, 1), scale=(0.3, 1))),
    "HalfNormal": Case("HalfNormal", numbers(scale=(0.5, 2))),
    "HalfCauchy": Case("HalfCauchy", numbers(scale=(0.5, 2))),
    "Uniform": Case("Uniform", numbers(low=(-2, 0), high=(0.5, 3))),
    "Exponential": Case("Exponential", numbers(rate=(0.3, 3))),
    "Gamma": Case("Gamma", numbers(concentration=(0.5, 6), rate=(0.5, 3))),
    "InverseGamma": Case("InverseGamma", numbers(concentration=(2.5, 6), rate=(0.5, 3))),
    "Chi2": Case("Chi2", numbers(df=(1, 8))),
    "Beta": Case("Beta", numbers(concentration1=(0.5, 5), concentration0=(0.5, 5))),
    "Dirichlet": Case("Dirichlet", lambda g: {"concentration": g.uniform(0.5, 5, (4, 3))}),
    "StudentT": Case("StudentT", numbers(df=(1.5, 8), loc=(-1, 1), scale=(0.5, 2))),
    "FisherSnedecor": Case("FisherSnedecor", numbers(df1=(1, 8), df2=(3, 9))),
    "Pareto": Case("Pareto", numbers(scale=(0.5, 2), alpha=(1.5, 4))),
    "GeneralizedPareto": Case("GeneralizedPareto", numbers(loc=(-1, 1), scale=(0.5, 2), concentration=(-0.4, 0.4)),
                              dtype="float32"),  # PyTorch's fails in float64
    "Weibull": Case("Weibull", numbers(scale=(0.5, 2), concentration=(0.7, 3))),
    "Kumaraswamy": Case("Kumaraswamy", numbers(concentration1=(0.7, 4), concentration0=(0.7, 4))),
    "VonMises": Case("VonMises", numbers(loc=(-2, 2), concentration=(0.3, 5))),
    "ContinuousBernoulli": Case("ContinuousBernoulli", numbers(probs=(0.05, 0.45))),
    "ContinuousBernoulli by logits": Case("ContinuousBernoulli", numbers(logits=(0.5, 2))),
    "ContinuousBernoulli near a half": Case("ContinuousBernoulli", numbers(probs=(0.4991, 0.5009))),
    "Bernoulli": Case("Bernoulli", numbers(probs=(0.1, 0.9))),
    "Bernoulli by logits": Case("Bernoulli", numbers(logits=(-2, 2))),
    "Geometric": Case("Geometric", numbers(probs=(0.1, 0.9))),
    "Geometric by logits": Case("Geometric", numbers(logits=(-2, 2))),
    "Binomial": Case("Binomial", numbers(probs=(0.1, 0.9)), {"total_count": 7}),
    "Binomial by logits": Case("Binomial", numbers(logits=(-2, 2)), {"total_count": 12}),
    "NegativeBinomial": Case("NegativeBinomial", numbers(total_count=(1, 8), probs=(0.1, 0.9))),
    "Poisson": Case("Poisson", numbers(rate=(0.3, 12))),
    "Categorical": Case("Categorical", lambda g: {"probs": simplex(g, 4, 3)}),
    "Categorical by logits": Case("Categorical", lambda g: {"logits": g.normal(size=(4, 3))}),
    "OneHotCategorical": Case("OneHotCategorical", lambda g: {"probs": simplex(g, 4, 3)}),
    "OneHotCategoricalStraightThrough": Case("OneHotCategoricalStraightThrough", lambda g: {"probs": simplex(g, 4, 3)}),
    "Multinomial": Case("Multinomial", lambda g: {"probs": simplex(g, 4, 3)}, {"total_count": 5}),
    "RelaxedBernoulli": Case("RelaxedBernoulli", numbers(probs=(0.1, 0.9)), {}, {"temperature": 0.7}),
    "RelaxedOneHotCategorical": Case(
        "RelaxedOneHotCategorical", lambda g: {"logits": g.normal(size=(4, 3))}, {}, {"temperature": 0.7}
    ),
    "LogisticNormal": Case("LogisticNormal", numbers(loc=(-1, 1), scale=(0.3, 1))),
    "MultivariateNormal": Case(
        "MultivariateNormal", lambda g: {"loc": g.normal(size=(4, 3)), "covariance_matrix": definite(g, 4, 3, 3)}
    ),
    "MultivariateNormal by precision": Case(
        "MultivariateNormal", lambda g: {"loc": g.normal(size=(4, 3)), "precision_matrix": definite(g, 3, 3)}
    ),
    "MultivariateNormal by root": Case(
        "MultivariateNormal", lambda g: {"loc": g.normal(size=(3,)), "scale_tril": root(g, 4, 3, 3)}
    ),
    "LowRankMultivariateNormal": Case(
        "LowRankMultivariateNormal",
        lambda g: {
            "loc": g.normal(size=(4, 3)), "cov_factor": g.normal(size=(4, 3, 2)), "cov_diag": g.uniform(0.5, 2, (4, 3)),
        },
    ),
    "Wishart": Case("Wishart", lambda g: {"df": g.uniform(4, 9, (4,)), "covariance_matrix": definite(g, 4, 3, 3)}),
    "LKJCholesky": Case("LKJCholesky", lambda g: {"concentration": g.uniform(0.5, 3, (4,))}, {"dim": 3}),
}  # fmt: skip


def seeded(name: str, number: int = 0) -> np.random.Generator:
    return np.random.default_rng([number, *name.encode()])


def made(library: ModuleType, name: str, number: int = 0, grad: bool = False, dtype: str = "") -> tuple[Any, list[Any]]:
    """The distribution of a case by one library, and the parameters that are tensors."""
    case = CASES[name]
    dtype = dtype or case.dtype
    parameters = {
        key: library.tensor(values.astype(dtype)).requires_grad_(grad)
        for key, values in case.draw(seeded(name, number)).items()
    }
    scalars = {key: library.tensor(value, dtype=getattr(library, dtype)) for key, value in case.scalars.items()}
    return getattr(library.distributions, case.name)(**case.fixed, **scalars, **parameters), list(parameters.values())


def to_hotplug(tensor: Any) -> Any:
    """One of PyTorch's tensors as Hotplug's, through NumPy."""
    import hotplug as hp

    return hp.tensor(np.array(tensor.detach().numpy()))
