"""Dropout: a part of the input set to zero in training."""

from __future__ import annotations

from hotplug.errors import ArgumentError
from hotplug.nn import functional as F
from hotplug.nn.module import Module
from hotplug.tensor import Tensor


class _Dropout(Module):
    """What all kinds share."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0.0 <= p <= 1.0:
            raise ArgumentError(f"{type(self).__name__}: dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """In training, zero with probability ``p``, and the other elements divided by ``1 - p`` (Hinton et al., 2012).

    Shapes: ``(*)`` -> ``(*)``.  In evaluation mode the input itself.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_Dropout):
    """Sets whole channels to zero.  Shapes: ``(N, C, L)`` or ``(C, L)`` -> the same."""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_Dropout):
    """Sets whole channels to zero.  Shapes: ``(N, C, H, W)`` -> the same."""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_Dropout):
    """Sets whole channels to zero.  Shapes: ``(N, C, D, H, W)`` or ``(C, D, H, W)`` -> the same."""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout3d(input, self.p, self.training, self.inplace)
