"""Pooling's rarer relatives: by a power mean, back from maxima, and over channels."""

from __future__ import annotations

import math
from typing import Any

from hotplug.declare import composite, function
from hotplug.dtypes import dtype as DType, int64
from hotplug.errors import ArgumentError, DTypeError, RankError, ShapeError
from hotplug.layout import Shape
from hotplug.ops import activation, views
from hotplug.ops.gathering import gather_along, scatter_zeros
from hotplug.ops.padding import padded
from hotplug.ops.pooling import avg_pool1d, avg_pool2d, avg_pool3d
from hotplug.ops.softmaxes import widened
from hotplug.ops.windows import tuple_of
from hotplug.tensor import Tensor

_F = "nn.functional"


# --- back from maxima ------------------------------------------------------------------------------------------------


def _outputs(input: Tensor, place: Tensor, size: Shape) -> list[tuple[Shape, DType]]:
    return [((*input.shape[:2], *size), input.dtype)]


@composite(outputs=_outputs)
def unpool(input: Tensor, place: Tensor, size: Shape) -> Tensor:
    """``(N, C, *S)`` -> ``(N, C, *size)``: every element at its flat place in the plane, zeros elsewhere."""
    lead = tuple(input.shape[:2])
    count = math.prod(input.shape[2:])
    flat = views.reshape(place, (*lead, count))
    rows = views.reshape(input, (*lead, count))
    found = scatter_zeros(rows, 2, flat, tuple(flat.shape), (*lead, math.prod(size)), True)
    return views.reshape(found, (*lead, *size))


@unpool.gradient("input")
def _(grad: Tensor, place: Tensor) -> Tensor:
    return unpool_backward(grad, place)


@composite(outputs=lambda delta, place: [(tuple(place.shape), delta.dtype)])
def unpool_backward(delta: Tensor, place: Tensor) -> Tensor:
    """What stands at each of the places."""
    lead = tuple(place.shape[:2])
    flat = views.reshape(place, (*lead, math.prod(place.shape[2:])))
    found = gather_along(views.reshape(delta, (*lead, math.prod(delta.shape[2:]))), 2, flat, tuple(flat.shape))
    return views.reshape(found, tuple(place.shape))


@unpool_backward.gradient("delta")
def _(grad: Tensor, place: Tensor, delta_shape: Shape) -> Tensor:
    return unpool(grad, place, delta_shape[2:])


class UnpoolSizeError(ArgumentError):
    """An output size from which the pooling can't have come."""


def _unpooled_size(op: str, given: Any, size: Shape, kernel: Shape, stride: Shape, padding: Shape) -> Shape:
    usual = tuple((n - 1) * s + k - 2 * p for n, s, k, p in zip(size, stride, kernel, padding, strict=True))
    if given is None:
        if min(usual) < 0:
            raise UnpoolSizeError(f"{op}: kernel, stride and padding would make an output of sizes {list(usual)}")
        return usual
    rank, wanted = len(size), tuple(int(each) for each in given)
    wanted = wanted[2:] if len(wanted) == rank + 2 else wanted
    if len(wanted) != rank:
        raise UnpoolSizeError(f"{op}: output_size should have {rank} or {rank + 2} sizes, got {list(given)}")
    if any(not u - s < w < u + s for w, u, s in zip(wanted, usual, stride, strict=True)):
        raise UnpoolSizeError(
            f"{op}: invalid output_size {list(wanted)}: every size must differ from {list(usual)} by less than the stride "
            f"{list(stride)}"
        )
    return wanted


def _max_unpool(
    rank: int, input: Tensor, indices: Tensor, kernel_size: Any, stride: Any, padding: Any, output_size: Any
) -> Tensor:
    op = f"max_unpool{rank}d"
    kernel = tuple_of(op, "kernel_size", kernel_size, rank)
    steps = kernel if stride is None else tuple_of(op, "stride", stride, rank)
    around = tuple_of(op, "padding", padding, rank)
    if input.ndim not in (rank + 1, rank + 2) or tuple(indices.shape) != tuple(input.shape):
        raise RankError(
            f"{op}: expected a {rank + 1}D or {rank + 2}D input and indices of its shape, got {list(input.shape)} and "
            f"{list(indices.shape)}"
        )
    if indices.dtype is not int64:
        raise DTypeError(f"{op}: elements in indices should be type int64 but got: {indices.dtype.name}")
    size = _unpooled_size(op, output_size, tuple(input.shape[-rank:]), kernel, steps, around)
    if input.ndim == rank + 1:
        return views.squeeze(unpool(views.unsqueeze(input, 0), views.unsqueeze(indices, 0), size), 0)
    return unpool(input, indices, size)


@function(method=False, namespace=_F)
def max_unpool1d(input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
                 output_size: Any = None) -> Tensor:  # fmt: skip
    """Maxima put back where :func:`max_pool1d` found them, zeros elsewhere.  input and indices ``(N, C, L)`` or ``(C, L)``
    -> ``(N, C, L')`` with ``L' = (L - 1) * stride - 2 * padding + kernel_size``, or the ``output_size``.
    """
    return _max_unpool(1, input, indices, kernel_size, stride, padding, output_size)


@function(method=False, namespace=_F)
def max_unpool2d(input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
                 output_size: Any = None) -> Tensor:  # fmt: skip
    """As :func:`max_unpool1d`, for ``(N, C, H, W)`` or ``(C, H, W)``."""
    return _max_unpool(2, input, indices, kernel_size, stride, padding, output_size)


@function(method=False, namespace=_F)
def max_unpool3d(input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
                 output_size: Any = None) -> Tensor:  # fmt: skip
    """As :func:`max_unpool1d`, for ``(N, C, D, H, W)`` or ``(C, D, H, W)``."""
    return _max_unpool(3, input, indices, kernel_size, stride, padding, output_size)


# --- power means -----------------------------------------------------------------------------------------------------


def _lp_pool(rank: int, input: Tensor, power: float, kernel_size: Any, stride: Any, ceil_mode: bool) -> Tensor:
    kernel = tuple_of(f"lp_pool{rank}d", "kernel_size", kernel_size, rank)
    average = (avg_pool1d, avg_pool2d, avg_pool3d)[rank - 1]
    mean: Tensor = average(input**power, kernel, stride, 0, ceil_mode)
    total = activation.relu(mean.abs()) * mean.sign() * math.prod(kernel)
    result: Tensor = total ** (1.0 / power)
    return result


@function(method=False, namespace=_F)
def lp_pool1d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The ``norm_type``-norm of every window, ``sum(x**p)**(1/p)``.  input ``(N, C, L)`` or ``(C, L)`` -> ``(N, C, L')``,
    sizes as in :func:`avg_pool1d`.
    """
    return _lp_pool(1, input, float(norm_type), kernel_size, stride, ceil_mode)


@function(method=False, namespace=_F)
def lp_pool2d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """As :func:`lp_pool1d`, for ``(N, C, H, W)`` or ``(C, H, W)``."""
    return _lp_pool(2, input, float(norm_type), kernel_size, stride, ceil_mode)


@function(method=False, namespace=_F)
def lp_pool3d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """As :func:`lp_pool1d`, for ``(N, C, D, H, W)`` or ``(C, D, H, W)``."""
    return _lp_pool(3, input, float(norm_type), kernel_size, stride, ceil_mode)


# --- over channels ---------------------------------------------------------------------------------------------------


class EmptyAxisError(ShapeError, ValueError):
    """PyTorch raises ValueError."""


@function(method=False, namespace=_F)
def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:  # fmt: skip
    """``input / (k + alpha * mean(input**2 of size neighbouring channels))**beta`` (Krizhevsky et al., 2012).

    input ``(N, C, *S)`` with one axis ``S`` or more -> the same; channels beyond the first and last count as 0.
    """
    if input.ndim < 3:
        raise EmptyAxisError(
            f"local_response_norm: expected 3D or higher dimensionality input, got shape {list(input.shape)}"
        )
    if not input.numel():
        return input.clone()
    wide = widened(input)
    planes = views.reshape(wide * wide, (input.shape[0], 1, input.shape[1], -1))
    around = padded(planes, (0, 0, size // 2, 0), (0, 0, (size - 1) // 2, 0), 0)
    mean = views.reshape(avg_pool2d(around, (size, 1), 1), tuple(input.shape))
    return (wide / (mean * alpha + k) ** beta).to(input.dtype)
