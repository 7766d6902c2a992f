"""Products over shared axes, distances of pairs, statistics, arrangements."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from oracle import agree, agree_on, same_error

import hotplug as hp
from hotplug.autograd import gradcheck, gradgradcheck

PROGRAMS: dict[str, tuple[Any, ...]] = {
    "tensordot": (lambda t, F, a, b: t.tensordot(a, b), (2, 3, 4), (3, 4, 5)),
    "tensordot 1": (lambda t, F, a, b: t.tensordot(a, b, 1), (2, 3), (3, 4)),
    "tensordot 0": (lambda t, F, a, b: t.tensordot(a, b, 0), (2, 3), (4,)),
    "tensordot lists": (lambda t, F, a, b: t.tensordot(a, b, dims=([0, -1], [1, 0])), (2, 3, 4), (4, 2, 5)),
    "tensordot broadcast": (lambda t, F, a, b: t.tensordot(a, b, dims=([1], [0])), (2, 1), (4, 5)),
    "inner": (lambda t, F, a, b: t.inner(a, b), (2, 3), (4, 3)),
    "inner of vectors": (lambda t, F, a, b: a.inner(b), (3,), (3,)),
    "inner with 0-d": (lambda t, F, a, b: t.inner(a, b), (), (3,)),
    "vdot": (lambda t, F, a, b: t.vdot(a, b), (3,), (3,)),
    "dot": (lambda t, F, a, b: t.dot(a, b), (3,), (3,)),
    "mv": (lambda t, F, a, b: t.mv(a, b), (2, 3), (3,)),
    "vecdot": (lambda t, F, a, b: t.linalg.vecdot(a, b, dim=0), (3, 2), (3, 1)),
    "trace": (lambda t, F, a: t.trace(a), (3, 4)),
    "outer": (lambda t, F, a, b: t.outer(a, b), (3,), (2,)),
    "ger": (lambda t, F, a, b: a.ger(b), (3,), (2,)),
    "kron": (lambda t, F, a, b: t.kron(a, b), (2, 3), (3, 2)),
    "kron of other ranks": (lambda t, F, a, b: a.kron(b), (2, 1, 3), (2, 2)),
    "kron of 0-d": (lambda t, F, a, b: t.kron(a, b), (), (2,)),
    "cross": (lambda t, F, a, b: t.cross(a, b, dim=1), (2, 3), (2, 3)),
    "cross default": (lambda t, F, a, b: t.linalg.cross(a, b), (3, 3), (1, 3)),
    "cross first": (lambda t, F, a, b: t.cross(a, b, dim=0), (3, 2), (3, 1)),
    "addmm": (lambda t, F, a, b, c: t.addmm(a, b, c, beta=0.5, alpha=2), (4,), (2, 3), (3, 4)),
    "addmm_": (lambda t, F, a, b, c: (a * 1).addmm_(b, c), (2, 4), (2, 3), (3, 4)),
    "addmv": (lambda t, F, a, b, c: t.addmv(a, b, c, beta=0.5, alpha=2), (2,), (2, 3), (3,)),
    "addmv expands": (lambda t, F, a, b, c: t.addmv(a, b, c), (1,), (2, 3), (3,)),
    "addr": (lambda t, F, a, b, c: t.addr(a, b, c, alpha=3), (2, 3), (2,), (3,)),
    "addbmm": (lambda t, F, a, b, c: t.addbmm(a, b, c, beta=2, alpha=0.5), (2, 4), (5, 2, 3), (5, 3, 4)),
    "baddbmm": (lambda t, F, a, b, c: t.baddbmm(a, b, c, beta=2), (5, 2, 4), (5, 2, 3), (5, 3, 4)),
    "baddbmm expands": (lambda t, F, a, b, c: t.baddbmm(a, b, c, alpha=2), (1, 4), (5, 2, 3), (5, 3, 4)),
    "baddbmm_": (lambda t, F, a, b, c: (a * 1).baddbmm_(b, c), (5, 2, 4), (5, 2, 3), (5, 3, 4)),
    "multi_dot": (lambda t, F, *m: t.linalg.multi_dot(m), (2, 5), (5, 1), (1, 4), (4, 3)),
    "multi_dot of vectors": (lambda t, F, *m: t.linalg.multi_dot(m), (5,), (5, 4), (4,)),
    "multi_dot of a row": (lambda t, F, *m: t.linalg.multi_dot(m), (5,), (5, 4)),
    "matrix_power": (lambda t, F, a: t.matrix_power(a, 3), (3, 3)),
    "matrix_power 0": (lambda t, F, a: a.matrix_power(0) + a * 0, (2, 3, 3)),
    "matrix_power 1": (lambda t, F, a: t.linalg.matrix_power(a, 1), (2, 3, 3)),
    "matrix_power 6": (lambda t, F, a: t.linalg.matrix_power(a, 6), (2, 2, 2)),
    "block_diag": (lambda t, F, a, b, c: t.block_diag(a, b, c), (2, 3), (), (2,)),
    "cartesian_prod": (lambda t, F, a, b: t.cartesian_prod(a, b), (2,), (3,)),
    "cartesian_prod of one": (lambda t, F, a: t.cartesian_prod(a), (2,)),
    "combinations": (lambda t, F, a: t.combinations(a), (4,)),
    "combinations of 3": (lambda t, F, a: t.combinations(a, 3), (5,)),
    "combinations with replacement": (lambda t, F, a: t.combinations(a, 2, with_replacement=True), (3,)),
    "combinations, too many": (lambda t, F, a: t.combinations(a, 4), (3,)),
    "cov": (lambda t, F, a: t.cov(a), (3, 5)),
    "cov of a vector": (lambda t, F, a: t.cov(a, correction=0), (5,)),
    "cov weighted": (
        lambda t, F, a: t.cov(a, fweights=t.tensor([1, 2, 1]), aweights=t.tensor([0.5, 1.0, 2.0], dtype=t.float64)),
        (2, 3),
    ),
    "corrcoef": (lambda t, F, a: t.corrcoef(a), (3, 5)),
    "corrcoef of a vector": (lambda t, F, a: t.corrcoef(a), (5,)),
    "dist": (lambda t, F, a, b: t.dist(a, b), (3, 4), (4,)),
    "dist 1": (lambda t, F, a, b: a.dist(b, 1), (3, 4), (3, 4)),
    "broadcast_tensors": (lambda t, F, a, b: t.broadcast_tensors(a, b), (3, 1), (2,)),
    "meshgrid": (lambda t, F, a, b: t.meshgrid(a, b, indexing="xy"), (3,), (2,)),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", PROGRAMS)
def test_values_and_gradients(torch: ModuleType, name: str) -> None:
    program, *shapes = PROGRAMS[name]
    agree(torch, program, *shapes)


COMPLEX = (
    "tensordot", "inner", "vdot", "dot", "mv", "vecdot", "trace", "outer", "kron", "cross", "addmm", "addmv", "addr",
    "addbmm", "baddbmm", "multi_dot", "matrix_power", "matrix_power 0", "block_diag", "cartesian_prod", "combinations",
    "cov", "cov of a vector",
)  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize("name", COMPLEX)
def test_complex_values_and_gradients(torch: ModuleType, name: str) -> None:
    program, *shapes = PROGRAMS[name]
    random = np.random.default_rng(0)
    arrays = [np.asarray(random.normal(size=shape) + 1j * random.normal(size=shape)) for shape in shapes]
    found = []
    for library in (hp, torch):
        given = [library.tensor(each, requires_grad=True) for each in arrays]
        value = program(library, None, *given)
        first = library.autograd.grad((value * value.conj()).real.sum(), given, create_graph=True)
        total = sum((each * each.conj()).real.sum() for each in first)
        found.append([value, *first, *library.autograd.grad(total, given)])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().resolve_conj().numpy(), 1e-9, 1e-9)


@pytest.mark.parity
def test_corrcoef_of_complex_numbers(torch: ModuleType) -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(3, 5)) + 1j * random.normal(size=(3, 5))
    agree_on(torch, lambda t, F, a: [t.corrcoef(a), t.cov(a)], [values], order=0)


@pytest.mark.parity
def test_integers(torch: ModuleType) -> None:
    def program(t: Any, _: Any, a: Any) -> Any:
        b = a.reshape(2, 2, 2)
        return [
            t.tensordot(a, a.T, 1), t.kron(a, a), t.trace(a[:, :2]), t.inner(a, a), t.linalg.cross(a[:, :3], a[:, 1:]),
            t.matrix_power(b, 3), t.addbmm(a[:, :2], b, b, alpha=2), t.vander(a[0], 3), t.block_diag(a, a > 3),
            t.combinations(a[0], 2), t.addr(a[:, :2], a[:, 0], a[:, 1]), t.cartesian_prod(a[0], a[1]),
        ]  # fmt: skip

    agree_on(torch, program, [np.arange(8).reshape(2, 4)], order=0)


@pytest.mark.parity
@pytest.mark.parametrize("offset", [-3, -1, 0, 1, 4])
def test_triangles(torch: ModuleType, offset: int) -> None:
    for name in ("tril_indices", "triu_indices"):
        for shape in ((3, 4), (4, 2), (0, 3), (3, 0)):
            ours, theirs = (getattr(t, name)(*shape, offset) for t in (hp, torch))
            np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    assert hp.tril_indices(2, 2, dtype=hp.int32).dtype is hp.int32


@pytest.mark.parity
def test_beta_0_ignores_nan(torch: ModuleType) -> None:
    def program(t: Any, _: Any, a: Any, b: Any) -> Any:
        return [
            t.addmm(a[0], b[0], b[0], beta=0), t.addmv(a[0, 0], b[0], b[0, 0], beta=0), t.addbmm(a[0], b, b, beta=0),
            t.baddbmm(a, b, b, beta=0), t.addr(a[0], b[0, 0], b[0, 1], beta=0),
        ]  # fmt: skip

    agree_on(torch, program, [np.full((2, 3, 3), np.nan), np.random.default_rng(0).normal(size=(2, 3, 3))], order=0)


@pytest.mark.parity
def test_vander(torch: ModuleType) -> None:
    """Values only: PyTorch overwrites what its own backward needs."""

    def program(t: Any, _: Any, a: Any) -> Any:
        return [
            t.vander(a[0]), t.vander(a[0], 3, increasing=True), t.vander(a[0], 1), t.vander(a[0], 0),
            t.linalg.vander(a), t.linalg.vander(a, N=5), t.vander(a[0] + 1j * a[1]),
        ]  # fmt: skip

    agree_on(torch, program, [np.random.default_rng(0).normal(size=(2, 4))], order=0)
    x = hp.tensor([0.5, -2.0, 0.0, 3.0], dtype=hp.float64, requires_grad=True)
    assert gradcheck(hp.vander, [x])
    assert gradgradcheck(hp.vander, [x])


def test_powers_below_zero_are_of_the_inverse() -> None:
    pytest.importorskip("hotplug.linalg", reason="inverses are declared with linear algebra")
    x = hp.tensor([[2.0, 1.0], [0.0, 4.0]])
    np.testing.assert_allclose(x.matrix_power(-2).numpy(), np.linalg.matrix_power(x.numpy(), -2), rtol=1e-6)


# --- distances -------------------------------------------------------------------------------------------------------


@pytest.mark.parity
@pytest.mark.parametrize("p", [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, float("inf")])
def test_cdist(torch: ModuleType, p: float) -> None:
    agree(torch, lambda t, F, a, b: t.cdist(a, b, p), (3, 4), (5, 4), order=1)
    agree(torch, lambda t, F, a, b: t.cdist(a, b, p), (2, 1, 3, 4), (5, 2, 4), order=1)
    agree(torch, lambda t, F, a: t.pdist(a, p), (4, 3), order=1)


@pytest.mark.parity
def test_cdist_by_product(torch: ModuleType) -> None:
    agree(torch, lambda t, F, a, b: t.cdist(a, b), (30, 4), (5, 4), order=1)
    agree(torch, lambda t, F, a, b: t.cdist(a, b, compute_mode="use_mm_for_euclid_dist"), (2, 3, 4), (2, 5, 4), order=1)


@pytest.mark.parity
@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 3.0, float("inf")])
def test_gradients_where_vectors_coincide(torch: ModuleType, p: float) -> None:
    values = np.array([[1.0, 2.0, 3.0], [0.0, -1.0, 3.0], [1.0, 2.0, 0.0]])

    def program(t: Any, _: Any, a: Any, b: Any) -> Any:
        return t.cdist(a, b, p)

    agree_on(torch, program, [values, values[:2]], order=1)


@pytest.mark.parametrize("p", [1.5, 2.0, 3.0])
@pytest.mark.parametrize("count", [2, 26])
def test_cdist_to_second_order(p: float, count: int) -> None:
    random = np.random.default_rng(0)
    given = [hp.tensor(random.normal(size=(n, 2)), requires_grad=True) for n in (count, 2)]

    def program(a: Any, b: Any) -> Any:
        return hp.cdist(a[:3], b, p) if count == 2 else hp.cdist(a, b, p)[:2]

    assert gradcheck(program, given)
    if count == 2:
        assert gradgradcheck(program, given)


@pytest.mark.parity
def test_distances_of_nothing(torch: ModuleType) -> None:
    def program(t: Any, _: Any, a: Any) -> Any:
        return [t.cdist(a[:0], a), t.cdist(a[:, :0], a[:, :0]), t.pdist(a[:1]), t.pdist(a[:0])]

    agree_on(torch, program, [np.ones((3, 2))], order=0)


BAD: dict[str, Any] = {
    "tensordot sizes": lambda t, F: t.tensordot(t.zeros(2, 3), t.zeros(2, 3), 1),
    "tensordot lengths": lambda t, F: t.tensordot(t.zeros(2, 3), t.zeros(2, 3), ([0], [0, 1])),
    "tensordot negative": lambda t, F: t.tensordot(t.zeros(2, 3), t.zeros(2, 3), -1),
    "tensordot dtypes": lambda t, F: t.tensordot(t.zeros(2, 3), t.zeros(3, 2, dtype=t.float64), 1),
    "inner": lambda t, F: t.inner(t.zeros(2, 3), t.zeros(2)),
    "vdot": lambda t, F: t.vdot(t.zeros(2, 3), t.zeros(2)),
    "trace": lambda t, F: t.trace(t.zeros(2)),
    "cross": lambda t, F: t.linalg.cross(t.zeros(2), t.zeros(2)),
    "cross ranks": lambda t, F: t.linalg.cross(t.zeros(3), t.zeros(2, 3)),
    "addmv": lambda t, F: t.addmv(t.zeros(2), t.zeros(2, 3), t.zeros(2)),
    "addmv expands": lambda t, F: t.addmv(t.zeros(3), t.zeros(2, 3), t.zeros(3)),
    "addbmm": lambda t, F: t.addbmm(t.zeros(2, 2), t.zeros(3, 2, 4), t.zeros(2, 4, 2)),
    "baddbmm": lambda t, F: t.baddbmm(t.zeros(2, 2), t.zeros(2, 4, 3), t.zeros(4, 3, 2)),
    "addr": lambda t, F: t.addr(t.zeros(2, 2), t.zeros(2, 2), t.zeros(2)),
    "multi_dot of one": lambda t, F: t.linalg.multi_dot([t.zeros(2, 2)]),
    "multi_dot sizes": lambda t, F: t.linalg.multi_dot([t.zeros(2, 2), t.zeros(3, 2)]),
    "matrix_power": lambda t, F: t.matrix_power(t.zeros(2, 3), 2),
    "block_diag": lambda t, F: t.block_diag(t.zeros(2, 3, 4)),
    "cartesian_prod": lambda t, F: t.cartesian_prod(t.zeros(2, 3)),
    "combinations": lambda t, F: t.combinations(t.zeros(2, 3)),
    "combinations negative": lambda t, F: t.combinations(t.zeros(2), -1),
    "tril_indices": lambda t, F: t.tril_indices(-1, 2),
    "vander": lambda t, F: t.vander(t.zeros(2, 2)),
    "cov": lambda t, F: t.cov(t.zeros(2, 2, 2)),
    "cov weights": lambda t, F: t.cov(t.zeros(2, 2), fweights=t.zeros(2)),
    "cdist": lambda t, F: t.cdist(t.zeros(2, 3), t.zeros(2, 2)),
    "cdist order": lambda t, F: t.cdist(t.zeros(2, 3), t.zeros(2, 3), -1.0),
    "pdist": lambda t, F: t.pdist(t.zeros(2, 3, 4)),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", BAD)
def test_errors(torch: ModuleType, name: str) -> None:
    same_error(torch, BAD[name])
