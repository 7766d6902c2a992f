"""NumPy both ways, and reading values: what shares memory, what copies, what refuses."""

from __future__ import annotations

import gc
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import hotplug as hp
from hotplug.dtypes import ALL

NAMES = [each.name for each in ALL]


@pytest.mark.parametrize("name", NAMES)
def test_every_dtype_goes_both_ways(name: str) -> None:
    kind = getattr(hp, name) if name != "bool" else hp.bool
    x = hp.tensor([[0, 1, 2], [3, 4, 5]]).to(kind)
    array = x.numpy()
    assert array.dtype == kind.numpy
    assert hp.from_numpy(array).dtype is kind
    assert hp.from_numpy(array).tolist() == x.tolist()
    assert hp.tensor(array).tolist() == x.tolist()


def test_memory_is_shared_both_ways() -> None:
    values = np.zeros((2, 64), np.float32)
    x = hp.from_numpy(values)
    values[1, 2] = 5
    assert x[1, 2].item() == 5
    x.mul_(2)
    assert values[1, 2] == 10
    seen = x.t().numpy()
    assert np.shares_memory(seen, values)
    assert seen.shape == (64, 2)


def test_an_export_outlives_its_tensor() -> None:
    x = hp.full((1000,), 3.0)
    view = x.numpy()
    del x
    gc.collect()
    others = [hp.zeros(1000) for _ in range(8)]
    assert (view == 3).all()
    assert len(others) == 8


def test_tensor_copies() -> None:
    values = np.zeros(3)
    x = hp.tensor(values)
    values[0] = 1
    assert x.tolist() == [0, 0, 0]


def test_array_and_numpy_functions() -> None:
    x = hp.arange(6.0).reshape(2, 3)
    assert np.asarray(x).sum() == 15
    assert np.sin(x.numpy()).shape == (2, 3)
    assert np.asarray(x, dtype=np.float64).dtype == np.float64
    copied = np.array(x)
    copied[0, 0] = 9
    assert x[0, 0].item() == 0


@pytest.mark.parametrize("read", [lambda x: x.numpy(), np.asarray])
def test_a_tensor_with_a_history_says_detach(read: Any) -> None:
    x = hp.ones(2, requires_grad=True) * 2
    with pytest.raises(RuntimeError, match="detach"):
        read(x)
    assert x.detach().numpy().tolist() == [2, 2]
    assert x.numpy(force=True).tolist() == [2, 2]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (True, hp.bool),
        (3, hp.int64),
        (2.5, hp.float32),
        (1j, hp.complex64),
        ([1, 2.5], hp.float32),
        ([True, 2], hp.int64),
        ([[1, 2], [3, 4]], hp.int64),
        ([], hp.float32),
        (np.float64(2), hp.float64),
        (np.arange(3, dtype=np.uint16), hp.uint16),
        (np.ones(2, ml_dtypes.bfloat16), hp.bfloat16),
        ([np.float32(1), np.float32(2)], hp.float32),
    ],
    ids=str,
)
def test_the_dtype_of_values(values: Any, kind: hp.dtype) -> None:
    assert hp.tensor(values).dtype is kind


@pytest.mark.parametrize(
    "bad",
    [lambda: hp.tensor([[1], [1, 2]]), lambda: hp.tensor("text"), lambda: hp.tensor([None]), lambda: hp.tensor({})],
)
def test_values_that_are_no_tensor(bad: Any) -> None:
    with pytest.raises((ValueError, TypeError)) as error:
        bad()
    assert isinstance(error.value, hp.errors.HotplugError)


def test_foreign_dtypes_are_refused() -> None:
    for array in (np.array(["a"]), np.array([object()]), np.zeros(2, "datetime64[s]"), np.zeros(2, np.longdouble)):
        with pytest.raises(TypeError, match="dtype"):
            hp.from_numpy(array)


def test_scalars_read_as_python_numbers() -> None:
    assert hp.tensor(3).item() == 3
    assert isinstance(hp.tensor(3).item(), int)
    assert isinstance(hp.tensor(3.0).item(), float)
    assert isinstance(hp.tensor(True).item(), bool)
    assert float(hp.tensor(2)) == 2.0
    assert int(hp.tensor(2.9)) == 2
    assert bool(hp.tensor([0.0])) is False
    assert [10, 20, 30][hp.tensor(1)] == 20
    with pytest.raises(RuntimeError, match="elements"):
        hp.ones(2).item()
    with pytest.raises(RuntimeError, match="ambiguous|more than one"):
        bool(hp.ones(2))
