"""The multinomial distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar, final

import hotplug as hp
from hotplug.distributions import constraints
from hotplug.distributions.binomial import Binomial
from hotplug.distributions.categorical import Categorical
from hotplug.distributions.distribution import Distribution
from hotplug.distributions.utils import broadcast_all
from hotplug.tensor import Size, Tensor

__all__ = ["Multinomial"]


@final
class Multinomial(Distribution):
    """How often each of K categories is drawn in ``total_count`` independent draws.  probs or logits ``(*, K)``."""

    arg_constraints: ClassVar[Any] = {"probs": constraints.simplex, "logits": constraints.real_vector}

    def __init__(
        self, total_count: int = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("Multinomial: inhomogeneous total_count is not supported; expected an int")
        self.total_count = total_count
        self._categorical = Categorical(probs=probs, logits=logits)
        shape = self._categorical.param_shape
        super().__init__(self._categorical.batch_shape, shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(Multinomial, _instance)
        new.total_count = self.total_count
        new._categorical = self._categorical.expand(batch_shape)
        return self._expanded(new, batch_shape)

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Any:
        """Counts that sum to ``total_count``."""
        return constraints.multinomial(self.total_count)

    @property
    def probs(self) -> Tensor:
        """The probabilities of the categories."""
        return self._categorical.probs

    @property
    def logits(self) -> Tensor:
        """Their logarithms."""
        return self._categorical.logits

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter."""
        return self._categorical.param_shape

    @property
    def mean(self) -> Tensor:
        return self.probs * self.total_count

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        draws = self._categorical.sample((self.total_count, *sample_shape))
        ones = hp.nn.functional.one_hot(draws, self._event_shape[0]).to(self.probs.dtype)
        return ones.sum(0)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        logits = hp.where((value == 0) & (logits == -math.inf), 0.0, logits)
        ways = hp.lgamma(value.sum(-1) + 1) - hp.lgamma(value + 1).sum(-1)
        return ways + (logits * value).sum(-1)

    def entropy(self) -> Tensor:
        n = self.total_count
        counts = hp.arange(n + 1, dtype=self.probs.dtype, device=self.probs.device)
        counts = counts.reshape((-1, *(1,) * len(self.probs.shape)))
        weights = Binomial(n, probs=self.probs, validate_args=False).log_prob(counts).exp()
        return n * self._categorical.entropy() - math.lgamma(n + 1) + (weights * hp.lgamma(counts + 1)).sum((0, -1))

    def __repr__(self) -> str:
        return f"Multinomial(total_count: {self.total_count}, probs: {self.probs.size()})"
