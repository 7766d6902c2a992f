"""Writing by an integer index along one axis."""

from __future__ import annotations

from typing import Any, Final

from hotplug import dispatch, families
from hotplug.array import Array
from hotplug.autograd.views import assign, prepare_write
from hotplug.declare import function, primitive
from hotplug.declare.dims import canonical_dim
from hotplug.declare.primitive import check_devices
from hotplug.declare.promotion import to_number
from hotplug.dtypes import dtype as DType
from hotplug.errors import ArgumentError, ArgumentTypeError, AutogradError, DimensionError, DTypeError, ShapeError
from hotplug.layout import Shape
from hotplug.ops import creation, reduction, views
from hotplug.ops.gathering import along, check_target, gather_along, integer_index, linear_index, row
from hotplug.tensor import Tensor

_REDUCE: Final = {"add": "add", "multiply": "mul"}


@primitive
def scatter_along(input: Array, dim: int, index: Array, source: Array, shape: Shape, mode: str) -> Array:
    """A copy of ``input`` with ``out[p with p[dim] replaced by index[p]] = mode(that, source[p])`` for every ``p`` of
    ``shape``; index and source are broadcast.
    """
    check_target("scatter", input.shape[dim], shape)
    out = dispatch.clone(input)
    families.scatter_(mode, out, dim, index, source, shape)
    return out


@scatter_along.gradient("input")
def _(grad: Tensor, dim: int, index: Tensor, shape: Shape, mode: str) -> Tensor:
    """Where a position was overwritten, the old value has no gradient."""
    if mode == "add":
        return grad
    _only_set(mode)
    zero = creation.zeros((), dtype=grad.dtype, device=grad.device)
    return scatter_along(grad, dim, index, zero, shape, "set")


@scatter_along.gradient("source")
def _(grad: Tensor, source_shape: Shape, dim: int, index: Tensor, shape: Shape, mode: str) -> Tensor:
    """Where several sources were set at one place, each gets the gradient of the place, as in PyTorch."""
    if mode != "add":
        _only_set(mode)
    return reduction.sum_to_size(gather_along(grad, dim, index, shape), source_shape)


def _only_set(mode: str) -> None:
    if mode != "set":
        raise AutogradError(f"scatter with reduce {mode!r} has no gradient; use scatter_reduce, which has one")


def scatter_into(name: str, target: Tensor, dim: int, index: Tensor, source: Tensor, shape: Shape, mode: str) -> Tensor:
    """:func:`scatter_along` into the tensor itself."""
    check_devices(name, (target, index, source))
    if prepare_write(name, target, [source]):
        return assign(name, target, scatter_along(target, dim, index, source, shape, mode))
    check_target(name, target._array.shape[dim], shape)
    out, values = target._array, source._array
    families.scatter_(
        mode, out, dim, index._array, dispatch.clone(values) if dispatch.overlap(values, out) else values, shape
    )
    out.storage.version += 1
    return target


def number_like(op: str, value: Any, like: Tensor) -> Tensor:
    """A Python number as a 0-d tensor of the dtype and device of another, truncated where that is an integer.

    Raises:
        DTypeError: the dtype can't hold it.
    """
    return creation.full((), checked_number(op, value, like.dtype), dtype=like.dtype, device=like.device)


def checked_number(op: str, value: Any, target: DType) -> bool | int | float | complex:
    """A Python number as one that ``target`` holds, truncated for an integer dtype."""
    if isinstance(value, complex) and target.kind != "c":
        raise DTypeError(f"{op}: value cannot be converted to type {target.name} without overflow, got {value}")
    return to_number(op, value, target)


def _source(op: str, input: Tensor, src: Any, value: Any) -> Tensor:
    given = value if src is None else src
    if isinstance(given, Tensor):
        if given.dtype is not input.dtype:
            raise DTypeError(
                f"{op}(): Expected self.dtype to be equal to src.dtype, got {input.dtype.name} and {given.dtype.name}; "
                f"convert one with .to(dtype)"
            )
        return given
    if isinstance(given, (bool, int, float, complex)):
        return number_like(op, given, input)
    raise ArgumentTypeError(f"{op}(): src must be a Tensor or a number, not {type(given).__name__}")


Plan = tuple[Tensor, int, Tensor, Tensor, Shape]
"""Target, dim, index, source and shape of a scatter."""


def plan_scatter(op: str, input: Tensor, dim: int, index: Tensor, source: Tensor) -> Plan:
    """The arguments of :func:`scatter_along`, checked; a 0-d input counts as a vector of one element."""
    d = canonical_dim(op, dim, input.ndim)
    index = integer_index(op, index)
    if index.numel() == 0:
        return input, d, index, source, (0,)
    if input.ndim == 0:
        input, index = views.reshape(input, (1,)), views.reshape(index, (-1,))
        source = views.reshape(source, (-1,)) if source.numel() > 1 or source.ndim else source
    fits = index.ndim == input.ndim and all(
        i <= s for axis, (i, s) in enumerate(zip(index.shape, input.shape, strict=True)) if axis != d
    )
    if source.ndim and not (
        source.ndim == index.ndim and all(i <= s for i, s in zip(index.shape, source.shape, strict=True))
    ):
        fits = False
    if not fits:
        raise ShapeError(
            f"{op}(): Expected index {list(index.shape)} to be no larger than self {list(input.shape)} apart from "
            f"dimension {d} and to be no larger size than src {list(source.shape)}"
        )
    for axis in range(source.ndim):
        if source.shape[axis] != index.shape[axis]:
            source = views.narrow(source, axis, 0, index.shape[axis])
    return input, d, index, source, tuple(index.shape)


def _run(op: str, input: Tensor, plan: Plan, mode: str, inplace: bool) -> Tensor:
    target, d, index, source, shape = plan
    if inplace:
        if 0 not in shape:
            scatter_into(op, target, d, index, source, shape, mode)
        return input
    if 0 in shape:
        return input.clone()
    found = scatter_along(target, d, index, source, shape, mode)
    return found if found.ndim == input.ndim else views.reshape(found, tuple(input.shape))


class BadReduceError(ArgumentError, RuntimeError):
    """A reduction of an unknown name."""


def _mode(op: str, reduce: str | None) -> str:
    if reduce is None:
        return "set"
    if reduce not in _REDUCE:
        raise BadReduceError(f"{op}(): reduce argument must be either add or multiply, got {reduce}")
    return _REDUCE[reduce]


@function()
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """``out[index[i][j]][j] = src[i][j]`` for ``dim`` 0, and so on: a copy of ``input`` written along one axis.

    ``src`` is a tensor of the input's dtype, none of its axes shorter than those of ``index``, or a number.  Where a
    position appears twice, one of the values wins.  ``reduce``: ``add`` or ``multiply`` instead of overwriting.

    Raises:
        IndexRangeError: a position is negative or too large.
    """
    plan = plan_scatter("scatter", input, dim, index, _source("scatter", input, src, value))
    return _run("scatter", input, plan, _mode("scatter", reduce), False)


@function()
def scatter_(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """In-place form of :func:`scatter`."""
    plan = plan_scatter("scatter_", input, dim, index, _source("scatter_", input, src, value))
    return _run("scatter_", input, plan, _mode("scatter_", reduce), True)


@function()
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """``out[index[i][j]][j] += src[i][j]`` for ``dim`` 0, and so on, in a copy of ``input``; positions may repeat."""
    plan = plan_scatter("scatter_add", input, dim, index, _source("scatter_add", input, src, None))
    return _run("scatter_add", input, plan, "add", False)


@function()
def scatter_add_(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """In-place form of :func:`scatter_add`."""
    plan = plan_scatter("scatter_add_", input, dim, index, _source("scatter_add_", input, src, None))
    return _run("scatter_add_", input, plan, "add", True)


# --- whole slices along an axis --------------------------------------------------------------------------------------


def scatter_rows(op: str, input: Tensor, dim: int, index: Tensor, source: Tensor) -> Plan:
    """The plan that writes slice ``i`` of the source at position ``index[i]`` of the input."""
    d = canonical_dim(op, dim, input.ndim)
    places = row(op, index)
    if source.dtype is not input.dtype:
        raise DTypeError(
            f"{op}(): self ({input.dtype.name}) and source ({source.dtype.name}) must have the same scalar type; "
            f"convert one with .to(dtype)"
        )
    target = input if input.ndim else views.reshape(input, (1,))
    if source.ndim == 0 and input.ndim == 0:
        source = views.reshape(source, (1,))
    count = source.shape[d] if source.ndim > d else 1
    if places.shape[0] != count:
        kind = DimensionError if op.startswith("index_copy") else ShapeError  # as in PyTorch
        raise kind(f"{op}(): Number of indices ({places.shape[0]}) should be equal to source.size(dim): ({count})")
    shape = (*target.shape[:d], places.shape[0], *target.shape[d + 1 :])
    if tuple(source.shape) != shape:
        raise ShapeError(
            f"{op}(): source tensor shape must match self tensor shape, excluding the specified dimension. Got "
            f"self.shape = {list(input.shape)}, source.shape = {list(source.shape)}"
        )
    return target, d, along(places, d, target.ndim), source, shape


@function()
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
    """A copy of ``input`` with ``alpha * source``'s slice ``i`` along ``dim`` added at ``index[i]``; positions may repeat."""
    plan = scatter_rows("index_add", input, dim, index, source if alpha == 1 else source * alpha)
    return _run("index_add", input, plan, "add", False)


@function()
def index_add_(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
    """In-place form of :func:`index_add`."""
    plan = scatter_rows("index_add_", input, dim, index, source if alpha == 1 else source * alpha)
    return _run("index_add_", input, plan, "add", True)


@function()
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """A copy of ``input`` with slice ``i`` of ``source`` along ``dim`` written at ``index[i]``."""
    return _run("index_copy", input, scatter_rows("index_copy", input, dim, index, source), "set", False)


@function()
def index_copy_(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """In-place form of :func:`index_copy`."""
    return _run("index_copy_", input, scatter_rows("index_copy_", input, dim, index, source), "set", True)


def _filled(op: str, input: Tensor, dim: int, index: Tensor, value: Any) -> Plan:
    """The plan that writes one value over whole slices; negative positions count from the end."""
    d = canonical_dim(op, dim, input.ndim)
    if isinstance(value, Tensor):
        if value.ndim:
            raise ShapeError(
                f"{op} only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s)"
            )
        source = value.to(dtype=input.dtype, device=input.device)
    else:
        source = number_like(op, value, input)
    target = input if input.ndim else views.reshape(input, (1,))
    places = linear_index([row(op, index)], (target.shape[d],))
    shape = (*target.shape[:d], places.shape[0], *target.shape[d + 1 :])
    return target, d, along(places, d, target.ndim), source, shape


@function()
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """A copy of ``input`` with one value in all slices along ``dim`` that ``index`` names."""
    return _run("index_fill", input, _filled("index_fill", input, dim, index, value), "set", False)


@function()
def index_fill_(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """In-place form of :func:`index_fill`."""
    return _run("index_fill_", input, _filled("index_fill_", input, dim, index, value), "set", True)
