"""Choosing by a condition."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp
from oracle import agree, agree_on, same_error

import hotplug as hp
from hotplug.runtime import runtime_of

MASK = [[True, False, True, True], [False, True, False, True], [True, True, False, False]]


@settings(max_examples=80, deadline=None)
@given(hnp.arrays(np.bool_, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5)))
def test_nonzero_is_numpys(mask: np.ndarray[Any, Any]) -> None:
    x = hp.tensor(mask)
    np.testing.assert_array_equal(x.nonzero().numpy(), np.argwhere(mask))
    np.testing.assert_array_equal(x.int().argwhere().numpy(), np.argwhere(mask))
    found = hp.where(x)
    assert len(found) == max(mask.ndim, 1)
    for ours, theirs in zip(found, np.nonzero(np.atleast_1d(mask)), strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs)


@settings(max_examples=80, deadline=None)
@given(hnp.arrays(np.bool_, st.sampled_from([(3, 4), (4,), (3, 1), (), (2, 3, 4)])))
def test_masked_select_broadcasts(mask: np.ndarray[Any, Any]) -> None:
    values = np.arange(12.0).reshape(3, 4)
    wide, chosen = np.broadcast_arrays(values, mask)
    np.testing.assert_array_equal(hp.tensor(values).masked_select(hp.tensor(mask)).numpy(), wide[chosen])


PROGRAMS: dict[str, tuple[Any, ...]] = {
    "where": (lambda t, F, a, b: t.where(t.tensor(MASK), a, b), (3, 4), (4,)),
    "where of numbers": (lambda t, F, a: t.where(t.tensor(MASK), a, 2), (3, 4)),
    "Tensor.where": (lambda t, F, a, b: a.where(t.tensor(MASK), b), (3, 4), ()),
    "masked_fill": (lambda t, F, a: a.masked_fill(t.tensor(MASK), 2.5), (3, 4)),
    "masked_fill with a tensor": (lambda t, F, a, b: a.masked_fill(t.tensor(MASK[0]), b), (3, 4), ()),
    "masked_fill, wider mask": (lambda t, F, a: a.masked_fill(t.tensor(MASK), 2.5), (4,)),
    "masked_fill_": (lambda t, F, a, b: (a * 1).masked_fill_(t.tensor(MASK), b), (3, 4), ()),
    "masked_select": (lambda t, F, a: a.masked_select(t.tensor(MASK)), (3, 4)),
    "masked_scatter": (lambda t, F, a, b: a.masked_scatter(t.tensor(MASK), b), (3, 4), (8,)),
    "masked_scatter_": (lambda t, F, a, b: (a * 1).masked_scatter_(t.tensor(MASK[1]), b), (3, 4), (3, 4)),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", PROGRAMS)
def test_values_and_gradients(torch: ModuleType, name: str) -> None:
    program, *shapes = PROGRAMS[name]
    agree(torch, program, *shapes)


@pytest.mark.parity
def test_dtypes(torch: ModuleType) -> None:
    def program(t: Any, _: Any, whole: Any, part: Any) -> Any:
        mask = t.tensor([True, False, True])
        return [
            t.where(mask, 1, 2), t.where(mask, 1.0, 2), t.where(mask, whole, 1.5), t.where(mask, whole, t.tensor(1.5)),
            t.where(mask, part, whole), whole.masked_fill(mask, 1.5), whole.masked_fill(mask, t.tensor(2.7)),
            part.masked_fill(mask, 1), t.where(mask, True, 2), part.half().masked_fill(mask, 1.0),
        ]  # fmt: skip

    agree_on(torch, program, [np.array([1, 2, 3]), np.array([1.0, 2.0, 3.0], np.float32)], order=0)


BAD = {
    "where without a condition": lambda t, F: t.where(t.zeros(3), 1, 2),
    "where shapes": lambda t, F: t.where(t.ones(3, dtype=t.bool), t.zeros(2), t.zeros(3)),
    "masked_fill without a mask": lambda t, F: t.zeros(3).masked_fill(t.zeros(3), 1),
    "masked_fill vector": lambda t, F: t.zeros(3).masked_fill(t.ones(3, dtype=t.bool), t.zeros(1)),
    "masked_fill complex": lambda t, F: t.zeros(3).masked_fill(t.ones(3, dtype=t.bool), 1j),
    "masked_fill overflow": lambda t, F: t.zeros(3, dtype=t.int8).masked_fill(t.ones(3, dtype=t.bool), 300),
    "masked_fill_ wider mask": lambda t, F: t.zeros(3).masked_fill_(t.ones(2, 3, dtype=t.bool), 1),
    "masked_select without a mask": lambda t, F: t.zeros(3).masked_select(t.zeros(3)),
    "masked_scatter dtype": lambda t, F: t.zeros(3).masked_scatter(t.ones(3, dtype=t.bool), t.zeros(3, dtype=t.int64)),
    "masked_scatter too short": lambda t, F: t.zeros(3).masked_scatter(t.ones(3, dtype=t.bool), t.zeros(2)),
    "masked_scatter nothing": lambda t, F: t.zeros(3).masked_scatter(t.ones(3, dtype=t.bool), t.zeros(0)),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", BAD)
def test_bad_input(torch: ModuleType, name: str) -> None:
    same_error(torch, BAD[name])


def test_nan_in_the_branch_not_taken() -> None:
    x = hp.tensor([1.0, -1.0], dtype=hp.float64, requires_grad=True)
    hp.where(x > 0, x.sqrt(), 0.0).sum().backward()
    assert x.grad is not None
    assert x.grad[0].item() == 0.5


def test_filling_reads_nothing_and_selecting_reads_a_number() -> None:
    counts = runtime_of("cpu").counts
    x = hp.arange(6.0)
    before = counts["host_read"]
    x.masked_fill_(x > 3, 0.0)
    x.masked_scatter(x > 1, hp.ones(6))
    assert counts["host_read"] == before
    x.masked_select(x > 1)
    x.nonzero()
    assert counts["host_read"] == before + 2
