"""Norms, condition numbers and ranks."""

from __future__ import annotations

import math
from typing import Any

from hotplug.declare import function
from hotplug.declare.dims import canonical_dim
from hotplug.dtypes import dtype as DType
from hotplug.errors import DTypeError, ShapeError
from hotplug.ops import arithmetic, comparison, creation, reduction, selection, views
from hotplug.ops.linalg_common import LinAlgArgumentError, check_matrix, check_square
from hotplug.ops.linalg_solve import inverse_matrix
from hotplug.ops.linalg_spectral import linalg_eigvalsh, linalg_svdvals
from hotplug.tensor import Tensor

_ORDERS = ("fro", "nuc", math.inf, -math.inf, 1, -1, 2, -2)


def _floating(op: str, A: Tensor, dtype: DType | None) -> Tensor:  # noqa: N803
    if A.dtype.kind not in "fc":
        raise DTypeError(f"{op}: Expected a floating point or complex tensor as input. Got {A.dtype.name}")
    return A if dtype is None else A.to(dtype)


@function(method=False, namespace="linalg", name="vector_norm")
def linalg_vector_norm(
    x: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: DType | None = None
) -> Tensor:  # fmt: skip
    """``(sum |x| ** ord) ** (1 / ord)`` over ``dim`` (all by default); inf, -inf and 0 give the largest and smallest
    modulus and the count of elements that are not zero.
    """
    if isinstance(ord, str):
        raise LinAlgArgumentError(f"linalg.vector_norm: ord must be a number, got {ord!r}")
    return reduction.norm(_floating("linalg.vector_norm", x, dtype), float(ord), dim, keepdim)


def _two_dims(op: str, dim: Any, rank: int) -> tuple[int, int]:
    if not isinstance(dim, (tuple, list)) or len(dim) != 2:
        raise ShapeError(f"{op}: dim must be a 2-tuple. Got {dim}")
    first, second = (canonical_dim(op, each, rank) for each in dim)
    if first == second:
        raise ShapeError(f"{op}: dims must be different. Got ({dim[0]}, {dim[1]})")
    return first, second


@function(method=False, namespace="linalg", name="matrix_norm")
def linalg_matrix_norm(
    input: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: DType | None = None
) -> Tensor:  # fmt: skip
    """A norm of matrices ``(*, M, N)`` whose axes are ``dim``.

    ord ``"fro"``: root of the sum of squares; ``"nuc"``: sum of the singular values; 2, -2: the largest, the smallest of
    them; 1, -1: largest, smallest sum of moduli of a column; inf, -inf: of a row.
    """
    op = "linalg.matrix_norm"
    if input.ndim < 2:
        raise ShapeError(f"{op}: The input tensor must have at least 2 dimensions, got {input.ndim}")
    input = _floating(op, input, dtype)
    rows, columns = _two_dims(op, dim, input.ndim)
    if ord not in _ORDERS:
        raise LinAlgArgumentError(f"{op}: Order {ord} not supported; use one of {', '.join(map(str, _ORDERS))}")
    if ord == "fro":
        return reduction.norm(input, 2.0, (rows, columns), keepdim)
    if ord in ("nuc", 2, -2):
        values = linalg_svdvals(views.movedim(input, (rows, columns), (-2, -1)))
        result = _of_values(values, ord)
        if not keepdim:
            return result
        for axis in sorted((rows, columns)):
            result = views.unsqueeze(result, axis)
        return result
    along, across = (columns, rows) if abs(ord) == math.inf else (rows, columns)
    sums = reduction.sum(arithmetic.abs(input), along, True)
    found = _largest(sums, across, True) if ord > 0 else reduction.amin(sums, across, True)
    return found if keepdim else views.squeeze(found, (rows, columns))


def _largest(values: Tensor, dim: int, keepdim: bool = False) -> Tensor:
    """The largest of moduli along an axis; 0 where it has no elements."""
    if not values.shape[dim]:
        return reduction.sum(values, dim, keepdim)
    return reduction.amax(values, dim, keepdim)


def _of_values(values: Tensor, order: Any) -> Tensor:
    if order == "nuc":
        return reduction.sum(values, -1)
    return _largest(values, -1) if order == 2 else reduction.amin(values, -1)


@function(method=False, namespace="linalg", name="norm")
def linalg_norm(
    input: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: DType | None = None
) -> Tensor:  # fmt: skip
    """:func:`linalg.vector_norm` or :func:`linalg.matrix_norm`.

    Of the matrix where two dims are given, or none and the input is a matrix, and ``ord`` is given; else of the vector.
    """
    count = len(dim) if isinstance(dim, (tuple, list)) else None if dim is None else 1
    if ord is None:
        return linalg_vector_norm(input, 2, dim, keepdim, dtype=dtype)
    if count is None:
        if input.ndim not in (1, 2):
            raise ShapeError(
                f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {input.ndim}D"
            )
        count = input.ndim
    if count == 2:
        return linalg_matrix_norm(input, ord, (-2, -1) if dim is None else dim, keepdim, dtype=dtype)
    return linalg_vector_norm(input, ord, dim, keepdim, dtype=dtype)


@function(method=False, namespace="linalg", name="cond")
def linalg_cond(input: Tensor, p: Any = None) -> Tensor:
    """The condition number ``norm(input) * norm(inv(input))`` in the norm ``p`` of :func:`linalg.matrix_norm`.

    By default, and for 2 and -2, from the singular values, of rectangles too.  A singular matrix gives infinity, one
    without elements 0.
    """
    check_matrix("linalg.cond", input)
    if not input.numel() and not isinstance(p, str):
        return reduction.sum(arithmetic.abs(input), (-2, -1))
    if p is None or p in (2, -2):
        values = linalg_svdvals(input)
        largest, smallest = views.select(values, -1, 0), views.select(values, -1, -1)
        return smallest / largest if p == -2 else largest / smallest
    check_square("linalg.cond", input)
    inverse, info = inverse_matrix(input)
    size = linalg_matrix_norm(input, p) * linalg_matrix_norm(inverse, p)
    return selection.masked_fill(size, comparison.ne(info, 0), math.inf)


def cutoff(values: Tensor, shape: Any, atol: Any, rtol: Any) -> Tensor:
    """``max(atol, rtol * largest)`` for singular values ``(*B, K)``, as ``(*B, 1)``; what is not above counts as 0.

    Where neither is given, ``rtol`` is the dtype's epsilon times the larger size of the matrix.
    """
    from hotplug.dtypes import finfo

    if rtol is None:
        given = atol is not None and (isinstance(atol, Tensor) or atol > 0)
        rtol = 0.0 if given else finfo(values.dtype).eps * max(shape[-2:])
    largest = _largest(values, -1, True)
    relative = largest * (views.unsqueeze(rtol, -1) if isinstance(rtol, Tensor) else rtol)
    if atol is None:
        return relative
    if isinstance(atol, Tensor):
        return arithmetic.maximum(relative, views.unsqueeze(atol, -1).to(relative.dtype))
    return arithmetic.maximum(relative, creation.full_like(relative, atol))


@function(method=False, namespace="linalg", name="matrix_rank")
def linalg_matrix_rank(
    input: Tensor, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None
) -> Tensor:  # fmt: skip
    """How many singular values of ``(*, M, N)`` exceed ``max(atol, rtol * largest)`` -> int64.

    ``tol`` is an older name of ``atol``.  With ``hermitian``, they are the moduli of the eigenvalues.
    """
    check_matrix("linalg.matrix_rank", input)
    with_values = linalg_eigvalsh(input.detach()).abs() if hermitian else linalg_svdvals(input.detach())
    if not with_values.shape[-1]:
        return reduction.sum(comparison.ne(with_values, 0), -1)
    atol = tol if atol is None else atol
    return reduction.sum(
        comparison.gt(
            with_values, cutoff(with_values, input.shape, atol, 0.0 if tol is not None and rtol is None else rtol)
        ),
        -1,
    )
