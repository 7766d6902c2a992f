"""The exponential family: what follows from a log-normaliser of natural parameters."""

from __future__ import annotations

from typing import Any

import hotplug as hp
from hotplug.distributions.distribution import Distribution
from hotplug.distributions.utils import sum_rightmost
from hotplug.tensor import Tensor

__all__ = ["ExponentialFamily"]


class ExponentialFamily(Distribution):
    """Densities ``exp(<t(x), theta> - F(theta) + k(x))``: sufficient statistics, natural parameters, log-normaliser."""

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        """``theta``."""
        raise NotImplementedError

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        """``F(theta)``."""
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self) -> Any:
        """The expectation of ``k(x)``."""
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """By the gradient of the log-normaliser, the mean of ``t(x)``."""
        natural = [each.detach().requires_grad_() for each in self._natural_params]
        with hp.enable_grad():
            norm = self._log_normalizer(*natural)
            slopes = hp.autograd.grad(norm.sum(), natural, create_graph=True)
        total: Any = norm - self._mean_carrier_measure
        for parameter, slope in zip(natural, slopes, strict=True):
            total = total - sum_rightmost(parameter * slope, len(self._event_shape))
        return total
