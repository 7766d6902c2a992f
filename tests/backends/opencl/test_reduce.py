"""Reductions on processors (running values) and on GPUs (trees in local memory), over shapes of all kinds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import hotplug as hp
from hotplug.backends.opencl.argreduce import argreduce
from hotplug.backends.opencl.lanes import form_of, split_of
from hotplug.backends.opencl.reduce import reduce
from hotplug.conformance.calls import NDArray, empty, upload
from hotplug.dtypes import bool_, dtype, float32, int64
from hotplug.expr.node import cast, index, input_
from hotplug.layout import layout_of

MODES: dict[str, Any] = {"sum": np.sum, "any": np.any}
SIZES = st.sampled_from([1, 2, 5, 16, 31, 33, 70, 260])


def whole_numbers(kind: dtype, shape: tuple[int, ...], seed: int) -> NDArray:
    """Values whose sums are exact, with many equal ones."""
    return np.random.default_rng(seed).integers(-9, 9, shape).astype(kind.numpy)


def lying(order: tuple[int, ...], x: NDArray) -> tuple[int, ...]:
    """Strides of an array whose axes lie in memory in an order, the last one innermost."""
    strides, step = [0] * x.ndim, 1
    for axis in reversed(order):
        strides[axis] = step
        step *= x.shape[axis]
    return tuple(strides)


@st.composite
def cases(draw: st.DrawFn) -> tuple[tuple[int, ...], int, tuple[int, ...]]:
    """A shape, how many trailing axes are reduced, and the order of the axes in memory."""
    rank = draw(st.integers(1, 2))
    shape = tuple(draw(SIZES) for _ in range(rank))
    return shape, draw(st.integers(1, rank)), tuple(draw(st.permutations(range(rank))))


@settings(max_examples=15, deadline=None)
@given(case=cases())
def test_every_shape_and_order(built: Any, case: tuple[tuple[int, ...], int, tuple[int, ...]]) -> None:
    (shape, axes, order), kind = case, float32
    x = whole_numbers(kind, shape, sum(shape))
    array, kept = upload(built.runtime, x, lying(order, x)), shape[: len(shape) - axes]
    over = tuple(range(len(kept), len(shape)))
    for mode, reference in MODES.items():
        target = bool_ if mode == "any" else kind
        program = (cast(input_(0, kind), target),)
        out = empty(built.runtime, target, kept)
        (found,) = built.family(reduce, "reduce", [out], [array], mode=mode, program=program, axis=axes)
        np.testing.assert_array_equal(found, reference(x, axis=over))
    rows = x.reshape(*kept, -1) if axes > 1 else x
    array = upload(built.runtime, rows) if axes > 1 else array
    (found,) = built.family(
        argreduce, "argreduce", [empty(built.runtime, int64, kept)], [array], mode="argmin", axis=1
    )  # fmt: skip
    np.testing.assert_array_equal(found, rows.argmin(-1))


@pytest.mark.parametrize(
    ("shape", "axes"), [((70_001,), 1), ((3, 40_000), 1), ((40_000, 3), 2), ((300, 900), 1)], ids=str
)
@pytest.mark.parametrize("turned", [False, True])
def test_rows_in_chunks(built: Any, shape: tuple[int, ...], axes: int, turned: bool) -> None:
    x = whole_numbers(float32, shape, 3)
    x.reshape(-1)[x.size // 2] = 40
    strides = lying(tuple(reversed(range(len(shape)))), x) if turned else None
    array, kept = upload(built.runtime, x, strides), shape[: len(shape) - axes]
    over = tuple(range(len(kept), len(shape)))
    weight = cast(input_(0, float32), float32) + cast(index(), float32) * 0.0
    out = empty(built.runtime, float32, kept)
    (found,) = built.family(reduce, "reduce", [out], [array], mode="sum", program=(weight,), axis=axes)
    np.testing.assert_array_equal(found, x.sum(over))
    if axes == 1:
        (found,) = built.family(
            argreduce, "argreduce", [empty(built.runtime, int64, kept)], [array], mode="argmax", axis=1
        )  # fmt: skip
        np.testing.assert_array_equal(found, x.argmax(-1))


def test_not_a_number_counts_wherever_it_stands(built: Any) -> None:
    x = np.zeros((4, 3000), np.float32)
    x[0, 5], x[1, 2999], x[2, 1500] = np.nan, np.nan, np.inf
    x[0, 2000] = np.nan
    array = upload(built.runtime, x)
    for mode in ("argmax", "argmin"):
        out = empty(built.runtime, int64, (4,))
        (found,) = built.family(argreduce, "argreduce", [out], [array], mode=mode, axis=1)
        np.testing.assert_array_equal(found, getattr(np, mode)(x, axis=1))


@settings(max_examples=200, deadline=None)
@given(case=cases(), units=st.integers(1, 64))
def test_work_items_cover_all_elements_once(case: tuple[tuple[int, ...], int, tuple[int, ...]], units: int) -> None:
    shape, axes, order = case
    x = np.empty(shape, np.float32)
    layouts = (layout_of(float32, shape[: len(shape) - axes]), layout_of(float32, shape, lying(order, x)))
    form = form_of(layouts, axes)
    split = split_of(form, layouts, axes, units)
    assert split.rows * split.depth * split.length == math.prod(shape)
    assert 0 < split.piece <= split.length
    assert 0 < split.depth_each <= split.depth
    assert split.parts == 1 or split.rows_each == 1 or form.kept


def test_a_sum_of_many_ones_is_exact_without_double_precision(monkeypatch: pytest.MonkeyPatch, opencl: Any) -> None:
    import copy

    device = copy.copy(opencl.backend.device(0))
    device.is_processor, device.has_double = False, False
    ones = hp.ones(1 << 22, device="opencl:0")
    from hotplug.conformance.calls import download, key_for

    out = empty(opencl, float32, ())
    key = key_for("reduce", [out], [ones._array], mode="sum", program=(input_(0, float32),), axis=1)
    kernel = reduce(device, key)
    kernel([out], [ones._array], ())
    assert download(out) == 1 << 22
