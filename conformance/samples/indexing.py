"""Reading and writing by index, mask and condition; writes in place."""

from __future__ import annotations

from collections.abc import Iterator

from hotplug.conformance.draw import Draw, Sample
from hotplug.conformance.samples.registry import samples


@samples("gather")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4), 1, draw.index(4, 3, 5))
    yield Sample(draw(3, 4, 2), 0, draw.index(3, 2, 4, 2))
    yield Sample(draw(3, 4), -1, draw.index(4, 0, 2))


@samples("index_select")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4), 0, draw.index(3, 5))
    yield Sample(draw(3, 4, 2), 1, draw.index(4, 3, dtype="int32"))


@samples("take")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4), draw.index(12, 2, 3))


@samples("take_along_dim")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4), draw.index(4, 3, 2), 1)
    yield Sample(draw(3, 4), draw.index(12, 5))


@samples("scatter", "scatter_")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 5), 1, draw.of([[0, 2, 4], [1, 3, 0], [4, 1, 2]], "int64"), draw(3, 3))
    yield Sample(draw(3, 5), 0, draw.of([[0, 1, 2], [2, 0, 1]], "int64"), draw.number(0, 2))


@samples("scatter_add", "scatter_add_", kinds="uifc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 5), 1, draw.index(5, 3, 7), draw(3, 7))
    yield Sample(draw(4, 3), 0, draw.index(4, 6, 3), draw(6, 3))


@samples("scatter_reduce", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    index = draw.of([[0, 2, 4, 0], [1, 3, 0, 1], [4, 1, 2, 2]], "int64")
    for mode in ("sum", "amax", "amin", "prod", "mean"):
        yield Sample(draw.spread(3, 5), 1, index, draw.spread(3, 4), mode)
    yield Sample(draw.spread(3, 5), 1, index, draw.spread(3, 4), "sum", include_self=False)


@samples("index_add", "index_add_", kinds="uifc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4), 0, draw.index(3, 5), draw(5, 4))
    yield Sample(draw(3, 4), 1, draw.index(4, 2), draw(3, 2), alpha=2)


@samples("index_copy", "index_copy_")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4), 0, draw.of([2, 0], "int64"), draw(2, 4))
    yield Sample(draw(3, 4), 1, draw.of([1, 3, 0], "int64"), draw(3, 3))


@samples("index_fill", "index_fill_")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4), 0, draw.of([2, 0], "int64"), draw.number(0, 2))
    yield Sample(draw(3, 4), -1, draw.of([1], "int64"), draw.number(0, 2))


@samples("index_put", "index_put_")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4), (draw.of([0, 2], "int64"), draw.of([1, 3], "int64")), draw(2))
    yield Sample(draw(3, 4), (draw.of([True, False, True], "bool"),), draw(2, 4))
    if draw.kind in "ifc":
        yield Sample(draw(3, 4), (draw.of([0, 2, 0], "int64"),), draw(3, 4), True)


@samples("masked_fill", "masked_fill_")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3), draw.mask(2, 3), draw.number(0, 2))
    yield Sample(draw(2, 3), draw.mask(3), draw(low=0, high=2))


@samples("masked_select")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3), draw.mask(2, 3))
    yield Sample(draw(2, 3), draw.mask(3))
    yield Sample(draw(3), draw.of([False, False, False], "bool")).rough()


@samples("masked_scatter")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3), draw.of([[True, False, True], [False, True, False]], "bool"), draw(4))


@samples("where")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw.mask(2, 3), draw(2, 3), draw(2, 3))
    yield Sample(draw.mask(3), draw(2, 1), draw())
    yield Sample(draw.mask(2, 3), draw(2, 3), draw.number(0, 2))


@samples("Tensor.where")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3), draw.mask(2, 3), draw(3))


@samples("nonzero", "argwhere", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4, low=0, high=1))
    yield Sample(draw.of([[0, 1, 0], [1, 1, 0]]))
    yield Sample(draw.of([0, 0]))


@samples("copy_")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3), draw(2, 3))
    yield Sample(draw(2, 3), draw(3))


@samples("fill_")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3), draw.number(0, 2))


@samples("zero_")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3))


@samples("one_hot", kinds="", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw.index(4, 2, 3), 5)
    yield Sample(draw.of([0, 2, 1], "int64"))


@samples("embedding", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw.index(5, 2, 3), draw(5, 4))
    yield Sample(draw.of([[0, 2], [2, 1]], "int64"), draw(3, 4), padding_idx=2).rough()
    yield Sample(draw.of([[0, 2], [2, 1]], "int64"), draw(3, 4), scale_grad_by_freq=True).rough()
