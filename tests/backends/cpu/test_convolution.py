"""Convolution by both tiers of the device ``cpu``, against the reference."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pytest
from compiled_tier import agree, forced, quick, results, values
from hypothesis import given, settings, strategies as st

import hotplug as hp
from hotplug.conformance.tolerance import GRADIENT

F: Any = hp.nn.functional
TIERS: Final = ("numpy", "compiled")
some: Final = settings(quick, max_examples=12)
"""Every example compares three results of both numbers of threads."""
CONVOLUTIONS: Final = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED: Final = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


@st.composite
def problems(draw: st.DrawFn, rank: int) -> dict[str, Any]:
    """Sizes and options of a convolution that has at least one window."""
    axes = range(rank)
    kernel, dilation = [draw(st.integers(1, 4)) for _ in axes], [draw(st.integers(1, 3)) for _ in axes]
    padding, room = [draw(st.integers(0, 3)) for _ in axes], 24 if rank == 1 else 8
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    size = [draw(st.integers(max(1, s - 2 * p), s + room)) for s, p in zip(spans, padding, strict=True)]
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    return {
        "batch": draw(st.integers(1, 5)), "channels": draw(st.integers(1, 5)), "size": size, "kernel": kernel,
        "filters": draw(st.sampled_from([1, 2, 5, 9, 17, 40])), "bias": draw(st.booleans()),
        "layout": draw(st.sampled_from(["plain", "turned", "gaps"])),
        "options": {"stride": [draw(st.integers(1, 3)) for _ in axes], "padding": padding, "dilation": dilation,
                    "groups": groups},
    }  # fmt: skip


def compare(case: dict[str, Any], functions: dict[int, Any], kind: str = "float32") -> None:
    """Output and gradients; a transposed convolution exchanges channels and filters."""
    groups = case["options"]["groups"]
    channels, filters = groups * case["channels"], groups * case["filters"]
    inner, outer = (filters, channels) if functions is TRANSPOSED else (channels, filters)
    operands = [
        values((case["batch"], inner, *case["size"]), 1, kind),
        values((filters, case["channels"], *case["kernel"]), 2, kind),
    ]
    operands += [values((outer,), 3, kind)] if case["bias"] else []
    function = functions[len(case["size"])]
    agree(lambda *given: function(*given, **case["options"]), operands, GRADIENT, case["layout"])


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("rank", [1, 2, 3])
@some
@given(data=st.data())
def test_any_convolution(tier: str, rank: int, data: st.DataObject) -> None:
    with forced(tier):
        compare(data.draw(problems(rank)), CONVOLUTIONS)


def fits(case: dict[str, Any]) -> bool:
    """Whether the transposed convolution has an output."""
    options = case["options"]
    return all(
        (n - 1) * s - 2 * p + d * (k - 1) + 1 > 0
        for n, s, p, d, k in zip(
            case["size"], options["stride"], options["padding"], options["dilation"], case["kernel"], strict=True
        )
    )


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("rank", [1, 2])
@some
@given(data=st.data())
def test_any_transposed_convolution(tier: str, rank: int, data: st.DataObject) -> None:
    with forced(tier):
        compare(data.draw(problems(rank).filter(fits)), TRANSPOSED)


LARGER: Final = [
    ((3, 3, 33, 35), (64, 3, 7, 7), 2, 3, 1, 1),  # a stem
    ((2, 70, 20, 20), (70, 70, 3, 3), 1, 1, 1, 1),
    ((7, 32, 8, 8), (96, 32, 3, 3), 1, 1, 1, 1),
    ((64, 32, 4, 4), (64, 32, 3, 3), 1, 1, 1, 1),  # small images in boxes of whole panels
    ((2, 16, 25, 25), (72, 16, 1, 1), 2, 0, 1, 1),
    ((2, 24, 40, 40), (24, 1, 3, 3), 1, 1, 1, 24),  # depthwise
    ((2, 24, 40, 40), (48, 1, 5, 5), 2, 2, 1, 24),
    ((1, 8, 30, 30), (3, 8, 3, 3), 1, 4, 4, 1),
    ((1, 3, 5000), (20, 3, 9), 1, 4, 1, 1),
]


@pytest.mark.parametrize(
    ("case", "kind"), [*((case, "float32") for case in LARGER), (LARGER[1], "float64"), (LARGER[4], "float64")], ids=str
)
def test_sizes_of_several_pieces(case: Any, kind: str) -> None:
    size, weight, stride, padding, dilation, groups = case
    function = CONVOLUTIONS[len(size) - 2]
    with forced("compiled"):
        agree(
            lambda *given: function(*given, stride, padding, dilation, groups),
            [values(size, 1, kind), values(weight, 2, kind), values(weight[:1], 3, kind)], GRADIENT,
        )  # fmt: skip


@pytest.mark.parametrize("kind", [hp.float16, hp.bfloat16])
@pytest.mark.parametrize("tier", TIERS)
def test_half_types_are_rounded_once(tier: str, kind: Any) -> None:
    x, weight = (hp.tensor(values(shape, 4), device="cpu").to(kind) for shape in ((2, 6, 9, 9), (20, 6, 3, 3)))
    with forced(tier):
        found = F.conv2d(x, weight, padding=1)
        assert found.equal(F.conv2d(x.float(), weight.float(), padding=1).to(kind))


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("place", [(0, 0, 0, 0), (1, 3, 4, 5)])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_only_windows_of_a_nan_have_it(tier: str, place: tuple[int, ...], value: float) -> None:
    x, weight = values((2, 6, 9, 11), 5), values((20, 6, 3, 3), 6)
    x[place] = value
    with forced(tier):
        for groups in (1, 6):
            weights = weight[:, : 6 // groups] if groups == 1 else weight[:18, :1]
            run = lambda x, w, groups=groups: F.conv2d(x, w, None, 1, 1, 1, groups)  # noqa: E731
            for found, goal in zip(results(run, "cpu", [x, weights]), results(run, "numpy", [x, weights]), strict=True):
                np.testing.assert_array_equal(np.isfinite(found), np.isfinite(goal))
                np.testing.assert_array_equal(np.isnan(found), np.isnan(goal))


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("stride", [1, 2])
def test_gradient_with_an_infinite_weight(tier: str, stride: int) -> None:
    x, weight = values((2, 6, 9, 11), 5), values((20, 6, 3, 3), 6)
    weight[3, 2, 0, 0] = np.inf
    run = lambda x, w: F.conv2d(x, w, None, stride, 1)  # noqa: E731
    with forced(tier):
        for found, goal in zip(results(run, "cpu", [x, weight]), results(run, "numpy", [x, weight]), strict=True):
            np.testing.assert_array_equal(np.isnan(found), np.isnan(goal))


@pytest.mark.parametrize("tier", TIERS)
def test_no_images_and_no_channels(tier: str) -> None:
    with forced(tier):
        for shape, weight in (((0, 3, 8, 8), (5, 3, 3, 3)), ((2, 0, 8, 8), (5, 0, 3, 3))):
            x = hp.zeros(shape, device="cpu", requires_grad=True)
            w = hp.ones(weight, device="cpu", requires_grad=True)
            out = F.conv2d(x, w, hp.ones(5, device="cpu"))
            assert tuple(out.shape) == (shape[0], 5, 6, 6)
            assert bool((out == 1).all())
            out.sum().backward()
            assert x.grad is not None
            assert tuple(x.grad.shape) == shape
            assert w.grad is not None
            assert not w.grad.any()
