"""The multivariate normal distribution of a low-rank covariance."""

from __future__ import annotations

import math
from typing import Any, ClassVar, final

import hotplug as hp
from hotplug.distributions import constraints
from hotplug.distributions.distribution import Distribution
from hotplug.distributions.multivariate_normal import batch_mahalanobis, batch_mv, half_log_det
from hotplug.distributions.utils import lazy_property, normal_noise
from hotplug.errors import ArgumentError
from hotplug.tensor import Tensor

__all__ = ["LowRankMultivariateNormal"]


@final
class LowRankMultivariateNormal(Distribution):
    """Covariance ``W W^T + D``: by Woodbury's identity only matrices of the rank's size are factored.

    Args:
        loc: ``(*, N)``.
        cov_factor: W ``(*, N, R)``.
        cov_diag: the diagonal of D ``(*, N)``.
    """

    arg_constraints: ClassVar[Any] = {
        "loc": constraints.real_vector, "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }  # fmt: skip
    support = constraints.real_vector
    has_rsample = True
    _kept: ClassVar[Any] = {"loc": 1, "cov_factor": 2, "cov_diag": 1}

    def __init__(self, loc: Tensor, cov_factor: Tensor, cov_diag: Tensor, validate_args: bool | None = None) -> None:
        if loc.ndim < 1 or cov_factor.ndim < 2:
            raise ArgumentError("LowRankMultivariateNormal: loc needs one axis, cov_factor two at least")
        size = loc.shape[-1]
        if cov_factor.shape[-2] != size or cov_diag.shape[-1:] != (size,):
            raise ArgumentError(
                f"LowRankMultivariateNormal: expected cov_factor of {size} rows and cov_diag of {size} elements, got shapes "
                f"{list(cov_factor.shape)} and {list(cov_diag.shape)}"
            )
        self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag = cov_factor, cov_diag
        batch = hp.broadcast_shapes(tuple(loc.shape[:-1]), tuple(cov_factor.shape[:-2]), tuple(cov_diag.shape[:-1]))
        self.loc = loc.expand((*batch, size))
        self.cov_factor = cov_factor.expand((*batch, *cov_factor.shape[-2:]))
        self.cov_diag = cov_diag.expand((*batch, size))
        self._capacitance_tril = _capacitance_root(cov_factor, cov_diag)
        super().__init__(batch, (size,), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        for name in ("_unbroadcasted_cov_factor", "_unbroadcasted_cov_diag", "_capacitance_tril"):
            setattr(new, name, getattr(self, name))
        return new

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @lazy_property
    def variance(self) -> Tensor:
        """The diagonal of the covariance."""
        found = self._unbroadcasted_cov_factor.pow(2).sum(-1) + self._unbroadcasted_cov_diag
        return found.expand((*self._batch_shape, *self._event_shape))

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The Cholesky factor of the covariance."""
        return hp.linalg.cholesky(self.covariance_matrix)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """The covariance."""
        return self.cov_factor @ self.cov_factor.mT + self.cov_diag.diag_embed()

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        weighted = self.cov_factor.mT / self.cov_diag.unsqueeze(-2)
        solved = hp.linalg.solve_triangular(self._capacitance_tril.expand((*self._batch_shape, *self._rank)), weighted,
                                            upper=False)  # fmt: skip
        return self.cov_diag.reciprocal().diag_embed() - solved.mT @ solved

    @property
    def _rank(self) -> tuple[int, int]:
        return self.cov_factor.shape[-1], self.cov_factor.shape[-1]

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        inner = normal_noise((*shape[:-1], self._rank[0]), self.loc)
        spread = self._unbroadcasted_cov_diag.sqrt() * normal_noise(shape, self.loc)
        return self.loc + batch_mv(self._unbroadcasted_cov_factor, inner) + spread

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        difference = value - self.loc
        distance = lowrank_mahalanobis(
            self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag, difference, self._capacitance_tril
        )
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + self._log_det() + distance)

    def _log_det(self) -> Tensor:
        return 2 * half_log_det(self._capacitance_tril) + self._unbroadcasted_cov_diag.log().sum(-1)

    def entropy(self) -> Tensor:
        found = 0.5 * (self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + self._log_det())
        return found.expand(tuple(self._batch_shape))


def _capacitance_root(factor: Tensor, diagonal: Tensor) -> Tensor:
    """The Cholesky factor of ``I + W^T D^-1 W``."""
    weighted = factor.mT / diagonal.unsqueeze(-2)
    identity = hp.eye(factor.shape[-1], dtype=factor.dtype, device=factor.device)
    return hp.linalg.cholesky(weighted @ factor + identity)


def lowrank_mahalanobis(factor: Tensor, diagonal: Tensor, vector: Tensor, root: Tensor) -> Tensor:
    """``v^T (W W^T + D)^-1 v`` by Woodbury's identity; ``root`` is the factor of ``I + W^T D^-1 W``."""
    inner = batch_mv(factor.mT / diagonal.unsqueeze(-2), vector)
    return (vector.pow(2) / diagonal).sum(-1) - batch_mahalanobis(root, inner)
