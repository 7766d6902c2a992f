"""sort and topk by our own kernels, for processors and GPUs: equal to NumPy's stable order to the last bit and position."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import hotplug as hp
from hotplug.backends.opencl import ordering
from hotplug.backends.opencl.ordering_text import TILE
from hotplug.conformance.calls import NDArray, upload
from hotplug.dtypes import bfloat16, bool_, dtype, float16, float32, float64, int8, int32, int64, uint8

KINDS = (bool_, uint8, int8, int32, int64, float16, bfloat16, float32, float64)


def drawn(kind: dtype, shape: tuple[int, ...], seed: int) -> NDArray:
    """Many equal elements; floating ones with NaN of both signs, infinities and zeros of both signs."""
    rng = np.random.default_rng(seed)
    if kind.kind != "f":
        spread = rng.integers(-40, 40, shape).astype(np.int64) << min(24, 8 * kind.itemsize - 8)
        return (spread > 0) if kind is bool_ else spread.astype(kind.numpy)
    values, special = rng.integers(-40, 40, shape) / 8, rng.random(shape)
    for limit, value in ((0.2, -0.0), (0.15, np.inf), (0.1, -np.inf), (0.06, np.nan), (0.03, -np.nan)):
        values = np.where(special < limit, value, values)
    return values.astype(kind.numpy)


def expected(x: NDArray, axis: int, descending: bool) -> NDArray:
    """Positions in stable order; NaN is the largest."""
    wide = x.astype(np.float64) if x.dtype.kind in "fV" else x.astype(np.int64)
    if not descending:
        return np.argsort(wide, axis=axis, kind="stable")
    turned = np.argsort(np.flip(wide, axis), axis=axis, kind="stable")
    return np.flip(x.shape[axis] - 1 - turned, axis)


def bits(x: NDArray) -> NDArray:
    """A NaN and a zero keep their sign."""
    return np.ascontiguousarray(x).view(f"u{x.dtype.itemsize}")


def compare(built: Any, x: NDArray, axis: int, kept: int, descending: bool, strides: Any = None) -> None:
    """``topk`` where fewer are kept than there are, else ``sort``."""
    kind = hp.backend.dtypes.from_numpy(x.dtype)
    name, flag = ("sort", "descending") if kept == x.shape[axis] else ("topk", "largest")
    shape = tuple(kept if each == axis else size for each, size in enumerate(x.shape))
    values, places = built.run(
        ordering.OVERRIDES[name], name, [(kind, shape), (int64, shape)], [upload(built.runtime, x, strides)],
        (axis,), ((flag, descending),),
    )  # fmt: skip
    order = np.take(expected(x, axis, descending), range(kept), axis)
    np.testing.assert_array_equal(places, order)
    np.testing.assert_array_equal(bits(values), bits(np.take_along_axis(x, order, axis)))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_short_rows(built: Any, kind: dtype) -> None:
    for descending in (False, True):
        compare(built, drawn(kind, (3, 37), 0), 1, 37, descending)
        compare(built, drawn(kind, (2, 90, 5), 1), 1, 90, descending, (450, 1, 90))
        compare(built, drawn(kind, (2, 90, 5), 2), 1, 7, descending)


@settings(max_examples=25, deadline=None)
@given(
    rows=st.sampled_from([1, 2, 5]), length=st.integers(1, 300), part=st.floats(0, 1), descending=st.booleans(),
    seed=st.integers(0, 9), axis=st.integers(0, 1),
)  # fmt: skip
def test_every_length(built: Any, rows: int, length: int, part: float, descending: bool, seed: int, axis: int) -> None:
    x = drawn(float32, (rows, length) if axis else (length, rows), seed)
    compare(built, x, axis, max(1, round(part * length)), descending)


@pytest.mark.parametrize("kind", [uint8, int32], ids=lambda kind: kind.name)
def test_long_rows_digit_by_digit(built: Any, monkeypatch: pytest.MonkeyPatch, kind: dtype) -> None:
    monkeypatch.setattr(ordering, "_LONG", TILE)
    compare(built, drawn(kind, (1, 2 * TILE + 77), 3), 1, 2 * TILE + 77, False)
    compare(built, drawn(kind, (1, 2 * TILE + 5), 4), 1, 700, True)


def test_the_first_few_of_many_pieces(built: Any) -> None:
    x = drawn(float32, (2, 3 * TILE + 3), 4)
    for count in (1, 60, 500):
        compare(built, x, 1, count, True)


def test_few_and_no_elements(opencl: Any) -> None:
    assert hp.sort(hp.ones(0, 3, device="opencl:0"), 1)[0].shape == (0, 3)
    assert hp.topk(hp.ones(2, 3, device="opencl:0"), 0)[1].shape == (2, 0)
    assert hp.sort(hp.ones(4, 1, device="opencl:0"))[1].tolist() == [[0]] * 4
    assert hp.sort(hp.tensor(3.0, device="opencl:0"))[0].item() == 3
