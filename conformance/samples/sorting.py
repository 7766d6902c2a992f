"""Sorting, order statistics, sets, searching, counting, differences of neighbours."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hotplug.conformance.draw import Draw, Sample
from hotplug.conformance.samples.hard import finite_rows, hard_rows
from hotplug.conformance.samples.registry import samples

TIES = [[2, 0, 1, 1, 2, 0], [1, 1, 1, 0, 2, 2]]


@samples("sort", kinds="buif")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw.spread(3, 5), 1)
    yield Sample(draw.spread(7, 2), 0, descending=True)
    yield Sample(draw.of(TIES), dim=-1, stable=True).rough()
    if draw.kind == "f":
        nan, inf = float("nan"), float("inf")
        yield Sample(draw.of([nan, 1.0, -0.0, 0.0, inf, nan, -inf]), 0, True).forward()
        yield Sample(draw.of([nan, 1.0, -0.0, 0.0, inf, nan, -inf])).forward()


@samples("argsort", kinds="buif", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw.spread(3, 5))
    yield Sample(draw.of(TIES), 0, descending=True)


@samples("msort", kinds="buif")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw.spread(9, 2))


@samples("topk", kinds="uif")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw.spread(3, 6), 2)
    yield Sample(draw.spread(5, 3), 3, dim=0, largest=False)
    if draw.kind == "f":
        special = draw.of([[np.nan, 1.0, 2.0, 3.0], [-np.inf, 5.0, 1.0, 2.0], [1.0, np.inf, 2.0, -np.inf]])
        yield Sample(special, 3).forward()
        yield Sample(special, 3, largest=False).forward()


@samples("kthvalue", kinds="uif")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw.spread(3, 6), 2)
    yield Sample(draw.spread(5, 3), 4, 0, True)


@samples("median", "nanmedian", kinds="uif")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw.spread(3, 4))
    yield Sample(draw.spread(3, 6), 1)
    yield Sample(draw.spread(5, 3), dim=0, keepdim=True)


@samples("mode", kinds="uif", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw.of(TIES))
    yield Sample(draw.of(TIES), 0, True)


@samples("quantile", "nanquantile", kinds="")
def _(draw: Draw) -> Iterator[Sample]:
    for kind in ("float32",):
        values = draw.of([[1.0, 4.0, 2.5, -1.0], [0.5, 3.0, -2.0, 8.0]], kind)
        yield Sample(values, 0.3)
        yield Sample(values, draw.of([0.0, 0.4, 1.0], kind).constant(), dim=1)
        yield Sample(values, 0.6, 0, True, interpolation="midpoint")


@samples("cummax", "cummin", kinds="buif")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw.spread(3, 6), 1)
    yield Sample(draw.of(TIES), 0).rough()
    if draw.kind == "f":
        yield Sample(hard_rows(draw), 1).forward()


@samples("logcumsumexp", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 6), 1)
    yield Sample(draw(5), 0)
    yield Sample(finite_rows(draw), 1).forward()


@samples("unique", "unique_consecutive", kinds="buif", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw.of(TIES))
    yield Sample(draw.of(TIES), return_inverse=True, return_counts=True)
    yield Sample(draw.of([[1, 0, 1], [1, 0, 1], [0, 1, 1], [0, 0, 1]]), return_inverse=True, return_counts=True, dim=0)


@samples("isin", kinds="buif", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw.of(TIES), draw.of([0, 1]))
    yield Sample(draw.of(TIES), draw.spread(20), invert=True)


@samples("searchsorted", kinds="uif", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw.of([0, 1, 1, 3, 8]), draw(3, 4, low=0, high=9))
    yield Sample(draw.of([[0, 1, 1, 3], [1, 2, 3, 4]]), draw(2, 5, low=0, high=4), right=True)
    yield Sample(draw.of([0, 1, 1, 3, 8]), draw.of([0, 1, 3, 8, 9, 2]))
    yield Sample(draw.of([0, 1, 1, 3, 8]), draw.of([0, 1, 3, 8, 9, 2]), right=True)


@samples("bucketize", kinds="uif", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4, low=0, high=4), draw.of([0, 1, 3]))
    yield Sample(draw(4, low=0, high=4), draw.of([0, 1, 3]), right=True)
    yield Sample(draw.of([0, 1, 2, 3, 4]), draw.of([0, 1, 3]))
    yield Sample(draw.of([0, 1, 2, 3, 4]), draw.of([0, 1, 3]), right=True)


@samples("bincount", kinds="", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw.index(5, 9))
    yield Sample(draw.index(5, 9), draw.of([0.5] * 9, "float32"), minlength=7)


@samples("histc", kinds="f", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw.of([0.25, 0.5, 1.0, 1.75, 3.0]), 4, 0, 2)
    yield Sample(draw.of([0.25, 0.5, 1.0, 1.75, 4.25]), 4)


@samples("histogram", kinds="", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    values = draw.of([0.25, 0.5, 1.0, 1.75, 3.0], "float32")
    yield Sample(values, 4, range=(0.0, 2.0))
    yield Sample(values, draw.of([0.0, 0.5, 2.0], "float32"), density=True)


@samples("diff", kinds="buifc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 5))
    yield Sample(draw(4, 3), 2, 0)
    yield Sample(draw(3, 2), prepend=draw(3, 1), append=draw(3, 2))


@samples("trapezoid", "cumulative_trapezoid", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 5), dx=0.5)
    yield Sample(draw(4, 3), draw(4), dim=0)


@samples("nanmean", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 5))
    yield Sample(draw(3, 5), 1, True)
    yield Sample(draw.of([[1.0, float("nan")], [3.0, 5.0]]), 0).forward()


@samples("nonzero_static", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4), size=4)
    yield Sample(draw.of([0, 1, 0, 1]), size=3, fill_value=7)


@samples("histogramdd", kinds="", gradient=False, layouts=False)  # rows that are all one have no range to divide
def _(draw: Draw) -> Iterator[Sample]:
    points = draw.of(draw(7, 2).values, "float32")
    yield Sample(points, [3, 2])
    yield Sample(points, 2, range=[-1.0, 1.0, -2.0, 2.0], density=True)
