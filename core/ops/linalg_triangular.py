"""Systems with a triangular matrix."""

from __future__ import annotations

from typing import NamedTuple

from hotplug.declare import composite, function
from hotplug.errors import ShapeError
from hotplug.ops import diagonals, linalg_arrays, views
from hotplug.ops.linalg_common import adjoint, batched, check_dtype, check_square
from hotplug.tensor import Tensor, wrap


@composite(outputs=lambda triangle, right, *_: [(tuple(right.shape), right.dtype)])
def triangular_solution(triangle: Tensor, right: Tensor, upper: bool, unit: bool) -> Tensor:
    """``X (*B, N, K)`` with ``triangle @ X = right``; what is on the other side of the diagonal is not read."""
    return wrap(linalg_arrays.solve_triangle(triangle._array, right._array, upper, unit))


@triangular_solution.gradient("triangle", "right")
def _(
    grad: Tensor, triangle: Tensor, out: Tensor, upper: bool, unit: bool, need: set[str]
) -> tuple[Tensor | None, Tensor]:
    """``gB = A^-H gX``, ``gA = -gB X^H`` on the triangle (Giles, "Collected matrix derivative results", 2008, 2.3.1)."""
    right = triangular_solution(adjoint(triangle), grad, not upper, unit)
    if "triangle" not in need:
        return None, right
    full = -(right @ adjoint(out))
    offset = int(unit) if upper else -int(unit)
    return (diagonals.triu if upper else diagonals.tril)(full, offset), right


def solved_triangle(op: str, A: Tensor, B: Tensor, upper: bool, left: bool, unit: bool) -> Tensor:  # noqa: N803
    """The solution from the left or from the right, batches broadcast."""
    if not left:
        turned = solved_triangle(op, views.transpose(A, -2, -1), views.transpose(B, -2, -1), not upper, True, unit)
        return views.transpose(turned, -2, -1)
    triangle, right = batched(A, B, op)
    return triangular_solution(triangle, right, upper, unit)


def check_fits(op: str, A: Tensor, B: Tensor, left: bool = True) -> None:  # noqa: N803
    """The rows (or columns) of ``B`` must be as many as those of the square ``A``.

    Raises:
        ShapeError: they are not.
    """
    check_square(op, A)
    if B.ndim < 2:
        raise ShapeError(f"{op}: B must have at least 2 dimensions, got {B.ndim}")
    check_dtype(op, A, B)
    if A.shape[-1] != B.shape[-2 if left else -1]:
        raise ShapeError(
            f"{op}: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'} "
            f"({A.shape[-2]}x{A.shape[-1]} and {B.shape[-2]}x{B.shape[-1]})"
        )


@function(method=False, namespace="linalg", name="solve_triangular")
def linalg_solve_triangular(
    input: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False  # noqa: N803
) -> Tensor:  # fmt: skip
    """``X`` with ``input @ X = B`` (``X @ input = B`` where not ``left``) for a triangular ``input``.

    Only the triangle is read, and not the diagonal where it is ``unitriangular``.  input ``(*, N, N)``, B ``(*, N, K)``
    (``(*, K, N)``), batches broadcast.  A zero on the diagonal gives infinities or NaN, no error.
    """
    check_fits("linalg.solve_triangular", input, B, left)
    return solved_triangle("linalg.solve_triangular", input, B, upper, left, unitriangular)


class TriangularSolve(NamedTuple):
    """What :func:`triangular_solve` returns."""

    solution: Tensor
    cloned_coefficient: Tensor


@function()
def triangular_solve(
    input: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False  # noqa: N803
) -> TriangularSolve:  # fmt: skip
    """``X`` with ``A @ X = input`` (``A^T @ X = input``), and a copy of A.

    PyTorch's older form of :func:`linalg.solve_triangular`.
    """
    check_fits("triangular_solve", A, input)
    matrix = views.transpose(A, -2, -1) if transpose else A
    found = solved_triangle("triangular_solve", matrix, input, upper is not transpose, True, unitriangular)
    return TriangularSolve(found, A.clone())
