"""The device ``minimal``, and the meaning of numbers that it takes from the contract."""

from __future__ import annotations

import array
import math
import struct
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from devices import needed
from hypothesis import given, strategies as st

import hotplug as hp
from hotplug.backend import OpKey, dtypes
from hotplug.backend.meaning import evaluator, pack, rounded, unpack
from hotplug.conformance.calls import call, download, upload
from hotplug.errors import IndexRangeError
from hotplug.expr.node import cast, constant, index, input_, scalar
from hotplug.runtime import Runtime

REAL = [kind for kind in dtypes.ALL if kind.kind != "c"]
INTEGERS = [kind for kind in REAL if kind.kind in "ui"]
HALVES = {dtypes.float16: np.float16, dtypes.bfloat16: ml_dtypes.bfloat16}


@pytest.fixture(scope="module")
def minimal() -> Runtime:
    """The device ``minimal``."""
    return needed("minimal")


def test_memory_is_an_array_of_bytes(minimal: Runtime) -> None:
    x = hp.tensor([1, -1], dtype=hp.int16, device="minimal")
    memory = x._array.storage.buffer
    assert isinstance(memory, array.array)
    assert memory.typecode == "B"
    assert bytes(memory[:4]) == b"\x01\x00\xff\xff"


def test_every_dtype_is_its_own(minimal: Runtime) -> None:
    assert minimal.capabilities.arithmetic == frozenset(dtypes.ALL)
    for kind in dtypes.ALL:
        x = hp.tensor([0, 1, 3], dtype=kind, device="minimal")
        assert x.dtype is kind
        assert (x + x).to(hp.complex128).tolist() == ([0, 1, 1] if kind.kind == "b" else [0, 2, 6]), kind


def test_composites_are_left_to_the_core(minimal: Runtime) -> None:
    assert minimal.backend.resolve(0, OpKey("softmax")) is None
    x = hp.tensor([[1.0, 2.0, 3.0]], device="minimal", requires_grad=True)
    hp.softmax(x, 1)[0, 0].backward()
    y = hp.tensor([[1.0, 2.0, 3.0]], device="numpy", requires_grad=True)
    hp.softmax(y, 1)[0, 0].backward()
    assert x.grad is not None
    assert y.grad is not None
    np.testing.assert_allclose(x.grad.tolist(), y.grad.tolist(), rtol=1e-6)


@pytest.mark.parametrize("op", ["gather", "scatter"])
def test_an_index_out_of_range_is_an_error_at_once_and_changes_nothing(minimal: Runtime, op: str) -> None:
    x = hp.zeros(2, 3, device="minimal")
    wrong = hp.tensor([[0, 2, 3]], device="minimal")
    with pytest.raises(IndexRangeError, match=f"{op}: index 3 is out of bounds for an axis of size 3"):
        hp.gather(x, 1, wrong) if op == "gather" else x.scatter_(1, wrong, hp.ones(1, 3, device="minimal"))
    assert x.tolist() == [[0, 0, 0], [0, 0, 0]]


def test_sums_are_exact(minimal: Runtime) -> None:
    x = hp.tensor([1e16, 1.0, -1e16, 1e-3] * 3, dtype=hp.float64, device="minimal")
    assert x.sum().item() == 3.003
    assert hp.tensor([math.inf, -math.inf], device="minimal").sum().isnan().item()


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("set", [7, 8, 9]), ("add", [7, 13, 23]), ("mul", [0, 32, 216]), ("min", [0, 1, 2]), ("max", [7, 8, 12])],
)
def test_scatter_takes_equal_positions_in_order(minimal: Runtime, mode: str, expected: list[float]) -> None:
    out = upload(minimal, np.array([0, 1, 2], np.float32))
    index, source = upload(minimal, np.array([0, 1, 2, 2, 1])), upload(minimal, np.array([7, 4, 12, 9, 8], np.float32))
    (got,) = call(minimal, "scatter", [out], [index, source], mode=mode, axis=0)
    assert got.tolist() == expected


def test_one_kernel_on_strided_arrays(minimal: Runtime) -> None:
    """A kernel called as the core calls it: strides, an offset, an output that lies scattered, a scalar, the index."""
    program = (input_(0, dtypes.float32) * scalar(0, dtypes.float32) + cast(index(), dtypes.float32),)
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    source = upload(minimal, values, strides=(-1, 4), offset=2)
    target = upload(minimal, np.zeros((2, 3), np.float32), strides=(10, 3), offset=1)
    (got,) = call(minimal, "map", [target], [source], [10.0], program=program)
    assert got.tolist() == (values * 10 + np.arange(6).reshape(2, 3)).tolist()
    assert download(source).tolist() == values.tolist()


@given(st.sampled_from(REAL), st.binary(min_size=8, max_size=8), st.integers(0, 9))
def test_bytes_to_numbers_and_back(kind: dtypes.dtype, data: bytes, offset: int) -> None:
    data = bytes([data[0] & 1]) if kind.kind == "b" else data[: kind.itemsize]
    number = unpack(b"\xa5" * offset + data, offset, kind)
    expected = np.frombuffer(data, kind.numpy)[0].item()
    assert (math.isnan(number) and math.isnan(expected)) or number == expected
    assert math.isnan(number) or pack(number, kind) == data


@given(st.sampled_from(sorted(HALVES, key=str)), st.floats(width=32))
def test_halves_round_to_nearest_even(kind: dtypes.dtype, number: float) -> None:
    with np.errstate(over="ignore", under="ignore"):
        expected = float(np.float32(number).astype(HALVES[kind]))
    got = rounded(number, kind)
    assert struct.pack("d", got) == struct.pack("d", expected) or (math.isnan(got) and math.isnan(expected))


@given(st.sampled_from(INTEGERS), st.integers(-(2**70), 2**70))
def test_integers_wrap_around(kind: dtypes.dtype, number: int) -> None:
    assert rounded(number, kind) == int(np.array(number % 2**64, np.uint64).astype(kind.numpy))


def test_large_numbers_become_infinite() -> None:
    assert rounded(1e300, dtypes.float32) == rounded(65520.0, dtypes.float16) == math.inf
    assert rounded(-1e300, dtypes.bfloat16) == rounded(-(10**400), dtypes.float64) == -math.inf


@pytest.mark.parametrize(
    ("expr", "element", "expected"),
    [
        (input_(0, dtypes.int32) + constant(1, dtypes.int32), [2**31 - 1], -(2**31)),
        (input_(0, dtypes.float32) * constant(0.1, dtypes.float32), [3.0], float(np.float32(3) * np.float32(0.1))),
        (input_(0, dtypes.uint8) - constant(1, dtypes.uint8), [0], 255),
    ],
)
def test_each_node_is_computed_in_its_dtype(expr: Any, element: list[Any], expected: Any) -> None:
    assert evaluator([expr])(element, [], 0) == [expected]
