"""Reductions over dims, and running ones along a dim."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from hotplug.conformance.draw import Draw, Kind, Sample
from hotplug.conformance.samples.registry import samples


def _over_dims(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4))
    yield Sample(draw(2, 3, 4), 1)
    yield Sample(draw(2, 3, 4), (0, -1), True)
    yield Sample(draw())
    yield Sample(draw(3, 1, 5), dim=[1])
    yield Sample(draw(33, 65), 0)


@samples("sum", "nansum")
def _(draw: Draw) -> Iterator[Sample]:
    yield from _over_dims(draw)
    yield Sample(draw(0, 3))
    yield Sample(draw(2, 0, 3), 1)
    yield Sample(draw(2, 3), dtype=Kind("float32"))
    if draw.kind == "f":
        values = np.array([[1.0, math.nan, 2.0], [math.inf, -1.0, 0.5]])
        yield Sample(draw.of(values), 1).forward()


@samples("sum_to_size", kinds="uifc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4), 3, 1)
    yield Sample(draw(2, 3), (2, 3))


@samples("mean", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield from _over_dims(draw)
    yield Sample(draw(2, 3), dtype=Kind("float64"))


@samples("var", "std", "var_mean", "std_mean", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4))
    yield Sample(draw(2, 3, 4), 1)
    yield Sample(draw(2, 3, 4), (0, 2), keepdim=True, correction=0)
    yield Sample(draw(3, 5), 1, unbiased=False)
    yield Sample(draw(3, 5, low=1000, high=1003), 1).forward()


@samples("prod")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 4))
    yield Sample(draw(2, 3, 4), 1)
    yield Sample(draw(2, 3, 4), -1, True)
    yield Sample(draw(2, 0), 1)
    yield Sample(draw())
    if draw.kind in "fc":
        values = np.array([[1.0, 0.0, 2.0], [0.0, -1.0, 0.0], [3.0, 0.5, -2.0]])
        yield Sample(draw.of(values), 1)


def _extrema(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw.spread(2, 3, 4))
    yield Sample(draw.spread(2, 3, 4), 1)
    yield Sample(draw.spread(2, 3, 4), dim=-1, keepdim=True)
    yield Sample(draw())


def _ties(draw: Draw) -> Iterator[Sample]:
    """Where the first of equals, and of NaNs, is told from the others."""
    if draw.kind == "f":
        yield Sample(draw.of([[1.0, 3.0, 3.0], [math.nan, 1.0, math.nan]]), 1).forward()
        yield Sample(draw.of([[-math.inf, 3.0], [math.inf, -math.inf]]), 1).forward()
    yield Sample(draw.of([[1, 1, 0], [0, 1, 1]]), 1).rough()


@samples("amax", "amin", kinds="buif")
def _(draw: Draw) -> Iterator[Sample]:
    yield from _extrema(draw)
    yield Sample(draw.spread(2, 3, 4), (0, 2))
    yield from _ties(draw)


@samples("aminmax", kinds="buif")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw.spread(2, 3, 4))
    yield Sample(draw.spread(2, 3, 4), dim=1, keepdim=True)


@samples("argmax", "argmin", kinds="uif", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield from _extrema(draw)
    yield from _ties(draw)


@samples("max", "min", kinds="buif")
def _(draw: Draw) -> Iterator[Sample]:
    yield from _extrema(draw)
    yield Sample(draw(2, 3), draw(3))
    if draw.kind != "b":
        yield from _ties(draw)


@samples("any", "all", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4, low=0, high=1))
    yield Sample(draw(2, 3, 4, low=0, high=1), 1)
    yield Sample(draw(2, 3, 4, low=0, high=1), dim=(0, 2), keepdim=True)
    yield Sample(draw(0, 3))
    if draw.kind == "f":
        yield Sample(draw.of([[math.nan, 0.0], [0.0, -0.0]]), 1).forward()


@samples("count_nonzero", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4, low=0, high=1))
    yield Sample(draw(2, 3, 4, low=0, high=1), 1)


@samples("logsumexp", kinds="uif")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4), 1)
    yield Sample(draw(2, 3, 4), (0, 2), True)
    yield Sample(draw(2, 5, low=80, high=90), 1)
    if draw.kind == "f":
        values = [[-math.inf, -math.inf], [math.inf, 1.0], [math.nan, 1.0]]
        yield Sample(draw.of(values), 1).forward()


@samples("norm", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4))
    yield Sample(draw(2, 3, 4), 2, 1)
    yield Sample(draw(2, 3), 1, 0)
    yield Sample(draw(2, 3), 3.0, 1, True)
    yield Sample(draw.spread(2, 3), math.inf, 1)
    yield Sample(draw(2, 3), 0, 1).rough()


@samples("cumsum", "cumprod")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4), 1)
    yield Sample(draw(7), 0)
    yield Sample(draw(3, 2), -1)
    yield Sample(draw(2, 0), 1)
    yield Sample(draw(), 0)
    if draw.kind == "f":
        yield Sample(draw.of([[1.0, 0.0, 2.0, 3.0], [0.0, 0.5, 0.0, 2.0]]), 1)
