"""The distribution of Lewandowski, Kurowicka and Joe."""

from __future__ import annotations

import math
from typing import Any, ClassVar, final

import hotplug as hp
from hotplug.distributions import constraints
from hotplug.distributions.beta import Beta
from hotplug.distributions.distribution import Distribution
from hotplug.distributions.utils import broadcast_all, normal_noise
from hotplug.errors import ArgumentError
from hotplug.tensor import Tensor

__all__ = ["LKJCholesky"]


@final
class LKJCholesky(Distribution):
    """Cholesky factors L of correlation matrices with density of ``L L^T`` proportional to ``det**(concentration - 1)``.

    Lewandowski, Kurowicka, Joe, "Generating random correlation matrices based on vines and extended onion method" (2009).

    Args:
        dim: the number of rows, at least 2.
        concentration: 1 is the uniform distribution of correlation matrices; larger is nearer to the identity.
    """

    arg_constraints: ClassVar[Any] = {"concentration": constraints.positive}
    support = constraints.corr_cholesky
    _kept: ClassVar[Any] = {"concentration": 0}

    def __init__(self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None) -> None:
        if dim < 2:
            raise ArgumentError(f"LKJCholesky: expected dim to be an integer of at least 2, got dim={dim}")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        super().__init__(self.concentration.shape, (dim, dim), validate_args)
        self._beta = self._shares()

    def _shares(self) -> Beta:
        """The squared length that each row has off the diagonal, by the onion method."""
        marginal = self.concentration + 0.5 * (self.dim - 2)
        steps = hp.arange(self.dim - 1, dtype=marginal.dtype, device=marginal.device)
        offset = hp.cat([steps[:1], steps])
        return Beta(offset + 0.5, marginal.unsqueeze(-1) - 0.5 * offset)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new.dim = self.dim
        new._beta = self._beta.expand((*batch_shape, *self._beta.batch_shape[-1:]))
        return new

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with hp.no_grad():
            shape = self._extended_shape(sample_shape)
            y = self._beta.sample(sample_shape).unsqueeze(-1)
            normal = normal_noise(shape, y).tril(-1)
            length = (normal * normal).sum(-1, True).sqrt()
            direction = normal / length.clamp(min=hp.finfo(y.dtype).tiny)
            first = hp.arange(self.dim, device=y.device).reshape((-1, 1)) == 0
            off = hp.where(first, 0.0, y.sqrt() * direction)
            rest = (1 - (off * off).sum(-1)).clamp(min=hp.finfo(y.dtype).tiny).sqrt()
            return off + rest.diag_embed()

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        diagonal = value.diagonal(dim1=-1, dim2=-2)[..., 1:]
        order = hp.arange(2, self.dim + 1, device=self.concentration.device)
        powers = 2 * (self.concentration - 1).unsqueeze(-1) + self.dim - order
        unnormalised = (powers * diagonal.log()).sum(-1)
        count = self.dim - 1
        alpha = self.concentration + 0.5 * count
        norm = 0.5 * count * math.log(math.pi) + hp.mvlgamma(alpha - 0.5, count) - hp.lgamma(alpha) * count
        return unnormalised - norm
