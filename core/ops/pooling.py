"""Pooling over one to three axes."""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import Any

from hotplug.declare import composite, function
from hotplug.dtypes import int64
from hotplug.errors import ArgumentError, DTypeError, ShapeError
from hotplug.layout import Shape
from hotplug.ops.convolution import convolution, padded, tuple_of, windows
from hotplug.tensor import Tensor


def pooled_size(
    size: Sequence[int], kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, ceil_mode: bool
) -> Shape:  # fmt: skip
    """Spatial sizes of the result; with ``ceil_mode`` a last window may hang over, but must start inside."""
    found = []
    for n, k, st, p, d in zip(size, kernel, stride, padding, dilation, strict=True):
        span = n + 2 * p - d * (k - 1) - 1
        out = (span + (st - 1 if ceil_mode else 0)) // st + 1
        if ceil_mode and (out - 1) * st >= n + p:
            out -= 1
        found.append(out)
    return tuple(found)


def _overhang(
    size: Sequence[int], out: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape
) -> Shape:  # fmt: skip
    """How far the last window reaches beyond the padding."""
    return tuple(
        builtins.max(0, (o - 1) * st + d * (k - 1) + 1 - n - 2 * p)
        for n, o, k, st, p, d in zip(size, out, kernel, stride, padding, dilation, strict=True)
    )


def _checked(
    op: str, rank: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any
) -> tuple[Tensor, bool, Shape, Shape, Shape]:
    """A batched input, and the arguments as tuples."""
    from hotplug import ops

    if input.ndim not in (rank + 1, rank + 2):
        raise ShapeError(f"{op}: expected {rank + 1}D or {rank + 2}D input, got shape {list(input.shape)}")
    kernel = tuple_of(op, "kernel_size", kernel_size, rank)
    steps = kernel if stride is None or stride == [] else tuple_of(op, "stride", stride, rank)
    around = tuple_of(op, "padding", padding, rank)
    if any(k <= 0 for k in kernel) or any(st <= 0 for st in steps):
        raise ArgumentError(f"{op}: kernel size and stride must be greater than zero, got {kernel} and {steps}")
    if any(p < 0 or 2 * p > k for p, k in zip(around, kernel, strict=True)):
        raise _BadPaddingError(
            f"{op}: pad should be at most half of effective kernel size, got pad={around}, kernel={kernel}"
        )
    single = input.ndim == rank + 1
    return (ops.unsqueeze(input, 0) if single else input), single, kernel, steps, around


class _BadPaddingError(ArgumentError, RuntimeError):
    """Padding wider than half a window: some windows would see nothing else."""


def _check_out(op: str, input: Tensor, out: Shape) -> None:
    if any(size <= 0 for size in out):
        raise ShapeError(
            f"{op}: given input size {list(input.shape[2:])} the output size {list(out)} would be too small"
        )


def _pool_outputs(
    input: Tensor, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, ceil_mode: bool
) -> list[Any]:  # fmt: skip
    out = pooled_size(input.shape[2:], kernel, stride, padding, dilation, ceil_mode)
    shape = (*input.shape[:2], *out)
    return [(shape, input.dtype), (shape, int64)]


@composite(outputs=_pool_outputs)
def max_pool(
    input: Tensor, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, ceil_mode: bool
) -> tuple[Tensor, Tensor]:
    """The largest element of every window (NaN counts as largest), and its flat position in the input's plane."""
    from hotplug import ops

    size = tuple(input.shape[2:])
    out = pooled_size(size, kernel, stride, padding, dilation, ceil_mode)
    extra = _overhang(size, out, kernel, stride, padding, dilation)
    lowest = _lowest(input)
    inside = padded(ops.ones_like(input, dtype=input.dtype), padding, extra)
    framed = ops.where(ops.ne(inside, 0), padded(input, padding, extra), lowest) if any((*padding, *extra)) else input
    view = windows(ops.contiguous(framed), kernel, stride, dilation)
    view = view[(slice(None), slice(None), *(slice(0, o) for o in out))]
    flat = ops.reshape(view, (*input.shape[:2], *out, math.prod(kernel)))
    best = ops.argmax(flat, -1, True)
    values = ops.squeeze(ops.gather(flat, -1, best), -1)
    return values, _positions(ops.squeeze(best, -1), size, kernel, stride, padding, dilation)


def _lowest(input: Tensor) -> Any:
    from hotplug.dtypes import iinfo

    return -math.inf if input.dtype.kind == "f" else iinfo(input.dtype).min


def _positions(
    best: Tensor, size: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape
) -> Tensor:  # fmt: skip
    """Flat positions in a plane of ``size`` from the numbers of the taps that won."""
    from hotplug import ops

    flat = ops.zeros_like(best)
    below = math.prod(kernel)
    for axis, (n, k, st, p, d) in enumerate(zip(size, kernel, stride, padding, dilation, strict=True)):
        below //= k
        tap = ops.remainder(ops.floor_divide(best, below), k)
        shape = [1] * best.ndim
        shape[2 + axis] = best.shape[2 + axis]
        start = ops.reshape(ops.arange(best.shape[2 + axis], device=best.device) * st - p, shape)
        flat = flat * n + (start + tap * d)
    return flat


@max_pool.gradient("input")
def _(grad: Tensor, out1: Tensor, input_shape: Shape) -> Tensor:
    from hotplug import ops

    lead, plane = input_shape[:2], math.prod(input_shape[2:])
    zeros = ops.zeros((*lead, plane), dtype=grad.dtype, device=grad.device)
    summed = ops.scatter_add(zeros, -1, ops.reshape(out1, (*lead, -1)), ops.reshape(grad, (*lead, -1)))
    return ops.reshape(summed, input_shape)


def _max_pool(
    rank: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool, both: bool
) -> Any:
    from hotplug import ops

    op = f"max_pool{rank}d"
    batch, single, kernel, steps, around = _checked(op, rank, input, kernel_size, stride, padding)
    spread = tuple_of(op, "dilation", dilation, rank)
    _check_out(op, batch, pooled_size(batch.shape[2:], kernel, steps, around, spread, ceil_mode))
    values, found = max_pool(batch, kernel, steps, around, spread, ceil_mode)
    if single:
        values, found = ops.squeeze(values, 0), ops.squeeze(found, 0)
    return (values, found) if both else values


@function(method=False, namespace="nn.functional")
def max_pool1d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
               ceil_mode: bool = False, return_indices: bool = False) -> Any:  # fmt: skip
    """Largest element of every window.  input ``(N, C, L)`` -> ``(N, C, L')``, with ``return_indices`` also where."""
    return _max_pool(1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@function(method=False, namespace="nn.functional")
def max_pool2d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
               ceil_mode: bool = False, return_indices: bool = False) -> Any:  # fmt: skip
    """Largest element of every window.  input ``(N, C, H, W)`` -> ``(N, C, H', W')``, with ``return_indices`` also where."""
    return _max_pool(2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@function(method=False, namespace="nn.functional")
def max_pool3d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
               ceil_mode: bool = False, return_indices: bool = False) -> Any:  # fmt: skip
    """Largest element of every window.  input ``(N, C, D, H, W)``, with ``return_indices`` also where."""
    return _max_pool(3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def _window_sums(input: Tensor, out: Shape, kernel: Shape, stride: Shape, padding: Shape) -> Tensor:
    """Sum of every window, as a convolution of each plane with ones: its gradients to any order come with it."""
    from hotplug import ops

    ones = (1,) * len(kernel)
    extra = _overhang(input.shape[2:], out, kernel, stride, padding, ones)
    planes = padded(ops.reshape(input, (-1, 1, *input.shape[2:])), padding, extra)
    weight = ops.ones((1, 1, *kernel), dtype=input.dtype, device=input.device)
    sums = convolution(planes, weight, stride, (0,) * len(kernel), ones, 1)
    for axis, size in enumerate(out):  # a stride that leaves room for one more window than asked for
        sums = ops.narrow(sums, 2 + axis, 0, size)
    return ops.reshape(sums, (*input.shape[:2], *out))


def _counts(size: Sequence[int], out: Shape, kernel: Shape, stride: Shape, padding: Shape, include: bool) -> Any:
    """How many elements each window averages over: one number where all are alike, else nested lists."""
    per_axis = []
    for n, o, k, st, p in zip(size, out, kernel, stride, padding, strict=True):
        ends = []
        for at in range(o):
            first = at * st - p
            last = builtins.min(first + k, n + p)
            ends.append(last - first if include else builtins.min(last, n) - builtins.max(first, 0))
        per_axis.append(ends)
    if all(each == axis[0] for axis in per_axis for each in axis):
        return math.prod(axis[0] for axis in per_axis)
    return per_axis


def _avg_pool(
    rank: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool, include: bool, divisor: Any
) -> Tensor:
    from hotplug import ops

    op = f"avg_pool{rank}d"
    if input.dtype.kind != "f":
        raise DTypeError(f"{op} is not implemented for {input.dtype.name}; convert with .float()")
    batch, single, kernel, steps, around = _checked(op, rank, input, kernel_size, stride, padding)
    out = pooled_size(batch.shape[2:], kernel, steps, around, (1,) * rank, ceil_mode)
    _check_out(op, batch, out)
    result = _window_sums(batch, out, kernel, steps, around)
    if divisor is not None:
        if divisor == 0:
            raise _BadPaddingError(f"{op}: divisor must be not zero")
        result = result / divisor
    else:
        counts = _counts(batch.shape[2:], out, kernel, steps, around, include)
        if isinstance(counts, int):
            result = result / counts
        else:
            for axis, ends in enumerate(counts):
                shape = [1] * result.ndim
                shape[2 + axis] = len(ends)
                result = result / ops.reshape(ops.tensor(ends, dtype=input.dtype, device=input.device), shape)
    return ops.squeeze(result, 0) if single else result


@function(method=False, namespace="nn.functional")
def avg_pool1d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
               count_include_pad: bool = True) -> Tensor:  # fmt: skip
    """Mean of every window.  input ``(N, C, L)`` -> ``(N, C, L')``."""
    return _avg_pool(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


@function(method=False, namespace="nn.functional")
def avg_pool2d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
               count_include_pad: bool = True, divisor_override: int | None = None) -> Tensor:  # fmt: skip
    """Mean of every window.  input ``(N, C, H, W)`` -> ``(N, C, H', W')``."""
    return _avg_pool(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


@function(method=False, namespace="nn.functional")
def avg_pool3d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
               count_include_pad: bool = True, divisor_override: int | None = None) -> Tensor:  # fmt: skip
    """Mean of every window.  input ``(N, C, D, H, W)`` -> ``(N, C, D', H', W')``."""
    return _avg_pool(3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def _bins(size: int, out: int) -> list[tuple[int, int]]:
    """Where each of ``out`` bins that cover ``size`` positions begins and ends."""
    return [(i * size // out, -(-(i + 1) * size // out)) for i in range(out)]


def _adaptive_sizes(op: str, rank: int, input: Tensor, output_size: Any) -> tuple[Tensor, bool, Shape]:
    from hotplug import ops

    if input.ndim not in (rank + 1, rank + 2):
        raise ShapeError(f"{op}: expected {rank + 1}D or {rank + 2}D input, got shape {list(input.shape)}")
    single = input.ndim == rank + 1
    batch = ops.unsqueeze(input, 0) if single else input
    wanted = (output_size,) * rank if output_size is None or isinstance(output_size, int) else tuple(output_size)
    if len(wanted) != rank:
        raise ShapeError(f"{op}: expected output_size of {rank} integers, got {output_size}")
    return batch, single, tuple(s if w is None else int(w) for w, s in zip(wanted, batch.shape[2:], strict=True))


def _adaptive_avg(rank: int, input: Tensor, output_size: Any) -> Tensor:
    """One matrix product for each axis: a row of the matrix averages over its bin."""
    from hotplug import ops

    batch, single, wanted = _adaptive_sizes(f"adaptive_avg_pool{rank}d", rank, input, output_size)
    result = batch
    for axis, out in enumerate(wanted, 2):
        size = result.shape[axis]
        rows = [[(a <= j < b) / (b - a) for j in range(size)] for a, b in _bins(size, out)]
        matrix = ops.tensor(rows, dtype=input.dtype, device=input.device)
        result = ops.movedim(ops.matmul(ops.movedim(result, axis, -1), ops.transpose(matrix, 0, 1)), -1, axis)
    result = ops.contiguous(result)
    return ops.squeeze(result, 0) if single else result


@function(method=False, namespace="nn.functional")
def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """Means over bins that cover the axis evenly.  input ``(N, C, L)`` -> ``(N, C, output_size)``."""
    return _adaptive_avg(1, input, output_size)


@function(method=False, namespace="nn.functional")
def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """Means over bins that cover the axes evenly.  input ``(N, C, H, W)`` -> ``(N, C, *output_size)``."""
    return _adaptive_avg(2, input, output_size)


@function(method=False, namespace="nn.functional")
def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """Means over bins that cover the axes evenly.  input ``(N, C, D, H, W)`` -> ``(N, C, *output_size)``."""
    return _adaptive_avg(3, input, output_size)


def _adaptive_max(rank: int, input: Tensor, output_size: Any) -> Tensor:
    """An axis after another: the maximum over bins is a maximum of maxima."""
    from hotplug import ops

    batch, single, wanted = _adaptive_sizes(f"adaptive_max_pool{rank}d", rank, input, output_size)
    result = batch
    for axis, out in enumerate(wanted, 2):
        pieces = []
        for a, b in _bins(result.shape[axis], out):
            pieces.append(ops.max(ops.narrow(result, axis, a, b - a), axis, True)[0])
        result = ops.cat(pieces, axis)
    return ops.squeeze(result, 0) if single else result


@function(method=False, namespace="nn.functional")
def adaptive_max_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """Maxima over bins that cover the axis evenly.  input ``(N, C, L)`` -> ``(N, C, output_size)``."""
    return _adaptive_max(1, input, output_size)


@function(method=False, namespace="nn.functional")
def adaptive_max_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """Maxima over bins that cover the axes evenly.  input ``(N, C, H, W)`` -> ``(N, C, *output_size)``."""
    return _adaptive_max(2, input, output_size)
