"""Normalisation by compiled kernels, against the reference in float64."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from compiled_tier import NEAR, agree, forced, quick, values
from hypothesis import given, strategies as st

import hotplug as hp
from hotplug.backends.cpu.overrides.norm_forms import form_of

F: Any = hp.nn.functional
layouts = st.sampled_from(["plain", "turned", "gaps"])


@pytest.fixture(autouse=True, scope="module")
def _compiled() -> Iterator[None]:
    with forced("compiled"):
        yield


@quick
@given(
    lead=st.lists(st.integers(1, 30), min_size=1, max_size=2), own=st.lists(st.integers(2, 30), min_size=1, max_size=2),
    given_=st.integers(0, 2), layout=layouts,
)  # fmt: skip
def test_layer_norm(lead: list[int], own: list[int], given_: int, layout: str) -> None:
    inputs = [3 + values((*lead, *own), 1), *(values(own, 2 + i) for i in range(given_))]
    agree(lambda x, *more: F.layer_norm(x, own, *more, eps=0.1), inputs, NEAR, layout, terms=30.0)


@quick
@given(
    rows=st.integers(1, 200), own=st.lists(st.integers(1, 30), min_size=1, max_size=2), weighted=st.booleans(),
    layout=layouts,
)  # fmt: skip
def test_rms_norm(rows: int, own: list[int], weighted: bool, layout: str) -> None:
    inputs = [values((rows, *own), 1), *([values(own, 2)] if weighted else [])]
    agree(lambda x, *more: hp.rms_norm(x, own, *more, eps=0.1), inputs, NEAR, layout, terms=30.0)


@quick
@given(
    batch=st.integers(2, 20), channels=st.integers(1, 40), space=st.sampled_from([(), (1,), (3,), (7, 5), (9, 11), (80,)]),
    given_=st.integers(0, 2), layout=layouts,
)  # fmt: skip
def test_batch_norm(batch: int, channels: int, space: tuple[int, ...], given_: int, layout: str) -> None:
    inputs = [2 + values((batch, channels, *space), 1), *(values((channels,), 2 + i) for i in range(given_))]
    agree(lambda x, *more: F.batch_norm(x, None, None, *more, training=True, eps=0.1), inputs, NEAR, layout, terms=30.0)


@quick
@given(
    batch=st.integers(1, 9), groups=st.integers(1, 4), inner=st.integers(1, 4), space=st.sampled_from([(), (5,), (7, 9)]),
    given_=st.integers(0, 2), layout=layouts,
)  # fmt: skip
def test_group_norm(
    batch: int, groups: int, inner: int, space: tuple[int, ...], given_: int, layout: str
) -> None:  # fmt: skip
    channels = groups * inner
    inputs = [values((batch, channels, *space), 1), *(values((channels,), 2 + i) for i in range(given_))]
    run = lambda x, *more: F.group_norm(x, groups, *more, eps=0.1)  # noqa: E731  (a group may have one element only)
    agree(run, inputs, NEAR, layout, terms=30.0)


def test_instance_norm() -> None:
    inputs = [values((3, 5, 7, 9), 1), values((5,), 2), values((5,), 3)]
    agree(lambda x, w, b: F.instance_norm(x, weight=w, bias=b), inputs, NEAR, terms=30.0)


@pytest.mark.parametrize("columns", [2047, 2048, 2049, 10000])
def test_statistics_far_from_zero(columns: int) -> None:
    """The variance of numbers near 1000 keeps its digits."""
    x = (1000 + values((3, columns), 4)).astype(np.float32)
    found = F.layer_norm(hp.tensor(x, device="cpu"), (columns,)).numpy()
    wide = x.astype(np.float64)
    goal = (wide - wide.mean(1, keepdims=True)) / np.sqrt(wide.var(1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(found, goal, atol=1e-4)  # half an ulp of the mean


@pytest.mark.parametrize("shape", [(4, 100), (4, 6, 70), (4, 6, 5)])
def test_infinities_and_nan(shape: tuple[int, ...]) -> None:
    x = values(shape, 5)
    x[0, 1], x[1, 2], x[2, 3] = np.nan, np.inf, -np.inf
    for run in (lambda t: F.layer_norm(t, shape[1:]), lambda t: F.batch_norm(t, None, None, training=True)):
        found, goal = (run(hp.tensor(x, device=device)).cpu().numpy() for device in ("cpu", "numpy"))
        np.testing.assert_array_equal(np.isnan(found), np.isnan(goal))
        np.testing.assert_allclose(found, goal, atol=1e-5)


def test_the_gradient_of_a_sum() -> None:
    """Its gradient is one number everywhere, in no memory of its own."""
    for device in ("cpu", "numpy"):
        x = hp.tensor(values((200, 30), 6), device=device).requires_grad_()
        weight = hp.tensor(values((30,), 7), device=device).requires_grad_()
        F.layer_norm(x, (30,), weight).sum().backward()
        if device == "cpu":
            found = x.grad.numpy(), weight.grad.numpy()
    np.testing.assert_allclose(found[0], x.grad.cpu().numpy(), atol=1e-5)
    np.testing.assert_allclose(found[1], weight.grad.cpu().numpy(), atol=1e-3)


@pytest.mark.parametrize(
    ("shape", "dims", "weight", "name"),
    [
        ((4, 5, 6), (1, 2), (5, 6), "rows"),
        ((4, 5, 6), (2,), None, "rows"),
        ((4, 2, 3, 6), (2, 3), (1, 2, 3, 1), "segments"),
        ((4, 5, 6, 7), (2, 3), (1, 5, 1, 1), "segments"),
        ((4, 5, 100), (0, 2), (1, 5, 1), "apart"),
        ((4, 5), (0,), (1, 5), "beside"),
        ((4, 5, 6), (1,), (5, 1), None),
        ((4, 5, 6), (1, 2), (1, 6), None),
    ],
)
def test_forms(shape: tuple[int, ...], dims: tuple[int, ...], weight: tuple[int, ...] | None, name: str | None) -> None:
    form = form_of(shape, dims, weight)
    assert (None if form is None else form.name) == name
