"""Sorting along an axis, and what is read off a sorted axis: argsort, topk, kthvalue.

NaN counts as larger than any number, as in PyTorch: it comes last, or first in descending order.
"""

from __future__ import annotations

from hotplug.declare import composite, function
from hotplug.declare.dims import canonical_dim
from hotplug.dtypes import bool_, dtype as DType, int64, uint8
from hotplug.errors import DimensionError, DTypeError
from hotplug.layout import Shape
from hotplug.ops import creation, views
from hotplug.ops.bitonic import sort_rows
from hotplug.ops.gathering import gather_along
from hotplug.ops.reduction import ValuesIndices
from hotplug.ops.scattering import scatter_along
from hotplug.tensor import Tensor, wrap


def _sort_outputs(input: Tensor, dim: int, descending: bool) -> list[tuple[Shape, DType]]:
    return [(tuple(input.shape), input.dtype), (tuple(input.shape), int64)]


@composite(outputs=_sort_outputs)
def sort_along(input: Tensor, dim: int, descending: bool) -> tuple[Tensor, Tensor]:
    """The elements in order along ``dim``, equal ones as they stood, and int64 positions.  ``(*S)`` -> twice ``(*S)``."""
    shape = tuple(input.shape)
    turned = views.transpose(input, dim, -1)
    rows = views.reshape(turned, (input.numel() // max(shape[dim], 1), shape[dim]))
    keys = rows.to(uint8) if input.dtype is bool_ else rows
    values, indices = (
        views.transpose(views.reshape(wrap(array), tuple(turned.shape)), dim, -1).contiguous()
        for array in sort_rows(keys._array, descending)
    )
    return values.to(input.dtype), indices


@sort_along.gradient("input")
def _(grad: Tensor, out1: Tensor, dim: int) -> Tensor:
    """Back to where every element came from."""
    return scatter_back(grad, dim, out1, tuple(grad.shape))


def scatter_back(grad: Tensor, dim: int, index: Tensor, size: Shape) -> Tensor:
    """The transpose of taking distinct positions along an axis; zeros elsewhere."""
    room = creation.zeros(size, dtype=grad.dtype, device=grad.device)
    return scatter_along(room, dim, index, grad, tuple(index.shape), "set")


def check_ordered(op: str, input: Tensor) -> None:
    """Complex numbers have no order.

    Raises:
        DTypeError: the input is complex.
    """
    if input.dtype.kind == "c":
        raise DTypeError(f"{op} does not support complex dtypes, which have no order, got {input.dtype.name}")


@function()
def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool | None = None) -> ValuesIndices:
    """Elements in order along ``dim``, and the positions they came from.  ``(*S)`` -> ``(*S)``, int64 ``(*S)``.

    Equal elements keep their order, whatever ``stable`` says.

    Raises:
        DTypeError: the input is complex.
    """
    check_ordered("sort", input)
    d = canonical_dim("sort", dim, input.ndim)
    if input.ndim == 0:
        return ValuesIndices(input.clone(), creation.zeros((), dtype=int64, device=input.device))
    return ValuesIndices(*sort_along(input, d, bool(descending)))


@function()
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool | None = None) -> Tensor:
    """Positions that put the elements in order along ``dim`` -> int64 ``(*S)``; equal elements keep their order."""
    return sort(input.detach(), dim, descending).indices


@function()
def msort(input: Tensor) -> Tensor:
    """Elements in order along the first axis."""
    return sort(input, 0).values


# --- what is read off a sorted axis ----------------------------------------------------------------------------------


def _topk_outputs(input: Tensor, k: int, dim: int, largest: bool) -> list[tuple[Shape, DType]]:
    shape = (*input.shape[:dim], k, *input.shape[dim + 1 :])
    return [(shape, input.dtype), (shape, int64)]


@composite(outputs=_topk_outputs)
def topk_along(input: Tensor, k: int, dim: int, largest: bool) -> tuple[Tensor, Tensor]:
    """The first ``k`` of the sorted elements along ``dim``, and their positions; of equal ones the first come first."""
    values, indices = sort_along(input, dim, largest)
    return views.narrow(values, dim, 0, k).contiguous(), views.narrow(indices, dim, 0, k).contiguous()


@topk_along.gradient("input")
def _(grad: Tensor, out1: Tensor, dim: int, input_shape: Shape) -> Tensor:
    """Nothing to those that are not among the ``k``."""
    return scatter_back(grad, dim, out1, input_shape)


@function()
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> ValuesIndices:
    """The ``k`` largest (or smallest) elements along ``dim``, always in order, and their positions.

    ``(*S)`` -> values and int64 indices of ``k`` at ``dim``.

    Raises:
        DimensionError: the axis has fewer elements than ``k``.
    """
    check_ordered("topk", input)
    d = canonical_dim("topk", dim, input.ndim)
    size = input.shape[d] if input.ndim else 1
    if not 0 <= k <= size:
        raise _RankError(f"topk: selected index k out of range: expected 0 <= k <= {size}, got {k}")
    if input.ndim == 0:
        flat = topk(views.reshape(input, (1,)), k, 0, largest)
        return ValuesIndices(*(views.reshape(each, ()) for each in flat)) if k else flat
    return ValuesIndices(*topk_along(input, int(k), d, bool(largest)))


class _RankError(DimensionError, RuntimeError):
    """A rank beyond the size of an axis."""


@function()
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> ValuesIndices:
    """The ``k``-th smallest element along ``dim``, counted from 1, and its position.

    Raises:
        DimensionError: the axis has fewer elements than ``k``, or ``k`` is below 1.
    """
    check_ordered("kthvalue", input)
    d = canonical_dim("kthvalue", dim, input.ndim)
    size = input.shape[d] if input.ndim else 1
    if not 1 <= k <= size:
        raise _RankError(f"kthvalue: selected number k out of range for dimension {d}: expected 1 to {size}, got {k}")
    if input.ndim == 0:
        return sort(input)
    indices = views.narrow(sort_along(input.detach(), d, False)[1], d, int(k) - 1, 1)
    return picked(input, d, indices, keepdim)


def picked(input: Tensor, dim: int, indices: Tensor, keepdim: bool) -> ValuesIndices:
    """The elements at one position of an axis for each place around it, as ``(values, indices)``."""
    values = gather_along(input, dim, indices, tuple(indices.shape))
    if keepdim:
        return ValuesIndices(values, indices.contiguous())
    return ValuesIndices(views.squeeze(values, dim), views.squeeze(indices, dim).contiguous())
