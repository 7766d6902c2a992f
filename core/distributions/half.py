"""What the magnitudes of symmetric variables share."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any, ClassVar

import hotplug as hp
from hotplug.distributions import constraints
from hotplug.distributions.distribution import Distribution
from hotplug.distributions.transformed_distribution import TransformedDistribution
from hotplug.distributions.transforms import AbsTransform
from hotplug.tensor import Tensor

__all__ = ["Half"]


class Half(TransformedDistribution):
    """``|x|`` of a variable whose density is symmetric around 0: twice that density above 0."""

    arg_constraints: ClassVar[Any] = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    base_dist: Any

    def __init__(self, base: Distribution, validate_args: bool | None = None) -> None:
        super().__init__(base, AbsTransform(), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        return super().expand(batch_shape, self._get_checked_instance(type(self), _instance))

    @property
    def scale(self) -> Tensor:
        """The scale of the symmetric variable."""
        scale: Tensor = self.base_dist.scale
        return scale

    @property
    @abstractmethod
    def mean(self) -> Tensor:
        """The mean, which is not that of the symmetric variable."""

    @property
    def mode(self) -> Tensor:
        return hp.zeros_like(self.scale)

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
