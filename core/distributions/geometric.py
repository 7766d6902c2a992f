"""The geometric distribution."""

from __future__ import annotations

from typing import Any, ClassVar, final

import hotplug as hp
from hotplug.distributions import constraints
from hotplug.distributions.distribution import Distribution
from hotplug.distributions.utils import (
    broadcast_all,
    lazy_property,
    logits_to_probs,
    plain_shape,
    probs_to_logits,
    uniform_inside,
)
from hotplug.errors import ArgumentError
from hotplug.tensor import Tensor

__all__ = ["Geometric"]


@final
class Geometric(Distribution):
    """How many trials fail before the first success, each of which succeeds with ``probs``: 0, 1, 2, ..."""

    arg_constraints: ClassVar[Any] = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.nonnegative_integer
    _kept: ClassVar[Any] = {"probs": 0, "logits": 0}

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        if (probs is None) == (logits is None):
            raise ArgumentError("Geometric: either `probs` or `logits` must be specified, but not both")
        given = logits if probs is None else probs
        if probs is None:
            (self.logits,) = broadcast_all(logits)
        else:
            (self.probs,) = broadcast_all(probs)
        shape = (self.logits if probs is None else self.probs).shape
        super().__init__(plain_shape(given, shape=shape), validate_args=validate_args)
        if self._validate_args and probs is not None and not bool((self.probs > 0).all()):
            raise ArgumentError(f"Geometric: expected parameter probs to be positive, got {self.probs}")

    @lazy_property
    def logits(self) -> Tensor:
        """The log-odds."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Tensor:
        """The probabilities."""
        return logits_to_probs(self.logits, is_binary=True)

    @property
    def mean(self) -> Tensor:
        return 1.0 / self.probs - 1.0

    @property
    def mode(self) -> Tensor:
        return hp.zeros_like(self.probs)

    @property
    def variance(self) -> Tensor:
        return (1.0 / self.probs - 1.0) / self.probs

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with hp.no_grad():
            drawn = uniform_inside(self._extended_shape(sample_shape), self.probs)
            return (drawn.log() / (-self.probs).log1p()).floor()

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        value, probs = broadcast_all(value, self.probs)
        probs = hp.where((probs == 1) & (value == 0), 0.0, probs)
        return value * (-probs).log1p() + self.probs.log()

    def entropy(self) -> Tensor:
        cost = hp.nn.functional.binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")
        return cost / self.probs
