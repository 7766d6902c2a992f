"""The extension ``linalg``, and the standard's four products, which are in the main namespace too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

from hotplug import dtypes, linalg as _linalg, ops
from hotplug.array_api.kinds import check, pair
from hotplug.array_api.reductions import sum as _sum
from hotplug.array_api.shapes import axes_of, matrix_transpose
from hotplug.dtypes import dtype as DType
from hotplug.errors import ArgumentError
from hotplug.tensor import Tensor

__all__ = [
    "cholesky", "cross", "det", "diagonal", "eigh", "eigvalsh", "inv", "matmul", "matrix_norm", "matrix_power",
    "matrix_rank", "matrix_transpose", "outer", "pinv", "qr", "slogdet", "solve", "svd", "svdvals", "tensordot", "trace",
    "vecdot", "vector_norm",
]  # fmt: skip


class EighResult(NamedTuple):
    """What :func:`eigh` finds."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class QRResult(NamedTuple):
    """What :func:`qr` finds."""

    Q: Tensor
    R: Tensor


class SlogdetResult(NamedTuple):
    """What :func:`slogdet` finds."""

    sign: Tensor
    logabsdet: Tensor


class SVDResult(NamedTuple):
    """What :func:`svd` finds."""

    U: Tensor
    S: Tensor
    Vh: Tensor


# --- products ---------------------------------------------------------------------------------------------------------


def matmul(x1: Tensor, x2: Tensor, /) -> Tensor:
    """The matrix product of the last two axes, broadcast over the others; an array with one axis is a vector.

    Raises:
        ValueError: the sizes don't fit, or an array has no axis.
    """
    first, second = _numeric("matmul", x1, x2)
    inner = second.shape[-2 if second.ndim > 1 else -1] if second.ndim else 0
    if not first.ndim or not second.ndim or first.shape[-1] != inner:
        raise ArgumentError(f"matmul: shapes {list(first.shape)} and {list(second.shape)} can't be multiplied")
    return ops.matmul(first, second)


def tensordot(x1: Tensor, x2: Tensor, /, *, axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> Tensor:
    """Sums of products over the last axes of one array and the first of the other, or over those that are named."""
    first, second = _numeric("tensordot", x1, x2)
    if not isinstance(axes, int):
        pairs = axes_of("tensordot", first, tuple(axes[0])), axes_of("tensordot", second, tuple(axes[1]))
        return ops.tensordot(first, second, [list(each) for each in pairs])
    return ops.tensordot(first, second, axes)


def vecdot(x1: Tensor, x2: Tensor, /, *, axis: int = -1) -> Tensor:
    """Sums of products along an axis, counted from the end; of complex numbers the first is conjugated."""
    first, second = _numeric("vecdot", x1, x2)
    if axis >= 0 or axis < -min(first.ndim, second.ndim) or first.shape[axis] != second.shape[axis]:
        raise ArgumentError(
            f"vecdot: shapes {list(first.shape)} and {list(second.shape)} have no common axis {axis}; expected one from -1 down"
        )
    return ops.sum(ops.conj(first) * second, axis).to(first.dtype)


def _numeric(name: str, x1: Any, x2: Any) -> tuple[Tensor, Tensor]:
    return pair(name, check(name, x1, "numeric", "x1"), check(name, x2, "numeric", "x2"))


def outer(x1: Tensor, x2: Tensor, /) -> Tensor:
    """All products of the elements of two vectors."""
    first, second = _numeric("outer", x1, x2)
    if first.ndim != 1 or second.ndim != 1:
        raise ArgumentError("outer: expected two vectors")
    return first.unsqueeze(1) * second


def cross(x1: Tensor, x2: Tensor, /, *, axis: int = -1) -> Tensor:
    """The cross product of vectors of three along an axis, broadcast."""
    first, second = _numeric("cross", x1, x2)
    if axis < -min(first.ndim, second.ndim) or (axis >= 0 and first.ndim != second.ndim):
        raise ArgumentError(f"cross: axis {axis} is not that of both arrays")
    if first.shape[axis] != 3 or second.shape[axis] != 3:
        raise ArgumentError(f"cross: expected 3 elements along axis {axis}")
    return _linalg.cross(first, second, dim=axis)  # type: ignore[no-any-return]


# --- matrices ---------------------------------------------------------------------------------------------------------


def _matrix(name: str, x: Any, kind: str = "floating") -> Tensor:
    if check(name, x, kind).ndim < 2:
        raise _linalg.LinAlgError(f"{name}: expected at least two axes, got shape {list(x.shape)}")
    return x  # type: ignore[no-any-return]


def diagonal(x: Tensor, /, *, offset: int = 0) -> Tensor:
    """The diagonal of every matrix."""
    return ops.diagonal(_matrix("diagonal", x, "all"), offset, -2, -1)


def trace(x: Tensor, /, *, offset: int = 0, dtype: DType | None = None) -> Tensor:
    """The sum of every matrix's diagonal; integers become 64 bits wide."""
    return _sum(diagonal(_matrix("trace", x, "numeric"), offset=offset), axis=-1, dtype=dtype)


def cholesky(x: Tensor, /, *, upper: bool = False) -> Tensor:
    """The Cholesky factor of every matrix, below the diagonal or above."""
    return _linalg.cholesky(_matrix("cholesky", x), upper=upper)


def det(x: Tensor, /) -> Tensor:
    """The determinant of every matrix."""
    return _linalg.det(_matrix("det", x))


def slogdet(x: Tensor, /) -> SlogdetResult:
    """The sign of every determinant, and the logarithm of its absolute value."""
    return SlogdetResult(*_linalg.slogdet(_matrix("slogdet", x)))


def inv(x: Tensor, /) -> Tensor:
    """The inverse of every matrix."""
    return _linalg.inv(_matrix("inv", x))


def solve(x1: Tensor, x2: Tensor, /) -> Tensor:
    """The solutions of ``x1 @ result = x2``; ``x2`` is one vector where it has one axis, else matrices."""
    first, second = pair("solve", _matrix("solve", x1), check("solve", x2, "floating", "x2"))
    if second.ndim == 1:
        return _linalg.solve(first, second.unsqueeze(-1)).squeeze(-1)
    shape = ops.broadcast_shapes(tuple(first.shape[:-2]), tuple(second.shape[:-2]))
    first, second = first.expand((*shape, *first.shape[-2:])), second.expand((*shape, *second.shape[-2:]))
    return _linalg.solve(first, second)


def eigh(x: Tensor, /) -> EighResult:
    """The eigenvalues of every Hermitian matrix, in ascending order, and its eigenvectors as columns."""
    return EighResult(*_linalg.eigh(_matrix("eigh", x)))


def eigvalsh(x: Tensor, /) -> Tensor:
    """The eigenvalues of every Hermitian matrix, in ascending order."""
    return _linalg.eigvalsh(_matrix("eigvalsh", x))


def qr(x: Tensor, /, *, mode: Literal["reduced", "complete"] = "reduced") -> QRResult:
    """Every matrix as the product of a unitary one and one with zeros below its diagonal."""
    if mode not in ("reduced", "complete"):
        raise ArgumentError(f"qr: mode is reduced or complete, got {mode!r}")
    return QRResult(*_linalg.qr(_matrix("qr", x), mode))


def svd(x: Tensor, /, *, full_matrices: bool = True) -> SVDResult:
    """The singular values of every matrix, in descending order, and the vectors on both sides."""
    return SVDResult(*_linalg.svd(_matrix("svd", x), full_matrices))


def svdvals(x: Tensor, /) -> Tensor:
    """The singular values of every matrix, in descending order."""
    return _linalg.svdvals(_matrix("svdvals", x))


def matrix_power(x: Tensor, n: int, /) -> Tensor:
    """Every matrix multiplied with itself; with ``n < 0``, its inverse."""
    return _linalg.matrix_power(_matrix("matrix_power", x), n)  # type: ignore[no-any-return]


def _cutoff(name: str, x: Tensor, rtol: Any) -> Any:
    if rtol is None:
        return max(x.shape[-2:]) * dtypes.finfo(x.dtype).eps
    return check(name, rtol, "real floating", "rtol") if isinstance(rtol, Tensor) else rtol


def matrix_rank(x: Tensor, /, *, rtol: float | Tensor | None = None) -> Tensor:
    """How many singular values of every matrix are above ``rtol`` times the largest: int64."""
    values = svdvals(_matrix("matrix_rank", x))
    cutoff = _cutoff("matrix_rank", x, rtol)
    cutoff = cutoff.unsqueeze(-1) if isinstance(cutoff, Tensor) and cutoff.ndim else cutoff
    largest = ops.amax(values, -1, keepdim=True) if values.shape[-1] else 0.0
    return ops.sum(ops.gt(values, largest * cutoff).to(dtypes.int64), -1)


def pinv(x: Tensor, /, *, rtol: float | Tensor | None = None) -> Tensor:
    """The pseudoinverse of every matrix: singular values below ``rtol`` times the largest count as zero."""
    return _linalg.pinv(_matrix("pinv", x), rtol=_cutoff("pinv", x, rtol))


_ORDERS: Final = (1, -1, 2, -2, float("inf"), float("-inf"), "fro", "nuc")


def matrix_norm(x: Tensor, /, *, keepdims: bool = False, ord: Any = "fro") -> Tensor:
    """A norm of every matrix: 1, -1, 2, -2, inf, -inf, ``"fro"`` or ``"nuc"``."""
    if ord not in _ORDERS:
        raise ArgumentError(f"matrix_norm: expected one of {_ORDERS} as ord, got {ord!r}")
    return _linalg.matrix_norm(_matrix("matrix_norm", x), ord, keepdim=keepdims)


def vector_norm(
    x: Tensor, /, *, axis: int | tuple[int, ...] | None = None, keepdims: bool = False, ord: float = 2
) -> Tensor:  # fmt: skip
    """A norm over some axes (default: all) as if they were one: any number, infinities among them."""
    places = axes_of("vector_norm", check("vector_norm", x, "floating"), axis)
    if not places:
        size = ops.abs(x)
        return ops.ne(size, 0).to(size.dtype) if ord == 0 else size
    return _linalg.vector_norm(x, ord, places, keepdims)
