"""The generalised Pareto distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar, final

import hotplug as hp
from hotplug.distributions import constraints
from hotplug.distributions.distribution import Distribution
from hotplug.distributions.utils import broadcast_all, plain_shape
from hotplug.tensor import Tensor

__all__ = ["GeneralizedPareto"]


@final
class GeneralizedPareto(Distribution):
    """Survival ``(1 + c y)**(-1 / c)`` with ``y = (x - loc) / scale`` and ``c = concentration``; exponential at 0.

    The law of what exceeds a high threshold (Pickands, 1975).
    """

    arg_constraints: ClassVar[Any] = {
        "loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real,
    }  # fmt: skip
    has_rsample = True
    _kept: ClassVar[Any] = {"loc": 0, "scale": 0, "concentration": 0}

    def __init__(self, loc: Any, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(plain_shape(loc, scale, concentration, shape=self.loc.shape), validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        """From ``loc`` on, up to ``loc - scale / concentration`` where the concentration is negative."""
        limit = self.loc - self.scale / hp.where(self.concentration < 0, self.concentration, -1.0)
        return constraints.interval(self.loc, hp.where(self.concentration < 0, limit, math.inf))

    def _is_exponential(self) -> Tensor:
        return hp.isclose(self.concentration, hp.zeros_like(self.concentration))

    def _safe(self) -> Tensor:
        return hp.where(self._is_exponential(), 1.0, self.concentration)

    @property
    def mean(self) -> Tensor:
        c = self.concentration
        return self.loc + hp.where(c < 1, self.scale / (1 - hp.where(c < 1, c, 0.0)), math.inf)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        c = hp.where(self.concentration < 0.5, self.concentration, 0.0)
        found = self.scale.pow(2) / ((1 - c).pow(2) * (1 - 2 * c))
        return hp.where(self.concentration < 0.5, found, math.inf)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.icdf(hp.rand(self._extended_shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device))

    def _log_survival(self, value: Tensor) -> tuple[Tensor, Tensor]:
        y = (value - self.loc) / self.scale
        return y, hp.log1p(self._safe() * y)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        y, log = self._log_survival(value)
        return -self.scale.log() - hp.where(self._is_exponential(), y, (1 + self._safe().reciprocal()) * log)

    def log_survival_function(self, value: Tensor) -> Tensor:
        """The logarithm of the probability of values above ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        y, log = self._log_survival(value)
        return -hp.where(self._is_exponential(), y, log / self._safe())

    def cdf(self, value: Tensor) -> Tensor:
        return -hp.expm1(self.log_survival_function(value))

    def log_cdf(self, value: Tensor) -> Tensor:
        """The logarithm of :meth:`cdf`."""
        return hp.log1p(-hp.exp(self.log_survival_function(value)))

    def icdf(self, value: Tensor) -> Tensor:
        log = hp.log1p(-value)
        c = self._safe()
        return self.loc + self.scale * hp.where(self._is_exponential(), -log, hp.expm1(-c * log) / c)

    def entropy(self) -> Tensor:
        return self.scale.log() + self.concentration + 1
