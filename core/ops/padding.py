"""``nn.functional.pad``: constants, or the tensor's own elements, around its borders."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Final

from hotplug import dispatch
from hotplug.array import Array
from hotplug.declare import function, primitive
from hotplug.dtypes import int64
from hotplug.errors import ArgumentError, ShapeError
from hotplug.expr.node import Expr, binary, index, scalar, unary
from hotplug.layout import Shape, layout_of
from hotplug.ops import views
from hotplug.ops.gathering import select_rows
from hotplug.ops.scattering import checked_number
from hotplug.tensor import Tensor

_MODES: Final = ("constant", "reflect", "replicate", "circular")


class PaddingError(ArgumentError, NotImplementedError):
    """A padding mode that doesn't exist, or not for this rank."""


@primitive
def padded(input: Array, before: Shape, after: Shape, value: Any) -> Array:
    """A copy with ``before[i]`` and ``after[i]`` elements of one value around axis ``i``."""
    shape = tuple(b + size + a for b, size, a in zip(before, input.shape, after, strict=True))
    out = dispatch.new(input, input.dtype, shape)
    if value == 0:
        dispatch.fill_literal(out, 0)
    else:
        dispatch.fill(out, value)
    inside = sum(b * step for b, step in zip(before, out.strides, strict=True))
    dispatch.copy(input, dispatch.move(out, input.shape, out.strides, inside))
    return out


@padded.gradient("input")
def _(grad: Tensor, input_shape: Shape, before: Shape) -> Tensor:
    for axis, (start, size) in enumerate(zip(before, input_shape, strict=True)):
        if grad.shape[axis] != size:
            grad = views.narrow(grad, axis, start, size)
    return grad


@functools.cache
def _source_program(mode: str) -> Expr:
    """Which position a padded one shows: the index minus the padding in front, brought into ``[0, size)``."""
    at, last = index() - scalar(0, int64), scalar(1, int64) - 1
    if mode == "reflect":
        return last - unary("abs", last - unary("abs", at))
    if mode == "replicate":
        return binary("minimum", binary("maximum", at, 0), last)
    return binary("remainder", at, scalar(1, int64))


@primitive
def border_index(like: Array, mode: str, before: int, size: int, length: int) -> Array:
    """The positions of an axis of ``size`` that one padded to ``length`` shows, ``before`` elements in front."""
    out = like.storage.runtime.empty(layout_of(int64, (length,)))
    dispatch.map_((_source_program(mode),), [out], [], (before, size))
    return out


def _pairs(input: Tensor, pad: Sequence[int]) -> list[tuple[int, int]]:
    """Elements before and after each padded axis, the last axis first."""
    if len(pad) % 2:
        raise ShapeError(f"pad: Padding length must be divisible by 2, got {len(pad)}")
    if len(pad) // 2 > input.ndim:
        raise ShapeError(
            f"pad: Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(pad)} and input of dimension {input.ndim}"
        )
    return list(zip(pad[::2], pad[1::2], strict=True))


def _check_border(mode: str, pairs: Sequence[tuple[int, int]], input: Tensor) -> None:
    if input.ndim not in (len(pairs) + 1, len(pairs) + 2) or not 1 <= len(pairs) <= 3:
        raise PaddingError(
            f"pad: mode {mode!r} takes 2, 4 or 6 numbers for tensors of 2 or 3, 3 or 4, 4 or 5 dimensions; Padding size "
            f"{2 * len(pairs)} is not supported for {input.ndim}D input tensor."
        )
    if mode != "circular" and 0 in input.shape[-len(pairs) - 1 :]:
        raise ShapeError(f"pad: mode {mode!r} expects no dimension but the batch to be 0, got {list(input.shape)}")
    for place, (low, high) in enumerate(pairs):
        size = input.shape[-1 - place]
        if mode == "reflect" and max(low, high) >= size:
            raise ShapeError(
                f"pad: Padding size should be less than the corresponding input dimension, but got: padding ({low}, {high}) "
                f"at dimension {input.ndim - 1 - place} of input {list(input.shape)}"
            )
        if mode == "circular" and max(low, high) > size:
            raise ShapeError(
                f"pad: Padding value causes wrapping around more than once: ({low}, {high}) for size {size}"
            )


@function(method=False, namespace="nn.functional")
def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Elements added around (or, where negative, cut off) the last axes, a copy.

    ``pad`` is ``(before, after)`` of the last axis, then of the one before it, and so on.  Modes: ``constant`` (with
    ``value``), ``reflect`` (mirrored, without the border itself), ``replicate`` (the border repeated), ``circular``.

    Raises:
        ShapeError: more than an axis holds is to be reflected, or cut off.
    """
    if mode not in _MODES:
        raise PaddingError(f"pad: Unrecognised padding mode {mode}; it must be one of {', '.join(_MODES)}")
    pairs = _pairs(input, pad)
    for place, (low, high) in enumerate(pairs):
        if low + high + input.shape[-1 - place] < 0:
            raise ShapeError(f"pad: ({low}, {high}) cuts off more than the size {input.shape[-1 - place]} of an axis")
    if mode == "constant":
        return _constant(input, pairs, 0 if value is None else value)
    if value is not None and value != 0:
        raise ShapeError(f'pad: Padding mode "{mode}" doesn\'t take in value argument')
    _check_border(mode, pairs, input)
    for place, (low, high) in enumerate(pairs):
        if low or high:
            axis = input.ndim - 1 - place
            if mode == "circular":  # what is cut off doesn't come in at the other end, as in PyTorch
                input, low, high = _cut(input, axis, low, high)
            size = input.shape[axis]
            input = select_rows(input, axis, border_index(input.detach(), mode, low, size, low + size + high))
    return input


def _constant(input: Tensor, pairs: Sequence[tuple[int, int]], value: Any) -> Tensor:
    before, after = [0] * input.ndim, [0] * input.ndim
    for place, (low, high) in enumerate(pairs):
        axis = input.ndim - 1 - place
        input, before[axis], after[axis] = _cut(input, axis, low, high)
    return padded(input, tuple(before), tuple(after), checked_number("pad", value, input.dtype))


def _cut(input: Tensor, axis: int, low: int, high: int) -> tuple[Tensor, int, int]:
    """The part of an axis that negative padding leaves, and the padding that remains."""
    if low >= 0 and high >= 0:
        return input, low, high
    kept = input.shape[axis] + min(low, 0) + min(high, 0)
    if kept < 0:
        raise ShapeError(f"pad: ({low}, {high}) cuts off more than the size {input.shape[axis]} of an axis")
    return views.narrow(input, axis, max(-low, 0), kept), max(low, 0), max(high, 0)
