"""``hp.special`` against SciPy in float64, over whole ranges and at special values; derivatives to second order."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import hotplug as hp
from hotplug.autograd import gradcheck, gradgradcheck
from hotplug.errors import ArgumentError, AutogradError

scipy_special = pytest.importorskip("scipy.special", reason="the oracle; it comes with the extras cpu and test")

ONE = {
    "digamma": (-5.3, 8), "entr": (-1, 3), "erfcx": (-3, 30), "erfinv": (-1, 1), "i0": (-30, 30), "i0e": (-30, 60),
    "i1": (-30, 30), "i1e": (-30, 60), "gammaln": (-5.3, 8), "log_ndtr": (-40, 8), "ndtr": (-9, 8), "ndtri": (0, 1),
    "psi": (0.1, 8), "expit": (-30, 30), "logit": (0, 1), "exp2": (-5, 5),
}  # fmt: skip
"""Functions of one number, and the range from which arguments are drawn."""

SPECIAL = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan]


def error(found: Any, expected: Any) -> float:
    """The largest relative error; what is not finite must be the same."""
    found, expected = (np.asarray(each, dtype=np.float64) for each in (found, expected))
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(found[~finite], expected[~finite])
    scale = np.maximum(np.abs(expected[finite]), 1e-300)
    return float(np.max(np.abs(found[finite] - expected[finite]) / scale, initial=0.0))


@pytest.mark.parametrize("name", ONE)
def test_of_one_number(name: str) -> None:
    low, high = ONE[name]
    x = np.random.default_rng(0).uniform(low, high, 3000)
    expected = getattr(scipy_special, name)(x)
    # Near its zeros the value is a difference: there the error is that of the terms.
    away = np.abs(expected) > 0.05 if name in ("digamma", "gammaln", "psi", "entr", "logit") else np.full(x.shape, True)
    assert error(getattr(hp.special, name)(hp.tensor(x)).numpy()[away], expected[away]) < 2e-13
    narrow = x.astype(np.float32)
    expected = getattr(scipy_special, name)(narrow.astype(np.float64))
    assert error(getattr(hp.special, name)(hp.tensor(narrow)).numpy()[away], expected[away]) < 5e-6


@pytest.mark.parametrize("name", sorted(set(ONE) - {"digamma", "psi", "gammaln", "logit"}))
def test_special_values(name: str) -> None:
    with np.errstate(all="ignore"):
        expected = getattr(scipy_special, name)(np.asarray(SPECIAL))
    assert error(getattr(hp.special, name)(hp.tensor(SPECIAL, dtype=hp.float64)).numpy(), expected) < 1e-15


@pytest.mark.parametrize("order", [0, 1, 2, 3, 7])
def test_polygamma(order: int) -> None:
    x = np.random.default_rng(order).uniform(0.1, 10, 500)
    away = np.abs(scipy_special.polygamma(order, x)) > 0.05
    assert (
        error(hp.special.polygamma(order, hp.tensor(x)).numpy()[away], scipy_special.polygamma(order, x)[away]) < 1e-13
    )


def test_polygamma_as_a_method() -> None:
    x = hp.tensor([0.5, 2.0])
    assert x.polygamma(2).tolist() == hp.polygamma(2, x).tolist()


@pytest.mark.parity
def test_trigamma_left_of_zero(torch: Any) -> None:
    x = np.random.default_rng(0).uniform(-6, 0, 200)
    expected = torch.special.polygamma(1, torch.tensor(x)).numpy()  # PyTorch's own is right to ten digits here
    assert error(hp.special.polygamma(1, hp.tensor(x)).numpy(), expected) < 1e-9


def test_zeta() -> None:
    draw = np.random.default_rng(0)
    exponent, start = draw.uniform(1.1, 30, 500), draw.uniform(0.1, 10, 500)
    assert (
        error(hp.special.zeta(hp.tensor(exponent), hp.tensor(start)).numpy(), scipy_special.zeta(exponent, start))
        < 1e-14
    )
    assert hp.special.zeta(2.0, hp.tensor(1.0, dtype=hp.float64)).item() == pytest.approx(math.pi**2 / 6, rel=1e-15)
    assert hp.special.zeta(hp.tensor([1.0, 0.5, 2.0]), hp.tensor([1.0, 1.0, 0.0])).tolist()[::2] == [math.inf, math.inf]
    with pytest.raises(AutogradError, match="first argument"):
        hp.special.zeta(hp.tensor(2.0, requires_grad=True), hp.tensor(1.0)).backward()


def test_xlog1py() -> None:
    first, second = (each.reshape(-1) for each in np.meshgrid([0.0, 1.5, -2.0, math.nan], [0.0, 2.0, -1.0, math.nan]))
    with np.errstate(all="ignore"):
        expected = scipy_special.xlog1py(first, second)
    assert error(hp.special.xlog1py(hp.tensor(first), hp.tensor(second)).numpy(), expected) < 1e-15


def test_multigammaln() -> None:
    x = np.random.default_rng(0).uniform(1.6, 9, 50)
    assert error(hp.special.multigammaln(hp.tensor(x), 4).numpy(), scipy_special.multigammaln(x, 4)) < 1e-13
    with pytest.raises(ArgumentError, match="p has to be"):
        hp.mvlgamma(hp.tensor(x), 0)
    with pytest.raises(ArgumentError, match="negative n"):
        hp.polygamma(-1, hp.tensor(x))


@pytest.mark.parametrize("name", sorted(set(ONE) - {"psi", "expit", "exp2"}))
def test_gradients(name: str) -> None:
    x = hp.tensor([0.3, 0.6, 0.8], dtype=hp.float64, requires_grad=True)
    assert gradcheck(getattr(hp.special, name), [x])
    assert gradgradcheck(getattr(hp.special, name), [x])


@pytest.mark.parametrize("order", [1, 2])
def test_gradients_of_polygamma(order: int) -> None:
    x = hp.tensor([0.7, 1.6, 3.1], dtype=hp.float64, requires_grad=True)
    assert gradcheck(lambda x: hp.polygamma(order, x), [x])
    assert gradgradcheck(lambda x: hp.polygamma(order, x), [x])
