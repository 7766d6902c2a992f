"""Divergences: the registry, and all pairs that are declared."""

from __future__ import annotations

from hotplug.distributions import kl_beta, kl_discrete, kl_families, kl_lines, kl_normal, kl_positive, kl_uniform
from hotplug.distributions.kl_registry import kl_divergence, register_kl

__all__ = ["kl_divergence", "register_kl"]

_DECLARED = (kl_beta, kl_discrete, kl_families, kl_lines, kl_normal, kl_positive, kl_uniform)
