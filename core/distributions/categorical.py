"""The categorical distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar, final

import hotplug as hp
from hotplug.distributions import constraints
from hotplug.distributions.distribution import Distribution
from hotplug.distributions.utils import lazy_property, logits_to_probs, probs_to_logits
from hotplug.errors import ArgumentError
from hotplug.tensor import Size, Tensor

__all__ = ["Categorical"]


@final
class Categorical(Distribution):
    """Category ``k`` with probability ``probs[..., k]``, which are normalised; or by unnormalised ``logits``.  ``(*, K)``."""

    arg_constraints: ClassVar[Any] = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True
    _kept: ClassVar[Any] = {"probs": 1, "logits": 1}

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        if (probs is None) == (logits is None):
            raise ArgumentError("Categorical: either `probs` or `logits` must be specified, but not both")
        self._by_probs = probs is not None
        given = probs if self._by_probs else logits
        if given.ndim < 1:
            raise ArgumentError(
                f"Categorical: `{'probs' if self._by_probs else 'logits'}` must be at least one-dimensional"
            )
        if self._by_probs:
            self.probs = probs / probs.sum(-1, True)
        else:
            self.logits = logits - logits.logsumexp(-1, True)
        self._num_events = given.shape[-1]
        super().__init__(given.shape[:-1], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new._by_probs, new._num_events = self._by_probs, self._num_events
        return new

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        """The numbers of the categories."""
        return constraints.integer_interval(0, self._num_events - 1)

    @lazy_property
    def logits(self) -> Tensor:
        """The log-odds."""
        return probs_to_logits(self.probs)

    @lazy_property
    def probs(self) -> Tensor:
        """The probabilities."""
        return logits_to_probs(self.logits)

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter that was given."""
        return Size(self._param.shape)

    @property
    def _param(self) -> Tensor:
        return self.__dict__["probs"] if "probs" in self.__dict__ and self._by_probs else self.logits

    @property
    def mean(self) -> Tensor:
        return hp.full(tuple(self._batch_shape), math.nan, dtype=self.probs.dtype, device=self.probs.device)

    @property
    def mode(self) -> Tensor:
        return self.probs.argmax(-1)

    @property
    def variance(self) -> Tensor:
        return self.mean

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with hp.no_grad():
            rows = self.probs.reshape((-1, self._num_events))
            count = math.prod(sample_shape)
            if count == 0 or not rows.shape[0]:
                return hp.empty(self._extended_shape(sample_shape), dtype=hp.int64, device=rows.device)
            return hp.multinomial(rows, count, True).T.reshape(self._extended_shape(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        place, logits = hp.broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return logits.gather(-1, place[..., :1]).squeeze(-1)

    def entropy(self) -> Tensor:
        logits = self.logits.clamp(min=hp.finfo(self.logits.dtype).min)
        return -(logits * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        values = hp.arange(self._num_events, dtype=hp.int64, device=self._param.device)
        return self._enumerated(values, expand)
