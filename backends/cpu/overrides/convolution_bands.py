"""How a convolution to few channels is cut into work for bands, and its launches.  Imports Numba."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from hotplug.backend import Array
from hotplug.backends.cpu.compiled import panels
from hotplug.backends.cpu.compiled.pool import maximum_threads, run
from hotplug.backends.cpu.memory import address
from hotplug.backends.cpu.overrides import convolution_plans as plans
from hotplug.backends.cpu.overrides.convolution_launch import (
    Order,
    located,
    packed,
    pointer,
    real_of,
    scratch,
    stage,
    view,
)
from hotplug.backends.cpu.overrides.convolution_plans import Options, Problem
from hotplug.backends.numpy.memory import NDArray, ndarray

_SOURCE: Final = 64 * 1024
"""Numbers of scratch memory for the input of a band of rows."""
_DOTS: Final = 14
"""Taps whose products are summed up at a time, at most."""


class Bands(NamedTuple):
    """A problem as work for bands."""

    offsets: NDArray
    """Bytes of scratch memory, one for each tap; the last one again for those that the last ``dots`` hangs over."""
    words: tuple[int, ...]
    """The table from its eighth word on, to the place of the sums' row."""
    row: int
    """Places of a band, with those that its last vectors hang over."""
    end: int
    """Numbers of the input in scratch memory."""
    bands: int
    """Bands of rows of an image."""
    taps: int


@lru_cache(256)
def _bands(problem: Problem, real: int, tile: int, blocks: int, many: int) -> Bands:
    span = plans.spans(problem)
    (_, sh, sw), (q_d, q_h, q_w) = problem.step, problem.grid
    deep = (q_d - 1) * problem.step[0] + span[0] + 1
    wide = -(-((q_w - 1) * sw + span[2] + 1) // sw)
    rows = q_h
    while rows > 1 and problem.channels * deep * ((rows - 1) * sh + span[1] + 1) * wide * sw > _SOURCE:
        rows = -(-rows // 2)
    high = -(-((rows - 1) * sh + span[1] + 1) // sh)
    slab = sh * sw * high * wide
    channel = deep * slab
    offsets = [
        real * (c * channel + z * slab + (y % sh * sw + x % sw) * high * wide + y // sh * wide + x // sw)
        for c in range(problem.channels) for z, y, x in itertools.product(*problem.distances)
    ]  # fmt: skip
    size, step = problem.out_size, problem.out_step
    out_row, out_slab = size[2], size[1] * size[2]
    origin = problem.origin[0] * out_slab + problem.origin[1] * out_row + problem.origin[2]
    words = (
        problem.batch, problem.channels, *problem.size, rows, *problem.grid, *problem.step, *problem.low, high, wide, slab,
        channel, deep, problem.filters, blocks, len(offsets),
        size[0] * out_slab, step[0] * out_slab, step[1] * out_row, step[2], origin, problem.groups,
    )  # fmt: skip
    length = (rows - 1) * wide + q_w
    hanging = -len(offsets) % many
    return Bands(
        np.array(offsets + offsets[-1:] * hanging, np.int64), words, -(-length // tile) * tile,
        channel * problem.channels, -(-q_h // rows), len(offsets),
    )  # fmt: skip


def suits(filters: int, kind: str) -> bool:
    """Whether so many filters would leave most lanes of a panel idle."""
    return filters <= panels.lanes(real_of(kind)) // 2


def _shape(filters: int) -> tuple[int, int]:
    """Channels and vectors of a band."""
    channels = next(each for each in (1, 2, 4, 8) if each >= min(filters, 8))
    if panels.machine().registers == 32:
        return channels, {1: 8, 2: 8, 4: 5, 8: 3}[channels]
    return channels, {1: 6, 2: 4, 4: 2, 8: 1}[channels]


def by_bands(problem: Problem, kind: str, out: Array, source: Array, weight: Array, bias: Array | None) -> bool:
    """Compute a problem; returns whether all weights were finite."""
    real = 8 if real_of(kind) == "float64" else 4
    channels, width = _shape(problem.filters)
    blocks, tile = -(-problem.filters // channels), width * panels.lanes(real_of(kind))
    plan = _bands(problem, real, tile, blocks, 1)
    sums_at = (plan.end + tile) * real
    per_thread = -(-(sums_at + (channels * plan.row + tile) * real) // 64) * 64
    order = Order(blocks, channels, plan.taps, plans.positions(problem))
    weights = packed(problem, order, kind, weight, bias, maximum_threads() * per_thread)
    where, kept = located(source)
    table = (
        address(out), where, weights.start, weights.begins, pointer(plan.offsets), weights.rest, per_thread, *plan.words,
        plan.row, sums_at, 0, 0, tile, plan.end,
    )  # fmt: skip
    items = plan.bands * problem.batch * problem.groups
    grain = max(1, 16384 // (plan.row * plan.taps))
    run(stage("bands", "slide", kind, 1, channels, width), table, items, grain)
    del kept
    return weights.finite()


def weight_by_bands(o: Options, kind: str, outs: Sequence[Array], inputs: Sequence[Array]) -> bool:
    """The gradient for the weight; returns whether it is finite: zeros at the seams of rows are
    multiplied with numbers that may not be.
    """
    real = 8 if real_of(kind) == "float64" else 4
    lanes = panels.lanes(real_of(kind))
    problem = plans.forward(o)
    taps = o.channels * math.prod(o.kernel)
    many = -(-taps // -(-taps // _DOTS))
    plan = _bands(problem, real, lanes, 1, many)
    slices = min(o.batch, -(-plans.PIECES // o.groups))
    rows_at = (plan.end + lanes) * real
    totals_at = rows_at + (plan.row + lanes) * real
    per_thread = -(-(totals_at + o.filters * plan.offsets.size * lanes * real) // 64) * 64
    size = slices * o.groups * o.filters * taps * real
    block, start = scratch(outs[0], size + 64 + 64 + maximum_threads() * per_thread)
    rest = start + -(-size // 64) * 64
    (deltas, kept), (where, kept_too) = located(inputs[0]), located(inputs[1])
    words = list(plan.words)
    words[21] = totals_at  # in place of the blocks
    table = (
        start, where, deltas, 0, pointer(plan.offsets), rest, per_thread, *words, plan.row, rows_at, 0, slices,
        lanes, plan.end,
    )  # fmt: skip
    run(stage("bands", "dots_back", kind, many=many), table, slices * o.groups, 1)
    partials = view(block, start, size // real, f"f{real}").reshape(slices, -1)
    ndarray(outs[0]).reshape(-1)[...] = partials.sum(0) if slices > 1 else partials[0]
    del kept, kept_too
    return bool(np.isfinite(partials).all())
