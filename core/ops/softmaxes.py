"""softmax and log_softmax: one launch for the exponentials, none of which overflow."""

from __future__ import annotations

from typing import Any

from hotplug.declare import composite, elementwise, function
from hotplug.declare.dims import canonical_dim
from hotplug.declare.rules import floating
from hotplug.dtypes import dtype as DType
from hotplug.errors import DTypeError, ShapeError
from hotplug.expr import scalar as s
from hotplug.layout import Shape
from hotplug.ops import reduction, views
from hotplug.tensor import Tensor

_INTERNAL = "ops"
"""The namespace of ops that serve others: they are public in :mod:`hotplug.ops` only."""


def widened(input: Tensor) -> Tensor:
    """float32 for the half types: what is computed in several steps is rounded once, at the end."""
    return input.to(input.dtype.compute)


# --- parts that are one launch ---------------------------------------------------------------------------------------


@elementwise(dtype=floating, sample=(-3, 3), namespace=_INTERNAL, method=False, inplace=False)
def shifted_exp(input: Any, shift: Any) -> Any:
    """``exp(input - shift)``."""
    return s.exp(input - shift)


@elementwise(dtype=floating, sample=(0.5, 3), namespace=_INTERNAL, method=False, inplace=False)
def log_of_share(input: Any, shift: Any, total: Any) -> Any:
    """``input - shift - log(total)``."""
    return (input - shift) - s.log(total)


@elementwise(dtype=floating, sample=(-3, 3), namespace=_INTERNAL, method=False, inplace=False)
def share_gradient(grad: Any, out: Any, total: Any) -> Any:
    """``out * (grad - total)``: softmax's gradient, where ``total`` is the sum of ``out * grad``."""
    return out * (grad - total)


@elementwise(dtype=floating, sample=(-3, 3), namespace=_INTERNAL, method=False, inplace=False)
def log_share_gradient(grad: Any, out: Any, total: Any) -> Any:
    """``grad - exp(out) * total``: log_softmax's gradient, where ``total`` is the sum of ``grad``."""
    return grad - s.exp(out) * total


# --- the composites --------------------------------------------------------------------------------------------------


def _like_first(input: Tensor, *_: Any) -> list[tuple[Shape, DType]]:
    return [(tuple(input.shape), input.dtype)]


def _largest(input: Tensor, dim: int) -> Tensor:
    return reduction.extremum_over(input, "max", (dim,), True)


@composite(outputs=_like_first)
def softmax_along(input: Tensor, dim: int) -> Tensor:
    """``exp(input - max) / sum(exp(input - max))`` along ``dim``."""
    power: Tensor = shifted_exp(input, _largest(input, dim))
    out: Tensor = power / reduction.sum_over(power, (dim,), True, input.dtype)
    return out


@softmax_along.gradient("input")
def _(grad: Tensor, out: Tensor, dim: int) -> Tensor:
    return softmax_backward(grad, out, dim)


@composite(outputs=_like_first)
def softmax_backward(grad: Tensor, out: Tensor, dim: int) -> Tensor:
    """``out * (grad - sum(out * grad))``."""
    found: Tensor = share_gradient(grad, out, reduction.sum_over(grad * out, (dim,), True, out.dtype))
    return found


@composite(outputs=_like_first)
def log_softmax_along(input: Tensor, dim: int) -> Tensor:
    """``input - max - log(sum(exp(input - max)))`` along ``dim``."""
    shift = _largest(input, dim)
    total = reduction.sum_over(shifted_exp(input, shift), (dim,), True, input.dtype)
    out: Tensor = log_of_share(input, shift, total)
    return out


@log_softmax_along.gradient("input")
def _(grad: Tensor, out: Tensor, dim: int) -> Tensor:
    return log_softmax_backward(grad, out, dim)


@composite(outputs=_like_first)
def log_softmax_backward(grad: Tensor, out: Tensor, dim: int) -> Tensor:
    """``grad - exp(out) * sum(grad)``."""
    found: Tensor = log_share_gradient(grad, out, reduction.sum_over(grad, (dim,), True, out.dtype))
    return found


# --- public functions ------------------------------------------------------------------------------------------------


def _along(op: str, run: Any, input: Tensor, dim: int, dtype: DType | None) -> Tensor:
    if dtype is not None:
        input = input.to(dtype)
    if input.dtype.kind != "f":
        raise DTypeError(
            f"{op} is not defined for {input.dtype.name}: it takes floating dtypes; pass dtype=, or .float()"
        )
    d = canonical_dim(op, dim, input.ndim)
    if input.numel() == 0:
        return input.clone()
    kind, wide = input.dtype, widened(input)
    if input.ndim == 0:
        return views.reshape(run(views.reshape(wide, (1,)), 0), ()).to(kind)
    found: Tensor = run(wide, d)
    return found.to(kind)


@function()
def softmax(input: Tensor, dim: int, dtype: DType | None = None) -> Tensor:
    """``exp(x) / sum(exp(x))`` along ``dim``: positive shares that add up to 1.  ``dtype``: converted to it first."""
    return _along("softmax", softmax_along, input, dim, dtype)


@function()
def log_softmax(input: Tensor, dim: int, dtype: DType | None = None) -> Tensor:
    """``log(softmax(x))`` along ``dim``, without the loss of digits.  ``dtype``: converted to it first."""
    return _along("log_softmax", log_softmax_along, input, dim, dtype)


def _implied(dim: int | None, input: Tensor) -> int:
    """The dim that PyTorch takes where none is given."""
    return (0 if input.ndim in (0, 1, 3) else 1) if dim is None else dim


@function(name="softmax", method=False, namespace="nn.functional")
def functional_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None
) -> Tensor:
    """:func:`hotplug.softmax`; without ``dim``, along axis 0 of vectors and 3-d tensors and 1 of others."""
    return softmax(input, _implied(dim, input), dtype)


@function(name="log_softmax", method=False, namespace="nn.functional")
def functional_log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None
) -> Tensor:
    """:func:`hotplug.log_softmax`; without ``dim``, along axis 0 of vectors and 3-d tensors and 1 of others."""
    return log_softmax(input, _implied(dim, input), dtype)


@function(method=False, namespace="nn.functional")
def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None) -> Tensor:
    """``softmax(-x)``."""
    negative: Tensor = -input if dtype is None else -input.to(dtype)
    return softmax(negative, _implied(dim, input))


@function(method=False, namespace="nn.functional")
def glu(input: Tensor, dim: int = -1) -> Tensor:
    """Gated linear unit: the first half along ``dim`` times the sigmoid of the second (Dauphin et al., 2016)."""
    if input.ndim == 0:
        raise ShapeError("glu: a 0-d tensor has no halves; .reshape(1) gives it an axis")
    d = canonical_dim("glu", dim, input.ndim)
    if input.shape[d] % 2:
        raise ShapeError(f"glu: Halving dimension must be even, but dimension {d} of {list(input.shape)} is not")
    half = input.shape[d] // 2
    first, second = views.narrow(input, d, 0, half), views.narrow(input, d, half, half)
    out: Tensor = gated(first, second)
    return out


@elementwise(dtype=floating, sample=(-3, 3), namespace=_INTERNAL, method=False, inplace=False)
def gated(input: Any, gate: Any) -> Any:
    """``input * sigmoid(gate)``."""
    return input * s.sigmoid(gate)
