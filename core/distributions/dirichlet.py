"""Dirichlet's distribution."""

from __future__ import annotations

from typing import Any, ClassVar, final

import hotplug as hp
from hotplug.distributions import constraints
from hotplug.distributions.exp_family import ExponentialFamily
from hotplug.errors import ArgumentError
from hotplug.tensor import Tensor

__all__ = ["Dirichlet"]


@final
class Dirichlet(ExponentialFamily):
    """Density proportional to the product of ``x_k**(concentration_k - 1)`` on the simplex.  concentration ``(*, K)``."""

    arg_constraints: ClassVar[Any] = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True
    _kept: ClassVar[Any] = {"concentration": 1}

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        if concentration.ndim < 1:
            raise ArgumentError("Dirichlet: `concentration` parameter must be at least one-dimensional")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self) -> Tensor:
        """A corner, the first, where all concentrations are below 1 and the density has no largest value."""
        beyond = (self.concentration - 1).clamp(min=0.0)
        mode = beyond / beyond.sum(-1, True)
        corner = (self.concentration < 1).all(-1, True)
        place = hp.nn.functional.one_hot(mode.nan_to_num(0.0).argmax(-1), self.concentration.shape[-1])
        return hp.where(corner, place.to(mode.dtype), mode)

    @property
    def variance(self) -> Tensor:
        total = self.concentration.sum(-1, True)
        return self.concentration * (total - self.concentration) / (total.pow(2) * (total + 1))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Gamma variables by their sum, each with its implicit gradient."""
        parts = hp._standard_gamma(self.concentration.expand(self._extended_shape(sample_shape)))
        return parts / parts.sum(-1, True)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        a = self.concentration
        return hp.xlogy(a - 1.0, value).sum(-1) + hp.lgamma(a.sum(-1)) - hp.lgamma(a).sum(-1)

    def entropy(self) -> Tensor:
        a = self.concentration
        total, count = a.sum(-1), a.shape[-1]
        rest = (count - total) * hp.digamma(total) + ((a - 1.0) * hp.digamma(a)).sum(-1)
        return hp.lgamma(a).sum(-1) - hp.lgamma(total) - rest

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.concentration,)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        (x,) = natural_params
        return x.lgamma().sum(-1) - hp.lgamma(x.sum(-1))
