"""Pooling and its gradients by the kernels of OpenCL, against windows gone over one by one."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from hotplug.backends.opencl.pooling import OVERRIDES
from hotplug.conformance.calls import NDArray, upload
from hotplug.conformance.compare import check
from hotplug.conformance.tolerance import EXACT, tolerance_of
from hotplug.dtypes import bfloat16, dtype, float16, float32, float64, int32, int64
from hotplug.ops.max_pooling import pooled_size

Numbers = tuple[int, ...]


def windows(size: Numbers, numbers: tuple[Numbers, ...], out: Numbers) -> list[list[int]]:
    """Of every window the flat places that lie in the input, in order."""
    kernel, stride, padding, dilation = numbers
    found = []
    for window in itertools.product(*map(range, out)):
        axes = [
            [place for t in range(k) if 0 <= (place := w * s - p + t * d) < n]
            for w, k, s, p, d, n in zip(window, kernel, stride, padding, dilation, size, strict=True)
        ]
        found.append([int(np.ravel_multi_index(place, size)) for place in itertools.product(*axes)])
    return found


@st.composite
def cases(draw: st.DrawFn, dilated: bool) -> tuple[Numbers, tuple[Numbers, ...], bool]:
    """The shape of an input, the windows' numbers, and whether the last one may hang over."""
    axes = draw(st.integers(1, 3))
    kernel = [draw(st.integers(1, 3)) for _ in range(axes)]
    stride = [draw(st.integers(1, 3)) for _ in range(axes)]
    padding = [draw(st.integers(0, k // 2)) for k in kernel]
    dilation = [draw(st.integers(1, 2)) if dilated else 1 for _ in range(axes)]
    size = [
        max(d * (k - 1) + 1 - 2 * p, draw(st.integers(1, 9)), 1)
        for d, k, p in zip(dilation, kernel, padding, strict=True)
    ]
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 3)), *size)
    return shape, tuple(map(tuple, (kernel, stride, padding, dilation))), draw(st.booleans())


def maxima(built: Any, kind: dtype, shape: Numbers, numbers: tuple[Numbers, ...], ceil: bool) -> None:
    """``max_pool`` and its gradient; there are equal elements, and not-a-numbers where the dtype has them."""
    rng = np.random.default_rng(0)
    x = rng.integers(-3, 4, shape).astype(kind.numpy)
    if kind.kind == "f":
        x.reshape(-1)[:: max(2, x.size // 3)] = np.nan
    out = tuple(pooled_size(shape[2:], *numbers, ceil))
    found, place = built.run(
        OVERRIDES["max_pool"], "max_pool", [(kind, (*shape[:2], *out)), (int64, (*shape[:2], *out))], [x], numbers
    )  # fmt: skip
    planes = x.reshape(-1, math.prod(shape[2:]))
    every = windows(shape[2:], numbers, out)
    wanted = np.array([[_winner(plane, window) for window in every] for plane in planes])
    np.testing.assert_array_equal(place.reshape(wanted.shape), wanted)
    winners = np.take_along_axis(planes, wanted, 1).astype(np.float64)
    np.testing.assert_array_equal(found.reshape(wanted.shape).astype(np.float64), winners)
    if kind.kind != "f":
        return
    delta = rng.standard_normal(found.shape).astype(kind.numpy)
    apart = all(s >= d * (k - 1) + 1 for k, s, _, d in zip(*numbers, strict=True))
    if kind.itemsize == 2 and not apart:
        return  # left to the decomposition
    (grad,) = built.run(
        OVERRIDES["max_pool_backward"], "max_pool_backward", [(kind, shape)], [delta, place], (shape,), (("apart", apart),)
    )  # fmt: skip
    expected = np.zeros(planes.shape)
    for row, line in enumerate(delta.reshape(wanted.shape)):
        np.add.at(expected[row], wanted[row], line.astype(np.float64))
    check(
        grad,
        expected.reshape(shape),
        kind,
        tolerance_of("avg_pool2d"),
        "gradient",
        float(np.abs(expected).max(initial=4)),
    )


def _winner(plane: NDArray, window: list[int]) -> int:
    """The first of the largest, or the last that isn't a number."""
    strange = [place for place in window if plane[place] != plane[place]]
    return strange[-1] if strange else max(window, key=lambda place: (plane[place], -place))


@pytest.mark.parametrize("kind", [float32, float64, float16, bfloat16, int32], ids=lambda kind: str(kind.name))
def test_max_pool(built: Any, kind: dtype) -> None:
    @settings(max_examples=15 if kind is float32 else 4, deadline=None, derandomize=True)
    @given(case=cases(dilated=True))
    def every(case: tuple[Numbers, tuple[Numbers, ...], bool]) -> None:
        maxima(built, kind, *case)

    every()
    maxima(built, kind, (2, 2, 6, 8), ((2, 2), (2, 2), (0, 0), (1, 1)), False)


def averages(built: Any, kind: dtype, case: Any, divisor: int, include: bool) -> None:
    """``avg_pool`` and its gradient."""
    shape, numbers, ceil = case
    size = shape[2:]
    rng = np.random.default_rng(0)
    out = tuple(pooled_size(size, *numbers, ceil))
    x, delta = (rng.standard_normal(each).astype(kind.numpy) for each in (shape, (*shape[:2], *out)))
    attributes = (("include", include),)
    (found,) = built.run(
        OVERRIDES["avg_pool"], "avg_pool", [(kind, delta.shape)], [x], (*numbers[:3], divisor), attributes
    )
    (grad,) = built.run(
        OVERRIDES["avg_pool_backward"], "avg_pool_backward", [(kind, shape)], [delta], (shape, *numbers[:3], divisor),
        attributes,
    )  # fmt: skip
    planes, over = (
        x.reshape(-1, math.prod(size)).astype(np.float64),
        delta.reshape(-1, math.prod(out)).astype(np.float64),
    )
    means, back = np.zeros(over.shape), np.zeros(planes.shape)
    places = itertools.product(*map(range, out))
    for number, (place, window) in enumerate(zip(places, windows(size, numbers, out), strict=True)):
        counted = [
            min(w * s - p + k, n + p) - (w * s - p) for w, k, s, p, n in zip(place, *numbers[:3], size, strict=True)
        ]  # fmt: skip
        share = divisor or (math.prod(counted) if include else len(window))
        means[:, number] = planes[:, window].sum(1) / share
        back[:, window] += over[:, number : number + 1] / share
    allowed = tolerance_of("avg_pool2d")
    check(found, means.reshape(found.shape), kind, allowed, "mean", float(np.abs(planes).max()))
    check(grad, back.reshape(shape), kind, allowed, "gradient", float(np.abs(over).max()))


@pytest.mark.parametrize("kind", [float32, float64, float16, bfloat16], ids=lambda kind: str(kind.name))
def test_avg_pool(built: Any, kind: dtype) -> None:
    @settings(max_examples=15 if kind is float32 else 4, deadline=None, derandomize=True)
    @given(case=cases(dilated=False), divisor=st.sampled_from((0, 0, 5)), include=st.booleans())
    def every(case: Any, divisor: int, include: bool) -> None:
        averages(built, kind, case, divisor, include)

    every()


def test_windows_as_large_as_the_plane(built: Any) -> None:
    for size in ((20,), (17, 33), (3, 4, 19)):
        whole = (size, size, (0,) * len(size), (1,) * len(size))
        averages(built, float32, ((2, 3, *size), whole, False), 0, True)


def test_a_gradient_that_is_one_number(built: Any) -> None:
    numbers = ((2, 2), (2, 2), (0, 0))
    one = upload(built.runtime, np.broadcast_to(np.float32(3), (1, 2, 2, 3)), (0, 0, 0, 0))
    (grad,) = built.run(
        OVERRIDES["avg_pool_backward"], "avg_pool_backward", [(float32, (1, 2, 4, 7))], [one],
        ((1, 2, 4, 7), *numbers, 0), (("include", True),),
    )  # fmt: skip
    wanted = np.full((1, 2, 4, 7), 0.75)
    wanted[..., 6] = 0
    check(grad, wanted, float32, EXACT)
