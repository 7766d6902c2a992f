"""Sorting and selecting by compiled kernels: equal to the reference in every position."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from compiled_tier import arranged, forced, quick
from hypothesis import given, strategies as st

import hotplug as hp

KINDS = [hp.float32, hp.float64, hp.bfloat16, hp.int32, hp.int64, hp.bool]


@pytest.fixture(autouse=True, scope="module")
def _compiled() -> Iterator[None]:
    with forced("compiled"):
        yield


def _numbers(shape: Any, spread: int, seed: int) -> np.ndarray[Any, Any]:
    """Numbers of which many are equal, with both zeros."""
    found = np.random.default_rng(seed).integers(-spread, spread, shape).astype(np.float32) / 4
    return np.where(found == 0.25, np.float32(-0.0), found)


def _same(run: Any, x: np.ndarray[Any, Any], kind: Any, layout: str = "plain") -> None:
    made = [arranged(hp.tensor(x, device=device).to(kind), layout) for device in ("cpu", "numpy")]
    (values, indices), (goal, places) = (run(each) for each in made)
    np.testing.assert_array_equal(indices.cpu().numpy(), places.cpu().numpy())
    found, expected = (each.cpu().double().numpy() for each in (values, goal))
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))


@quick
@given(
    shape=st.lists(st.integers(1, 120), min_size=1, max_size=2), axis=st.integers(0, 1), descending=st.booleans(),
    kind=st.sampled_from(KINDS), spread=st.sampled_from([1, 5, 100]), layout=st.sampled_from(["plain", "turned", "gaps"]),
)  # fmt: skip
def test_sort(shape: list[int], axis: int, descending: bool, kind: Any, spread: int, layout: str) -> None:
    _same(lambda x: hp.sort(x, axis % len(shape), descending), _numbers(shape, spread, 1), kind, layout)


@quick
@given(
    rows=st.integers(1, 5), count=st.integers(1, 300), k=st.integers(0, 300), axis=st.integers(0, 1),
    largest=st.booleans(), kind=st.sampled_from(KINDS), spread=st.sampled_from([1, 100, 10000]),
)  # fmt: skip
def test_topk(rows: int, count: int, k: int, axis: int, largest: bool, kind: Any, spread: int) -> None:
    shape = (rows, count) if axis else (count, rows)
    _same(lambda x: hp.topk(x, min(k, count), axis, largest), _numbers(shape, spread, 2), kind)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("count", [65536, 100001])
def test_a_long_row(count: int, descending: bool) -> None:
    x = np.random.default_rng(3).standard_normal(count).astype(np.float32)
    x[7], x[9], x[11], x[13], x[15] = np.nan, np.inf, -np.inf, np.nan, -0.0
    keys = np.where(np.isnan(x), np.inf, x).astype(np.float64) * (-1 if descending else 1)
    keys[np.isnan(x)] = -np.inf if descending else np.inf
    goal = np.lexsort((np.arange(count), ~np.isnan(x) if descending else np.isnan(x), keys))
    values, indices = hp.sort(hp.tensor(x, device="cpu"), 0, descending)
    np.testing.assert_array_equal(indices.numpy(), goal)
    np.testing.assert_array_equal(values.numpy(), x[goal])
    assert hp.topk(hp.tensor(x, device="cpu"), 10, 0, descending).indices.equal(indices[:10])


def test_infinities_and_nan() -> None:
    x = np.array([[np.nan, 1, -np.inf, np.inf, -np.nan, 0, -0.0] * 10], np.float32)
    for descending in (False, True):
        _same(lambda t: hp.sort(t, 1, descending), x, hp.float32)  # noqa: B023
        _same(lambda t: hp.topk(t, 25, 1, descending), x, hp.float32)  # noqa: B023


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (3, 0, 2)])
def test_nothing_to_sort(shape: tuple[int, ...]) -> None:
    values, indices = hp.sort(hp.zeros(shape, device="cpu"), -1)
    assert values.shape == indices.shape == shape


def test_the_extremes_of_integers() -> None:
    x = hp.tensor([2**31 - 1, -(2**31), 0, -1, 1] * 20, dtype=hp.int32, device="cpu")
    for descending in (False, True):
        goal = np.argsort(x.numpy().astype(np.int64) * (-1 if descending else 1), kind="stable")
        np.testing.assert_array_equal(hp.sort(x, 0, descending).indices.numpy(), goal)
