"""Gumbel's distribution."""

from __future__ import annotations

import math
from numbers import Number
from typing import Any, ClassVar, final

import hotplug as hp
from hotplug.distributions import constraints
from hotplug.distributions.transformed_distribution import TransformedDistribution
from hotplug.distributions.transforms import AffineTransform, ExpTransform
from hotplug.distributions.uniform import Uniform
from hotplug.distributions.utils import broadcast_all, euler_constant
from hotplug.tensor import Tensor

__all__ = ["Gumbel"]


@final
class Gumbel(TransformedDistribution):
    """Density ``exp(-(y + exp(-y))) / scale`` with ``y = (x - loc) / scale``: the law of the largest of many."""

    arg_constraints: ClassVar[Any] = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        limits = hp.finfo(self.loc.dtype)
        if isinstance(loc, Number) and isinstance(scale, Number):
            base = Uniform(limits.tiny, 1 - limits.eps, validate_args=validate_args)
        else:
            low = hp.full_like(self.loc, limits.tiny)
            base = Uniform(low, hp.full_like(self.loc, 1 - limits.eps), validate_args=validate_args)
        super().__init__(base, self._turn(), validate_args=validate_args)

    def _turn(self) -> list[Any]:
        return [
            ExpTransform().inv, AffineTransform(0, -hp.ones_like(self.scale)),
            ExpTransform().inv, AffineTransform(self.loc, -self.scale),
        ]  # fmt: skip

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(Gumbel, _instance)
        new.loc, new.scale = self.loc.expand(batch_shape), self.scale.expand(batch_shape)
        return super().expand(batch_shape, new)

    @property
    def mean(self) -> Tensor:
        return self.loc + self.scale * euler_constant

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def stddev(self) -> Tensor:
        return math.pi / math.sqrt(6) * self.scale

    @property
    def variance(self) -> Tensor:
        return self.stddev.pow(2)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        y = (self.loc - value) / self.scale
        return (y - y.exp()) - self.scale.log()

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return hp.exp(-hp.exp((self.loc - value) / self.scale))

    def icdf(self, value: Tensor) -> Tensor:
        return self.loc - self.scale * hp.log(-hp.log(value))

    def entropy(self) -> Tensor:
        return self.scale.log() + (1 + euler_constant)
