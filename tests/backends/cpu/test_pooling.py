"""Pooling by both tiers of the device ``cpu``, against the reference."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pytest
from compiled_tier import agree, forced, quick, results, values
from hypothesis import given, strategies as st

import hotplug as hp
from hotplug.conformance.tolerance import GRADIENT

F: Any = hp.nn.functional
TIERS: Final = ("numpy", "compiled")
MAXIMUM: Final = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
MEAN: Final = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


@st.composite
def problems(draw: st.DrawFn) -> dict[str, Any]:
    """Sizes and options with at least one window."""
    rank = draw(st.integers(1, 3))
    kernel, stride, dilation = ([draw(st.integers(1, 4)) for _ in range(rank)] for _ in range(3))
    padding = [draw(st.integers(0, k // 2)) for k in kernel]
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    size = [
        draw(st.integers(max(1, s - 2 * p), s + (30 if rank == 1 else 7))) for s, p in zip(spans, padding, strict=True)
    ]
    return {
        "shape": (draw(st.integers(1, 3)), draw(st.integers(1, 4)), *size), "ceil": draw(st.booleans()),
        "layout": draw(st.sampled_from(["plain", "turned", "gaps"])), "include": draw(st.booleans()),
        "divisor": draw(st.sampled_from([None, None, 3])), "options": (kernel, stride, padding), "dilation": dilation,
    }  # fmt: skip


@pytest.mark.parametrize("tier", TIERS)
@quick
@given(case=problems())
def test_any_maximum(tier: str, case: dict[str, Any]) -> None:
    run = MAXIMUM[len(case["shape"]) - 2]
    x = np.random.default_rng(1).integers(-4, 4, case["shape"]).astype(np.float32)  # with ties
    with forced(tier):
        agree(lambda x: run(x, *case["options"], case["dilation"], case["ceil"], True), [x], GRADIENT, case["layout"])


@pytest.mark.parametrize("tier", TIERS)
@quick
@given(case=problems())
def test_any_mean(tier: str, case: dict[str, Any]) -> None:
    rank = len(case["shape"]) - 2
    divisor = () if rank == 1 else (case["divisor"],)
    with forced(tier):
        agree(
            lambda x: MEAN[rank](x, *case["options"], case["ceil"], case["include"], *divisor),
            [values(case["shape"], 2)], GRADIENT, case["layout"],
        )  # fmt: skip


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("output", [1, (2, 3)])
def test_adaptive_mean(tier: str, output: Any) -> None:
    with forced(tier):
        agree(lambda x: F.adaptive_avg_pool2d(x, output), [values((3, 20, 8, 9), 3)], GRADIENT)


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_nan_and_infinities(tier: str, kind: str) -> None:
    x = values((2, 3, 9, 9), 4, kind)
    x[0, 0, 3, 3], x[0, 0, 4, 4], x[1, 1, 0, 0], x[1, 2] = np.nan, np.nan, np.inf, -np.inf
    with forced(tier):
        for run in (lambda x: F.max_pool2d(x, 3, 2, 1, 1, False, True), lambda x: F.avg_pool2d(x, 3, 2, 1)):
            for found, goal in zip(results(run, "cpu", [x]), results(run, "numpy", [x]), strict=True):
                np.testing.assert_allclose(found, goal, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("kind", [hp.float16, hp.bfloat16, hp.int32])
def test_other_dtypes_are_decomposed(tier: str, kind: Any) -> None:
    x = hp.tensor(values((2, 3, 9, 9), 5) * 10, device="cpu").to(kind)
    with forced(tier):
        found = F.max_pool2d(x, 3, 2, 1)
        assert found.equal(F.max_pool2d(x.float(), 3, 2, 1).to(kind))
