"""Counting: bincount, histc, histogram."""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from hotplug import host
from hotplug.declare import function
from hotplug.dtypes import dtype as DType, float32, float64, int64
from hotplug.errors import ArgumentError, DTypeError, RankError, ShapeError
from hotplug.ops import arithmetic, comparison, creation, reduction, views
from hotplug.ops.joining import cat, stack
from hotplug.ops.scattering import scatter_along
from hotplug.ops.searching import search_along
from hotplug.tensor import Tensor


class HistogramError(ArgumentError, RuntimeError):
    """A number of bins, or a range, that makes no histogram."""


def _counted(places: Tensor, weight: Tensor | None, bins: int, kind: DType) -> Tensor:
    """How many (or how heavy) elements are sent to each of ``bins`` places; those sent behind them do not count."""
    room = creation.zeros((bins + 1,), dtype=kind, device=places.device)
    flat = views.reshape(places, (-1,))
    source = creation.ones((), dtype=kind, device=places.device) if weight is None else views.reshape(weight, (-1,))
    found = scatter_along(room, 0, flat, source.to(kind), tuple(flat.shape), "add") if flat.shape[0] else room
    return views.narrow(found, 0, 0, bins).contiguous()


@function()
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each number from 0 occurs, or the sum of the weights at it.

    input integers ``(N)``, weights ``(N)`` -> ``(max(input) + 1)``, at least ``minlength``: int64, or the weights' floating
    dtype.  Reads the largest and smallest number from the device.

    Raises:
        HistogramError: a number is negative.
    """
    if input.ndim != 1 or input.dtype.kind not in "ui":
        raise HistogramError(
            f"bincount only supports 1-d non-negative integral inputs, got {input.dtype.name}{list(input.shape)}"
        )
    if minlength < 0:
        raise HistogramError(f"bincount: minlength should be >= 0, got {minlength}")
    if weights is not None and tuple(weights.shape) != tuple(input.shape):
        raise ShapeError(
            f"bincount: weights should be 1-d and have the same length as input, got {list(weights.shape)} for "
            f"{list(input.shape)}"
        )
    kind = int64 if weights is None else weights.dtype if weights.dtype in (float32, float64) else float64
    if not input.shape[0]:
        return creation.zeros((minlength,), dtype=int64, device=input.device)
    numbers = input.detach().to(int64)
    low, high = host.to_host(stack(reduction.aminmax(numbers))._array, "bincount").tolist()
    if low < 0:
        raise HistogramError(f"bincount only supports 1-d non-negative integral inputs, got {low}")
    return _counted(numbers, weights, max(int(high) + 1, int(minlength)), kind)


def _check_range(op: str, bins: int, low: float, high: float) -> None:
    if bins <= 0:
        raise HistogramError(f"{op}: bins must be > 0, got {bins}")
    if not (low - low == 0.0 and high - high == 0.0):
        raise HistogramError(f"{op}: range of [{low}, {high}] is not finite")
    if low > high:
        raise HistogramError(f"{op}: max must be larger than min, got [{low}, {high}]")


def _ends(input: Tensor, span: tuple[float, float] | None, margin: float) -> tuple[Tensor, Tensor]:
    """The range as 0-d tensors, by default that of the data, with a margin on both sides where it is one number."""
    if span is not None or not input.numel():
        low, high = span or (0.0, 1.0)
        low, high = (low - margin, high + margin) if low == high else (low, high)
        ends = [creation.full((), end, dtype=input.dtype, device=input.device) for end in (low, high)]
        return ends[0], ends[1]
    first, last = reduction.aminmax(input)
    extra = comparison.eq(first, last).to(input.dtype) * margin
    return first - extra, last + extra


@function()
def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many elements fall into each of ``bins`` equal parts of ``[min, max]`` -> ``(bins)`` in the input's dtype.

    Where both are equal the range is that of the elements.  Elements outside, and NaN, do not count.
    """
    if input.dtype.kind != "f":
        raise DTypeError(f"histc: expected a floating input, got {input.dtype.name}; convert with .to(dtype)")
    _check_range("histc", bins, min, max)
    given = input.detach()
    low, high = _ends(given, (min, max) if min != max else None, 1.0)
    part: Tensor = arithmetic.floor((given - low) / (high - low) * bins)
    inside = comparison.logical_and(comparison.ge(given, low), comparison.le(given, high))
    place = arithmetic.where_elements(inside, arithmetic.clamp(part, max=bins - 1), bins)
    return _counted(place.to(int64), None, bins, int64).to(input.dtype)


class Histogram(NamedTuple):
    """What :func:`histogram` returns."""

    hist: Tensor
    bin_edges: Tensor


def _even_edges(input: Tensor, bins: int, span: tuple[float, float] | None) -> Tensor:
    """``bins + 1`` evenly spaced edges, counted from the nearer end."""
    first, last = _ends(input, span, 0.5)
    step = (last - first) / bins
    place = creation.iota(input, (bins + 1,))
    up = first + place.to(input.dtype) * step
    down = last - (bins - place).to(input.dtype) * step
    edges: Tensor = arithmetic.where_elements(comparison.lt(place, (bins + 1) // 2), up, down)
    return edges


@function()
def histogram(
    input: Tensor, bins: Any, *, range: tuple[float, float] | None = None, weight: Tensor | None = None,
    density: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Counts of the elements between ascending edges: ``(hist, bin_edges)``, ``(bins)`` and ``(bins + 1)``.

    Every bin has its left edge, the last one its right edge too.  Elements outside, and NaN, do not count.

    Args:
        bins: how many equal parts, or the edges ``(bins + 1)``.
        range: of equal parts; default: that of the elements.
        weight: what each element counts, in the input's shape.
        density: divide by the total and by each bin's width.
    """
    if input.dtype not in (float32, float64):
        raise DTypeError(f"histogram: expected a float32 or float64 input, got {input.dtype.name}")
    if weight is not None and (tuple(weight.shape) != tuple(input.shape) or weight.dtype is not input.dtype):
        raise ShapeError(
            f"histogram(): weight should have the shape and dtype of input, {input.dtype.name}{list(input.shape)}, got "
            f"{weight.dtype.name}{list(weight.shape)}"
        )
    given = input.detach()
    edges = _edges(given, bins, range)
    count = edges.shape[0] - 1
    place, inside = _bin_of(views.reshape(given, (-1,)), edges)
    place = arithmetic.where_elements(inside, place, count)
    hist = _counted(place, weight, count, input.dtype)
    if density:
        widths = views.narrow(edges, 0, 1, count) - views.narrow(edges, 0, 0, count)
        hist = hist / reduction.sum(hist) / widths
    return Histogram(hist, edges)


def _bin_of(flat: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
    """The bin of each number, and whether it has one."""
    count = edges.shape[0] - 1
    last = views.select(edges, 0, count)
    place: Tensor = search_along(edges, flat, True) - 1
    place = arithmetic.where_elements(comparison.eq(flat, last), count - 1, place)
    inside = comparison.logical_and(comparison.ge(flat, views.select(edges, 0, 0)), comparison.le(flat, last))
    return place, inside


def _edges(input: Tensor, bins: Any, range: tuple[float, float] | None) -> Tensor:
    if not isinstance(bins, Tensor):
        _check_range("histogram", bins, *(range or (0.0, 0.0)))
        return _even_edges(input, bins, range)
    if bins.ndim != 1 or bins.shape[0] < 1 or bins.dtype is not input.dtype:
        raise ShapeError(
            f"histogram(): bins tensor should have one dimension and the input's dtype, {input.dtype.name}, got "
            f"{bins.dtype.name}{list(bins.shape)}"
        )
    if range is not None:
        raise HistogramError("histogram(): range is for a number of bins; edges given as a tensor have their own")
    return cat([bins.detach()])


class HistogramDD(NamedTuple):
    """What :func:`histogramdd` returns."""

    hist: Tensor
    bin_edges: tuple[Tensor, ...]


@function(method=False)
def histogramdd(
    input: Tensor,
    bins: Any,
    *,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> HistogramDD:
    """Counts of points in a grid: input ``(*, D)`` -> ``(hist, bin_edges)``, as many axes and vectors of edges as D.

    Args:
        bins: how many equal parts along every axis, D such numbers, or D ascending vectors of edges.
        range: the lower and upper ends of the D axes, one after the other; default: those of the points.
        weight: what each point counts, ``(*)``.
        density: divide by the total and by each cell's volume.
    """
    if input.dtype not in (float32, float64):
        raise DTypeError(f"histogramdd: expected a float32 or float64 input, got {input.dtype.name}")
    if input.ndim < 2:
        raise RankError(f"histogramdd: input tensor should have at least 2 dimensions, got {input.ndim}")
    if weight is not None and (tuple(weight.shape) != tuple(input.shape[:-1]) or weight.dtype is not input.dtype):
        raise ShapeError(
            f"histogramdd: weight should have the shape of the points and the dtype of input, {list(input.shape[:-1])}, got "
            f"{weight.dtype.name}{list(weight.shape)}"
        )
    given = input.detach()
    points = views.reshape(given, (math.prod(given.shape[:-1]), given.shape[-1]))
    edges = _all_edges(points, bins, range)
    counts = [each.shape[0] - 1 for each in edges]
    place = inside = None
    for axis, each in enumerate(edges):
        at, within = _bin_of(views.select(points, 1, axis), each)
        place = at if place is None else place * counts[axis] + at
        inside = within if inside is None else comparison.logical_and(inside, within)
    assert place is not None
    assert inside is not None
    total = math.prod(counts)
    place = arithmetic.where_elements(inside, place, total)
    hist = views.reshape(_counted(place, weight, total, input.dtype), tuple(counts))
    if density:
        hist = hist / reduction.sum(hist)
        for axis, each in enumerate(edges):
            widths = views.narrow(each, 0, 1, counts[axis]) - views.narrow(each, 0, 0, counts[axis])
            hist = hist / views.reshape(widths, (counts[axis], *(1,) * (len(counts) - axis - 1)))
    return HistogramDD(hist, tuple(edges))


def _all_edges(points: Tensor, bins: Any, span: Sequence[float] | None) -> list[Tensor]:
    count = points.shape[1]
    each = [bins] * count if isinstance(bins, int) else list(bins)
    if len(each) != count:
        raise HistogramError(f"histogramdd: The size of bins must be equal to the innermost dimension of the input, "
                             f"{count}, got {len(each)}")  # fmt: skip
    if span is not None and len(span) != 2 * count:
        raise HistogramError(f"histogramdd: range should have {2 * count} elements, got {len(span)}")
    ends = [None if span is None else (span[2 * axis], span[2 * axis + 1]) for axis in builtins.range(count)]
    columns = [views.select(points, 1, axis) for axis in builtins.range(count)]
    return [_edges(column, wanted, end) for column, wanted, end in zip(columns, each, ends, strict=True)]
