"""The logistic normal distribution."""

from __future__ import annotations

from typing import Any, ClassVar, final

from hotplug.distributions import constraints
from hotplug.distributions.normal import Normal
from hotplug.distributions.transformed_distribution import TransformedDistribution
from hotplug.distributions.transforms import StickBreakingTransform
from hotplug.tensor import Tensor

__all__ = ["LogisticNormal"]


@final
class LogisticNormal(TransformedDistribution):
    """Points of the simplex: a normal vector through :class:`StickBreakingTransform`.  loc, scale ``(*, K - 1)``."""

    arg_constraints: ClassVar[Any] = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.simplex
    has_rsample = True
    base_dist: Any

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        base = Normal(loc, scale, validate_args=validate_args)
        if not base.batch_shape:
            base = base.expand((1,))
        super().__init__(base, StickBreakingTransform(), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        return super().expand(batch_shape, self._get_checked_instance(LogisticNormal, _instance))

    @property
    def loc(self) -> Tensor:
        """The mean of the normal vector."""
        return self.base_dist.base_dist.loc

    @property
    def scale(self) -> Tensor:
        """Its deviations."""
        return self.base_dist.base_dist.scale
