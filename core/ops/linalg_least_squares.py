"""Pseudo-inverses and least squares."""

from __future__ import annotations

from typing import Any, NamedTuple

from hotplug.declare import composite, function
from hotplug.dtypes import int64
from hotplug.errors import ShapeError
from hotplug.ops import arithmetic, comparison, creation, reduction, selection, views
from hotplug.ops.linalg_common import (
    LinAlgArgumentError,
    adjoint,
    as_dtype,
    batched,
    check_dtype,
    check_matrix,
    check_square,
)
from hotplug.ops.linalg_norms import cutoff
from hotplug.ops.linalg_qr import qr_factors
from hotplug.ops.linalg_spectral import hermitian_eigen, linalg_svdvals, singular_factors
from hotplug.ops.linalg_triangular import triangular_solution
from hotplug.tensor import Tensor

_DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


class LstSq(NamedTuple):
    """What :func:`linalg.lstsq` returns."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


def _reciprocal(values: Tensor, sizes: Tensor, limit: Tensor) -> Tensor:
    """1 / value where its size exceeds the limit, else 0."""
    large = comparison.gt(sizes, limit)
    one = creation.ones_like(values)
    return selection.where(large, one / selection.where(large, values, one), creation.zeros_like(values))  # type: ignore[no-any-return]


@composite()
def pseudo_inverse(input: Tensor, atol: Any, rtol: Any, hermitian: bool) -> Tensor:
    """``V S^+ U^H`` from the singular values that exceed ``max(atol, rtol * largest)``."""
    if not input.numel():
        return input.new_zeros((*input.shape[:-2], input.shape[-1], input.shape[-2]))
    if hermitian:
        values, vectors = hermitian_eigen(input, False, True)
        sizes = arithmetic.abs(values)
        scale = _reciprocal(values, sizes, cutoff(sizes, input.shape, atol, rtol))
        return (vectors * as_dtype(views.unsqueeze(scale, -2), vectors)) @ adjoint(vectors)
    u, s, vh = singular_factors(input, False, True)
    scale = _reciprocal(s, s, cutoff(s, input.shape, atol, rtol))
    return (adjoint(vh) * as_dtype(views.unsqueeze(scale, -2), u)) @ adjoint(u)


@pseudo_inverse.gradient("input")
def _(grad: Tensor, input: Tensor, out: Tensor) -> Tensor:
    """``-P^H g P^H + (I - A P) g^H P P^H + P^H P g^H (I - P A)`` (Golub and Pereyra, "The differentiation of
    pseudo-inverses and nonlinear least squares problems whose variables separate", 1973), at constant rank.
    """
    turned, back = adjoint(out), adjoint(grad)
    first, second = back @ out @ turned, turned @ out @ back
    return first - input @ (out @ first) + second - (second @ out) @ input - turned @ grad @ turned


@function(method=False, namespace="linalg", name="pinv")
def linalg_pinv(
    input: Tensor, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None
) -> Tensor:  # fmt: skip
    """The Moore-Penrose inverse ``(*, N, M)`` of ``(*, M, N)``.

    Singular values up to ``max(atol, rtol * largest)`` count as 0; ``rcond`` is an older name of ``rtol``.  With
    ``hermitian``, the input is taken as Hermitian, and its lower triangle is read.
    """
    check_matrix("linalg.pinv", input)
    if hermitian:
        check_square("linalg.pinv", input)
    return pseudo_inverse(input, atol, rcond if rtol is None else rtol, hermitian)


@function()
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """:func:`linalg.pinv` with PyTorch's older default."""
    return linalg_pinv(input, rcond)


def _by_qr(A: Tensor, B: Tensor) -> Tensor:  # noqa: N803
    """Of a matrix of full rank: ``R^-1 Q^H B``; where it is wide, the solution of least norm from its adjoint."""
    if A.shape[-2] >= A.shape[-1]:
        q, r = qr_factors(A, "reduced")
        return triangular_solution(r, adjoint(q) @ B, True, False)
    q, r = qr_factors(adjoint(A), "reduced")
    return q @ triangular_solution(adjoint(r), B, False, False)


def _driver(A: Tensor, driver: str | None) -> str:  # noqa: N803
    """PyTorch's default: gelsy on the host, gels on devices, which have no other there."""
    if driver is None:
        return "gelsy" if A._array.storage.runtime.capabilities.host_memory else "gels"
    if driver not in _DRIVERS:
        raise LinAlgArgumentError(
            f"linalg.lstsq: parameter `driver` should be one of {', '.join(_DRIVERS)}, got {driver!r}"
        )
    return driver


@function(method=False, namespace="linalg", name="lstsq")
def linalg_lstsq(input: Tensor, b: Tensor, rcond: Any = None, *, driver: str | None = None) -> LstSq:
    """``X`` for which ``input @ X - b`` has the least norm, and of those the one of least norm itself.

    input ``(*, M, N)``, b ``(*, M, K)`` or ``(*, M)`` -> ``(solution, residuals, rank, singular_values)``, the last three empty
    where the driver does not give them.  Driver ``"gels"`` expects full rank (QR); ``"gelsy"`` (default in host
    memory), ``"gelsd"`` and ``"gelss"`` find the rank, from singular values above ``rcond`` times the largest.
    """
    op = "linalg.lstsq"
    check_matrix(op, input)
    check_dtype(op, input, b)
    vector = b.ndim == input.ndim - 1 and tuple(b.shape) == tuple(input.shape[:-1])
    right = views.unsqueeze(b, -1) if vector else b
    if right.ndim < 2 or input.shape[-2] != right.shape[-2]:
        raise ShapeError(
            f"{op}: input.size(-2) should match other.size(-2), got {list(input.shape)} and {list(b.shape)}"
        )
    chosen = _driver(input, driver)
    input, right = batched(input, right, op)
    empty = input.new_empty(0)
    rank, values = empty.new_empty(0, dtype=int64), empty.new_empty(0, dtype=input.dtype.real)
    if chosen == "gels":
        solution = _by_qr(input, right)
    else:
        solution = pseudo_inverse(input, None, rcond, False) @ right
        sizes = linalg_svdvals(input.detach())
        limit = cutoff(sizes, input.shape, None, rcond)
        rank = reduction.sum(comparison.gt(sizes, limit), -1)
        values = values if chosen == "gelsy" else sizes
    residuals = _residuals(input, right, solution, rank) if chosen != "gelsy" else values
    return LstSq(views.squeeze(solution, -1) if vector else solution, residuals, rank, values)


def _residuals(A: Tensor, B: Tensor, X: Tensor, rank: Tensor) -> Tensor:  # noqa: N803
    """Squared norms of the columns of ``A @ X - B`` where A is tall and of full rank, else empty."""
    m, n = A.shape[-2:]
    full = m > n and (not rank.numel() or bool(comparison.eq(rank, n).all()))
    if not full:
        return reduction.tied(A.new_empty(0, dtype=A.dtype.real), A)
    size = arithmetic.abs(A @ X - B)
    return reduction.sum(size * size, -2)
