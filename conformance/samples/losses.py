"""Losses."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hotplug.conformance.draw import Draw, Operand, Sample
from hotplug.conformance.samples.hard import finite_rows
from hotplug.conformance.samples.registry import samples


@samples("mse_loss", "l1_loss", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    for reduction in ("mean", "sum", "none"):
        yield Sample(draw(2, 3), draw(2, 3), reduction=reduction)
    yield Sample(draw(2, 3), draw(2, 3), weight=draw(2, 3, low=0.5).constant())


@samples("smooth_l1_loss", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    for reduction in ("mean", "sum", "none"):
        yield Sample(draw(2, 3), draw(2, 3), reduction=reduction)
    yield Sample(draw(2, 3), draw(2, 3), beta=0.5)


@samples("huber_loss", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3), draw(2, 3))
    yield Sample(draw(2, 3), draw(2, 3), "none", 0.5)
    yield Sample(draw(2, 3), draw(2, 3), weight=draw(2, 3, low=0.5).constant())


@samples("binary_cross_entropy", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    for reduction in ("mean", "sum", "none"):
        yield Sample(draw(2, 3, low=0.1, high=0.9), draw(2, 3, low=0.0, high=1.0).constant(), reduction=reduction)
    yield Sample(draw(2, 3, low=0.1, high=0.9), draw(2, 3, low=0.0, high=1.0).constant(), draw(3, low=0.5).constant())


@samples("binary_cross_entropy_with_logits", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    for reduction in ("mean", "sum", "none"):
        yield Sample(draw(2, 3), draw(2, 3, low=0.0, high=1.0).constant(), reduction=reduction)
    yield Sample(draw(2, 3), draw(2, 3, low=0.0, high=1.0).constant(), pos_weight=draw(3, low=0.5).constant())
    yield Sample(draw(2, 3), draw(2, 3, low=0.0, high=1.0).constant(), draw(3, low=0.5).constant(), reduction="sum")


@samples("kl_div", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    for reduction in ("mean", "sum", "none", "batchmean"):
        yield Sample(draw(2, 3, low=-3, high=0), draw(2, 3, low=0.1, high=0.9), reduction=reduction)
    yield Sample(draw(2, 3, low=-3, high=0), draw(2, 3, low=-3, high=0), reduction="sum", log_target=True)


@samples("cosine_embedding_loss", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4), draw(3, 4), draw.of([1, -1, 1], "int64"), 0.1)
    yield Sample(draw(3, 4), draw(3, 4), draw.of([1, -1, -1], "int64"), reduction="none")


def _classes(draw: Draw, *shape: int) -> Operand:
    return draw.index(4, *shape)


@samples("nll_loss", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    for reduction in ("mean", "sum", "none"):
        yield Sample(draw(5, 4, low=-3, high=0), _classes(draw, 5), reduction=reduction)
    yield Sample(draw(5, 4, low=-3, high=0), _classes(draw, 5), draw(4, low=0.5).constant())
    yield Sample(draw(2, 4, 3, low=-3, high=0), _classes(draw, 2, 3), ignore_index=1)


@samples("cross_entropy", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    for reduction in ("mean", "sum", "none"):
        yield Sample(draw(5, 4), _classes(draw, 5), reduction=reduction)
    yield Sample(draw(5, 4), _classes(draw, 5), draw(4, low=0.5).constant(), label_smoothing=0.1)
    yield Sample(draw(5, 4), draw.of([0, 2, 1, 3, 2], "int64"), ignore_index=2)
    yield Sample(draw(2, 4, 3), draw.of(np.array([[0, 3, 1], [2, -100, 1]]), "int64"))
    yield Sample(draw(5, 4), draw(5, 4, low=0.0, high=1.0))
    yield Sample(draw(4), draw.of(2, "int64"))
    yield Sample(finite_rows(draw), draw.of([1, 3], "int64"), reduction="none").forward()


@samples("gaussian_nll_loss", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    for reduction in ("mean", "sum", "none"):
        yield Sample(draw(2, 3), draw(2, 3), draw(2, 3, low=0.5), reduction=reduction)
    yield Sample(draw(2, 3), draw(2, 3), draw(2, 1, low=0.5), True)


def _signs(draw: Draw, *shape: int) -> Operand:
    return Operand(np.where(draw.uniform(*shape) < 0.5, -1.0, 1.0), grad=False)


@samples("hinge_embedding_loss", "soft_margin_loss", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    for reduction in ("mean", "sum", "none"):
        yield Sample(draw(2, 3), _signs(draw, 2, 3), reduction=reduction)


@samples("margin_ranking_loss", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    for reduction in ("mean", "sum", "none"):
        yield Sample(draw(5), draw(5), _signs(draw, 5), 0.3, reduction=reduction)


@samples("poisson_nll_loss", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3), draw(2, 3, low=1.5, high=4).constant(), full=True)
    yield Sample(draw(2, 3, low=0.5), draw(2, 3, low=0.1).constant(), False, reduction="none")


@samples("multi_margin_loss", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(5, 4), _classes(draw, 5), weight=draw(4, low=0.5).constant())
    yield Sample(draw(5, 4), _classes(draw, 5), 2, 0.7, reduction="none")


@samples("multilabel_margin_loss", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4), draw.of([[0, 2, -1, 1], [-1, 0, 0, 0], [3, 1, 2, 0]], "int64"))


@samples("multilabel_soft_margin_loss", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4), draw(3, 4, low=0.0, high=1.0).constant(), draw(4, low=0.5).constant())


@samples("triplet_margin_loss", "triplet_margin_with_distance_loss", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4), draw(3, 4), draw(3, 4))
    yield Sample(draw(3, 4), draw(3, 4), draw(3, 4), margin=0.5, swap=True, reduction="none")


@samples("ctc_loss", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    labels = draw.of([[1, 2, 2], [3, 1, 0]], "int64")
    yield Sample(draw(7, 2, 4, low=-3, high=-1), labels, (7, 6), (3, 2))
    yield Sample(draw(5, 2, 4, low=-3, high=-1), draw.of([1, 1, 3], "int64"), (5, 4), (2, 1), reduction="none")
    yield Sample(draw(3, 1, 4, low=-3, high=-1), draw.of([[1, 1, 1]], "int64"), (3,), (3,), zero_infinity=True)
    yield Sample(draw(6, 1, 4, low=-3, high=-1), draw.of([[1, 0, 3]], "int64"), (6,), (3,), blank=2)
