"""Maximum pooling over one to three axes."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

from hotplug import dispatch
from hotplug.array import Array
from hotplug.declare import composite, function, primitive
from hotplug.dtypes import dtype as DType, iinfo, int64
from hotplug.errors import ArgumentError, RankError, ShapeError
from hotplug.expr.node import binary, constant, index, input_, scalar, where
from hotplug.layout import Shape, contiguous_strides
from hotplug.ops import creation, reduction, views
from hotplug.ops.gathering import gather_along, scatter_zeros
from hotplug.ops.joining import cat
from hotplug.ops.windows import at_tap, framed, taps, tuple_of
from hotplug.tensor import Tensor

# --- sizes, shared with average pooling --------------------------------------------------------------------------------


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


def behind(size: Shape, out: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape) -> Shape:
    """How many elements beyond the input the last window reaches."""
    return tuple(
        max(0, (o - 1) * st + d * (k - 1) + 1 - n - p)
        for n, o, k, st, p, d in zip(size, out, kernel, stride, padding, dilation, strict=True)
    )


class PoolingArgumentError(ArgumentError, RuntimeError):
    """A window, stride or padding that no pooling has."""


def pooling_options(
    op: str, rank: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any
) -> tuple[Tensor, Shape, Shape, Shape]:
    """The input with a batch axis, and the arguments as tuples."""
    if input.ndim not in (rank + 1, rank + 2):
        raise RankError(f"{op}: expected {rank + 1}D or {rank + 2}D input, got shape {list(input.shape)}")
    kernel = tuple_of(op, "kernel_size", kernel_size, rank)
    steps = kernel if stride is None or stride == [] else tuple_of(op, "stride", stride, rank)
    around = tuple_of(op, "padding", padding, rank)
    if min(kernel) <= 0 or min(steps) <= 0:
        raise PoolingArgumentError(
            f"{op}: kernel size and stride must be greater than zero, got {list(kernel)} and {list(steps)}"
        )
    if any(p < 0 or 2 * p > k for p, k in zip(around, kernel, strict=True)):
        raise PoolingArgumentError(
            f"{op}: pad should be at least zero and at most half of kernel size, got pad={list(around)} and kernel "
            f"size={list(kernel)}"
        )
    return (views.unsqueeze(input, 0) if input.ndim == rank + 1 else input), kernel, steps, around


def check_pooled(op: str, input: Tensor, out: Shape) -> None:
    """Every axis of the result, and of the planes, must have elements.

    Raises:
        ShapeError: one has none.
    """
    if min(out) <= 0 or 0 in input.shape[1:]:
        raise ShapeError(f"{op}: the output size {list(out)} for input size {list(input.shape)} is too small")


# --- the winners -------------------------------------------------------------------------------------------------------


@functools.cache
def _start_programs(rank: int) -> dispatch.Program:
    """Of a window of the flat number ``index``: where in the plane it begins (maybe outside), and its first place inside.

    Scalars: size, out, stride, padding, dilation of each axis.
    """
    begin, first = constant(0, int64), constant(0, int64)
    below = constant(1, int64)
    plane = constant(1, int64)
    for axis in reversed(range(rank)):
        size, out, stride, padding, dilation = (scalar(5 * axis + place, int64) for place in range(5))
        at = binary("remainder", binary("floordiv", index(), below), out) * stride - padding
        begin = begin + at * plane
        first = first + where(at < 0, binary("remainder", at, dilation), at) * plane
        below, plane = below * out, plane * size
    return begin, first


@functools.cache
def _contest_program(dtype: DType) -> dispatch.Program:
    """The better of the best so far and a candidate (NaN is best), and its place in the plane."""
    best, place, candidate, begin = input_(0, dtype), input_(1, int64), input_(2, dtype), input_(3, int64)
    wins = candidate > best
    if dtype.kind == "f":
        wins = wins | binary("ne", candidate, candidate)
    return where(wins, candidate, best), where(wins, begin + scalar(0, int64), place)


def _lowest(dtype: DType) -> Any:
    if dtype.kind == "f":
        return -math.inf
    return False if dtype.kind == "b" else iinfo(dtype).min


@primitive
def window_winners(
    input: Array, out: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape
) -> Array:  # fmt: skip
    """Where in its plane each window has its largest element, ``(N, C, *S)`` -> ``(N, C, *out)`` of int64: one launch
    for each position in a window, in which all windows compare their best so far.
    """
    size = input.shape[2:]
    whole = framed(input, padding, behind(size, out, kernel, stride, padding, dilation), _lowest(input.dtype))
    begin, first = (dispatch.new(input, int64, out) for _ in range(2))
    numbers = [number for each in zip(size, out, stride, padding, dilation, strict=True) for number in each]
    dispatch.map_(_start_programs(len(out)), [begin, first], [], numbers)
    shape = (*input.shape[:2], *out)
    best, place = dispatch.new(input, input.dtype, shape), dispatch.new(input, int64, shape)
    dispatch.fill_literal(best, _lowest(input.dtype))
    dispatch.copy(first, place)
    program, plane = _contest_program(input.dtype), contiguous_strides(size)
    for tap in taps(kernel):
        step = sum(t * d * each for t, d, each in zip(tap, dilation, plane, strict=True))
        candidate = at_tap(whole, tap, out, stride, dilation)
        dispatch.map_(program, [best, place], [best, place, candidate, begin], (step,))
    return place


def _outputs(
    input: Tensor, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, ceil_mode: bool
) -> list[tuple[Shape, DType]]:
    out = pooled_size(input.shape[2:], kernel, stride, padding, dilation, ceil_mode)
    shape = (*input.shape[:2], *out)
    return [(shape, input.dtype), (shape, int64)]


@composite(outputs=_outputs)
def max_pool(
    input: Tensor, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, ceil_mode: bool
) -> tuple[Tensor, Tensor]:
    """The largest element of every window (NaN counts as largest), and its flat position in the input's plane."""
    out = pooled_size(input.shape[2:], kernel, stride, padding, dilation, ceil_mode)
    found = window_winners(input.detach(), out, kernel, stride, padding, dilation)
    lead = tuple(input.shape[:2])
    flat = views.reshape(found, (*lead, -1))
    values = gather_along(views.reshape(input, (*lead, -1)), 2, flat, tuple(flat.shape))
    return views.reshape(values, tuple(found.shape)), found


@max_pool.gradient("input")
def _(grad: Tensor, out1: Tensor, input_shape: Shape, kernel: Shape, stride: Shape, dilation: Shape) -> Tensor:
    apart = all(st > d * (k - 1) for st, d, k in zip(stride, dilation, kernel, strict=True))
    return max_pool_backward(grad, out1, input_shape, apart)


@composite(outputs=lambda delta, place, shape, apart: [(shape, delta.dtype)])
def max_pool_backward(delta: Tensor, place: Tensor, shape: Shape, apart: bool) -> Tensor:
    """The gradient of every window for its winner; ``apart``: no two windows overlap."""
    lead, plane = shape[:2], math.prod(shape[2:])
    flat = views.reshape(place, (*lead, -1))
    found = scatter_zeros(views.reshape(delta, (*lead, -1)), 2, flat, tuple(flat.shape), (*lead, plane), apart)
    return views.reshape(found, shape)


# --- public functions --------------------------------------------------------------------------------------------------


def _max_pool(
    rank: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool, both: bool
) -> Any:
    op = f"max_pool{rank}d"
    batch, kernel, steps, around = pooling_options(op, rank, input, kernel_size, stride, padding)
    spread = tuple_of(op, "dilation", dilation, rank)
    if min(spread) <= 0:
        raise PoolingArgumentError(f"{op}: dilation should be greater than zero, got {list(spread)}")
    out = pooled_size(batch.shape[2:], kernel, steps, around, spread, ceil_mode)
    check_pooled(op, batch, out)
    if batch.shape[0] == 0:
        shape = (*input.shape[:-rank], *out)
        empty = views.reshape(input, (0,)), creation.zeros((0,), dtype=int64, device=input.device)
        values, found = (views.reshape(each, shape) for each in empty)
    else:
        values, found = max_pool(batch, kernel, steps, around, spread, ceil_mode)
    if input.ndim == rank + 1:
        values, found = views.squeeze(values, 0), views.squeeze(found, 0)
    return (values, found) if both else values


@function(method=False, namespace="nn.functional")
def max_pool1d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
               ceil_mode: bool = False, return_indices: bool = False) -> Any:  # fmt: skip
    """Largest element of every window, NaN counting as largest.  input ``(N, C, L)`` or ``(C, L)`` -> ``(N, C, L')``.

    ``L' = (L + 2 * padding - dilation * (kernel_size - 1) - 1) / stride + 1``, rounded down, or up with ``ceil_mode``.
    The stride is the kernel size by default.  With ``return_indices``, also the positions in the flattened plane.
    """
    return _max_pool(1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@function(method=False, namespace="nn.functional")
def max_pool2d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
               ceil_mode: bool = False, return_indices: bool = False) -> Any:  # fmt: skip
    """Largest element of every window.  input ``(N, C, H, W)`` or ``(C, H, W)`` -> ``(N, C, H', W')``; see
    :func:`max_pool1d`.
    """
    return _max_pool(2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@function(method=False, namespace="nn.functional")
def max_pool3d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
               ceil_mode: bool = False, return_indices: bool = False) -> Any:  # fmt: skip
    """Largest element of every window.  input ``(N, C, D, H, W)`` or ``(C, D, H, W)``; see :func:`max_pool1d`."""
    return _max_pool(3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


# --- adaptive ----------------------------------------------------------------------------------------------------------


def bins(size: int, out: int) -> list[tuple[int, int]]:
    """Where each of ``out`` bins that cover ``size`` positions begins and ends."""
    return [(i * size // out, -(-(i + 1) * size // out)) for i in range(out)]


def adaptive_sizes(op: str, rank: int, input: Tensor, output_size: Any) -> tuple[Tensor, Shape]:
    """The input with a batch axis, and the size wanted along each axis (``None``: its own)."""
    if input.ndim not in (rank + 1, rank + 2):
        raise RankError(f"{op}: expected {rank + 1}D or {rank + 2}D input, got shape {list(input.shape)}")
    batch = views.unsqueeze(input, 0) if input.ndim == rank + 1 else input
    given = (output_size,) * rank if output_size is None or isinstance(output_size, int) else tuple(output_size)
    if len(given) != rank:
        raise ShapeError(f"{op}: expected output_size of {rank} integers, got {output_size}")
    wanted = tuple(s if w is None else int(w) for w, s in zip(given, batch.shape[2:], strict=True))
    if min(wanted) < 0:
        raise ShapeError(f"{op}: elements of output_size must be greater than or equal to 0, got {list(wanted)}")
    return batch, wanted


def _adaptive_max(rank: int, input: Tensor, output_size: Any, both: bool) -> Any:
    """An axis after another, the last one first: a maximum of maxima, the first of equals in C order."""
    op = f"adaptive_max_pool{rank}d"
    values, wanted = adaptive_sizes(op, rank, input, output_size)
    check_pooled(op, input, wanted)
    plane = tuple(values.shape[2:])
    found = views.expand(creation.iota(values, plane), tuple(values.shape))
    for axis, out in reversed(list(enumerate(wanted, 2))):
        best, where_best = [], []
        for start, end in bins(plane[axis - 2], out):
            part = views.narrow(values, axis, start, end - start)
            place = reduction.argmax(part, axis, True)
            shape = tuple(place.shape)
            best.append(gather_along(part, axis, place, shape))
            where_best.append(gather_along(views.narrow(found, axis, start, end - start), axis, place, shape))
        values, found = cat(best, axis), cat(where_best, axis)
    if input.ndim == rank + 1:
        values, found = views.squeeze(values, 0), views.squeeze(found, 0)
    return (values, found) if both else values


@function(method=False, namespace="nn.functional")
def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Maxima over bins that cover the axis evenly.  input ``(N, C, L)`` or ``(C, L)`` -> ``(N, C, output_size)``; with
    ``return_indices``, also their positions.
    """
    return _adaptive_max(1, input, output_size, return_indices)


@function(method=False, namespace="nn.functional")
def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Maxima over bins that cover the axes evenly.  input ``(N, C, H, W)`` or ``(C, H, W)`` -> ``(N, C, *output_size)``;
    with ``return_indices``, also their positions in the flattened plane.
    """
    return _adaptive_max(2, input, output_size, return_indices)


@function(method=False, namespace="nn.functional")
def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Maxima over bins that cover the axes evenly.  input ``(N, C, D, H, W)`` or ``(C, D, H, W)``; with
    ``return_indices``, also their positions in the flattened volume.
    """
    return _adaptive_max(3, input, output_size, return_indices)
