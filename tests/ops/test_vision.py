"""Resampling, grids, shuffles, unpooling and bags against PyTorch's, and their gradients against difference quotients."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from oracle import agree, agree_on, same_error

import hotplug as hp
from hotplug.autograd import gradcheck, gradgradcheck
from hotplug.nn import functional as F

STEPS: list[dict[str, Any]] = [
    {"scale_factor": 2}, {"scale_factor": 1.7}, {"scale_factor": 0.6}, {"size": 3}, {"size": 1}, {"size": 11},
    {"scale_factor": 1.7, "recompute_scale_factor": True},
]  # fmt: skip
PLANES = {1: (2, 3, 7), 2: (2, 3, 7, 5), 3: (1, 2, 4, 3, 5)}


@pytest.mark.parity
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "area"])
@pytest.mark.parametrize("rank", PLANES)
def test_nearest_and_area(torch: ModuleType, mode: str, rank: int) -> None:
    for options in STEPS:
        agree(torch, lambda t, F, x, o=options: F.interpolate(x, mode=mode, **o), PLANES[rank], order=1)


@pytest.mark.parity
@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize(("mode", "rank"), [("linear", 1), ("bilinear", 2), ("bicubic", 2), ("trilinear", 3)])
def test_weighted_sums(torch: ModuleType, mode: str, rank: int, align: bool) -> None:
    for smooth in (False, True) if rank == 2 else (False,):
        for options in STEPS:
            given = {"mode": mode, "align_corners": align, "antialias": smooth, **options}
            agree(torch, lambda t, F, x, o=given: F.interpolate(x, **o), PLANES[rank], order=1)


@pytest.mark.parity
def test_interpolation_of_other_dtypes(torch: ModuleType) -> None:
    values = np.random.default_rng(0).normal(size=(1, 2, 5, 6)).astype(np.float32)
    agree_on(torch, lambda t, F, x: F.interpolate(x, scale_factor=1.5, mode="bicubic"), [values], order=0)
    agree_on(torch, lambda t, F, x: F.interpolate(x, size=4, mode="bilinear", antialias=True), [values], order=0)
    whole = np.random.default_rng(0).integers(0, 255, (1, 2, 5, 6)).astype(np.uint8)
    agree_on(torch, lambda t, F, x: F.interpolate(x, scale_factor=2), [whole], order=0)
    half = F.interpolate(hp.tensor(values).half(), size=4, mode="bilinear")
    assert half.dtype is hp.float16
    empty = F.interpolate(hp.ones(0, 2, 3), size=4)
    assert tuple(empty.shape) == (0, 2, 4)


GRIDS = {2: ((2, 3, 5, 4), (2, 3, 6, 2)), 3: ((2, 2, 3, 4, 5), (2, 3, 2, 3, 3))}


@pytest.mark.parity
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_grids(torch: ModuleType, mode: str, padding: str) -> None:
    for rank, shapes in GRIDS.items():
        if rank == 3 and mode == "bicubic":
            continue
        for align in (False, True):

            def program(_: Any, F: Any, x: Any, places: Any, align: bool = align) -> Any:
                places = places * (0.0 if mode == "nearest" else 1.0) + places.detach() * (mode == "nearest")
                return F.grid_sample(x, places, mode, padding, align)

            agree(torch, program, *shapes, order=1)


def test_places_that_are_nowhere() -> None:
    x = hp.arange(9.0).reshape(1, 1, 3, 3)
    grid = hp.tensor([[[[float("nan"), -1.0], [float("inf"), 0.0], [0.0, -float("inf")], [1e30, 1.0]]]])
    assert F.grid_sample(x, grid, align_corners=True).tolist()[0][0][0] == [0.0, 0.0, 0.0, 0.0]
    assert F.grid_sample(x, grid, "nearest", "border", True).tolist()[0][0][0] == [0.0, 5.0, 1.0, 8.0]
    assert tuple(F.grid_sample(x[:, :0], grid, align_corners=False).shape) == (1, 0, 1, 4)


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:Since version 1.3.0")  # PyTorch's advice on axes of one element
@pytest.mark.parametrize("align", [False, True])
def test_affine_grids(torch: ModuleType, align: bool) -> None:
    for theta, size in (((2, 2, 3), (2, 3, 4, 5)), ((2, 3, 4), (2, 1, 3, 1, 5))):
        agree(torch, lambda t, F, x, s=size: F.affine_grid(x, s, align_corners=align), theta)


@pytest.mark.parity
def test_shuffles(torch: ModuleType) -> None:
    agree(torch, lambda t, F, x: F.pixel_shuffle(x, 2), (2, 8, 3, 4))
    agree(torch, lambda t, F, x: F.pixel_unshuffle(x, 2), (8, 4, 6))
    agree(torch, lambda t, F, x: F.channel_shuffle(x, 2), (2, 8, 4, 6))


@pytest.mark.parity
@pytest.mark.parametrize(("rank", "shape"), [(1, (2, 3, 8)), (2, (2, 3, 8, 6)), (3, (1, 2, 4, 6, 4))])
def test_back_from_maxima(torch: ModuleType, rank: int, shape: tuple[int, ...]) -> None:
    def program(_: Any, F: Any, x: Any) -> Any:
        values, places = getattr(F, f"max_pool{rank}d")(x, 2, return_indices=True)
        return getattr(F, f"max_unpool{rank}d")(values, places, 2, output_size=list(x.shape))

    agree(torch, program, shape)
    agree(torch, program, tuple(size + 1 for size in shape))


@pytest.mark.parity
def test_power_means(torch: ModuleType) -> None:
    agree(torch, lambda t, F, x: F.lp_pool1d(x.abs() + 0.1, 1.5, 3, 2), (2, 8, 7))
    agree(torch, lambda t, F, x: F.lp_pool2d(x.abs() + 0.1, 3, (2, 3), ceil_mode=True), (2, 8, 7, 6))
    agree(torch, lambda t, F, x: F.lp_pool3d(x, 2, 2), (2, 4, 4, 4, 4))


@pytest.mark.parity
def test_local_responses(torch: ModuleType) -> None:
    agree(torch, lambda t, F, x: F.local_response_norm(x, 3), (2, 8, 4))
    agree(torch, lambda t, F, x: F.local_response_norm(x, 4, alpha=0.3, k=2.0), (2, 5, 4, 3))


INDEX, OFFSETS = [0, 2, 2, 4, 1, 0, 2], [0, 3, 3, 5]


@pytest.mark.parity
@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("padding", [None, 2, -1])
def test_bags(torch: ModuleType, mode: str, padding: int | None) -> None:
    options = {"mode": mode, "padding_idx": padding}
    agree(torch, lambda t, F, w: F.embedding_bag(t.tensor(INDEX), w, t.tensor(OFFSETS), **options), (5, 3), order=1)
    rows = [[0, 2, 2], [2, 2, 2], [4, 1, 0]]
    agree(torch, lambda t, F, w: F.embedding_bag(t.tensor(rows), w, **options), (5, 3), order=1)
    ends, last = [*OFFSETS, 7], {"include_last_offset": True, **options}
    agree(torch, lambda t, F, w: F.embedding_bag(t.tensor(INDEX), w, t.tensor(ends), **last), (5, 3), order=1)


@pytest.mark.parity
def test_bags_with_weights(torch: ModuleType) -> None:
    agree(
        torch, lambda t, F, w, s: F.embedding_bag(
            t.tensor(INDEX), w, t.tensor(OFFSETS), mode="sum", per_sample_weights=s, padding_idx=2
        ), (5, 3), (7,), order=1,
    )  # fmt: skip


def test_gradients_of_bags_by_frequency() -> None:
    """What the documentation says; PyTorch's own divides only some rows where offsets are given."""
    w = hp.zeros(5, 1, requires_grad=True)
    F.embedding_bag(
        hp.tensor(INDEX), w, hp.tensor(OFFSETS), mode="sum", scale_grad_by_freq=True
    ).sum().backward()  # fmt: skip
    assert w.grad is not None
    assert w.grad.flatten().tolist() == [1.0, 1.0, 1.0, 0.0, 1.0]


@pytest.mark.parity
def test_bags_of_short_rows(torch: ModuleType) -> None:
    def program(t: Any, F: Any, w: Any) -> Any:
        own = w.detach().clone()
        return F.embedding_bag(t.tensor([[0, 2]]), own, max_norm=1.0), own

    agree(torch, program, (5, 3), order=0)


def test_gradients_are_numerical_ones() -> None:
    draw = np.random.default_rng(0)

    def leaf(values: np.ndarray[Any, Any]) -> hp.Tensor:
        return hp.tensor(values, requires_grad=True, device="numpy")

    x, places = leaf(draw.normal(size=(1, 1, 3, 3))), leaf(draw.uniform(-0.9, 0.9, size=(1, 1, 2, 2)))
    weight, scale = leaf(draw.normal(size=(5, 2))), leaf(draw.normal(size=7))
    index, offsets = hp.tensor(INDEX, device="numpy"), hp.tensor(OFFSETS, device="numpy")
    cases: list[tuple[Any, tuple[Any, ...]]] = [
        (lambda x: F.interpolate(x, (5, 2), mode="bicubic"), (x,)),
        (lambda x: F.interpolate(x, (2, 3), mode="bilinear", antialias=True), (x,)),
        (lambda x, g: F.grid_sample(x, g, "bilinear", "border", False), (x, places)),
        (lambda x, g: F.grid_sample(x, g, "bicubic", "zeros", True), (x, places)),
        (lambda w, s: F.embedding_bag(index, w, offsets, mode="sum", per_sample_weights=s), (weight, scale)),
        (lambda w: F.embedding_bag(index, w, offsets, mode="mean"), (weight,)),
        (lambda w: F.embedding_bag(index, w, offsets, mode="max"), (weight,)),
    ]
    for function, given in cases:
        assert gradcheck(function, given)
        assert gradgradcheck(function, given)


BAD = {
    "no size": lambda t, F: F.interpolate(t.zeros(1, 2, 3)),
    "both sizes": lambda t, F: F.interpolate(t.zeros(1, 2, 3), size=2, scale_factor=2),
    "sizes": lambda t, F: F.interpolate(t.zeros(1, 2, 3), size=(2, 3)),
    "mode": lambda t, F: F.interpolate(t.zeros(1, 2, 3), size=2, mode="bilinear"),
    "corners": lambda t, F: F.interpolate(t.zeros(1, 2, 3), size=2, align_corners=True),
    "antialias": lambda t, F: F.interpolate(t.zeros(1, 2, 3), size=2, mode="linear", antialias=True),
    "recompute": lambda t, F: F.interpolate(t.zeros(1, 2, 3), size=2, recompute_scale_factor=True),
    "empty": lambda t, F: F.interpolate(t.zeros(1, 2, 3), size=0),
    "grid mode": lambda t, F: F.grid_sample(t.zeros(1, 2, 3, 3), t.zeros(1, 2, 2, 2), "cubic"),
    "grid padding": lambda t, F: F.grid_sample(t.zeros(1, 2, 3, 3), t.zeros(1, 2, 2, 2), padding_mode="wrap"),
    "grid batch": lambda t, F: F.grid_sample(t.zeros(1, 2, 3, 3), t.zeros(2, 2, 2, 2), align_corners=False),
    "grid rank": lambda t, F: F.grid_sample(t.zeros(1, 2, 3, 3), t.zeros(1, 2, 2, 3), align_corners=False),
    "grid dtype": lambda t, F: F.grid_sample(
        t.zeros(1, 2, 3, 3), t.zeros(1, 2, 2, 2, dtype=t.float64), align_corners=False
    ),
    "theta": lambda t, F: F.affine_grid(t.zeros(2, 3, 3), (2, 3, 4, 5), align_corners=False),
    "affine size": lambda t, F: F.affine_grid(t.zeros(2, 2, 3), (2, 3, 0, 5), align_corners=False),
    "shuffle": lambda t, F: F.pixel_shuffle(t.zeros(1, 3, 2, 2), 2),
    "unshuffle": lambda t, F: F.pixel_unshuffle(t.zeros(1, 3, 3, 2), 2),
    "channels": lambda t, F: F.channel_shuffle(t.zeros(1, 3, 3, 2), 2),
    "unpool dtype": lambda t, F: F.max_unpool2d(t.zeros(1, 2, 2), t.zeros(1, 2, 2), 2),
    "unpool size": lambda t, F: F.max_unpool2d(
        t.zeros(1, 2, 2), t.zeros(1, 2, 2, dtype=t.int64), 2, output_size=(9, 9)
    ),
    "responses": lambda t, F: F.local_response_norm(t.zeros(2, 3), 2),
    "no offsets": lambda t, F: F.embedding_bag(t.tensor([1]), t.zeros(2, 3)),
    "bag mode": lambda t, F: F.embedding_bag(t.tensor([[1]]), t.zeros(2, 3), mode="min"),
    "bag weights": lambda t, F: F.embedding_bag(t.tensor([[1]]), t.zeros(2, 3), per_sample_weights=t.zeros(1, 1)),
}


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:Default grid_sample")
@pytest.mark.parametrize("name", BAD)
def test_bad_input(torch: ModuleType, name: str) -> None:
    same_error(torch, BAD[name])
