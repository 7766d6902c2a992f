"""Products over shared axes, distances of pairs, statistics, arrangements, placing."""

from __future__ import annotations

from collections.abc import Iterator

from hotplug.conformance.draw import DEVICE, Draw, Sample
from hotplug.conformance.samples.registry import samples


@samples("einsum", kinds="ifc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample("ij,jk->ik", draw(3, 4), draw(4, 2))
    yield Sample("bij,bkj->bki", draw(2, 3, 4), draw(2, 5, 4))
    yield Sample("...ii,i->...", draw(2, 3, 3), draw(3))
    yield Sample("ab,bc,cd->da", draw(2, 3), draw(3, 4), draw(4, 2))


@samples("tensordot", kinds="ifc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4), draw(3, 4, 2))
    yield Sample(draw(2, 3), draw(2, 4), ([0], [0]))


@samples("inner", kinds="ifc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3), draw(4, 3))


@samples("vdot", "linalg.vecdot", kinds="ifc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(5), draw(5))


@samples("trace", kinds="uifc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4))


@samples("kron", kinds="uifc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3), draw(3, 2))
    yield Sample(draw(2, 1, 2), draw(2))


@samples("cross", "linalg.cross", kinds="ifc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3), draw(2, 3), dim=1)
    yield Sample(draw(3, 2), draw(3, 1), dim=0)


@samples("addmv", kinds="ifc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2), draw(2, 3), draw(3), beta=2, alpha=3)


@samples("addr", kinds="ifc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3), draw(2), draw(3), alpha=2)


@samples("addbmm", kinds="ifc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 4), draw(3, 2, 5), draw(3, 5, 4), beta=2)


@samples("baddbmm", kinds="ifc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 2, 4), draw(3, 2, 5), draw(3, 5, 4), alpha=2)
    yield Sample(draw(4), draw(3, 2, 5), draw(3, 5, 4))


@samples("linalg.multi_dot", kinds="ifc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample([draw(2, 5), draw(5, 1), draw(1, 4)])
    yield Sample([draw(3), draw(3, 2), draw(2)])


@samples("chain_matmul", kinds="ifc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 5), draw(5, 1), draw(1, 4))


@samples("matrix_power", kinds="ifc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 3, low=-1, high=1), 3)
    yield Sample(draw(2, 2), 0)


@samples("cdist", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4), draw(5, 4))
    yield Sample(draw(2, 3, 4), draw(2, 2, 4), 1.0)
    yield Sample(draw(3, 4), draw(2, 4), 3.0)


@samples("pdist", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(4, 3))


@samples("dist", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4), draw(4))
    yield Sample(draw(3, 4), draw(3, 4), 3)


@samples("cov", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 5))
    yield Sample(draw(2, 4), correction=0, fweights=draw.of([1, 2, 1, 3], "int64"))


@samples("corrcoef", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 5)).rough()


@samples("vander", kinds="ifc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(4), 3)
    yield Sample(draw(3), increasing=True)


@samples("linalg.vander", kinds="ifc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3), N=3)


@samples("block_diag")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3), draw(), draw(2))


@samples("cartesian_prod")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2), draw(3))


@samples("combinations")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(4), 2)
    yield Sample(draw(3), 3, with_replacement=True)


@samples("tril_indices", "triu_indices", kinds="", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(3, 4, device=DEVICE)
    yield Sample(4, 3, -1, device=DEVICE)


@samples("put")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4), draw.of([[0, -1], [5, 6]], "int64"), draw(2, 2))
    if draw.kind in "ifc":
        yield Sample(draw(3, 4), draw.of([0, 5, 5], "int64"), draw(3), True)


@samples("index_reduce", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    index = draw.of([0, 2, 2], "int64")
    for mode in ("prod", "mean", "amax", "amin"):
        yield Sample(draw.spread(3, 4), 0, index, draw(3, 4), mode)
    yield Sample(draw.spread(2, 3), 1, index, draw.spread(2, 3), "mean", include_self=False)


@samples("select_scatter")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4), draw(3), 1, -1)


@samples("slice_scatter")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 6), draw(3, 2), 1, 1, 5, 2)


@samples("diagonal_scatter")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4), draw(3), 1)


@samples("as_strided_scatter", layouts=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4), draw(2, 2), (2, 2), (1, 4), 1)


@samples("fill_diagonal_")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4), 2)
    yield Sample(draw(2, 2, 2), 0)
