"""Layer, batch, group, instance and root-mean-square normalisation, and their backwards."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backends.cpu.memory import address
from hotplug.backends.cpu.overrides.norm_forms import Form, form_of
from hotplug.backends.cpu.overrides.operands import KINDS, dense, grain, place, real, rows_of, widened
from hotplug.backends.cpu.tiers import tiered
from hotplug.backends.numpy.memory import NDArray, ndarray
from hotplug.backends.numpy.quiet import quiet

_LEAST: Final = 4096
_PART: Final = 64
"""Rows whose share of the parameters' gradients is added up by one work item."""
_BLOCK: Final = 512
"""Columns that are worked on side by side."""
_SCRATCH: Final = 5


# --- NumPy's ---------------------------------------------------------------------------------------------------------


def _mean(x: NDArray, dims: tuple[int, ...]) -> NDArray:
    found: NDArray = x.mean(dims, keepdims=True, dtype=np.float64)
    return found


def _forward_small(centered: bool) -> Kernel:
    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        x, *parameters = (widened(ndarray(each)) for each in inputs)
        dims, eps = scalars
        if centered:
            mean = _mean(x, dims).astype(x.dtype)
            ndarray(outs[1])[...] = mean
            x = x - mean
        scale = (1 / np.sqrt(_mean(x * x, dims) + eps)).astype(x.dtype)
        ndarray(outs[-1])[...] = scale
        found = x * scale
        if parameters:
            found = found * parameters[0]
        ndarray(outs[0])[...] = found + parameters[1] if len(parameters) > 1 else found

    return quiet(kernel)


def _summed(x: NDArray, shape: Sequence[int]) -> NDArray:
    """Summed to a shape that broadcasts to the array's."""
    lead = x.ndim - len(shape)
    axes = tuple(axis for axis in range(x.ndim) if axis < lead or (shape[axis - lead] == 1 and x.shape[axis] != 1))
    found: NDArray = x.sum(axes, keepdims=True, dtype=np.float64).reshape(shape)
    return found


def _backward_small(centered: bool, weighted: bool) -> Kernel:
    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        delta, x, *others, scale = (widened(ndarray(each)) for each in inputs)
        hat = (x - others[-1] if centered else x) * scale
        inner = delta * others[0] if weighted else delta
        less = _mean(inner, scalars[0]).astype(x.dtype) if centered else x.dtype.type(0)
        tilt = _mean(inner * hat, scalars[0]).astype(x.dtype)
        ndarray(outs[0])[...] = (inner - less - hat * tilt) * scale
        for out, product in zip(outs[1:], (delta * hat, delta), strict=False):
            ndarray(out)[...] = _summed(product, out.layout.shape)

    return quiet(kernel)


# --- compiled --------------------------------------------------------------------------------------------------------


@functools.lru_cache(8)
def _constant(value: float, count: int, kind: str) -> NDArray:
    from hotplug.dtypes import ALL

    return np.full(count, value, next(each for each in ALL if each.name == kind).numpy)


def _parameters(given: Sequence[Array], count: int, kind: str) -> tuple[int, int, Any]:
    """Addresses of weight and bias, and what keeps them alive; 1 and 0 where they are missing."""
    found = [dense(each) for each in given]
    for value in (1.0, 0.0)[len(found) :]:
        row = _constant(value, count, kind)
        found.append((place(row), row))
    return found[0][0], found[1][0], found


def _run(module: str, entry: str, kind: str, words: Sequence[int], count: int, grain_: int, **constants: int) -> None:
    from hotplug.backends.cpu.compiled.build import task
    from hotplug.backends.cpu.compiled.pool import run

    run(task(module, entry, kind, **constants), words, count, grain_)


def _scratch(form: Form) -> tuple[int, NDArray]:
    """Channels of a work item of ``beside``, and every thread's memory."""
    from hotplug.backends.cpu.compiled.pool import maximum_threads

    _, channels, size = form.sizes
    block = max(1, min(_BLOCK // size, channels))
    return block, np.empty(maximum_threads() * _SCRATCH * block * size, np.float64)


def _forward_large(centered: bool, kind: str, small: Kernel) -> Kernel:
    from hotplug.backends.cpu.compiled.pool import bits

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        weight = inputs[1].layout.shape if len(inputs) > 1 else None
        form = form_of(inputs[0].layout.shape, scalars[0], weight)
        if form is None or (not centered and form.name != "rows"):
            small(outs, inputs, scalars)
            return
        slope, offset, _kept = _parameters(inputs[1:], form.parameters, kind)
        own = (address(outs[0]), address(outs[1]), address(outs[-1]))
        if form.name in ("rows", "segments"):
            count, columns = form.sizes
            source, stride, _row = rows_of(inputs[0], columns)
            words: tuple[int, ...] = (
                *own,
                source,
                stride,
                slope,
                offset,
                columns,
                bits(scalars[1]),
                form.groups,
                form.inner,
                form.run,
            )
            _run("norm", form.name, kind, words, count, grain(columns), CENTERED=int(centered))
            return
        source, _keep = dense(inputs[0])
        words = (*own, source, slope, offset, *form.sizes, bits(scalars[1]))
        count, channels, size = form.sizes
        if form.name == "apart":
            _run("channel_norm", "apart", kind, words, channels, grain(count * size))
            return
        block, scratch = _scratch(form)
        words = (*words, block, place(scratch))
        _run("channel_norm", "beside", kind, words, -(-channels // block), grain(count * size * block))

    return kernel


def _backward_large(centered: bool, weighted: bool, kind: str, small: Kernel) -> Kernel:
    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        delta, x, *others = inputs
        weight = others[0] if weighted else None
        form = form_of(x.layout.shape, scalars[0], None if weight is None else weight.layout.shape)
        if form is None or (not centered and form.name != "rows"):
            small(outs, inputs, scalars)
            return
        slope, _, _kept = _parameters(others[:1] if weighted else (), form.parameters, kind)
        statistics = [dense(each) for each in others[weighted:]]
        means, scales = statistics[0][0], statistics[-1][0]
        if form.name not in ("rows", "segments"):
            (grad, _keep), (source, _keep_too) = dense(delta), dense(x)
            _channels_backward(form, kind, outs, (grad, source, slope, means, scales))
            return
        columns = form.sizes[1]
        (grad, step, _one), (source, stride, _two) = rows_of(delta, columns), rows_of(x, columns)
        words = (address(outs[0]), grad, step, source, stride, slope, means, scales, columns)
        if form.name == "rows":
            _rows_backward(form, kind, outs, words, centered)
        else:
            _segments_backward(form, kind, outs, words)

    return kernel


def _rows_backward(form: Form, kind: str, outs: Sequence[Array], words: Sequence[int], centered: bool) -> None:
    count, columns = form.sizes
    weighted = len(outs) > 1
    height = _PART if weighted else grain(columns)
    items = -(-count // height)
    sums = np.empty((items if weighted else 0) * 2 * columns, real(kind))
    own = {"CENTERED": int(centered), "WEIGHTED": int(weighted)}
    each = max(1, grain(columns) // height)
    _run("norm", "rows_backward", kind, (*words, count, height, place(sums)), items, each, **own)
    for position, out in enumerate(outs[1:]):
        part = place(sums) + position * columns * sums.itemsize
        _run("norm", "parts_added", kind, (address(out), part, items, columns, 2 * columns), -(-columns // 256), 1)


def _segments_backward(form: Form, kind: str, outs: Sequence[Array], words: Sequence[int]) -> None:
    count, columns = form.sizes
    sums = np.empty((count * form.inner, 2), np.float64)
    words = (*words, form.groups, form.inner, form.run, place(sums))
    _run("norm", "segments_backward", kind, words, count, grain(columns))
    by_channel = sums.reshape(-1, form.parameters, 2).sum(0)
    for position, out in enumerate(outs[1:]):
        ndarray(out)[...] = by_channel[:, position].reshape(out.layout.shape)


def _channels_backward(form: Form, kind: str, outs: Sequence[Array], operands: Sequence[int]) -> None:
    count, channels, size = form.sizes
    spare = [np.empty(channels, real(kind)) for _ in range(3 - len(outs))]
    sums = [*map(address, outs[1:]), *map(place, spare)]
    words = (address(outs[0]), *sums, *operands, *form.sizes)
    if form.name == "apart":
        _run("channel_norm", "apart_backward", kind, words, channels, grain(count * size))
        return
    block, scratch = _scratch(form)
    words = (*words, block, place(scratch))
    _run("channel_norm", "beside_backward", kind, words, -(-channels // block), grain(count * size * block))


# --- by key ----------------------------------------------------------------------------------------------------------


def _resolve(key: OpKey) -> Kernel | None:
    kind = key.dtypes[0].name
    if kind not in KINDS or any(each is not key.dtypes[0] for each in key.dtypes):
        return None
    centered, weighted = key.name.startswith("standardize"), ("weight", None) not in key.attributes
    if key.name.endswith("backward"):
        small = _backward_small(centered, weighted)
        chosen = tiered(key.name, small, lambda: _backward_large(centered, weighted, kind, small), _LEAST)
    else:
        small = _forward_small(centered)
        chosen = tiered(key.name, small, lambda: _forward_large(centered, kind, small), _LEAST)

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        if math.prod(outs[0].layout.shape):
            chosen(outs, inputs, scalars)
        else:
            for out in outs:  # sums over nothing
                ndarray(out)[...] = np.nan if out.layout.numel and not key.name.endswith("backward") else 0

    return kernel


OVERRIDES: Final[dict[str, Callable[[OpKey], Kernel | None]]] = dict.fromkeys(
    ("standardize", "standardize_backward", "root_mean_square_scale", "root_mean_square_backward"), _resolve
)
