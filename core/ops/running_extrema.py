"""What a running operation has seen so far: cummax, cummin, logcumsumexp."""

from __future__ import annotations

from hotplug import families
from hotplug.array import Array
from hotplug.declare import composite, function, primitive
from hotplug.declare.dims import canonical_dim
from hotplug.dtypes import bool_, dtype as DType, int64, uint8
from hotplug.errors import DTypeError
from hotplug.layout import Shape
from hotplug.ops import arithmetic, comparison, creation, selection, transcendental, views
from hotplug.ops.gathering import scatter_zeros
from hotplug.ops.joining import cat
from hotplug.ops.reduction import ValuesIndices
from hotplug.ops.sorting import check_ordered
from hotplug.tensor import Tensor


@primitive
def running_extremum(input: Array, mode: str, dim: int) -> Array:
    """Largest or smallest element so far along ``dim``; NaN stays once seen.  Without a gradient of its own."""
    return families.scan(mode, input, dim)


def _outputs(input: Tensor, dim: int, mode: str) -> list[tuple[Shape, DType]]:
    return [(tuple(input.shape), input.dtype), (tuple(input.shape), int64)]


@composite(outputs=_outputs)
def cumulative_extremum(input: Tensor, dim: int, mode: str) -> tuple[Tensor, Tensor]:
    """The running extremum and the last position so far that equals it: the largest of those seen, marked."""
    plain = input.to(uint8) if input.dtype is bool_ else input
    best = running_extremum(plain, mode, dim)
    unknown = comparison.logical_and(comparison.isnan(plain), comparison.isnan(best))
    reached = comparison.logical_or(comparison.eq(plain, best), unknown)
    size = input.shape[dim]
    place = views.reshape(creation.iota(input, (size,)), tuple(size if a == dim else 1 for a in range(input.ndim)))
    marked: Tensor = arithmetic.where_elements(reached, place, 0)
    return best.to(input.dtype), running_extremum(marked, "max", dim)


@cumulative_extremum.gradient("input")
def _(grad: Tensor, out1: Tensor, dim: int, input_shape: Shape) -> Tensor:
    """To the elements that were the extremum, as often as they were."""
    return scatter_zeros(grad, dim, out1, input_shape, input_shape)


def _extremum(op: str, mode: str, input: Tensor, dim: int) -> ValuesIndices:
    check_ordered(op, input)
    d = canonical_dim(op, dim, input.ndim)
    if input.ndim == 0:
        return ValuesIndices(input.clone(), creation.zeros((), dtype=int64, device=input.device))
    return ValuesIndices(*cumulative_extremum(input, d, mode))


@function()
def cummax(input: Tensor, dim: int) -> ValuesIndices:
    """The largest element so far along ``dim``, and the last position of it; NaN stays.  ``(*S)`` -> twice ``(*S)``."""
    return _extremum("cummax", "max", input, dim)


@function()
def cummin(input: Tensor, dim: int) -> ValuesIndices:
    """The smallest element so far along ``dim``, and the last position of it; NaN stays.  ``(*S)`` -> twice ``(*S)``."""
    return _extremum("cummin", "min", input, dim)


# --- logcumsumexp ----------------------------------------------------------------------------------------------------


@composite(outputs=lambda input, dim: [(tuple(input.shape), input.dtype)])
def logcumsumexp_along(input: Tensor, dim: int) -> Tensor:
    """By doubling: after ``k`` steps every position holds the log-sum of the last ``2**k``; no common scale is needed."""
    total, step = input, 1
    while step < input.shape[dim]:
        total = transcendental.logaddexp(total, shifted(total, dim, step, float("-inf")))
        step *= 2
    return total if total is not input else input.clone()


@logcumsumexp_along.gradient("input")
def _(grad: Tensor, input: Tensor, out: Tensor, dim: int) -> Tensor:
    """``exp(x_j - out_j) * S_j`` with ``S_j = g_j + exp(out_j - out_{j+1}) * S_{j+1}``.

    All the exponents are at most 0, so nothing overflows.  The recurrence is solved by doubling.
    """
    factor = _ratio(out, shifted(out, dim, -1, float("inf")))
    total, step = grad, 1
    while step < input.shape[dim]:
        total = total + factor * shifted(total, dim, -step, 0.0)
        factor = factor * shifted(factor, dim, -step, 0.0)
        step *= 2
    return _ratio(input, out) * total


def _ratio(part: Tensor, whole: Tensor) -> Tensor:
    """``exp(part - whole)``, 0 where ``part`` is minus infinity."""
    nothing = comparison.eq(part, float("-inf"))
    power = selection.where(nothing, 0.0, part) - selection.where(nothing, 0.0, whole)
    ratio: Tensor = selection.where(nothing, 0.0, transcendental.exp(power))
    return ratio


def shifted(input: Tensor, dim: int, by: int, fill: float) -> Tensor:
    """``by`` positions towards the end (towards the front where negative); the gap is filled."""
    size = input.shape[dim]
    by = max(-size, min(by, size))
    gap = creation.full_like(views.narrow(input, dim, 0, abs(by)), fill)
    if by < 0:
        return cat([views.narrow(input, dim, -by, size + by), gap], dim)
    return cat([gap, views.narrow(input, dim, 0, size - by)], dim)


@function()
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """``log(cumsum(exp(input)))`` along ``dim``, without overflow.  ``(*S)`` -> ``(*S)``."""
    if input.dtype.kind != "f":
        raise DTypeError(f"logcumsumexp: expected a floating input, got {input.dtype.name}; convert with .to(dtype)")
    d = canonical_dim("logcumsumexp", dim, input.ndim)
    return logcumsumexp_along(input, d) if input.ndim else input.clone()
