"""``nn.functional.embedding_bag``: rows of a matrix by index, reduced over bags."""

from __future__ import annotations

from hotplug.declare import composite, function
from hotplug.dtypes import dtype as DType, iinfo, int64
from hotplug.errors import ArgumentError, DTypeError, ShapeError
from hotplug.layout import Shape
from hotplug.ops import arithmetic, comparison, creation, reduction, scan, views
from hotplug.ops.gathering import along, gather_along, select_rows
from hotplug.ops.lookup import embedding_backward, renormalize_rows
from hotplug.ops.scattering import scatter_along
from hotplug.tensor import Tensor


def _bag_of(offsets: Tensor, count: int) -> Tensor:
    """The number of the bag of each of ``count`` indices, int64: how many offsets are not behind it, less one."""
    one = creation.ones((), dtype=int64, device=offsets.device)
    starts = creation.zeros((count + 1,), dtype=int64, device=offsets.device)
    starts = scatter_along(starts, 0, offsets, one, tuple(offsets.shape), "add")
    return views.narrow(scan.cumsum(starts, 0) - 1, 0, 0, count)


def _kept(index: Tensor, padding: int, like: Tensor) -> Tensor:
    """``(n, 1)``: 1 for the indices that count, 0 for the padding row."""
    return views.unsqueeze(comparison.ne(index, padding), 1).to(like.dtype)


def _added(rows: Tensor, bag: Tensor, bags: int) -> Tensor:
    """The rows of each bag added up."""
    zeros = creation.zeros((bags, rows.shape[1]), dtype=rows.dtype, device=rows.device)
    return scatter_along(zeros, 0, along(bag, 0, 2), rows, tuple(rows.shape), "add")


def _divisors(index: Tensor, bag: Tensor, bags: int, padding: int, like: Tensor) -> Tensor:
    """``(bags, 1)``: how many indices of each bag count, at least 1."""
    return arithmetic.clamp(_added(_kept(index, padding, like), bag, bags), min=1.0)


def _outputs(
    weight: Tensor, index: Tensor, offsets: Tensor, scale: Tensor | None, padding: int, mode: str, by_frequency: bool
) -> list[tuple[Shape, DType]]:
    return [((offsets.shape[0], weight.shape[1]), weight.dtype)]


@composite(outputs=_outputs)
def bag_sums(
    weight: Tensor, index: Tensor, offsets: Tensor, scale: Tensor | None, padding: int, mode: str, by_frequency: bool
) -> Tensor:
    """The rows of each bag, times ``scale``, added (``sum``) or averaged (``mean``), without the row ``padding``."""
    bag, bags = _bag_of(offsets, index.shape[0]), offsets.shape[0]
    rows = select_rows(weight, 0, index)
    if scale is not None:
        rows = rows * views.unsqueeze(scale, 1)
    if padding >= 0:
        rows = rows * _kept(index, padding, weight)
    total = _added(rows, bag, bags)
    return total / _divisors(index, bag, bags, padding, weight) if mode == "mean" else total


@bag_sums.gradient("weight", "scale")
def _(
    grad: Tensor, weight: Tensor, index: Tensor, offsets: Tensor, scale: Tensor | None, padding: int, mode: str,
    by_frequency: bool,
) -> tuple[Tensor | None, ...]:  # fmt: skip
    return (*bag_sums_backward(grad, weight, index, offsets, scale, padding, mode, by_frequency), None)[:2]


def _backward_outputs(
    delta: Tensor, weight: Tensor, index: Tensor, offsets: Tensor, scale: Tensor | None, padding: int, mode: str,
    by_frequency: bool,
) -> list[tuple[Shape, DType]]:  # fmt: skip
    wanted = [(tuple(weight.shape), delta.dtype)]
    return wanted if scale is None else [*wanted, (tuple(scale.shape), delta.dtype)]


@composite(outputs=_backward_outputs)
def bag_sums_backward(
    delta: Tensor, weight: Tensor, index: Tensor, offsets: Tensor, scale: Tensor | None, padding: int, mode: str,
    by_frequency: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    """The gradients for the weight and, where there is one, for the scale."""
    bag, bags = _bag_of(offsets, index.shape[0]), offsets.shape[0]
    if mode == "mean":
        delta = delta / _divisors(index, bag, bags, padding, delta)
    rows = select_rows(delta, 0, bag)
    shape = tuple(weight.shape)
    if scale is None:
        return (embedding_backward(rows, index, shape, padding, by_frequency),)
    slope = rows * select_rows(weight, 0, index) * _kept(index, padding, delta)
    found = embedding_backward(rows * views.unsqueeze(scale, 1), index, shape, padding, by_frequency)
    return found, reduction.sum(slope, 1)


@composite(
    outputs=lambda weight, index, offsets, padding: [
        ((offsets.shape[0], weight.shape[1]), kind) for kind in (weight.dtype, int64)
    ]
)
def bag_maxima(weight: Tensor, index: Tensor, offsets: Tensor, padding: int) -> tuple[Tensor, Tensor]:
    """The largest element of each column of a bag's rows, 0 for an empty one, and which of the indices has it: the first,
    or their number where there is none.
    """
    count, shape = index.shape[0], (offsets.shape[0], weight.shape[1])
    bag = along(_bag_of(offsets, count), 0, 2)
    rows = select_rows(weight, 0, index)
    wide = tuple(rows.shape)
    lowest = creation.full(shape, -float("inf"), dtype=weight.dtype, device=weight.device)
    kept = views.unsqueeze(comparison.ne(index, padding), 1)
    largest = scatter_along(lowest, 0, bag, arithmetic.where_elements(kept, rows, -float("inf")), wide, "max")
    best = gather_along(largest, 0, bag, wide)
    wins = comparison.logical_and(comparison.logical_or(comparison.eq(rows, best), comparison.ne(rows, rows)), kept)
    place = views.reshape(creation.iota(index, (count,)), (count, 1))
    none = creation.full(shape, iinfo(int64).max, dtype=int64, device=weight.device)
    first = scatter_along(none, 0, bag, arithmetic.where_elements(wins, place, count), wide, "min")
    first = arithmetic.clamp(first, max=count)
    empty = comparison.eq(first, count)
    return arithmetic.where_elements(empty, 0.0, largest), first


@bag_maxima.gradient("weight")
def _(grad: Tensor, weight_shape: Shape, index: Tensor, out1: Tensor, padding: int) -> Tensor:
    return bag_maxima_backward(grad, index, out1, weight_shape)


@composite(outputs=lambda delta, index, place, shape: [(shape, delta.dtype)])
def bag_maxima_backward(delta: Tensor, index: Tensor, place: Tensor, shape: Shape) -> Tensor:
    """The gradient of every maximum for the row that has it."""
    spare = creation.zeros((index.shape[0] + 1, shape[1]), dtype=delta.dtype, device=delta.device)
    rows = scatter_along(spare, 0, place, delta, tuple(delta.shape), "add")
    return embedding_backward(views.narrow(rows, 0, 0, index.shape[0]), index, shape, -1, False)


# --- the public function ---------------------------------------------------------------------------------------------


def _check(
    input: Tensor, weight: Tensor, offsets: Tensor | None, mode: str, scale: Tensor | None, by_frequency: bool
) -> None:
    op = "embedding_bag"
    if mode not in ("sum", "mean", "max"):
        raise ArgumentError(f"{op}: mode has to be one of sum, mean or max, got {mode!r}")
    if weight.ndim != 2 or input.ndim not in (1, 2):
        raise BagShapeError(
            f"{op}: expected a 1D or 2D input and a 2D weight, got {list(input.shape)} and {list(weight.shape)}"
        )
    if (offsets is None) != (input.ndim == 2) or (offsets is not None and offsets.ndim != 1):
        raise BagShapeError(
            f"{op}: a 1D input needs 1D offsets, and a 2D input, whose rows are bags, none; got input "
            f"{list(input.shape)} and offsets {None if offsets is None else list(offsets.shape)}"
        )
    if any(each is not None and each.dtype.kind not in "iu" for each in (input, offsets)):
        raise DTypeError(f"{op}: expected integer indices and offsets; convert with .long()")
    if scale is not None and (mode != "sum" or tuple(scale.shape) != tuple(input.shape)):
        raise BagScaleError(
            f"{op}: per_sample_weights needs mode='sum' and the shape of the input, got mode={mode!r}, "
            f"{list(scale.shape)} and {list(input.shape)}"
        )
    if by_frequency and mode == "max":
        raise BagArgumentError(f"{op}: max mode does not support scaling the gradient by the frequency")


class BagShapeError(ShapeError, ValueError):
    """Indices and offsets that don't fit; PyTorch raises ValueError."""


class BagArgumentError(ArgumentError, RuntimeError):
    """Options that don't go together."""


class BagScaleError(ArgumentError, NotImplementedError):
    """Weights of samples where there can be none."""


@function(method=False, namespace="nn.functional")
def embedding_bag(input: Tensor, weight: Tensor, offsets: Tensor | None = None, max_norm: float | None = None,
                  norm_type: float = 2, scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False,
                  per_sample_weights: Tensor | None = None, include_last_offset: bool = False,
                  padding_idx: int | None = None) -> Tensor:  # fmt: skip
    """Rows of ``weight`` by index, reduced over bags; empty bags give 0.

    Args:
        input: integers, ``(B, N)``: a bag a row; or ``(n)``, with ``offsets``.
        weight: ``(V, D)`` -> ``(B, D)``.
        offsets: ``(B)``, where in the input each bag begins; with ``include_last_offset`` ``(B + 1)``, the end too.
        max_norm: the rows used are first scaled down to this ``norm_type`` norm, in the weight itself.
        scale_grad_by_freq: divide the gradient of a row by how often it is used.
        mode: ``sum``, ``mean`` or ``max``.
        sparse: accepted; gradients are dense.
        per_sample_weights: a factor for each index, for ``sum``.
        padding_idx: this row counts nowhere, and gets no gradient.
    """
    _check(input, weight, offsets, mode, per_sample_weights, scale_grad_by_freq)
    rows = weight.shape[0]
    if padding_idx is not None and not -rows <= padding_idx < rows:
        raise BagArgumentError(f"embedding_bag: padding_idx {padding_idx} must be within the {rows} rows of the weight")
    padding = -1 if padding_idx is None else padding_idx % rows
    index = views.reshape(input.to(int64), (-1,))
    starts = creation.iota(index, (input.shape[0],)) * input.shape[1] if offsets is None else offsets.to(int64)
    if include_last_offset:
        starts = views.narrow(starts, 0, 0, starts.shape[0] - 1)
    if max_norm is not None and index.numel():
        renormalize_rows(weight, index, float(max_norm), norm_type)
    if not index.numel():
        nothing = creation.zeros((starts.shape[0], weight.shape[1]), dtype=weight.dtype, device=weight.device)
        return reduction.tied(nothing, weight)
    if mode == "max":
        return bag_maxima(weight, index, starts, padding)[0]
    scale = None if per_sample_weights is None else views.reshape(per_sample_weights, (-1,))
    return bag_sums(weight, index, starts, scale, padding, mode, scale_grad_by_freq)
