"""Divergences of multivariate normal distributions, whose covariances are full or of low rank."""

from __future__ import annotations

from typing import Any

import hotplug as hp
from hotplug.distributions.kl_registry import register_kl
from hotplug.distributions.lowrank_multivariate_normal import LowRankMultivariateNormal, lowrank_mahalanobis
from hotplug.distributions.multivariate_normal import MultivariateNormal, batch_mahalanobis, half_log_det
from hotplug.errors import ArgumentError
from hotplug.tensor import Tensor

_Full = MultivariateNormal
_LowRank = LowRankMultivariateNormal


def _trace_of_square(root: Tensor, matrix: Tensor) -> Tensor:
    """The trace of ``(L L^T)^-1 M M^T``.  root ``(*, N, N)``, matrix ``(*, N, M)`` -> ``(*)``."""
    shape = hp.broadcast_shapes(tuple(root.shape[:-2]), tuple(matrix.shape[:-2]))
    left = root.expand((*shape, *root.shape[-2:]))
    solved = hp.linalg.solve_triangular(left, matrix.expand((*shape, *matrix.shape[-2:])), upper=False)
    return solved.pow(2).sum((-2, -1))


def _columns(p: Any) -> list[Tensor]:
    """Matrices whose products with their transposes sum to the covariance."""
    if isinstance(p, _Full):
        return [p._unbroadcasted_scale_tril]
    return [p._unbroadcasted_cov_factor, p._unbroadcasted_cov_diag.sqrt().diag_embed()]


def _half_log_det(p: Any) -> Tensor:
    return half_log_det(p._unbroadcasted_scale_tril) if isinstance(p, _Full) else 0.5 * p._log_det()


def _weighted_trace(q: Any, matrix: Tensor) -> Tensor:
    """The trace of ``cov(q)^-1 M M^T``."""
    if isinstance(q, _Full):
        return _trace_of_square(q._unbroadcasted_scale_tril, matrix)
    diagonal, factor = q._unbroadcasted_cov_diag, q._unbroadcasted_cov_factor
    inner = (factor.mT / diagonal.unsqueeze(-2)) @ matrix
    return (matrix.pow(2).sum(-1) / diagonal).sum(-1) - _trace_of_square(q._capacitance_tril, inner)


def _distance(q: Any, vector: Tensor) -> Tensor:
    if isinstance(q, _Full):
        return batch_mahalanobis(q._unbroadcasted_scale_tril, vector)
    return lowrank_mahalanobis(q._unbroadcasted_cov_factor, q._unbroadcasted_cov_diag, vector, q._capacitance_tril)


@register_kl(_Full, _Full)
@register_kl(_Full, _LowRank)
@register_kl(_LowRank, _Full)
@register_kl(_LowRank, _LowRank)
def _(p: Any, q: Any) -> Tensor:
    """``log |Sq| / |Sp| + tr(Sq^-1 Sp) + (m_q - m_p)^T Sq^-1 (m_q - m_p) - N``, halved."""
    if p.event_shape != q.event_shape:
        raise ArgumentError(
            f"kl_divergence: two (low-rank) multivariate normals of different event shapes, {p.event_shape} and {q.event_shape}"
        )
    trace: Any = sum(_weighted_trace(q, matrix) for matrix in _columns(p))
    rest = 0.5 * (trace + _distance(q, q.loc - p.loc) - p.event_shape[0])
    return _half_log_det(q) - _half_log_det(p) + rest
