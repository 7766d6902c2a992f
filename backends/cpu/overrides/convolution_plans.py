"""How a convolution is cut into work for the panels: numbers only, from sizes only.

A :class:`Problem` is what a forward convolution and each phase of a backward one have in common: places on a grid, each
the sum over taps of a weight times the input at a fixed distance.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from hotplug.backends.numpy.memory import NDArray

Three = tuple[int, int, int]

PLACES: Final = 384
"""Places of a box at most: their sums for one block of channels take a part of the second-level cache."""
SOURCE: Final = 96 * 1024
"""Numbers of scratch memory for the input of a box."""
PIECES: Final = 16
"""Work items that a convolution is cut into at least, where it can be."""
PARTIALS: Final = 8 * 2**20
"""Bytes of partial weight gradients at most, where there is more than one."""
OVER: Final = 16
"""Places that the last panel of a box may hang over, at most."""
CHUNK: Final = 256
"""Taps that a panel sums up at a time: their weights stay near."""


def three(numbers: Sequence[int], missing: int) -> Three:
    """One number an axis, for three axes."""
    filled = (*(missing,) * (3 - len(numbers)), *numbers)
    return (filled[0], filled[1], filled[2])


class Options(NamedTuple):
    """A convolution, with three axes whatever it has: axes in front that it doesn't have are of size 1."""

    batch: int
    channels: int
    """Of the input, in a group."""
    filters: int
    """Channels of the output, in a group."""
    groups: int
    size: Three
    out: Three
    kernel: Three
    stride: Three
    padding: Three
    dilation: Three


class Problem(NamedTuple):
    """``out[n, o, q] = sum over taps of weight[tap, o] * source[n, tap's channel, q * step + low + tap's distance]``."""

    batch: int
    groups: int
    channels: int
    """Of the source, in a group."""
    filters: int
    """Of the output, in a group."""
    size: Three
    grid: Three
    step: Three
    low: Three
    distances: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
    """Along each axis, of each of its taps, from ``low``."""
    places: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
    """Along each axis, where in the kernel its taps are."""
    out_size: Three
    out_step: Three
    origin: Three
    kernel: Three
    backward: bool
    """Whether the weight's first axis is the source's channels."""


def forward(o: Options) -> Problem:
    """The convolution itself."""
    low = (-o.padding[0], -o.padding[1], -o.padding[2])
    distances = tuple(tuple(i * d for i in range(k)) for k, d in zip(o.kernel, o.dilation, strict=True))
    places = tuple(tuple(range(k)) for k in o.kernel)
    return Problem(
        o.batch, o.groups, o.channels, o.filters, o.size, o.out, o.stride, low,
        distances, places, o.out, (1, 1, 1), (0, 0, 0), o.kernel, False,  # type: ignore[arg-type]
    )  # fmt: skip


def _phase(
    size: int, kernel: int, stride: int, padding: int, dilation: int, at: int
) -> tuple[int, int, tuple[int, ...], tuple[int, ...]]:
    """Places ``at, at + stride, ...`` of the input: their number, and which outputs' taps have read them."""
    taps = [i for i in range(kernel) if (at + padding - i * dilation) % stride == 0]
    reach = [(at + padding - i * dilation) // stride for i in taps]
    low = min(reach, default=0)
    return -(-(size - at) // stride), low, tuple(each - low for each in reach), tuple(taps)


def backward(o: Options) -> list[Problem]:
    """The gradient for the input: a stride has as many phases, each a convolution of the gradient by some of the taps."""
    found = []
    for at in itertools.product(*(range(min(s, n)) for s, n in zip(o.stride, o.size, strict=True))):
        axes = [_phase(*each) for each in zip(o.size, o.kernel, o.stride, o.padding, o.dilation, at, strict=True)]
        grid, low, distances, places = zip(*axes, strict=True)
        found.append(
            Problem(
                o.batch,
                o.groups,
                o.filters,
                o.channels,
                o.out,
                grid,
                (1, 1, 1),
                low,
                distances,
                places,
                o.size,
                o.stride,
                three(at, 0),
                o.kernel,
                True,
            )
        )
    return found


class Box(NamedTuple):
    """A work item: so many images, and so much of each axis."""

    images: int
    sides: Three
    extent: Three
    """Of the source that it reads."""
    items: int
    """How many there are for each group."""


def spans(problem: Problem) -> Three:
    """How far the taps of one place are apart."""
    found = [max(each, default=0) for each in problem.distances]
    return (found[0], found[1], found[2])


def extent(sides: Sequence[int], step: Sequence[int], span: Sequence[int]) -> Three:
    """What a box of places reads along each axis."""
    found = [(b - 1) * s + d + 1 for b, s, d in zip(sides, step, span, strict=True)]
    return (found[0], found[1], found[2])


def boxes(
    batch: int, channels: int, grid: Three, step: Three, span: Three, places: int, source: int, pieces: int
) -> Box:
    """Boxes of at most so many places that read at most so many numbers; at least so many pieces, where that goes."""
    sides = list(grid)
    for axis in range(3):
        while sides[axis] > 1 and (
            math.prod(sides) > places
            or (channels * math.prod(extent(sides, step, span)) > source and math.prod(sides) > 64)
        ):
            parts = -(-grid[axis] // sides[axis]) + 1
            sides[axis] = min(sides[axis] - 1, -(-grid[axis] // parts))
    cut = math.prod(-(-g // s) for g, s in zip(grid, sides, strict=True))
    whole = channels * math.prod(extent(sides, step, span))
    images = (
        1 if cut > 1 else max(1, min(batch, places // math.prod(sides), source // whole, -(-batch * cut // pieces)))
    )
    images = -(-batch // -(-batch // images))
    chosen = (sides[0], sides[1], sides[2])
    return Box(images, chosen, extent(chosen, step, span), cut * -(-batch // images))


def apart(plane: int) -> int:
    """A step between planes that keeps them from sharing few lines of the first-level cache."""
    return plane + 16 if plane % 256 < 16 or plane % 256 > 240 else plane


class Shapes(NamedTuple):
    """What panels the processor has."""

    lanes: int
    """Numbers in a vector."""
    widest: int
    """Vectors in a panel at most."""
    places: tuple[int, ...]
    """Places in a panel of one vector, of two, and so on."""


class Panels(NamedTuple):
    """A problem as work for the panel kernel."""

    vectors: int
    blocks: int
    taps: int
    positions: NDArray
    """The number of the tap of every column of every segment of a weight, negative where there is none."""
    offsets: NDArray
    """Bytes of scratch memory, one for each tap."""
    words: tuple[int, ...]
    """The table from its eighth word on."""
    scratch: int
    """Bytes a thread."""
    items: int
    over: int
    """Taps and those that the last panel of taps hangs over."""
    slices: int
    """Partial weight gradients."""


def vectors_of(channels: int, lanes: int, widest: int) -> int:
    """Vectors in a panel: as few idle lanes as can be, then as wide as can be."""
    need = -(-channels // lanes)
    return min(range(1, min(widest, need) + 1), key=lambda v: (-(-need // v) * v, -v))


def positions(problem: Problem, inner: bool = False) -> NDArray:
    """The number of the tap at each place of each channel of the source, or -1: taps are numbered channels first, or with
    ``inner`` places first.
    """
    _, high, wide = problem.kernel
    flat = [(i * high + j) * wide + k for i, j, k in itertools.product(*problem.places)]
    numbers = np.arange(problem.channels * len(flat), dtype=np.int64)
    found = np.full((problem.channels, math.prod(problem.kernel)), -1, np.int64)
    found[:, flat] = numbers.reshape(len(flat), -1).T if inner else numbers.reshape(-1, len(flat))
    return found


@lru_cache(256)
def panels(problem: Problem, shape: Shapes, real: int, gradient: bool = False) -> Panels:
    """The work of a problem, or of its weight's gradient; ``real``: bytes of a number of scratch memory."""
    lanes, chunk = shape.lanes, CHUNK
    vectors = vectors_of(problem.filters, lanes, shape.widest)
    under = shape.places[vectors - 1]
    wide = vectors * lanes
    blocks = -(-problem.filters // wide)
    box = boxes(
        problem.batch, problem.channels, problem.grid, problem.step, spans(problem), PLACES, SOURCE * 4 // real,
        -(-PIECES // problem.groups),
    )  # fmt: skip
    channel = apart(math.prod(box.extent))
    image = channel * problem.channels
    slices = box.items
    if gradient:
        total = problem.groups * blocks * wide * problem.channels * math.prod(problem.kernel) * real
        slices = min(box.items, max(1, PARTIALS // total), -(-PIECES // problem.groups))
    parts = min(blocks, max(1, -(-PIECES // (slices * problem.groups))))
    flat = [(i * box.extent[1] + j) * box.extent[2] + k for i, j, k in itertools.product(*problem.distances)]
    offsets = [real * (c * channel + place) for c in range(problem.channels) for place in flat]
    places = box.images * math.prod(box.sides) + OVER
    sums_at = -(-image * box.images * real // 64) * 64
    places_at = sums_at + places * wide * real
    taps = len(offsets)
    size, step = problem.out_size, problem.out_step
    row, slab = size[2], size[1] * size[2]
    origin = problem.origin[0] * slab + problem.origin[1] * row + problem.origin[2]
    over = -(-taps // under) * under
    box_at = places_at + 8 * (places + (over if gradient else 0))
    words = (
        problem.batch, problem.channels, *problem.size, box.images, *box.sides, *problem.grid, *problem.step, *problem.low,
        *box.extent, image, channel, problem.filters, blocks, taps, over if gradient else chunk,
        size[0] * slab, step[0] * slab, step[1] * row, step[2], origin, problem.groups, parts, sums_at, places_at,
        places_at + 8 * places, box.items, slices, box_at,
    )  # fmt: skip
    return Panels(
        vectors, blocks, taps, positions(problem), np.array(offsets, np.int64), words, box_at + 128,
        (slices if gradient else box.items) * problem.groups * parts, over, slices,
    )  # fmt: skip


# --- small images ------------------------------------------------------------------------------------------------------


class Stacked(NamedTuple):
    """A problem of small images as work for panels of the same place in several images."""

    panels: Panels
    places: int
    """Images in a panel."""
    distances: NDArray
    """Of each place in the kernel along three axes, from where a window begins."""


def _idle(problem: Problem) -> float:
    """The share of products that would be with zeros around the input."""
    share = 1.0
    for axis in range(3):
        size, grid, step, low = (each[axis] for each in (problem.size, problem.grid, problem.step, problem.low))
        taps = problem.distances[axis]
        inside = sum(0 <= q * step + low + d < size for q in range(grid) for d in taps)
        share *= inside / (grid * len(taps))
    return 1 - share


def _images(problem: Problem, room: int) -> int:
    """Images of a box: as many as there is room for, but some work items."""
    one = problem.channels * math.prod(problem.size)
    pieces = max(1, PIECES // 4 // problem.groups)
    images = min(room // one, 12, -(-problem.batch // pieces))
    return -(-problem.batch // -(-problem.batch // images)) if images else 0


@lru_cache(256)
def stacked(problem: Problem, shape: Shapes, real: int) -> Stacked | None:
    """The work of a problem of small images, ``None`` where its images are large, few, or have few channels."""
    if problem.batch < 4 or problem.channels < 32 or math.prod(problem.grid) > 400 or _idle(problem) < 0.07:
        return None
    images = _images(problem, 160 * 1024 * 4 // real)
    vectors = vectors_of(problem.filters, shape.lanes, shape.widest)
    if images < 3:
        return None
    under = min(range(shape.places[vectors - 1], 2, -1), default=3, key=lambda p: (-(-images // p) * p, -p))
    images = -(-images // under) * under  # whole panels: what hangs over would be added to the next place
    wide, blocks = vectors * shape.lanes, -(-problem.filters // (vectors * shape.lanes))
    items = -(-problem.batch // images)
    parts = min(blocks, max(1, -(-PIECES // (items * problem.groups))))
    channel = apart(math.prod(problem.size) * images)
    kernel = math.prod(len(each) for each in problem.places)
    sums_at = -(-channel * problem.channels * real // 64) * 64
    places_at = sums_at + (math.prod(problem.grid) * images + OVER) * wide * real
    box_at = places_at + 8 * (math.prod(problem.size) * images + OVER)
    size, step = problem.out_size, problem.out_step
    row, slab = size[2], size[1] * size[2]
    origin = problem.origin[0] * slab + problem.origin[1] * row + problem.origin[2]
    words = (
        problem.batch, problem.channels, *problem.size, images, *problem.grid, *problem.grid, *problem.step, *problem.low,
        *problem.size, 0, channel, problem.filters, blocks, kernel * problem.channels, kernel,
        size[0] * slab, step[0] * slab, step[1] * row, step[2], origin, problem.groups, parts, sums_at, places_at,
        0, items, items, box_at,
    )  # fmt: skip
    offsets = np.arange(problem.channels, dtype=np.int64) * (channel * real)
    work = Panels(
        vectors, blocks, kernel * problem.channels, positions(problem, True), offsets, words,
        box_at + 128, items * problem.groups * parts, 0, items,
    )  # fmt: skip
    axes = [[low + d for d in each] for low, each in zip(problem.low, problem.distances, strict=True)]
    return Stacked(work, under, np.array(list(itertools.product(*axes)), np.int64))
