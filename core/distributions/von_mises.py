"""Von Mises's distribution on the circle."""

from __future__ import annotations

import math
from typing import Any, ClassVar, final

import hotplug as hp
from hotplug.distributions import constraints
from hotplug.distributions.distribution import Distribution
from hotplug.distributions.utils import broadcast_all
from hotplug.tensor import Tensor

__all__ = ["VonMises"]


@final
class VonMises(Distribution):
    """Density ``exp(concentration cos(x - loc)) / (2 pi I0(concentration))`` of angles."""

    arg_constraints: ClassVar[Any] = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real
    _kept: ClassVar[Any] = {"loc": 0, "concentration": 0}

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """The circular mean."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        """The circular variance, ``1 - I1(concentration) / I0(concentration)``."""
        return 1 - hp.special.i1e(self.concentration) / hp.special.i0e(self.concentration)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Angles in [-pi, pi)."""
        with hp.no_grad():
            shape = self._extended_shape(sample_shape)
            angle = hp.ops.von_mises_angle(self.concentration.expand(shape)) + self.loc
            return (angle + math.pi) % (2 * math.pi) - math.pi

    def log_prob(self, value: Tensor) -> Tensor:
        """By the scaled Bessel function, so that a large concentration does not overflow."""
        if self._validate_args:
            self._validate_sample(value)
        k = self.concentration
        return k * (hp.cos(value - self.loc) - 1) - math.log(2 * math.pi) - hp.log(hp.special.i0e(k))
