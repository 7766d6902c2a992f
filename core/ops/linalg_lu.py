"""LU factors with partial pivoting."""

from __future__ import annotations

from typing import NamedTuple

from hotplug.declare import composite, function
from hotplug.dtypes import int32, int64
from hotplug.errors import CapabilityError, DTypeError, ShapeError
from hotplug.ops import comparison, creation, diagonals, gathering, joining, linalg_arrays, linalg_factors, views
from hotplug.ops.linalg_common import (
    SINGULAR,
    adjoint,
    batch_shape,
    batched,
    check_info,
    check_matrix,
    eye_like,
)
from hotplug.ops.linalg_triangular import check_fits, triangular_solution
from hotplug.tensor import Tensor, wrap


class LU(NamedTuple):
    """What :func:`linalg.lu` returns: ``P @ L @ U`` is the matrix."""

    P: Tensor
    L: Tensor
    U: Tensor


class LUFactor(NamedTuple):
    """What :func:`linalg.lu_factor` returns."""

    LU: Tensor
    pivots: Tensor


class LUFactorEx(NamedTuple):
    """What :func:`linalg.lu_factor_ex` returns."""

    LU: Tensor
    pivots: Tensor
    info: Tensor


def _count(input: Tensor) -> int:
    return int(min(input.shape[-2:]))


@composite(
    outputs=lambda input: [
        (tuple(input.shape), input.dtype), ((*batch_shape(input), _count(input)), int32), (batch_shape(input), int32)
    ]
)  # fmt: skip
def lu_factors(input: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """LAPACK's getrf: L and U in one matrix, the pivots from 1, and info ``(*B)``: the first zero on U's diagonal."""
    packed, pivots = linalg_factors.lu(input._array)
    info = linalg_factors.first_bad(linalg_arrays.diagonal(packed), False)
    return wrap(packed), wrap(pivots), wrap(info)


@composite(outputs=lambda pivots, count: [((*pivots.shape[:-1], count), int64)])
def row_order(pivots: Tensor, count: int) -> Tensor:
    """The order of ``count`` rows after the exchanges of pivots ``(*B, K)``: row i of ``L @ U`` is row order[i]."""
    return wrap(linalg_factors.permutation(pivots._array, count))


def permuted(matrix: Tensor, order: Tensor, back: bool = False) -> Tensor:
    """``P^T @ matrix``, the rows in that order; with ``back``, ``P @ matrix``."""
    if back:
        places = creation.iota(order, (order.shape[-1],))
        order = creation.zeros_like(order).scatter(-1, order, views.expand(places, tuple(order.shape)))
    index = views.expand(views.unsqueeze(order, -1), tuple(matrix.shape))
    return gathering.gather(matrix, -2, index)


def _lower(packed: Tensor) -> Tensor:
    """L with its ones, ``(*B, M, K)``."""
    below = diagonals.tril(views.narrow(packed, -1, 0, _count(packed)), -1)
    m, n = below.shape[-2:]
    return below + creation.eye(m, n, dtype=packed.dtype, device=packed.device)


def _upper(packed: Tensor) -> Tensor:
    """U ``(*B, K, N)``."""
    return diagonals.triu(views.narrow(packed, -2, 0, _count(packed)))


@lu_factors.gradient("input")
def _(grad: Tensor, out: Tensor, out1: Tensor) -> Tensor:
    """With the leading square parts L1, U1 and the rests L2, U2: ``gA1 = P L1^-H (tril(L1^H gL1 - gU2 U2^H, -1) +
    triu(gU1 U1^H - L2^H gL2)) U1^-H``, beside it ``P L1^-H gU2``, below it ``gL2 U1^-H``, permuted alike (de Hoog,
    Anderssen and Lukas, "Differentiation of matrix functionals using triangular factorization", 2011, extended to
    rectangles by differentiating the products of the parts).
    """
    (m, n), k = out.shape[-2:], _count(out)
    lower, upper = (adjoint(each) for each in (_lower(out), _upper(out)))
    grad_lower = diagonals.tril(views.narrow(grad, -1, 0, k), -1)
    grad_upper = diagonals.triu(views.narrow(grad, -2, 0, k))
    left, right = views.narrow(lower, -1, 0, k), views.narrow(upper, -2, 0, k)
    inner_lower = left @ views.narrow(grad_lower, -2, 0, k)
    inner_upper = views.narrow(grad_upper, -1, 0, k) @ right
    if n > k:
        inner_lower = inner_lower - views.narrow(grad_upper, -1, k, n - k) @ views.narrow(upper, -2, k, n - k)
    if m > k:
        inner_upper = inner_upper - views.narrow(lower, -1, k, m - k) @ views.narrow(grad_lower, -2, k, m - k)
    inner = diagonals.tril(inner_lower, -1) + diagonals.triu(inner_upper)
    # A right product with U^-H is a left one with the transposes exchanged.
    square = _times_inverse(triangular_solution(left, inner, True, True), right)
    if n > k:
        beside = triangular_solution(left, views.narrow(grad_upper, -1, k, n - k), True, True)
        square = joining.cat([square, beside], -1)
    if m > k:
        square = joining.cat([square, _times_inverse(views.narrow(grad_lower, -2, k, m - k), right)], -2)
    return permuted(square, row_order(out1, m), True)


def _times_inverse(matrix: Tensor, lower: Tensor) -> Tensor:
    """``matrix @ lower^-1``."""
    turned = [views.transpose(each, -2, -1) for each in (lower, matrix)]
    return views.transpose(triangular_solution(turned[0], turned[1], True, False), -2, -1)


def _check_pivot(op: str, pivot: bool) -> None:
    if not pivot:
        raise CapabilityError(f"{op}: LU without pivoting is not implemented, as on PyTorch's CPU; use pivot=True")


@function(method=False, namespace="linalg", name="lu_factor_ex")
def linalg_lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False) -> LUFactorEx:  # noqa: N803
    """:func:`linalg.lu_factor` and ``info``: 0, or the number of the first zero on U's diagonal."""
    check_matrix("linalg.lu_factor_ex", A)
    _check_pivot("linalg.lu_factor_ex", pivot)
    packed, pivots, info = lu_factors(A)
    if check_errors:
        check_info("linalg.lu_factor_ex", info, SINGULAR)
    return LUFactorEx(packed, pivots, info)


@function(method=False, namespace="linalg", name="lu_factor")
def linalg_lu_factor(A: Tensor, *, pivot: bool = True) -> LUFactor:  # noqa: N803
    """L and U in one matrix, for :func:`linalg.lu_solve`, and LAPACK's pivots.  A ``(*, M, N)``.

    A singular matrix has such factors too; dividing by them fails.
    """
    check_matrix("linalg.lu_factor", A)
    _check_pivot("linalg.lu_factor", pivot)
    packed, pivots, _ = lu_factors(A)
    return LUFactor(packed, pivots)


def _permutation_matrix(order: Tensor, like: Tensor) -> Tensor:
    rows = views.unsqueeze(creation.iota(order, (order.shape[-1],)), -1)
    return comparison.eq(rows, views.unsqueeze(order, -2)).to(like.dtype)


@function(method=False)
def lu_unpack(
    LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True  # noqa: N803
) -> LU:  # fmt: skip
    """``(P, L, U)`` from what :func:`linalg.lu_factor` returns; a part that is not unpacked is empty."""
    check_matrix("lu_unpack", LU_data)
    if LU_pivots.dtype is not int32:
        raise DTypeError(f"lu_unpack: LU_pivots is expected to be of int32, got {LU_pivots.dtype.name}")
    if tuple(LU_pivots.shape) != (*batch_shape(LU_data), _count(LU_data)):
        raise ShapeError(f"lu_unpack: pivots {list(LU_pivots.shape)} do not belong to LU of {list(LU_data.shape)}")
    empty = creation.empty(0, dtype=LU_data.dtype, device=LU_data.device)
    p = _permutation_matrix(row_order(LU_pivots, LU_data.shape[-2]), LU_data) if unpack_pivots else empty
    return LU(p, _lower(LU_data), _upper(LU_data)) if unpack_data else LU(p, empty, empty)


@function(method=False, namespace="linalg", name="lu")
def linalg_lu(A: Tensor, *, pivot: bool = True) -> LU:  # noqa: N803
    """``P``, unit lower ``L (*, M, K)`` and upper ``U (*, K, N)`` with ``P @ L @ U = A``, ``K = min(M, N)``."""
    check_matrix("linalg.lu", A)
    _check_pivot("linalg.lu", pivot)
    packed, pivots, _ = lu_factors(A)
    return lu_unpack(packed, pivots)


def solve_with_factors(packed: Tensor, pivots: Tensor, right: Tensor, turned: bool = False) -> Tensor:
    """``X`` with ``A @ X = right`` (``A^H @ X = right`` where ``turned``) from A's factors; batches are equal."""
    order = row_order(pivots, packed.shape[-1])
    if not turned:
        half = triangular_solution(packed, permuted(right, order), False, True)
        return triangular_solution(packed, half, True, False)
    factors = adjoint(packed)
    half = triangular_solution(factors, right, False, False)
    return permuted(triangular_solution(factors, half, True, True), order, True)


@function(method=False, namespace="linalg", name="lu_solve")
def linalg_lu_solve(
    LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False  # noqa: N803
) -> Tensor:  # fmt: skip
    """``X`` with ``A @ X = B`` (``X @ A = B`` where not ``left``) from A's :func:`linalg.lu_factor`.

    With ``adjoint``, A's conjugate transpose takes its place.  LU ``(*, N, N)``, B ``(*, N, K)`` or ``(*, K, N)``.
    """
    from hotplug.ops import linalg_common as common

    check_fits("linalg.lu_solve", LU, B, left)
    if pivots.dtype is not int32:
        raise DTypeError(f"linalg.lu_solve: pivots should be a Tensor of scalar type int32, got {pivots.dtype.name}")
    if tuple(pivots.shape) != tuple(LU.shape[:-1]):
        raise ShapeError(f"linalg.lu_solve: Number of pivots {list(pivots.shape)} does not fit LU {list(LU.shape)}")
    factors, right = batched(LU, B if left else common.adjoint(B), "linalg.lu_solve")
    exchanges = views.expand(pivots, tuple(factors.shape[:-1]))
    result = solve_with_factors(factors, exchanges, right, adjoint is left)
    return result if left else common.adjoint(result)


@function()
def lu_solve(input: Tensor, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:  # noqa: N803
    """:func:`linalg.lu_solve` with the right-hand side first."""
    return linalg_lu_solve(LU_data, LU_pivots, input)


@function()
def lu(A: Tensor, pivot: bool = True, get_infos: bool = False) -> LUFactor | LUFactorEx:  # noqa: N803
    """:func:`linalg.lu_factor`, or where ``get_infos`` :func:`linalg.lu_factor_ex`: PyTorch's older form."""
    return linalg_lu_factor_ex(A, pivot=pivot) if get_infos else linalg_lu_factor(A, pivot=pivot)


__all__ = [
    "LU", "LUFactor", "LUFactorEx", "eye_like", "lu", "lu_factors", "lu_solve", "lu_unpack", "permuted", "row_order",
    "solve_with_factors",
]  # fmt: skip
