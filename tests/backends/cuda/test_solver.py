"""Linear algebra by models of cuSOLVER and cuBLAS on the emulated device: layouts, pivots, signs, infos, workspaces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from cuda_library import installed

import hotplug as hp
from hotplug.backend import OpKey
from hotplug.backends.cuda.compile_check import complaints
from hotplug.backends.cuda.device import Device
from hotplug.backends.cuda.recorder import RecordingMachine
from hotplug.backends.cuda.solver import SMALL, TINY
from hotplug.backends.cuda.solver_kernels import OVERRIDES, sources
from hotplug.conformance.compare import check
from hotplug.conformance.tolerance import Tolerance, tolerance_of
from hotplug.errors import LinAlgError
from hotplug.runtime import Runtime

pytest.importorskip("scipy", reason="the models compute with SciPy's LAPACK")
from cuda_solver import ModelOfBlas, ModelOfSolver

DEVICE = "cuda-emulated:0"
KINDS = "float32 float64 complex64 complex128".split()
BATCHES: tuple[tuple[int, ...], ...] = ((), (3,), (2, 2))


class Models:
    def __init__(self) -> None:
        self.solver, self.blas = ModelOfSolver(), ModelOfBlas()

    @property
    def calls(self) -> set[str]:
        """Routines by name, without the letter of the dtype."""
        names = [each.removeprefix("cusolverDn").removeprefix("cublas") for each in self.solver.calls + self.blas.calls]
        return {name[1:] for name in names}


@pytest.fixture
def models(emulated: Runtime) -> Iterator[Models]:
    """The emulated device with the models."""
    found = Models()
    with installed(emulated, cusolver=found.solver, cublas=found.blas):
        yield found


def _drawn(kind: str, shape: tuple[int, ...], seed: int = 0) -> Any:
    draw = np.random.default_rng(seed)
    values = draw.standard_normal(shape) + (1j * draw.standard_normal(shape) if kind.startswith("c") else 0)
    return hp.tensor(values.astype(kind))


def _layouts(x: Any) -> list[Any]:
    """The same matrices in C order, by columns, with gaps, and as one of a batch."""
    wide = hp.zeros(*x.shape[:-1], 2 * x.shape[-1], dtype=x.dtype)
    wide[..., ::2] = x
    there = [each.to(DEVICE) for each in (x, x.transpose(-1, -2).contiguous(), wide)]
    return [there[0], there[1].transpose(-1, -2), there[2][..., ::2]]


def _near(found: Any, expected: Any, name: str, wider: int = 1) -> None:
    rule: Tolerance = tolerance_of(name)
    rule = rule._replace(wide=rule.wide * wider, complex=rule.complex * wider)
    for ours, theirs in zip(found, expected, strict=True):
        check(ours.cpu().resolve_conj().numpy(), theirs.numpy(), theirs.dtype, rule, name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch", BATCHES)
def test_factors(models: Models, kind: str, batch: tuple[int, ...]) -> None:
    square = _drawn(kind, (*batch, 5, 5))
    positive = square @ square.mH + 3 * hp.eye(5, dtype=square.dtype)
    for given in _layouts(positive):
        _near(hp.linalg.cholesky_ex(given), hp.linalg.cholesky_ex(positive), "cholesky")
    for shape in ((5, 5), (4, 6), (6, 3)):
        x = _drawn(kind, (*batch, *shape), 1)
        for given in _layouts(x):
            _near(hp.linalg.lu_factor_ex(given), hp.linalg.lu_factor_ex(x), "lu")
            for mode in ("reduced", "complete", "r"):
                _near(hp.linalg.qr(given, mode), hp.linalg.qr(x, mode), "qr")
            _near(hp.geqrf(given), hp.geqrf(x), "geqrf")
    assert {"potrfBatched", "getrfBatched"} <= models.calls if batch else {"potrf", "getrf"} <= models.calls


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch", BATCHES)
def test_systems(models: Models, kind: str, batch: tuple[int, ...]) -> None:
    a, b = _drawn(kind, (*batch, 5, 5), 2) + 5 * hp.eye(5).to(getattr(hp, kind)), _drawn(kind, (*batch, 5, 3), 3)
    for left, right in zip(_layouts(a), _layouts(b), strict=True):
        _near([hp.linalg.solve(left, right)], [hp.linalg.solve(a, b)], "solve")
        _near([hp.linalg.inv(left)], [hp.linalg.inv(a)], "inv")
        _near([hp.linalg.det(left)], [hp.linalg.det(a)], "det", 4)
        for upper in (False, True):
            for unit in (False, True):
                options = {"upper": upper, "unitriangular": unit}
                theirs = hp.linalg.solve_triangular(a / 4, b, **options)
                _near([hp.linalg.solve_triangular(left / 4, right, **options)], [theirs], "solve_triangular", 4)
    assert {"getrsBatched", "trsmBatched"} <= models.calls if batch else {"getrs", "trsm_v2"} <= models.calls


def test_matrices_too_large_for_batched_routines_go_one_by_one(models: Models) -> None:
    n = SMALL + 1
    a = _drawn("float64", (2, n, n), 4) + n * hp.eye(n, dtype=hp.float64)
    _near([hp.linalg.solve(a.to(DEVICE), a.to(DEVICE))], [hp.eye(n, dtype=hp.float64).expand(2, n, n)], "solve", 8)
    assert {"getrf", "getrs"} <= models.calls
    assert "getrfBatched" not in models.calls


def test_the_order_that_pivots_lead_to(emulated: Runtime) -> None:
    draw = np.random.default_rng(0)
    pivots = hp.tensor(np.array([[draw.integers(j, 9) + 1 for j in range(6)] for _ in range(3)], np.int32))
    x = _drawn("float64", (3, 9, 6), 5)
    for data, device in ((x, "cpu"), (x.to(DEVICE), DEVICE)):
        p, _, _ = hp.lu_unpack(data, pivots.to(device))
        if device == "cpu":
            expected = p.tolist()
        else:
            assert p.tolist() == expected


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch", BATCHES)
def test_eigenvalues(models: Models, kind: str, batch: tuple[int, ...]) -> None:
    x = _drawn(kind, (*batch, 6, 6), 6)
    hermitian = (x + x.mH) / 2
    for given, side in zip(_layouts(hermitian), "LUL", strict=True):
        values, vectors = hp.linalg.eigh(given, side)
        _near([values], [hp.linalg.eigvalsh(hermitian)], "eigh")
        _near([vectors * values.unsqueeze(-2).to(vectors.dtype) @ vectors.mH], [hermitian], "eigh")
        _near([hp.linalg.eigvalsh(given, side)], [values.cpu()], "eigh")
    for given in _layouts(x):
        values, vectors = (each.cpu() for each in hp.linalg.eig(given))
        _near([vectors * values.unsqueeze(-2)], [x.to(vectors.dtype) @ vectors], "eig", 4)
        _near([hp.linalg.eigvals(given).sum(-1)], [values.sum(-1)], "eig", 4)
        assert abs(vectors.abs().square().sum(-2) - 1).max() < 1e-5
    assert {name[2:] for name in models.calls} >= ({"evjBatched"} if batch else {"evd"})
    assert "cusolverDnXgeev" in models.solver.calls


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("shape", [(5, 5), (3, 6), (6, 2)])
def test_singular_values(models: Models, kind: str, batch: tuple[int, ...], shape: tuple[int, int]) -> None:
    x, k = _drawn(kind, (*batch, *shape), 7), min(shape)
    for given in _layouts(x):
        for full in (False, True):
            u, s, vh = (each.cpu() for each in hp.linalg.svd(given, full))
            _near([s], [hp.linalg.svdvals(x)], "svd")
            _near([u[..., :k] * s.unsqueeze(-2).to(u.dtype) @ vh[..., :k, :]], [x], "svd")
            for each in (u.mH @ u, vh @ vh.mH):
                unit = hp.eye(each.shape[-1], dtype=each.dtype).expand(*each.shape)
                _near([each], [unit], "svd")
        _near([hp.linalg.svdvals(given)], [s], "svd")
    assert ("gesvdjBatched" if batch else "gesvd") in models.calls


def test_many_larger_matrices_are_decomposed_one_by_one(models: Models) -> None:
    x = _drawn("float64", (2, TINY + 1, 4), 8)
    u, s, vh = hp.linalg.svd(x.to(DEVICE), False)
    _near([u * s.unsqueeze(-2) @ vh], [x], "svd", 2)
    assert "gesvdjBatched" not in models.calls


def test_trouble_is_told_as_by_lapack(models: Models) -> None:
    bad = hp.tensor([[[4.0, 2.0], [2.0, 3.0]], [[1.0, 2.0], [2.0, 1.0]]], device=DEVICE)
    factor, info = hp.linalg.cholesky_ex(bad)
    assert info.tolist() == [0, 2]
    assert factor[0, 0].tolist() == [2, 0]
    assert factor[1].isnan().tolist() == [[False, False], [False, True]]
    with pytest.raises(LinAlgError, match=r"Batch element 1.*leading minor of order 2"):
        hp.linalg.cholesky(bad)
    singular = hp.tensor([[1.0, 2.0], [2.0, 4.0]], device=DEVICE)
    with pytest.raises(LinAlgError, match="singular"):
        hp.linalg.solve(singular, singular)
    with pytest.raises(LinAlgError, match=r"linalg.eigh: cuSOLVER gave up on matrix 0 \(info 3\).*isfinite"):
        hp.linalg.eigh(singular * float("nan"))


def test_matrices_without_elements(models: Models) -> None:
    tall, empty = hp.ones(2, 3, 0, device=DEVICE), hp.ones(2, 0, 0, device=DEVICE)
    assert hp.linalg.qr(tall, "complete")[0].tolist() == [np.eye(3).tolist()] * 2
    assert hp.linalg.svd(tall)[0].tolist() == [np.eye(3).tolist()] * 2
    assert hp.linalg.cholesky_ex(empty)[1].tolist() == [0, 0]
    assert hp.linalg.inv_ex(empty)[1].tolist() == [0, 0]
    assert hp.linalg.solve(empty, tall.mT).shape == (2, 0, 3)
    assert not models.solver.calls


def test_gradients_use_the_libraries_too(models: Models) -> None:
    x = _drawn("float64", (4, 4), 9)
    found = []
    for device in (DEVICE, "cpu"):
        given = x.to(device).requires_grad_()
        hermitian = given @ given.mT + hp.eye(4, dtype=hp.float64, device=device)
        total = (
            hp.linalg.eigh(hermitian)[0].log().sum()
            + hp.linalg.inv(hermitian).sum()
            + hp.linalg.cholesky(hermitian).sum()
        )
        (total + hp.linalg.svdvals(given).sum() + hp.linalg.qr(given)[1].square().sum()).backward()
        found.append(given.grad.cpu().numpy())
    np.testing.assert_allclose(*found, rtol=1e-9, atol=1e-9)


def test_without_the_libraries_the_core_decomposes(emulated: Runtime) -> None:
    device = emulated.backend.device(0)
    for name, make in OVERRIDES.items():
        if name != "row_order":
            assert make(device, OpKey(name, dtypes=(hp.float32,), rank=2)) is None


def test_the_kernels_around_the_calls_compile(nvrtc: Any) -> None:
    machine = RecordingMachine()
    sources(Device("recorded:0", machine.driver(0)))
    assert len(machine.recorder.sources) == 7
    assert not list(complaints(machine.recorder.sources))
