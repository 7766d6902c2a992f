"""Statistics, searching, sorting, sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from hotplug import dtypes, ops
from hotplug.array_api.kinds import KINDS, check, check_dtype, pair
from hotplug.array_api.shapes import axes_of, concat
from hotplug.dtypes import dtype as DType
from hotplug.errors import ArgumentError, RankError
from hotplug.tensor import Tensor

Axes = int | tuple[int, ...] | None


def summed(x: Tensor, dtype: DType | None) -> Tensor:
    """The array in the dtype that sums and products have: integers become 64 bits wide."""
    if dtype is None and x.dtype in KINDS["integral"]:
        dtype = dtypes.int64 if x.dtype in KINDS["signed integer"] else dtypes.uint64
    return x if dtype is None else x.to(dtype)


def _over(x: Tensor, places: tuple[int, ...], keepdims: bool, op: Callable[..., Tensor]) -> Tensor:
    """An op of one axis over several: those in question, joined at the end."""
    if not places:
        return op(x.unsqueeze(-1), -1)
    kept = [size if place not in places else 1 for place, size in enumerate(x.shape)]
    rest = [place for place in range(x.ndim) if place not in places]
    joined = ops.permute(x, (*rest, *places)).reshape([x.shape[place] for place in rest] + [_product(x, places)])
    result = op(joined, -1)
    return result.reshape(kept) if keepdims else result


def _product(x: Tensor, places: tuple[int, ...]) -> int:
    count = 1
    for place in places:
        count *= x.shape[place]
    return count


def sum(x: Tensor, /, *, axis: Axes = None, dtype: DType | None = None, keepdims: bool = False) -> Tensor:
    """Sums over some axes (default: all)."""
    check_dtype("sum", dtype)
    x = summed(check("sum", x, "numeric"), dtype)
    places = axes_of("sum", x, axis)
    return ops.sum(x, places, keepdims, dtype=x.dtype) if places else x.clone()


def prod(x: Tensor, /, *, axis: Axes = None, dtype: DType | None = None, keepdims: bool = False) -> Tensor:
    """Products over some axes (default: all)."""
    check_dtype("prod", dtype)
    x = summed(check("prod", x, "numeric"), dtype)
    return _over(x, axes_of("prod", x, axis), keepdims, lambda each, place: ops.prod(each, place, dtype=each.dtype))


def _cumulative(name: str, op: Any, x: Tensor, axis: int | None, dtype: DType | None, initial: int | None) -> Tensor:
    check_dtype(name, dtype)
    check(name, x, "numeric")
    if not x.ndim:
        raise RankError(f"{name}: expected an array with at least one axis")
    if axis is None and x.ndim > 1:
        raise ArgumentError(f"{name}: axis is needed for an array with {x.ndim} axes")
    (place,) = axes_of(name, x, 0 if axis is None else axis)
    x = summed(x, dtype)
    result = op(x, place, dtype=x.dtype)
    if initial is None:
        return result  # type: ignore[no-any-return]
    first = [1 if number == place else size for number, size in enumerate(x.shape)]
    return concat([ops.full(first, initial, dtype=x.dtype, device=x.device), result], axis=place)


def cumulative_sum(
    x: Tensor, /, *, axis: int | None = None, dtype: DType | None = None, include_initial: bool = False
) -> Tensor:  # fmt: skip
    """The sums of the first 1, 2, ... elements along an axis; ``include_initial``: a zero in front."""
    return _cumulative("cumulative_sum", ops.cumsum, x, axis, dtype, 0 if include_initial else None)


def cumulative_prod(
    x: Tensor, /, *, axis: int | None = None, dtype: DType | None = None, include_initial: bool = False
) -> Tensor:  # fmt: skip
    """The products of the first 1, 2, ... elements along an axis; ``include_initial``: a one in front."""
    return _cumulative("cumulative_prod", ops.cumprod, x, axis, dtype, 1 if include_initial else None)


def max(x: Tensor, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The largest elements over some axes (default: all)."""
    places = axes_of("max", check("max", x, "real numeric"), axis)
    return ops.amax(x, places, keepdims) if places else x.clone()


def min(x: Tensor, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The smallest elements over some axes (default: all)."""
    places = axes_of("min", check("min", x, "real numeric"), axis)
    return ops.amin(x, places, keepdims) if places else x.clone()


def mean(x: Tensor, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Means over some axes (default: all)."""
    places = axes_of("mean", check("mean", x, "floating"), axis)
    return ops.mean(x, places, keepdims) if places else x.clone()


def var(x: Tensor, /, *, axis: Axes = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """Variances over some axes (default: all): the divisor is the number of elements less ``correction``."""
    places = axes_of("var", check("var", x, "real floating"), axis)
    return ops.var(x, places, correction=correction, keepdim=keepdims) if places else ops.zeros_like(x)


def std(x: Tensor, /, *, axis: Axes = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """Square roots of the variances."""
    return ops.sqrt(var(x, axis=axis, correction=correction, keepdims=keepdims))


def all(x: Tensor, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Whether no element is zero, over some axes (default: all)."""
    truth = ops.ne(check("all", x), 0)
    places = axes_of("all", x, axis)
    return ops.all(truth, places, keepdims) if places else truth


def any(x: Tensor, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Whether an element is not zero, over some axes (default: all)."""
    truth = ops.ne(check("any", x), 0)
    places = axes_of("any", x, axis)
    return ops.any(truth, places, keepdims) if places else truth


def count_nonzero(x: Tensor, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """How many elements are not zero, over some axes (default: all): int64."""
    return sum(ops.ne(check("count_nonzero", x), 0).to(dtypes.int64), axis=axis, keepdims=keepdims)


def diff(
    x: Tensor, /, *, axis: int = -1, n: int = 1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:  # fmt: skip
    """The ``n``-th differences along an axis."""
    (place,) = axes_of("diff", check("diff", x, "numeric"), axis)
    parts = [each for each in (prepend, x, append) if each is not None]
    joined = concat(parts, axis=place) if len(parts) > 1 else x
    for _ in range(n):
        size = joined.shape[place]
        if not size:
            break
        joined = ops.narrow(joined, place, 1, size - 1) - ops.narrow(joined, place, 0, size - 1)
    return joined


def argmax(x: Tensor, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The number of the (first) largest element along an axis, or of all flattened: int64."""
    return _argument("argmax", x, axis, keepdims)


def argmin(x: Tensor, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The number of the (first) smallest element along an axis, or of all flattened: int64."""
    return _argument("argmin", x, axis, keepdims)


def _argument(name: str, x: Tensor, axis: int | None, keepdims: bool) -> Tensor:
    check(name, x, "real numeric")
    op = getattr(ops, name)
    if axis is not None:
        return op(x, *axes_of(name, x, axis), keepdims)  # type: ignore[no-any-return]
    result = op(x.reshape(-1), 0)
    return result.reshape([1] * x.ndim) if keepdims else result  # type: ignore[no-any-return]


def nonzero(x: Tensor, /) -> tuple[Tensor, ...]:
    """Where the elements are that are not zero: one array of numbers for every axis; a host read.

    Raises:
        ValueError: the array has no axis.
    """
    if not check("nonzero", x).ndim:
        raise ArgumentError("nonzero: expected an array with at least one axis")
    return tuple(ops.nonzero(x, as_tuple=True))


def searchsorted(
    x1: Tensor, x2: Tensor, /, *, side: Literal["left", "right"] = "left", sorter: Tensor | None = None
) -> Tensor:  # fmt: skip
    """Where the values of ``x2`` belong in ``x1``, which is sorted, or in the order of ``sorter``: int64."""
    if side not in ("left", "right"):
        raise ArgumentError(f"searchsorted: side is left or right, got {side!r}")
    first, second = pair("searchsorted", x1, x2, "real numeric")
    if first.ndim != 1:
        raise ArgumentError(f"searchsorted: expected x1 with one axis, got shape {list(first.shape)}")
    if sorter is not None:
        first = ops.index_select(first, 0, check("searchsorted", sorter, "integral", "sorter").to(dtypes.int64))
    return ops.searchsorted(first, second, right=side == "right")


def sort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """The elements along an axis in their order."""
    places = axes_of("sort", check("sort", x, "real numeric"), axis)
    return ops.sort(x, dim=places[0], descending=descending, stable=stable)[0]


def argsort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """The numbers of the elements along an axis in their order: int64."""
    places = axes_of("argsort", check("argsort", x, "real numeric"), axis)
    return ops.sort(x, dim=places[0], descending=descending, stable=stable)[1]


# --- sets -------------------------------------------------------------------------------------------------------------


class UniqueAll(NamedTuple):
    """What :func:`unique_all` finds."""

    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class UniqueCounts(NamedTuple):
    """What :func:`unique_counts` finds."""

    values: Tensor
    counts: Tensor


class UniqueInverse(NamedTuple):
    """What :func:`unique_inverse` finds."""

    values: Tensor
    inverse_indices: Tensor


def unique_all(x: Tensor, /) -> UniqueAll:
    """The different values; of each the number of its first element and how many there are; of each element its value's
    number.  Every NaN is a value of its own; a host read.
    """
    flat = check("unique_all", x).reshape(-1)
    count = flat.numel()
    numbers = ops.arange(count, device=x.device)
    if not count:
        return UniqueAll(flat, numbers, numbers.reshape(x.shape), numbers)
    order = _order(flat)
    ordered = ops.index_select(flat, 0, order)
    starts = concat([ops.ones((1,), dtype=dtypes.bool_, device=x.device), ops.ne(ordered[1:], ordered[:-1])])
    group = ops.cumsum(starts.to(dtypes.int64), 0) - 1
    firsts = ops.nonzero(starts)[:, 0]
    ends = concat([firsts[1:], ops.full((1,), count, dtype=dtypes.int64, device=x.device)])
    inverse = ops.empty((count,), dtype=dtypes.int64, device=x.device).scatter_(0, order, group)
    indices = ops.index_select(order, 0, firsts)
    return UniqueAll(ops.index_select(ordered, 0, firsts), indices, inverse.reshape(x.shape), ends - firsts)


def _order(flat: Tensor) -> Tensor:
    """A stable order in which equal values are neighbours; of complex numbers by their real, then their imaginary part."""
    if flat.dtype not in KINDS["complex floating"]:
        values = flat.to(dtypes.uint8) if flat.dtype is dtypes.bool_ else flat
        return ops.sort(values, dim=0, stable=True)[1]
    inner = ops.sort(ops.imag(flat), dim=0, stable=True)[1]
    outer = ops.sort(ops.index_select(ops.real(flat), 0, inner), dim=0, stable=True)[1]
    return ops.index_select(inner, 0, outer)


def unique_counts(x: Tensor, /) -> UniqueCounts:
    """The different values, and how many there are of each."""
    found = unique_all(x)
    return UniqueCounts(found.values, found.counts)


def unique_inverse(x: Tensor, /) -> UniqueInverse:
    """The different values, and for each element the number of its value."""
    found = unique_all(x)
    return UniqueInverse(found.values, found.inverse_indices)


def unique_values(x: Tensor, /) -> Tensor:
    """The different values."""
    return unique_all(x).values
