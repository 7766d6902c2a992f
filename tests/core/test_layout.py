"""Shape and stride arithmetic against NumPy's, over random shapes and views."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import array_shapes, mutually_broadcastable_shapes
from numpy.lib.stride_tricks import as_strided

from hotplug.dtypes import float32, int8
from hotplug.errors import ShapeError
from hotplug.layout import (
    broadcast_shapes,
    broadcast_strides,
    collapse,
    contiguous_strides,
    infer_size,
    is_contiguous,
    layout_of,
    view_strides,
)

shapes = array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4)


@st.composite
def views(draw: st.DrawFn) -> np.ndarray[Any, Any]:
    """An int8 array of distinct places seen through steps, reversals, transposition and broadcasting."""
    shape = draw(array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=5))
    base = np.arange(math.prod(shape), dtype=np.int16).reshape(shape)
    steps = tuple(slice(None, None, draw(st.sampled_from([1, 1, 2, -1, -2]))) for _ in shape)
    view = base[steps].transpose(draw(st.permutations(range(len(shape)))))
    if draw(st.booleans()):
        view = np.broadcast_to(view, (draw(st.integers(1, 3)), *view.shape))
    return view


def element_strides(array: np.ndarray[Any, Any]) -> tuple[int, ...]:
    return tuple(stride // array.itemsize for stride in array.strides)


@given(shapes)
def test_contiguous_strides_are_numpys(shape: tuple[int, ...]) -> None:
    strides = contiguous_strides(shape)
    assert is_contiguous(shape, strides)
    if math.prod(shape):
        assert strides == element_strides(np.empty(shape, np.int8))


@given(views())
def test_contiguous_is_what_numpy_says(view: np.ndarray[Any, Any]) -> None:
    assert is_contiguous(view.shape, element_strides(view)) == view.flags.c_contiguous


@given(views())
def test_the_extent_holds_every_element(view: np.ndarray[Any, Any]) -> None:
    low, high = layout_of(int8, view.shape, element_strides(view)).extent()
    places = sum(np.indices(view.shape)[axis] * stride for axis, stride in enumerate(element_strides(view)))
    assert (low, high) == (np.min(places), np.max(places))


@given(mutually_broadcastable_shapes(num_shapes=3, max_dims=4, max_side=3))
def test_broadcasting_is_numpys(drawn: Any) -> None:
    common = broadcast_shapes("op", *drawn.input_shapes)
    assert common == drawn.result_shape
    for shape in drawn.input_shapes:
        values = np.arange(max(math.prod(shape), 1), dtype=np.int8)[: math.prod(shape)].reshape(shape)
        wide = np.broadcast_to(values, common)
        strides = broadcast_strides(shape, contiguous_strides(shape), common)
        np.testing.assert_array_equal(as_strided(values, common, strides, writeable=False), wide)


def test_shapes_that_do_not_broadcast_are_all_named() -> None:
    with pytest.raises(ShapeError, match=r"op: shapes \[2, 3\], \[4\] do not broadcast: axis -1 has sizes 3 and 4"):
        broadcast_shapes("op", (2, 3), (4,))


@given(views())
def test_collapsing_keeps_the_order_of_the_elements(view: np.ndarray[Any, Any]) -> None:
    shape, (strides,) = collapse(view.shape, [element_strides(view)])
    assert len(shape) <= view.ndim
    assert 1 not in shape
    merged = as_strided(view, shape, tuple(stride * view.itemsize for stride in strides))
    np.testing.assert_array_equal(merged.ravel(), view.ravel())


@given(views(), st.data())
def test_a_reshape_is_a_view_exactly_where_numpy_finds_one(view: np.ndarray[Any, Any], data: st.DataObject) -> None:
    factors = data.draw(st.permutations(_factors(view.size)))
    cut = data.draw(st.integers(0, len(factors)))
    shape = tuple(data.draw(st.permutations([math.prod(factors[:cut]), *factors[cut:], 1])))
    strides = view_strides(view.shape, element_strides(view), shape)
    reshaped = view.reshape(shape)
    shares = np.shares_memory(reshaped, view)
    assert (strides is not None) == shares
    if strides is not None:
        found = as_strided(view, shape, tuple(stride * view.itemsize for stride in strides))
        np.testing.assert_array_equal(found, reshaped)


def _factors(number: int) -> list[int]:
    found, divisor = [], 2
    while number > 1:
        while number % divisor == 0:
            found.append(divisor)
            number //= divisor
        divisor += 1
    return found


@given(shapes, st.integers(0, 4))
def test_an_unknown_size_is_inferred(shape: tuple[int, ...], axis: int) -> None:
    if axis >= len(shape) or math.prod(shape[:axis] + shape[axis + 1 :]) == 0:
        return
    asked = (*shape[:axis], -1, *shape[axis + 1 :])
    assert infer_size("reshape", asked, math.prod(shape)) == shape


@pytest.mark.parametrize("shape", [(5,), (-1, -1), (-1, 5), (-2, 3), (-1, 0)])
def test_sizes_that_do_not_fit(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="invalid for input of size 6"):
        infer_size("reshape", shape, 6)


def test_layouts_are_interned() -> None:
    assert layout_of(float32, (2, 3)) is layout_of(float32, (2, 3), (3, 1))
    assert layout_of(float32, (2, 3)) is not layout_of(int8, (2, 3))
