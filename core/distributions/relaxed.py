"""What the relaxed distributions share: the parameters of the one that they are made of."""

from __future__ import annotations

from typing import Any

from hotplug.distributions.transformed_distribution import TransformedDistribution
from hotplug.tensor import Tensor

__all__ = ["Relaxed"]


class Relaxed(TransformedDistribution):
    """A distribution over the numbers that stand for a discrete one's, as ``temperature`` goes to 0."""

    has_rsample = True
    base_dist: Any

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        return super().expand(batch_shape, self._get_checked_instance(type(self), _instance))

    @property
    def temperature(self) -> Any:
        """How soft values are."""
        return self.base_dist.temperature

    @property
    def logits(self) -> Tensor:
        """The log-odds, or the logarithms of the probabilities."""
        logits: Tensor = self.base_dist.logits
        return logits

    @property
    def probs(self) -> Tensor:
        """The probabilities."""
        probs: Tensor = self.base_dist.probs
        return probs
