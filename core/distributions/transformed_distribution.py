"""A distribution of transformed values."""

from __future__ import annotations

from typing import Any, ClassVar

import hotplug as hp
from hotplug.distributions import constraints
from hotplug.distributions.distribution import Distribution
from hotplug.distributions.independent import Independent
from hotplug.distributions.transform import ComposeTransform, Transform
from hotplug.distributions.utils import sum_rightmost
from hotplug.errors import ArgumentError
from hotplug.tensor import Tensor

__all__ = ["TransformedDistribution"]


class TransformedDistribution(Distribution):
    """``y = t_n(... t_1(x))`` for ``x`` of ``base_distribution``: its density by the Jacobians of the transforms."""

    arg_constraints: ClassVar[Any] = {}

    def __init__(self, base_distribution: Distribution, transforms: Any, validate_args: bool | None = None) -> None:
        self.transforms: list[Transform] = [transforms] if isinstance(transforms, Transform) else list(transforms)
        if not all(isinstance(each, Transform) for each in self.transforms):
            raise ArgumentError(f"TransformedDistribution: expected a Transform or a list of them, got {transforms!r}")
        shape = base_distribution.batch_shape + base_distribution.event_shape
        base_dim = len(base_distribution.event_shape)
        whole = ComposeTransform(self.transforms)
        if len(shape) < whole.domain.event_dim:
            raise ArgumentError(
                f"TransformedDistribution: the base distribution needs shapes of at least {whole.domain.event_dim} axes, "
                f"got {list(shape)}"
            )
        goal = whole.forward_shape(shape)
        base_distribution = base_distribution.expand(_batch(whole.inverse_shape(goal), base_dim))
        missing = whole.domain.event_dim - base_dim
        if missing > 0:
            base_distribution = Independent(base_distribution, missing)
        self.base_dist = base_distribution
        event_dim = max(whole.codomain.event_dim, base_dim + whole.codomain.event_dim - whole.domain.event_dim)
        cut = len(goal) - event_dim
        super().__init__(goal[:cut], goal[cut:], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(TransformedDistribution, _instance)
        new.transforms = self.transforms
        whole = ComposeTransform(self.transforms)
        shape = whole.inverse_shape((*batch_shape, *self.event_shape))
        new.base_dist = self.base_dist.expand(_batch(shape, len(self.base_dist.event_shape)))
        return self._expanded(new, batch_shape)

    @constraints.dependent_property(is_discrete=False)
    def support(self) -> Any:
        """The codomain of the last transform."""
        if not self.transforms:
            return self.base_dist.support
        found = self.transforms[-1].codomain
        extra = len(self.event_shape) - found.event_dim
        return constraints.independent(found, extra) if extra > 0 else found

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        """Whether the base distribution has it."""
        return self.base_dist.has_rsample

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with hp.no_grad():
            return self._forward(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self._forward(self.base_dist.rsample(sample_shape))

    def _forward(self, value: Tensor) -> Tensor:
        for each in self.transforms:
            value = each(value)
        return value

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        event_dim = len(self.event_shape)
        total: Any = 0.0
        y = value
        for each in reversed(self.transforms):
            x = each.inv(y)
            event_dim += each.domain.event_dim - each.codomain.event_dim
            total = total - sum_rightmost(each.log_abs_det_jacobian(x, y), event_dim - each.domain.event_dim)
            y = x
        return total + sum_rightmost(self.base_dist.log_prob(y), event_dim - len(self.base_dist.event_shape))

    def _sign(self) -> Any:
        sign: Any = 1
        for each in self.transforms:
            sign = sign * each.sign
        return sign

    def _mirrored(self, share: Tensor) -> Tensor:
        """The other side of a probability, where the transforms fall."""
        sign = self._sign()
        if isinstance(sign, int):
            return share if sign == 1 else 1 - share
        return sign * (share - 0.5) + 0.5

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        for each in reversed(self.transforms):
            value = each.inv(value)
        return self._mirrored(self.base_dist.cdf(value))

    def icdf(self, value: Tensor) -> Tensor:
        return self._forward(self.base_dist.icdf(self._mirrored(value)))


def _batch(shape: Any, event_dim: int) -> Any:
    return shape[: len(shape) - event_dim]
