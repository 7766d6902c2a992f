"""Some eigenvalues of a symmetric matrix, and those of a pair of matrices."""

from __future__ import annotations

from typing import Any

from hotplug.declare import function
from hotplug.errors import ArgumentError, LinAlgError, ShapeError
from hotplug.ops.linalg_cholesky import linalg_cholesky
from hotplug.ops.linalg_spectral import linalg_eigh
from hotplug.ops.linalg_triangular import linalg_solve_triangular
from hotplug.ops.rearranging import flip
from hotplug.ops.views import narrow
from hotplug.tensor import Tensor


@function(method=False)
def lobpcg(
    A: Tensor, k: int | None = None, B: Tensor | None = None, X: Tensor | None = None, n: int | None = None,  # noqa: N803
    iK: Tensor | None = None, niter: int | None = None, tol: float | None = None,  # noqa: N803
    largest: bool | None = None, method: str | None = None, tracker: Any = None, ortho_iparams: Any = None,
    ortho_fparams: Any = None, ortho_bparams: Any = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The ``k`` largest (or smallest) eigenvalues and their vectors of ``A x = E B x``.

    A ``(*, m, m)`` symmetric, B positive-definite or the identity -> E ``(*, k)``, vectors ``(*, m, k)``.

    PyTorch iterates; here matrices are dense and small enough for ``eigh``, whose values are those that the iteration goes
    to.  Start, preconditioner, tolerances and parameters of the iteration are accepted.

    Raises:
        ShapeError: A is no square matrix.
        ArgumentError: ``3 k > m``, as in PyTorch, or an unknown method.
    """
    del n, iK, niter, tol, tracker, ortho_iparams, ortho_fparams, ortho_bparams
    if A.ndim < 2 or A.shape[-1] != A.shape[-2]:
        raise ShapeError(f"lobpcg: expected square matrices, got shape {list(A.shape)}")
    if method not in (None, "basic", "ortho"):
        raise ArgumentError(f"lobpcg: expected method to be 'basic' or 'ortho', got {method!r}")
    count = k if k is not None else X.shape[-1] if X is not None else 1
    size = A.shape[-1]
    if size < 3 * count:
        raise LobpcgSizeError(f"lobpcg: the number of rows, {size}, must be at least three times k, which is {count}")
    values, vectors = _spectrum(A, B)
    first = size - count if largest is None or largest else 0
    values, vectors = narrow(values, -1, first, count), narrow(vectors, -1, first, count)
    if largest is None or largest:
        values, vectors = flip(values, (-1,)), flip(vectors, (-1,))
    return values, vectors


class LobpcgSizeError(ArgumentError, LinAlgError):
    """Too many eigenvalues are asked for."""


def _spectrum(A: Tensor, B: Tensor | None) -> tuple[Tensor, Tensor]:  # noqa: N803
    """All eigenvalues, rising, and vectors; of a pair by the Cholesky factor of the second."""
    if B is None:
        return linalg_eigh(A)
    root = linalg_cholesky(B)
    left = linalg_solve_triangular(root, A, upper=False)
    values, vectors = linalg_eigh(linalg_solve_triangular(root, left.mT, upper=False))
    return values, linalg_solve_triangular(root.mT, vectors, upper=True)
