"""Activations and dropouts that draw numbers in training."""

from __future__ import annotations

from hotplug.nn import functional as F
from hotplug.nn.dropout import _Dropout
from hotplug.nn.module import Module
from hotplug.tensor import Tensor


class AlphaDropout(_Dropout):
    """Dropout that keeps the mean 0 and variance 1 of SELU's outputs (Klambauer et al., 2017).  ``(*)`` -> ``(*)``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(_Dropout):
    """:class:`AlphaDropout` of whole channels.  ``(N, C, *)`` or ``(C, *)`` -> the same."""

    def forward(self, input: Tensor) -> Tensor:
        return F.feature_alpha_dropout(input, self.p, self.training)


class RReLU(Module):
    """``x`` where positive, else ``slope * x``; in training with slopes drawn from ``[lower, upper)``, else with their mean
    (Xu et al., 2015).  ``(*)`` -> ``(*)``.
    """

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False) -> None:
        super().__init__()
        self.lower = lower
        self.upper = upper
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"lower={self.lower}, upper={self.upper}" + (", inplace=True" if self.inplace else "")
