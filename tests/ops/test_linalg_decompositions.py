"""The factors that devices without LAPACK compute, block by block, against LAPACK."""

from __future__ import annotations

import numpy as np
import pytest
from devices import needed
from matrices import NDArray, plain, regular

import hotplug as hp
from hotplug.ops import linalg_arrays, linalg_factors
from hotplug.tensor import wrap

SQUARES = [(1, 1), (2, 5, 5), (2, 32, 32), (33, 33), (2, 70, 70)]
OBLONGS = [(3, 1), (1, 4), (2, 40, 35), (2, 35, 40), (70, 20), (20, 70), (0, 3), (3, 0), (2, 0, 0)]
KINDS = [np.float64, np.complex128]


def of_kind(values: NDArray, kind: type) -> NDArray:
    return (values + 0.5j * np.roll(values, 1)).astype(kind) if kind is np.complex128 else values.astype(kind)


def on_reference(values: NDArray) -> hp.Tensor:
    return hp.tensor(values, device="numpy")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SQUARES)
def test_cholesky(shape: tuple[int, ...], kind: type) -> None:
    a = of_kind(plain(*shape), kind)
    matrix = a @ a.swapaxes(-2, -1).conj() + np.eye(shape[-1])
    found = wrap(linalg_factors.cholesky(on_reference(matrix)._array)).numpy()
    expected = np.linalg.cholesky(matrix)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11 * np.abs(expected).max())


@pytest.mark.parametrize("bad", [0, 3, 40])
def test_cholesky_marks_the_first_bad_minor(bad: int) -> None:
    matrix = np.eye(50)
    matrix[bad, bad] = -1
    lower = linalg_factors.cholesky(on_reference(matrix)._array)
    info = wrap(linalg_factors.first_bad(linalg_arrays.diagonal(lower), True))
    assert info.item() == bad + 1
    assert info.item() == hp.linalg.cholesky_ex(hp.tensor(matrix)).info.item()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SQUARES + OBLONGS)
def test_lu(shape: tuple[int, ...], kind: type) -> None:
    """The same pivots as LAPACK's, which the kernel of the host takes too."""
    a = of_kind(plain(*shape), kind)
    packed, pivots = linalg_factors.lu(on_reference(a)._array)
    expected = hp.linalg.lu_factor(hp.tensor(a))
    np.testing.assert_array_equal(wrap(pivots).numpy(), expected.pivots.numpy())
    np.testing.assert_allclose(wrap(packed).numpy(), expected.LU.numpy(), rtol=1e-7, atol=1e-9)
    p, lower, upper = hp.lu_unpack(wrap(packed), wrap(pivots))
    np.testing.assert_allclose((p @ lower @ upper).numpy(), a, atol=1e-11)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SQUARES + OBLONGS)
def test_qr(shape: tuple[int, ...], kind: type) -> None:
    a = of_kind(plain(*shape), kind)
    m, n = shape[-2:]
    for mode, columns in (("reduced", min(m, n)), ("complete", m)):
        q, r = (wrap(each).numpy() for each in linalg_factors.qr(on_reference(a)._array, columns))
        expected_q, expected_r = np.linalg.qr(a, mode)  # type: ignore[call-overload]
        rows = expected_r.shape[-2]
        np.testing.assert_allclose(r[..., :rows, :], expected_r, rtol=1e-7, atol=1e-10)
        np.testing.assert_allclose(q, expected_q, rtol=1e-7, atol=1e-10)


def test_qr_of_zeros_and_of_triangles() -> None:
    """Columns that need no reflection have tau 0, as in LAPACK."""
    for a in (np.zeros((4, 3)), np.triu(plain(4, 4)), np.triu(plain(4, 4)) * 1j):
        q, r = (wrap(each).numpy() for each in linalg_factors.qr(on_reference(a)._array, a.shape[-1]))
        np.testing.assert_allclose(q @ r[: q.shape[-1]], a, atol=1e-12)
        np.testing.assert_allclose(q.conj().T @ q, np.eye(q.shape[-1]), atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("unit", [False, True])
@pytest.mark.parametrize("size", [1, 7, 32, 45, 96])
def test_triangles(size: int, upper: bool, unit: bool, kind: type) -> None:
    """What is on the other side of the diagonal is NaN: it is not read."""
    side = np.triu if upper else np.tril
    a = of_kind(regular(2, size, size), kind) / size**0.5
    b = of_kind(plain(2, size, 3), kind)
    given = np.where(side(np.ones((size, size), bool)), a, np.nan)
    found = wrap(linalg_arrays.solve_triangle(on_reference(given)._array, on_reference(b)._array, upper, unit)).numpy()
    exact = side(a)
    if unit:
        exact[..., range(size), range(size)] = 1
    np.testing.assert_allclose(exact @ found, b, atol=1e-9 * np.abs(found).max())


def test_blocks_on_opencl() -> None:
    needed("opencl:0")
    values = regular(40, 40).astype(np.float32)
    a = hp.tensor(values, device="opencl:0")
    b = hp.tensor(plain(40, 3).astype(np.float32), device="opencl:0")
    with hp.host_policy("error"):
        found = [hp.linalg.solve(a, b), hp.linalg.qr(a).R, hp.linalg.cholesky(a @ a.mT)]
    wide = values.astype(np.float64)
    expected = [np.linalg.solve(wide, plain(40, 3)), np.linalg.qr(wide).R, np.linalg.cholesky(wide @ wide.T)]
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours.cpu().numpy(), theirs, atol=1e-3 * np.abs(theirs).max())
