"""The multivariate normal distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar, final

import hotplug as hp
from hotplug.distributions import constraints
from hotplug.distributions.distribution import Distribution
from hotplug.distributions.utils import lazy_property
from hotplug.errors import ArgumentError
from hotplug.tensor import Tensor

__all__ = ["MultivariateNormal"]


def batch_mv(matrix: Tensor, vector: Tensor) -> Tensor:
    """Products of matrices ``(*, N, M)`` and vectors ``(*, M)``, which broadcast."""
    return hp.matmul(matrix, vector.unsqueeze(-1)).squeeze(-1)


def batch_mahalanobis(root: Tensor, vector: Tensor) -> Tensor:
    """``v^T (L L^T)^-1 v``.  root ``(*, N, N)`` lower triangular, vector ``(*, N)`` -> ``(*)``."""
    shape = hp.broadcast_shapes(tuple(root.shape[:-2]), tuple(vector.shape[:-1]))
    size = vector.shape[-1]
    column = vector.expand((*shape, size)).unsqueeze(-1)
    solved = hp.linalg.solve_triangular(root.expand((*shape, size, size)), column, upper=False)
    return solved.squeeze(-1).square().sum(-1)


def half_log_det(root: Tensor) -> Tensor:
    """The logarithm of the determinant of a triangular matrix."""
    return root.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def precision_to_scale_tril(precision: Tensor) -> Tensor:
    """The Cholesky factor of the inverse, by way of the factor of the matrix turned around."""
    root = hp.linalg.cholesky(precision.flip((-2, -1))).flip((-2, -1)).mT
    identity = hp.eye(precision.shape[-1], dtype=precision.dtype, device=precision.device)
    return hp.linalg.solve_triangular(root, identity.expand(root.shape), upper=False)


@final
class MultivariateNormal(Distribution):
    """The normal distribution of vectors: ``loc + L z`` for the Cholesky factor L of the covariance.

    Args:
        loc: ``(*, N)``.
        covariance_matrix, precision_matrix, scale_tril: one of the three, ``(*, N, N)``; the last is L itself.
    """

    arg_constraints: ClassVar[Any] = {
        "loc": constraints.real_vector, "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite, "scale_tril": constraints.lower_cholesky,
    }  # fmt: skip
    support = constraints.real_vector
    has_rsample = True
    _kept: ClassVar[Any] = {
        "loc": 1, "covariance_matrix": 2, "precision_matrix": 2, "scale_tril": 2, "_unbroadcasted_scale_tril": 2,
    }  # fmt: skip

    def __init__(
        self, loc: Tensor, covariance_matrix: Any = None, precision_matrix: Any = None, scale_tril: Any = None,
        validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        if loc.ndim < 1:
            raise ArgumentError("MultivariateNormal: loc must be at least one-dimensional")
        given = {"covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix, "scale_tril": scale_tril}
        there = [(name, each) for name, each in given.items() if each is not None]
        if len(there) != 1:
            raise ArgumentError(f"MultivariateNormal: expected exactly one of {', '.join(given)}, got {len(there)}")
        name, matrix = there[0]
        if matrix.ndim < 2:
            raise ArgumentError(
                f"MultivariateNormal: {name} must be at least two-dimensional, with optional batch axes"
            )
        batch = hp.broadcast_shapes(tuple(matrix.shape[:-2]), tuple(loc.shape[:-1]))
        setattr(self, name, matrix.expand((*batch, *matrix.shape[-2:])))
        self.loc = loc.expand((*batch, loc.shape[-1]))
        super().__init__(batch, self.loc.shape[-1:], validate_args=validate_args)
        if name == "scale_tril":
            self._unbroadcasted_scale_tril = matrix
        elif name == "covariance_matrix":
            self._unbroadcasted_scale_tril = hp.linalg.cholesky(matrix)
        else:
            self._unbroadcasted_scale_tril = precision_to_scale_tril(matrix)

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The Cholesky factor of the covariance."""
        size = self._event_shape[0]
        return self._unbroadcasted_scale_tril.expand((*self._batch_shape, size, size))

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """The covariance."""
        return self.scale_tril @ self.scale_tril.mT

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        return hp.cholesky_inverse(self.scale_tril)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return self._unbroadcasted_scale_tril.pow(2).sum(-1).expand((*self._batch_shape, *self._event_shape))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        noise = hp.randn(self._extended_shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + batch_mv(self._unbroadcasted_scale_tril, noise)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        root = self._unbroadcasted_scale_tril
        distance = batch_mahalanobis(root, value - self.loc)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + distance) - half_log_det(root)

    def entropy(self) -> Tensor:
        found = 0.5 * self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + half_log_det(
            self._unbroadcasted_scale_tril
        )
        return found.expand(tuple(self._batch_shape))
