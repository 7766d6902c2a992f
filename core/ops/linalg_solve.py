"""Systems of linear equations, inverses and determinants, through LU factors."""

from __future__ import annotations

from typing import NamedTuple

from hotplug.autograd.mode import MODE
from hotplug.declare import composite, function
from hotplug.dtypes import dtype as DType, int32
from hotplug.errors import ShapeError
from hotplug.layout import Shape
from hotplug.ops import (
    arithmetic,
    comparison,
    complex_numbers,
    creation,
    diagonals,
    reduction,
    selection,
    transcendental,
    views,
)
from hotplug.ops.linalg_common import (
    SINGULAR,
    adjoint,
    as_dtype,
    batch_shape,
    batched,
    check_dtype,
    check_info,
    check_square,
    diagonal_of,
    eye_like,
)
from hotplug.ops.linalg_lu import lu_factors, lu_unpack, solve_with_factors
from hotplug.ops.linalg_triangular import check_fits
from hotplug.tensor import Tensor


class SolveEx(NamedTuple):
    """What :func:`linalg.solve_ex` returns."""

    result: Tensor
    info: Tensor


class InvEx(NamedTuple):
    """What :func:`linalg.inv_ex` returns."""

    inverse: Tensor
    info: Tensor


class Slogdet(NamedTuple):
    """What :func:`linalg.slogdet` returns."""

    sign: Tensor
    logabsdet: Tensor


# --- systems ---


@composite(outputs=lambda matrix, right: [(tuple(right.shape), right.dtype), (batch_shape(right), int32)])
def linear_solution(matrix: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
    """``X (*B, N, K)`` with ``matrix @ X = right``, and the info of the LU factors."""
    packed, pivots, info = lu_factors(matrix)
    return solve_with_factors(packed, pivots, right), info


@linear_solution.gradient("matrix", "right")
def _(grad: Tensor, matrix: Tensor, out: Tensor, need: set[str]) -> tuple[Tensor | None, Tensor]:
    """``gB = A^-H gX``, ``gA = -gB X^H`` (Giles, "Collected matrix derivative results", 2008, 2.3.1)."""
    right, _ = linear_solution(adjoint(matrix), grad)
    return (-(right @ adjoint(out)) if "matrix" in need else None), right


def _is_vector(A: Tensor, B: Tensor) -> bool:  # noqa: N803
    return B.ndim == 1 or (B.ndim == A.ndim - 1 and tuple(B.shape) == tuple(A.shape[:-1]))


def _solved(op: str, A: Tensor, B: Tensor, left: bool) -> tuple[Tensor, Tensor]:  # noqa: N803
    check_square(op, A)
    vector = _is_vector(A, B)
    if vector and not left:
        raise ShapeError(f"{op}: Vector broadcasting of the left hand side is not supported for left=False")
    right = views.unsqueeze(B, -1) if vector else B
    check_fits(op, A, right, left)
    if not left:
        matrix, right = batched(views.transpose(A, -2, -1), views.transpose(right, -2, -1), op)
        result, info = linear_solution(matrix, right)
        return views.transpose(result, -2, -1), _first_of(info, batch_shape(A))
    result, info = linear_solution(*batched(A, right, op))
    return (views.squeeze(result, -1) if vector else result), _first_of(info, batch_shape(A))


def _first_of(info: Tensor, batch: Shape) -> Tensor:
    """What was broadcast, as it was before: one of the equal copies, a view.  Where there are none, nothing failed."""
    if tuple(info.shape) == batch:
        return info
    if not info.numel():
        return info.new_zeros(batch)
    while info.ndim > len(batch):
        info = views.select(info, 0, 0)
    for axis, size in enumerate(batch):
        info = views.narrow(info, axis, 0, size)
    return info


@function(method=False, namespace="linalg", name="solve_ex")
def linalg_solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False) -> SolveEx:  # noqa: N803
    """:func:`linalg.solve` without an error: ``(result, info)``; where ``info`` is not 0, the result means nothing."""
    result, info = _solved("linalg.solve_ex", A, B, left)
    if check_errors:
        check_info("linalg.solve_ex", info, SINGULAR)
    return SolveEx(result, info)


@function(method=False, namespace="linalg", name="solve")
def linalg_solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:  # noqa: N803
    """``X`` with ``A @ X = B`` (``X @ A = B`` where not ``left``).

    A ``(*, N, N)``, B ``(*, N, K)`` (``(*, K, N)``) or a batch of vectors ``(*, N)``; batches broadcast.

    Raises:
        LinAlgError: a matrix is singular.
    """
    result, info = _solved("linalg.solve", A, B, left)
    check_info("linalg.solve", info, SINGULAR)
    return result


# --- inverses ---


@composite(outputs=lambda input: [(tuple(input.shape), input.dtype), (batch_shape(input), int32)])
def inverse_matrix(input: Tensor) -> tuple[Tensor, Tensor]:
    """The inverse, and the info of the LU factors."""
    unit = views.expand(eye_like(input, input.shape[-1]), tuple(input.shape))
    return linear_solution(input, unit)


@inverse_matrix.gradient("input")
def _(grad: Tensor, out: Tensor) -> Tensor:
    """``-Y^H gY Y^H`` for ``Y = A^-1`` (Giles, 2008, 2.2.3)."""
    turned = adjoint(out)
    return -(turned @ grad @ turned)


@function(method=False, namespace="linalg", name="inv_ex")
def linalg_inv_ex(A: Tensor, *, check_errors: bool = False) -> InvEx:  # noqa: N803
    """:func:`linalg.inv` without an error: ``(inverse, info)``; where ``info`` is not 0, the inverse means nothing."""
    check_square("linalg.inv_ex", A)
    inverse, info = inverse_matrix(A)
    if check_errors:
        check_info("linalg.inv_ex", info, SINGULAR)
    return InvEx(inverse, info)


@function(method=False, namespace="linalg", name="inv")
def linalg_inv(A: Tensor) -> Tensor:  # noqa: N803
    """The inverse of square matrices ``(*, N, N)``.

    Raises:
        LinAlgError: a matrix is singular.
    """
    check_square("linalg.inv", A)
    inverse, info = inverse_matrix(A)
    check_info("linalg.inv", info, SINGULAR)
    return inverse


@function()
def inverse(input: Tensor) -> Tensor:
    """:func:`linalg.inv`."""
    return linalg_inv(input)


# --- determinants ---


def _parity(pivots: Tensor, like: Tensor) -> Tensor:
    """-1 for every exchange of two different rows, multiplied."""
    places = creation.iota(pivots, (pivots.shape[-1],)) + 1
    swaps = reduction.sum(comparison.ne(pivots, places), -1)
    return (1 - 2 * arithmetic.remainder(swaps, 2)).to(like.dtype)


@composite(outputs=lambda input: [(batch_shape(input), input.dtype)])
def determinant(input: Tensor) -> Tensor:
    """The product of U's diagonal with the sign of the permutation."""
    packed, pivots, _ = lu_factors(input)
    product = reduction.prod(diagonal_of(packed), -1)
    return product * _parity(pivots, product)


def _shift(input: Tensor, limit: float, tiny: float) -> Tensor:
    """A constant that moves elements on U's diagonal of up to ``limit`` by ``tiny``, both times the largest element."""
    packed, pivots, _ = lu_factors(input.detach())
    size = views.unsqueeze(reduction.amax(arithmetic.abs(packed), (-2, -1)), -1)
    size = selection.where(comparison.eq(size, 0), creation.ones_like(size), size)
    small = comparison.le(arithmetic.abs(diagonal_of(packed)), size * limit)
    p, lower, _ = lu_unpack(packed, pivots)
    return p @ lower @ diagonals.diag_embed(small.to(input.dtype) * as_dtype(size * tiny, input))


def _cofactors(input: Tensor) -> Tensor:
    """``conj(det A) A^-H``."""
    scale = complex_numbers.conj(determinant(input))
    return views.unsqueeze(views.unsqueeze(scale, -1), -1) * adjoint(inverse_matrix(input)[0])


@determinant.gradient("input")
def _(grad: Tensor, input: Tensor) -> Tensor:
    """``gA = conj(det A) g A^-H`` (Giles, 2008, 2.2.4).

    The cofactors are polynomials: where A is singular they are those of a matrix next to it.  To be differentiated again
    they need more distance, and the mean of both sides takes its first-order error away.
    """
    weight = views.unsqueeze(views.unsqueeze(grad, -1), -1)
    if not input.numel():
        return input
    double = input.dtype.real.itemsize == 8
    if not MODE.grad:
        return weight * _cofactors(input + _shift(input, 0.0, 2.0 ** (-40 if double else -18)))
    shift = _shift(input, 2.0 ** (-14 if double else -7), 2.0 ** (-13 if double else -6))
    return weight * (_cofactors(input + shift) + _cofactors(input - shift)) * 0.5


@function(method=False, namespace="linalg", name="det")
def linalg_det(A: Tensor) -> Tensor:  # noqa: N803
    """The determinant of square matrices ``(*, N, N)`` -> ``(*)``.  The gradient exists for singular ones too."""
    check_square("linalg.det", A)
    return determinant(A)


@function()
def det(input: Tensor) -> Tensor:
    """:func:`linalg.det`."""
    return linalg_det(input)


def _log_outputs(input: Tensor) -> list[tuple[Shape, DType]]:
    return [(batch_shape(input), input.dtype), (batch_shape(input), input.dtype.real)]


@composite(outputs=_log_outputs)
def log_determinant(input: Tensor) -> tuple[Tensor, Tensor]:
    """The determinant's sign (of modulus 1, or 0) and the logarithm of its modulus."""
    packed, pivots, _ = lu_factors(input)
    diagonal = diagonal_of(packed)
    signs = complex_numbers.sgn(diagonal)
    sign = reduction.prod(signs, -1)
    return sign * _parity(pivots, sign), reduction.sum(transcendental.log(arithmetic.abs(diagonal)), -1)


@log_determinant.gradient("input")
def _(grads: list[Tensor | None], input: Tensor, out: Tensor) -> Tensor:
    """``(gl - i Im(conj(gs) s)) A^-H``: for ``t = tr(A^-1 dA)``, log|det| changes by Re t and the sign by ``i s Im t``."""
    sign, size = grads
    weight = creation.zeros_like(out) if size is None else as_dtype(size, out)
    if sign is not None and out.dtype.kind == "c":
        turn = complex_numbers.imag(complex_numbers.conj(sign) * out)
        weight = weight - creation.complex(creation.zeros_like(turn), turn)
    return views.unsqueeze(views.unsqueeze(weight, -1), -1) * adjoint(inverse_matrix(input)[0])


@function(method=False, namespace="linalg", name="slogdet")
def linalg_slogdet(A: Tensor) -> Slogdet:  # noqa: N803
    """``(sign, logabsdet)`` of the determinant of ``(*, N, N)``: ``det = sign * exp(logabsdet)``.

    Of a singular matrix the sign is 0 and the logarithm -inf.
    """
    check_square("linalg.slogdet", A)
    return Slogdet(*log_determinant(A))


@function()
def slogdet(input: Tensor) -> Slogdet:
    """:func:`linalg.slogdet`."""
    return linalg_slogdet(input)


@function()
def logdet(input: Tensor) -> Tensor:
    """The logarithm of the determinant of ``(*, N, N)``: -inf where it is 0, NaN where it is negative."""
    check_square("logdet", input)
    sign, size = log_determinant(input)
    if input.dtype.kind == "c":
        return creation.complex(size, complex_numbers.angle(sign))
    return selection.masked_fill(size, comparison.eq(sign, -1), float("nan"))


# --- tensors as matrices ---


@function(method=False, namespace="linalg", name="tensorinv")
def linalg_tensorinv(input: Tensor, ind: int = 2) -> Tensor:
    """The inverse of a tensor as a matrix whose rows are its first ``ind`` axes, which come last in the result."""
    check_dtype("linalg.tensorinv", input)
    if ind <= 0:
        raise ShapeError(f"linalg.tensorinv: Expected a strictly positive integer for 'ind', got {ind}")
    rows, columns = tuple(input.shape[:ind]), tuple(input.shape[ind:])
    count = _product(rows)
    if count != _product(columns):
        raise ShapeError(
            f"linalg.tensorinv: Expected input to satisfy prod(input.shape[ind:]) == prod(input.shape[:ind]), but got "
            f"{_product(columns)} and {count}"
        )
    return views.reshape(linalg_inv(views.reshape(input, (count, count))), (*columns, *rows))


def _product(sizes: Shape) -> int:
    import math

    return math.prod(sizes)


@function(method=False, namespace="linalg", name="tensorsolve")
def linalg_tensorsolve(input: Tensor, other: Tensor, dims: tuple[int, ...] | None = None) -> Tensor:
    """``X`` with ``tensordot(input, X, X.ndim) = other``; ``dims`` of input are moved to its end first."""
    check_dtype("linalg.tensorsolve", input, other)
    if dims is not None:
        last = [dim % input.ndim for dim in dims]
        input = views.permute(input, [axis for axis in range(input.ndim) if axis not in last] + last)
    shape = tuple(input.shape[other.ndim :])
    if _product(shape) != other.numel() or _product(tuple(input.shape[: other.ndim])) != other.numel():
        raise ShapeError(
            f"linalg.tensorsolve: Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
            f"prod(self.shape[:other.ndim]), but got {list(input.shape)} and {list(other.shape)}"
        )
    matrix = views.reshape(input, (other.numel(), other.numel()))
    return views.reshape(linalg_solve(matrix, views.reshape(other, (-1,))), shape)
