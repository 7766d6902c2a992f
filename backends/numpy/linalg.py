"""Kernels of linear algebra for host devices, by the name of the composite: LAPACK through NumPy, and loops over columns
for what NumPy lacks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from hotplug.backend import OpKey
from hotplug.backends.numpy.memory import NDArray
from hotplug.errors import LinAlgError

Body = Callable[[Sequence[NDArray], Sequence[NDArray], Sequence[Any]], None]
Options = dict[str, Any]


def _flat(array: NDArray, axes: int) -> NDArray:
    """Batch axes as one."""
    split = array.ndim - axes
    return array.reshape((math.prod(array.shape[:split]), *array.shape[split:]))


def _each(function: Callable[..., tuple[NDArray, int]], *matrices: NDArray) -> tuple[NDArray, NDArray]:
    """A function of one matrix for each of a batch: results and infos."""
    flat = [_flat(each, 2) for each in matrices]
    pairs = [function(*group) for group in zip(*flat, strict=True)]
    shape = matrices[-1].shape
    results = np.array([result for result, _ in pairs]).reshape(shape)
    return results, np.array([info for _, info in pairs], np.int32).reshape(shape[:-2])


def _first(bad: NDArray) -> int:
    return int(bad.argmax()) + 1 if bad.any() else 0


def _cholesky_one(matrix: NDArray) -> tuple[NDArray, int]:
    """One factor; where that breaks off, NaN from there on."""
    try:
        return np.linalg.cholesky(matrix), 0
    except np.linalg.LinAlgError:
        lower = np.zeros_like(matrix)
        for j in range(len(matrix)):
            rest = matrix[j:, j] - lower[j:, :j] @ lower[j, :j].conj()
            if not rest[0].real > 0:
                lower[j:, j:] = np.tril(np.full_like(lower[j:, j:], np.nan))
                return lower, j + 1
            lower[j:, j] = rest / np.sqrt(rest[0].real)
        return lower, 0


def _cholesky(outs: Sequence[NDArray], inputs: Sequence[NDArray], _: Options) -> None:
    try:
        outs[0][...], outs[1][...] = np.linalg.cholesky(inputs[0]), 0
    except np.linalg.LinAlgError:
        outs[0][...], outs[1][...] = _each(_cholesky_one, inputs[0])


BLOCK: Final = 48
"""Columns that are eliminated one by one before a product brings the rest up to date."""


def _eliminate(packed: NDArray, pivots: NDArray, first: int, last: int) -> None:
    """The columns from ``first`` to ``last`` of a batch, whole rows exchanged; columns behind them are not yet changed."""
    batch, m = np.arange(len(packed)), packed.shape[1]
    for j in range(first, last):
        column = packed[:, j:, j]
        p = (np.abs(column.real) + np.abs(column.imag)).argmax(-1) + j if m else batch
        pivots[:, j] = p + 1
        packed[batch, p], packed[:, j] = packed[:, j].copy(), packed[batch, p]
        pivot = packed[:, j, j][:, None]
        packed[:, j + 1 :, j] /= np.where(pivot == 0, 1, pivot)
        packed[:, j + 1 :, j + 1 : last] -= packed[:, j + 1 :, j, None] * packed[:, None, j, j + 1 : last]


def lu_factors(matrix: NDArray) -> tuple[NDArray, NDArray]:
    """LAPACK's getrf for a batch ``(B, M, N)``: L and U in one, pivots from 1."""
    packed = matrix.copy()
    m, n = packed.shape[-2:]
    pivots = np.zeros((len(packed), min(m, n)), np.int32)
    for first in range(0, min(m, n), BLOCK):
        last = min(m, n, first + BLOCK)
        _eliminate(packed, pivots, first, last)
        beside = packed[:, first:last, last:]
        beside[...] = substituted(packed[:, first:last, first:last], beside, False, True)
        packed[:, last:, last:] -= packed[:, last:, first:last] @ beside
    return packed, pivots


def _zero_pivot(packed: NDArray) -> NDArray:
    on = np.diagonal(packed, 0, -2, -1) == 0
    return np.where(on.any(-1), on.argmax(-1) + 1, 0) if on.shape[-1] else np.zeros(on.shape[:-1], np.int32)


def _lu(outs: Sequence[NDArray], inputs: Sequence[NDArray], _: Options) -> None:
    packed, pivots = lu_factors(_flat(inputs[0], 2))
    outs[0][...], outs[1][...] = packed.reshape(outs[0].shape), pivots.reshape(outs[1].shape)
    outs[2][...] = _zero_pivot(packed).reshape(outs[2].shape)


def _row_order(outs: Sequence[NDArray], inputs: Sequence[NDArray], _: Options) -> None:
    out, pivots = outs[0], _flat(inputs[0], 1)
    order = np.tile(np.arange(out.shape[-1]), (len(pivots), 1))
    batch = np.arange(len(pivots))
    for j in range(pivots.shape[-1]):
        p = pivots[:, j] - 1
        order[batch, p], order[:, j] = order[:, j].copy(), order[batch, p]
    out[...] = order.reshape(out.shape)


def substituted(triangle: NDArray, right: NDArray, upper: bool, unit: bool) -> NDArray:
    """``X`` with ``triangle @ X = right``: block by block a product, within one row by row for all matrices together."""
    n = triangle.shape[-1]
    done = np.empty_like(right)
    starts = range(0, n, BLOCK)
    for first in reversed(starts) if upper else starts:
        last = min(n, first + BLOCK)
        known = slice(last, n) if upper else slice(0, first)
        rest = right[..., first:last, :] - triangle[..., first:last, known] @ done[..., known, :]
        for i in reversed(range(first, last)) if upper else range(first, last):
            before = slice(i + 1, last) if upper else slice(first, i)
            row = rest[..., i - first, :] - (triangle[..., i, None, before] @ done[..., before, :])[..., 0, :]
            done[..., i, :] = row if unit else row / triangle[..., i, i, None]
    return done


def _triangular(outs: Sequence[NDArray], inputs: Sequence[NDArray], options: Options) -> None:
    triangle, right = inputs
    outs[0][...] = substituted(triangle, right, options["upper"], options["unit"])


def _solve_one(matrix: NDArray, right: NDArray) -> tuple[NDArray, int]:
    try:
        return np.linalg.solve(matrix, right), 0
    except np.linalg.LinAlgError:
        packed, _ = lu_factors(matrix[None])
        return np.full_like(right, np.nan), max(int(_zero_pivot(packed)[0]), 1)


def _solve(outs: Sequence[NDArray], inputs: Sequence[NDArray], _: Options) -> None:
    try:
        outs[0][...], outs[1][...] = np.linalg.solve(*inputs), 0
    except np.linalg.LinAlgError:
        outs[0][...], outs[1][...] = _each(_solve_one, *inputs)


def _inverse(outs: Sequence[NDArray], inputs: Sequence[NDArray], _: Options) -> None:
    try:
        outs[0][...], outs[1][...] = np.linalg.inv(inputs[0]), 0
    except np.linalg.LinAlgError:
        unit = np.broadcast_to(np.eye(inputs[0].shape[-1], dtype=inputs[0].dtype), inputs[0].shape)
        outs[0][...], outs[1][...] = _each(_solve_one, inputs[0], unit)


def _determinant(outs: Sequence[NDArray], inputs: Sequence[NDArray], _: Options) -> None:
    outs[0][...] = np.linalg.det(inputs[0])


def _log_determinant(outs: Sequence[NDArray], inputs: Sequence[NDArray], _: Options) -> None:
    outs[0][...], outs[1][...] = np.linalg.slogdet(inputs[0])


def _qr(outs: Sequence[NDArray], inputs: Sequence[NDArray], options: Options) -> None:
    if options["mode"] == "r":
        outs[1][...] = np.linalg.qr(inputs[0], "r")
    else:
        outs[0][...], outs[1][...] = np.linalg.qr(inputs[0], options["mode"])


def _reflections(outs: Sequence[NDArray], inputs: Sequence[NDArray], _: Options) -> None:
    packed, outs[1][...] = np.linalg.qr(inputs[0], "raw")
    outs[0][...] = packed.swapaxes(-2, -1)


def _eigh(outs: Sequence[NDArray], inputs: Sequence[NDArray], options: Options) -> None:
    triangle: Any = "U" if options["upper"] else "L"
    if options["vectors"]:
        outs[0][...], outs[1][...] = np.linalg.eigh(inputs[0], triangle)
    else:
        outs[0][...] = np.linalg.eigvalsh(inputs[0], triangle)


def _eig(outs: Sequence[NDArray], inputs: Sequence[NDArray], options: Options) -> None:
    if options["vectors"]:
        outs[0][...], outs[1][...] = np.linalg.eig(inputs[0])
    else:
        outs[0][...] = np.linalg.eigvals(inputs[0])


def _svd(outs: Sequence[NDArray], inputs: Sequence[NDArray], options: Options) -> None:
    if options["vectors"]:
        outs[0][...], outs[1][...], outs[2][...] = np.linalg.svd(inputs[0], options["full"])
    else:
        outs[1][...] = np.linalg.svd(inputs[0], compute_uv=False)


LINALG: Final[dict[str, Callable[[Sequence[NDArray], Sequence[NDArray], Options], None]]] = {
    "cholesky_factor": _cholesky, "lu_factors": _lu, "row_order": _row_order, "triangular_solution": _triangular,
    "linear_solution": _solve, "inverse_matrix": _inverse, "determinant": _determinant,
    "log_determinant": _log_determinant, "qr_factors": _qr, "reflections": _reflections, "hermitian_eigen": _eigh,
    "general_eigen": _eig,
    "singular_factors": _svd,
}  # fmt: skip


PUBLIC: Final = {"qr_factors": "qr", "hermitian_eigen": "eigh", "general_eigen": "eig", "singular_factors": "svd"}
"""What users call the composites that LAPACK may give up on, for the error."""


def body_of(key: OpKey) -> Body | None:
    """The function of ndarrays for a composite of linear algebra; ``None`` for others."""
    function = LINALG.get(key.name)
    if function is None:
        return None
    options, name = dict(key.attributes), PUBLIC.get(key.name, "solve")

    def body(outs: Sequence[NDArray], inputs: Sequence[NDArray], _: Sequence[Any]) -> None:
        try:
            function(outs, inputs, options)
        except np.linalg.LinAlgError as error:
            raise LinAlgError(
                f"linalg.{name}: LAPACK gave up ({error}): the input has elements that are infinite or NaN, or too many equal "
                f"eigenvalues; check it with isfinite()"
            ) from error

    return body
