"""Losses."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hotplug.conformance.draw import Draw, Operand, Sample
from hotplug.conformance.samples.registry import samples


@samples("mse_loss", "l1_loss", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    for reduction in ("mean", "sum", "none"):
        yield Sample(draw(2, 3), draw(2, 3), reduction=reduction)


@samples("smooth_l1_loss", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    for reduction in ("mean", "sum", "none"):
        yield Sample(draw(2, 3), draw(2, 3), reduction=reduction)
    yield Sample(draw(2, 3), draw(2, 3), beta=0.5)


@samples("huber_loss", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3), draw(2, 3))
    yield Sample(draw(2, 3), draw(2, 3), "none", 0.5)


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
    yield Sample(draw(2, 4, 3), draw.of(np.array([[0, 3, 1], [2, -100, 1]]), "int64"))
    yield Sample(draw(5, 4), draw(5, 4, low=0.0, high=1.0))
    yield Sample(draw(4), draw.of(2, "int64"))
