"""Bad input to linear algebra: the same kind of error as PyTorch's."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from oracle import same_error

import hotplug as hp
from hotplug.conformance.oracle import Arguments, function_of
from hotplug.conformance.samples import kinds_of, recipe_of, samples_of
from hotplug.declare import OPS

BAD: dict[str, Any] = {
    "solve sizes": lambda t, F: t.linalg.solve(t.eye(2), t.ones(3, 1)),
    "solve oblong": lambda t, F: t.linalg.solve(t.ones(2, 3), t.ones(2, 1)),
    "solve dtypes": lambda t, F: t.linalg.solve(t.eye(2), t.ones(2, dtype=t.float64)),
    "solve integers": lambda t, F: t.linalg.solve(t.ones(2, 2, dtype=t.int64), t.ones(2, dtype=t.int64)),
    "solve halves": lambda t, F: t.linalg.solve(t.eye(2, dtype=t.bfloat16), t.ones(2, dtype=t.bfloat16)),
    "inv oblong": lambda t, F: t.linalg.inv(t.ones(2, 3)),
    "inv of a vector": lambda t, F: t.linalg.inv(t.ones(2)),
    "det oblong": lambda t, F: t.det(t.ones(2, 3)),
    "slogdet of integers": lambda t, F: t.linalg.slogdet(t.ones(2, 2, dtype=t.int32)),
    "cholesky_solve sizes": lambda t, F: t.cholesky_solve(t.ones(3, 1), t.eye(2)),
    "cholesky_solve of a vector": lambda t, F: t.cholesky_solve(t.ones(2), t.eye(2)),
    "qr mode": lambda t, F: t.linalg.qr(t.eye(2), mode="economic"),
    "qr of a vector": lambda t, F: t.linalg.qr(t.ones(2)),
    "qr without Q": lambda t, F: t.linalg.qr(t.eye(2, requires_grad=True), mode="r").R.sum().backward(),
    "qr complete": lambda t, F: t.linalg.qr(t.ones(3, 2, requires_grad=True), mode="complete").R.sum().backward(),
    "lu without pivots": lambda t, F: t.linalg.lu(t.eye(2), pivot=False),
    "lu_factor_ex checked": lambda t, F: t.linalg.lu_factor_ex(t.zeros(2, 2), check_errors=True),
    "lu_solve sizes": lambda t, F: t.linalg.lu_solve(t.eye(2), t.ones(2, dtype=t.int32), t.ones(3, 1)),
    "lu_solve pivots": lambda t, F: t.linalg.lu_solve(t.eye(2), t.ones(2, dtype=t.int64), t.ones(2, 1)),
    "lu_solve count": lambda t, F: t.linalg.lu_solve(t.eye(2), t.ones(3, dtype=t.int32), t.ones(2, 1)),
    "lu_unpack": lambda t, F: t.lu_unpack(t.eye(2), t.ones(2)),
    "solve_triangular oblong": lambda t, F: t.linalg.solve_triangular(t.ones(2, 3), t.ones(2, 1), upper=True),
    "eigh oblong": lambda t, F: t.linalg.eigh(t.ones(2, 3)),
    "eigh triangle": lambda t, F: t.linalg.eigh(t.eye(2), UPLO="X"),
    "eig of infinity": lambda t, F: t.linalg.eig(t.full((3, 3), float("inf"))),
    "svd of a vector": lambda t, F: t.linalg.svd(t.ones(3)),
    "svd driver": lambda t, F: t.linalg.svd(t.eye(2), driver="gesvd"),
    "pinv of a vector": lambda t, F: t.linalg.pinv(t.ones(3)),
    "lstsq sizes": lambda t, F: t.linalg.lstsq(t.ones(3, 2), t.ones(2, 1)),
    "lstsq driver": lambda t, F: t.linalg.lstsq(t.ones(3, 2), t.ones(3, 1), driver="magic"),
    "matrix_norm order": lambda t, F: t.linalg.matrix_norm(t.eye(2), 3),
    "matrix_norm name": lambda t, F: t.linalg.matrix_norm(t.eye(2), "max"),
    "matrix_norm dim": lambda t, F: t.linalg.matrix_norm(t.eye(2), dim=(0, 0)),
    "matrix_norm of integers": lambda t, F: t.linalg.matrix_norm(t.ones(2, 2, dtype=t.int64)),
    "vector_norm of integers": lambda t, F: t.linalg.vector_norm(t.ones(2, dtype=t.int64)),
    "norm of three axes": lambda t, F: t.linalg.norm(t.ones(2, 2, 2), 2),
    "cond of a vector": lambda t, F: t.linalg.cond(t.ones(2)),
    "cond oblong": lambda t, F: t.linalg.cond(t.ones(2, 3), "fro"),
    "matrix_rank of a vector": lambda t, F: t.linalg.matrix_rank(t.ones(2)),
    "matrix_exp oblong": lambda t, F: t.matrix_exp(t.ones(2, 3)),
    "matrix_exp of integers": lambda t, F: t.matrix_exp(t.ones(2, 2, dtype=t.int64)),
    "tensorinv": lambda t, F: t.linalg.tensorinv(t.ones(2, 3, 4)),
    "tensorinv index": lambda t, F: t.linalg.tensorinv(t.ones(2, 2), ind=0),
    "tensorsolve": lambda t, F: t.linalg.tensorsolve(t.ones(2, 3, 4), t.ones(2)),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", BAD)
def test_errors(torch: ModuleType, name: str) -> None:
    same_error(torch, BAD[name])


SINGULAR: dict[str, Any] = {
    "solve": lambda t: t.linalg.solve(t.ones(2, 2), t.ones(2)),
    "solve in a batch": lambda t: t.linalg.solve(t.stack([t.eye(2), t.ones(2, 2)]), t.ones(2, 2, 1)),
    "solve_ex checked": lambda t: t.linalg.solve_ex(t.ones(2, 2), t.ones(2), check_errors=True),
    "inv": lambda t: t.linalg.inv(t.zeros(3, 3)),
    "inv_ex checked": lambda t: t.linalg.inv_ex(t.zeros(2, 2), check_errors=True),
    "matrix_power": lambda t: t.linalg.matrix_power(t.zeros(2, 2), -1),
    "tensorinv": lambda t: t.linalg.tensorinv(t.zeros(2, 2), 1),
    "cholesky": lambda t: t.linalg.cholesky(-t.eye(2)),
    "cholesky in a batch": lambda t: t.linalg.cholesky(t.stack([t.eye(2), -t.eye(2)])),
    "cholesky_ex checked": lambda t: t.linalg.cholesky_ex(-t.eye(2), check_errors=True),
    "eigh of NaN": lambda t: t.linalg.eigh(t.full((3, 3), float("nan"))),
    "svd of NaN": lambda t: t.linalg.svd(t.full((3, 3), float("nan"))),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", SINGULAR)
def test_singular_and_broken_matrices(torch: ModuleType, name: str) -> None:
    with pytest.raises(torch.linalg.LinAlgError):
        SINGULAR[name](torch)
    with pytest.raises(hp.linalg.LinAlgError):
        SINGULAR[name](hp)


def test_an_argument_that_must_be_named() -> None:
    with pytest.raises(TypeError, match="upper"):
        hp.linalg.solve_triangular(hp.eye(2), hp.ones(2, 1))


def test_a_singular_matrix_is_named_in_the_error() -> None:
    with pytest.raises(hp.linalg.LinAlgError, match=r"linalg.inv: \(Batch element 1\): .*singular"):
        hp.linalg.inv(hp.stack([hp.eye(2), hp.ones(2, 2)]))
    with pytest.raises(hp.linalg.LinAlgError, match=r"linalg.cholesky: .*leading minor of order 2"):
        hp.linalg.cholesky(hp.tensor([[1.0, 0.0], [0.0, -1.0]]))
    assert issubclass(hp.linalg.LinAlgError, RuntimeError)


NAMED = [name for name in OPS if name.startswith(("linalg.", "fft.")) and recipe_of(name) is not None]


@pytest.mark.parity
@pytest.mark.parametrize("name", NAMED)
def test_arguments_have_the_names_that_pytorch_takes(torch: ModuleType, name: str) -> None:
    function, kind = function_of(torch, name), kinds_of(name).replace("b", "")[-1]
    assert function is not None
    for sample in samples_of(name, kind):
        given = Arguments(torch, sample, {"f": "float32", "c": "complex64", "i": "int64"}[kind])
        bound = OPS[name].signature.bind(*given.args, **given.kwargs)
        function(**bound.arguments)
