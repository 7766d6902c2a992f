"""Linear algebra against PyTorch: values, gradients to second order, complex numbers, batches, empty matrices."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from matrices import DRAW, NDArray, definite, factor, graded, hermitian, lower, plain, regular, weighted
from oracle import agree_on, listed

import hotplug as hp
from hotplug.autograd import gradcheck, gradgradcheck


def eigh(t: Any, a: Any, **options: Any) -> Any:
    w, v = t.linalg.eigh(a, **options)
    return w, weighted(t, v, v.mT.conj())


def eig(t: Any, a: Any) -> Any:
    w, v = t.linalg.eig(a)
    return t.view_as_real(w.sum(-1)), t.view_as_real((v * (w * w)[..., None, :]) @ t.linalg.inv(v))


def svd(t: Any, a: Any, full: bool = False) -> Any:
    u, s, vh = t.linalg.svd(a, full_matrices=full)
    k = s.shape[-1]
    u, vh = u[..., :k], vh[..., :k, :]
    return s, weighted(t, u, vh), weighted(t, u, u.mT.conj()), weighted(t, vh.mT.conj(), vh)


def legacy_svd(t: Any, a: Any) -> Any:
    u, s, v = t.svd(a)
    return s, weighted(t, u, v.mT.conj())


def lu_solve(t: Any, a: Any, b: Any, **options: Any) -> Any:
    return t.linalg.lu_solve(*t.linalg.lu_factor(a), b, **options)


PROGRAMS: dict[str, tuple[Any, ...]] = {
    "solve": (lambda t, a, b: t.linalg.solve(a, b), regular(3, 3), plain(3, 2)),
    "solve of a vector": (lambda t, a, b: t.linalg.solve(a, b), regular(3, 3), plain(3)),
    "solve of vectors": (lambda t, a, b: t.linalg.solve(a, b), regular(2, 3, 3), plain(2, 3)),
    "solve broadcast": (lambda t, a, b: t.linalg.solve(a, b), regular(2, 1, 3, 3), plain(4, 3, 2)),
    "solve on the right": (lambda t, a, b: t.linalg.solve(a, b, left=False), regular(3, 3), plain(2, 2, 3)),
    "solve_ex": (lambda t, a, b: t.linalg.solve_ex(a, b), regular(2, 3, 3), plain(2, 3, 1)),
    "solve_ex broadcast": (lambda t, a, b: t.linalg.solve_ex(a, b), regular(2, 1, 3, 3), plain(4, 3, 2)),
    "solve of nothing": (lambda t, a, b: t.linalg.solve(a, b), plain(2, 0, 0), plain(2, 0, 3)),
    "inv": (lambda t, a: t.linalg.inv(a), regular(2, 3, 3)),
    "inverse": (lambda t, a: a.inverse(), regular(1, 1)),
    "inv_ex": (lambda t, a: t.linalg.inv_ex(a), regular(3, 3)),
    "inv of nothing": (lambda t, a: t.linalg.inv(a), plain(0, 0)),
    "det": (lambda t, a: t.linalg.det(a), regular(2, 3, 3)),
    "det of one": (lambda t, a: a.det(), plain(1, 1)),
    "slogdet": (lambda t, a: t.linalg.slogdet(a), regular(2, 3, 3)),
    "logdet": (lambda t, a: t.logdet(a @ a.mT.conj()), regular(2, 3, 3)),
    "tensorinv": (lambda t, a: t.linalg.tensorinv(a.reshape(2, 3, 6)), regular(6, 6)),
    "tensorsolve": (lambda t, a, b: t.linalg.tensorsolve(a.reshape(2, 3, 6), b), regular(6, 6), plain(2, 3)),
    "tensorsolve moved": (
        lambda t, a, b: t.linalg.tensorsolve(a.reshape(6, 2, 3), b, dims=(0,)), regular(6, 6), plain(2, 3),
    ),
    "solve_triangular": (lambda t, a, b: t.linalg.solve_triangular(a, b, upper=False), lower(3, 3), plain(3, 2)),
    "solve_triangular upper": (
        lambda t, a, b: t.linalg.solve_triangular(a, b, upper=True), regular(2, 1, 4, 4), plain(3, 4, 2),
    ),
    "solve_triangular right": (
        lambda t, a, b: t.linalg.solve_triangular(a, b, upper=True, left=False, unitriangular=True),
        regular(3, 3), plain(2, 2, 3),
    ),
    "cholesky": (lambda t, a: t.linalg.cholesky(definite(t, a)), plain(2, 3, 3)),
    "cholesky upper": (lambda t, a: t.linalg.cholesky(definite(t, a), upper=True), plain(3, 3)),
    "cholesky_ex": (lambda t, a: t.linalg.cholesky_ex(definite(t, a)), plain(2, 3, 3)),
    "cholesky of nothing": (lambda t, a: t.linalg.cholesky(a), plain(2, 0, 0)),
    "cholesky_solve": (lambda t, a, b: t.cholesky_solve(b, factor(t, a)), regular(2, 3, 3), plain(2, 3, 2)),
    "cholesky_solve upper": (
        lambda t, a, b: b.cholesky_solve(factor(t, a).mT.conj(), True), regular(3, 3), plain(2, 3, 1),
    ),
    "cholesky_inverse": (lambda t, a: t.cholesky_inverse(factor(t, a)), regular(2, 3, 3)),
    "qr": (lambda t, a: t.linalg.qr(a), regular(2, 4, 3)),
    "qr square": (lambda t, a: t.linalg.qr(a, mode="complete"), regular(3, 3)),
    "qr wide": (lambda t, a: t.linalg.qr(a), regular(2, 5)),
    "qr wide complete": (lambda t, a: t.linalg.qr(a, "complete"), regular(2, 2, 3)),
    "qr of nothing": (lambda t, a: t.linalg.qr(a), plain(0, 3)),
    "qr of no columns": (lambda t, a: t.linalg.qr(a), plain(3, 0)),
    "lu": (lambda t, a: t.linalg.lu(a), plain(2, 3, 3)),
    "lu tall": (lambda t, a: t.linalg.lu(a), plain(4, 2)),
    "lu wide": (lambda t, a: t.linalg.lu(a), plain(2, 4)),
    "lu_factor": (lambda t, a: t.linalg.lu_factor(a), plain(3, 4, 4)),
    "lu_factor_ex": (lambda t, a: t.linalg.lu_factor_ex(a), plain(2, 3)),
    "lu_unpack": (lambda t, a: t.lu_unpack(*t.linalg.lu_factor(a)), plain(2, 3, 3)),
    "lu_solve": (lu_solve, plain(2, 3, 3), plain(2, 3, 2)),
    "lu_solve adjoint": (lambda t, a, b: lu_solve(t, a, b, adjoint=True), plain(2, 3, 3), plain(3, 2)),
    "lu_solve right": (lambda t, a, b: lu_solve(t, a, b, left=False), plain(3, 3), plain(2, 2, 3)),
    "lu_solve right adjoint": (
        lambda t, a, b: lu_solve(t, a, b, left=False, adjoint=True), plain(3, 3), plain(2, 3),
    ),
    "eigh": (lambda t, a: eigh(t, hermitian(a)), graded(2, 3, 3)),
    "eigh upper": (lambda t, a: eigh(t, hermitian(a), UPLO="U"), graded(3, 3)),
    "eigvalsh": (lambda t, a: t.linalg.eigvalsh(hermitian(a)), graded(2, 3, 3)),
    "eig": (eig, graded(2, 3, 3)),
    "eigvals": (lambda t, a: t.view_as_real((t.linalg.eigvals(a) ** 2).sum(-1)), graded(2, 3, 3)),
    "svd": (svd, graded(2, 3, 3)),
    "svd tall": (svd, graded(4, 2)),
    "svd wide": (svd, graded(2, 2, 4)),
    "svd of old": (legacy_svd, graded(3, 2)),
    "svdvals": (lambda t, a: t.linalg.svdvals(a), graded(2, 4, 3)),
    "pinv": (lambda t, a: t.linalg.pinv(a), graded(2, 4, 3)),
    "pinv wide": (lambda t, a: t.linalg.pinv(a, rtol=0.01), graded(2, 3)),
    "pinv hermitian": (lambda t, a: t.linalg.pinv(hermitian(a), hermitian=True), graded(3, 3)),
    "pinverse": (lambda t, a: a.pinverse(), graded(3, 3)),
    "lstsq": (lambda t, a, b: t.linalg.lstsq(a, b).solution, regular(2, 4, 3), plain(2, 4, 2)),
    "lstsq wide": (lambda t, a, b: t.linalg.lstsq(a, b, driver="gels").solution, regular(2, 4), plain(2, 1)),
    "lstsq of vectors": (lambda t, a, b: t.linalg.lstsq(a, b, driver="gelsd").solution, regular(2, 4, 3), plain(2, 4)),
    "matrix_exp": (lambda t, a: t.linalg.matrix_exp(a), plain(2, 3, 3)),
    "matrix_exp small": (lambda t, a: (a * 0.01).matrix_exp(), plain(2, 2)),
    "matrix_exp of nothing": (lambda t, a: t.matrix_exp(a), plain(0, 0)),
    "matrix_power of the inverse": (lambda t, a: t.linalg.matrix_power(a, -2), regular(2, 3, 3)),
    "multi_dot": (lambda t, a, b: t.linalg.multi_dot([a, b, a.mT]), plain(2, 3), plain(3, 3)),
    "diagonal": (lambda t, a: t.linalg.diagonal(a, offset=1), plain(2, 3, 4)),
    "matmul": (lambda t, a, b: t.linalg.matmul(a, b), plain(2, 3), plain(3, 2)),
    "vander": (lambda t, a: t.linalg.vander(a.detach(), N=3) * a[..., None], plain(4)),
}  # fmt: skip


def with_no_arguments_of_functional(program: Any) -> Any:
    return lambda t, _, *given: program(t, *given)


@pytest.mark.parity
@pytest.mark.parametrize("name", PROGRAMS)
def test_values_and_gradients(torch: ModuleType, name: str) -> None:
    program, *arrays = PROGRAMS[name]
    agree_on(torch, with_no_arguments_of_functional(program), arrays)


NOT_COMPLEX = ("vander", "matrix_exp of nothing")


def to_complex(values: NDArray) -> NDArray:
    return values + 1j * 0.5 * DRAW(1).normal(size=values.shape)


@pytest.mark.parity
@pytest.mark.parametrize("name", [name for name in PROGRAMS if name not in NOT_COMPLEX])
def test_complex_values_and_gradients(torch: ModuleType, name: str) -> None:
    """The gradients of a real cubic of the outputs, and the gradients of their squares."""
    program, *arrays = PROGRAMS[name]
    found = []
    for library in (hp, torch):
        given = [library.tensor(to_complex(each), requires_grad=True) for each in arrays]
        values = listed(program(library, *given))
        results = [*values]
        values = [value for value in values if value.requires_grad]
        for _ in range(2):
            total = sum((value.abs() ** 2).sum() + (value * value).real.sum() for value in values)
            values = list(library.autograd.grad(total, given, create_graph=True))
            results.extend(values)
        found.append(results)
    for ours, theirs in zip(*found, strict=True):
        assert tuple(ours.shape) == tuple(theirs.shape)
        assert str(ours.dtype).partition(".")[2] == str(theirs.dtype).partition(".")[2]
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().resolve_conj().numpy(), 1e-7, 1e-8)


DOUBLY: dict[str, tuple[Any, ...]] = {
    name: PROGRAMS[name] for name in (
        "solve", "inv", "det", "slogdet", "solve_triangular", "cholesky", "qr", "qr wide", "lu", "lu tall", "lu wide",
        "lu_solve", "eigh", "eigvalsh", "svd", "svd tall", "pinv", "lstsq", "matrix_exp",
    )
}  # fmt: skip


@pytest.mark.parametrize("name", DOUBLY)
def test_gradients_to_second_order(name: str) -> None:
    """By difference quotients, which know no formula."""
    program, *arrays = DOUBLY[name]
    given = [hp.tensor(each[0] if each.ndim == 3 else each, requires_grad=True, device="numpy") for each in arrays]

    def on_numpy(*tensors: Any) -> Any:
        with hp.device("numpy"):
            return [each for each in listed(program(hp, *tensors)) if each.requires_grad]

    assert gradcheck(on_numpy, given)
    assert gradgradcheck(on_numpy, given)


# --- singular matrices, conventions ----------------------------------------------------------------------------------


@pytest.mark.parity
def test_singular_matrices_without_an_error(torch: ModuleType) -> None:
    def program(t: Any, _: Any, a: Any) -> Any:
        return [
            t.det(a), *t.linalg.slogdet(a), t.logdet(a), t.linalg.lu_factor_ex(a).info, t.linalg.inv_ex(a).info,
            t.linalg.solve_ex(a, a).info, *t.linalg.lu(a), t.linalg.cholesky_ex(-a).info,
        ]  # fmt: skip

    zero = np.zeros((3, 3))
    agree_on(torch, program, [np.stack([zero, np.diag([1.0, 0.0, 2.0]), np.diag([1.0, 2.0, 0.0])])], order=0)


@pytest.mark.parity
def test_determinants_of_nothing(torch: ModuleType) -> None:
    for shape in ((2, 0, 0), (0, 3, 3)):
        agree_on(torch, lambda t, F, a: [t.linalg.det(a), *t.linalg.slogdet(a)], [plain(*shape)], order=1)


def test_gradient_of_the_determinant_of_a_singular_matrix() -> None:
    """The cofactors, by definition; PyTorch gives zeros here."""
    values = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.5, -1.0, 2.0]])
    a = hp.tensor(values, requires_grad=True)
    cofactors = np.empty((3, 3))
    for i, j in np.ndindex(3, 3):
        cofactors[i, j] = (-1) ** (i + j) * np.linalg.det(np.delete(np.delete(values, i, 0), j, 1))
    np.testing.assert_allclose(hp.autograd.grad(hp.linalg.det(a), a)[0].numpy(), cofactors, atol=1e-9)
    assert gradcheck(hp.det, [a])


@pytest.mark.parity
def test_older_names(torch: ModuleType) -> None:
    """Those that PyTorch deprecates: their newer ones are the oracle."""
    a, b = hp.tensor(regular(3, 3)), hp.tensor(plain(3, 1))
    theirs = torch.linalg.solve(torch.tensor(a.numpy()), torch.tensor(b.numpy()))
    np.testing.assert_allclose(b.lu_solve(*hp.linalg.lu_factor(a)).numpy(), theirs.numpy(), rtol=1e-12)
    q, r = a.qr(some=False)
    np.testing.assert_allclose((q @ r).numpy(), a.numpy(), rtol=1e-12)
    upper = definite(hp, a).cholesky(upper=True)
    np.testing.assert_allclose((upper.mT @ upper).numpy(), definite(hp, a).numpy(), rtol=1e-12)


@pytest.mark.parity
def test_full_singular_vectors_are_orthonormal(torch: ModuleType) -> None:
    a = hp.tensor(graded(2, 2, 4))
    u, s, vh = hp.linalg.svd(a)
    assert [tuple(each.shape) for each in (u, s, vh)] == [(2, 2, 2), (2, 2), (2, 4, 4)]
    np.testing.assert_allclose((vh @ vh.mT).numpy(), np.broadcast_to(np.eye(4), (2, 4, 4)), atol=1e-12)
    np.testing.assert_allclose((u * s.unsqueeze(-2) @ vh[:, :2]).numpy(), a.numpy(), atol=1e-12)
    zeros = hp.svd(a, compute_uv=False)
    theirs = torch.svd(torch.tensor(a.numpy()), compute_uv=False)
    assert [tuple(each.shape) for each in zeros] == [tuple(each.shape) for each in theirs]


def test_eigenvectors_are_of_norm_1_and_solve_their_equation() -> None:
    for values in (graded(2, 3, 3), to_complex(graded(2, 3, 3))):
        a = hp.tensor(values)
        w, v = hp.linalg.eig(a)
        np.testing.assert_allclose((a.to(v.dtype) @ v).numpy(), (v * w.unsqueeze(-2)).numpy(), atol=1e-11)
        np.testing.assert_allclose(hp.linalg.vector_norm(v, dim=-2).numpy(), np.ones((2, 3)), atol=1e-12)


def test_results_are_named() -> None:
    a = hp.tensor(regular(3, 3))
    names = {
        "solve_ex": "result info", "inv_ex": "inverse info", "slogdet": "sign logabsdet", "qr": "Q R", "lu": "P L U",
        "lu_factor": "LU pivots", "lu_factor_ex": "LU pivots info", "eigh": "eigenvalues eigenvectors", "svd": "U S Vh",
        "eig": "eigenvalues eigenvectors", "cholesky_ex": "L info",
        "lstsq": "solution residuals rank singular_values",
    }  # fmt: skip
    for name, fields in names.items():
        given = (a, a) if name in ("solve_ex", "lstsq") else (a @ a.mT,)
        assert " ".join(getattr(hp.linalg, name)(*given)._fields) == fields


@pytest.mark.parity
def test_a_matrix_that_is_no_batch_of_its_own(torch: ModuleType) -> None:
    """Views of every layout: the transposed, the reversed, the broadcast."""
    values = regular(4, 4)
    for turn in (lambda a: a.mT, lambda a: a.flip(0), lambda a: a.expand(2, 4, 4), lambda a: a[::2, ::2]):
        ours, theirs = turn(hp.tensor(values)), turn(torch.tensor(values))
        np.testing.assert_allclose(hp.linalg.inv(ours).numpy(), torch.linalg.inv(theirs).numpy(), atol=1e-12)
        np.testing.assert_allclose(hp.linalg.qr(ours).R.numpy(), torch.linalg.qr(theirs).R.numpy(), atol=1e-12)
