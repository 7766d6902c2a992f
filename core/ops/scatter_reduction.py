"""``scatter_reduce``: reductions of what an index sends to one place, and their gradients."""

from __future__ import annotations

from typing import Any

from hotplug.declare import composite, function
from hotplug.dtypes import dtype as DType, iinfo
from hotplug.errors import DTypeError
from hotplug.layout import Shape
from hotplug.ops import arithmetic, comparison, creation, selection, views
from hotplug.ops.gathering import gather_along
from hotplug.ops.scattering import BadReduceError, number_like, plan_scatter, scatter_along
from hotplug.tensor import Tensor


def _identity(reduce: str, dtype: DType) -> Any:
    if reduce in ("sum", "mean", "prod"):
        return int(reduce == "prod")
    if dtype.kind == "f":
        return float("-inf" if reduce == "amax" else "inf")
    if dtype.kind == "b":
        return reduce == "amin"
    return iinfo(dtype).min if reduce == "amax" else iinfo(dtype).max


def _counts(index: Tensor, dim: int, shape: Shape, like: Tensor) -> Tensor:
    """How often each position is named, in the shape and dtype of ``like``."""
    one = creation.ones((), dtype=like.dtype, device=like.device)
    return scatter_along(creation.zeros_like(like), dim, index, one, shape, "add")


def _outputs(
    input: Tensor, dim: int, index: Tensor, source: Tensor, shape: Shape, mode: str
) -> list[tuple[Shape, DType]]:
    return [(tuple(input.shape), input.dtype)]


@composite(outputs=_outputs)
def scatter_extremum(input: Tensor, dim: int, index: Tensor, source: Tensor, shape: Shape, mode: str) -> Tensor:
    """The largest (``max``) or smallest (``min``) of an element and the sources sent to it."""
    return scatter_along(input, dim, index, source, shape, mode)


@scatter_extremum.gradient("input", "source")
def _(
    grad: Tensor, out: Tensor, input: Tensor, dim: int, index: Tensor, source: Tensor, shape: Shape
) -> tuple[Tensor, Tensor]:
    """Shared evenly among the equals that are the extremum."""
    own: Tensor = comparison.eq(input, out).to(grad.dtype)
    theirs: Tensor = comparison.eq(source, gather_along(out, dim, index, shape)).to(grad.dtype)
    share = grad / scatter_along(own, dim, index, theirs, shape, "add")
    return own * share, theirs * gather_along(share, dim, index, shape)


@composite(outputs=_outputs)
def scatter_product(input: Tensor, dim: int, index: Tensor, source: Tensor, shape: Shape, mode: str) -> Tensor:
    """An element times the sources sent to it."""
    return scatter_along(input, dim, index, source, shape, mode)


@scatter_product.gradient("input")
def _(grad: Tensor, input: Tensor, dim: int, index: Tensor, source: Tensor, shape: Shape) -> Tensor:
    """The product of the sources alone."""
    return grad * scatter_product(creation.ones_like(input), dim, index, source, shape, "mul")


@scatter_product.gradient("source")
def _(grad: Tensor, input: Tensor, dim: int, index: Tensor, source: Tensor, shape: Shape) -> Tensor:
    """The product of all others: the whole one divided by the source, and where that is the only zero among them, the
    product with 1 in its place.
    """
    zero: Tensor = comparison.eq(source.detach(), 0)
    number = scatter_along(creation.zeros_like(input), dim, index, zero.to(grad.dtype), shape, "add")
    only = comparison.logical_and(zero, comparison.eq(gather_along(number, dim, index, shape), 1))
    filled = selection.where(only, 1, source)
    product = gather_along(grad * scatter_product(input, dim, index, filled, shape, "mul"), dim, index, shape)
    several = comparison.logical_and(zero, comparison.logical_not(only))
    elsewhere = gather_along(number, dim, index, shape) - zero.to(grad.dtype)
    spoiled = comparison.logical_or(several, comparison.gt(elsewhere, 0))
    found: Tensor = selection.where(spoiled, 0, product / selection.where(several, 1, filled))
    return found


@function(inplace=True)
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """Reduce what :func:`scatter_add` would add: ``sum``, ``prod``, ``mean``, ``amax`` or ``amin`` of the sources sent to
    a place and, if ``include_self``, its own element.  Places that the index doesn't name keep their element.

    Raises:
        IndexRangeError: a position is negative or too large.
    """
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise BadReduceError(
            f"scatter_reduce(): reduce argument must be either sum, prod, mean, amax or amin, got {reduce}"
        )
    if input.dtype.kind == "c" and reduce != "sum":
        raise DTypeError(f"scatter_reduce(): {reduce} is not defined for complex numbers")
    target, d, index, source, shape = plan_scatter("scatter_reduce", input, dim, index, src)
    if 0 in shape:
        return input.clone()
    base = target
    if not include_self:
        nothing = number_like("scatter_reduce", _identity(reduce, input.dtype), input)
        base = scatter_along(target, d, index, nothing, shape, "set")
    found = _reduced(reduce, base, d, index, source, shape, include_self)
    return found if found.ndim == input.ndim else views.reshape(found, ())


def _reduced(
    reduce: str, base: Tensor, d: int, index: Tensor, source: Tensor, shape: Shape, include_self: bool
) -> Tensor:
    if reduce in ("amax", "amin"):
        return scatter_extremum(base, d, index, source, shape, reduce[1:])
    if reduce == "prod":
        return scatter_product(base, d, index, source, shape, "mul")
    total = scatter_along(base, d, index, source, shape, "add")
    if reduce == "sum":
        return total
    counts = _counts(index, d, shape, base.detach())
    divisor = counts + 1 if include_self else arithmetic.clamp(counts, min=1)
    mean: Tensor = total / divisor if base.dtype.kind in "fc" else arithmetic.floor_divide(total, divisor)
    return mean
