"""Convolutions, transposed ones, unfold and fold."""

from __future__ import annotations

import itertools
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from oracle import agree, same_error

import hotplug as hp
from hotplug.autograd import gradcheck, gradgradcheck
from hotplug.nn import functional as F

OPTIONS: tuple[dict[str, Any], ...] = (
    {}, {"stride": 2}, {"padding": 1}, {"padding": "same"}, {"padding": "valid"}, {"dilation": 2},
    {"stride": 2, "padding": 1, "dilation": 2}, {"padding": "same", "dilation": 2},
)  # fmt: skip
SHAPES = {1: ((2, 3, 9), (4, 3, 4)), 2: ((2, 3, 7, 8), (4, 3, 3, 2)), 3: ((1, 2, 6, 5, 6), (2, 2, 2, 2, 3))}


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")
@pytest.mark.parametrize("rank", SHAPES)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_convolutions(torch: ModuleType, rank: int, options: dict[str, Any]) -> None:
    shape, kernel = SHAPES[rank]
    agree(torch, lambda t, F, x, w, b: getattr(F, f"conv{rank}d")(x, w, b, **options), shape, kernel, kernel[:1])


@pytest.mark.parity
def test_groups_pairs_and_single_images(torch: ModuleType) -> None:
    agree(
        torch, lambda t, F, x, w, b: F.conv2d(x, w, b, groups=2, padding=(1, 0), stride=(1, 2)),
        (2, 4, 5, 6), (6, 2, 3, 2), (6,),
    )  # fmt: skip
    agree(torch, lambda t, F, x, w: F.conv2d(x, w, groups=4), (2, 4, 5, 6), (4, 1, 3, 2))
    agree(torch, lambda t, F, x, w, b: F.conv2d(x, w, b), (4, 5, 6), (2, 4, 3, 2), (2,))


@pytest.mark.parity
@pytest.mark.parametrize(
    ("rank", "shape", "kernel", "groups"),
    [(1, (2, 4, 5), (4, 2, 3), 2), (2, (2, 3, 4, 5), (3, 4, 3, 2), 1), (3, (1, 2, 3, 3, 3), (2, 2, 2, 2, 2), 1)],
)
@pytest.mark.parametrize(
    "options",
    [
        {}, {"stride": 2}, {"stride": 2, "padding": 1, "output_padding": 1}, {"dilation": 2, "padding": 1},
        {"dilation": 2, "output_padding": 1},
    ],
    ids=str,
)  # fmt: skip
def test_transposed_convolutions(
    torch: ModuleType, rank: int, shape: Any, kernel: Any, groups: int, options: dict[str, Any]
) -> None:
    def program(_: Any, F: Any, x: Any, w: Any, b: Any) -> Any:
        return getattr(F, f"conv_transpose{rank}d")(x, w, b, groups=groups, **options)

    agree(torch, program, shape, kernel, (kernel[1] * groups,))


@pytest.mark.parity
def test_unfold_and_fold(torch: ModuleType) -> None:
    agree(torch, lambda t, F, x: F.unfold(x, (2, 3), dilation=(1, 2), padding=1, stride=2), (2, 3, 6, 7))
    agree(torch, lambda t, F, x: F.unfold(x, 2), (3, 4, 5))
    agree(torch, lambda t, F, x: F.fold(x, (5, 6), (2, 3), padding=1, stride=(1, 2)), (2, 12, 18))
    agree(torch, lambda t, F, x: F.fold(x, (4, 5), 2), (12, 12))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2), st.integers(0, 99))
def test_conv2d_is_its_definition(kernel: int, stride: int, padding: int, dilation: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    x, w = draw.normal(size=(2, 2, 6, 7)), draw.normal(size=(3, 2, kernel, kernel))
    wide = np.pad(x, ((0, 0), (0, 0), (padding,) * 2, (padding,) * 2))
    out = [(size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1 for size in (6, 7)]
    expected = np.zeros((2, 3, *out))
    for i, j in itertools.product(*map(range, out)):
        rows = i * stride + dilation * np.arange(kernel)
        columns = j * stride + dilation * np.arange(kernel)
        expected[:, :, i, j] = np.einsum("nckl,ockl->no", wide[:, :, rows[:, None], columns], w)
    found = F.conv2d(hp.tensor(x), hp.tensor(w), stride=stride, padding=padding, dilation=dilation)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-12)


def test_gradients_are_numerical_ones() -> None:
    draw = np.random.default_rng(0)
    x, w, b = (hp.tensor(draw.normal(size=s), requires_grad=True) for s in ((1, 2, 4, 4), (2, 2, 2, 2), (2,)))
    program = lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=1)  # noqa: E731
    assert gradcheck(program, (x, w, b))
    assert gradgradcheck(lambda x, w, b: program(x, w, b) ** 2, (x, w, b))


def test_one_node_on_the_tape() -> None:
    x, w, b = hp.ones(1, 2, 4, 4), hp.ones(3, 2, 2, 2, requires_grad=True), hp.ones(3, requires_grad=True)
    node = F.conv2d(x, w, b).grad_fn
    assert repr(node) == "<ConvolutionBackward>"


def test_operands_of_any_layout() -> None:
    draw = np.random.default_rng(0)
    x, w = hp.tensor(draw.normal(size=(2, 6, 5, 3))), hp.tensor(draw.normal(size=(2, 2, 3, 4)))
    expected = F.conv2d(x.permute(0, 3, 1, 2).contiguous(), w.permute(3, 2, 0, 1).contiguous())
    found = F.conv2d(x.permute(0, 3, 1, 2), w.permute(3, 2, 0, 1))
    assert found.is_contiguous()
    np.testing.assert_array_equal(found.numpy(), expected.numpy())


BAD = {
    "channels": lambda t, F: F.conv2d(t.zeros(1, 3, 5, 5), t.zeros(2, 2, 3, 3)),
    "groups": lambda t, F: F.conv2d(t.zeros(1, 4, 5, 5), t.zeros(3, 2, 3, 3), groups=2),
    "no groups": lambda t, F: F.conv2d(t.zeros(1, 4, 5, 5), t.zeros(3, 4, 3, 3), groups=0),
    "rank": lambda t, F: F.conv2d(t.zeros(5, 5), t.zeros(2, 2, 3, 3)),
    "rank of the weight": lambda t, F: F.conv2d(t.zeros(1, 2, 5, 5), t.zeros(2, 2, 3)),
    "kernel too large": lambda t, F: F.conv2d(t.zeros(1, 2, 2, 5), t.zeros(2, 2, 3, 3)),
    "bias": lambda t, F: F.conv2d(t.zeros(1, 2, 5, 5), t.zeros(2, 2, 3, 3), t.zeros(3)),
    "dtype": lambda t, F: F.conv2d(t.zeros(1, 2, 5, 5), t.zeros(2, 2, 3, 3, dtype=t.float64)),
    "stride 0": lambda t, F: F.conv2d(t.zeros(1, 2, 5, 5), t.zeros(2, 2, 3, 3), stride=0),
    "negative padding": lambda t, F: F.conv2d(t.zeros(1, 2, 5, 5), t.zeros(2, 2, 3, 3), padding=-1),
    "dilation 0": lambda t, F: F.conv2d(t.zeros(1, 2, 5, 5), t.zeros(2, 2, 3, 3), dilation=0),
    "same with a stride": lambda t, F: F.conv2d(t.zeros(1, 2, 5, 5), t.zeros(2, 2, 3, 3), padding="same", stride=2),
    "padding by name": lambda t, F: F.conv2d(t.zeros(1, 2, 5, 5), t.zeros(2, 2, 3, 3), padding="full"),
    "too many strides": lambda t, F: F.conv2d(t.zeros(1, 2, 5, 5), t.zeros(2, 2, 3, 3), stride=(1, 1, 1)),
    "output padding": lambda t, F: F.conv_transpose2d(t.zeros(1, 2, 5, 5), t.zeros(2, 2, 3, 3), output_padding=1),
    "transposed channels": lambda t, F: F.conv_transpose2d(t.zeros(1, 3, 5, 5), t.zeros(2, 2, 3, 3)),
    "unfold": lambda t, F: F.unfold(t.zeros(2, 5, 5), 6),
    "fold": lambda t, F: F.fold(t.zeros(1, 12, 11), (4, 5), 2),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", BAD)
def test_bad_input(torch: ModuleType, name: str) -> None:
    same_error(torch, BAD[name])
