"""Ops that make tensors from nothing, from numbers, and from NumPy arrays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hotplug.conformance.draw import DEVICE, DTYPE, Draw, Kind, Sample
from hotplug.conformance.samples.registry import samples


@samples("zeros", "ones", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(2, 3, dtype=DTYPE, device=DEVICE)
    yield Sample((3, 0, 2), dtype=DTYPE, device=DEVICE)
    yield Sample((), dtype=DTYPE, device=DEVICE)
    yield Sample(5, device=DEVICE)


@samples("full", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample((2, 3), draw.number(), dtype=DTYPE, device=DEVICE)
    yield Sample((), draw.number(), dtype=DTYPE, device=DEVICE)
    yield Sample((2,), 7, device=DEVICE)
    yield Sample((2,), 1.5, device=DEVICE)
    yield Sample((2,), True, device=DEVICE)


@samples("zeros_like", "ones_like", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3))
    yield Sample(draw())
    yield Sample(draw(2, 3), dtype=Kind("int64"))


@samples("full_like", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3), draw.number())
    yield Sample(draw(2), 3, dtype=Kind("float32"))


@samples("new_zeros", "new_ones", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2), 2, 3)
    yield Sample(draw(2), (4,), dtype=Kind("int32"))


@samples("new_full", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2), (2, 3), draw.number())


@samples("new_tensor", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2), [[1, 2], [0, 1]])


@samples("arange", kinds="uif", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(7, dtype=DTYPE, device=DEVICE)
    yield Sample(1, 12, 3, dtype=DTYPE, device=DEVICE)
    yield Sample(5, 5, dtype=DTYPE, device=DEVICE)
    yield Sample(3, device=DEVICE)
    if draw.kind == "f":
        yield Sample(0.5, 3.0, 0.25, dtype=DTYPE, device=DEVICE)
        yield Sample(2.0, -1.0, -0.5, dtype=DTYPE, device=DEVICE)


@samples("linspace", kinds="f", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(-1.0, 2.0, 7, dtype=DTYPE, device=DEVICE)
    yield Sample(3, 5, 1, dtype=DTYPE, device=DEVICE)
    yield Sample(0, 1, 0, dtype=DTYPE, device=DEVICE)


@samples("logspace", kinds="f", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(-1.0, 2.0, 5, dtype=DTYPE, device=DEVICE)
    yield Sample(0.0, 4.0, 5, 2.0, dtype=DTYPE, device=DEVICE)


@samples("eye", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(3, dtype=DTYPE, device=DEVICE)
    yield Sample(2, 4, dtype=DTYPE, device=DEVICE)


@samples("tensor", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample([[1, 0, 1], [0, 1, 1]], dtype=DTYPE, device=DEVICE)
    yield Sample(np.arange(6.0).reshape(2, 3), dtype=DTYPE, device=DEVICE)
    yield Sample([], dtype=DTYPE, device=DEVICE)
    yield Sample(1, dtype=DTYPE, device=DEVICE)


@samples("as_tensor", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample([1, 0, 1], dtype=DTYPE, device=DEVICE)
    yield Sample(draw(2, 2))


@samples("scalar_tensor", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw.number(), dtype=DTYPE, device=DEVICE)


@samples("complex", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3), draw(2, 3))
    yield Sample(draw(2, 1), draw(3))


@samples("meshgrid")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2), draw(3), indexing="ij")
    yield Sample(draw(2), draw(3), draw(4), indexing="xy")
