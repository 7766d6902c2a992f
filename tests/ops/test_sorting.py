"""Sorting, and what is read off a sorted axis."""

from __future__ import annotations

import itertools
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp
from oracle import agree, agree_on, same_error

import hotplug as hp
from hotplug import dispatch
from hotplug.ops.bitonic import sort_rows
from hotplug.tensor import wrap

NDArray = np.ndarray[Any, Any]

VALUES = st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.5, np.nan, np.inf, -np.inf])
ROWS = hnp.arrays(np.float64, hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=9), elements=VALUES)
KINDS = ["uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "bool"]


def stable(values: NDArray, axis: int, descending: bool) -> NDArray:
    """The order that a stable sort must find, by definition: NaN is the largest."""
    rows = np.moveaxis(values, axis, -1)
    order = np.zeros(rows.shape, np.int64)
    for place in np.ndindex(*rows.shape[:-1]):
        keys = [(bool(np.isnan(v)), 0.0 if np.isnan(v) else float(v)) for v in rows[place]]
        order[place] = sorted(range(len(keys)), key=keys.__getitem__, reverse=descending)
    return np.moveaxis(order, -1, axis)


@settings(max_examples=80, deadline=None)
@given(ROWS, st.booleans(), st.data(), st.sampled_from(["numpy", "cpu"]))
def test_sort_is_stable_with_nan_largest(values: NDArray, descending: bool, data: st.DataObject, device: str) -> None:
    axis = data.draw(st.integers(0, values.ndim - 1))
    expected = stable(values, axis, descending)
    found = hp.tensor(values, device=device).sort(axis, descending)
    np.testing.assert_array_equal(found.indices.numpy(), expected)
    np.testing.assert_array_equal(found.values.numpy(), np.take_along_axis(values, expected, axis))
    signs = np.signbit(found.values.numpy()), np.signbit(np.take_along_axis(values, expected, axis))
    np.testing.assert_array_equal(*signs)


@pytest.mark.parity
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("device", ["numpy", "cpu"])
def test_sort_of_every_dtype(torch: ModuleType, kind: str, device: str) -> None:
    values = np.random.default_rng(0).integers(0, 9, (2, 37, 3))
    for descending in (False, True):
        ours = hp.tensor(values, device=device).to(getattr(hp, kind)).sort(1, descending)
        theirs = torch.tensor(values).to(getattr(torch, kind)).sort(dim=1, descending=descending, stable=True)
        assert ours.values.dtype is getattr(hp, kind)
        np.testing.assert_array_equal(ours.indices.numpy(), theirs.indices.numpy())
        np.testing.assert_array_equal(ours.values.double().numpy(), theirs.values.double().numpy())


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 8, 9, 16, 31, 33])
def test_the_network_sorts_every_length(size: int) -> None:
    """Zeros and ones suffice: a network that sorts all of them sorts everything (Knuth)."""
    inputs = np.array(list(itertools.islice(itertools.product([0, 1], repeat=size), 4096)), np.int32)
    values, places = (wrap(each).numpy() for each in sort_rows(hp.tensor(inputs)._array, False))
    np.testing.assert_array_equal(values, np.sort(inputs))
    np.testing.assert_array_equal(places, np.argsort(inputs, kind="stable"))


def test_launches_grow_with_the_squared_logarithm(monkeypatch: pytest.MonkeyPatch) -> None:
    launches = []
    run = dispatch.map_

    def counted(*args: Any) -> None:
        launches.append(args)
        run(*args)

    monkeypatch.setattr(dispatch, "map_", counted)
    x = hp.tensor(np.arange(3000)[::-1].reshape(3, 1000).copy(), device="numpy")
    launches.clear()
    found = x.sort().values
    assert 55 <= len(launches) <= 65
    np.testing.assert_array_equal(found.numpy(), np.sort(x.numpy()))


PROGRAMS: dict[str, tuple[Any, ...]] = {
    "sort": (lambda t, F, a: t.sort(a, dim=1), (3, 4)),
    "sort 0": (lambda t, F, a: a.sort(0, True), (3, 4)),
    "sort of 0-d": (lambda t, F, a: t.sort(a), ()),
    "sort of a transpose": (lambda t, F, a: t.sort(a.T, stable=True), (5, 4)),
    "sort nothing": (lambda t, F, a: t.sort(a), (3, 0)),
    "argsort": (lambda t, F, a: t.argsort(a, 0), (3, 4)),
    "argsort descending": (lambda t, F, a: a.argsort(descending=True), (3, 4)),
    "msort": (lambda t, F, a: t.msort(a), (5, 2)),
    "topk": (lambda t, F, a: t.topk(a, 3), (4, 7)),
    "topk smallest": (lambda t, F, a: a.topk(2, dim=0, largest=False), (4, 7)),
    "topk all": (lambda t, F, a: a.topk(7), (4, 7)),
    "topk none": (lambda t, F, a: a.topk(0), (4, 7)),
    "topk of 0-d": (lambda t, F, a: t.topk(a, 1), ()),
    "kthvalue": (lambda t, F, a: t.kthvalue(a, 2), (4, 7)),
    "kthvalue keepdim": (lambda t, F, a: a.kthvalue(3, 0, True), (4, 7)),
    "kthvalue of 0-d": (lambda t, F, a: a.kthvalue(1), ()),
    "median": (lambda t, F, a: t.median(a), (3, 4)),
    "median dim": (lambda t, F, a: t.median(a, 1), (3, 4)),
    "median keepdim": (lambda t, F, a: a.median(dim=0, keepdim=True), (3, 4)),
    "median of 0-d": (lambda t, F, a: t.median(a, 0), ()),
    "nanmedian": (lambda t, F, a: t.nanmedian(a), (3, 5)),
    "nanmedian dim": (lambda t, F, a: a.nanmedian(-1, True), (3, 5)),
    "mode": (lambda t, F, a: t.mode(a, 1)[0], (3, 4)),
    "quantile": (lambda t, F, a: t.quantile(a, 0.3), (3, 4)),
    "quantile dim": (lambda t, F, a: t.quantile(a, 0.6, 0, True), (3, 4)),
    "quantile several": (lambda t, F, a: a.quantile(t.tensor([0.0, 0.25, 1.0], dtype=t.float64), dim=1), (3, 4)),
    "quantile all keepdim": (lambda t, F, a: a.quantile(t.tensor([0.5], dtype=t.float64), keepdim=True), (3, 4)),
    "quantile lower": (lambda t, F, a: a.quantile(0.4, 1, interpolation="lower"), (3, 4)),
    "quantile higher": (lambda t, F, a: a.quantile(0.4, 1, interpolation="higher"), (3, 4)),
    "quantile nearest": (lambda t, F, a: a.quantile(0.5, 1, interpolation="nearest"), (3, 4)),
    "quantile midpoint": (lambda t, F, a: a.quantile(0.4, 1, interpolation="midpoint"), (3, 4)),
    "quantile of 0-d": (lambda t, F, a: a.quantile(0.5, 0), ()),
    "nanquantile": (lambda t, F, a: t.nanquantile(a, 0.4, 1), (3, 4)),
    "cummax": (lambda t, F, a: t.cummax(a, 1), (3, 6)),
    "cummin": (lambda t, F, a: a.cummin(0), (6, 3)),
    "cummax of 0-d": (lambda t, F, a: a.cummax(0), ()),
    "logcumsumexp": (lambda t, F, a: t.logcumsumexp(a, 1), (3, 7)),
    "logcumsumexp 0": (lambda t, F, a: a.logcumsumexp(0), (5, 2)),
    "logcumsumexp of 0-d": (lambda t, F, a: a.logcumsumexp(0), ()),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", PROGRAMS)
def test_values_and_gradients(torch: ModuleType, name: str) -> None:
    program, *shapes = PROGRAMS[name]
    agree(torch, program, *shapes)


TIES = np.array([[1.0, 2.0, 1.0, 3.0, 2.0], [np.nan, 1.0, -0.0, 0.0, np.nan], [np.inf, np.inf, -np.inf, 1.0, 1.0]])

ON_TIES: dict[str, Any] = {
    "cummax": lambda t, F, a: t.cummax(a, 1),
    "cummin": lambda t, F, a: t.cummin(a, 1),
    "median": lambda t, F, a: t.median(a, 1)[0],
    "nanmedian": lambda t, F, a: t.nanmedian(a, 1)[0],
    "median of all": lambda t, F, a: [t.median(a[0]), t.median(a[1]), t.median(a), t.nanmedian(a), t.nanmedian(a[2])],
    "mode": lambda t, F, a: t.mode(a[::2], 1),
    "quantile": lambda t, F, a: t.quantile(a, 0.5, 1),
    "nanquantile": lambda t, F, a: t.nanquantile(a, 0.5, 1),
    "nanquantile several": lambda t, F, a: t.nanquantile(a[:2], t.tensor([0.3, 1.0], dtype=t.float64), 1),
    "nanquantile of nothing": lambda t, F, a: t.nanquantile(a[1:2, ::4], 0.5, 1),
    "nanquantile nearest": lambda t, F, a: t.nanquantile(a, 0.5, 1, interpolation="nearest"),
    "kthvalue": lambda t, F, a: t.kthvalue(a, 4, 1)[0],
    "topk": lambda t, F, a: t.topk(a, 3, 1)[0],
    "logcumsumexp": lambda t, F, a: t.logcumsumexp(a, 1),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", ON_TIES)
def test_ties_and_special_values(torch: ModuleType, name: str) -> None:
    agree_on(torch, ON_TIES[name], [TIES], order=0)


@pytest.mark.parity
@pytest.mark.parametrize("name", ["cummax", "cummin", "median of all", "nanmedian"])
def test_gradients_at_ties(torch: ModuleType, name: str) -> None:
    agree_on(torch, ON_TIES[name], [np.round(np.random.default_rng(1).normal(size=(3, 5)))], order=1)


@pytest.mark.parity
def test_integers(torch: ModuleType) -> None:
    def program(t: Any, _: Any, a: Any) -> Any:
        return [
            t.median(a), t.median(a, 1)[0], t.nanmedian(a), t.mode(a, 1), t.kthvalue(a, 2, 1)[0], t.topk(a, 2)[0],
            t.cummax(a, 1), t.cummin(a.to(t.uint8), 0), t.cummax(a > 4, 1), t.mode(a > 4, 0)[0],
        ]  # fmt: skip

    def flat(t: Any, F: Any, a: Any) -> list[Any]:
        return [each for found in program(t, F, a) for each in (found if isinstance(found, tuple) else [found])]

    agree_on(torch, flat, [np.random.default_rng(0).integers(0, 9, (4, 6))], order=0)


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.int64, st.integers(1, 40), elements=st.integers(0, 4)))
@pytest.mark.parity
def test_mode_is_pytorchs(torch: ModuleType, values: NDArray) -> None:
    found, place = hp.tensor(values).mode()
    assert found.item() == torch.tensor(values).mode().values.item()
    assert place.item() == np.flatnonzero(values == found.item())[-1]


def test_logcumsumexp_keeps_small_beginnings() -> None:
    x = hp.tensor([-1000.0, -1001.0, 500.0, -np.inf], dtype=hp.float64, requires_grad=True)
    y = x.logcumsumexp(0)
    np.testing.assert_allclose(y.tolist(), [-1000.0, -1000.0 + np.log1p(np.exp(-1.0)), 500.0, 500.0])
    y.sum().backward()
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.tolist(), [1 + 1 / (1 + np.exp(-1)), 1 - 1 / (1 + np.exp(-1)), 2.0, 0.0])


BAD: dict[str, Any] = {
    "sort complex": lambda t, F: t.sort(t.zeros(3, dtype=t.complex64)),
    "sort dim": lambda t, F: t.sort(t.zeros(3), 1),
    "topk k": lambda t, F: t.topk(t.zeros(3), 4),
    "topk negative": lambda t, F: t.topk(t.zeros(3), -1),
    "kthvalue 0": lambda t, F: t.kthvalue(t.zeros(3), 0),
    "kthvalue k": lambda t, F: t.kthvalue(t.zeros(3), 4),
    "median of nothing": lambda t, F: t.median(t.zeros(3, 0), 1),
    "mode of nothing": lambda t, F: t.mode(t.zeros(0)),
    "quantile out of range": lambda t, F: t.quantile(t.zeros(3), 1.5),
    "quantile of integers": lambda t, F: t.quantile(t.ones(3, dtype=t.int64), 0.5),
    "quantile dtype": lambda t, F: t.quantile(t.zeros(3), t.tensor([0.5], dtype=t.float64)),
    "quantile matrix": lambda t, F: t.quantile(t.zeros(3), t.zeros(1, 1)),
    "quantile interpolation": lambda t, F: t.quantile(t.zeros(3), 0.5, interpolation="cubic"),
    "quantile of nothing": lambda t, F: t.quantile(t.zeros(0), 0.5),
    "cummax complex": lambda t, F: t.cummax(t.zeros(3, dtype=t.complex64), 0),
    "logcumsumexp of integers": lambda t, F: t.logcumsumexp(t.zeros(3, dtype=t.int64), 0),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", BAD)
def test_errors(torch: ModuleType, name: str) -> None:
    same_error(torch, BAD[name])


def test_no_median_of_no_integers() -> None:
    with pytest.raises(RuntimeError, match="at least one element"):
        hp.zeros(0, dtype=hp.int64).median()
    assert np.isnan(hp.zeros(0).median().item())
