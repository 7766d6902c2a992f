"""Linear algebra: batches of well-conditioned matrices, so that results are fixed to rounding.

Every sample has a batch axis in front: the broadcast layout repeats the first matrix and leaves it regular.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from hotplug import ops
from hotplug.conformance.draw import Draw, NDArray, Operand, Sample
from hotplug.conformance.samples.registry import samples
from hotplug.tensor import Tensor


def _rounded(draw: Draw, values: NDArray) -> Operand:
    """Values that float32 holds, so that the golden ones belong to the same matrix in every dtype."""
    return draw.of(values.astype(np.complex64 if values.dtype.kind == "c" else np.float32))


def _regular(draw: Draw, *shape: int) -> Operand:
    """Diagonally dominant on its square part."""
    values = draw(*shape).values
    return _rounded(draw, values * 0.5 + 4 * np.eye(shape[-2], shape[-1]))


def _adjoint(values: NDArray) -> NDArray:
    return values.swapaxes(-2, -1).conj()


def _hermitian(draw: Draw, *shape: int) -> Operand:
    """With eigenvalues well apart."""
    values = draw(*shape).values * 0.5
    return _rounded(draw, values + _adjoint(values) + 3 * np.diag(np.arange(shape[-1])))


def _definite(draw: Draw, *shape: int) -> Operand:
    values = draw(*shape).values
    return _rounded(draw, values @ _adjoint(values) + 2 * np.eye(shape[-1]))


def _triangle(draw: Draw, *shape: int, upper: bool = False) -> Operand:
    values = _regular(draw, *shape).values
    return draw.of(np.triu(values) if upper else np.tril(values))


# --- systems ---


@samples("linalg.solve", "linalg.solve_ex", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(_regular(draw, 2, 3, 3), draw(2, 3, 2))
    yield Sample(_regular(draw, 2, 4, 4), draw(2, 4))
    yield Sample(_regular(draw, 2, 1, 3, 3), draw(2, 3, 3))
    yield Sample(_regular(draw, 2, 3, 3), draw(2, 2, 3), left=False)


@samples("linalg.inv", "linalg.inv_ex", "inverse", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(_regular(draw, 2, 3, 3))
    yield Sample(_regular(draw, 2, 1, 1))
    yield Sample(draw(2, 0, 0))


@samples("linalg.det", "linalg.slogdet", "det", "slogdet", "logdet", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(_regular(draw, 2, 3, 3))
    yield Sample(_regular(draw, 2, 1, 5, 5))
    yield Sample(draw.of([[0.0, 2.0], [3.0, 1.0]])).forward()


@samples("linalg.tensorinv", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw.of(_regular(draw, 6, 6).values.reshape(6, 2, 3)), ind=1)


@samples("linalg.tensorsolve", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw.of(_regular(draw, 6, 6).values.reshape(2, 3, 6)), draw(2, 3))


@samples("linalg.solve_triangular", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(_triangle(draw, 2, 4, 4), draw(2, 4, 2), upper=False)
    yield Sample(_regular(draw, 2, 4, 4), draw(2, 4, 2), upper=True)
    yield Sample(_triangle(draw, 2, 3, 3), draw(2, 2, 3), upper=False, left=False)
    yield Sample(_triangle(draw, 2, 3, 3, upper=True), draw(2, 3, 1), upper=True, unitriangular=True)


# --- factors ---


@samples("linalg.lu_factor", "linalg.lu_factor_ex", "linalg.lu", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(_regular(draw, 2, 3, 3))
    yield Sample(draw.of(_regular(draw, 2, 4, 4).values[:, ::-1]))  # every row moves
    yield Sample(_regular(draw, 2, 4, 3))
    yield Sample(_regular(draw, 2, 3, 4))


def _factors(draw: Draw, *shape: int) -> tuple[Operand, Operand]:
    """L and U in one matrix, and pivots that exchange the first two rows."""
    pivots = np.broadcast_to(np.array([2, 2, *range(3, shape[-1] + 1)]), shape[:-1])
    return _regular(draw, *shape), Operand(pivots.astype(np.int64), "int32")


@samples("lu_unpack", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(*_factors(draw, 2, 3, 3))
    yield Sample(*_factors(draw, 2, 3, 3), unpack_pivots=False)


@samples("linalg.lu_solve", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(*_factors(draw, 2, 3, 3), draw(2, 3, 2))
    yield Sample(*_factors(draw, 2, 3, 3), draw(2, 3, 2), adjoint=True)
    yield Sample(*_factors(draw, 2, 3, 3), draw(2, 2, 3), left=False)


@samples("lu_solve", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 2), *_factors(draw, 2, 3, 3))


@samples("linalg.cholesky", "linalg.cholesky_ex", "cholesky", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(_definite(draw, 2, 4, 4))
    yield Sample(_definite(draw, 2, 3, 3), upper=True)


def _root(draw: Draw, *shape: int, upper: bool = False) -> Operand:
    """A Cholesky factor: its diagonal is real."""
    values = _triangle(draw, *shape, upper=upper).values
    on = np.eye(shape[-1], dtype=bool)
    return draw.of(np.where(on, values.real, values))


@samples("cholesky_solve", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 2), _root(draw, 2, 3, 3))
    yield Sample(draw(2, 3, 2), _root(draw, 2, 3, 3, upper=True), upper=True)


@samples("cholesky_inverse", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(_root(draw, 2, 3, 3))
    yield Sample(_root(draw, 2, 3, 3, upper=True), upper=True)


@samples("linalg.qr", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(_regular(draw, 2, 3, 3))
    yield Sample(_regular(draw, 2, 5, 3))
    yield Sample(_regular(draw, 2, 3, 5))
    yield Sample(_regular(draw, 2, 4, 3), "r").forward()


@samples("qr", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(_regular(draw, 2, 4, 3))


@samples("geqrf", kinds="fc", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(_regular(draw, 2, 3, 3))
    yield Sample(_regular(draw, 2, 4, 2))
    yield Sample(_regular(draw, 2, 2, 4))


@samples("linalg.householder_product", "orgqr", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 4, 3), draw(2, 3, low=-0.5, high=0.5))
    yield Sample(draw(2, 3, 3), draw(2, 2, low=-0.5, high=0.5))


@samples("ormqr", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 4, 3), draw(2, 3, low=-0.5, high=0.5), draw(2, 4, 2))
    yield Sample(draw(2, 4, 2), draw(2, 2, low=-0.5, high=0.5), draw(2, 3, 4), left=False, transpose=True)


@samples("triangular_solve", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 2), _regular(draw, 2, 3, 3))
    yield Sample(draw(2, 3, 2), _regular(draw, 2, 3, 3), upper=False, transpose=True)


@samples("lu", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(_regular(draw, 2, 3, 3))


# --- spectra: vectors have any phase, so that products are compared in which it cancels ---


def _weighted(left: Tensor, right: Tensor) -> Tensor:
    """``left @ diag(1, 2, ...) @ right``, which depends on every pair of vectors, and on no common phase."""
    weights = ops.arange(1.0, left.shape[-1] + 1, device=left.device).to(left.dtype)
    return (left * weights) @ right


def _turned(vectors: Tensor) -> Tensor:
    return ops.conj(ops.transpose(vectors, -2, -1))


def _eigh_shown(_: Sequence[Any], result: Any) -> Any:
    values, vectors = result
    return values, _weighted(vectors, _turned(vectors))


@samples("linalg.eigh", kinds="fc", shown=_eigh_shown)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(_hermitian(draw, 2, 3, 3))
    yield Sample(_hermitian(draw, 2, 4, 4), UPLO="U")
    yield Sample(draw.real(2, 3, 3)).forward()  # one triangle is read
    yield Sample(draw.real(2, 3, 3), UPLO="U").forward()


@samples("linalg.eigvalsh", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(_hermitian(draw, 2, 3, 3))


def _eigvals_shown(_: Sequence[Any], values: Any) -> Any:
    """Symmetric functions: eigenvalues come in no order."""
    return [ops.sum(values, -1), ops.sum(values * values, -1), ops.sum(ops.abs(values), -1)]


def _eig_shown(args: Sequence[Any], result: Any) -> Any:
    """The matrix's square from its eigenvectors, whatever their scale."""
    values, vectors = result
    inverse = ops.inverse(vectors)
    return [*_eigvals_shown(args, values), (vectors * ops.unsqueeze(values * values, -2)) @ inverse]


@samples("linalg.eig", kinds="fc", shown=_eig_shown)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(_rounded(draw, draw(2, 3, 3).values + 3 * np.diag(np.arange(3))))


@samples("linalg.eigvals", kinds="fc", shown=_eigvals_shown)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(_rounded(draw, draw(2, 3, 3).values + 3 * np.diag(np.arange(3))))


def _graded(draw: Draw, *shape: int) -> Operand:
    """With singular values well apart."""
    rows, columns = shape[-2:]
    return _rounded(draw, draw(*shape).values * 0.5 + np.eye(rows, columns) * 3 * np.arange(1, columns + 1))


def _svd_shown(args: Sequence[Any], result: Any) -> Any:
    u, s, vh = result
    k = s.shape[-1]
    u, vh = ops.narrow(u, -1, 0, k), ops.narrow(vh, -2, 0, k)
    return s, _weighted(u, vh), _weighted(u, _turned(u)), _weighted(_turned(vh), vh)


def _legacy_svd_shown(args: Sequence[Any], result: Any) -> Any:
    u, s, v = result
    return _svd_shown(args, (u, s, _turned(v)))


@samples("linalg.svd", kinds="fc", shown=_svd_shown)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(_graded(draw, 2, 3, 3))
    yield Sample(_graded(draw, 2, 4, 2), full_matrices=False)
    yield Sample(_graded(draw, 2, 2, 3), full_matrices=False)


@samples("svd", kinds="fc", shown=_legacy_svd_shown)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(_graded(draw, 2, 4, 3))


@samples("linalg.svdvals", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(_graded(draw, 2, 4, 3))


# --- norms, ranks, least squares, functions ---


@samples("linalg.vector_norm", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4))
    yield Sample(draw(2, 3), 1, 1)
    yield Sample(draw(2, 3), 3.0, -1, True)
    yield Sample(draw(2, 3), math.inf, 0)
    yield Sample(draw(2, 3), -math.inf, 1)
    yield Sample(draw(2, 3), 0)


@samples("linalg.matrix_norm", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4))
    yield Sample(draw(2, 3, 4), 1)
    yield Sample(draw(2, 3, 4), -math.inf)
    yield Sample(_graded(draw, 2, 3, 3), "nuc")
    yield Sample(_graded(draw, 2, 3, 3), 2, keepdim=True)
    yield Sample(_graded(draw, 3, 2, 3), -2, (0, 2))


@samples("linalg.norm", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4))
    yield Sample(draw(2, 3), "fro")
    yield Sample(draw(2, 3), 1, 0)


@samples("linalg.cond", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(_regular(draw, 2, 3, 3), "fro")
    yield Sample(_regular(draw, 2, 3, 3), 1)
    yield Sample(_graded(draw, 2, 3, 3))


@samples("linalg.matrix_rank", kinds="fc", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(_graded(draw, 2, 3, 3))
    yield Sample(_hermitian(draw, 2, 3, 3), hermitian=True)


@samples("linalg.pinv", "pinverse", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(_graded(draw, 2, 3, 3))
    yield Sample(_graded(draw, 2, 4, 2))


@samples("linalg.lstsq", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(_regular(draw, 2, 4, 3), draw(2, 4, 2), driver="gels")
    yield Sample(_regular(draw, 2, 3, 3), draw(2, 3), driver="gels")
    yield Sample(_regular(draw, 2, 2, 4), draw(2, 2, 1), driver="gels")


@samples("linalg.matrix_exp", "matrix_exp", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 3))
    yield Sample(draw(2, 2, 2, low=-0.25, high=0.25))
