"""The magnitude of a Cauchy variable."""

from __future__ import annotations

import math
from typing import Any, final

import hotplug as hp
from hotplug.distributions.cauchy import Cauchy
from hotplug.distributions.half import Half
from hotplug.tensor import Tensor

__all__ = ["HalfCauchy"]


@final
class HalfCauchy(Half):
    """``|x|`` of a Cauchy variable around 0."""

    base_dist: Cauchy

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Cauchy(0, scale, validate_args=False), validate_args)

    @property
    def mean(self) -> Tensor:
        return hp.full_like(self.scale, math.inf)

    @property
    def variance(self) -> Tensor:
        return self.base_dist.variance
