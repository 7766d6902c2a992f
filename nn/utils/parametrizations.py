"""Ready-made parametrizations."""

from __future__ import annotations

from typing import Any

from hotplug import ops
from hotplug.autograd.mode import no_grad
from hotplug.errors import ArgumentError
from hotplug.nn import functional as F
from hotplug.nn.conv_transpose import _ConvTranspose
from hotplug.nn.module import Module
from hotplug.nn.utils._normalized import as_matrix, norm_except, over_largest, power_iterations, scaled_direction
from hotplug.nn.utils.parametrize import register_parametrization
from hotplug.tensor import Tensor


class _WeightNorm(Module):
    """A weight from its norms and its direction."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return scaled_direction(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Norms and direction of a weight."""
        return norm_except(weight, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """A weight as ``g * v / |v|``, norm and direction learned apart (Salimans and Kingma, 2016).

    ``parametrizations.<name>.original0`` is ``g``, one number for each index of the axis ``dim`` (for all, if none), and
    ``original1`` is ``v``.
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)
    return module


class _SpectralNorm(Module):
    """A weight divided by an estimate of its largest singular value."""

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise SpectralAxisError(f"spectral_norm: dimension {dim} is out of range for {weight.ndim} axes")
        if n_power_iterations <= 0:
            raise ArgumentError(
                f"spectral_norm: expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim = dim % weight.ndim
        self.eps = eps
        if weight.ndim > 1:
            self.n_power_iterations = n_power_iterations
            with no_grad():
                matrix = as_matrix(weight.detach(), self.dim)
                for name, size in zip(("_u", "_v"), matrix.shape, strict=True):
                    drawn = ops.randn(size, dtype=weight.dtype, device=weight.device)
                    self.register_buffer(name, F.normalize(drawn, dim=0, eps=eps))
                power_iterations(matrix, self._u, self._v, 15, eps, False)

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            power_iterations(matrix, self._u, self._v, self.n_power_iterations, self.eps, False)
        return over_largest(weight, matrix, self._u, self._v)

    def right_inverse(self, value: Tensor) -> Tensor:
        """The value itself."""
        return value


class SpectralAxisError(ArgumentError, IndexError):
    """An axis that the weight doesn't have."""


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """A weight divided by its largest singular value, which is estimated by power iteration (Miyato et al., 2018).

    Args:
        n_power_iterations: at every forward in training.
        dim: the axis of the outputs: 1 for transposed convolutions, else 0, by default.
    """
    weight: Any = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ArgumentError(f"module {type(module).__name__} has no parameter or buffer with name {name!r}")
    axis = (1 if isinstance(module, _ConvTranspose) else 0) if dim is None else dim
    register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, axis, eps))
    return module
