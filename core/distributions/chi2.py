"""The chi-squared distribution."""

from __future__ import annotations

from typing import Any, ClassVar, final

from hotplug.distributions import constraints
from hotplug.distributions.gamma import Gamma
from hotplug.tensor import Tensor

__all__ = ["Chi2"]


@final
class Chi2(Gamma):
    """The sum of the squares of ``df`` standard normal variables: gamma of shape ``df / 2`` and rate 1/2."""

    arg_constraints: ClassVar[Any] = {"df": constraints.positive}

    def __init__(self, df: Any, validate_args: bool | None = None) -> None:
        super().__init__(0.5 * df, 0.5, validate_args=validate_args)

    @property
    def df(self) -> Tensor:
        """The degrees of freedom."""
        return self.concentration * 2
