"""Divergences of distributions on the whole line: Laplace, Gumbel, Cauchy, normal."""

from __future__ import annotations

import math
from typing import Any

import hotplug as hp
from hotplug.distributions.beta import Beta
from hotplug.distributions.cauchy import Cauchy
from hotplug.distributions.continuous_bernoulli import ContinuousBernoulli
from hotplug.distributions.exponential import Exponential
from hotplug.distributions.gamma import Gamma
from hotplug.distributions.gumbel import Gumbel
from hotplug.distributions.kl_registry import infinite_like, register_kl
from hotplug.distributions.laplace import Laplace
from hotplug.distributions.normal import Normal
from hotplug.distributions.pareto import Pareto
from hotplug.distributions.uniform import Uniform
from hotplug.distributions.utils import euler_constant
from hotplug.tensor import Tensor


@register_kl(Normal, Normal)
def _(p: Normal, q: Normal) -> Tensor:
    ratio = (p.scale / q.scale).pow(2)
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).pow(2) - 1 - ratio.log())


@register_kl(Normal, Gumbel)
def _(p: Normal, q: Gumbel) -> Tensor:
    apart, ratio = (p.loc - q.loc) / q.scale, (p.scale / q.scale).pow(2)
    return -0.5 * ratio.log() + apart + (-apart + 0.5 * ratio).exp() - 0.5 * (1 + math.log(2 * math.pi))


@register_kl(Normal, Laplace)
def _(p: Normal, q: Laplace) -> Tensor:
    """By the mean of ``|x - q.loc|``, the folded normal distribution's."""
    apart = p.loc - q.loc
    inner = apart / p.scale
    mean = math.sqrt(2 / math.pi) * p.scale * (-0.5 * inner.pow(2)).exp() + apart * hp.erf(math.sqrt(0.5) * inner)
    return -(p.scale / q.scale).log() + mean / q.scale - 0.5 * (1 + math.log(0.5 * math.pi))


@register_kl(Laplace, Laplace)
def _(p: Laplace, q: Laplace) -> Tensor:
    ratio, apart = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + apart / q.scale + ratio * (-apart / p.scale).exp() - 1


@register_kl(Laplace, Normal)
def _(p: Laplace, q: Normal) -> Tensor:
    ratio = (p.scale / q.scale).pow(2)
    return -0.5 * (2 * ratio / math.pi).log() + ratio + 0.5 * ((p.loc - q.loc) / q.scale).pow(2) - 1


@register_kl(Gumbel, Gumbel)
def _(p: Gumbel, q: Gumbel) -> Tensor:
    ratio, apart = p.scale / q.scale, (p.loc - q.loc) / q.scale
    tail = (ratio.add(1).lgamma() - apart).exp()
    return -ratio.log() + apart + ratio * euler_constant + tail - (1 + euler_constant)


@register_kl(Gumbel, Normal)
def _(p: Gumbel, q: Normal) -> Tensor:
    ratio = p.scale / q.scale
    spread = (math.pi * 0.5 * ratio).pow(2) / 3
    place = 0.5 * ((p.loc + p.scale * euler_constant - q.loc) / q.scale).pow(2)
    return -(ratio / math.sqrt(2 * math.pi)).log() + spread + place - (euler_constant + 1)


@register_kl(Cauchy, Cauchy)
def _(p: Cauchy, q: Cauchy) -> Tensor:
    """Chyzak, Nielsen, "A closed-form formula for the Kullback-Leibler divergence between Cauchy distributions" (2019)."""
    return ((p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)).log() - (4 * p.scale * q.scale).log()


def _beyond(p: Any, q: Any) -> Tensor:
    """q has no mass on a part of the line."""
    return infinite_like(p.loc)


for _left in (Normal, Laplace, Gumbel):
    for _right in (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform):
        register_kl(_left, _right)(_beyond)
