"""Reading and writing along one axis by an integer index."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from oracle import agree, agree_on, same_error

import hotplug as hp
from hotplug.autograd import gradcheck, gradgradcheck

INDEX = [[0, 2, 1], [1, 1, 0]]
ROWS = [0, 2, 0]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2), st.data())
def test_gather_is_its_definition(dim: int, data: st.DataObject) -> None:
    shape = (3, 4, 5)
    sizes = [data.draw(st.integers(1, 6 if axis == dim else n)) for axis, n in enumerate(shape)]
    numbers = data.draw(
        st.lists(st.integers(0, shape[dim] - 1), min_size=int(np.prod(sizes)), max_size=int(np.prod(sizes)))
    )
    index = np.array(numbers).reshape(sizes)
    values = np.random.default_rng(0).normal(size=shape)
    expected = np.empty(sizes)
    written = values.copy()
    added = values.copy()
    for place in np.ndindex(*sizes):
        there = tuple(index[place] if axis == dim else at for axis, at in enumerate(place))
        expected[place] = values[there]
        written[there] = 1.0
        added[there] += float(index[place])
    x, i = hp.tensor(values), hp.tensor(index)
    np.testing.assert_array_equal(x.gather(dim, i).numpy(), expected)
    np.testing.assert_array_equal(x.scatter(dim, i, 1.0).numpy(), written)
    np.testing.assert_allclose(x.scatter_add(dim, i, i.double()).numpy(), added, rtol=1e-14)
    np.testing.assert_array_equal(x.numpy(), values)
    x.scatter_(dim, i, 1.0)
    np.testing.assert_array_equal(x.numpy(), written)


PROGRAMS: dict[str, tuple[Any, ...]] = {
    "gather": (lambda t, F, a: a.gather(1, t.tensor(INDEX)), (3, 4)),
    "gather 0": (lambda t, F, a: a.gather(0, t.tensor(INDEX)), (3, 4)),
    "gather of 0-d": (lambda t, F, a: a.gather(0, t.tensor([0, 0])), ()),
    "gather nothing": (lambda t, F, a: a.gather(0, t.zeros(0, 4, dtype=t.int64)), (3, 4)),
    "index_select": (lambda t, F, a: a.index_select(1, t.tensor([0, 0, 3])), (3, 4)),
    "index_select of 0-d": (lambda t, F, a: a.index_select(0, t.tensor(0)), ()),
    "take": (lambda t, F, a: a.take(t.tensor([[0, -1], [3, 3]])), (3, 4)),
    "take_along_dim": (lambda t, F, a: t.take_along_dim(a, t.tensor([[0], [-1], [3]]), 1), (3, 4)),
    "take_along_dim, broadcast": (lambda t, F, a: t.take_along_dim(a, t.tensor([[0, 1, 0, 2]]), 0), (3, 1)),
    "take_along_dim, flat": (lambda t, F, a: t.take_along_dim(a, t.tensor([0, 5])), (3, 4)),
    "scatter": (lambda t, F, a, b: a.scatter(0, t.tensor(INDEX), b), (3, 4), (2, 3)),
    "scatter a number": (lambda t, F, a: a.scatter(1, t.tensor(INDEX), 2.5), (3, 4)),
    "scatter to 0-d": (lambda t, F, a, b: a.scatter(0, t.tensor(0), b), (), ()),
    "scatter_": (lambda t, F, a, b: (a * 1).scatter_(0, t.tensor(INDEX)[:1], b), (3, 4), (1, 3)),
    "scatter_add": (lambda t, F, a, b: a.scatter_add(1, t.tensor(INDEX), b), (3, 4), (2, 3)),
    "scatter_add_": (lambda t, F, a, b: (a * 1).scatter_add_(1, t.tensor(INDEX), b), (3, 4), (2, 3)),
    "index_add": (lambda t, F, a, b: a.index_add(0, t.tensor(ROWS), b, alpha=2), (3, 4), (3, 4)),
    "index_add_": (lambda t, F, a, b: (a * 1).index_add_(1, t.tensor(ROWS), b), (3, 4), (3, 3)),
    "index_copy": (lambda t, F, a, b: a.index_copy(1, t.tensor([0, 2]), b), (3, 4), (3, 2)),
    "index_copy_": (lambda t, F, a, b: (a * 1).index_copy_(1, t.tensor([0, 2]), b), (3, 4), (3, 2)),
    "index_fill": (lambda t, F, a: a.index_fill(1, t.tensor([0, -1]), 2.0), (3, 4)),
    "index_fill_": (lambda t, F, a, b: (a * 1).index_fill_(1, t.tensor([0, -1]), b.detach()), (3, 4), ()),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", PROGRAMS)
def test_values_and_gradients(torch: ModuleType, name: str) -> None:
    program, *shapes = PROGRAMS[name]
    agree(torch, program, *shapes)


@pytest.mark.parity
@pytest.mark.parametrize("reduce", ["sum", "prod", "mean", "amax", "amin"])
@pytest.mark.parametrize("include_self", [True, False])
def test_scatter_reduce(torch: ModuleType, reduce: str, include_self: bool) -> None:
    def program(t: Any, _: Any, a: Any, b: Any) -> Any:
        return a.scatter_reduce(0, t.tensor(INDEX), b, reduce, include_self=include_self)

    agree(torch, program, (3, 4), (2, 3), order=2 if reduce in ("sum", "mean") else 1)


@pytest.mark.parity
@pytest.mark.parametrize("reduce", ["prod", "amax", "amin", "mean"])
def test_scatter_reduce_with_zeros_and_ties(torch: ModuleType, reduce: str) -> None:
    def program(t: Any, _: Any, a: Any, b: Any) -> Any:
        return a.scatter_reduce(0, t.tensor([0, 0, 1, 1, 1, 2, 2]), b, reduce)

    sources = np.array([0.0, 2.0, 0.0, 0.0, 3.0, 1.0, 1.0])
    agree_on(torch, program, [np.array([1.0, 2.0, 1.0]), sources], order=1)


@pytest.mark.parity
@pytest.mark.parametrize("reduce", ["add", "multiply"])
def test_scatter_with_a_reduction(torch: ModuleType, reduce: str) -> None:
    def program(t: Any, _: Any, a: Any) -> Any:
        index = t.tensor(INDEX)
        return a.scatter(1, index, 2.5, reduce=reduce), a.scatter_(0, index, 0.5, reduce=reduce)

    agree_on(torch, program, [np.arange(12.0).reshape(3, 4)], order=0)


@pytest.mark.parity
def test_scatter_reduce_of_integers(torch: ModuleType) -> None:
    def program(t: Any, _: Any, a: Any, b: Any) -> Any:
        index = t.tensor([0, 0, 1])
        return [a.scatter_reduce(0, index, b, reduce) for reduce in ("sum", "prod", "mean", "amax", "amin")]

    agree_on(torch, program, [np.array([7, 8, 9]), np.array([2, -20, 5])], order=0)


def test_scatter_reduce_product_twice() -> None:
    draw = np.random.default_rng(0)
    a, b = (hp.tensor(draw.uniform(0.5, 2.0, size), requires_grad=True) for size in (3, 5))
    index = hp.tensor([0, 0, 1, 1, 1])
    for reduce in ("prod", "amax"):
        assert gradgradcheck(lambda a, b, reduce=reduce: a.scatter_reduce(0, index, b, reduce), (a, b))


def test_gradients_are_numerical_ones() -> None:
    draw = np.random.default_rng(0)
    a, b = (hp.tensor(draw.normal(size=size), requires_grad=True) for size in ((3, 4), (2, 3)))
    index = hp.tensor(INDEX)
    assert gradcheck(lambda a, b: a.scatter_add(1, index, b), (a, b))
    assert gradgradcheck(lambda a, b: a.gather(1, index) ** 2 * b, (a, b))


BAD = {
    "gather out of range": lambda t, F: t.zeros(3).gather(0, t.tensor([5])),
    "gather negative": lambda t, F: t.zeros(3).gather(0, t.tensor([-1])),
    "gather float": lambda t, F: t.zeros(3).gather(0, t.tensor([1.0])),
    "gather rank": lambda t, F: t.zeros(3, 2).gather(0, t.tensor([1])),
    "gather too wide": lambda t, F: t.zeros(3, 2).gather(0, t.zeros(1, 3, dtype=t.int64)),
    "gather bad dim": lambda t, F: t.zeros(3).gather(1, t.tensor([0])),
    "index_select out of range": lambda t, F: t.zeros(3).index_select(0, t.tensor([5])),
    "index_select negative": lambda t, F: t.zeros(3).index_select(0, t.tensor([-1])),
    "index_select matrix": lambda t, F: t.zeros(3).index_select(0, t.tensor([[1]])),
    "index_select float": lambda t, F: t.zeros(3).index_select(0, t.tensor([1.0])),
    "index_select empty axis": lambda t, F: t.zeros(0, 2).index_select(0, t.tensor([0])),
    "take out of range": lambda t, F: t.arange(3).take(t.tensor([7])),
    "take int32": lambda t, F: t.arange(3).take(t.tensor([1], dtype=t.int32)),
    "scatter out of range": lambda t, F: t.zeros(3).scatter(0, t.tensor([5]), 1.0),
    "scatter dtype": lambda t, F: t.zeros(3).scatter(0, t.tensor([1]), t.tensor([1])),
    "scatter source too small": lambda t, F: t.zeros(3).scatter(0, t.tensor([1, 2]), t.tensor([1.0])),
    "scatter index too wide": lambda t, F: t.zeros(3, 2).scatter(0, t.zeros(1, 3, dtype=t.int64), 1.0),
    "scatter_add dtype": lambda t, F: t.zeros(3).scatter_add(0, t.tensor([1]), t.tensor([1])),
    "scatter bad reduce": lambda t, F: t.zeros(3).scatter(0, t.tensor([1]), 2.0, reduce="max"),
    "scatter_reduce bad reduce": lambda t, F: t.zeros(3).scatter_reduce(0, t.tensor([1]), t.ones(1), "most"),
    "index_add out of range": lambda t, F: t.zeros(3).index_add(0, t.tensor([5]), t.ones(1)),
    "index_add negative": lambda t, F: t.zeros(3).index_add(0, t.tensor([-1]), t.ones(1)),
    "index_add count": lambda t, F: t.zeros(3).index_add(0, t.tensor([1, 2]), t.ones(1)),
    "index_add dtype": lambda t, F: t.zeros(3).index_add(0, t.tensor([1]), t.ones(1, dtype=t.float64)),
    "index_add shape": lambda t, F: t.zeros(3, 2).index_add(0, t.tensor([1]), t.ones(1, 3)),
    "index_copy out of range": lambda t, F: t.zeros(3).index_copy(0, t.tensor([5]), t.ones(1)),
    "index_fill out of range": lambda t, F: t.zeros(3).index_fill(0, t.tensor([5]), 2.0),
    "index_fill vector": lambda t, F: t.zeros(3).index_fill(0, t.tensor([1]), t.tensor([2.0])),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", BAD)
def test_bad_input(torch: ModuleType, name: str) -> None:
    same_error(torch, BAD[name])


def test_a_bad_index_changes_nothing() -> None:
    x = hp.ones(3)
    for index in ([1, 5], [-1, 1]):
        with pytest.raises(IndexError):
            x.scatter_(0, hp.tensor(index), 2.0)
        with pytest.raises(IndexError):
            x.index_add_(0, hp.tensor(index), hp.ones(2))
    assert x.tolist() == [1, 1, 1]


@pytest.mark.parametrize("dtype", [hp.bool, hp.uint8, hp.int16, hp.float16, hp.bfloat16, hp.complex64], ids=str)
def test_every_kind_of_dtype(dtype: hp.dtype) -> None:
    x = hp.tensor([[1, 0, 1], [0, 1, 1]]).to(dtype)
    index = hp.tensor([[2, 0], [1, 1]])
    assert x.gather(1, index).to(hp.int64 if dtype is not hp.complex64 else hp.float32).tolist() == [[1, 1], [1, 1]]
    assert x.scatter(1, index, 0).ne(0).tolist() == [[False, False, False], [False, False, True]]
