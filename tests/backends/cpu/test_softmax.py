"""softmax, log_softmax and cross entropy by compiled kernels, against the reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from compiled_tier import agree, forced, quick, values
from hypothesis import given, strategies as st

import hotplug as hp
from hotplug.conformance.tolerance import GRADIENT
from hotplug.errors import IndexRangeError

F: Any = hp.nn.functional
shapes = st.lists(st.integers(1, 40), min_size=1, max_size=3)
layouts = st.sampled_from(["plain", "turned", "gaps"])


@pytest.fixture(autouse=True, scope="module")
def _compiled() -> Iterator[None]:
    with forced("compiled"):
        yield


@quick
@given(shape=shapes, axis=st.integers(0, 2), logarithm=st.booleans(), layout=layouts)
def test_softmax_along_any_axis(shape: list[int], axis: int, logarithm: bool, layout: str) -> None:
    run = hp.log_softmax if logarithm else hp.softmax
    agree(lambda x: run(x, axis % len(shape)), [4 * values(shape, 1)], GRADIENT, layout)


@pytest.mark.parametrize(("shape", "dim"), [((700, 33), 1), ((700, 33), 0), ((3, 50, 1030), 1)])
def test_softmax_of_several_pieces(shape: tuple[int, ...], dim: int) -> None:
    agree(lambda x: hp.softmax(x, dim) + hp.log_softmax(x, dim), [values(shape, 2)], GRADIENT)


@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_softmax_of_infinities_and_nan(kind: str, dim: int) -> None:
    x = values((40, 40), 3, kind)
    x[0, 1], x[2, 3], x[4, 5] = np.nan, np.inf, -np.inf
    x[20:] = -np.inf
    x[39, 3:] = 1e30
    for run in (hp.softmax, hp.log_softmax):
        found, goal = (run(hp.tensor(x, device=device), dim).cpu().numpy() for device in ("cpu", "numpy"))
        np.testing.assert_array_equal(np.isnan(found), np.isnan(goal))
        np.testing.assert_allclose(found, goal, rtol=1e-5, atol=1e-30)


@pytest.mark.parametrize("kind", [hp.float16, hp.bfloat16])
def test_softmax_of_half_types(kind: Any) -> None:
    x = hp.tensor(values((30, 40), 4), device="cpu").to(kind)
    for dim in (0, 1):
        assert hp.softmax(x, dim).equal(hp.softmax(x.float(), dim).to(kind))


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (2, 0, 3)])
def test_softmax_without_elements(shape: tuple[int, ...]) -> None:
    for dim in range(len(shape)):
        assert hp.softmax(hp.zeros(shape, device="cpu"), dim).shape == shape


@quick
@given(rows=st.integers(1, 50), classes=st.integers(1, 40), space=st.integers(0, 40), layout=layouts)
def test_cross_entropy(rows: int, classes: int, space: int, layout: str) -> None:
    behind = (space,) if space else ()
    target = np.random.default_rng(5).integers(0, classes, (rows, *behind))
    target[0] = -100
    inputs = [values((rows, classes, *behind), 6), target]
    agree(lambda x, t: F.cross_entropy(x, t, reduction="none"), inputs, GRADIENT, layout)
    agree(lambda x, t: F.cross_entropy(x, t, reduction="sum"), inputs, GRADIENT, layout, terms=100.0)


def test_cross_entropy_of_infinities() -> None:
    x = values((6, 20), 7)
    x[0, 1], x[1, 2], x[2, 3] = np.nan, np.inf, -np.inf
    x[3] = -np.inf
    target = np.arange(6)
    for shape in ((6, 20), (6, 20, 1, 1)):
        goal, found = (
            F.cross_entropy(
                hp.tensor(x.reshape(shape), device=device), hp.tensor(target.reshape(6, *shape[2:]), device=device),
                reduction="none",
            ).cpu().numpy() for device in ("numpy", "cpu")
        )  # fmt: skip
        np.testing.assert_allclose(found, goal, rtol=1e-5)


def test_cross_entropy_of_no_class() -> None:
    with pytest.raises(IndexRangeError, match="cross_entropy"):
        F.cross_entropy(hp.zeros((3, 4), device="cpu"), hp.tensor([0, 4, 1], device="cpu"))
