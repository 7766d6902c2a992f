"""Maximum, average and adaptive pooling."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from oracle import agree, agree_on, same_error

import hotplug as hp
from hotplug.autograd import gradcheck, gradgradcheck
from hotplug.nn import functional as F

SHAPES: dict[int, tuple[tuple[int, ...], Any]] = {1: ((2, 3, 9), 2), 2: ((2, 3, 8, 9), (3, 2)), 3: ((2, 2, 5, 6, 5), 2)}


@pytest.mark.parity
@pytest.mark.parametrize("rank", SHAPES)
@pytest.mark.parametrize(
    "options",
    [
        {}, {"stride": 1}, {"padding": 1}, {"dilation": 2, "stride": 1}, {"ceil_mode": True},
        {"stride": 3, "ceil_mode": True, "padding": 1}, {"dilation": 2, "padding": 1, "stride": 2},
    ],
    ids=str,
)  # fmt: skip
def test_maximum(torch: ModuleType, rank: int, options: dict[str, Any]) -> None:
    shape, kernel = SHAPES[rank]
    agree(torch, lambda t, F, x: getattr(F, f"max_pool{rank}d")(x, kernel, return_indices=True, **options), shape)
    agree(torch, lambda t, F, x: getattr(F, f"max_pool{rank}d")(x, kernel, **options), shape[1:], order=1)


@pytest.mark.parity
def test_maximum_of_infinities_nans_ties_and_integers(torch: ModuleType) -> None:
    draw = np.random.default_rng(0)
    values = draw.integers(0, 3, (2, 2, 7, 8)).astype(np.float32)
    values[0, 0, :3, :3] = -np.inf
    values[1, 1, 2, 2] = np.nan
    for options in (
        {"kernel_size": 3, "padding": 1, "stride": 2},
        {"kernel_size": 3, "padding": 1, "stride": 1, "dilation": 2},
        {"kernel_size": 2},
    ):
        agree_on(torch, lambda t, F, x, o=options: F.max_pool2d(x, return_indices=True, **o), [values], order=0)
    whole = draw.integers(-3, 3, (1, 2, 5, 5))
    agree_on(torch, lambda t, F, x: F.max_pool2d(x, 3, 1, 1, return_indices=True), [whole], order=0)


@pytest.mark.parity
@pytest.mark.parametrize("rank", SHAPES)
@pytest.mark.parametrize(
    "options",
    [
        {}, {"stride": 1}, {"padding": 1}, {"ceil_mode": True}, {"stride": 3, "ceil_mode": True, "padding": 1},
        {"padding": 1, "count_include_pad": False},
        {"stride": 3, "ceil_mode": True, "padding": 1, "count_include_pad": False},
    ],
    ids=str,
)  # fmt: skip
def test_average(torch: ModuleType, rank: int, options: dict[str, Any]) -> None:
    shape, kernel = SHAPES[rank]
    agree(torch, lambda t, F, x: getattr(F, f"avg_pool{rank}d")(x, kernel, **options), shape)


@pytest.mark.parity
def test_average_over_another_number(torch: ModuleType) -> None:
    agree(torch, lambda t, F, x: F.avg_pool2d(x, 2, divisor_override=3), (2, 3, 8, 9))
    agree(torch, lambda t, F, x: F.avg_pool2d(x, 2), (3, 8, 9), order=1)


@pytest.mark.parity
@pytest.mark.parametrize("size", [1, 2, 3, (2, None), (7, 8)], ids=str)
def test_adaptive(torch: ModuleType, size: Any) -> None:
    agree(torch, lambda t, F, x: F.adaptive_avg_pool2d(x, size), (2, 3, 7, 8))
    agree(torch, lambda t, F, x: F.adaptive_max_pool2d(x, size, return_indices=True), (2, 3, 7, 8))


@pytest.mark.parity
def test_adaptive_in_one_and_three_dimensions(torch: ModuleType) -> None:
    agree(torch, lambda t, F, x: F.adaptive_avg_pool1d(x, 3), (2, 3, 7))
    agree(torch, lambda t, F, x: F.adaptive_avg_pool3d(x, (1, 2, 3)), (2, 3, 4, 5, 6))
    agree(torch, lambda t, F, x: F.adaptive_max_pool1d(x, 3), (3, 7))
    agree(torch, lambda t, F, x: F.adaptive_max_pool3d(x, 2, return_indices=True), (1, 2, 3, 4, 5))


@pytest.mark.parity
def test_adaptive_maximum_takes_the_first_of_equals(torch: ModuleType) -> None:
    values = np.random.default_rng(0).integers(0, 2, (1, 2, 6, 7)).astype(np.float64)
    agree_on(torch, lambda t, F, x: F.adaptive_max_pool2d(x, 3, return_indices=True), [values], order=1)


def test_gradients_are_numerical_ones() -> None:
    x = hp.tensor(np.random.default_rng(0).normal(size=(1, 2, 5, 5)), requires_grad=True)
    for pool in (
        lambda x: F.max_pool2d(x, 3, 2, 1), lambda x: F.max_pool2d(x, 2),
        lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), lambda x: F.adaptive_avg_pool2d(x, 3),
    ):  # fmt: skip
        assert gradcheck(pool, x)
        assert gradgradcheck(lambda x, pool=pool: pool(x) ** 2, x)


def test_no_images() -> None:
    x = hp.zeros(0, 3, 4, 4, requires_grad=True)
    for found in (F.max_pool2d(x, 2), F.avg_pool2d(x, 2), F.adaptive_avg_pool2d(x, 2)):
        assert found.shape == (0, 3, 2, 2)
        found.sum().backward()


BAD = {
    "rank": lambda t, F: F.max_pool2d(t.zeros(5, 5), 2),
    "padding": lambda t, F: F.max_pool2d(t.zeros(1, 1, 5, 5), 2, padding=2),
    "negative padding": lambda t, F: F.max_pool2d(t.zeros(1, 1, 5, 5), 2, padding=-1),
    "kernel 0": lambda t, F: F.max_pool2d(t.zeros(1, 1, 5, 5), 0),
    "stride 0": lambda t, F: F.max_pool2d(t.zeros(1, 1, 5, 5), 2, 0),
    "dilation 0": lambda t, F: F.max_pool2d(t.zeros(1, 1, 5, 5), 2, dilation=0),
    "too small": lambda t, F: F.max_pool2d(t.zeros(1, 1, 1, 5), 2),
    "average too small": lambda t, F: F.avg_pool2d(t.zeros(1, 1, 1, 5), 2),
    "average padding": lambda t, F: F.avg_pool2d(t.zeros(1, 1, 5, 5), 2, padding=2),
    "divisor 0": lambda t, F: F.avg_pool2d(t.zeros(1, 1, 5, 5), 2, divisor_override=0),
    "average of integers": lambda t, F: F.avg_pool2d(t.zeros(1, 1, 5, 5, dtype=t.int32), 2),
    "kernel of three": lambda t, F: F.max_pool2d(t.zeros(1, 1, 5, 5), (2, 2, 2)),
    "adaptive rank": lambda t, F: F.adaptive_avg_pool2d(t.zeros(5, 5), 2),
    "adaptive sizes": lambda t, F: F.adaptive_avg_pool2d(t.zeros(1, 1, 5, 5), (1, 2, 3)),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", BAD)
def test_bad_input(torch: ModuleType, name: str) -> None:
    same_error(torch, BAD[name])
