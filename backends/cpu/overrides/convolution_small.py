"""Convolution by NumPy: windows copied into the columns of a matrix, a few images at a time, and one product."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from hotplug.backend import Array
from hotplug.backends.cpu.overrides.convolution_plans import Options
from hotplug.backends.numpy.memory import NDArray, ndarray

_COLUMNS: Final = 2**20
"""Numbers in the matrix of columns, as far as one image allows."""


def _operand(array: Array) -> NDArray:
    """With three axes behind batch and channels, in a dtype that NumPy multiplies fast."""
    x = ndarray(array)
    if x.dtype.itemsize == 2:
        x = x.astype(np.float32)
    return x.reshape(*x.shape[:2], *(1,) * (5 - x.ndim), *x.shape[2:])


def _pieces(o: Options) -> Iterator[slice]:
    """Images that are worked on at a time."""
    one = o.groups * o.channels * math.prod(o.kernel) * math.prod(o.out)
    step = max(1, _COLUMNS // max(one, 1))
    for start in range(0, o.batch, step):
        yield slice(start, min(o.batch, start + step))


def _inside(o: Options) -> Any:
    """Where the input lies in its frame."""
    return (..., *(slice(p, p + s) for s, p in zip(o.size, o.padding, strict=True)))


def _framed(x: NDArray, o: Options) -> NDArray:
    """The input with zeros around it, and behind it where an output is larger than its windows' number."""
    if not any(o.padding):
        return x
    frame = np.zeros((*x.shape[:2], *(s + 2 * p for s, p in zip(o.size, o.padding, strict=True))), x.dtype)
    frame[_inside(o)] = x
    return frame


def _columns(x: NDArray, o: Options) -> NDArray:
    """``(groups, channels * taps, images * places)``."""
    frame = _framed(x, o)
    count, channel, *steps = frame.strides
    shape = (frame.shape[1], *o.kernel, frame.shape[0], *o.out)
    strides = (
        channel, *(d * step for d, step in zip(o.dilation, steps, strict=True)),
        count, *(s * step for s, step in zip(o.stride, steps, strict=True)),
    )  # fmt: skip
    windows = np.lib.stride_tricks.as_strided(frame, shape, strides, writeable=False)
    return np.ascontiguousarray(windows).reshape(o.groups, o.channels * math.prod(o.kernel), -1)


def _rows(delta: NDArray, o: Options) -> NDArray:
    """``(groups, filters, images * places)``."""
    return delta.swapaxes(0, 1).reshape(o.groups, o.filters, -1)


def forward(o: Options, outs: Sequence[Array], inputs: Sequence[Array]) -> None:
    """The convolution."""
    x, weight = _operand(inputs[0]), ndarray(inputs[1])
    matrix = weight.astype(x.dtype, copy=False).reshape(o.groups, o.filters, -1)
    out = ndarray(outs[0]).reshape(o.batch, o.groups * o.filters, *o.out)
    bias = ndarray(inputs[2]).astype(x.dtype, copy=False).reshape(-1, 1, 1, 1) if len(inputs) > 2 else None
    for piece in _pieces(o):
        product = np.matmul(matrix, _columns(x[piece], o)).reshape(o.groups * o.filters, -1, *o.out).swapaxes(0, 1)
        out[piece] = product if bias is None else product + bias


def _add_windows(columns: NDArray, o: Options) -> NDArray:
    """Columns ``(channels, *kernel, images, *out)`` added to where they are read from."""
    wide = tuple(s + 2 * p for s, p in zip(o.size, o.padding, strict=True))
    total = np.zeros((columns.shape[4], columns.shape[0], *wide), columns.dtype)
    for tap in itertools.product(*map(range, o.kernel)):
        axes = zip(tap, o.dilation, o.out, o.stride, strict=True)
        places: Any = (..., *(slice(t * d, t * d + (n - 1) * s + 1, s) for t, d, n, s in axes))
        one: Any = (slice(None), *tap)
        total[places] += columns[one].swapaxes(0, 1)
    inner: NDArray = total[_inside(o)]
    return inner


def input_backward(o: Options, outs: Sequence[Array], inputs: Sequence[Array]) -> None:
    """The gradient for the input."""
    delta, weight = _operand(inputs[0]), ndarray(inputs[1])
    matrix = weight.astype(delta.dtype, copy=False).reshape(o.groups, o.filters, -1).swapaxes(1, 2)
    out = ndarray(outs[0]).reshape(o.batch, o.groups * o.channels, *o.size)
    for piece in _pieces(o):
        columns = np.matmul(matrix, _rows(delta[piece], o))
        out[piece] = _add_windows(columns.reshape(o.groups * o.channels, *o.kernel, -1, *o.out), o)


def weight_backward(o: Options, outs: Sequence[Array], inputs: Sequence[Array]) -> None:
    """The gradient for the weight."""
    delta, x = _operand(inputs[0]), _operand(inputs[1])
    total = np.zeros((o.groups, o.filters, o.channels * math.prod(o.kernel)), x.dtype)
    for piece in _pieces(o):
        total += np.matmul(_rows(delta[piece], o), _columns(x[piece], o).swapaxes(1, 2))
    out = ndarray(outs[0])
    out[...] = total.reshape(out.shape)
