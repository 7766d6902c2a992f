"""The binomial distribution."""

from __future__ import annotations

from typing import Any, ClassVar, final

import hotplug as hp
from hotplug.distributions import constraints
from hotplug.distributions.distribution import Distribution
from hotplug.distributions.utils import broadcast_all, lazy_property, logits_to_probs, probs_to_logits
from hotplug.errors import ArgumentError
from hotplug.tensor import Size, Tensor

__all__ = ["Binomial"]


@final
class Binomial(Distribution):
    """How many of ``total_count`` trials succeed, each with probability ``probs``."""

    arg_constraints: ClassVar[Any] = {
        "total_count": constraints.nonnegative_integer, "probs": constraints.unit_interval, "logits": constraints.real,
    }  # fmt: skip
    has_enumerate_support = True
    _kept: ClassVar[Any] = {"total_count": 0, "probs": 0, "logits": 0}

    def __init__(
        self, total_count: Any = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        if (probs is None) == (logits is None):
            raise ArgumentError("Binomial: either `probs` or `logits` must be specified, but not both")
        self._by_probs = probs is not None
        if self._by_probs:
            self.total_count, self.probs = broadcast_all(total_count, probs)
        else:
            self.total_count, self.logits = broadcast_all(total_count, logits)
        self.total_count = self.total_count.type_as(self._param)
        super().__init__(self._param.shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new._by_probs = self._by_probs
        return new

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        """0 to ``total_count``."""
        return constraints.integer_interval(0, self.total_count)

    @lazy_property
    def logits(self) -> Tensor:
        """The log-odds."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Tensor:
        """The probabilities."""
        return logits_to_probs(self.logits, is_binary=True)

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter that was given."""
        return Size(self._param.shape)

    @property
    def _param(self) -> Tensor:
        return self.__dict__["probs"] if "probs" in self.__dict__ and self._by_probs else self.logits

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.probs

    @property
    def mode(self) -> Tensor:
        return ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count)

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with hp.no_grad():
            return hp.binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def log_prob(self, value: Tensor) -> Tensor:
        """``log n! / (k! (n - k)!) + k logits - n softplus(logits)``, the last without overflow."""
        if self._validate_args:
            self._validate_sample(value)
        n = self.total_count
        ways = hp.lgamma(n + 1) - hp.lgamma(value + 1) - hp.lgamma(n - value + 1)
        cost = n * self.logits.clamp(min=0) + n * hp.log1p(hp.exp(-hp.abs(self.logits)))
        return ways + value * self.logits - cost

    def entropy(self) -> Tensor:
        self._only_count("entropy")
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(hp.exp(log_prob) * log_prob).sum(0)

    def _only_count(self, what: str) -> int:
        """The number of trials; it is read from the device.

        Raises:
            NotImplementedError: there are several.
        """
        total = int(self.total_count.max().item())
        if int(self.total_count.min().item()) != total:
            raise NotImplementedError(f"Binomial: inhomogeneous total_count is not supported by `{what}`")
        return total

    def enumerate_support(self, expand: bool = True) -> Tensor:
        total = self._only_count("enumerate_support")
        return self._enumerated(hp.arange(1 + total, dtype=self._param.dtype, device=self._param.device), expand)
