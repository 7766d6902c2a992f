"""``hp.testing``: what it accepts, and what it says, is what PyTorch's does."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import hotplug as hp
from hotplug.errors import ArgumentError, ArgumentTypeError
from hotplug.testing import assert_allclose, assert_close, make_tensor

NAN = math.nan
CASES: dict[str, Any] = {
    "equal": lambda t: (t.tensor([1.0, 2.0]), t.tensor([1.0, 2.0]), {}),
    "near": lambda t: (t.tensor([1.0]), t.tensor([1.000001]), {}),
    "far": lambda t: (t.tensor([1.0, 2.0, 3.0]), t.tensor([1.0, 2.5, 3.0]), {}),
    "matrix": lambda t: (t.ones(2, 3), t.ones(2, 3) + t.eye(3)[:2] * 0.25, {}),
    "shape": lambda t: (t.ones(1), t.ones(2), {}),
    "dtype": lambda t: (t.ones(2), t.ones(2, dtype=t.float64), {}),
    "dtype allowed": lambda t: (t.ones(2), t.ones(2, dtype=t.float64), {"check_dtype": False}),
    "nan": lambda t: (t.tensor([NAN]), t.tensor([NAN]), {}),
    "nan allowed": lambda t: (t.tensor([NAN]), t.tensor([NAN]), {"equal_nan": True}),
    "tolerance": lambda t: (t.tensor([1.0]), t.tensor([1.4]), {"rtol": 0.5, "atol": 0.0}),
    "integers": lambda t: (t.tensor([1, 2]), t.tensor([1, 3]), {}),
    "0-d": lambda t: (t.tensor(1.0), t.tensor(2.0), {}),
    "numbers": lambda t: (1.0, 3.0, {}),
    "booleans": lambda t: (True, False, {}),
    "kinds of numbers": lambda t: (1, 1.0, {}),
    "infinite": lambda t: (t.tensor([1.0, math.inf]), t.tensor([1.0, 2.0]), {}),
    "unsigned": lambda t: (t.tensor([255], dtype=t.uint8), t.tensor([0], dtype=t.uint8), {}),
    "empty": lambda t: (t.zeros(0), t.zeros(0), {}),
    "near numbers": lambda t: (1.0, 1.0 + 1e-8, {}),
    "nested": lambda t: ({"a": [1.0, t.ones(2)]}, {"a": [1.0, t.zeros(2)]}, {}),
    "lengths": lambda t: ([1], [1, 2], {}),
    "keys": lambda t: ({"a": 1}, {"b": 1}, {}),
    "none": lambda t: (None, None, {}),
    "stride": lambda t: (t.ones(2, 2), t.ones(2, 2).t(), {"check_stride": True}),
    "bool": lambda t: (t.tensor([True]), t.tensor([False]), {}),
    "complex": lambda t: (t.tensor([1j]), t.tensor([2j]), {}),
    "arrays": lambda t: (np.ones(2), np.zeros(2), {}),
    "half": lambda t: (t.ones(2, dtype=t.bfloat16), t.ones(2, dtype=t.bfloat16) * 1.01, {}),
}


def verdict(library: Any, case: Any) -> list[str]:
    """The first lines of the message, without the libraries' names and long decimals; nothing where all is well."""
    actual, expected, options = case(library)
    try:
        library.testing.assert_close(actual, expected, **options)
    except AssertionError as error:
        lines = [line.split(" at index")[0] for line in str(error).splitlines() if line]
        return [line.split(": ")[0] if "difference" in line else line for line in lines]
    return []


@pytest.mark.parity
@pytest.mark.parametrize("name", CASES)
def test_verdicts(torch: Any, name: str) -> None:
    ours, theirs = (verdict(library, CASES[name]) for library in (hp, torch))
    if name in ("shape", "dtype", "keys", "stride"):  # the messages show shapes and names of the library
        assert bool(ours) == bool(theirs)
        assert ours[0].split(":")[0].split(" do not")[0] == theirs[0].split(":")[0].split(" do not")[0]
    else:
        assert ours == theirs


def test_the_message_says_where() -> None:
    with pytest.raises(AssertionError) as error:
        assert_close({"w": [hp.ones(2, 2)]}, {"w": [hp.tensor([[1.0, 1.0], [1.5, 1.0]])]})
    message = str(error.value)
    assert "Mismatched elements: 1 / 4 (25.0%)" in message
    assert "Greatest absolute difference: 0.5 at index (1, 0) (up to 1e-05 allowed)" in message
    assert message.endswith("The failure occurred for item ['w'][0]")


def test_differences_of_integers_are_exact() -> None:
    for dtype, pair, expected in (
        (hp.int64, (2**62, -(2**62)), 2**63), (hp.uint64, (2**64 - 1, 0), 2**64 - 1), (hp.int8, (-128, 127), 255),
    ):  # fmt: skip
        with pytest.raises(AssertionError, match=f"absolute difference: {expected} at index"):
            assert_close(hp.tensor([pair[0]], dtype=dtype), hp.tensor([pair[1]], dtype=dtype))
    assert_close(2**70, 2**70)
    with pytest.raises(AssertionError, match="Scalars are not equal"):
        assert_close(2**70, 2**70 + 1)


def test_messages_of_ones_own() -> None:
    with pytest.raises(AssertionError, match="^mine$"):
        assert_close(1, 2, msg="mine")
    with pytest.raises(AssertionError, match="^so: Scalars"):
        assert_close(1, 2, msg=lambda text: f"so: {text}")


def test_across_devices() -> None:
    with pytest.raises(AssertionError, match="'device' do not match"):
        assert_close(hp.ones(2), hp.ones(2, device="numpy"))
    assert_close(hp.ones(2), hp.ones(2, device="numpy"), check_device=False)
    assert_allclose(hp.ones(2), hp.ones(2, device="numpy", dtype=hp.float64))
    with pytest.raises(AssertionError):
        assert_allclose(hp.ones(2), hp.zeros(2))


def test_what_cannot_be_compared() -> None:
    with pytest.raises(ArgumentError, match="no atol"):
        assert_close(1.0, 1.0, rtol=1e-3)
    with pytest.raises(ArgumentError, match="rtol must be"):
        assert_close(1.0, 1.0, rtol=-1.0, atol=0.0)
    for pair in ((1, "a"), (hp.ones(()), 1.0), (True, hp.ones(1)), (hp.ones(1), [1.0])):
        with pytest.raises(ArgumentTypeError, match="No comparison pair"):
            assert_close(*pair)
    with pytest.raises(ArgumentTypeError, match="types differ"):
        assert_close(hp.nn.Parameter(hp.ones(1)), hp.ones(1), allow_subclasses=False)


@pytest.mark.parametrize("dtype", [hp.bool, hp.uint8, hp.int64, hp.float16, hp.float32, hp.complex64])
@pytest.mark.parametrize("noncontiguous", [False, True])
def test_make_tensor(dtype: hp.dtype, noncontiguous: bool) -> None:
    made = make_tensor(3, 40, dtype=dtype, device="cpu", noncontiguous=noncontiguous)
    assert made.dtype is dtype
    assert made.shape == (3, 40)
    assert made.is_contiguous() != noncontiguous
    values = made.numpy()
    assert len(np.unique(values)) > (1 if dtype is hp.bool else 5)
    if dtype.is_floating_point:
        assert -9 <= values.min() < -5 < 5 < values.max() <= 9


def test_make_tensor_in_a_range() -> None:
    made = make_tensor((200,), dtype=hp.int32, device="numpy", low=-1, high=2, exclude_zero=True)
    assert set(made.tolist()) == {-1, 1}
    assert make_tensor(2, dtype=hp.float64, device="cpu", requires_grad=True).requires_grad
    for options in ({"low": 2, "high": 1}, {"requires_grad": True}):
        with pytest.raises(ArgumentError):
            make_tensor(2, dtype=hp.int32, device="cpu", **options)  # type: ignore[arg-type]


def test_make_tensor_clamps_and_rounds_its_range() -> None:
    assert set(make_tensor(200, dtype=hp.int64, device="cpu", low=0.5, high=3.5).tolist()) == {1, 2, 3}
    wide = make_tensor(500, dtype=hp.uint8, device="cpu", low=-500, high=500).tolist()
    assert min(wide) >= 0
    assert max(wide) > 200
    assert set(make_tensor(50, dtype=hp.uint8, device="cpu", low=254, high=900).tolist()) == {254, 255}
    with pytest.raises(ArgumentError, match="NaN"):
        make_tensor(3, dtype=hp.float32, device="cpu", low=math.nan)


def test_make_tensor_in_memory() -> None:
    made = make_tensor(2, 3, 4, 5, dtype=hp.float32, device="cpu", memory_format=hp.channels_last)
    assert made.stride() == (60, 1, 15, 3)
    assert make_tensor(1, dtype=hp.float32, device="cpu", noncontiguous=True).stride() == (1,)
    with pytest.raises(ArgumentError, match="mutually exclusive"):
        make_tensor(2, 3, 4, 5, dtype=hp.float32, device="cpu", memory_format=hp.channels_last, noncontiguous=True)
