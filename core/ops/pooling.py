"""Average pooling over one to three axes."""

from __future__ import annotations

import math
from typing import Any

from hotplug.declare import composite, function
from hotplug.dtypes import dtype as DType
from hotplug.errors import DTypeError
from hotplug.layout import Shape
from hotplug.ops import creation, products, views
from hotplug.ops.convolution import convolution, convolution_input_backward
from hotplug.ops.max_pooling import (
    PoolingArgumentError,
    adaptive_sizes,
    behind,
    bins,
    check_pooled,
    pooled_size,
    pooling_options,
)
from hotplug.ops.padding import padded
from hotplug.tensor import Tensor


def _counts(size: Shape, out: Shape, kernel: Shape, stride: Shape, padding: Shape, include: bool) -> list[list[int]]:
    """For each axis, how many of its positions each window averages over."""
    per_axis = []
    for n, o, k, st, p in zip(size, out, kernel, stride, padding, strict=True):
        ends = []
        for at in range(o):
            first = at * st - p
            last = min(first + k, n + p)
            ends.append(last - first if include else min(last, n) - max(first, 0))
        per_axis.append(ends)
    return per_axis


def _divided(
    tensor: Tensor, size: Shape, kernel: Shape, stride: Shape, padding: Shape, include: bool, divisor: int
) -> Tensor:
    """Every window's value over the number of its elements, or over ``divisor`` where that isn't 0."""
    if divisor:
        return tensor / divisor
    counts = _counts(size, tuple(tensor.shape[2:]), kernel, stride, padding, include)
    if all(len(set(axis)) == 1 for axis in counts):
        return tensor / math.prod(axis[0] for axis in counts)
    for axis, ends in enumerate(counts):
        column = creation.tensor(ends, dtype=tensor.dtype, device=tensor.device)
        tensor = tensor / views.reshape(column, (-1, *(1,) * (len(size) - axis - 1)))
    return tensor


def _ones(like: Tensor, kernel: Shape) -> Tensor:
    return creation.ones((1, 1, *kernel), dtype=like.dtype, device=like.device)


def _outputs(
    input: Tensor, kernel: Shape, stride: Shape, padding: Shape, divisor: int, ceil_mode: bool, include: bool
) -> list[tuple[Shape, DType]]:
    out = pooled_size(input.shape[2:], kernel, stride, padding, (1,) * len(kernel), ceil_mode)
    return [((*input.shape[:2], *out), input.dtype)]


@composite(outputs=_outputs)
def avg_pool(
    input: Tensor, kernel: Shape, stride: Shape, padding: Shape, divisor: int, ceil_mode: bool, include: bool
) -> Tensor:
    """The mean of every window: a convolution of each plane with ones, divided by ``divisor``, or where that is 0 by the
    number of elements (padding counts if ``include``).
    """
    if input.dtype is not input.dtype.compute:  # a sum of halves may overflow
        wide = input.to(input.dtype.compute)
        return avg_pool(wide, kernel, stride, padding, divisor, ceil_mode, include).to(input.dtype)
    size, one = tuple(input.shape[2:]), (1,) * len(kernel)
    out = pooled_size(size, kernel, stride, padding, one, ceil_mode)
    after = behind(size, out, kernel, stride, padding, one)
    planes = padded(views.reshape(input, (-1, 1, *size)), (0, 0, *padding), (0, 0, *after), 0)
    sums = convolution(planes, _ones(input, kernel), None, stride, (0,) * len(kernel), one, 1)
    for axis, wanted in enumerate(out, 2):  # a stride that leaves room for one more window
        sums = views.narrow(sums, axis, 0, wanted)
    return _divided(views.reshape(sums, (*input.shape[:2], *out)), size, kernel, stride, padding, include, divisor)


@avg_pool.gradient("input")
def _(
    grad: Tensor, input_shape: Shape, kernel: Shape, stride: Shape, padding: Shape, divisor: int, ceil_mode: bool,
    include: bool,
) -> Tensor:  # fmt: skip
    return avg_pool_backward(grad, input_shape, kernel, stride, padding, divisor, ceil_mode, include)


@composite(outputs=lambda delta, shape, *_: [(shape, delta.dtype)])
def avg_pool_backward(
    delta: Tensor, shape: Shape, kernel: Shape, stride: Shape, padding: Shape, divisor: int, ceil_mode: bool,
    include: bool,
) -> Tensor:  # fmt: skip
    """The gradient of every window, divided as its mean was, for each of its elements."""
    size, out, one = shape[2:], tuple(delta.shape[2:]), (1,) * len(kernel)
    share = views.reshape(_divided(delta, size, kernel, stride, padding, include, divisor), (-1, 1, *out))
    after = behind(size, out, kernel, stride, padding, one)
    wide = tuple(p + s + a for p, s, a in zip(padding, size, after, strict=True))
    total = convolution_input_backward(
        share, _ones(delta, kernel), (share.shape[0], 1, *wide), stride, (0,) * len(kernel), one, 1
    )
    for axis, (p, s) in enumerate(zip(padding, size, strict=True), 2):
        total = views.narrow(total, axis, p, s)
    return views.reshape(total, shape)


@avg_pool_backward.gradient("delta")
def _(
    grad: Tensor, kernel: Shape, stride: Shape, padding: Shape, divisor: int, ceil_mode: bool, include: bool
) -> Tensor:
    return avg_pool(grad, kernel, stride, padding, divisor, ceil_mode, include)


# --- public functions --------------------------------------------------------------------------------------------------


def _avg_pool(
    rank: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool, include: bool,
    divisor: int | None,
) -> Tensor:  # fmt: skip
    op = f"avg_pool{rank}d"
    if input.dtype.kind != "f":
        raise DTypeError(f"{op} is not implemented for {input.dtype.name}; convert with .float()")
    if divisor == 0:
        raise PoolingArgumentError(f"{op}: divisor must be not zero")
    batch, kernel, steps, around = pooling_options(op, rank, input, kernel_size, stride, padding)
    out = pooled_size(batch.shape[2:], kernel, steps, around, (1,) * rank, ceil_mode)
    check_pooled(op, batch, out)
    if batch.shape[0] == 0:
        return views.reshape(input, (*input.shape[:-rank], *out))
    result = avg_pool(batch, kernel, steps, around, divisor or 0, ceil_mode, include)
    return views.squeeze(result, 0) if input.ndim == rank + 1 else result


@function(method=False, namespace="nn.functional")
def avg_pool1d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
               count_include_pad: bool = True) -> Tensor:  # fmt: skip
    """Mean of every window.  input ``(N, C, L)`` or ``(C, L)`` -> ``(N, C, L')``.

    ``L' = (L + 2 * padding - kernel_size) / stride + 1``, rounded down, or up with ``ceil_mode``.  The stride is the
    kernel size by default.  The padding counts as zeros, or with ``count_include_pad=False`` not at all.
    """
    return _avg_pool(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


@function(method=False, namespace="nn.functional")
def avg_pool2d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
               count_include_pad: bool = True, divisor_override: int | None = None) -> Tensor:  # fmt: skip
    """Mean of every window, or its sum over ``divisor_override``.  input ``(N, C, H, W)`` or ``(C, H, W)`` ->
    ``(N, C, H', W')``; see :func:`avg_pool1d`.
    """
    return _avg_pool(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


@function(method=False, namespace="nn.functional")
def avg_pool3d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
               count_include_pad: bool = True, divisor_override: int | None = None) -> Tensor:  # fmt: skip
    """Mean of every window, or its sum over ``divisor_override``.  input ``(N, C, D, H, W)`` or ``(C, D, H, W)``; see
    :func:`avg_pool1d`.
    """
    return _avg_pool(3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


# --- adaptive ----------------------------------------------------------------------------------------------------------


def _adaptive_avg(rank: int, input: Tensor, output_size: Any) -> Tensor:
    """Equal bins are :func:`avg_pool`; others one matrix product an axis, whose matrix averages over the bins."""
    result, wanted = adaptive_sizes(f"adaptive_avg_pool{rank}d", rank, input, output_size)
    check_pooled(f"adaptive_avg_pool{rank}d", input, tuple(max(each, 1) for each in wanted))
    size = tuple(result.shape[2:])
    if 0 in wanted or not result.numel():
        result = views.reshape(views.narrow(views.reshape(result, (-1,)), 0, 0, 0), (*result.shape[:2], *wanted))
    elif all(s % w == 0 for s, w in zip(size, wanted, strict=True)):
        kernel = tuple(s // w for s, w in zip(size, wanted, strict=True))
        result = avg_pool(result, kernel, kernel, (0,) * rank, 0, False, True)
    else:
        for axis, out in enumerate(wanted, 2):
            rows = [[(a <= at < b) / (b - a) for at in range(size[axis - 2])] for a, b in bins(size[axis - 2], out)]
            matrix = creation.tensor(rows, dtype=input.dtype, device=input.device)
            columns = products.matmul(views.movedim(result, axis, -1), views.transpose(matrix, 0, 1))
            result = views.movedim(columns, -1, axis)
        result = result.contiguous()
    return views.squeeze(result, 0) if input.ndim == rank + 1 else result


@function(method=False, namespace="nn.functional")
def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """Means over bins that cover the axis evenly.  input ``(N, C, L)`` or ``(C, L)`` -> ``(N, C, output_size)``."""
    return _adaptive_avg(1, input, output_size)


@function(method=False, namespace="nn.functional")
def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """Means over bins that cover the axes evenly.  input ``(N, C, H, W)`` or ``(C, H, W)`` -> ``(N, C, *output_size)``,
    where ``None`` keeps a size.
    """
    return _adaptive_avg(2, input, output_size)


@function(method=False, namespace="nn.functional")
def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """Means over bins that cover the axes evenly.  input ``(N, C, D, H, W)`` or ``(C, D, H, W)``, where ``None`` keeps a
    size.
    """
    return _adaptive_avg(3, input, output_size)
