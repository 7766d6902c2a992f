"""``weight_norm`` and ``spectral_norm`` as hooks: the older form, whose parameters lie in the module itself."""

from __future__ import annotations

from typing import Any, Final, final

from hotplug import ops
from hotplug.errors import ArgumentError
from hotplug.nn import functional as F
from hotplug.nn.conv_transpose import _ConvTranspose
from hotplug.nn.module import Module
from hotplug.nn.parameter import Parameter
from hotplug.nn.utils._normalized import as_matrix, norm_except, over_largest, power_iterations, scaled_direction
from hotplug.tensor import Tensor


class NormHookError(ArgumentError, RuntimeError):
    """Two of the same for one weight, or a weight that isn't there."""


@final
class WeightNorm:
    """Computes a weight before every forward."""

    def __init__(self, name: str, dim: int) -> None:
        self.name: Final = name
        self.dim: Final = dim

    def compute_weight(self, module: Module) -> Tensor:
        """``g * v / |v|``."""
        return scaled_direction(getattr(module, f"{self.name}_v"), getattr(module, f"{self.name}_g"), self.dim)

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))


@final
class SpectralNorm:
    """Computes a weight before every forward."""

    def __init__(self, name: str, n_power_iterations: int, dim: int, eps: float) -> None:
        self.name: Final = name
        self.n_power_iterations: Final = n_power_iterations
        self.dim: Final = dim
        self.eps: Final = eps

    def compute_weight(self, module: Module, do_power_iteration: bool) -> Tensor:
        """The weight divided by an estimate of its largest singular value."""
        weight, u, v = (getattr(module, f"{self.name}_{part}") for part in ("orig", "u", "v"))
        matrix = as_matrix(weight, self.dim)
        if do_power_iteration:
            power_iterations(matrix, u, v, self.n_power_iterations, self.eps, True)
        return over_largest(weight, matrix, u, v)

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, module.training))


def _weight_of(module: Module, name: str, kind: type) -> Parameter:
    for hook in module._forward_pre_hooks.values():
        if isinstance(hook.function, kind) and getattr(hook.function, "name", "") == name:
            raise NormHookError(f"cannot register two {kind.__name__} hooks on the same parameter {name!r}")
    weight = module._parameters.get(name)
    if weight is None:
        raise NormHookError(f"{type(module).__name__} has no parameter {name!r} for {kind.__name__}")
    return weight


def _take(module: Module, name: str, kind: type) -> Any:
    """Remove a hook and give it back."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook.function, kind) and getattr(hook.function, "name", "") == name:
            del module._forward_pre_hooks[key]
            return hook.function
    raise ArgumentError(f"{kind.__name__} of {name!r} not found in {type(module).__name__}")


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """A weight as ``g * v / |v|`` (Salimans and Kingma, 2016), with the parameters ``<name>_g`` and ``<name>_v``.

    :func:`hotplug.nn.utils.parametrizations.weight_norm` is the newer form.
    """
    weight = _weight_of(module, name, WeightNorm)
    hook = WeightNorm(name, -1 if dim is None else dim)
    del module._parameters[name]
    module.register_parameter(f"{name}_g", Parameter(norm_except(weight.detach(), hook.dim)))
    module.register_parameter(f"{name}_v", Parameter(weight.detach()))
    setattr(module, name, hook.compute_weight(module))
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: Module, name: str = "weight") -> Module:
    """Make the weight an ordinary parameter again, with the value it has."""
    hook = _take(module, name, WeightNorm)
    value = hook.compute_weight(module).detach()
    for part in (name, f"{name}_g", f"{name}_v"):
        delattr(module, part)
    module.register_parameter(name, Parameter(value))
    return module


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """A weight divided by its largest singular value (Miyato et al., 2018), with the parameter ``<name>_orig`` and the
    buffers ``<name>_u`` and ``<name>_v``.

    :func:`hotplug.nn.utils.parametrizations.spectral_norm` is the newer form.
    """
    if n_power_iterations <= 0:
        raise ArgumentError(f"spectral_norm: expected n_power_iterations to be positive, got {n_power_iterations}")
    weight = _weight_of(module, name, SpectralNorm)
    axis = (1 if isinstance(module, _ConvTranspose) else 0) if dim is None else dim
    hook = SpectralNorm(name, n_power_iterations, axis, eps)
    sizes = as_matrix(weight.detach(), axis).shape
    del module._parameters[name]
    module.register_parameter(f"{name}_orig", weight)
    setattr(module, name, weight.detach())
    for part, size in zip("uv", sizes, strict=True):
        drawn = ops.randn(size, dtype=weight.dtype, device=weight.device)
        module.register_buffer(f"{name}_{part}", F.normalize(drawn, dim=0, eps=eps))
    module.register_forward_pre_hook(hook)
    return module


def remove_spectral_norm(module: Module, name: str = "weight") -> Module:
    """Make the weight an ordinary parameter again, with the value it has."""
    hook = _take(module, name, SpectralNorm)
    value = hook.compute_weight(module, False).detach()
    delattr(module, name)
    for part in ("orig", "u", "v"):
        delattr(module, f"{name}_{part}")
    module.register_parameter(name, Parameter(value))
    return module
