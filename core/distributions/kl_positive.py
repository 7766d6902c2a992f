"""Divergences of distributions of positive numbers: exponential, gamma, Pareto."""

from __future__ import annotations

import math
from typing import Any

from hotplug.distributions.beta import Beta
from hotplug.distributions.continuous_bernoulli import ContinuousBernoulli
from hotplug.distributions.exponential import Exponential
from hotplug.distributions.gamma import Gamma
from hotplug.distributions.gumbel import Gumbel
from hotplug.distributions.kl_registry import infinite_like, infinite_where, register_kl
from hotplug.distributions.normal import Normal
from hotplug.distributions.pareto import Pareto
from hotplug.distributions.uniform import Uniform
from hotplug.distributions.utils import euler_constant
from hotplug.tensor import Tensor


@register_kl(Exponential, Exponential)
def _(p: Exponential, q: Exponential) -> Tensor:
    ratio = q.rate / p.rate
    return -ratio.log() + ratio - 1


@register_kl(Exponential, Gamma)
def _(p: Exponential, q: Gamma) -> Tensor:
    ratio, a = q.rate / p.rate, q.concentration
    return -a * ratio.log() + ratio + a.lgamma() + a * euler_constant - (1 + euler_constant)


@register_kl(Exponential, Gumbel)
def _(p: Exponential, q: Gumbel) -> Tensor:
    product, place = p.rate * q.scale, q.loc / q.scale
    return product.log() - 1 - place + place.exp() * product / (product + 1) + product.reciprocal()


@register_kl(Exponential, Normal)
def _(p: Exponential, q: Normal) -> Tensor:
    mean, variance = p.rate.reciprocal(), q.scale.pow(2)
    square = mean.pow(2) - q.loc * mean + 0.5 * q.loc.pow(2)
    return 0.5 * (p.rate.pow(2) * variance * (2 * math.pi)).log() - 1 + square / variance


@register_kl(Gamma, Gamma)
def _(p: Gamma, q: Gamma) -> Tensor:
    a, b = p.concentration, q.concentration
    norms = b * (p.rate / q.rate).log() + b.lgamma() - a.lgamma()
    return norms + (a - b) * a.digamma() + (q.rate - p.rate) * (a / p.rate)


@register_kl(Gamma, Exponential)
def _(p: Gamma, q: Exponential) -> Tensor:
    return -p.entropy() - q.rate.log() + q.rate * p.mean


@register_kl(Gamma, Gumbel)
def _(p: Gamma, q: Gumbel) -> Tensor:
    a, product, place = p.concentration, p.rate * q.scale, q.loc / q.scale
    inner = (a - 1) * a.digamma() - a.lgamma() - a
    return inner + product.log() + a / product + place.exp() * (1 + product.reciprocal()).pow(-a) - place


@register_kl(Gamma, Normal)
def _(p: Gamma, q: Normal) -> Tensor:
    square = p.variance + (p.mean - q.loc).pow(2)
    return -p.entropy() + 0.5 * math.log(2 * math.pi) + q.scale.log() + 0.5 * square / q.scale.pow(2)


@register_kl(Pareto, Pareto)
def _(p: Pareto, q: Pareto) -> Tensor:
    ratio = q.alpha / p.alpha
    found = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return infinite_where(p.scale < q.scale, found)


@register_kl(Pareto, Exponential)
def _(p: Pareto, q: Exponential) -> Tensor:
    product = p.scale * q.rate
    found = (p.alpha / product).log() - p.alpha.reciprocal() + p.alpha * product / (p.alpha - 1) - 1
    return infinite_where(p.alpha <= 1, found)


@register_kl(Pareto, Gamma)
def _(p: Pareto, q: Gamma) -> Tensor:
    log = p.scale.log() + p.alpha.reciprocal()  # the mean of the logarithm
    norm = q.concentration.lgamma() - q.concentration * q.rate.log()
    mean = p.alpha * p.scale / (p.alpha - 1)
    found = p.alpha.log() - log + norm + (1 - q.concentration) * log + q.rate * mean - 1
    return infinite_where(p.alpha <= 1, found)


@register_kl(Pareto, Normal)
def _(p: Pareto, q: Normal) -> Tensor:
    part = p.scale / (p.alpha - 1)
    square = p.alpha * part.pow(2) / (p.alpha - 2) + (p.alpha * part - q.loc).pow(2)
    front = (math.sqrt(2 * math.pi) * q.scale * p.alpha / p.scale).log() - p.alpha.reciprocal()
    return infinite_where(p.alpha <= 2, front + square / (2 * q.scale.pow(2)) - 1)


def _parameter(p: Any) -> Tensor:
    found: Tensor = p.concentration if isinstance(p, Gamma) else p.rate if isinstance(p, Exponential) else p.scale
    return found


def _beyond(p: Any, q: Any) -> Tensor:
    """q ends where p still has mass."""
    return infinite_like(_parameter(p))


for _left in (Exponential, Gamma, Pareto):
    for _right in (Beta, ContinuousBernoulli, Uniform):
        register_kl(_left, _right)(_beyond)
for _left in (Exponential, Gamma):
    register_kl(_left, Pareto)(_beyond)
