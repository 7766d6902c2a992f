"""Incomplete gamma functions and their slope against SciPy; samplers by their laws."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import hotplug as hp
from hotplug.errors import AutogradError

stats = pytest.importorskip("scipy.stats", reason="the oracle; it comes with the extras cpu and test")
scipy_special = pytest.importorskip("scipy.special", reason="the oracle; it comes with the extras cpu and test")

COUNT = 4000


@pytest.fixture(autouse=True)
def _on_numpy() -> Iterator[None]:
    """Samples are the same on all devices, but NumPy compiles nothing."""
    before = hp.get_default_device()
    hp.set_default_device("numpy")
    yield
    hp.set_default_device(before)


def full(value: float, dtype: Any = hp.float32) -> Any:
    return hp.full((COUNT,), value, dtype=dtype)


def shapes_and_points() -> tuple[Any, Any]:
    draw = np.random.default_rng(0)
    a = 10 ** draw.uniform(-2, 4, 3000)
    near = draw.gamma(a)
    return a, np.maximum(np.where(draw.uniform(size=3000) < 0.3, a * 10 ** draw.uniform(-0.6, 0.6, 3000), near), 1e-300)


@pytest.mark.parametrize(("name", "oracle"), [("igamma", "gammainc"), ("igammac", "gammaincc")])
def test_incomplete_gamma(name: str, oracle: str) -> None:
    a, x = shapes_and_points()
    expected = getattr(scipy_special, oracle)(a, x)
    found = getattr(hp, name)(hp.tensor(a), hp.tensor(x)).numpy()
    assert np.abs(found - expected).max() < 1e-14
    large = expected > 1e-30
    assert (np.abs(found - expected)[large] / expected[large]).max() < 2e-12
    narrow = getattr(hp, name)(hp.tensor(a).float(), hp.tensor(x).float()).numpy()
    expected = getattr(scipy_special, oracle)(a.astype(np.float32).astype(float), x.astype(np.float32).astype(float))
    assert np.abs(narrow - expected).max() < 4e-6  # logarithms up to 60 cancel below shape 20


def test_incomplete_gamma_at_the_edges() -> None:
    a = hp.tensor([0.0, 2.0, 2.0, 0.0, -1.0, 1.0, math.inf], dtype=hp.float64)
    x = hp.tensor([1.0, 0.0, math.inf, 0.0, 1.0, -1.0, 1.0], dtype=hp.float64)
    np.testing.assert_array_equal(hp.igamma(a, x).numpy(), [1, 0, 1, math.nan, math.nan, math.nan, 0])
    np.testing.assert_array_equal(hp.igammac(a, x).numpy(), [0, 1, 0, math.nan, math.nan, math.nan, 1])
    with pytest.raises(AutogradError, match="igamma"):
        hp.igamma(hp.tensor(2.0, requires_grad=True), hp.tensor(1.0)).backward()


def test_slope_of_a_gamma_sample() -> None:
    """Against a quotient of SciPy's quantiles: the sample's probability is held while the shape moves."""
    draw = np.random.default_rng(1)
    a = 10 ** draw.uniform(-0.5, 3, 400)
    share = draw.uniform(0.02, 0.98, 400)
    step = a * 1e-4
    x = scipy_special.gammaincinv(a, share)
    expected = (scipy_special.gammaincinv(a + step, share) - scipy_special.gammaincinv(a - step, share)) / (2 * step)
    found = hp.ops.gamma_sample_slope(hp.tensor(a), hp.tensor(x)).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    narrow = hp.ops.gamma_sample_slope(hp.tensor(a).float(), hp.tensor(x).float()).numpy()
    np.testing.assert_allclose(narrow, expected, rtol=2e-4)


def test_the_gradient_of_a_gamma_sample() -> None:
    shape = hp.full((COUNT,), 2.5, dtype=hp.float64, requires_grad=True)
    hp.manual_seed(0)
    sample = hp._standard_gamma(shape)
    sample.sum().backward()
    assert shape.grad is not None
    assert shape.grad.mean().item() == pytest.approx(1.0, abs=0.02)  # the mean is the shape
    np.testing.assert_array_equal(
        shape.grad.numpy(), hp.ops.gamma_sample_slope(shape.detach(), sample.detach()).numpy()
    )


@pytest.mark.parametrize("shape", [0.1, 1.0, 3.0, 200.0])
@pytest.mark.parametrize("dtype", [hp.float32, hp.float64])
def test_gamma(shape: float, dtype: Any) -> None:
    hp.manual_seed(1)
    drawn = hp._standard_gamma(full(shape, dtype))
    assert drawn.dtype is dtype
    assert stats.kstest(drawn.numpy().astype(float), stats.gamma(shape).cdf).pvalue > 1e-3


def chance(drawn: Any, law: Any) -> float:
    """The p-value of Pearson's test over bins of about equal probability."""
    edges = np.unique(law.ppf(np.linspace(0.01, 0.99, 60)))
    found = np.histogram(drawn, np.concatenate([[-1], edges + 0.5, [1e18]]))[0]
    expected = np.diff(np.concatenate([[0], law.cdf(edges), [1]])) * len(drawn)
    used = expected > 4
    return float(stats.chi2.sf(((found - expected)[used] ** 2 / expected[used]).sum(), max(used.sum() - 1, 1)))


@pytest.mark.parametrize("rate", [0.3, 5.0, 10.0, 30.0, 1e5])
@pytest.mark.parametrize("dtype", [hp.float32, hp.float64])
def test_poisson(rate: float, dtype: Any) -> None:
    hp.manual_seed(2)
    drawn = hp.poisson(full(rate, dtype))
    assert drawn.dtype is dtype
    assert bool((drawn == drawn.floor()).all())
    assert chance(drawn.numpy().astype(float), stats.poisson(rate)) > 1e-3


@pytest.mark.parametrize(("count", "share"), [(1, 0.3), (10, 0.5), (40, 0.9), (100, 0.3), (1e5, 0.4)])
@pytest.mark.parametrize("dtype", [hp.float32, hp.float64])
def test_binomial(count: float, share: float, dtype: Any) -> None:
    hp.manual_seed(3)
    drawn = hp.binomial(full(count, dtype), hp.tensor(share, dtype=dtype)).numpy().astype(float)
    assert 0 <= drawn.min() <= drawn.max() <= count
    assert chance(drawn, stats.binom(count, share)) > 1e-3


@pytest.mark.parametrize("concentration", [1e-8, 0.1, 5.0, 1e4])
@pytest.mark.parametrize("dtype", [hp.float32, hp.float64])
def test_von_mises(concentration: float, dtype: Any) -> None:
    hp.manual_seed(4)
    drawn = hp.ops.von_mises_angle(full(concentration, dtype)).numpy().astype(float)
    assert stats.kstest(drawn, stats.vonmises(concentration).cdf).pvalue > 1e-3


def test_edges_of_the_samplers() -> None:
    nan = hp.tensor([math.nan, -1.0])
    assert all(map(math.isnan, hp.poisson(nan).tolist()))
    assert all(map(math.isnan, hp._standard_gamma(nan).tolist()))
    assert all(map(math.isnan, hp.binomial(hp.tensor([1.0, 2.0]), nan).tolist()))
    assert hp.poisson(hp.zeros(5)).tolist() == [0.0] * 5
    assert hp.binomial(hp.full((3,), 7.0), hp.tensor([0.0, 1.0, 1.0])).tolist() == [0.0, 7.0, 7.0]
    with pytest.raises(RuntimeError, match="poisson"):
        hp.poisson(hp.ones(2, dtype=hp.int64))


def test_the_numbers_are_those_of_the_generator() -> None:
    first = hp.poisson(full(4.0), generator=hp.Generator().manual_seed(5))
    again = hp.poisson(full(4.0), generator=hp.Generator().manual_seed(5))
    assert bool((first == again).all())
    assert not bool((first == hp.poisson(full(4.0), generator=hp.Generator().manual_seed(6))).all())


FILLS = {
    "cauchy_": ((1.0, 2.0), lambda: stats.cauchy(1.0, 2.0)),
    "log_normal_": ((0.5, 0.25), lambda: stats.lognorm(0.25, scale=math.exp(0.5))),
}


@pytest.mark.parametrize("name", FILLS)
def test_fills(name: str) -> None:
    arguments, law = FILLS[name]
    hp.manual_seed(7)
    drawn = getattr(hp.empty(COUNT), name)(*arguments).numpy().astype(float)
    assert stats.kstest(drawn, law().cdf).pvalue > 1e-3
    with pytest.raises(RuntimeError, match=name):
        getattr(hp.empty(2), name)(0.0, -1.0)


@pytest.mark.parametrize("dtype", [hp.float32, hp.int64])
def test_geometric(dtype: Any) -> None:
    hp.manual_seed(8)
    drawn = hp.empty(COUNT, dtype=dtype).geometric_(0.3).numpy().astype(float)
    assert chance(drawn, stats.geom(0.3)) > 1e-3
    with pytest.raises(RuntimeError, match="geometric_"):
        hp.empty(2).geometric_(1.0)
