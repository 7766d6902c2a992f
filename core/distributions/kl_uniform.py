"""Divergences from a uniform distribution."""

from __future__ import annotations

import math

import hotplug as hp
from hotplug.distributions.beta import Beta
from hotplug.distributions.exponential import Exponential
from hotplug.distributions.gamma import Gamma
from hotplug.distributions.gumbel import Gumbel
from hotplug.distributions.kl_registry import infinite_where, register_kl
from hotplug.distributions.normal import Normal
from hotplug.distributions.pareto import Pareto
from hotplug.distributions.uniform import Uniform
from hotplug.tensor import Tensor


def _mean_log(low: Tensor, high: Tensor) -> Tensor:
    """The mean of ``log x`` on an interval."""
    return (hp.xlogy(high, high) - hp.xlogy(low, low)) / (high - low) - 1


@register_kl(Uniform, Uniform)
def _(p: Uniform, q: Uniform) -> Tensor:
    found = ((q.high - q.low) / (p.high - p.low)).log()
    return infinite_where((q.low > p.low) | (q.high < p.high), found)


@register_kl(Uniform, Beta)
def _(p: Uniform, q: Beta) -> Tensor:
    a, b = q.concentration1, q.concentration0
    norm = a.lgamma() + b.lgamma() - (a + b).lgamma()
    logs = (a - 1) * _mean_log(p.low, p.high) + (b - 1) * _mean_log(1 - p.high, 1 - p.low)
    return infinite_where((p.high > 1) | (p.low < 0), norm - logs - p.entropy())


@register_kl(Uniform, Exponential)
def _(p: Uniform, q: Exponential) -> Tensor:
    return infinite_where(p.low < 0, q.rate * p.mean - ((p.high - p.low) * q.rate).log())


@register_kl(Uniform, Gamma)
def _(p: Uniform, q: Gamma) -> Tensor:
    a = q.concentration
    norm = a.lgamma() - a * q.rate.log()
    found = norm - p.entropy() + (1 - a) * _mean_log(p.low, p.high) + q.rate * p.mean
    return infinite_where(p.low < 0, found)


@register_kl(Uniform, Gumbel)
def _(p: Uniform, q: Gumbel) -> Tensor:
    share = q.scale / (p.high - p.low)
    high, low = (p.high - q.loc) / q.scale, (p.low - q.loc) / q.scale
    return share.log() + 0.5 * (high + low) - share * ((-high).exp() - (-low).exp())


@register_kl(Uniform, Normal)
def _(p: Uniform, q: Normal) -> Tensor:
    front = (math.sqrt(2 * math.pi) * q.scale / (p.high - p.low)).log()
    return front + 0.5 * (p.variance + (p.mean - q.loc).pow(2)) / q.scale.pow(2)


@register_kl(Uniform, Pareto)
def _(p: Uniform, q: Pareto) -> Tensor:
    found = (q.alpha + 1) * _mean_log(p.low, p.high) - (q.alpha.log() + q.alpha * q.scale.log() + p.entropy())
    return infinite_where(p.low < q.scale, found)
