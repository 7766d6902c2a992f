"""The printed form against PyTorch's text."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import hotplug as hp
from hotplug import printing

DTYPES = [
    "bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32",
    "float64", "complex64", "complex128",
]  # fmt: skip
SHAPES: list[tuple[int, ...]] = [(), (1,), (5,), (30,), (2, 3), (2, 3, 4), (2, 1, 2, 3), (0,), (2, 0), (0, 3, 1)]
INF, NAN = math.inf, math.nan

FLOATS: dict[str, Any] = {
    "whole": [1.0, -20.0, 300.0],
    "fractions": [0.5, -1.25, 3.0],
    "large": [1.0, 1e9],
    "large fractions": [1.5, 2e9],
    "small": [1.5, 1e-5],
    "far apart": [0.01, 99.5],
    "not finite": [1.0, INF, -INF, NAN],
    "not finite, fractions": [1.5, INF, -INF, NAN],
    "only not finite": [INF, NAN],
    "zeros": [0.0, -0.0],
    "zeros and fractions": [0.0, -0.0, 0.25],
    "1000 apart": [1.0, 1000.0],
    "1001 apart": [1.0, 1001.0],
    "long": [123456.78, 1.0],
    "scalar": 3.14159,
    "scalar whole": -7.0,
    "scalar nan": NAN,
    "nested": [[1.0, 2.5], [1e-3, -4.0]],
}


@pytest.fixture(autouse=True)
def _options(request: pytest.FixtureRequest) -> Iterator[None]:
    with printing.printoptions():
        yield
    if "torch" in request.fixturenames:
        request.getfixturevalue("torch").set_printoptions(profile="default", sci_mode=None)


def plain(text: str) -> str:
    """A text in PyTorch's names; its gradient functions are numbered, and our dtypes are longer, so wrap earlier."""
    text = re.sub(r"grad_fn=<(\w+?)Backward\d+>", r"grad_fn=<\1Backward>", text.replace("hotplug.", "torch."))
    return re.sub(r",\s+dtype=", ", dtype=", text)


def values(shape: tuple[int, ...], dtype: str) -> np.ndarray[Any, Any]:
    random = np.random.default_rng(len(shape))
    found = random.normal(size=shape) * 10
    if dtype == "bool":
        return np.asarray(found > 0)
    if dtype.startswith("uint"):
        return np.asarray(np.abs(found), dtype)
    if dtype.startswith("complex"):
        return np.asarray(found + 1j * random.normal(size=shape), dtype)
    return np.asarray(found, "float32" if dtype == "bfloat16" else dtype)


def both(torch: Any, data: Any, dtype: str) -> tuple[Any, Any]:
    return hp.tensor(data, dtype=getattr(hp, dtype)), torch.tensor(data, dtype=getattr(torch, dtype))


@pytest.mark.parity
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_and_shapes(torch: Any, dtype: str, shape: tuple[int, ...]) -> None:
    ours, theirs = both(torch, values(shape, dtype), dtype)
    assert plain(repr(ours)) == plain(repr(theirs))


@pytest.mark.parity
@pytest.mark.parametrize("data", FLOATS.values(), ids=FLOATS.keys())
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "float16"])
def test_numbers(torch: Any, data: Any, dtype: str) -> None:
    ours, theirs = both(torch, data, dtype)
    assert plain(repr(ours)) == plain(repr(theirs))


@pytest.mark.parity
@pytest.mark.parametrize(
    "shape", [(1000,), (1001,), (40, 40), (3, 400), (2, 3, 200), (7, 7, 7, 7), (1, 1200), (3000, 1)]
)
@pytest.mark.parametrize("dtype", ["float32", "int64", "bool", "complex64"])
def test_summaries(torch: Any, shape: tuple[int, ...], dtype: str) -> None:
    ours, theirs = both(torch, values(shape, dtype), dtype)
    assert plain(repr(ours)) == plain(repr(theirs))


@pytest.mark.parity
@pytest.mark.parametrize(
    "options",
    [
        {"precision": 2}, {"precision": 8}, {"sci_mode": True}, {"sci_mode": False}, {"linewidth": 40},
        {"linewidth": 200},
        {"threshold": 5}, {"threshold": 5, "edgeitems": 1}, {"threshold": 5, "edgeitems": 0}, {"profile": "short"},
        {"profile": "full"}, {"profile": "short", "precision": 6},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("dtype", ["float32", "complex64", "int64"])
def test_options(torch: Any, options: dict[str, Any], dtype: str) -> None:
    printing.set_printoptions(**options)
    torch.set_printoptions(**options)
    for shape in ((), (12,), (4, 9), (1500,)):
        ours, theirs = both(torch, values(shape, dtype), dtype)
        assert plain(repr(ours)) == plain(repr(theirs))


@pytest.mark.parity
def test_gradients_and_views(torch: Any) -> None:
    ours, theirs = both(torch, [[1.0, 2.5], [3.0, 4.0]], "float32")
    assert repr(ours.t()) == repr(theirs.t())
    ours, theirs = ours.requires_grad_(), theirs.requires_grad_()
    assert repr(ours) == repr(theirs)
    assert repr(ours * 2) == plain(repr(theirs * 2))
    wide, his = both(torch, list(range(17)), "float32")
    assert repr(wide.requires_grad_() * 1.5) == plain(repr(his.requires_grad_() * 1.5))
    assert str(hp.nn.Parameter(hp.ones(2))) == str(torch.nn.Parameter(torch.ones(2)))


@pytest.mark.parity
def test_the_default_dtype_is_not_shown(torch: Any) -> None:
    hp.set_default_dtype(hp.float64)
    torch.set_default_dtype(torch.float64)
    try:
        for dtype in ("float32", "float64", "complex64", "complex128"):
            ours, theirs = both(torch, [1.5, 2.0], dtype)
            assert plain(repr(ours)) == plain(repr(theirs))
    finally:
        hp.set_default_dtype(hp.float32)
        torch.set_default_dtype(torch.float32)


def test_other_devices_are_named() -> None:
    assert repr(hp.tensor([1, 2], device="numpy")) == "tensor([1, 2], device='numpy')"


def test_a_summary_reads_only_what_it_shows() -> None:
    tensor = hp.zeros(1000, 1000)
    runtime = tensor._array.storage.runtime
    read, backend = [], runtime.backend
    original = backend.read
    try:
        backend.read = lambda *args: read.append(args[2]) or original(*args)  # type: ignore[method-assign,func-returns-value,assignment]
        repr(tensor)
    finally:
        del backend.read
    assert sum(read) == 6 * 6 * 4


def test_format() -> None:
    assert f"{hp.tensor(3.14159):.2f}" == "3.14"
    assert f"{hp.tensor([1, 2])}" == "tensor([1, 2])"


def test_a_wrong_profile_changes_nothing() -> None:
    before = printing.get_printoptions()
    with pytest.raises(ValueError, match="profile must be one of default, short, full, got 'long'"):
        printing.set_printoptions(profile="long")
    assert printing.get_printoptions() == before
