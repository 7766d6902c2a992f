# ruff: noqa: N999 - PyTorch's name
"""Student's t distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar, final

import hotplug as hp
from hotplug.distributions import constraints
from hotplug.distributions.chi2 import Chi2
from hotplug.distributions.distribution import Distribution
from hotplug.distributions.utils import broadcast_all
from hotplug.tensor import Tensor

__all__ = ["StudentT"]


@final
class StudentT(Distribution):
    """Density proportional to ``(1 + y**2 / df)**(-(df + 1) / 2)`` with ``y = (x - loc) / scale``."""

    arg_constraints: ClassVar[Any] = {
        "df": constraints.positive,
        "loc": constraints.real,
        "scale": constraints.positive,
    }
    support = constraints.real
    _kept: ClassVar[Any] = {"df": 0, "loc": 0, "scale": 0}
    has_rsample = True

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        self._chi2 = Chi2(self.df)
        super().__init__(self.df.shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new._chi2 = self._chi2.expand(batch_shape)
        return new

    @property
    def mean(self) -> Tensor:
        return hp.where(self.df <= 1, math.nan, self.loc)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        """Infinite for ``1 < df <= 2``, NaN below."""
        finite = self.scale.pow(2) * self.df / (self.df - 2)
        return hp.where(self.df > 2, finite, hp.where(self.df > 1, math.inf, hp.full_like(self.df, math.nan)))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        normal = hp.randn(shape, dtype=self.df.dtype, device=self.df.device)
        return self.loc + self.scale * normal * hp.rsqrt(self._chi2.rsample(sample_shape) / self.df)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        y = (value - self.loc) / self.scale
        norm = (
            self.scale.log() + 0.5 * self.df.log() + 0.5 * math.log(math.pi)
            + hp.lgamma(0.5 * self.df) - hp.lgamma(0.5 * (self.df + 1.0))
        )  # fmt: skip
        return -0.5 * (self.df + 1.0) * hp.log1p(y.square() / self.df) - norm

    def entropy(self) -> Tensor:
        half, more = 0.5 * self.df, 0.5 * (self.df + 1)
        log_beta = hp.lgamma(half) + math.lgamma(0.5) - hp.lgamma(more)
        return self.scale.log() + more * (hp.digamma(more) - hp.digamma(half)) + 0.5 * self.df.log() + log_beta
