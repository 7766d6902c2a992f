"""Weibull's distribution."""

from __future__ import annotations

from typing import Any, ClassVar, final

import hotplug as hp
from hotplug.distributions import constraints
from hotplug.distributions.exponential import Exponential
from hotplug.distributions.transformed_distribution import TransformedDistribution
from hotplug.distributions.transforms import AffineTransform, PowerTransform
from hotplug.distributions.utils import broadcast_all, euler_constant
from hotplug.tensor import Tensor

__all__ = ["Weibull"]


@final
class Weibull(TransformedDistribution):
    """``scale * e**(1 / concentration)`` of a standard exponential variable ``e``."""

    arg_constraints: ClassVar[Any] = {"scale": constraints.positive, "concentration": constraints.positive}
    support = constraints.positive

    def __init__(self, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.scale, self.concentration = broadcast_all(scale, concentration)
        self.concentration_reciprocal = self.concentration.reciprocal()
        base = Exponential(hp.ones_like(self.scale), validate_args=validate_args)
        turn = [PowerTransform(self.concentration_reciprocal), AffineTransform(0, self.scale)]
        super().__init__(base, turn, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(Weibull, _instance)
        for name in ("scale", "concentration", "concentration_reciprocal"):
            setattr(new, name, getattr(self, name).expand(batch_shape))
        return super().expand(batch_shape, new)

    @property
    def mean(self) -> Tensor:
        return self.scale * hp.exp(hp.lgamma(1 + self.concentration_reciprocal))

    @property
    def mode(self) -> Tensor:
        """0 up to concentration 1."""
        share = ((self.concentration - 1) / self.concentration).clamp(min=0)
        return self.scale * share ** self.concentration.reciprocal()

    @property
    def variance(self) -> Tensor:
        first, second = hp.lgamma(1 + self.concentration_reciprocal), hp.lgamma(1 + 2 * self.concentration_reciprocal)
        return self.scale.pow(2) * (hp.exp(second) - hp.exp(2 * first))

    def entropy(self) -> Tensor:
        rest = hp.log(self.scale * self.concentration_reciprocal) + 1
        return euler_constant * (1 - self.concentration_reciprocal) + rest
