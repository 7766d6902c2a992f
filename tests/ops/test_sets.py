"""Sets, searching in sorted sequences, counting, differences of neighbours."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp
from oracle import agree, agree_on, same_error

import hotplug as hp
from hotplug.runtime import runtime_of

NDArray = np.ndarray[Any, Any]
SMALL = st.integers(0, 3)


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.int64, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5), elements=SMALL))
def test_unique_is_numpys(values: NDArray) -> None:
    found, inverse, counts = hp.tensor(values).unique(return_inverse=True, return_counts=True)
    expected = np.unique(values, return_inverse=True, return_counts=True)
    np.testing.assert_array_equal(found.numpy(), expected[0])
    np.testing.assert_array_equal(inverse.numpy(), expected[1].reshape(values.shape))
    np.testing.assert_array_equal(counts.numpy(), expected[2])


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(np.int64, hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=6), elements=SMALL), st.data()
)
@pytest.mark.parity
def test_unique_slices_are_pytorchs(torch: ModuleType, values: NDArray, data: st.DataObject) -> None:
    dim = data.draw(st.integers(-values.ndim, values.ndim - 1))
    for name in ("unique", "unique_consecutive"):
        ours = getattr(hp, name)(hp.tensor(values), return_inverse=True, return_counts=True, dim=dim)
        theirs = getattr(torch, name)(torch.tensor(values), return_inverse=True, return_counts=True, dim=dim)
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())


FORMS: dict[str, Any] = {
    "unique": lambda t, F, a: t.unique(a),
    "unique, inverse": lambda t, F, a: a.unique(return_inverse=True),
    "unique, counts": lambda t, F, a: a.unique(return_counts=True),
    "unique of bool": lambda t, F, a: t.unique(a > 1, return_inverse=True),
    "unique of 0-d": lambda t, F, a: t.unique(a[0, 0], return_inverse=True, return_counts=True),
    "unique of nothing": lambda t, F, a: t.unique(a[:0], return_inverse=True, return_counts=True),
    "unique dim of nothing": lambda t, F, a: t.unique(a[:0], return_counts=True, dim=0),
    "unique_consecutive": lambda t, F, a: t.unique_consecutive(a),
    "unique_consecutive, both": lambda t, F, a: a.unique_consecutive(return_inverse=True, return_counts=True),
    "unique_consecutive of nothing": lambda t, F, a: t.unique_consecutive(a[:0], True, True),
    "isin": lambda t, F, a: t.isin(a, t.tensor([1.0, 7.0], dtype=t.float64)),
    "isin many": lambda t, F, a: t.isin(a, t.arange(1, 40, dtype=t.float64)),
    "isin none": lambda t, F, a: t.isin(a, a[:0]),
    "isin a number": lambda t, F, a: t.isin(a, 2, invert=True),
    "isin of a number": lambda t, F, a: t.isin(2, a),
    "isin, two dtypes": lambda t, F, a: t.isin(a, t.tensor([1, 2])),
    "histc": lambda t, F, a: t.histc(a, 4),
    "histc range": lambda t, F, a: a.histc(bins=5, min=0, max=2),
    "histc constant": lambda t, F, a: t.histc(a * 0, 4),
    "histogram": lambda t, F, a: t.histogram(a, 4),
    "histogram range": lambda t, F, a: t.histogram(a, 3, range=(0.0, 2.0), weight=a),
    "histogram edges": lambda t, F, a: t.histogram(a, t.tensor([0.0, 1.0, 1.5, 2.0], dtype=t.float64), density=True),
    "histogram constant": lambda t, F, a: t.histogram(a * 0, 4),
    "histogram empty range": lambda t, F, a: t.histogram(a, 4, range=(1.0, 1.0)),
    "histogram of nothing": lambda t, F, a: t.histogram(a[:0], 2),
    "histc of nothing": lambda t, F, a: t.histc(a[:0], 2),
    "histc empty range": lambda t, F, a: t.histc(a, 4, 1, 1),
    "bincount": lambda t, F, a: t.bincount(a.long().flatten()),
    "bincount weights": lambda t, F, a: a.int().flatten().bincount(a.flatten(), 6),
    "bincount whole weights": lambda t, F, a: a.int().flatten().bincount(a.flatten().long(), minlength=2),
    "bincount of nothing": lambda t, F, a: a[:0].long().flatten().bincount(minlength=3),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", FORMS)
def test_values(torch: ModuleType, name: str) -> None:
    agree_on(torch, FORMS[name], [np.array([[2.0, 0.0, 1.0, 1.0], [1.0, 3.0, 2.0, 2.0]])], order=0)


@pytest.mark.parity
def test_nan_differs_from_nan(torch: ModuleType) -> None:
    def program(t: Any, _: Any, a: Any) -> Any:
        many = t.cat([a, t.arange(30, dtype=t.float64)])
        return [
            *t.unique(a, return_inverse=True, return_counts=True), *t.unique_consecutive(a, return_counts=True),
            t.isin(a, a[:4]), t.isin(a, many), t.isin(many, a), t.histc(a, 3, 0, 2),
        ]  # fmt: skip

    agree_on(torch, program, [np.array([1.0, np.nan, np.nan, -0.0, 0.0, 1.0])], order=0)


def test_unique_reads_one_number() -> None:
    x = hp.tensor([3, 1, 3])
    before = runtime_of("cpu").counts["host_read"]
    hp.unique(x, return_inverse=True, return_counts=True)
    assert runtime_of("cpu").counts["host_read"] == before + 1


# --- searching -------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(np.float32, st.integers(0, 40), elements=st.sampled_from([-1.0, -0.0, 0.0, 1.0, 2.0, np.inf])),
    hnp.arrays(np.float32, st.integers(0, 9), elements=st.sampled_from([-2.0, -0.0, 0.0, 1.5, 2.0, np.inf, np.nan])),
    st.sampled_from(["left", "right"]), st.sampled_from(["numpy", "cpu"]),
)  # fmt: skip
@pytest.mark.parity
def test_searchsorted_is_pytorchs(torch: ModuleType, values: NDArray, wanted: NDArray, side: str, device: str) -> None:
    values = np.sort(values)
    ours = hp.searchsorted(hp.tensor(values, device=device), hp.tensor(wanted, device=device), side=side)
    theirs = torch.searchsorted(torch.tensor(values), torch.tensor(wanted), side=side)
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


@pytest.mark.parametrize("device", ["numpy", "cpu"])
def test_nan_is_found_where_it_was_sorted(device: str) -> None:
    sequence = hp.tensor([1.0, 2.0, np.nan, np.nan], device=device)
    wanted = hp.tensor([2.0, 3.0, np.nan], device=device)
    assert hp.searchsorted(sequence, wanted).tolist() == [1, 2, 2]
    assert hp.searchsorted(sequence, wanted, right=True).tolist() == [2, 2, 4]


SEARCHES: dict[str, Any] = {
    "matrix of sequences": lambda t, F, a: t.searchsorted(t.sort(a).values, a * 1.5, right=True),
    "int32": lambda t, F, a: t.searchsorted(a[0].sort().values, a, out_int32=True),
    "a number": lambda t, F, a: t.searchsorted(a[0].sort().values, 0.5),
    "sorter": lambda t, F, a: t.searchsorted(a, a, sorter=t.argsort(a), side="right"),
    "0-d": lambda t, F, a: t.searchsorted(a[0].sort().values, a[0, 0]),
    "two dtypes": lambda t, F, a: t.searchsorted(t.tensor([1, 2, 3]), a),
    "a number of another kind": lambda t, F, a: t.searchsorted(t.tensor([1, 2, 3]), 1.5),
    "bucketize": lambda t, F, a: t.bucketize(a, t.tensor([-1.0, 0.0, 1.0], dtype=t.float64)),
    "bucketize right": lambda t, F, a: t.bucketize(t.tensor([1, 2, 3]), t.tensor([1, 3]), right=True),
    "bucketize a number": lambda t, F, a: t.bucketize(2, t.tensor([1, 3])),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", SEARCHES)
def test_searches(torch: ModuleType, name: str) -> None:
    agree_on(torch, SEARCHES[name], [np.random.default_rng(0).normal(size=(3, 7))], order=0)


# --- neighbours ------------------------------------------------------------------------------------------------------


PROGRAMS: dict[str, tuple[Any, ...]] = {
    "diff": (lambda t, F, a: t.diff(a), (3, 4)),
    "diff twice": (lambda t, F, a: a.diff(2, 0), (4, 3)),
    "diff too often": (lambda t, F, a: a.diff(5, 0), (3, 2)),
    "diff no times": (lambda t, F, a: a.diff(0), (3, 2)),
    "diff with ends": (lambda t, F, a, b: t.diff(a, dim=1, prepend=b, append=b * 2), (3, 4), (3, 1)),
    "trapezoid": (lambda t, F, a: t.trapezoid(a), (3, 4)),
    "trapezoid dx": (lambda t, F, a: t.trapz(a, dx=0.5, dim=0), (3, 4)),
    "trapezoid x": (lambda t, F, a, b: t.trapezoid(a, b), (3, 4), (4,)),
    "trapezoid matrix of x": (lambda t, F, a, b: t.trapezoid(a, b, dim=0), (3, 4), (3, 4)),
    "trapezoid of one": (lambda t, F, a: t.trapezoid(a), (3, 1)),
    "cumulative_trapezoid": (lambda t, F, a, b: t.cumulative_trapezoid(a, b), (3, 4), (4,)),
    "cumulative_trapezoid dx": (lambda t, F, a: t.cumulative_trapezoid(a, dx=2.0, dim=0), (3, 4)),
    "nanmean": (lambda t, F, a: t.nanmean(t.where(a > 0, a, float("nan")), 1, True), (3, 4)),
    "nansum": (lambda t, F, a: t.nansum(t.where(a > 0, a, float("nan")), 1), (3, 4)),
    "aminmax": (lambda t, F, a: tuple(t.aminmax(a, dim=1)), (3, 4)),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", PROGRAMS)
def test_values_and_gradients(torch: ModuleType, name: str) -> None:
    program, *shapes = PROGRAMS[name]
    agree(torch, program, *shapes)


@pytest.mark.parity
def test_diff_of_bool_and_counts(torch: ModuleType) -> None:
    def program(t: Any, _: Any, a: Any) -> Any:
        return [t.diff(a > 0), t.diff(a.int()), t.count_nonzero(a), t.count_nonzero(a, (0, 1)), t.nanmean(a)]

    agree_on(torch, program, [np.array([[1.0, 0.0, 2.0], [0.0, 0.0, -1.0]])], order=0)


BAD: dict[str, Any] = {
    "unique dim": lambda t, F: t.unique(t.zeros(3), dim=1),
    "unique empty slices": lambda t, F: t.unique(t.zeros(3, 0), dim=0),
    "isin complex": lambda t, F: t.isin(t.zeros(3, dtype=t.complex64), t.zeros(3, dtype=t.complex64)),
    "searchsorted shapes": lambda t, F: t.searchsorted(t.zeros(2, 3), t.zeros(3)),
    "searchsorted side": lambda t, F: t.searchsorted(t.zeros(3), t.zeros(3), side="middle"),
    "searchsorted both": lambda t, F: t.searchsorted(t.zeros(3), t.zeros(3), side="left", right=True),
    "searchsorted sorter": lambda t, F: t.searchsorted(t.zeros(3), t.zeros(3), sorter=t.zeros(2, dtype=t.int64)),
    "searchsorted sorter dtype": lambda t, F: t.searchsorted(t.zeros(3), t.zeros(3), sorter=t.zeros(3)),
    "bucketize matrix": lambda t, F: t.bucketize(t.zeros(3), t.zeros(3, 3)),
    "bincount negative": lambda t, F: t.bincount(t.tensor([1, -1])),
    "bincount floats": lambda t, F: t.bincount(t.zeros(3)),
    "bincount weights": lambda t, F: t.bincount(t.tensor([1, 2]), t.zeros(3)),
    "bincount minlength": lambda t, F: t.bincount(t.tensor([1, 2]), minlength=-1),
    "histc bins": lambda t, F: t.histc(t.zeros(3), 0),
    "histc range": lambda t, F: t.histc(t.zeros(3), 3, 2, 1),
    "histc integers": lambda t, F: t.histc(t.zeros(3, dtype=t.int64), 3),
    "histogram weight": lambda t, F: t.histogram(t.zeros(3), 3, weight=t.zeros(2)),
    "diff of 0-d": lambda t, F: t.diff(t.zeros(())),
    "diff negative": lambda t, F: t.diff(t.zeros(3), -1),
    "trapezoid bool": lambda t, F: t.trapezoid(t.zeros(3, dtype=t.bool)),
    "nanmean integers": lambda t, F: t.nanmean(t.zeros(3, dtype=t.int64)),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", BAD)
def test_errors(torch: ModuleType, name: str) -> None:
    same_error(torch, BAD[name])


@pytest.mark.parity
def test_counts_in_a_grid(torch: ModuleType) -> None:
    def program(t: Any, _: Any, a: Any) -> Any:
        edges = [t.tensor([-1.0, 0.0, 0.5], dtype=a.dtype), t.tensor([-1.0, 1.0], dtype=a.dtype)]
        found = [
            t.histogramdd(a, 3), t.histogramdd(a, [2, 4]), t.histogramdd(a, edges), t.histogramdd(a, 2, density=True),
            t.histogramdd(a, [2, 2], range=[-1.0, 1.0, 0.0, 0.5], weight=a[:, :, 0]), t.histogramdd(a[:1, :1], 2),
        ]  # fmt: skip
        return [each for hist, bin_edges in found for each in (hist, *bin_edges)]

    agree_on(torch, program, [np.random.default_rng(0).normal(size=(4, 5, 2))], order=0)


@pytest.mark.parity
def test_nonzero_of_a_known_number(torch: ModuleType) -> None:
    def program(t: Any, _: Any, a: Any) -> Any:
        given = [a, a > 1, a.to(t.int64), a[:0], a.T, a[1, 1]]
        return [t.nonzero_static(x, size=size, fill_value=-7) for x in given for size in (0, 2, 5, 9)]

    agree_on(torch, program, [np.array([[0.0, 1.0, 2.0], [0.0, 3.0, 0.0]])], order=0)


@pytest.mark.parametrize(
    "program",
    [
        lambda t, F: t.nonzero_static(t.ones(2), size=-1),
        lambda t, F: t.histogramdd(t.ones(3), 2),
        lambda t, F: t.histogramdd(t.ones(3, 2), [2]),
        lambda t, F: t.histogramdd(t.ones(3, 2), 2, range=[0.0, 1.0]),
        lambda t, F: t.histogramdd(t.ones(3, 2), 2, weight=t.ones(2)),
        lambda t, F: t.histogramdd(t.ones(3, 2, dtype=t.int64), 2),
    ],
)
@pytest.mark.parity
def test_errors_of_grids(torch: ModuleType, program: Any) -> None:
    same_error(torch, program)
