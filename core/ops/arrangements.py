"""Blocks on a diagonal, products and combinations of sets, positions in triangles."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

from hotplug.declare import function
from hotplug.dtypes import bool_, dtype as DType, int32, int64
from hotplug.errors import ArgumentError, DTypeError, ShapeError
from hotplug.ops import comparison, creation, diagonals, rearranging, selection, views
from hotplug.ops.gathering import select_rows
from hotplug.ops.joining import cat, stack
from hotplug.tensor import Tensor


@function(method=False)
def block_diag(*tensors: Tensor) -> Tensor:
    """Matrices along a diagonal, zeros elsewhere; a vector is one row, a 0-d tensor one element."""
    blocks = []
    for place, each in enumerate(tensors):
        if each.ndim > 2:
            raise ShapeError(
                f"block_diag: input tensors must have 2 or fewer dimensions. Input {place} has {each.ndim} dimensions"
            )
        blocks.append(views.reshape(each, (1,) * (2 - each.ndim) + tuple(each.shape)))
    if not blocks:
        return creation.empty(1, 0)
    kind, width = _common(blocks), sum(each.shape[1] for each in blocks)
    rows, start = [], 0
    for each in blocks:
        height, own = each.shape
        gap = [creation.zeros((height, n), dtype=kind, device=each.device) for n in (start, width - start - own)]
        rows.append(cat([gap[0], each.to(kind), gap[1]], 1))
        start += own
    return cat(rows, 0)


def _common(tensors: Sequence[Tensor]) -> DType:
    from hotplug.declare.promotion import common_dtype

    return common_dtype(each._array.layout for each in tensors)


@function(method=False)
def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All tuples of one element from each vector.  ``k`` vectors -> ``(n1 * ... * nk, k)``; of one vector, itself."""
    for each in tensors:
        if each.ndim != 1:
            raise ShapeError(f"cartesian_prod: Expect a 1D vector, but got shape {list(each.shape)}")
    if len({each.dtype for each in tensors}) > 1:
        raise DTypeError("cartesian_prod: all tensors must have the same dtype; convert with .to(dtype)")
    if len(tensors) == 1:
        return tensors[0]
    grids = rearranging.meshgrid(*tensors, indexing="ij")
    return stack([views.reshape(each, (-1,)) for each in grids], 1)


class NegativeNumberError(ArgumentError, RuntimeError):
    """A number that must not be negative."""


@function()
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All choices of ``r`` elements of a vector in order, as rows.  ``(n)`` -> ``(n choose r, r)``."""
    if input.ndim != 1:
        raise ShapeError(f"combinations: expect a 1D vector, but got shape {list(input.shape)}")
    if r < 0:
        raise NegativeNumberError(f"combinations: expect a non-negative number, but got {r}")
    size = input.shape[0]
    count = math.comb(size + r - 1 if with_replacement and size else size, r)
    if r == 0 or count == 0:
        nothing = creation.zeros((0,), dtype=int64, device=input.device)
        return views.reshape(select_rows(input, 0, nothing), (0,) if r == 0 else (0, r))
    place = creation.iota(input, (size,))
    axes = [views.reshape(place, tuple(size if a == axis else 1 for a in range(r))) for axis in range(r)]
    chosen = creation.ones((size,) * r, dtype=bool_, device=input.device)
    for first, second in itertools.pairwise(axes):
        ordered = comparison.le(first, second) if with_replacement else comparison.lt(first, second)
        chosen = comparison.logical_and(chosen, ordered)
    rows = selection.coordinates(selection.true_positions(chosen, count), (size,) * r)
    return views.reshape(select_rows(input, 0, views.reshape(rows, (-1,))), (count, r))


def _triangle(op: str, row: int, col: int, offset: int, upper: bool, dtype: DType | None, device: Any) -> Tensor:
    if row < 0 or col < 0:
        raise NegativeNumberError(f"{op}: row and col must be non-negative, got {row} and {col}")
    kind = dtype or int64
    if kind not in (int32, int64):
        raise DTypeError(f"{op}: expected dtype int32 or int64, got {kind.name}")
    below = sum(min(max(i + offset + (0 if upper else 1), 0), col) for i in range(row))
    count = row * col - below if upper else below
    if not count:
        return creation.empty((2, 0), dtype=kind, device=device)
    full = creation.ones((row, col), dtype=bool_, device=device)
    mask = diagonals.triu(full, offset) if upper else diagonals.tril(full, offset)
    found = selection.coordinates(selection.true_positions(mask, count), (row, col))
    return views.transpose(found, 0, 1).to(kind).contiguous()


@function(method=False)
def tril_indices(row: int, col: int, offset: int = 0, *, dtype: DType | None = None, device: Any = None) -> Tensor:
    """Row and column numbers of the elements on and below a diagonal of a ``(row, col)`` matrix -> ``(2, n)``, int64."""
    return _triangle("tril_indices", row, col, offset, False, dtype, device)


@function(method=False)
def triu_indices(row: int, col: int, offset: int = 0, *, dtype: DType | None = None, device: Any = None) -> Tensor:
    """Row and column numbers of the elements on and above a diagonal of a ``(row, col)`` matrix -> ``(2, n)``, int64."""
    return _triangle("triu_indices", row, col, offset, True, dtype, device)
