"""Scaled dot-product attention and its backward, in tiles."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backends.cpu.memory import address
from hotplug.backends.cpu.overrides.operands import dense, place
from hotplug.backends.cpu.tiers import tiered
from hotplug.backends.numpy.memory import NDArray, ndarray
from hotplug.backends.numpy.quiet import quiet

_LEAST: Final = 16384
"""Scores from which the compiled kernel is faster."""
_ROOM: Final = 8 * 4096
"""Bytes of scratch beside what depends on sizes: rows of sums, and the padding of matrices."""


# --- NumPy's ---------------------------------------------------------------------------------------------------------


def _scores(query: NDArray, key: NDArray, mask: NDArray | None, causal: bool, scale: float) -> NDArray:
    found: NDArray = np.matmul(query * query.dtype.type(scale), np.swapaxes(key, -1, -2))
    if causal:
        mask = np.tri(*found.shape[-2:], dtype=bool)
    if mask is None:
        return found
    return np.where(mask, found, found.dtype.type(-np.inf)) if mask.dtype == bool else found + mask


def _forward_small(causal: bool) -> Kernel:
    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        query, key, value, *masks = map(ndarray, inputs)
        scores = _scores(query, key, masks[0] if masks else None, causal, scalars[0])
        top = scores.max(-1, keepdims=True, initial=-np.inf)
        shift = np.where(top == -np.inf, scores.dtype.type(0), top)
        power = np.exp(scores - shift)
        total = power.sum(-1, keepdims=True)
        ndarray(outs[0])[...] = np.matmul(power / np.where(total == 0, total.dtype.type(1), total), value)
        ndarray(outs[1])[...] = (shift + np.log(total))[..., 0]

    return quiet(kernel)


def _summed(x: NDArray, shape: Sequence[int]) -> NDArray:
    lead = x.ndim - len(shape)
    axes = tuple(axis for axis in range(x.ndim) if axis < lead or (shape[axis - lead] == 1 and x.shape[axis] != 1))
    found: NDArray = x.sum(axes, keepdims=True).reshape(shape)
    return found


def _backward_small(causal: bool) -> Kernel:
    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        delta, query, key, value, *masks, out, total = map(ndarray, inputs)
        scale = query.dtype.type(scalars[0])
        known = np.where(total == -np.inf, total.dtype.type(0), total)[..., None]
        shares = np.exp(_scores(query, key, masks[0] if masks else None, causal, scalars[0]) - known)
        slope = np.matmul(delta, np.swapaxes(value, -1, -2))
        inner = shares * (slope - (delta * out).sum(-1, keepdims=True))
        found = (
            np.matmul(inner, key) * scale, np.matmul(np.swapaxes(inner, -1, -2), query) * scale,
            np.matmul(np.swapaxes(shares, -1, -2), delta),
        )  # fmt: skip
        for target, each in zip(outs, found, strict=True):
            ndarray(target)[...] = _summed(each, target.layout.shape)

    return quiet(kernel)


# --- compiled --------------------------------------------------------------------------------------------------------


def _addresses(array: Array, batch: Sequence[int]) -> NDArray:
    """The address of every matrix of a batch, to which the array's leading axes broadcast."""
    shape, strides = array.layout.shape, array.layout.byte_strides
    found = np.full(1, address(array), np.int64)
    lead = len(batch) + 2 - len(shape)
    for axis, size in enumerate(batch):
        own = axis - lead
        step = strides[own] if own >= 0 and shape[own] != 1 else 0
        found = np.add.outer(found, np.arange(size, dtype=np.int64) * step).reshape(-1)
    return found


def _steps(array: Array, rows: int, columns: int) -> tuple[int, int]:
    """Strides in bytes of the last two axes; 0 where an axis of one element stands for several."""
    (down, along), (own_rows, own_columns) = array.layout.byte_strides[-2:], array.layout.shape[-2:]
    return (down if own_rows == rows else 0), (along if own_columns == columns else 0)


def _table(
    batch: Sequence[int], operands: Sequence[Array], mask: Array | None, gradient: Array | None, causal: bool, scale: float
) -> tuple[list[int], NDArray]:  # fmt: skip
    """The first words of a task's table, where the scratch is not known yet, and the places that it points to."""
    from hotplug.backends.cpu.compiled.pool import bits

    query, key, value = operands
    queries, width = query.layout.shape[-2:]
    keys, wide = value.layout.shape[-2:]
    places = np.zeros((math.prod(batch), 5), np.int64)
    steps: list[int] = []
    for position, each in enumerate((query, key, value, mask, gradient)):
        if each is None:
            steps += (0, 0)
            continue
        places[:, position] = _addresses(each, batch)
        steps += _steps(each, queries, keys) if each is mask else each.layout.byte_strides[-2:]
    kind = 0 if mask is None else (1 if mask.dtype.kind == "b" else 2)
    sizes = (queries, keys, width, wide, int(causal), kind, bits(scale))
    return [place(places), 0, 0, *sizes, *steps], places


def _with_scratch(words: list[int], size: int) -> NDArray:
    from hotplug.backends.cpu.compiled.pool import maximum_threads

    size = -(-size // 64) * 64
    scratch = np.empty(size * maximum_threads() + 64, np.uint8)
    words[1], words[2] = -(-place(scratch) // 64) * 64, size
    return scratch


def _forward_large(causal: bool, small: Kernel) -> Kernel:
    from hotplug.backends.cpu.compiled.build import task
    from hotplug.backends.cpu.compiled.pool import run
    from hotplug.backends.cpu.compiled.tiles import WIDTH

    code = task("attention", "forward")

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        batch = outs[0].layout.shape[:-2]
        mask = inputs[3] if len(inputs) > 3 else None
        if outs[1].layout.shape[:-1] != batch or not _plain(inputs[:3]):
            small(outs, inputs, scalars)
            return
        words, places = _table(batch, inputs[:3], mask, None, causal, scalars[0])
        width, wide = words[5], words[6]
        scratch = _with_scratch(words, 4 * WIDTH * (width + wide + 64) + _ROOM)
        blocks = -(-words[3] // WIDTH)
        run(code, (*words, address(outs[0]), address(outs[1])), len(places) * blocks, 1)
        del scratch

    return kernel


def _plain(operands: Sequence[Array]) -> bool:
    """Whether no operand is without elements."""
    return all(each.layout.numel for each in operands)


def _backward_large(causal: bool, small: Kernel) -> Kernel:
    from hotplug.backends.cpu.compiled.build import task
    from hotplug.backends.cpu.compiled.pool import run
    from hotplug.backends.cpu.compiled.tiles import WIDTH

    code = task("attention", "backward")

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        delta, query, key, value, *masks, out, total = inputs
        batch = out.layout.shape[:-2]
        alike = all(each.layout.shape[:-2] == batch for each in (*outs, delta)) and total.layout.shape[:-1] == batch
        if not alike or not _plain(inputs[:4]):
            small(outs, inputs, scalars)
            return
        words, places = _table(batch, (query, key, value), masks[0] if masks else None, delta, causal, scalars[0])
        keys, width, wide = words[4:7]
        broad, broader = (-(-each // WIDTH) * WIDTH for each in (width, wide))
        size = 4 * WIDTH * (2 * width + wide + 128 + broad + broader) + 4 * keys * (broad + broader) + _ROOM
        scratch = _with_scratch(words, size)
        (result, _keep), (totals, _keep_too) = dense(out), dense(total)
        run(code, (*words, result, totals, *map(address, outs)), len(places), 1)
        del scratch

    return kernel


# --- by key ----------------------------------------------------------------------------------------------------------


def _scores_forward(outs: Sequence[Array], inputs: Sequence[Array]) -> int:
    return outs[1].layout.numel * inputs[1].layout.shape[-2]


def _scores_backward(_: Sequence[Array], inputs: Sequence[Array]) -> int:
    return inputs[-1].layout.numel * inputs[2].layout.shape[-2]


def _resolve(key: OpKey) -> Kernel | None:
    attributes = dict(key.attributes)
    floating = [each for each in key.dtypes if each.kind != "b"]
    if (
        "stream" not in attributes
        or attributes.get("through_mask")
        or any(each is not floating[0] for each in floating)
    ):
        return None
    kind, causal = floating[0].name, bool(attributes["causal"])
    if kind not in ("float32", "float64"):
        return None
    backward = key.name.endswith("backward")
    small = (_backward_small if backward else _forward_small)(causal)

    def large() -> Kernel | None:
        if kind != "float32":
            return None
        return (_backward_large if backward else _forward_large)(causal, small)

    return tiered(key.name, small, large, _LEAST, _scores_backward if backward else _scores_forward)


OVERRIDES: Final[dict[str, Callable[[OpKey], Kernel | None]]] = dict.fromkeys(
    ("attention", "attention_backward"), _resolve
)
