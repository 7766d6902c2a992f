"""Products of reflections, and older names of linear algebra."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from matrices import plain, regular
from oracle import agree_on, same_error

import hotplug as hp
from hotplug.autograd import gradcheck, gradgradcheck
from hotplug.ops import linalg_factors
from hotplug.tensor import wrap

SHAPES = [(3, 3), (2, 5, 3), (4, 1)]


@pytest.mark.parity
@pytest.mark.parametrize("shape", [*SHAPES, (2, 3, 5), (0, 3), (3, 0)])
def test_geqrf(torch: ModuleType, shape: tuple[int, ...]) -> None:
    def program(t: Any, _: Any, a: Any) -> Any:
        return [*t.geqrf(a), *a.geqrf(), *t.geqrf(t.complex(a, a * a))]

    agree_on(torch, program, [plain(*shape)], order=0)


@pytest.mark.parity
@pytest.mark.parametrize("shape", SHAPES)
def test_householder_product(torch: ModuleType, shape: tuple[int, ...]) -> None:
    a, tau = plain(*shape), plain(*shape[:-2], shape[-1]) * 0.5

    def program(t: Any, _: Any, a: Any, tau: Any) -> Any:
        whole = t.linalg.householder_product(t.complex(a, a * 0.5), t.complex(tau, tau))
        return [
            t.linalg.householder_product(a, tau), t.orgqr(a, tau), t.linalg.householder_product(a, tau[..., :1]),
            t.view_as_real(whole),
        ]  # fmt: skip

    agree_on(torch, program, [a, tau], order=1)


@pytest.mark.parity
@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("transpose", [True, False])
def test_ormqr(torch: ModuleType, left: bool, transpose: bool) -> None:
    a, tau = plain(2, 5, 3), plain(2, 3) * 0.5
    other = plain(2, 5, 4) if left else plain(2, 4, 5)

    def program(t: Any, _: Any, a: Any, tau: Any, c: Any) -> Any:
        return t.ormqr(a, tau, c, left, transpose)

    agree_on(torch, program, [a, tau, other], order=1)


def test_factors_and_products_are_inverse() -> None:
    for device in ("numpy", "cpu"):
        a = hp.tensor(plain(2, 6, 4), device=device)
        packed, tau = hp.geqrf(a)
        q = hp.linalg.householder_product(packed, tau)
        np.testing.assert_allclose((q @ packed[:, :4].triu()).numpy(), a.numpy(), atol=1e-12)
        np.testing.assert_allclose(hp.ormqr(packed, tau, a, transpose=True)[:, 4:].numpy(), 0.0, atol=1e-12)


@pytest.mark.parametrize("shape", [(3, 3), (2, 40, 35), (2, 35, 40), (0, 3)])
def test_the_decomposition_is_lapacks(shape: tuple[int, ...]) -> None:
    a = plain(*shape)
    r, vectors, taus = (wrap(each).numpy() for each in linalg_factors.reflections(hp.tensor(a, device="numpy")._array))
    packed, tau = hp.geqrf(hp.tensor(a))
    np.testing.assert_allclose(taus, tau.numpy(), rtol=1e-8)
    below = np.tril(packed.numpy(), -1)[..., : vectors.shape[-1]]
    np.testing.assert_allclose(np.tril(vectors, -1), below, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(r, np.triu(packed.numpy()), rtol=1e-7, atol=1e-9)


def test_gradients_to_second_order() -> None:
    given = [
        hp.tensor(plain(4, 3), requires_grad=True),
        hp.tensor([0.5, 0.0, -0.3], dtype=hp.float64, requires_grad=True),
    ]
    for function in (hp.linalg.householder_product, lambda a, tau: hp.ormqr(a, tau, a)):
        assert gradcheck(function, given)
        assert gradgradcheck(function, given)


def test_older_names() -> None:
    a, b = hp.tensor(regular(3, 3)), hp.tensor(plain(3, 2))
    for upper in (True, False):
        for transpose in (True, False):
            found = hp.triangular_solve(b, a, upper, transpose)
            side = a.triu() if upper else a.tril()
            np.testing.assert_allclose(
                ((side.mT if transpose else side) @ found.solution).numpy(), b.numpy(), atol=1e-12
            )
            np.testing.assert_array_equal(found.cloned_coefficient.numpy(), a.numpy())
    packed, pivots, info = a.lu(get_infos=True)
    assert info.item() == 0
    np.testing.assert_allclose(b.lu_solve(packed, pivots).numpy(), hp.linalg.solve(a, b).numpy(), atol=1e-12)
    assert len(hp.lu(a)) == 2


@pytest.mark.parity
@pytest.mark.parametrize("shape", [(9, 7), (2, 6, 8)])
def test_low_rank(torch: ModuleType, shape: tuple[int, ...]) -> None:
    """Of matrices of rank 3 all is found, whatever the random vectors."""
    hp.manual_seed(0)
    values = plain(*shape[:-1], 3) @ plain(3, shape[-1])
    a = hp.tensor(values)
    for found, matrix in (
        (hp.svd_lowrank(a, q=4), values),
        (hp.pca_lowrank(a, q=4), values - values.mean(-2, keepdims=True)),
    ):
        u, s, v = (each.numpy() for each in found)
        np.testing.assert_allclose((u * s[..., None, :]) @ v.swapaxes(-2, -1), matrix, atol=1e-10)
        np.testing.assert_allclose(s, np.linalg.svd(matrix)[1][..., :4], atol=1e-10)
    for name, given in (("svd_lowrank", {}), ("pca_lowrank", {}), ("pca_lowrank", {"q": 2, "center": False})):
        ours, theirs = (getattr(t, name)(t.tensor(values), **given) for t in (hp, torch))
        assert [tuple(each.shape) for each in ours] == [tuple(each.shape) for each in theirs]
    less = hp.svd_lowrank(a, q=2, M=a * 0.5)
    full = hp.linalg.svdvals(a * 0.5)
    np.testing.assert_allclose(less.S.numpy()[..., 0], full.numpy()[..., 0], rtol=1e-2)


BAD: dict[str, Any] = {
    "wide": lambda t, F: t.linalg.householder_product(t.ones(2, 3), t.ones(2)),
    "too many factors": lambda t, F: t.linalg.householder_product(t.ones(3, 2), t.ones(3)),
    "batch": lambda t, F: t.linalg.householder_product(t.ones(2, 3, 2), t.ones(3, 2)),
    "dtypes": lambda t, F: t.linalg.householder_product(t.ones(3, 2), t.ones(2, dtype=t.float64)),
    "vector": lambda t, F: t.geqrf(t.ones(3)),
    "sizes": lambda t, F: t.ormqr(t.ones(3, 2), t.ones(2), t.ones(4, 2)),
    "components": lambda t, F: t.pca_lowrank(t.ones(3, 2), q=3),
    "side": lambda t, F: t.ormqr(t.ones(3, 2), t.ones(2), t.ones(3, 2), left=False),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", BAD)
def test_errors(torch: ModuleType, name: str) -> None:
    same_error(torch, BAD[name])
