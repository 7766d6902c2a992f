"""The magnitude of a normal variable."""

from __future__ import annotations

import math
from typing import Any, final

from hotplug.distributions.half import Half
from hotplug.distributions.normal import Normal
from hotplug.tensor import Tensor

__all__ = ["HalfNormal"]


@final
class HalfNormal(Half):
    """``|x|`` of a normal variable of mean 0 and deviation ``scale``."""

    base_dist: Normal

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Normal(0, scale, validate_args=False), validate_args)

    @property
    def mean(self) -> Tensor:
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def variance(self) -> Tensor:
        return self.scale.pow(2) * (1 - 2 / math.pi)
