"""The continuous Bernoulli distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar, final

import hotplug as hp
from hotplug.distributions import constraints
from hotplug.distributions.distribution import Distribution
from hotplug.distributions.utils import (
    broadcast_all,
    clamp_probs,
    lazy_property,
    logits_to_probs,
    plain_shape,
    probs_to_logits,
    uniform_inside,
)
from hotplug.errors import ArgumentError
from hotplug.tensor import Size, Tensor

__all__ = ["ContinuousBernoulli"]


@final
class ContinuousBernoulli(Distribution):
    """Density ``C p**x (1 - p)**(1 - x)`` on [0, 1] (Loaiza-Ganem, Cunningham, 2019), ``p`` being ``probs``.

    Between ``lims`` the constant is taken from its Taylor series: the formula is 0 / 0 at one half.
    """

    arg_constraints: ClassVar[Any] = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    _kept: ClassVar[Any] = {"probs": 0, "logits": 0}

    def __init__(
        self, probs: Any = None, logits: Any = None, lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        if (probs is None) == (logits is None):
            raise ArgumentError("ContinuousBernoulli: either `probs` or `logits` must be specified, but not both")
        self._by_probs = probs is not None
        given = probs if self._by_probs else logits
        if self._by_probs:
            (self.probs,) = broadcast_all(probs)
            if validate_args is not None and not bool(self.arg_constraints["probs"].check(self.probs).all()):
                raise ArgumentError("ContinuousBernoulli: the parameter probs has invalid values")
            self.probs = clamp_probs(self.probs)
        else:
            (self.logits,) = broadcast_all(logits)
        self._lims = lims
        super().__init__(plain_shape(given, shape=self._param.shape), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new._by_probs, new._lims = self._by_probs, self._lims
        return new

    def _outside(self) -> Tensor:
        return (self.probs <= self._lims[0]) | (self.probs > self._lims[1])

    def _cut(self) -> Tensor:
        """The probabilities, with those near one half moved to the limit."""
        return hp.where(self._outside(), self.probs, self._lims[0])

    def _log_constant(self) -> Tensor:
        cut = self._cut()
        below = cut.clamp(max=0.5)
        above = cut.clamp(min=0.5)
        slope = hp.log((hp.log1p(-cut) - cut.log()).abs())
        width = hp.where(cut <= 0.5, hp.log1p(-2.0 * below), hp.log(2.0 * above - 1.0))
        square = (self.probs - 0.5).pow(2)
        taylor = math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * square) * square
        return hp.where(self._outside(), slope - width, taylor)

    @lazy_property
    def logits(self) -> Tensor:
        """The log-odds."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Tensor:
        """The probabilities."""
        return clamp_probs(logits_to_probs(self.logits, is_binary=True))

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter that was given."""
        return Size(self._param.shape)

    @property
    def _param(self) -> Tensor:
        return self.__dict__["probs"] if "probs" in self.__dict__ and self._by_probs else self.logits

    @property
    def mean(self) -> Tensor:
        cut = self._cut()
        found = cut / (2.0 * cut - 1.0) + 1.0 / (hp.log1p(-cut) - cut.log())
        x = self.probs - 0.5
        return hp.where(self._outside(), found, 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * x.pow(2)) * x)

    @property
    def variance(self) -> Tensor:
        cut = self._cut()
        found = cut * (cut - 1.0) / (1.0 - 2.0 * cut).pow(2) + 1.0 / (hp.log1p(-cut) - cut.log()).pow(2)
        square = (self.probs - 0.5).pow(2)
        return hp.where(self._outside(), found, 1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * square) * square)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.icdf(uniform_inside(self._extended_shape(sample_shape), self.probs))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        cost = hp.nn.functional.binary_cross_entropy_with_logits(logits, value, reduction="none")
        return self._log_constant() - cost

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        cut = self._cut()
        found = (cut.pow(value) * (1.0 - cut).pow(1.0 - value) + cut - 1.0) / (2.0 * cut - 1.0)
        inside = hp.where(self._outside(), found, value)
        return hp.where(value <= 0.0, 0.0, hp.where(value >= 1.0, 1.0, inside))

    def icdf(self, value: Tensor) -> Tensor:
        cut = self._cut()
        found = (hp.log1p(-cut + value * (2.0 * cut - 1.0)) - hp.log1p(-cut)) / (cut.log() - hp.log1p(-cut))
        return hp.where(self._outside(), found, value)

    def entropy(self) -> Tensor:
        low, high = hp.log1p(-self.probs), self.probs.log()
        return self.mean * (low - high) - self._log_constant() - low
