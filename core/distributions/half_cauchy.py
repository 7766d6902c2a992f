"""The magnitude of a Cauchy variable."""

from __future__ import annotations

import math
from typing import Any, ClassVar, final

import hotplug as hp
from hotplug.distributions import constraints
from hotplug.distributions.cauchy import Cauchy
from hotplug.distributions.transformed_distribution import TransformedDistribution
from hotplug.distributions.transforms import AbsTransform
from hotplug.tensor import Tensor

__all__ = ["HalfCauchy"]


@final
class HalfCauchy(TransformedDistribution):
    """``|x|`` of a Cauchy variable around 0."""

    arg_constraints: ClassVar[Any] = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    base_dist: Cauchy

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Cauchy(0, scale, validate_args=False), AbsTransform(), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        return super().expand(batch_shape, self._get_checked_instance(HalfCauchy, _instance))

    @property
    def scale(self) -> Tensor:
        """The width."""
        return self.base_dist.scale

    @property
    def mean(self) -> Tensor:
        return hp.full_like(self.scale, math.inf)

    @property
    def mode(self) -> Tensor:
        return hp.zeros_like(self.scale)

    @property
    def variance(self) -> Tensor:
        return self.base_dist.variance

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        value = hp.as_tensor(value, dtype=self.scale.dtype, device=self.scale.device)
        return hp.where(value >= 0, self.base_dist.log_prob(value) + math.log(2), -math.inf)

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return 2 * self.base_dist.cdf(value) - 1

    def icdf(self, prob: Tensor) -> Tensor:
        return self.base_dist.icdf((prob + 1) / 2)

    def entropy(self) -> Tensor:
        return self.base_dist.entropy() - math.log(2)
