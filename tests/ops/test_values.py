"""Closeness, quotients, special values, divisors, splits, window functions: as PyTorch's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import hotplug as hp
from hotplug.autograd import gradcheck, gradgradcheck
from hotplug.errors import ArgumentError, AutogradError, DimensionError, DTypeError, ShapeError

SPECIAL = [0.0, -0.0, 1.5, -2.5, 1e4, -80.0, math.inf, -math.inf, math.nan]


def both(torch: Any, name: str, *args: Any, **kwargs: Any) -> None:
    """The same call on both sides gives equal values, shapes and dtypes."""
    ours, theirs = (
        getattr(library, name)(
            *(library.tensor(each) if isinstance(each, np.ndarray) else each for each in args), **kwargs
        )
        for library in (hp, torch)
    )
    if not isinstance(theirs, (tuple, list)):
        ours, theirs = [ours], [theirs]
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        if not isinstance(other, torch.Tensor):
            assert mine == other
            continue
        assert mine.numpy().dtype == other.numpy().dtype
        np.testing.assert_allclose(
            mine.numpy(), other.numpy(), rtol=2e-6 if other.dtype != torch.float16 else 1e-3, atol=1e-7
        )


@pytest.mark.parity
@pytest.mark.parametrize("name", ["signbit", "isposinf", "isneginf", "isreal", "nan_to_num", "sinc"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32"])
def test_of_one(torch: Any, name: str, dtype: str) -> None:
    values = np.asarray(SPECIAL if dtype[0] == "f" else [0, -1, 3])
    both(torch, name, values.astype(dtype))


@pytest.mark.parity
@pytest.mark.parametrize("name", ["heaviside", "xlogy", "ldexp", "logaddexp2", "nextafter", "copysign", "float_power"])
def test_of_two(torch: Any, name: str) -> None:
    first, second = (each.reshape(-1) for each in np.meshgrid(SPECIAL, SPECIAL, indexing="ij"))
    both(torch, name, first, second)
    both(torch, name, first.astype(np.float32), second.astype(np.float32))


@pytest.mark.parity
@pytest.mark.parametrize("equal_nan", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "complex64", "int64", "bool"])
def test_isclose(torch: Any, dtype: str, equal_nan: bool) -> None:
    values = np.asarray(SPECIAL if dtype[0] in "fc" else [0, 1, 7, -3])
    first, second = (each.reshape(-1).astype(dtype) for each in np.meshgrid(values, values, indexing="ij"))
    both(torch, "isclose", first, second, equal_nan=equal_nan)
    both(torch, "isclose", first, second, rtol=0.5, atol=0.25, equal_nan=equal_nan)
    both(torch, "allclose", first, second, equal_nan=equal_nan)
    both(torch, "allclose", first, first, equal_nan=equal_nan)


def test_isclose_refuses() -> None:
    with pytest.raises(DTypeError, match="float32 and float64"):
        hp.isclose(hp.ones(2), hp.ones(2, dtype=hp.float64))
    with pytest.raises(ArgumentError, match="rtol"):
        hp.allclose(hp.ones(2), hp.ones(2), rtol=-1)


@pytest.mark.parity
def test_equal(torch: Any) -> None:
    for first, second in [([1.0], [1.0]), ([1.0], [2.0]), ([[1.0]], [1.0]), ([math.nan], [math.nan]), ([], [])]:
        both(torch, "equal", np.asarray(first), np.asarray(second))
    both(torch, "equal", np.ones(2), np.ones(2, np.int32))


@pytest.mark.parity
@pytest.mark.parametrize("mode", [None, "trunc", "floor"])
def test_div(torch: Any, mode: str | None) -> None:
    first, second = np.asarray([7, -7, 7, -7, 0]), np.asarray([2, 2, -2, -2, 3])
    for dtype in ("int32", "float32"):
        both(torch, "div", first.astype(dtype), second.astype(dtype), rounding_mode=mode)
        both(torch, "divide", first.astype(dtype), 2, rounding_mode=mode)
    ours, theirs = hp.tensor([7.0, -7.0]), torch.tensor([7.0, -7.0])
    assert ours.div_(2, rounding_mode=mode).tolist() == theirs.div_(2, rounding_mode=mode).tolist()
    assert hp.div(hp.tensor([1.0, 2.0]), 4, out=ours).tolist() == [0.25, 0.5]


def test_div_refuses() -> None:
    with pytest.raises(ArgumentError, match="'round'"):
        hp.div(hp.ones(2), 2, rounding_mode="round")


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "int64"])
def test_divisors(torch: Any, dtype: str) -> None:
    draw, limits = np.random.default_rng(0), np.iinfo(dtype)
    first, second = (draw.integers(limits.min // 2 + 1, limits.max, 400, dtype=dtype) for _ in range(2))
    first[:3], second[2:5] = 0, 0
    both(torch, "gcd", first, second)
    both(torch, "lcm", first % 11, second % 11)


@given(st.integers(-(2**62), 2**62), st.integers(-(2**62), 2**62))
def test_the_worst_divisors(first: int, second: int) -> None:
    for a, b in ((first, second), (7540113804746346429, 4660046610375530309)):  # neighbours of Fibonacci's sequence
        assert int(hp.gcd(hp.tensor(a), hp.tensor(b))) == math.gcd(a, b)


def test_divisors_refuse() -> None:
    with pytest.raises(DTypeError, match="integer"):
        hp.gcd(hp.ones(2), hp.ones(2))


@pytest.mark.parity
@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("tensor_split", (3,)), ("tensor_split", (5, 1)), ("tensor_split", ([1, 3], 1)), ("tensor_split", ([-2, 1, 9],)),
        ("hsplit", (3,)), ("hsplit", ([2],)), ("vsplit", (2,)), ("split_with_sizes", ([1, 3],)), ("unsafe_chunk", (3,)),
        ("unsafe_split", (3,)),
    ],
)  # fmt: skip
def test_splits(torch: Any, name: str, args: tuple[Any, ...]) -> None:
    both(torch, name, np.arange(24).reshape(4, 6), *args)


def test_splits_are_views() -> None:
    whole = hp.zeros(4, 4)
    whole.tensor_split(2)[1].fill_(1)
    assert whole.sum().item() == 8
    with pytest.raises(ArgumentError, match="divisible"):
        whole.hsplit(3)
    with pytest.raises(DimensionError, match="3 dimensions"):
        whole.dsplit(2)
    with pytest.raises(ArgumentError, match="larger than 0"):
        whole.tensor_split(0)


@pytest.mark.parity
@pytest.mark.parametrize(
    "name", ["hann_window", "hamming_window", "blackman_window", "bartlett_window", "kaiser_window"]
)
@pytest.mark.parametrize("length", [0, 1, 2, 9])
def test_window_functions(torch: Any, name: str, length: int) -> None:
    both(torch, name, length)
    both(torch, name, length, periodic=False)
    assert getattr(hp, name)(length, dtype=hp.float64, requires_grad=True).requires_grad


@pytest.mark.parity
def test_gradients_at_special_places(torch: Any) -> None:
    calls = {
        "sinc": ([0.0, 0.3],), "xlogy": ([0.0, 0.0, 2.0], [0.5, 0.0, 3.0]), "heaviside": ([0.0, 1.0], [0.5, 0.5]),
        "nan_to_num": ([math.nan, math.inf, 1.0],), "logaddexp2": ([1.0, 2.0], [1.0, -1.0]),
    }  # fmt: skip
    for name, args in calls.items():
        found = []
        for library in (hp, torch):
            given = [library.tensor(each, requires_grad=name != "heaviside") for each in args]
            if name == "heaviside":
                continue
            getattr(library, name)(*given).sum().backward()
            found.append([each.grad.tolist() for each in given])
        if found:
            np.testing.assert_allclose(found[0], found[1], rtol=1e-5, err_msg=name)


@pytest.mark.parametrize("name", ["sinc", "xlogy", "ldexp", "logaddexp2"])
def test_gradients(name: str) -> None:
    count = 1 if name == "sinc" else 2
    given = [hp.tensor([0.3, 1.2, 2.1], dtype=hp.float64, requires_grad=True) + i for i in range(count)]
    given = [each.detach().requires_grad_() for each in given]
    assert gradcheck(getattr(hp, name), given)
    assert gradgradcheck(getattr(hp, name), given)


def test_transposed_in_place() -> None:
    matrix = hp.arange(6.0).reshape(2, 3)
    assert matrix.t_() is matrix
    assert matrix.shape == (3, 2)
    assert matrix.swapaxes_(0, 1).shape == (2, 3)
    leaf = hp.ones(2, 3, requires_grad=True)
    with pytest.raises(AutogradError, match="leaf"):
        leaf.t_()
    with hp.no_grad():
        leaf.t_()
    assert leaf.shape == (3, 2)
    assert leaf.requires_grad
    middle = leaf * 2
    middle.transpose_(0, 1)
    (middle * hp.arange(6.0).reshape(2, 3)).sum().backward()
    assert leaf.grad is not None
    assert leaf.grad.tolist() == [[0, 6], [2, 8], [4, 10]]


def test_what_a_tensor_says_of_itself() -> None:
    tensor = hp.ones(2, 3)
    assert tensor.is_signed()
    assert not hp.ones(1, dtype=hp.uint8).is_signed()
    assert tensor.is_same_size(hp.zeros(2, 3))
    assert tensor.get_device() == -1
    assert not tensor.is_conj()
    assert hp.tensor([2]).is_nonzero()
    with pytest.raises(ShapeError, match="ambiguous"):
        tensor.is_nonzero()
    with hp.inference_mode():
        assert hp.ones(1).is_inference()
    assert tensor.clamp_min(2).tolist() == [[2] * 3] * 2
    assert tensor.clamp_max_(0).tolist() == [[0] * 3] * 2
    assert hp.polar(hp.tensor([2.0]), hp.tensor([0.0])).tolist() == [2]
    assert (hp.ones(1, 2, 3, dtype=hp.complex64) * 1j).mH[0, 0, 0].item() == -1j
