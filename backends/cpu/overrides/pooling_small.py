"""Pooling by NumPy: all windows at once, one tap after another."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from hotplug.backends.numpy.memory import NDArray

Sizes = Sequence[int]

_PIECE: Final = 2**17
"""Elements that are worked on at a time."""


def _taps(
    size: Sizes, out: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes
) -> Iterator[tuple[tuple[int, ...], Any, Any]]:
    """Each tap's distance from its window's begin, the windows that have it inside, and where it is in the input."""
    for tap in itertools.product(*map(range, kernel)):
        windows, places = [], []
        for t, n, o, s, p, d in zip(tap, size, out, stride, padding, dilation, strict=True):
            at = t * d - p
            low = max(0, -(at // s))
            high = max(low, min(o, -(-(n - at) // s)))
            windows.append(slice(low, high))
            places.append(slice(at + low * s, max(at + (high - 1) * s + 1, at + low * s), s))
        yield tuple(t * d for t, d in zip(tap, dilation, strict=True)), tuple(windows), tuple(places)


def _pieces(x: NDArray) -> Iterator[slice]:
    """Images that fit the second-level cache together, or one."""
    step = max(1, _PIECE // max(1, math.prod(x.shape[1:])))
    for start in range(0, x.shape[0], step):
        yield slice(start, start + step)


def _starts(size: Sizes, out: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> tuple[NDArray, NDArray]:
    """Where in the plane each window begins (maybe outside), and its first place inside."""
    begin, first = np.zeros(tuple(out), np.int64), np.zeros(tuple(out), np.int64)
    step = 1
    for axis in reversed(range(len(size))):
        at = np.arange(out[axis], dtype=np.int64) * stride[axis] - padding[axis]
        shape = (-1, *(1,) * (len(size) - 1 - axis))
        begin += at.reshape(shape) * step
        first += np.where(at < 0, at % dilation[axis], at).reshape(shape) * step
        step *= size[axis]
    return begin, first


def largest(
    values: NDArray, places: NDArray, x: NDArray, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes
) -> None:  # fmt: skip
    """The largest element of every window, NaN before all, and its place in the plane."""
    for piece in _pieces(x):
        _largest(values[piece], places[piece], x[piece], kernel, stride, padding, dilation)


def _largest(
    values: NDArray, places: NDArray, x: NDArray, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes
) -> None:  # fmt: skip
    size, out = x.shape[2:], values.shape[2:]
    begin, first = _starts(size, out, stride, padding, dilation)
    step = [math.prod(size[axis + 1 :]) for axis in range(len(size))]
    values[...] = -np.inf
    places[...] = first
    for distance, windows, at in _taps(size, out, kernel, stride, padding, dilation):
        best, candidate = values[(..., *windows)], x[(..., *at)]
        wins = (candidate > best) | (candidate != candidate)  # noqa: PLR0124
        np.copyto(best, candidate, where=wins)
        offset = sum(d * s for d, s in zip(distance, step, strict=True))
        np.copyto(places[(..., *windows)], begin[windows] + offset, where=wins)


def largest_back(out: NDArray, delta: NDArray, places: NDArray) -> None:
    """Every window's gradient added where its largest element was."""
    planes, volume = math.prod(out.shape[:2]), math.prod(out.shape[2:])
    flat = places.reshape(planes, -1) + np.arange(planes, dtype=np.int64)[:, None] * volume
    total = np.bincount(flat.reshape(-1), delta.reshape(-1), planes * volume)
    out[...] = total.reshape(out.shape)


def _counts(size: Sizes, out: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, include: bool) -> NDArray:
    """Elements of every window."""
    total = np.ones((1,) * len(size))
    for axis, (n, o, k, s, p) in enumerate(zip(size, out, kernel, stride, padding, strict=True)):
        begin = np.arange(o) * s - p
        end = np.minimum(begin + k, n + p)
        count = end - begin if include else np.minimum(end, n) - np.maximum(begin, 0)
        total = total * count.reshape(-1, *(1,) * (len(size) - 1 - axis))
    return total


def _divided(x: NDArray, size: Sizes, options: Any, include: bool) -> NDArray:
    kernel, stride, padding, divisor = options
    if divisor:
        found: NDArray = x / x.dtype.type(divisor)
    else:
        found = x / _counts(size, x.shape[2:], kernel, stride, padding, include).astype(x.dtype)
    return found


def mean(out: NDArray, x: NDArray, options: Any, include: bool) -> None:
    """The mean of every window; options are kernel, stride, padding and divisor."""
    for piece in _pieces(x):
        _mean(out[piece], x[piece], options, include)


def _mean(out: NDArray, x: NDArray, options: Any, include: bool) -> None:
    kernel, stride, padding, _ = options
    total = np.zeros(out.shape, x.dtype)
    for _, windows, at in _taps(x.shape[2:], out.shape[2:], kernel, stride, padding, (1,) * len(kernel)):
        total[(..., *windows)] += x[(..., *at)]
    out[...] = _divided(total, x.shape[2:], options, include)


def mean_back(out: NDArray, delta: NDArray, options: Any, include: bool) -> None:
    """Every window's gradient, a share for each of its elements."""
    for piece in _pieces(out):
        _mean_back(out[piece], delta[piece], options, include)


def _mean_back(out: NDArray, delta: NDArray, options: Any, include: bool) -> None:
    kernel, stride, padding, _ = options
    share = _divided(delta, out.shape[2:], options, include)
    out[...] = 0
    for _, windows, at in _taps(out.shape[2:], delta.shape[2:], kernel, stride, padding, (1,) * len(kernel)):
        out[(..., *at)] += share[(..., *windows)]
