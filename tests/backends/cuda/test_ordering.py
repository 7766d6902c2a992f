"""sort and topk by our own kernels, on the emulated device: equal to the reference to the last bit and position."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hotplug as hp
from hotplug.backends.cuda.ordering_text import TILE
from hotplug.runtime import Runtime

DEVICE = "cuda-emulated:0"
KINDS = "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64".split()


def _drawn(kind: str, shape: tuple[int, ...], seed: int) -> Any:
    """Many equal elements; floating ones with NaN of both signs, infinities and zeros of both signs."""
    draw = np.random.default_rng(seed)
    values = draw.integers(-40, 40, shape).astype(np.float64)
    if kind == "bool":
        return hp.tensor(values > 0)
    if kind.startswith("uint"):
        return hp.tensor(np.abs(values)).to(getattr(hp, kind))
    if "int" in kind:
        wide = values.astype(np.int64) << (int(kind[3:]) - 8)  # so that every byte counts
        return hp.tensor(wide | (wide >> 3 & 3)).to(getattr(hp, kind))
    special = draw.random(shape)
    for limit, value in ((0.2, -0.0), (0.15, np.inf), (0.1, -np.inf), (0.06, np.nan), (0.03, -np.nan)):
        values = np.where(special < limit, value, values)
    return hp.tensor(values / 8).to(getattr(hp, kind))


def _bits(tensor: Any) -> Any:
    """A tensor's bytes: NaN and zeros keep their sign."""
    array = tensor.cpu().contiguous().numpy()
    return array.view(np.uint8 if array.itemsize == 1 else f"u{array.itemsize}")


def _same(found: Any, expected: Any) -> None:
    assert found[1].tolist() == expected[1].tolist()
    np.testing.assert_array_equal(_bits(found[0]), _bits(expected[0]))


def _compare(x: Any, dim: int, counts: tuple[int, ...] = ()) -> None:
    """Sorting, and the first few, both ways, as the device ``numpy`` does by the decomposition's parts."""
    there = x.to(DEVICE)
    for down in (False, True):
        expected = hp.sort(x.to("cpu"), dim, descending=down)
        _same(hp.sort(there, dim, descending=down), expected)
        for count in counts:
            first = [each.narrow(dim, 0, count) for each in expected]
            _same(hp.topk(there, count, dim, largest=down), first)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_in_shared_memory(emulated: Runtime, kind: str) -> None:
    _compare(_drawn(kind, (3, 37), 0), -1, (1, 5, 37))
    _compare(_drawn(kind, (2, 9, 5), 1), 1, (2,))
    _compare(_drawn(kind, (4, 3, 8), 2).transpose(0, 2)[:, :, ::2], 0)


@pytest.mark.parametrize("kind", ["bool", "int16", "bfloat16", "float32", "int64"])
def test_long_rows_digit_by_digit(emulated: Runtime, kind: str) -> None:
    _compare(_drawn(kind, (2, 2 * TILE + 77), 3), -1, (3, 700) if kind == "float32" else ())


def test_the_first_few_of_many_pieces(emulated: Runtime) -> None:
    x = _drawn("float32", (1, 5 * TILE + 3), 4)
    there, expected = x.to(DEVICE), hp.sort(x.to("cpu"), -1, descending=True)
    for count in (1, 500):
        _same(hp.topk(there, count), [each[:, :count] for each in expected])


@pytest.mark.parametrize("kind", KINDS[1:])
def test_places_in_sorted_rows(emulated: Runtime, kind: str) -> None:
    rows, values = hp.sort(_drawn(kind, (3, 41), 5), -1)[0], _drawn(kind, (3, 11), 6)
    for right in (False, True):
        for sequence, wanted in ((rows, values), (rows[1], values.reshape(11, 3)), (rows[0, :1], values)):
            expected = hp.searchsorted(sequence, wanted, right=right)
            assert hp.searchsorted(sequence.to(DEVICE), wanted.to(DEVICE), right=right).tolist() == expected.tolist()
    assert hp.searchsorted(rows[0, :0].to(DEVICE), values.to(DEVICE)).tolist() == [[0] * 11] * 3


def test_few_and_no_elements(emulated: Runtime) -> None:
    assert hp.sort(hp.ones(0, 3, device=DEVICE), 1)[0].shape == (0, 3)
    assert hp.topk(hp.ones(2, 3, device=DEVICE), 0)[1].shape == (2, 0)
    assert hp.sort(hp.ones(4, 1, device=DEVICE))[1].tolist() == [[0]] * 4
    assert hp.sort(hp.tensor(3.0, device=DEVICE))[0].item() == 3
    assert hp.tensor([[2, 1], [0, 5]], device=DEVICE).argsort(0).tolist() == [[1, 0], [0, 1]]


def test_gradients_go_back_to_where_elements_came_from(emulated: Runtime) -> None:
    x = hp.tensor([[3.0, 1.0, 2.0], [0.0, 5.0, 4.0]], device=DEVICE, requires_grad=True)
    (hp.sort(x, 1)[0] * hp.tensor([1.0, 2.0, 3.0], device=DEVICE)).sum().backward()
    assert x.grad.tolist() == [[3.0, 1.0, 2.0], [1.0, 3.0, 2.0]]
