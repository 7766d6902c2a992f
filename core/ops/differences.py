"""Differences and sums of neighbours: diff, the trapezoid rule; means that leave NaN out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotplug.declare import function
from hotplug.declare.dims import canonical_dim
from hotplug.dtypes import bool_, dtype as DType
from hotplug.errors import ArgumentError, DimensionError, DTypeError
from hotplug.ops import comparison, reduction, scan, views
from hotplug.ops.joining import cat
from hotplug.tensor import Tensor


class _OrderError(ArgumentError, RuntimeError):
    """A difference of negative order."""


class _NoAxisError(DimensionError, RuntimeError):
    """A difference of a single number."""


@function()
def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:
    """Differences of neighbours along ``dim``, ``n`` times over; of bool, whether they differ.

    ``prepend`` and ``append`` are put before and behind first -> the input's shape, ``n`` shorter at ``dim``.
    """
    if input.ndim == 0:
        raise _NoAxisError("diff expects input to be at least one-dimensional, got a 0-d tensor")
    if n < 0:
        raise _OrderError(f"diff: order must be non-negative but got {n}")
    d = canonical_dim("diff", dim, input.ndim)
    if n == 0:
        return input.clone()
    parts = [each for each in (prepend, input, append) if each is not None]
    result = cat(parts, d) if len(parts) > 1 else input
    for _ in range(min(n, result.shape[d])):
        size = result.shape[d] - 1
        later, earlier = views.narrow(result, d, 1, size), views.narrow(result, d, 0, size)
        result = comparison.ne(later, earlier) if result.dtype is bool_ else later - earlier
    return result


def _panels(op: str, y: Tensor, x: Tensor | None, dx: Any, dim: int) -> tuple[Tensor, int]:
    """The area under each pair of neighbours."""
    d = canonical_dim(op, dim, y.ndim)
    if y.ndim == 0:
        raise _NoAxisError(f"{op}: expected at least one dimension, got a 0-d tensor")
    if y.dtype is bool_ or (x is not None and x.dtype is bool_):
        raise DTypeError(f"{op}: received a bool input; convert with .to(dtype)")
    size = max(y.shape[d] - 1, 0)
    both = views.narrow(y, d, 0, size) + views.narrow(y, d, min(1, y.shape[d]), size)
    if x is None:
        return both * (dx / 2.0), d
    if x.ndim == 1 and x.shape[0] == y.shape[d]:
        x = views.reshape(x, (-1, *(1,) * (y.ndim - d - 1)))
    along = d - y.ndim + x.ndim
    width = max(x.shape[along] - 1, 0)
    step = views.narrow(x, along, min(1, x.shape[along]), width) - views.narrow(x, along, 0, width)
    return both * step / 2.0, d


@function(method=False, aliases=("trapz",))
def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Any = 1, dim: int = -1) -> Tensor:
    """The integral along ``dim`` by the trapezoid rule, of values at ``x`` or ``dx`` apart -> the shape without ``dim``."""
    area, d = _panels("trapezoid", y, x, dx, dim)
    if not y.shape[d]:
        return reduction.sum(area.detach(), d)
    return reduction.sum(area, d)


@function(method=False)
def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Any = 1, dim: int = -1) -> Tensor:
    """The integral from the first value to each later one by the trapezoid rule -> the shape, 1 shorter at ``dim``."""
    area, d = _panels("cumulative_trapezoid", y, x, dx, dim)
    return scan.cumsum(area, d)


@function()
def nanmean(
    input: Tensor, dim: int | Sequence[int] | None = None, keepdim: bool = False, *, dtype: DType | None = None
) -> Tensor:
    """Arithmetic mean over ``dim`` of the elements that are not NaN; NaN where there are none."""
    if input.dtype.kind != "f":
        raise DTypeError(f"nanmean(): expected input to have floating point dtype but got {input.dtype.name}")
    count = reduction.sum(comparison.logical_not(comparison.isnan(input.detach())), dim, keepdim)
    return reduction.nansum(input, dim, keepdim, dtype=dtype) / count
