"""Divergences of discrete distributions."""

from __future__ import annotations

import hotplug as hp
from hotplug.distributions.bernoulli import Bernoulli
from hotplug.distributions.binomial import Binomial
from hotplug.distributions.categorical import Categorical
from hotplug.distributions.geometric import Geometric
from hotplug.distributions.kl_registry import infinite_like, infinite_where, kl_divergence, register_kl
from hotplug.distributions.one_hot_categorical import OneHotCategorical
from hotplug.distributions.poisson import Poisson
from hotplug.tensor import Tensor


@register_kl(Bernoulli, Bernoulli)
def _(p: Bernoulli, q: Bernoulli) -> Tensor:
    softplus = hp.nn.functional.softplus
    one = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    zero = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    one = hp.where(p.probs == 0, 0.0, infinite_where(q.probs == 0, one))
    return one + hp.where(p.probs == 1, 0.0, infinite_where(q.probs == 1, zero))


@register_kl(Binomial, Binomial)
def _(p: Binomial, q: Binomial) -> Tensor:
    if bool((p.total_count < q.total_count).any()):
        raise NotImplementedError("kl_divergence: two Binomials of which q has the larger total_count")
    one = p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p()
    return infinite_where(p.total_count > q.total_count, p.total_count * one)


@register_kl(Categorical, Categorical)
def _(p: Categorical, q: Categorical) -> Tensor:
    terms = infinite_where(q.probs == 0, p.probs * (p.logits - q.logits))
    return hp.where(p.probs == 0, 0.0, terms).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _(p: OneHotCategorical, q: OneHotCategorical) -> Tensor:
    return kl_divergence(p._categorical, q._categorical)


@register_kl(Geometric, Geometric)
def _(p: Geometric, q: Geometric) -> Tensor:
    return -p.entropy() - hp.log1p(-q.probs) / p.probs - q.logits


@register_kl(Poisson, Poisson)
def _(p: Poisson, q: Poisson) -> Tensor:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Bernoulli, Poisson)
def _(p: Bernoulli, q: Poisson) -> Tensor:
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


@register_kl(Poisson, Bernoulli)
@register_kl(Poisson, Binomial)
def _(p: Poisson, q: Bernoulli | Binomial) -> Tensor:
    return infinite_like(p.rate)
