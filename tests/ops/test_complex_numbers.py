"""Complex numbers through the families that lower them to pairs of reals."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

import hotplug as hp


def draw(*shape: int) -> np.ndarray[Any, Any]:
    numbers = np.random.default_rng(0)
    return np.asarray(numbers.normal(size=shape) + 1j * numbers.normal(size=shape))


@pytest.mark.parametrize("device", ["numpy", "cpu"])
@pytest.mark.parametrize("dim", [0, 1, 2])
@pytest.mark.parametrize("name", ["sum", "prod", "mean", "any", "all", "cumsum", "cumprod"])
def test_reductions_and_scans(torch: ModuleType, name: str, dim: int, device: str) -> None:
    values = draw(3, 7, 4)
    ours = getattr(hp.tensor(values, device=device), name)(dim).cpu().numpy()
    theirs = getattr(torch.tensor(values), name)(dim).numpy()
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, 1e-12)


@pytest.mark.parametrize("zeros", [0, 1, 2])
@pytest.mark.parametrize("name", ["prod", "cumprod"])
def test_the_gradient_of_a_product_is_conjugated(torch: ModuleType, name: str, zeros: int) -> None:
    values = draw(2, 5)
    values[:, 1 : 1 + zeros] = 0
    x, t = hp.tensor(values, requires_grad=True), torch.tensor(values, requires_grad=True)
    (getattr(x, name)(1) * hp.tensor(draw(1, 5)[:, :1])).abs().pow(2).sum().backward()
    (getattr(t, name)(1) * torch.tensor(draw(1, 5)[:, :1])).abs().pow(2).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), 1e-10, 1e-12)


def test_a_product_over_all_dims_and_over_a_strided_view() -> None:
    values = draw(4, 6)
    x = hp.tensor(values)
    np.testing.assert_allclose(x.prod().item(), values.prod(), 1e-12)
    np.testing.assert_allclose(x.t()[::2].prod(0).numpy(), values.T[::2].prod(0), 1e-12)
    np.testing.assert_allclose(hp.tensor(values[:, ::-1].copy()).cumprod(1).numpy(), values[:, ::-1].cumprod(1), 1e-12)


@pytest.mark.parametrize("name", ["amax", "argmax", "sort", "cummax"])
def test_complex_numbers_have_no_order(name: str) -> None:
    if not hasattr(hp, name):
        return
    with pytest.raises(RuntimeError, match="complex"):
        getattr(hp.tensor(draw(3)), name)(0)


@pytest.mark.parametrize("name", ["abs", "sgn", "angle"])
def test_gradients_at_zero_are_pytorchs(torch: ModuleType, name: str) -> None:
    found = []
    for library in (hp, torch):
        z = library.tensor([0j, 3 + 4j], requires_grad=True)
        result = getattr(z, name)()
        (result * result.conj()).real.sum().backward()
        found.append(z.grad.numpy())
    np.testing.assert_allclose(*found, 1e-6, 1e-7)


@pytest.mark.parametrize("device", ["numpy", "cpu"])
@pytest.mark.parametrize("name", ["isnan", "isinf", "isfinite"])
def test_infinities_and_nan_of_either_part(torch: ModuleType, name: str, device: str) -> None:
    values = np.asarray([complex(np.nan, 1), complex(0, np.inf), complex(-np.inf, np.nan), 1 + 1j, 1e308 + 1e308j])
    ours, theirs = getattr(hp, name)(hp.tensor(values, device=device)), getattr(torch, name)(torch.tensor(values))
    assert ours.tolist() == theirs.tolist()
