"""``x[key]``, ``x[key] = value`` and ``index_put``: PyTorch's indexing.

A key is resolved in two steps.  Its basic part (ints, slices, None, Ellipsis) is a view.  Its advanced part (integer
tensors, masks) becomes one linear index into the picked axes merged, so that every read is one gather and every write
one scatter, whatever the number of picked axes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from hotplug import dispatch
from hotplug.autograd.views import assign, prepare_write
from hotplug.declare import function
from hotplug.dtypes import bool_, int32, int64, uint8
from hotplug.errors import (
    ArgumentError,
    ArgumentTypeError,
    DeviceMismatchError,
    DimensionError,
    DTypeError,
    IndexRangeError,
    ShapeError,
)
from hotplug.layout import Shape, broadcast_shapes, view_strides
from hotplug.ops import creation, selection, view_ops, views
from hotplug.ops.gathering import along, gather_along, linear_index
from hotplug.ops.scattering import checked_number, number_like, scatter_along, scatter_into
from hotplug.tensor import Tensor

Pick = tuple[int, Tensor]
"""An axis and the integer index or mask that picks from it (a mask: from it and the axes after it)."""

_LONG_LIST: Final = 32
"""A list of so many elements is an index, as in PyTorch; a shorter one that holds sequences or slices is a tuple."""


# --- the key ---------------------------------------------------------------------------------------------------------


def _entries(key: Any) -> list[Any]:
    if isinstance(key, tuple):
        return list(key)
    parts = (Tensor, list, tuple, slice, np.ndarray, type(...), type(None))
    if isinstance(key, list) and len(key) < _LONG_LIST and any(isinstance(each, parts) for each in key):
        return list(key)
    return [key]


def _as_index(entry: Any, input: Tensor) -> Tensor:
    """An entry of a key that is neither basic nor a bool, as a tensor on the input's device.

    Raises:
        IndexRangeError: it is no index.
        DeviceMismatchError: it lives on another device, which isn't the host.
    """
    if isinstance(entry, (list, tuple, range, np.ndarray)):
        found = creation.tensor(list(entry) if isinstance(entry, range) else entry, device=input.device)
        wide = found.dtype.kind in "ui" or (found.numel() == 0 and found.dtype is not bool_)
        entry = found.to(int64) if wide else found
    if not isinstance(entry, Tensor):
        raise IndexRangeError(
            f"only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got "
            f"{type(entry).__name__})"
        )
    if entry.dtype not in (bool_, uint8, int64, int32):
        raise IndexRangeError(
            f"tensors used as indices must be long, int, byte or bool tensors, got {entry.dtype.name}; convert with .long()"
        )
    if entry._array.storage.runtime is not input._array.storage.runtime:
        if not entry._array.storage.runtime.capabilities.host_memory:
            raise DeviceMismatchError(
                f"indices should be either on the host or on the same device as the indexed tensor ('{input.device}'), got "
                f"'{entry.device}'; move them with .to('{input.device}')"
            )
        entry = entry.to(input.device)
    return entry.to(bool_) if entry.dtype is uint8 else entry.detach()  # type: ignore[no-any-return]


class _View:
    """The basic part of a key while it is read: the axes of the view, in terms of those of the input."""

    def __init__(self, input: Tensor) -> None:
        self.input = input
        self.rank = input.ndim
        self.axis = 0
        self.shape: list[int] = []
        self.steps: list[tuple[int, ...]] = []
        self.start = [0] * self.rank
        self.changed = False

    def keep(self, count: int) -> None:
        """Take the next axes as they are."""
        for _ in range(count):
            self.slice(0, self.input._array.shape[self.axis], 1)

    def slice(self, start: int, length: int, step: int) -> None:
        """Take ``length`` positions of the next axis."""
        self.shape.append(length)
        self.steps.append(tuple(step if axis == self.axis else 0 for axis in range(self.rank)))
        self.start[self.axis] = start if length else 0
        self.changed = self.changed or length != self.input._array.shape[self.axis] or step != 1
        self.axis += 1

    def insert(self) -> None:
        """A new axis of one element."""
        self.shape.append(1)
        self.steps.append((0,) * self.rank)
        self.changed = True

    def select(self, position: int) -> None:
        """One position of the next axis, which is dropped."""
        if self.rank == 0:
            raise IndexRangeError("invalid index of a 0-dim tensor; use tensor.item() to convert it to a Python number")
        size = self.input._array.shape[self.axis]
        if not -size <= position < size:
            raise IndexRangeError(f"index {position} is out of bounds for dimension {self.axis} with size {size}")
        self.start[self.axis] = position % size
        self.axis += 1
        self.changed = True

    def finish(self) -> Tensor:
        """The view; the input itself where nothing changes."""
        return view_ops.part_of(self.input, self.shape, self.steps, self.start) if self.changed else self.input


def _width(entry: Any) -> int:
    """How many axes of the input an entry takes."""
    if entry is None or entry is Ellipsis or isinstance(entry, (bool, np.bool_)):
        return 0
    if isinstance(entry, Tensor) and entry.dtype is bool_:
        return entry.ndim
    return 1


def _is_basic(entry: Any) -> bool:
    return entry is None or entry is Ellipsis or isinstance(entry, (bool, np.bool_, int, np.integer, slice))


def _resolve(input: Tensor, key: Any) -> tuple[Tensor, list[Pick]]:
    """The view that the basic part of a key names, and what picks from its axes."""
    entries = [entry if _is_basic(entry) else _as_index(entry, input) for entry in _entries(key)]
    spare = input.ndim - sum(map(_width, entries))
    if spare < 0:
        if input.ndim == 0 and len(entries) == 1 and isinstance(entries[0], (int, np.integer)):
            _View(input).select(0)
        raise DimensionError(f"too many indices for tensor of dimension {input.ndim}")
    view, picks = _View(input), []
    for entry in entries:
        if entry is Ellipsis:
            view.keep(spare)
            spare = 0
        elif entry is None:
            view.insert()
        elif isinstance(entry, (bool, np.bool_)):
            picks.append((len(view.shape), creation.tensor([0] if entry else [], dtype=int64, device=input.device)))
            view.insert()
        elif isinstance(entry, slice):
            _take_slice(view, entry)
        elif isinstance(entry, Tensor):
            picks.append((len(view.shape), entry))
            _take_pick(view, entry)
        else:
            view.select(int(entry))
    view.keep(spare)
    return view.finish(), picks


def _take_slice(view: _View, entry: slice) -> None:
    if entry.step is not None and entry.step.__index__() == 0:
        raise ArgumentError("slice step cannot be zero")
    places = range(*entry.indices(view.input._array.shape[view.axis]))
    view.slice(max(places.start, 0), len(places), places.step)


def _take_pick(view: _View, index: Tensor) -> None:
    if index.dtype is not bool_:
        view.keep(1)
        return
    if index.ndim == 0:
        view.insert()
        return
    sizes = view.input._array.shape[view.axis : view.axis + index.ndim]
    if tuple(index.shape) != sizes:
        raise IndexRangeError(
            f"The shape of the mask {list(index.shape)} at index {view.axis} does not match the shape of the indexed tensor "
            f"{list(view.input.shape)} at index {view.axis}"
        )
    view.keep(index.ndim)


# --- picks -----------------------------------------------------------------------------------------------------------


class _Plan(NamedTuple):
    """One gather or scatter: positions along the axes ``first`` to ``first + length`` of ``source`` merged."""

    source: Tensor
    first: int
    length: int
    positions: Tensor
    """A vector of positions in the merged axes."""
    picked: Shape
    """The shape in which the picked elements take the place of the axes."""

    @property
    def merged(self) -> Shape:
        """The shape of the source with the picked axes as one."""
        shape, end = self.source._array.shape, self.first + self.length
        return (*shape[: self.first], math.prod(shape[self.first : end]), *shape[end:])

    @property
    def flat(self) -> Shape:
        """The merged shape with the number of positions in place of the picked axis."""
        shape = self.merged
        return (*shape[: self.first], self.positions._array.shape[0], *shape[self.first + 1 :])

    @property
    def result(self) -> Shape:
        """The shape of what is read or written."""
        shape = self.merged
        return (*shape[: self.first], *self.picked, *shape[self.first + 1 :])


def _plan(view: Tensor, picks: Sequence[Pick]) -> _Plan:
    if len(picks) == 1 and picks[0][1].dtype is bool_:
        axis, mask = picks[0]
        found = selection.positions_of("indexing with a mask", mask)
        return _Plan(view, axis, max(mask.ndim, 1), found, tuple(found.shape))
    numbers = [each for pick in picks for each in _integers(pick)]
    axes = [axis for axis, _ in numbers]
    indices = [index for _, index in numbers]
    try:
        picked = broadcast_shapes("indexing", *(tuple(index.shape) for index in indices))
    except ShapeError:
        shapes = ", ".join(str(list(index.shape)) for index in indices)
        raise IndexRangeError(
            f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}"
        ) from None
    first = axes[0]
    if axes != list(range(first, first + len(axes))):  # apart from each other: what they pick comes first
        view = views.permute(view, (*axes, *(axis for axis in range(view.ndim) if axis not in axes)))
        first = 0
    sizes = view._array.shape[first : first + len(axes)]
    index = linear_index(indices, sizes)
    return _Plan(view, first, len(axes), views.reshape(index, (-1,)), picked)


def _integers(pick: Pick) -> list[Pick]:
    """A pick as integer indices: a mask becomes the coordinates of its true elements, one vector for each of its axes."""
    axis, index = pick
    if index.dtype is not bool_:
        return [pick]
    return [(axis + place, each) for place, each in enumerate(selection.nonzero(index, as_tuple=True))]


def _read(plan: _Plan) -> Tensor:
    merged = views.reshape(plan.source, plan.merged)
    try:
        found = gather_along(merged, plan.first, along(plan.positions, plan.first, merged.ndim), plan.flat)
    except IndexRangeError:
        raise _out_of_range(plan) from None
    return views.reshape(found, plan.result)


def _out_of_range(plan: _Plan) -> IndexRangeError:
    """The error in terms of the axes that the key names, where a host device has noticed it."""
    sizes = plan.source._array.shape[plan.first : plan.first + plan.length]
    if plan.length > 1:
        return IndexRangeError(f"an index is out of bounds for dimensions with sizes {list(sizes)}")
    values = plan.positions.tolist()
    bad = next((value for value in values if not -sizes[0] <= value < sizes[0]), None)
    return IndexRangeError(f"index {bad} is out of bounds for dimension {plan.first} with size {sizes[0]}")


def _write(name: str, plan: _Plan, value: Tensor, mode: str) -> None:
    """Write through the view: one scatter into its memory, or into a copy where its axes don't merge."""
    if tuple(value.shape) != plan.result:
        value = _expanded(value, plan.result)
    flat = views.reshape(value, plan.flat)
    if 0 in plan.flat:
        return
    source, shape = plan.source, plan.merged
    index = along(plan.positions, plan.first, len(shape))
    strides = view_strides(source._array.shape, source._array.strides, shape)
    try:
        if strides is None:
            copy = scatter_along(views.reshape(source, shape), plan.first, index, flat, plan.flat, mode)
            assign(name, source, views.reshape(copy, tuple(source.shape)))
        else:
            target = source if shape == source._array.shape else view_ops.view_as_shape(source, shape, strides)
            scatter_into(name, target, plan.first, index, flat, plan.flat, mode)
    except IndexRangeError:
        raise _out_of_range(plan) from None


def _expanded(value: Tensor, shape: Shape) -> Tensor:
    given = value
    while value.ndim > len(shape) and value.shape[0] == 1:
        value = views.squeeze(value, 0)
    try:
        return views.expand(value, shape)
    except ShapeError:
        raise ShapeError(
            f"shape mismatch: value tensor of shape {list(given.shape)} cannot be broadcast to indexing result of shape "
            f"{list(shape)}"
        ) from None


# --- what users call -------------------------------------------------------------------------------------------------


def getitem(input: Tensor, key: Any) -> Tensor:
    """``input[key]``: a view for a basic key, a copy where a tensor, list, array or mask picks.

    Integer indices broadcast against each other; what they pick takes their place, or comes first where they are apart.
    A mask reads the number of its true elements from the device.

    Raises:
        IndexRangeError: a position is out of range, or an entry is no index.
        ArgumentError: a slice has a step below 1.
    """
    if key.__class__ is int and input.ndim:
        size = input._array.shape[0]
        if -size <= key < size:
            return views.select(input, 0, key)
    view, picks = _resolve(input, key)
    if picks:
        return _read(_plan(view, picks))
    return view if view is not input else view_ops.view_as_shape(input, input._array.shape, input._array.strides)


def setitem(input: Tensor, key: Any, value: Any) -> None:
    """``input[key] = value``: a number, or a tensor that broadcasts; seen by all views of the same memory.

    Raises:
        ShapeError: the value does not broadcast.
        DTypeError: a tensor of another dtype is written through an index or mask.
    """
    if not isinstance(value, (Tensor, bool, int, float, complex, np.number, np.bool_)):
        raise ArgumentTypeError(
            f"can't assign a {type(value).__name__} to a tensor; make it one with hotplug.tensor(...)"
        )
    view, picks = _resolve(input, key)
    if not picks:
        _assign(view, value)
        return
    single = not isinstance(value, Tensor) or value.numel() == 1
    if len(picks) == 1 and picks[0][1].dtype is bool_ and single:
        axis, mask = picks[0]
        tail = view.ndim - axis - max(mask.ndim, 1)
        mask = views.reshape(mask, (*mask.shape, *(1,) * tail))
        selection.masked_fill_(view, mask, views.reshape(value, ()) if isinstance(value, Tensor) else value)
        return
    _write("setitem", _plan(view, picks), _same_kind("setitem", view, value), "set")


def _assign(view: Tensor, value: Any) -> None:
    if isinstance(value, Tensor):
        assign("setitem", view, value)
        return
    number = checked_number("setitem", value, view.dtype)
    if prepare_write("setitem", view, []):
        assign("setitem", view, number_like("setitem", number, view))
    else:
        dispatch.fill(view._array, number)
        view._array.storage.version += 1


def _same_kind(op: str, target: Tensor, value: Any) -> Tensor:
    if not isinstance(value, Tensor):
        return number_like(op, value, target)
    if value.dtype is not target.dtype:
        raise DTypeError(
            f"{op}: Index put requires the source and destination dtypes match, got {target.dtype.name} for the destination "
            f"and {value.dtype.name} for the source; convert the value with .to(dtype)"
        )
    return value.to(target.device) if value.ndim == 0 else value


@function()
def index_put(input: Tensor, indices: Sequence[Tensor], values: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of ``input`` with ``values`` written at ``input[indices]``; with ``accumulate``, added, repeats included."""
    return index_put_(input.clone(), indices, values, accumulate)


@function()
def index_put_(input: Tensor, indices: Sequence[Tensor], values: Tensor, accumulate: bool = False) -> Tensor:
    """In-place form of :func:`index_put`."""
    for place, index in enumerate(indices):
        if not isinstance(index, Tensor):
            raise ArgumentTypeError(
                f"index_put_: expected Tensor as element {place} of indices, got {type(index).__name__}"
            )
    if len(indices) > input.ndim:
        raise DimensionError(f"index_put_: too many indices for tensor of dimension {input.ndim} (got {len(indices)})")
    view, picks = _resolve(input, tuple(indices))
    if picks:
        _write(
            "index_put_", _plan(view, picks), _same_kind("index_put_", input, values), "add" if accumulate else "set"
        )
    return input
