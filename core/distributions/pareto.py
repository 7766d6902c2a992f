"""Pareto's distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar, final

import hotplug as hp
from hotplug.distributions import constraints
from hotplug.distributions.exponential import Exponential
from hotplug.distributions.transformed_distribution import TransformedDistribution
from hotplug.distributions.transforms import AffineTransform, ExpTransform
from hotplug.distributions.utils import broadcast_all
from hotplug.tensor import Tensor

__all__ = ["Pareto"]


@final
class Pareto(TransformedDistribution):
    """Density ``alpha scale**alpha / x**(alpha + 1)`` of ``x >= scale``."""

    arg_constraints: ClassVar[Any] = {"alpha": constraints.positive, "scale": constraints.positive}

    def __init__(self, scale: Any, alpha: Any, validate_args: bool | None = None) -> None:
        self.scale, self.alpha = broadcast_all(scale, alpha)
        base = Exponential(self.alpha, validate_args=validate_args)
        turn = [ExpTransform(), AffineTransform(loc=0, scale=self.scale)]
        super().__init__(base, turn, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(Pareto, _instance)
        new.scale, new.alpha = self.scale.expand(batch_shape), self.alpha.expand(batch_shape)
        return super().expand(batch_shape, new)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        """From ``scale`` on."""
        return constraints.greater_than_eq(self.scale)

    @property
    def mean(self) -> Tensor:
        """Infinite up to ``alpha`` 1."""
        a = self.alpha
        return hp.where(a > 1, a * self.scale / (a - 1), math.inf)

    @property
    def mode(self) -> Tensor:
        return self.scale

    @property
    def variance(self) -> Tensor:
        """Infinite up to ``alpha`` 2."""
        a = self.alpha
        return hp.where(a > 2, self.scale.pow(2) * a / ((a - 1).pow(2) * (a - 2)), math.inf)

    def entropy(self) -> Tensor:
        return (self.scale / self.alpha).log() + (1 + self.alpha.reciprocal())
