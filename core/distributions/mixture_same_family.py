"""Mixtures of distributions of one family."""

from __future__ import annotations

from typing import Any, ClassVar, final

import hotplug as hp
from hotplug.distributions import constraints
from hotplug.distributions.categorical import Categorical
from hotplug.distributions.distribution import Distribution
from hotplug.errors import ArgumentError
from hotplug.tensor import Tensor

__all__ = ["MixtureSameFamily"]


@final
class MixtureSameFamily(Distribution):
    """One of the components, which are the last axis of the batch of ``component_distribution``, drawn by a Categorical."""

    arg_constraints: ClassVar[Any] = {}

    def __init__(
        self, mixture_distribution: Categorical, component_distribution: Distribution, validate_args: bool | None = None
    ) -> None:
        if not isinstance(mixture_distribution, Categorical):
            raise ArgumentError("MixtureSameFamily: the mixture distribution needs to be a Categorical")
        if not isinstance(component_distribution, Distribution):
            raise ArgumentError("MixtureSameFamily: the component distribution needs to be a Distribution")
        mixed, batch = mixture_distribution.batch_shape, component_distribution.batch_shape
        if not batch or any(
            a != b for a, b in zip(reversed(mixed), reversed(batch[:-1]), strict=False) if 1 not in (a, b)
        ):
            raise ArgumentError(f"MixtureSameFamily: batch shapes {list(mixed)} and {list(batch)} do not fit")
        count = mixture_distribution.logits.shape[-1]
        if count != batch[-1]:
            raise ArgumentError(f"MixtureSameFamily: {count} weights do not fit {batch[-1]} components")
        self._mixture_distribution = mixture_distribution
        self._component_distribution = component_distribution
        self._num_component = count
        event = component_distribution.event_shape
        self._event_ndims = len(event)
        super().__init__(batch[:-1], event, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(MixtureSameFamily, _instance)
        shape = tuple(batch_shape)
        new._component_distribution = self._component_distribution.expand((*shape, self._num_component))
        new._mixture_distribution = self._mixture_distribution.expand(shape)
        new._num_component, new._event_ndims = self._num_component, self._event_ndims
        return self._expanded(new, shape)

    @constraints.dependent_property
    def support(self) -> Any:
        """That of the components."""
        return constraints.MixtureSameFamilyConstraint(self._component_distribution.support)

    @property
    def mixture_distribution(self) -> Categorical:
        """The distribution over components."""
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Distribution:
        """The components."""
        return self._component_distribution

    def _over_events(self, value: Tensor) -> Tensor:
        return value.reshape((*value.shape, *(1,) * self._event_ndims))

    @property
    def mean(self) -> Tensor:
        weights = self._over_events(self._mixture_distribution.probs)
        return (weights * self._component_distribution.mean).sum(-1 - self._event_ndims)

    @property
    def variance(self) -> Tensor:
        """By the law of total variance."""
        weights, axis = self._over_events(self._mixture_distribution.probs), -1 - self._event_ndims
        inside = (weights * self._component_distribution.variance).sum(axis)
        apart = self._component_distribution.mean - self.mean.unsqueeze(axis)
        return inside + (weights * apart.pow(2)).sum(axis)

    def cdf(self, x: Tensor) -> Tensor:
        shares = self._component_distribution.cdf(self._padded(x))
        return (shares * self._mixture_distribution.probs).sum(-1)

    def log_prob(self, x: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(x)
        inside = self._component_distribution.log_prob(self._padded(x))
        return hp.logsumexp(inside + hp.log_softmax(self._mixture_distribution.logits, -1), -1)

    def _padded(self, x: Tensor) -> Tensor:
        return x.unsqueeze(-1 - self._event_ndims)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with hp.no_grad():
            chosen = self._mixture_distribution.sample(sample_shape)
            drawn = self._component_distribution.sample(sample_shape)
            place = self._over_events(chosen.unsqueeze(-1))
            axis = drawn.ndim - 1 - self._event_ndims
            shape = (*drawn.shape[:axis], 1, *drawn.shape[axis + 1 :])
            return drawn.gather(axis, place.expand(shape)).squeeze(axis)

    def __repr__(self) -> str:
        return f"MixtureSameFamily({self._mixture_distribution}, {self._component_distribution})"
