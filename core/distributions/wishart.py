"""Wishart's distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar, final

import hotplug as hp
from hotplug.distributions import constraints
from hotplug.distributions.distribution import Distribution
from hotplug.distributions.multivariate_normal import half_log_det, precision_to_scale_tril
from hotplug.distributions.utils import lazy_property, normal_noise
from hotplug.errors import ArgumentError
from hotplug.tensor import Tensor

__all__ = ["Wishart"]


@final
class Wishart(Distribution):
    """Positive-definite matrices: the scatter of ``df`` normal vectors of a covariance.

    Density proportional to ``|X|**((df - p - 1) / 2) exp(-tr(V^-1 X) / 2)``.

    Args:
        df: more than p - 1 degrees of freedom, ``(*)`` or a number.
        covariance_matrix, precision_matrix, scale_tril: one of the three, ``(*, p, p)``.
    """

    arg_constraints: ClassVar[Any] = {
        "covariance_matrix": constraints.positive_definite, "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky, "df": constraints.greater_than(0),
    }  # fmt: skip
    support = constraints.positive_definite
    has_rsample = True
    _kept: ClassVar[Any] = {
        "df": 0, "covariance_matrix": 2, "precision_matrix": 2, "scale_tril": 2, "_unbroadcasted_scale_tril": 2,
    }  # fmt: skip

    def __init__(
        self, df: Any, covariance_matrix: Any = None, precision_matrix: Any = None, scale_tril: Any = None,
        validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        given = {"covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix, "scale_tril": scale_tril}
        there = [(name, each) for name, each in given.items() if each is not None]
        if len(there) != 1:
            raise ArgumentError(f"Wishart: expected exactly one of {', '.join(given)}, got {len(there)}")
        name, matrix = there[0]
        if matrix.ndim < 2:
            raise ArgumentError(f"Wishart: {name} must be at least two-dimensional, with optional batch axes")
        freedom = df if isinstance(df, Tensor) else hp.tensor(df, dtype=matrix.dtype, device=matrix.device)
        batch = hp.broadcast_shapes(tuple(matrix.shape[:-2]), tuple(freedom.shape))
        self.df = freedom.expand(batch)
        setattr(self, name, matrix.expand((*batch, *matrix.shape[-2:])))
        super().__init__(batch, matrix.shape[-2:], validate_args=validate_args)
        if self._validate_args and not bool((self.df > self._size - 1).all()):
            raise ArgumentError(f"Wishart: df must be greater than {self._size - 1}, got {df}")
        if name == "scale_tril":
            self._unbroadcasted_scale_tril = matrix
        elif name == "covariance_matrix":
            self._unbroadcasted_scale_tril = hp.linalg.cholesky(matrix)
        else:
            self._unbroadcasted_scale_tril = precision_to_scale_tril(matrix)

    @property
    def _size(self) -> int:
        return self._event_shape[-1]

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The Cholesky factor of the covariance."""
        return self._unbroadcasted_scale_tril.expand((*self._batch_shape, *self._event_shape))

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """The covariance of the vectors."""
        return self.scale_tril @ self.scale_tril.mT

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """Its inverse."""
        return hp.cholesky_inverse(self.scale_tril)

    @property
    def mean(self) -> Tensor:
        return self.df.reshape((*self._batch_shape, 1, 1)) * self.covariance_matrix

    @property
    def mode(self) -> Tensor:
        """NaN up to ``p + 1`` degrees of freedom."""
        factor = self.df - self._size - 1
        factor = hp.where(factor > 0, factor, math.nan)
        return factor.reshape((*self._batch_shape, 1, 1)) * self.covariance_matrix

    @property
    def variance(self) -> Tensor:
        matrix = self.covariance_matrix
        diagonal = matrix.diagonal(dim1=-2, dim2=-1)
        outer = diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2)
        return self.df.reshape((*self._batch_shape, 1, 1)) * (matrix.pow(2) + outer)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Bartlett's decomposition: chi on the diagonal, normal variables below it."""
        shape = (*sample_shape, *self._batch_shape)
        freedom = self.df.unsqueeze(-1) - hp.arange(self._size, dtype=self.df.dtype, device=self.df.device)
        chi = (2 * hp._standard_gamma((0.5 * freedom).expand((*shape, self._size)))).sqrt()
        below = normal_noise((*shape, self._size, self._size), self.df).tril(-1)
        root = self._unbroadcasted_scale_tril @ (below + chi.diag_embed())
        return root @ root.mT

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        p, nu = self._size, self.df
        root = self._unbroadcasted_scale_tril
        trace = hp.cholesky_solve(value, root.expand(value.shape)).diagonal(dim1=-2, dim2=-1).sum(-1)
        norm = -nu * (p * math.log(2) / 2 + half_log_det(root)) - hp.mvlgamma(nu / 2, p)
        return norm + (nu - p - 1) / 2 * hp.linalg.slogdet(value).logabsdet - trace / 2

    def entropy(self) -> Tensor:
        p, nu = self._size, self.df
        steps = hp.arange(p, dtype=nu.dtype, device=nu.device) / 2
        digammas = hp.digamma((nu / 2).unsqueeze(-1) - steps).sum(-1)
        root = self._unbroadcasted_scale_tril
        value = (p + 1) * (p * math.log(2) / 2 + half_log_det(root)) + hp.mvlgamma(nu / 2, p)
        return value - (nu - p - 1) / 2 * digammas + nu * p / 2
