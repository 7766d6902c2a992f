"""Divergences of distributions made of others, and of the exponential family."""

from __future__ import annotations

from typing import Any

import hotplug as hp
from hotplug.distributions.exp_family import ExponentialFamily
from hotplug.distributions.half_normal import HalfNormal
from hotplug.distributions.independent import Independent
from hotplug.distributions.kl_registry import kl_divergence, register_kl
from hotplug.distributions.transformed_distribution import TransformedDistribution
from hotplug.distributions.utils import sum_rightmost
from hotplug.tensor import Tensor


@register_kl(Independent, Independent)
def _(p: Independent, q: Independent) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("kl_divergence: two Independent distributions of different reinterpreted_batch_ndims")
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(TransformedDistribution, TransformedDistribution)
def _(p: TransformedDistribution, q: TransformedDistribution) -> Tensor:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError(
            "kl_divergence: two transformed distributions of different transforms or event shapes"
        )
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(HalfNormal, HalfNormal)
def _(p: HalfNormal, q: HalfNormal) -> Tensor:
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(ExponentialFamily, ExponentialFamily)
def _(p: ExponentialFamily, q: ExponentialFamily) -> Tensor:
    """The Bregman divergence of the log-normaliser."""
    if type(p) is not type(q):
        raise NotImplementedError(
            f"kl_divergence: {type(p).__name__} and {type(q).__name__} are different exponential families"
        )
    natural = [each.detach().requires_grad_() for each in p._natural_params]
    with hp.enable_grad():
        norm = p._log_normalizer(*natural)
        slopes = hp.autograd.grad(norm.sum(), natural, create_graph=True)
    total: Any = q._log_normalizer(*q._natural_params) - norm
    for ours, theirs, slope in zip(natural, q._natural_params, slopes, strict=True):
        total = total - sum_rightmost((theirs - ours) * slope, len(q.event_shape))
    return total
