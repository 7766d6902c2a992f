"""The families of the compiled tier against the device ``numpy``, over random shapes, layouts, dtypes and threads."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from compiled_tier import NEAR, forced, quick
from hypothesis import given, strategies as st

import hotplug as hp
from hotplug.conformance.compare import check
from hotplug.errors import IndexRangeError

pytest.importorskip("numba", reason="the extra cpu is not installed")

from hotplug.backends.cpu.compiled import pool

Run = Callable[[Any], Any]


@pytest.fixture(autouse=True, scope="module")
def _compiled() -> Iterator[None]:
    with forced("compiled"):
        yield


def compare(run: Run, *arrays: np.ndarray[Any, Any]) -> None:
    """One result on both devices, and on ``cpu`` with one thread and with all: ulps of the largest element."""
    goal = run(*[hp.tensor(each, device="numpy") for each in arrays])
    found = []
    for threads in (1, pool.maximum_threads()):
        pool.set_num_threads(threads)
        found.append(run(*[hp.tensor(each, device="cpu") for each in arrays]))
    assert found[0].dtype is goal.dtype
    assert found[0].shape == goal.shape
    single, several, expected = (each.cpu().numpy() for each in (*found, goal))
    assert single.tobytes() == several.tobytes(), "the number of threads changes bits"
    if goal.dtype.kind == "f":
        largest = float(np.nanmax(np.abs(expected.astype(np.float64)), initial=1))
        check(single, expected, goal.dtype, NEAR, terms=largest)
    else:
        assert np.array_equal(single, expected)


def draw(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


MAPS: dict[str, Run] = {
    "arithmetic": lambda x, y: (x + y) * x - y / 3,
    "functions": lambda x, y: hp.tanh(x) * hp.sigmoid(y) + hp.exp(-x * x),
    "where": lambda x, y: hp.where(x > y, x, -y),
    "integers": lambda x, y: (x * 100).int() * 3 + (y * 100).int() ** 2,
    "bool": lambda x, y: (x > 0) & (y < 0) | (x == y),
    "half": lambda x, y: x.half() * y.half(),
    "bfloat16": lambda x, y: (x.bfloat16() + y.bfloat16()).float(),
    "powers": lambda x, y: x**2 + y**3 + (x * x + 1) ** 2.5,
    "cast": lambda x, y: (x * 1000).to(hp.int16) + (y * 1000).to(hp.uint8),
}


@pytest.mark.parametrize("name", MAPS)
def test_maps_of_views(name: str) -> None:
    x, y = draw(7, 33, 20), draw(20, 33, 7, seed=1)
    compare(lambda a, b: MAPS[name](a, b.transpose(0, 2)), x, y)
    compare(lambda a, b: MAPS[name](a[:, ::2, 3:], b.transpose(0, 2)[:, 1:2, 3:]), x, y)
    compare(lambda a, b: MAPS[name](a.flip(1), b[0].t().reshape(7, 33, 1)), x, y)


@quick
@given(st.permutations(range(4)), st.tuples(*[st.integers(1, 12)] * 4), st.integers(0, 3))
def test_copies_of_permutations(order: list[int], shape: tuple[int, ...], start: int) -> None:
    x = draw(*shape)
    compare(lambda a: a.permute(*order).contiguous(), x)
    wide = hp.tensor(draw(*(size + 3 for size in shape)))
    target = wide[tuple(slice(start, start + size) for size in shape)].permute(*order)
    before = wide.numpy().copy()
    target.copy_(hp.tensor(x).permute(*order))
    before[tuple(slice(start, start + size) for size in shape)] = x
    assert np.array_equal(wide.numpy(), before), "beside the view, memory is as it was"


@quick
@given(
    st.lists(st.integers(1, 14), min_size=1, max_size=4), st.data(),
    st.sampled_from(["sum", "amax", "amin", "prod", "any", "all", "mean"]),
)  # fmt: skip
def test_reductions(shape: list[int], data: st.DataObject, name: str) -> None:
    dims = data.draw(st.lists(st.integers(0, len(shape) - 1), min_size=1, unique=True))
    x = draw(*shape, seed=len(shape)) * 0.5
    if name in ("any", "all", "prod"):
        compare(lambda a: getattr(a, name)(dims[0]), np.round(x))
    else:
        compare(lambda a: getattr(a, name)(dims), x)
        compare(lambda a: getattr(a.transpose(0, -1), name)(dims), x)


def test_reductions_of_every_dtype_and_nan() -> None:
    x = draw(40, 70) * 10
    for kind in (hp.float64, hp.float16, hp.int32, hp.uint8, hp.bool):
        compare(lambda a, kind=kind: a.to(kind).sum(0), x)
        compare(lambda a, kind=kind: a.to(kind).amax(1), x)
    x[3, 5] = np.nan
    for dim in (0, 1):
        compare(lambda a, dim=dim: a.amax(dim), x)
        compare(lambda a, dim=dim: a.amin(dim), x)


def test_extrema_beside_infinities_of_both_signs() -> None:
    """What makes the quick maximum doubt a segment: a sum that is NaN although no value is."""
    x = draw(40, 3000) * 10
    x[3, 5], x[3, 7], x[4, 2900], x[4, 1] = np.inf, -np.inf, np.nan, -np.inf
    for dim in (0, 1):
        for name in ("amax", "amin"):
            compare(lambda a, dim=dim, name=name: getattr(a, name)(dim), x)


def test_few_outputs_of_many_elements() -> None:
    """Chunks of the reduced axes, whose results are reduced in turn."""
    x = draw(3, 70_000)
    for name in ("sum", "amax", "any"):
        for array in (x, np.ascontiguousarray(x.T)):
            for dim in (0, 1):
                compare(lambda a, dim=dim, name=name: getattr(a, name)(dim), array)
    compare(lambda a: a.var(1), x + 100)
    compare(lambda a: a.to(hp.int32).sum(1), x * 100)


@quick
@given(
    st.tuples(st.integers(1, 40), st.integers(1, 5), st.integers(1, 600)), st.sampled_from(["argmax", "argmin"]),
    st.sampled_from(["float32", "float64", "float16", "int32", "uint8"]), st.integers(0, 2),
)  # fmt: skip
def test_places_of_extrema(shape: tuple[int, ...], name: str, kind: str, dim: int) -> None:
    x = np.round(draw(*shape) * 3)  # ties: the first counts
    if kind.startswith("float"):
        x[0, 0, -1] = x[-1, 0, 0] = np.nan
    x = x.astype(kind) if kind.startswith("float") else np.abs(x).astype(kind)
    for turned, array in ((hp.tensor(x), x), (hp.tensor(x).transpose(0, 2), x.transpose(2, 1, 0)),
                          (hp.tensor(x).flip(0), x[::-1])):  # fmt: skip
        assert np.array_equal(getattr(turned, name)(dim).numpy(), getattr(array, name)(dim))


def test_long_sums_are_exact() -> None:
    for shape in ((10_000_000,), (10_000, 1000), (1000, 10_000)):
        assert hp.ones(shape).sum().item() == 1e7
    assert hp.ones(4_000_000, 2).sum(0).tolist() == [4e6, 4e6]


@pytest.mark.parametrize(
    "sizes", [(1, 48, 300), (7, 64, 257), (16, 49, 1), (241, 100, 64), (40, 530, 513), (500, 48, 3)]
)
def test_products_at_the_borders_of_tiles_panels_and_pieces(sizes: tuple[int, int, int]) -> None:
    m, n, k = sizes
    x, y = draw(m, k), draw(k, n, seed=1)
    for left in (x, np.ascontiguousarray(x.T).T):
        for right in (y, np.ascontiguousarray(y.T).T):
            compare(lambda a, b: a @ b, left, right)
            compare(lambda a, b: hp.nn.functional.linear(a, b.t().contiguous(), b[0]), left, right)
            compare(lambda a, b: hp.nn.functional.relu(hp.nn.functional.linear(a, b.t(), b[0])), left, right)


@pytest.mark.parametrize("kind", ["float32", "float64", "float16", "bfloat16", "int32"])
def test_products(kind: str) -> None:
    dtype = getattr(hp, kind)
    for left, right in (((70, 90), (90, 50)), ((3, 33, 40), (3, 40, 1)), ((5, 1, 64), (64, 70)), ((130, 1), (1, 140))):
        x, y = draw(*left), draw(*right, seed=1)
        compare(lambda a, b: (a * 4).to(dtype) @ (b * 4).to(dtype), x, y)
        turned = [np.ascontiguousarray(np.swapaxes(each, -1, -2)) for each in (x, y)]
        compare(lambda a, b: a.transpose(-1, -2) @ b.transpose(-1, -2), *turned)


def test_a_product_into_tiles_is_the_product() -> None:
    x, y = draw(700, 300), draw(300, 500, seed=1)
    compare(operator.matmul, x, y)


INDEXED: dict[str, Run] = {
    "gather rows": lambda x, i: x.gather(1, i),
    "gather columns": lambda x, i: x.gather(0, i % x.shape[0]),
    "take rows": lambda x, i: x[i[:, 0] % x.shape[0]],
    "select columns": lambda x, i: x.index_select(1, i[0]),
    "scatter add": lambda x, i: x.scatter_add(1, i, x * 2),
    "scatter add down": lambda x, i: x.scatter_add(0, i % x.shape[0], x),
    "index add": lambda x, i: hp.zeros(5, x.shape[1], device=x.device).index_add(0, i[:, 0] % 5, x),
    "scatter max": lambda x, i: x.scatter_reduce(1, i, x * 3, "amax"),
    "cumsum rows": lambda x, i: x.cumsum(1),
    "cumsum columns": lambda x, i: x.cumsum(0),
    "cumprod": lambda x, i: (x * 0.1 + 1).cumprod(1),
    "cummax": lambda x, i: x.cummax(0)[0],
}


@pytest.mark.parametrize("name", INDEXED)
def test_indexing_and_scans(name: str) -> None:
    x = draw(130, 70)
    index = np.random.default_rng(2).integers(0, 70, (130, 70))
    compare(INDEXED[name], x, index)
    compare(lambda a, i: INDEXED[name](a[:, ::2], i[:, ::2] // 2), x, index)


def test_a_long_scan() -> None:
    compare(lambda x: x.cumsum(0), draw(300_001))


def test_a_bad_index_changes_nothing() -> None:
    x = hp.tensor(draw(100, 50))
    before = x.numpy().copy()
    index = hp.zeros(100, 50, dtype=hp.int64)
    index[99, 49] = 50
    with pytest.raises(IndexRangeError, match="50"):
        x.gather(1, index)
    with pytest.raises(IndexRangeError, match="50"):
        x.scatter_add_(1, index, x)
    assert np.array_equal(x.numpy(), before)


def test_random_numbers_are_the_same_bits_in_both_tiers() -> None:
    found = []
    for device in ("numpy", "cpu"):
        hp.manual_seed(7)
        found.append([hp.rand(70_001, device=device), hp.randint(0, 1000, (70_001,), device=device)])
    assert all(a.numpy().tobytes() == b.cpu().numpy().tobytes() for a, b in zip(*found, strict=True))
