"""``hotplug.distributions``: probability distributions under the names of ``torch.distributions``.

>>> import hotplug as hp
>>> hp.distributions.Normal(0.0, 1.0).log_prob(hp.tensor(0.0))
tensor(-0.9189)
>>> p, q = hp.distributions.Bernoulli(0.5), hp.distributions.Bernoulli(0.25)
>>> hp.distributions.kl_divergence(p, q)
tensor(0.1438)
"""

from __future__ import annotations

from hotplug.distributions import constraints as constraints, transforms as transforms
from hotplug.distributions.bernoulli import Bernoulli
from hotplug.distributions.beta import Beta
from hotplug.distributions.binomial import Binomial
from hotplug.distributions.categorical import Categorical
from hotplug.distributions.cauchy import Cauchy
from hotplug.distributions.chi2 import Chi2
from hotplug.distributions.constraint_registry import biject_to, transform_to
from hotplug.distributions.continuous_bernoulli import ContinuousBernoulli
from hotplug.distributions.dirichlet import Dirichlet
from hotplug.distributions.distribution import Distribution
from hotplug.distributions.exp_family import ExponentialFamily
from hotplug.distributions.exponential import Exponential
from hotplug.distributions.fishersnedecor import FisherSnedecor
from hotplug.distributions.gamma import Gamma
from hotplug.distributions.generalized_pareto import GeneralizedPareto
from hotplug.distributions.geometric import Geometric
from hotplug.distributions.gumbel import Gumbel
from hotplug.distributions.half_cauchy import HalfCauchy
from hotplug.distributions.half_normal import HalfNormal
from hotplug.distributions.independent import Independent
from hotplug.distributions.inverse_gamma import InverseGamma
from hotplug.distributions.kl import kl_divergence, register_kl
from hotplug.distributions.kumaraswamy import Kumaraswamy
from hotplug.distributions.laplace import Laplace
from hotplug.distributions.lkj_cholesky import LKJCholesky
from hotplug.distributions.log_normal import LogNormal
from hotplug.distributions.logistic_normal import LogisticNormal
from hotplug.distributions.lowrank_multivariate_normal import LowRankMultivariateNormal
from hotplug.distributions.mixture_same_family import MixtureSameFamily
from hotplug.distributions.multinomial import Multinomial
from hotplug.distributions.multivariate_normal import MultivariateNormal
from hotplug.distributions.negative_binomial import NegativeBinomial
from hotplug.distributions.normal import Normal
from hotplug.distributions.one_hot_categorical import OneHotCategorical, OneHotCategoricalStraightThrough
from hotplug.distributions.pareto import Pareto
from hotplug.distributions.poisson import Poisson
from hotplug.distributions.relaxed_bernoulli import RelaxedBernoulli
from hotplug.distributions.relaxed_categorical import RelaxedOneHotCategorical
from hotplug.distributions.studentT import StudentT
from hotplug.distributions.transformed_distribution import TransformedDistribution
from hotplug.distributions.transforms import (
    AbsTransform,
    AffineTransform,
    CatTransform,
    ComposeTransform,
    CorrCholeskyTransform,
    CumulativeDistributionTransform,
    ExpTransform,
    IndependentTransform,
    LowerCholeskyTransform,
    PositiveDefiniteTransform,
    PowerTransform,
    ReshapeTransform,
    SigmoidTransform,
    SoftmaxTransform,
    SoftplusTransform,
    StackTransform,
    StickBreakingTransform,
    TanhTransform,
    Transform,
    identity_transform,
)
from hotplug.distributions.uniform import Uniform
from hotplug.distributions.von_mises import VonMises
from hotplug.distributions.weibull import Weibull
from hotplug.distributions.wishart import Wishart

__all__ = [
    "AbsTransform", "AffineTransform", "Bernoulli", "Beta", "Binomial", "CatTransform", "Categorical", "Cauchy", "Chi2",
    "ComposeTransform", "ContinuousBernoulli", "CorrCholeskyTransform", "CumulativeDistributionTransform", "Dirichlet",
    "Distribution", "ExpTransform", "Exponential", "ExponentialFamily", "FisherSnedecor", "Gamma", "GeneralizedPareto",
    "Geometric", "Gumbel", "HalfCauchy", "HalfNormal", "Independent", "IndependentTransform", "InverseGamma",
    "Kumaraswamy", "LKJCholesky", "Laplace", "LogNormal", "LogisticNormal", "LowRankMultivariateNormal",
    "LowerCholeskyTransform", "MixtureSameFamily", "Multinomial", "MultivariateNormal", "NegativeBinomial", "Normal",
    "OneHotCategorical", "OneHotCategoricalStraightThrough", "Pareto", "Poisson", "PositiveDefiniteTransform",
    "PowerTransform", "RelaxedBernoulli", "RelaxedOneHotCategorical", "ReshapeTransform", "SigmoidTransform",
    "SoftmaxTransform", "SoftplusTransform", "StackTransform", "StickBreakingTransform", "StudentT", "TanhTransform",
    "Transform", "TransformedDistribution", "Uniform", "VonMises", "Weibull", "Wishart", "biject_to", "constraints",
    "identity_transform", "kl_divergence", "register_kl", "transform_to", "transforms",
]  # fmt: skip
