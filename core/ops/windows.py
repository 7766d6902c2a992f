"""Windows that slide over the last axes: copied into the columns of a matrix, and added back.

The two primitives are each the gradient of the other; convolution, average pooling, unfold and fold are made of them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

from hotplug import dispatch
from hotplug.array import Array
from hotplug.declare import function, primitive
from hotplug.dispatch import move
from hotplug.errors import RankError, ShapeError
from hotplug.expr.node import input_
from hotplug.layout import Shape, Strides
from hotplug.ops import views
from hotplug.tensor import Tensor


def tuple_of(op: str, name: str, value: Any, rank: int) -> Shape:
    """An int for all axes, or one for each.

    Raises:
        ShapeError: another number of them.
    """
    if isinstance(value, int):
        return (value,) * rank
    found = tuple(int(each) for each in value)
    if len(found) == 1:
        return found * rank
    if len(found) != rank:
        raise ShapeError(
            f"{op}: expected {name} to be a single integer or a list of {rank} integers, got {list(found)}"
        )
    return found


def count_windows(size: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape) -> Shape:
    """How many windows fit along each axis."""
    return tuple(
        (s + 2 * p - d * (k - 1) - 1) // st + 1
        for s, k, st, p, d in zip(size, kernel, stride, padding, dilation, strict=True)
    )


def framed(input: Array, before: Shape, after: Shape, value: float) -> Array:
    """The input ``(N, C, *S)`` with one value around its last axes; the input itself where there is nothing to add."""
    if not any(before) and not any(after):
        return input
    lead = input.shape[:2]
    inner = tuple(b + s + a for b, s, a in zip(before, input.shape[2:], after, strict=True))
    out = dispatch.new(input, input.dtype, (*lead, *inner))
    dispatch.fill_literal(out, value)
    dispatch.copy(input, inside(out, before, input.shape[2:]))
    return out


def inside(array: Array, before: Shape, size: Shape) -> Array:
    """The part of the last axes that begins at ``before``."""
    offset = sum(b * step for b, step in zip(before, array.strides[2:], strict=True))
    return move(array, (*array.shape[:2], *size), array.strides, offset)


def taps(kernel: Shape) -> Iterator[Shape]:
    """The positions in a window, in C order."""
    return itertools.product(*(range(size) for size in kernel))


def at_tap(array: Array, tap: Shape, out: Shape, stride: Shape, dilation: Shape) -> Array:
    """The view ``(N, C, *out)`` of what every window has at one position."""
    steps = array.strides[2:]
    offset = sum(t * d * step for t, d, step in zip(tap, dilation, steps, strict=True))
    strides: Strides = (*array.strides[:2], *(st * step for st, step in zip(stride, steps, strict=True)))
    return move(array, (*array.shape[:2], *out), strides, offset)


@primitive
def columns_of(input: Array, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape) -> Array:
    """``(N, C, *S)`` -> ``(C, *kernel, N, *out)``: a copy of every window of the input padded with zeros."""
    out = count_windows(input.shape[2:], kernel, stride, padding, dilation)
    whole = framed(input, padding, padding, 0)
    (batch, channel, *steps), (count, channels) = whole.strides, input.shape[:2]
    strides = (
        channel, *(d * step for d, step in zip(dilation, steps, strict=True)),
        batch, *(st * step for st, step in zip(stride, steps, strict=True)),
    )  # fmt: skip
    return dispatch.clone(move(whole, (channels, *kernel, count, *out), strides))


@columns_of.gradient("input")
def _(grad: Tensor, input_shape: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape) -> Tensor:
    return images_of(grad, input_shape[2:], kernel, stride, padding, dilation)


@primitive
def images_of(
    columns: Array, size: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape
) -> Array:  # fmt: skip
    """``(C, *kernel, N, *out)`` -> ``(N, C, *size)``: the windows added where they were copied from."""
    rank = len(kernel)
    channels, count, out = columns.shape[0], columns.shape[1 + rank], columns.shape[2 + rank :]
    wide = tuple(s + 2 * p for s, p in zip(size, padding, strict=True))
    total = dispatch.new(columns, columns.dtype, (count, channels, *wide))
    dispatch.fill_literal(total, 0)
    program = (input_(0, columns.dtype) + input_(1, columns.dtype),)
    steps = columns.strides
    order = (steps[1 + rank], steps[0], *steps[2 + rank :])
    for tap in taps(kernel):
        offset = sum(t * step for t, step in zip(tap, steps[1 : 1 + rank], strict=True))
        part = at_tap(total, tap, out, stride, dilation)
        dispatch.map_(program, [part], [part, move(columns, (count, channels, *out), order, offset)])
    return total if wide == size else dispatch.clone(inside(total, padding, size))


@images_of.gradient("columns")
def _(grad: Tensor, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape) -> Tensor:
    return columns_of(grad, kernel, stride, padding, dilation)


# --- public functions ------------------------------------------------------------------------------------------------


def _options(op: str, kernel_size: Any, stride: Any, padding: Any, dilation: Any) -> tuple[Shape, Shape, Shape, Shape]:
    given = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "dilation": dilation}
    kernel, steps, around, spread = (tuple_of(op, name, value, 2) for name, value in given.items())
    if min(kernel) <= 0 or min(steps) <= 0 or min(spread) <= 0 or min(around) < 0:
        raise ShapeError(
            f"{op}: kernel_size, stride and dilation must be greater than zero and padding not negative, got {kernel}, "
            f"{steps}, {spread}, {around}"
        )
    return kernel, steps, around, spread


@function(name="unfold", method=False, namespace="nn.functional")
def unfold_windows(
    input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:  # fmt: skip
    """Windows of two axes as columns.  input ``(N, C, H, W)`` or ``(C, H, W)`` -> ``(N, C * K, L)`` or ``(C * K, L)``
    with ``K`` positions in a window and ``L`` windows.
    """
    if input.ndim not in (3, 4):
        raise RankError(f"unfold: expected 3D or 4D input, got shape {list(input.shape)}")
    kernel, steps, around, spread = _options("unfold", kernel_size, stride, padding, dilation)
    batch = views.unsqueeze(input, 0) if input.ndim == 3 else input
    out = count_windows(tuple(batch.shape[2:]), kernel, steps, around, spread)
    if min(out) <= 0:
        raise ShapeError(f"unfold: no window of {list(kernel)} fits the input {list(input.shape)}: {list(out)} windows")
    columns = views.permute(columns_of(batch, kernel, steps, around, spread), (3, 0, 1, 2, 4, 5))
    found = views.reshape(columns, (batch.shape[0], batch.shape[1] * math.prod(kernel), math.prod(out)))
    return views.squeeze(found, 0) if input.ndim == 3 else found


@function(method=False, namespace="nn.functional")
def fold(
    input: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:  # fmt: skip
    """Columns added back where :func:`unfold` took them from.  input ``(N, C * K, L)`` or ``(C * K, L)`` ->
    ``(N, C, *output_size)`` or ``(C, *output_size)``.
    """
    kernel, steps, around, spread = _options("fold", kernel_size, stride, padding, dilation)
    size = tuple_of("fold", "output_size", output_size, 2)
    batch = views.unsqueeze(input, 0) if input.ndim == 2 else input
    out = count_windows(size, kernel, steps, around, spread)
    width = math.prod(kernel)
    if batch.ndim != 3 or batch.shape[1] % width or batch.shape[2] != math.prod(out):
        raise ShapeError(
            f"fold: expected input (N, C * {width}, {math.prod(out)}) for kernel {list(kernel)} and output size "
            f"{list(size)}, got {list(input.shape)}"
        )
    apart = views.reshape(batch, (batch.shape[0], batch.shape[1] // width, *kernel, *out))
    found = images_of(views.permute(apart, (1, 2, 3, 0, 4, 5)), size, kernel, steps, around, spread)
    return views.squeeze(found, 0) if input.ndim == 2 else found
