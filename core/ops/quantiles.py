"""Order statistics: median, mode, quantile, and their forms that leave NaN out."""

from __future__ import annotations

from typing import Any

from hotplug.declare import function
from hotplug.declare.dims import canonical_dim
from hotplug.dtypes import float32, float64, int64
from hotplug.errors import ArgumentError, DimensionError, DTypeError, ShapeError
from hotplug.layout import Shape
from hotplug.ops import arithmetic, comparison, creation, reduction, selection, views
from hotplug.ops.gathering import gather_along
from hotplug.ops.joining import cat
from hotplug.ops.reduction import ValuesIndices
from hotplug.ops.running_extrema import running_extremum
from hotplug.ops.sorting import check_ordered, picked, sort, sort_along
from hotplug.tensor import Tensor


class _NothingError(DimensionError, RuntimeError):
    """An order statistic of nothing."""


def _not_empty(op: str, input: Tensor, dim: int) -> None:
    if input.ndim and input.shape[dim] == 0:
        raise _NothingError(f"{op}(): Expected reduction dim {dim} to have non-zero size")


# --- median ----------------------------------------------------------------------------------------------------------


def _valid_count(sorted_: Tensor, dim: int) -> Tensor:
    """How many elements along an axis are not NaN, with the axis kept."""
    return reduction.sum(comparison.logical_not(comparison.isnan(sorted_)), dim, True)


def _median_position(values: Tensor, dim: int, ignore_nan: bool) -> Tensor:
    """Of the lower median along a sorted axis, the axis kept; of the first NaN where NaN is not ignored."""
    size = values.shape[dim]
    around = tuple(1 if axis == dim else n for axis, n in enumerate(values.shape))
    if values.dtype.kind != "f":
        return creation.full(around, (size - 1) // 2, dtype=int64, device=values.device)
    count = _valid_count(values, dim)
    middle: Tensor = arithmetic.floor_divide(arithmetic.clamp(count - 1, min=0), 2)
    if ignore_nan:
        return middle
    chosen: Tensor = arithmetic.where_elements(comparison.lt(count, size), count, middle)
    return chosen


def _median_along(op: str, input: Tensor, dim: int, keepdim: bool, ignore_nan: bool) -> ValuesIndices:
    check_ordered(op, input)
    d = canonical_dim(op, dim, input.ndim)
    _not_empty(op, input, d)
    if input.ndim == 0:
        return sort(input)
    values, indices = sort_along(input.detach(), d, False)
    place = _median_position(values, d, ignore_nan)
    return picked(input, d, gather_along(indices, d, place, tuple(place.shape)), keepdim)


def _median_of_all(op: str, input: Tensor, ignore_nan: bool) -> Tensor:
    """The value alone; its gradient is shared evenly among equals, so that it depends on no order."""
    check_ordered(op, input)
    if not input.numel():
        if input.dtype.kind == "f":
            return reduction.tied(creation.full((), float("nan"), dtype=input.dtype, device=input.device), input)
        raise _NothingError(f"{op}(): expected at least one element of an integer dtype, got none")
    flat = views.reshape(input, (-1,))
    value = _median_along(op, flat.detach(), 0, False, ignore_nan).values
    if not input.requires_grad:
        return value
    both = comparison.logical_and(comparison.isnan(flat.detach()), comparison.isnan(value))
    equal = comparison.logical_or(comparison.eq(flat.detach(), value), both)
    share = equal.to(input.dtype) / reduction.sum(equal)
    kept = selection.where(equal, flat, 0)
    return reduction.sum(kept * share)


@function()
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The middle element of those in order, the lower of the two where their number is even; NaN if there is one.

    With ``dim``, ``(values, indices)`` along that axis.
    """
    if dim is None:
        return _median_of_all("median", input, False)
    return _median_along("median", input, dim, keepdim, False)


@function()
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """:func:`median` of the elements that are not NaN; NaN where there are none."""
    if dim is None:
        return _median_of_all("nanmedian", input, True)
    return _median_along("nanmedian", input, dim, keepdim, True)


# --- mode ------------------------------------------------------------------------------------------------------------


@function()
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> ValuesIndices:
    """The most frequent element along ``dim``, the smallest of several, and its last position.

    Equal elements are neighbours once sorted: the position within its run of an element is one less than how many of its
    kind there are so far.
    """
    check_ordered("mode", input)
    d = canonical_dim("mode", dim, input.ndim)
    _not_empty("mode", input, d)
    if input.ndim == 0:
        return sort(input)
    values, indices = sort_along(input.detach(), d, False)
    size = input.shape[d]
    place = views.reshape(creation.iota(values, (size,)), tuple(size if a == d else 1 for a in range(input.ndim)))
    begins = views.narrow(values, d, 1, size - 1)
    changes = comparison.ne(begins, views.narrow(values, d, 0, size - 1))
    own: Tensor = arithmetic.where_elements(changes, views.narrow(place, d, 1, size - 1), 0)
    first = creation.zeros([1 if a == d else n for a, n in enumerate(input.shape)], dtype=int64, device=input.device)
    start = running_extremum(cat([first, own], d), "max", d)
    longest = reduction.argmax(place - start, d, True)
    return picked(input, d, gather_along(indices, d, longest, tuple(longest.shape)), keepdim)


# --- quantile --------------------------------------------------------------------------------------------------------

_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _fractions(op: str, input: Tensor, q: Any) -> Tensor:
    """``q`` as a tensor of the input's dtype, checked where its values are known to the host."""
    if isinstance(q, Tensor):
        if q.dtype is not input.dtype:
            raise DTypeError(
                f"{op}() q tensor must be same dtype as the input tensor, got {q.dtype.name} and {input.dtype.name}"
            )
        if q.ndim > 1:
            raise ShapeError(f"{op}() q must be a scalar or 1D tensor, got {q.ndim}D")
        return q
    if not 0 <= q <= 1:
        raise _FractionError(f"{op}() q must be in the range [0, 1] but got {q}")
    return creation.full((), float(q), dtype=input.dtype, device=input.device)


class _FractionError(ArgumentError, RuntimeError):
    """No fraction, or an unknown way to interpolate."""


def _quantile(
    op: str, input: Tensor, q: Any, dim: int | None, keepdim: bool, interpolation: str, ignore_nan: bool
) -> Tensor:
    if input.dtype not in (float32, float64):
        raise DTypeError(f"{op}() input tensor must be either float or double dtype, got {input.dtype.name}")
    if interpolation not in _INTERPOLATIONS:
        raise _FractionError(f"{op}() interpolation must be one of {', '.join(_INTERPOLATIONS)}, got {interpolation}")
    fractions = _fractions(op, input, q)
    if not input.numel():
        raise _NothingError(f"{op}() input tensor must be non-empty")
    shape = tuple(input.shape)
    if dim is None:
        rows, d, kept = views.reshape(input, (-1,)), 0, (1,) * input.ndim
    else:
        d = canonical_dim(op, dim, input.ndim)
        rows = input if input.ndim else views.reshape(input, (1,))
        kept = tuple(1 if axis == d else n for axis, n in enumerate(shape))
    found = _quantiles_of(views.movedim(rows, d, -1), views.reshape(fractions, (-1,)), interpolation, ignore_nan)
    found = views.movedim(found, -1, 0)
    rest = kept if keepdim else tuple(n for axis, n in enumerate(shape) if dim is not None and axis != d)
    return views.reshape(found, (*fractions.shape, *rest))


def _quantiles_of(rows: Tensor, q: Tensor, interpolation: str, ignore_nan: bool) -> Tensor:
    """rows ``(*B, N)``, q ``(Q)`` -> ``(*B, Q)``."""
    last, size = rows.ndim - 1, rows.shape[-1]
    ordered, _ = sort_along(rows, last, False)
    count = _valid_count(ordered.detach(), last)
    highest: Tensor = arithmetic.clamp(count - 1, min=0).to(rows.dtype)
    ranks: Tensor = arithmetic.clamp(q, min=0.0, max=1.0) * highest
    if not ignore_nan:  # one NaN spoils the row: the last element is one
        ranks = selection.where(comparison.lt(count, size), float(size - 1), ranks)
    return _between(ordered, last, ranks, interpolation)


def _between(ordered: Tensor, last: int, ranks: Tensor, interpolation: str) -> Tensor:
    """The sorted elements at fractional ranks."""
    if interpolation in ("lower", "higher", "nearest"):
        turn: dict[str, Any] = {"lower": arithmetic.floor, "higher": arithmetic.ceil, "nearest": arithmetic.round}
        return _at(ordered, last, turn[interpolation](ranks))
    below = arithmetic.floor(ranks.detach())
    low, high = _at(ordered, last, below), _at(ordered, last, arithmetic.ceil(ranks.detach()))
    weight = creation.full_like(ranks, 0.5) if interpolation == "midpoint" else ranks - below
    return arithmetic.lerp(low, high, weight)


def _at(ordered: Tensor, last: int, ranks: Tensor) -> Tensor:
    shape: Shape = tuple(ranks.shape)
    return gather_along(ordered, last, ranks.detach().to(int64), shape)


@function()
def quantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """The values below which fractions ``q`` of the elements along ``dim`` (all by default) lie.

    q a number or ``(Q)`` in [0, 1] -> the input's shape without ``dim``, after an axis ``Q`` where ``q`` has one.  Between
    two elements, ``interpolation`` is ``linear``, ``lower``, ``higher``, ``midpoint`` or ``nearest``.  NaN spoils its row.
    Fractions in a tensor are clamped to [0, 1], since checking them would wait for the device.
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation, False)


@function()
def nanquantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """:func:`quantile` of the elements that are not NaN; NaN where there are none."""
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, True)
