"""Embedding: rows of a matrix by index."""

from __future__ import annotations

from hotplug.autograd.mode import no_grad
from hotplug.declare import composite, function
from hotplug.dtypes import bool_, dtype as DType, int64
from hotplug.errors import ArgumentError, DTypeError, RankError
from hotplug.layout import Shape
from hotplug.ops import arithmetic, comparison, creation, reduction, views
from hotplug.ops.gathering import along, scatter_zeros, select_rows
from hotplug.ops.scattering import scatter_along
from hotplug.tensor import Tensor


def _outputs(weight: Tensor, index: Tensor, padding: int, by_frequency: bool) -> list[tuple[Shape, DType]]:
    return [((*index.shape, weight.shape[1]), weight.dtype)]


@composite(outputs=_outputs)
def embedding_rows(weight: Tensor, index: Tensor, padding: int, by_frequency: bool) -> Tensor:
    """``weight[index]``.  Backward leaves the row ``padding`` out (-1: none), and may divide by how often a row is used."""
    rows = select_rows(weight, 0, views.reshape(index, (-1,)))
    return views.reshape(rows, (*index.shape, weight.shape[1]))


@embedding_rows.gradient("weight")
def _(grad: Tensor, weight_shape: Shape, index: Tensor, padding: int, by_frequency: bool) -> Tensor:
    return embedding_backward(grad, index, weight_shape, padding, by_frequency)


@composite(outputs=lambda delta, index, shape, padding, by_frequency: [(shape, delta.dtype)])
def embedding_backward(delta: Tensor, index: Tensor, shape: Shape, padding: int, by_frequency: bool) -> Tensor:
    """The gradients of equal rows added up into a matrix of ``shape``."""
    flat = views.reshape(index, (-1,))
    rows = views.reshape(delta, (-1, shape[1]))
    if padding >= 0:
        rows = arithmetic.where_elements(views.unsqueeze(comparison.ne(flat, padding), 1), rows, 0.0)
    if by_frequency:
        ones = creation.ones((flat.shape[0],), dtype=delta.dtype, device=delta.device)
        counts = scatter_zeros(ones, 0, flat, tuple(flat.shape), shape[:1])
        rows = rows / views.unsqueeze(select_rows(counts, 0, flat), 1)
    return scatter_zeros(rows, 0, along(flat, 0, 2), (flat.shape[0], shape[1]), shape)


class EmbeddingArgumentError(ArgumentError, AssertionError):
    """A padding index that is no row; PyTorch asserts."""


def _padding(op: str, padding_idx: int | None, rows: int) -> int:
    """The padding index counted from the front, -1 where there is none."""
    if padding_idx is None:
        return -1
    if not -rows <= padding_idx < rows:
        raise EmbeddingArgumentError(f"{op}: padding_idx {padding_idx} must be within the {rows} rows of the weight")
    return padding_idx % rows


def renormalize_rows(weight: Tensor, index: Tensor, max_norm: float, norm_type: float) -> None:
    """Scale the rows that the index names down to a norm of at most ``max_norm``, in place and off the tape."""
    with no_grad():
        size = reduction.norm(weight, norm_type, 1, True)
        shrunk = size.new_full((), max_norm) / (size + 1e-7)
        flat = views.reshape(index, (-1,))
        true = creation.ones((), dtype=bool_, device=weight.device)
        none = creation.zeros((weight.shape[0],), dtype=bool_, device=weight.device)
        named = scatter_along(none, 0, flat, true, tuple(flat.shape), "set")
        change = comparison.logical_and(views.unsqueeze(named, 1), comparison.gt(size, max_norm))
        weight.mul_(arithmetic.where_elements(change, shrunk, 1.0))


@function(method=False, namespace="nn.functional")
def embedding(input: Tensor, weight: Tensor, padding_idx: int | None = None, max_norm: float | None = None,
              norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False) -> Tensor:  # fmt: skip
    """Rows of ``weight`` by index.  input ``(*S)`` of int64 or int32, weight ``(V, D)`` -> ``(*S, D)``.

    Args:
        padding_idx: this row gets no gradient.
        max_norm: the rows used are first scaled down to this ``norm_type`` norm, in the weight itself.
        scale_grad_by_freq: divide the gradient of a row by how often it is used.
        sparse: accepted; gradients are dense.

    Raises:
        IndexRangeError: an index is negative or no row.
    """
    if input.dtype.kind not in "iu":
        raise DTypeError(f"embedding: expected integer indices, got {input.dtype.name}; convert with .long()")
    if weight.ndim != 2:
        raise RankError(f"embedding: 'weight' must be 2-D, got shape {list(weight.shape)}")
    padding, index = _padding("embedding", padding_idx, weight.shape[0]), input.to(int64)
    if max_norm is not None and input.numel():
        renormalize_rows(weight, index, float(max_norm), norm_type)
    return embedding_rows(weight, index, padding, scale_grad_by_freq)
