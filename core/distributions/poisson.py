"""Poisson's distribution."""

from __future__ import annotations

from typing import Any, ClassVar, final

import hotplug as hp
from hotplug.distributions import constraints
from hotplug.distributions.distribution import Distribution
from hotplug.distributions.utils import broadcast_all, plain_shape
from hotplug.tensor import Tensor

__all__ = ["Poisson"]


@final
class Poisson(Distribution):
    """Mass ``rate**k exp(-rate) / k!``."""

    arg_constraints: ClassVar[Any] = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer
    _kept: ClassVar[Any] = {"rate": 0}

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(plain_shape(rate, shape=self.rate.shape), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.rate

    @property
    def mode(self) -> Tensor:
        return self.rate.floor()

    @property
    def variance(self) -> Tensor:
        return self.rate

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with hp.no_grad():
            return hp.poisson(self.rate.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        rate, value = broadcast_all(self.rate, value)
        return hp.xlogy(value, rate) - rate - hp.lgamma(value + 1)
