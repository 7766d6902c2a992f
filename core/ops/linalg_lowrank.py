"""Singular values of matrices of low rank, by random projections (Halko, Martinsson and Tropp, "Finding structure with
randomness", 2011).
"""

from __future__ import annotations

from hotplug.declare import function
from hotplug.ops import products, random, reduction
from hotplug.ops.linalg_common import LinAlgArgumentError, adjoint, batch_shape, check_matrix
from hotplug.ops.linalg_qr import qr_factors
from hotplug.ops.linalg_spectral import LegacySVD, singular_factors
from hotplug.tensor import Tensor


def _range_of(matrix: Tensor, size: int, rounds: int) -> Tensor:
    """An orthonormal basis ``(*, M, size)`` of what the matrix makes of random vectors (algorithm 4.4)."""
    shape = (*batch_shape(matrix), matrix.shape[-1], size)
    found, _ = qr_factors(matrix @ random.randn(shape, dtype=matrix.dtype, device=matrix.device), "reduced")
    for _round in range(rounds):
        turned, _ = qr_factors(adjoint(matrix) @ found, "reduced")
        found, _ = qr_factors(matrix @ turned, "reduced")
    return found


@function(method=False)
def svd_lowrank(A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None) -> LegacySVD:  # noqa: N803
    """``U (*, M, q)``, ``S (*, q)`` and ``V (*, N, q)`` with ``U @ diag(S) @ V^H`` near ``A - M``; exact up to rank q.

    Args:
        q: a little more than the rank.
        niter: rounds that sharpen the subspace where singular values fall slowly.
        M: what is subtracted first; broadcasts.
    """
    check_matrix("svd_lowrank", A)
    size, rounds = 6 if q is None else q, 2 if niter is None else niter
    if size < 0 or rounds < 0:
        raise LinAlgArgumentError(f"svd_lowrank: q and niter must not be negative, got {q} and {niter}")
    matrix = A if M is None else A - M
    wide = matrix.shape[-2] < matrix.shape[-1]
    matrix = adjoint(matrix) if wide else matrix
    basis = _range_of(matrix, size, rounds)
    u, s, vh = singular_factors(adjoint(basis) @ matrix, False, True)
    left, right = products.matmul(basis, u), adjoint(vh)
    return LegacySVD(right, s, left) if wide else LegacySVD(left, s, right)


@function(method=False)
def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2) -> LegacySVD:  # noqa: N803
    """Principal components: :func:`svd_lowrank` of ``A (*, M, N)`` less its column means; ``q`` is by default ``min(6, M,
    N)``.
    """
    check_matrix("pca_lowrank", A)
    size = min(6, *A.shape[-2:]) if q is None else q
    if not 0 <= size <= min(A.shape[-2:]):
        raise LinAlgArgumentError(f"pca_lowrank: q(={q}) must be non-negative integer and not greater than min(m, n)="
                                  f"{min(A.shape[-2:])}")  # fmt: skip
    return svd_lowrank(A - reduction.mean(A, -2, True) if center else A, size, niter)
