"""Divergences of distributions on [0, 1] and on the simplex."""

from __future__ import annotations

import math
from typing import Any

import hotplug as hp
from hotplug.distributions.beta import Beta
from hotplug.distributions.continuous_bernoulli import ContinuousBernoulli
from hotplug.distributions.dirichlet import Dirichlet
from hotplug.distributions.exponential import Exponential
from hotplug.distributions.gamma import Gamma
from hotplug.distributions.kl_registry import infinite_like, infinite_where, kl_divergence, register_kl
from hotplug.distributions.normal import Normal
from hotplug.distributions.pareto import Pareto
from hotplug.distributions.uniform import Uniform
from hotplug.tensor import Tensor


@register_kl(Dirichlet, Dirichlet)
def _(p: Dirichlet, q: Dirichlet) -> Tensor:
    a, b = p.concentration, q.concentration
    total = a.sum(-1)
    norms = total.lgamma() - b.sum(-1).lgamma() - (a.lgamma() - b.lgamma()).sum(-1)
    return norms + ((a - b) * (a.digamma() - total.digamma().unsqueeze(-1))).sum(-1)


@register_kl(Beta, Beta)
def _(p: Beta, q: Beta) -> Tensor:
    return kl_divergence(p._dirichlet, q._dirichlet)


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _(p: ContinuousBernoulli, q: ContinuousBernoulli) -> Tensor:
    ours = p._log_constant() + hp.log1p(-p.probs)
    return p.mean * (p.logits - q.logits) + ours - q._log_constant() - hp.log1p(-q.probs)


@register_kl(Beta, ContinuousBernoulli)
@register_kl(Uniform, ContinuousBernoulli)
def _(p: Any, q: ContinuousBernoulli) -> Tensor:
    found = -p.entropy() - p.mean * q.logits - hp.log1p(-q.probs) - q._log_constant()
    return infinite_where((p.high > 1) | (p.low < 0), found) if isinstance(p, Uniform) else found


@register_kl(Beta, Exponential)
@register_kl(ContinuousBernoulli, Exponential)
def _(p: Any, q: Exponential) -> Tensor:
    return -p.entropy() - q.rate.log() + q.rate * p.mean


@register_kl(Beta, Gamma)
def _(p: Beta, q: Gamma) -> Tensor:
    log = p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma()
    norm = q.concentration * q.rate.log() - q.concentration.lgamma()
    return -p.entropy() - norm - (q.concentration - 1) * log + q.rate * p.mean


@register_kl(Beta, Normal)
@register_kl(ContinuousBernoulli, Normal)
def _(p: Any, q: Normal) -> Tensor:
    square = p.variance + (p.mean - q.loc).pow(2)
    return -p.entropy() + 0.5 * math.log(2 * math.pi) + q.scale.log() + 0.5 * square / q.scale.pow(2)


@register_kl(Beta, Uniform)
@register_kl(ContinuousBernoulli, Uniform)
def _(p: Any, q: Uniform) -> Tensor:
    return infinite_where((q.low > 0) | (q.high < 1), -p.entropy() + (q.high - q.low).log())


@register_kl(Beta, Pareto)
@register_kl(ContinuousBernoulli, Pareto)
def _(p: Any, q: Pareto) -> Tensor:
    return infinite_like(p.probs if isinstance(p, ContinuousBernoulli) else p.concentration1)
