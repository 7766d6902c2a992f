"""What looks across channels: local response normalisation, and the softmax over them."""

from __future__ import annotations

from hotplug.errors import ShapeError
from hotplug.nn import functional as F
from hotplug.nn.module import Module
from hotplug.tensor import Tensor


class LocalResponseNorm(Module):
    """``x / (k + alpha * mean(x**2 of size neighbouring channels))**beta`` (Krizhevsky et al., 2012).

    ``(N, C, *)`` -> the same.
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class CrossMapLRN2d(Module):
    """:class:`LocalResponseNorm` under its old name, whose window of an even size is one channel narrower.

    ``(N, C, H, W)`` -> the same.  By the formula: PyTorch's leaves the first channel in the windows of all later ones.
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim != 4:
            raise SoftmaxShapeError(f"CrossMapLRN2d: expected input to be 4D, got {input.ndim}D instead")
        window = 2 * ((self.size + 1) // 2) - 1
        return F.local_response_norm(input, window, self.alpha * window / self.size, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class Softmax2d(Module):
    """Softmax over the channels at every place.  ``(N, C, H, W)`` or ``(C, H, W)`` -> the same."""

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (3, 4):
            raise SoftmaxShapeError(f"Softmax2d: expected input to be 3D or 4D, got shape {list(input.shape)}")
        return F.softmax(input, -3)


class SoftmaxShapeError(ShapeError, ValueError):
    """An input without channels; PyTorch raises ValueError."""
