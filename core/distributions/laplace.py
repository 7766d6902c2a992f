"""Laplace's distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar, final

import hotplug as hp
from hotplug.distributions import constraints
from hotplug.distributions.distribution import Distribution
from hotplug.distributions.utils import broadcast_all, plain_shape, uniform_inside
from hotplug.tensor import Tensor

__all__ = ["Laplace"]


@final
class Laplace(Distribution):
    """Density ``exp(-|x - loc| / scale) / (2 scale)``."""

    arg_constraints: ClassVar[Any] = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    _kept: ClassVar[Any] = {"loc": 0, "scale": 0}
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(plain_shape(loc, scale, shape=self.loc.shape), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return 2 * self.scale.pow(2)

    @property
    def stddev(self) -> Tensor:
        return math.sqrt(2) * self.scale

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        drawn = 2 * uniform_inside(self._extended_shape(sample_shape), self.loc) - 1
        drawn = drawn.clamp(min=hp.finfo(self.loc.dtype).eps - 1)
        return self.loc - self.scale * drawn.sign() * hp.log1p(-drawn.abs())

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return -hp.log(2 * self.scale) - hp.abs(value - self.loc) / self.scale

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        distance = value - self.loc
        return 0.5 - 0.5 * distance.sign() * hp.expm1(-distance.abs() / self.scale)

    def icdf(self, value: Tensor) -> Tensor:
        term = value - 0.5
        return self.loc - self.scale * term.sign() * hp.log1p(-2 * term.abs())

    def entropy(self) -> Tensor:
        return 1 + hp.log(2 * self.scale)
