"""Cholesky factors and what is solved with them."""

from __future__ import annotations

from typing import NamedTuple

from hotplug.declare import composite, function
from hotplug.dtypes import int32
from hotplug.ops import diagonals, linalg_arrays, linalg_factors
from hotplug.ops.linalg_common import INDEFINITE, adjoint, batch_shape, check_info, check_square, eye_like
from hotplug.ops.linalg_triangular import check_fits, solved_triangle, triangular_solution
from hotplug.tensor import Tensor, wrap


class CholeskyEx(NamedTuple):
    """What :func:`linalg.cholesky_ex` returns."""

    L: Tensor
    info: Tensor


@composite(outputs=lambda input: [(tuple(input.shape), input.dtype), (batch_shape(input), int32)])
def cholesky_factor(input: Tensor) -> tuple[Tensor, Tensor]:
    """``L (*B, N, N)``, and LAPACK's info ``(*B)``: 0, or the order of the first leading minor that is not positive."""
    lower = linalg_factors.cholesky(input._array)
    return wrap(lower), wrap(linalg_factors.first_bad(linalg_arrays.diagonal(lower), True))


@cholesky_factor.gradient("input")
def _(grad: Tensor, out: Tensor) -> Tensor:
    """``L^-H (T + T1^H) L^-1 / 2`` with the lower triangle T of ``L^H gL``, T1 without its diagonal (Murray,
    "Differentiation of the Cholesky decomposition", 2016, equation 10, made symmetric as in PyTorch).
    """
    turned = adjoint(out)
    low = diagonals.tril(turned @ grad)
    half = triangular_solution(turned, (low + adjoint(diagonals.tril(low, -1))) * 0.5, True, False)
    return adjoint(triangular_solution(turned, adjoint(half), True, False))


def _factored(input: Tensor, upper: bool) -> tuple[Tensor, Tensor]:
    lower, info = cholesky_factor(adjoint(input) if upper else input)
    return (adjoint(lower) if upper else lower), info


@function(method=False, namespace="linalg", name="cholesky_ex")
def linalg_cholesky_ex(input: Tensor, *, upper: bool = False, check_errors: bool = False) -> CholeskyEx:
    """:func:`linalg.cholesky` without an error: ``(L, info)``; where ``info`` is not 0, the factor means nothing."""
    check_square("linalg.cholesky_ex", input)
    factor, info = _factored(input, upper)
    if check_errors:
        check_info("linalg.cholesky_ex", info, INDEFINITE)
    return CholeskyEx(factor, info)


@function(method=False, namespace="linalg", name="cholesky")
def linalg_cholesky(input: Tensor, *, upper: bool = False) -> Tensor:
    """Lower ``L`` with ``L @ L^H = input`` for a Hermitian positive-definite matrix, or its adjoint where ``upper``.

    input ``(*, N, N)``, of which one triangle is read.  The gradient is that of a Hermitian matrix, as in PyTorch.

    Raises:
        LinAlgError: the matrix is not positive-definite.
    """
    check_square("linalg.cholesky", input)
    factor, info = _factored(input, upper)
    check_info("linalg.cholesky", info, INDEFINITE)
    return factor


@function()
def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """:func:`linalg.cholesky`."""
    return linalg_cholesky(input, upper=upper)


@function()
def cholesky_solve(input: Tensor, input2: Tensor, upper: bool = False) -> Tensor:
    """``X`` with ``A @ X = input`` where ``input2`` is the Cholesky factor of A.  input ``(*, N, K)``, input2 ``(*, N, N)``."""
    check_fits("cholesky_solve", input2, input)
    first, second = (adjoint(input2), input2) if upper else (input2, adjoint(input2))
    half = solved_triangle("cholesky_solve", first, input, False, True, False)
    return solved_triangle("cholesky_solve", second, half, True, True, False)


@function()
def cholesky_inverse(input: Tensor, upper: bool = False) -> Tensor:
    """The inverse of the matrix whose Cholesky factor is ``input (*, N, N)``."""
    check_square("cholesky_inverse", input)
    return cholesky_solve(eye_like(input, input.shape[-1]), input, upper)
