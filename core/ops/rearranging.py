"""The same elements in another order, or several times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotplug import dispatch
from hotplug.array import Array
from hotplug.declare import function, primitive
from hotplug.declare.dims import canonical_dim, canonical_dims, sizes
from hotplug.dtypes import int32, int64
from hotplug.errors import ArgumentError, DimensionError, DTypeError, RankError, ShapeError
from hotplug.layout import Shape
from hotplug.ops import creation, reduction, scan, views
from hotplug.ops.gathering import select_rows
from hotplug.ops.scattering import scatter_along
from hotplug.tensor import Tensor


@primitive
def flipped(input: Array, dims: Shape) -> Array:
    """A copy with some axes in reverse order."""
    strides = [-step if axis in dims else step for axis, step in enumerate(input.strides)]
    offset = sum((input.shape[axis] - 1) * input.strides[axis] for axis in dims if input.numel)
    return dispatch.clone(dispatch.move(input, input.shape, strides, offset))


@flipped.gradient("input")
def _(grad: Tensor, dims: Shape) -> Tensor:
    return flipped(grad, dims)


@function()
def flip(input: Tensor, *dims: Any) -> Tensor:
    """A copy with the axes ``dims`` in reverse order."""
    wanted = sizes(dims)
    return flipped(input, canonical_dims("flip", wanted, input.ndim) if wanted else ())


@function()
def fliplr(input: Tensor) -> Tensor:
    """Columns in reverse order."""
    if input.ndim < 2:
        raise ShapeError(f"fliplr: Input must be >= 2-d, got {input.ndim}-d")
    return flipped(input, (1,))


@function()
def flipud(input: Tensor) -> Tensor:
    """Rows in reverse order."""
    if input.ndim < 1:
        raise ShapeError("flipud: Input must be >= 1-d, got 0-d")
    return flipped(input, (0,))


@function()
def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """A rotation by ``k`` right angles in the plane of two axes, from the first towards the second."""
    if len(dims) != 2 or input.ndim < 2:
        raise ShapeError(
            f"rot90: expected two dims of a tensor of at least 2 dimensions, got {list(dims)} of {input.ndim}"
        )
    a, b = (canonical_dim("rot90", d, input.ndim) for d in dims)
    if a == b:
        raise ShapeError(
            f"rot90: expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}"
        )
    turns = k % 4
    if turns == 1:
        return views.transpose(flipped(input, (b,)), a, b).contiguous()
    if turns == 2:
        return flipped(input, tuple(sorted((a, b))))
    if turns == 3:
        return views.transpose(flipped(input, (a,)), a, b).contiguous()
    return input.clone()


@primitive
def rolled(input: Array, shifts: Shape, dims: Shape) -> Array:
    """A copy shifted around along some axes, one after the other: each time two parts change places."""
    given = input
    for shift, dim in zip(shifts, dims, strict=True):
        size = input.shape[dim]
        if not input.numel or shift % size == 0:
            continue
        out, by = dispatch.new(input, input.dtype, input.shape), shift % size
        for source, target, length in ((0, by, size - by), (size - by, 0, by)):
            shape = (*input.shape[:dim], length, *input.shape[dim + 1 :])
            part = dispatch.move(input, shape, input.strides, source * input.strides[dim])
            dispatch.copy(part, dispatch.move(out, shape, out.strides, target * out.strides[dim]))
        input = out
    return dispatch.clone(input) if input is given else input


@rolled.gradient("input")
def _(grad: Tensor, shifts: Shape, dims: Shape) -> Tensor:
    return rolled(grad, tuple(-shift for shift in shifts), dims)


@function()
def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """A copy shifted around: what leaves one end of an axis comes in at the other.  Without ``dims``, in C order."""
    moves = sizes((shifts,))
    if dims is None or (isinstance(dims, (list, tuple)) and not dims):
        if len(moves) != 1:
            raise ShapeError(f"roll: shifts and dimensions must align. shifts: {len(moves)}, dims: 0")
        return views.reshape(rolled(views.reshape(input, (-1,)), moves, (0,)), tuple(input.shape))
    axes = sizes((dims,))
    if len(axes) != len(moves):
        raise ShapeError(f"roll: shifts and dimensions must align. shifts: {len(moves)}, dims: {len(axes)}")
    if input.ndim == 0:
        raise DimensionError(f"roll: Dimension specified as {axes[0]} but tensor has no dimensions; leave dims out")
    return rolled(input, moves, tuple(canonical_dim("roll", d, input.ndim) for d in axes))


# --- repetition ------------------------------------------------------------------------------------------------------


def _check_counts(op: str, counts: Shape) -> None:
    if any(count < 0 for count in counts):
        raise BadRepeatError(f"{op}: Repeats must be non-negative, got {list(counts)}")


class BadRepeatError(ArgumentError, RuntimeError):  # PyTorch raises RuntimeError
    """A number of repetitions or a mode is not one of those allowed."""


def _repeated(input: Tensor, counts: Shape) -> Tensor:
    """The whole tensor ``counts[i]`` times along axis ``i``; new axes come in front."""
    shape = (*(1,) * (len(counts) - input.ndim), *input.shape)
    if all(count == 1 for count in counts):
        return views.reshape(input, shape).clone()
    apart = [size for each in shape for size in (1, each)]
    wide = [size for count, each in zip(counts, shape, strict=True) for size in (count, each)]
    spread = views.expand(views.reshape(input, apart), wide)
    return views.reshape(spread, tuple(count * each for count, each in zip(counts, shape, strict=True)))


@function(namespace="Tensor")
def repeat(input: Tensor, *repeats: Any) -> Tensor:
    """The tensor laid side by side ``repeats[i]`` times along axis ``i``, a copy; more repeats than axes add axes in
    front.
    """
    counts = sizes(repeats)
    if len(counts) < input.ndim:
        raise ShapeError(
            f"repeat: Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor: got "
            f"{len(counts)} for {input.ndim}"
        )
    _check_counts("repeat", counts)
    return _repeated(input, counts)


@function()
def tile(input: Tensor, *dims: Any) -> Tensor:
    """:func:`repeat` with NumPy's rule: fewer repeats than axes count from the last axis."""
    counts = sizes(dims)
    counts = (*(1,) * (input.ndim - len(counts)), *counts)
    _check_counts("tile", counts)
    return _repeated(input, counts)


@function()
def repeat_interleave(
    input: Tensor, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each element ``repeats`` times in a row, along ``dim`` or, without it, in the flattened input.

    ``repeats`` is a number, or a vector with one for each position; then their sum, the size of the result, is read from
    the device unless it is given as ``output_size``.  Called with a vector alone, the positions to repeat.
    """
    if repeats is None:
        return _interleave_index(input, output_size)
    if dim is None:
        input, dim = views.reshape(input, (-1,)), 0
    if not input.ndim:
        raise RankError("repeat_interleave: a 0-d tensor has no axis; leave out dim, or .reshape(1)")
    d = canonical_dim("repeat_interleave", dim, input.ndim)
    if isinstance(repeats, Tensor) and repeats.numel() == 1:
        repeats = views.expand(views.reshape(repeats, (1,)), (input.shape[d],))
    if isinstance(repeats, Tensor):
        if repeats.ndim != 1 or repeats.shape[0] != input.shape[d]:
            raise ShapeError(
                f"repeat_interleave: repeats must have the same size as input along dim, but got repeats.size(0) = "
                f"{repeats.shape[0] if repeats.ndim else 1} and input.size({d}) = {input.shape[d]}"
            )
        return select_rows(input, d, _interleave_index(repeats, output_size))
    _check_counts("repeat_interleave", (repeats,))
    shape = tuple(input.shape)
    spread = views.expand(views.unsqueeze(input, d + 1), (*shape[: d + 1], repeats, *shape[d + 1 :]))
    return views.reshape(spread.contiguous(), (*shape[:d], shape[d] * repeats, *shape[d + 1 :]))


def _interleave_index(repeats: Tensor, output_size: int | None) -> Tensor:
    """Position ``i`` repeated ``repeats[i]`` times: the running count of the group starts up to each place."""
    if repeats.dtype not in (int64, int32):
        raise DTypeError(f"repeat_interleave: repeats must be int64 or int32, got {repeats.dtype.name}")
    total = int(reduction.sum(repeats).item()) if output_size is None else output_size
    if not repeats.shape[0] or not total:
        return creation.zeros((0,), dtype=int64, device=repeats.device)
    starts = views.narrow(scan.cumsum(repeats, 0), 0, 0, repeats.shape[0] - 1)
    marks = creation.zeros((total + 1,), dtype=int64, device=repeats.device)
    if starts.shape[0]:
        one = creation.ones((), dtype=int64, device=repeats.device)
        marks = scatter_along(marks, 0, starts, one, tuple(starts.shape), "add")
    return scan.cumsum(views.narrow(marks, 0, 0, total), 0)


@function(method=False)
def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Coordinate grids of vectors: the ``i``-th varies along axis ``i``; with ``indexing="xy"`` the first two axes are
    exchanged.  Views.
    """
    given = tuple(tensors[0]) if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    if indexing not in ("ij", "xy"):
        raise BadRepeatError(f'meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    if not given:
        raise ShapeError("meshgrid: expects a non-empty list of tensors")
    if any(each.ndim > 1 for each in given):
        raise ShapeError("meshgrid: Expected 0D or 1D tensors in the tensor list")
    order = list(range(len(given)))
    if indexing == "xy" and len(given) > 1:
        order[:2] = [1, 0]
    shape = [given[axis].numel() for axis in order]
    grids = []
    for axis, each in enumerate(given):
        at = order.index(axis)
        own = [each.numel() if place == at else 1 for place in range(len(given))]
        grids.append(views.expand(views.reshape(each, own), shape))
    return tuple(grids)
