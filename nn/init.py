"""Initial values of parameters, after PyTorch's ``torch.nn.init``.

Every function overwrites a tensor, records no gradient, and returns the tensor.  Random values come from Hotplug's
generator: one seed gives the same values on every device.
"""

from __future__ import annotations

import math
import warnings
from typing import Any, Final

from hotplug import ops
from hotplug.autograd.mode import no_grad
from hotplug.errors import ArgumentError
from hotplug.random import Generator
from hotplug.tensor import Tensor

_GAINS: Final = {
    "linear": 1.0, "conv1d": 1.0, "conv2d": 1.0, "conv3d": 1.0, "conv_transpose1d": 1.0, "conv_transpose2d": 1.0,
    "conv_transpose3d": 1.0, "sigmoid": 1.0, "tanh": 5.0 / 3.0, "relu": math.sqrt(2.0), "selu": 3.0 / 4.0,
}  # fmt: skip


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which an activation asks for wider weights.

    Args:
        nonlinearity: ``linear``, ``conv2d``, ``sigmoid``, ``tanh``, ``relu``, ``leaky_relu``, ``selu``...
        param: the negative slope of ``leaky_relu`` (0.01).

    Raises:
        ArgumentError: the name is unknown, or the slope is no number.
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ArgumentError(f"calculate_gain: negative_slope {param!r} is not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity not in _GAINS:
        raise ArgumentError(
            f"calculate_gain: unknown nonlinearity {nonlinearity!r}; expected one of {', '.join(_GAINS)}, leaky_relu"
        )
    return _GAINS[nonlinearity]


@no_grad()
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Uniform in ``[a, b)``."""
    return tensor.uniform_(a, b, generator=generator)


@no_grad()
def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal with a given mean and standard deviation."""
    return tensor.normal_(mean, std, generator=generator)


@no_grad()
def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Normal, of which only values in ``[a, b]`` are kept: the others are drawn anew."""
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "trunc_normal_: mean is more than 2 std from [a, b]; the distribution of values may be incorrect",
            stacklevel=3,
        )
    inside = 0.5 * (math.erf((b - mean) / std / math.sqrt(2)) - math.erf((a - mean) / std / math.sqrt(2)))
    if inside > 0.3:
        tensor.normal_(mean, std, generator=generator)
        return _redraw(
            tensor, lambda: _normal_candidates(tensor, mean, std, a, b, generator), (tensor < a) | (tensor > b)
        )
    tensor.uniform_(a, b, generator=generator)
    rejected = _is_unlikely(tensor, mean, std, a, b, generator)
    return _redraw(tensor, lambda: _uniform_candidates(tensor, mean, std, a, b, generator), rejected)


def _redraw(tensor: Tensor, draw: Any, rejected: Tensor) -> Tensor:
    """Replace rejected elements by candidates until none is left."""
    while bool(rejected.any()):
        candidates, unfit = draw()
        tensor.copy_(ops.where(rejected, candidates, tensor))
        rejected = rejected & unfit
    return tensor


def _normal_candidates(
    like: Tensor, mean: float, std: float, a: float, b: float, generator: Generator | None
) -> tuple[Tensor, Tensor]:
    drawn = ops.empty_like(like).normal_(mean, std, generator=generator)
    return drawn, (drawn < a) | (drawn > b)


def _uniform_candidates(
    like: Tensor, mean: float, std: float, a: float, b: float, generator: Generator | None
) -> tuple[Tensor, Tensor]:
    drawn = ops.empty_like(like).uniform_(a, b, generator=generator)
    return drawn, _is_unlikely(drawn, mean, std, a, b, generator)


def _is_unlikely(drawn: Tensor, mean: float, std: float, a: float, b: float, generator: Generator | None) -> Tensor:
    """Reject uniform draws in proportion to the density, whose peak within the bounds is accepted always."""
    peak = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2
    log_density = -0.5 * ((drawn - mean) / std) ** 2 - peak
    return ops.empty_like(drawn).uniform_(0.0, 1.0, generator=generator).log() > log_density


@no_grad()
def constant_(tensor: Tensor, val: float) -> Tensor:
    """One value everywhere."""
    return tensor.fill_(val)


@no_grad()
def ones_(tensor: Tensor) -> Tensor:
    """Ones."""
    return tensor.fill_(1)


@no_grad()
def zeros_(tensor: Tensor) -> Tensor:
    """Zeros."""
    return tensor.zero_()


@no_grad()
def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix.

    Raises:
        ArgumentError: the tensor is no matrix.
    """
    if tensor.ndim != 2:
        raise ArgumentError(f"eye_: only tensors with 2 dimensions are supported, got shape {list(tensor.shape)}")
    return tensor.copy_(ops.eye(*tensor.shape, dtype=tensor.dtype, device=tensor.device))


@no_grad()
def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Convolution kernels (3 to 5 axes) that hand as many input channels on as they can, in each group.

    Raises:
        ArgumentError: the tensor has another number of axes, or its first one is no multiple of ``groups``.
    """
    if tensor.ndim not in (3, 4, 5):
        raise ArgumentError(
            f"dirac_: only tensors with 3, 4, or 5 dimensions are supported, got shape {list(tensor.shape)}"
        )
    outputs, _, *window = tensor.shape
    if outputs % groups:
        raise ArgumentError(f"dirac_: dim 0 ({outputs}) must be divisible by groups ({groups})")
    tensor.zero_()
    middle = tensor
    for size in reversed(window):
        middle = middle.select(-1, size // 2)  # every step drops the last axis
    each = outputs // groups
    for group in range(groups):
        middle.narrow(0, group * each, each).diagonal().fill_(1)
    return tensor


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """How many inputs an output sees, and the other way round."""
    if tensor.ndim < 2:
        raise ArgumentError(f"fan in and fan out need a tensor of 2 dimensions or more, got shape {list(tensor.shape)}")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    if mode not in ("fan_in", "fan_out"):
        raise ArgumentError(f"mode {mode!r} not supported, please use one of ['fan_in', 'fan_out']")
    return _calculate_fan_in_and_fan_out(tensor)[mode == "fan_out"]


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Uniform in ``(-a, a)``, ``a = gain * sqrt(6 / (fan_in + fan_out))`` (Glorot and Bengio, 2010)."""
    bound = gain * math.sqrt(6.0 / sum(_calculate_fan_in_and_fan_out(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal with standard deviation ``gain * sqrt(2 / (fan_in + fan_out))`` (Glorot and Bengio, 2010)."""
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(_calculate_fan_in_and_fan_out(tensor))), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    return calculate_gain(nonlinearity, a) / math.sqrt(_calculate_correct_fan(tensor, mode))


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Uniform in ``(-b, b)``, ``b = gain * sqrt(3 / fan)`` (He et al., 2015); ``a`` is the slope of leaky_relu."""
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=2)
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode.lower(), nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Normal with standard deviation ``gain / sqrt(fan)`` (He et al., 2015); ``a`` is the slope of leaky_relu."""
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=2)
        return tensor
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode.lower(), nonlinearity), generator)


@no_grad()
def orthogonal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """A random (semi-)orthogonal matrix times ``gain``, uniform among all (Saxe et al., 2013).

    Axes from the second on count as one: the rows of ``(n, m)`` are orthonormal if ``n <= m``, else its columns.
    """
    if tensor.ndim < 2:
        raise ArgumentError(f"orthogonal_: only tensors with 2 or more dimensions are supported, got {tensor.ndim}")
    if not tensor.numel():
        return tensor
    rows = tensor.shape[0]
    columns = tensor.numel() // rows
    drawn = ops.randn(rows, columns, generator=generator, dtype=tensor.dtype, device=tensor.device)
    q, r = ops.qr(drawn.t() if rows < columns else drawn)
    q = q * ops.diagonal(r).sign()  # the decomposition's own signs aren't uniform
    tensor.copy_((q.t() if rows < columns else q).reshape(tensor.shape) * gain)
    return tensor


@no_grad()
def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Tensor:
    """A normal matrix of which the fraction ``sparsity`` of every column is zero (Martens, 2010)."""
    if tensor.ndim != 2:
        raise ArgumentError(f"sparse_: only tensors with 2 dimensions are supported, got shape {list(tensor.shape)}")
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    tensor.normal_(0, std, generator=generator)
    for column in range(columns):
        order = ops.randperm(rows, generator=generator, device=tensor.device)
        tensor.select(1, column).copy_(ops.where(order < zeros, 0, tensor.select(1, column)))
    return tensor


def uniform_bias_(bias: Tensor | None, fan_in: int) -> None:
    """The default of a layer's bias: uniform in ``(-k, k)``, ``k = 1 / sqrt(fan_in)``."""
    if bias is not None and fan_in > 0:
        bound = 1 / math.sqrt(fan_in)
        uniform_(bias, -bound, bound)


def __getattr__(name: str) -> Any:
    """PyTorch's old names without the underscore, each with a warning."""
    home = globals().get(f"{name}_") if name in _OLD else None
    if home is None:
        raise AttributeError(f"module 'hotplug.nn.init' has no attribute {name!r}")

    def renamed(*args: Any, **kwargs: Any) -> Any:
        warnings.warn(f"nn.init.{name} is now deprecated in favor of nn.init.{name}_", FutureWarning, stacklevel=2)
        return home(*args, **kwargs)

    return renamed


_OLD: Final = frozenset(
    "constant dirac eye kaiming_normal kaiming_uniform normal orthogonal sparse uniform xavier_normal xavier_uniform".split()
)
