"""Sets of elements or slices: unique, unique_consecutive, isin.

How many there are is known to the device only: that one number is read, and counted as a host read.
"""

from __future__ import annotations

import math
from typing import Any

from hotplug.declare import function
from hotplug.declare.dims import canonical_dim
from hotplug.dtypes import bool_, int64, promote, uint8
from hotplug.errors import ArgumentTypeError, DimensionError, DTypeError, ShapeError
from hotplug.ops import arithmetic, comparison, creation, reduction, scan, selection, views
from hotplug.ops.gathering import gather_along, select_rows
from hotplug.ops.joining import cat
from hotplug.ops.scattering import scatter_along
from hotplug.ops.searching import search_along
from hotplug.ops.sorting import check_ordered, sort_along
from hotplug.tensor import Tensor

_FEW = 16
"""So few elements are compared with each other one by one; sorting and searching takes more launches."""


# --- runs of equal elements ------------------------------------------------------------------------------------------


def _begins(slices: Tensor) -> Tensor:
    """Whether a slice along the first axis differs from the one before it; the first one does.  ``(N, *S)`` -> ``(N)``."""
    count = slices.shape[0]
    first = creation.ones((min(count, 1),), dtype=bool_, device=slices.device)
    if count < 2:
        return first
    differs: Tensor = comparison.ne(views.narrow(slices, 0, 1, count - 1), views.narrow(slices, 0, 0, count - 1))
    if differs.ndim > 1:
        differs = reduction.any(differs, tuple(range(1, differs.ndim)))
    return cat([first, differs])


def _lengths(starts: Tensor, total: int) -> Tensor:
    """How long the runs are that begin at these positions."""
    if not starts.shape[0]:
        return starts
    end = creation.full((1,), total, dtype=int64, device=starts.device)
    return cat([views.narrow(starts, 0, 1, starts.shape[0] - 1), end]) - starts


def _put_back(numbers: Tensor, order: Tensor, dim: int = 0) -> Tensor:
    """What belongs to sorted positions, at the positions before sorting."""
    return scatter_along(creation.zeros_like(numbers), dim, order, numbers, tuple(numbers.shape), "set")


def _ranks(columns: Tensor) -> Tensor:
    """Each element's rank among the different ones of its column.  ``(N, M)`` -> int64 ``(N, M)``."""
    values, order = sort_along(columns, 0, False)
    count, width = columns.shape
    differs = comparison.ne(views.narrow(values, 0, 1, count - 1), views.narrow(values, 0, 0, count - 1))
    first = creation.zeros((1, width), dtype=int64, device=columns.device)
    return _put_back(scan.cumsum(cat([first, differs.to(int64)]), 0), order)


def _row_ranks(rows: Tensor) -> Tensor:
    """Each row's rank in lexicographic order.  ``(N, M)`` -> int64 ``(N)``.

    Ranks of pairs of neighbouring columns are ranked again, so that the width halves: log2(M) sorts of all columns.
    """
    ranks = _ranks(rows)
    while ranks.shape[1] > 1:
        count, width = ranks.shape
        even = views.slice_dim(ranks, 1, 0, (width + 1) // 2, 2) * count
        odd = views.slice_dim(ranks, 1, 1, width // 2, 2)
        if width % 2:
            odd = cat([odd, creation.zeros((count, 1), dtype=int64, device=ranks.device)], 1)
        ranks = _ranks(even + odd)
    return views.reshape(ranks, (-1,))


# --- unique ----------------------------------------------------------------------------------------------------------


def _chosen(values: Tensor, inverse: Tensor, counts: Tensor, with_inverse: bool, with_counts: bool) -> Any:
    found = [values]
    if with_inverse:
        found.append(inverse)
    if with_counts:
        found.append(counts)
    return tuple(found) if len(found) > 1 else values


def _slices(op: str, input: Tensor, dim: int) -> tuple[int, Tensor]:
    """The slices along an axis as rows ``(N, M)``.

    Raises:
        ShapeError: they have no elements, so that none differs.
    """
    d = canonical_dim(op, dim, input.ndim)
    if input.ndim == 0:
        raise DimensionError(f"{op}: Dimension specified as {dim} but tensor has no dimensions; leave dim out")
    rest = [size for axis, size in enumerate(input.shape) if axis != d]
    if 0 in rest:
        raise ShapeError(
            f"{op}(): there are 0 sized dimensions in {list(input.shape)}, and they aren't selected, so unique cannot be "
            f"applied"
        )
    return d, views.reshape(views.movedim(input, d, 0), (input.shape[d], math.prod(rest)))


@function()
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The different elements in ascending order; with ``dim``, the different slices in lexicographic order.

    Each NaN differs from all others.  Reads the number of results from the device; has no gradient.

    Args:
        sorted: the result is, whatever this says.
        return_inverse: also where each element (slice) of the input is found in the result.
        return_counts: also how often each of the result is in the input.

    Returns:
        ``(n)``, or the input's shape with ``n`` at ``dim``; with the others, a tuple.
    """
    check_ordered("unique", input)
    given = input.detach()
    if dim is None:
        flat = views.reshape(given, (-1,))
        values, order = sort_along(flat, 0, False)
        starts, inverse, counts = _sets(values, order)
        inverse = views.reshape(inverse, tuple(input.shape))
        return _chosen(select_rows(values, 0, starts), inverse, counts, return_inverse, return_counts)
    d, rows = _slices("unique", given, dim)
    if not rows.shape[0]:
        none = creation.zeros((0,), dtype=int64, device=input.device)
        return _chosen(given.clone(), none, none, return_inverse, return_counts)
    ranks, order = sort_along(_row_ranks(rows), 0, False)
    starts, inverse, counts = _sets(ranks, order)
    slices = given if input.ndim else views.reshape(given, (1,))
    return _chosen(
        select_rows(slices, d, select_rows(order, 0, starts)), inverse, counts, return_inverse, return_counts
    )


def _sets(values: Tensor, order: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Where runs begin in sorted values, the run of each element before sorting, and the runs' lengths."""
    begins = _begins(values)
    starts = selection.positions_of("unique", begins)
    inverse = _put_back(scan.cumsum(begins, 0) - 1, order) if begins.shape[0] else order
    return starts, inverse, _lengths(starts, values.shape[0])


@function()
def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """Elements (with ``dim``, slices) that differ from the one before; arguments and results as in :func:`unique`."""
    given = input.detach()
    d, rows = (0, views.reshape(given, (-1,))) if dim is None else _slices("unique_consecutive", given, dim)
    begins = _begins(rows)
    starts = selection.positions_of("unique_consecutive", begins)
    inverse = scan.cumsum(begins, 0) - 1 if begins.shape[0] else starts
    if dim is None:
        inverse = views.reshape(inverse, tuple(input.shape))
    source = rows if dim is None else given
    return _chosen(
        select_rows(source, d, starts), inverse, _lengths(starts, rows.shape[0]), return_inverse, return_counts
    )


# --- membership ------------------------------------------------------------------------------------------------------


@function(method=False)
def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Whether each element is one of ``test_elements`` (``invert``: is none of them) -> bool, in the shape of elements.

    Either may be a number.  NaN is never one of them.  ``assume_unique`` changes nothing.
    """
    tensor = next((each for each in (elements, test_elements) if isinstance(each, Tensor)), None)
    if tensor is None:
        raise ArgumentTypeError("isin: expected a tensor as elements or test_elements, got two numbers")
    pair = [each if isinstance(each, Tensor) else creation.tensor(each, device=tensor.device)
            for each in (elements, test_elements)]  # fmt: skip
    kind = promote(pair[0].dtype, pair[1].dtype)
    if kind.kind == "c":
        raise DTypeError("isin does not support complex dtypes")
    wanted, given = (each.detach().to(uint8 if kind is bool_ else kind) for each in pair)
    found = _found(wanted, views.reshape(given, (-1,)))
    return comparison.logical_not(found) if invert else found


def _found(wanted: Tensor, given: Tensor) -> Tensor:
    count = given.shape[0]
    if count <= _FEW:
        return reduction.any(comparison.eq(views.unsqueeze(wanted, -1), given), -1)
    ordered, _ = sort_along(given, 0, False)
    place: Tensor = arithmetic.clamp(search_along(ordered, wanted, False), max=count - 1)
    flat = views.reshape(place, (-1,))
    nearest = views.reshape(gather_along(ordered, 0, flat, tuple(flat.shape)), tuple(wanted.shape))
    return comparison.eq(nearest, wanted)
