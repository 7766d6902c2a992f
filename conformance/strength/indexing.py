"""Bugs of ``gather`` and ``scatter``: positions, ranges, modes, and what happens where positions are equal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from hotplug.backends.numpy import families
from hotplug.conformance.strength.mutant import Operator
from hotplug.conformance.strength.planting import Bug, Call, NDArray, Planted, kernels
from hotplug.errors import IndexRangeError

BUGS: Final[list[Operator]] = []
_FLOATS: Final = ("float16", "bfloat16", "float32", "float64")


def bug(family: str, kind: str, **more: Any) -> Callable[[Bug], Bug]:
    """Register a bug of a family."""

    def register(function: Bug) -> Bug:
        BUGS.append(kernels(function.__name__.strip("_").replace("_", "-"), kind, family, function, **more))
        return function

    return register


def operators() -> Iterator[Operator]:
    """All of this module."""
    yield from BUGS


def _index(call: Call) -> NDArray:
    return call.inputs[1 if call.key.name == "gather" else 0]


def _with_index(call: Call, index: NDArray) -> None:
    """Run with other positions."""
    inputs = list(call.inputs)
    inputs[1 if call.key.name == "gather" else 0] = index
    call.right(inputs=inputs)


def _size(call: Call) -> int:
    """How many elements there are along the axis."""
    return int((call.inputs[0] if call.key.name == "gather" else call.outs[0]).shape[call.key.axis])


# --- both --------------------------------------------------------------------------------------------------------------


def positions_clamped(call: Call) -> None:
    """Positions out of range are moved to the nearest element."""
    _with_index(call, np.clip(_index(call).astype(np.int64), 0, _size(call) - 1))


def negative_positions_from_the_end(call: Call) -> None:
    """Negative positions count from the end."""
    index = _index(call).astype(np.int64)
    _with_index(call, np.where(index < 0, index + _size(call), index))


def positions_of_32_bits(call: Call) -> None:
    """Of a position the lower 32 bits are read."""
    _with_index(call, _index(call).astype(np.int32))


def positions_with_a_sign(call: Call) -> None:
    """Positions in uint8 are read modulo 8."""
    index = _index(call)
    _with_index(call, index % 8 if index.dtype == np.uint8 else index)


def positions_of_int16_swapped(call: Call) -> None:
    """Positions in int16 lose all but their lowest two bits."""
    index = _index(call)
    _with_index(call, index & 3 if index.dtype == np.int16 else index)


def one_position_for_a_row(call: Call) -> None:
    """The positions of the first row serve all."""
    index = _index(call)
    _with_index(call, np.broadcast_to(index[:1], index.shape) if call.key.axis else index)


def position_one_too_far(call: Call) -> None:
    """A range check of ``>`` instead of ``>=``: the position behind the last one reads or writes nothing, silently."""
    index, size = _index(call).astype(np.int64), _size(call)
    _with_index(call, np.where(index == size, 0, index))


def error_that_names_nothing(call: Call) -> None:
    """The error for a position out of range names neither op nor position."""
    try:
        call.right()
    except IndexRangeError as error:
        raise IndexRangeError("invalid argument") from error


def error_of_another_kind(call: Call) -> None:
    """A position out of range raises an error that is no IndexRangeError."""
    try:
        call.right()
    except IndexRangeError as error:
        raise ValueError(str(error)) from error


def neighbouring_axis(call: Call) -> None:
    """The axis before is used where shapes allow."""
    key = call.key
    shapes = [each.shape for each in (*call.outs, *call.inputs)]
    if key.axis and len({shape[key.axis - 1] for shape in shapes}) == 1 == len({shape[key.axis] for shape in shapes}):
        call.other(axis=key.axis - 1)
    else:
        call.right()


_BOTH: Final[tuple[tuple[str, Bug], ...]] = (
    ("wrong comparison", positions_clamped), ("wrong comparison", negative_positions_from_the_end),
    ("wrong promotion", positions_of_32_bits), ("wrong promotion", positions_with_a_sign),
    ("wrong promotion", positions_of_int16_swapped), ("ignored stride or offset", one_position_for_a_row),
    ("wrong comparison", position_one_too_far), ("wrong error", error_that_names_nothing),
    ("wrong error", error_of_another_kind), ("wrong axis", neighbouring_axis),
)  # fmt: skip
for _family in ("gather", "scatter"):
    for _kind, _bug in _BOTH:
        bug(_family, _kind)(_bug)


# --- gather ------------------------------------------------------------------------------------------------------------


def _gathered_by_way_of_float32(call: Call) -> None:
    """Elements pass through float32."""
    source = call.inputs[0]
    with np.errstate(all="ignore"):
        narrow = source.astype(np.float32).astype(source.dtype)
    call.right(inputs=[narrow, call.inputs[1]])


def _of_values(variant: str) -> Planted:
    return Planted("gather", _gathered_by_way_of_float32, lambda key: key.dtypes[1].name == variant)


BUGS.append(
    Operator("gathered-by-way-of-float32/gather", "wrong promotion", "kernel", "elements pass through float32", ("gather",),
             ("int32", "int64", "uint32", "uint64", "float64"), _of_values)
)  # fmt: skip


@bug("gather", "lost special value")
def gathered_nan_cleared(call: Call) -> None:
    """NaN is picked as 0."""
    call.right()
    out = call.outs[0]
    if out.dtype.kind == "f":
        out[np.isnan(out)] = 0


@bug("gather", "race-like partial write")
def repeated_positions_picked_once(call: Call) -> None:
    """Of two neighbouring equal positions the second is picked as the element behind."""
    index = _index(call).astype(np.int64)
    moved = index.copy()
    if moved.size > 1:
        flat, old = moved.reshape(-1), index.reshape(-1)
        again = np.r_[False, old[1:] == old[:-1]]
        flat[again] = (flat[again] + 1) % _size(call)
    valid = (index >= 0) & (index < _size(call))
    _with_index(call, np.where(valid, moved, index))


# --- scatter -----------------------------------------------------------------------------------------------------------


def _by_mode(*names: str) -> Callable[[Any], bool]:
    return lambda key: key.mode in names


@bug("scatter", "race-like partial write", dtypes=("int32", "float32"), fits=_by_mode("add"))
def equal_positions_added_once(call: Call) -> None:
    """Of additions to one place the last one remains: updates that are not atomic."""
    (out,), (index, source) = call.outs, call.inputs
    families.check_range("scatter", index, out.shape[call.key.axis])
    grid = list(np.ogrid[tuple(slice(size) for size in index.shape)])
    grid[call.key.axis] = index
    out[tuple(grid)] += source


@bug("scatter", "race-like partial write", fits=_by_mode("mul"))
def equal_positions_multiplied_once(call: Call) -> None:
    """Of products into one place the last one remains."""
    (out,), (index, source) = call.outs, call.inputs
    families.check_range("scatter", index, out.shape[call.key.axis])
    grid = list(np.ogrid[tuple(slice(size) for size in index.shape)])
    grid[call.key.axis] = index
    out[tuple(grid)] *= source


@bug("scatter", "wrong comparison", fits=_by_mode("set"))
def first_of_equal_positions_remains(call: Call) -> None:
    """Of elements set to one place the first one remains."""
    backwards = [np.flip(each, call.key.axis) for each in call.inputs]
    call.right(inputs=backwards)


@bug("scatter", "stale output")
def output_cleared_first(call: Call) -> None:
    """The pre-filled output is cleared."""
    call.outs[0][...] = 0
    call.right()


@bug("scatter", "swapped operands", fits=_by_mode("min", "max"))
def smallest_taken_for_largest(call: Call) -> None:
    """``min`` and ``max`` are exchanged."""
    call.other(mode="min" if call.key.mode == "max" else "max")


@bug("scatter", "wrong constant", fits=_by_mode("add"))
def addition_sets(call: Call) -> None:
    """``add`` sets."""
    call.other(mode="set")


@bug("scatter", "missing NaN", dtypes=_FLOATS, fits=_by_mode("min", "max"))
def extremum_skips_nan(call: Call) -> None:
    """NaN loses against every number."""
    low = -np.inf if call.key.mode == "max" else np.inf
    index, source = call.inputs
    call.right(inputs=[index, np.where(np.isnan(source), low, source).astype(source.dtype)])


@bug("scatter", "off-by-one tail")
def last_update_lost(call: Call) -> None:
    """The last of several updates along the axis is lost."""
    axis, many = call.key.axis, call.inputs[0].shape[call.key.axis]
    call.right(inputs=[each.take(range(max(many - 1, 1)), axis) for each in call.inputs])


@bug("scatter", "race-like partial write", fits=_by_mode("add"))
def one_in_many_updates_lost(call: Call) -> None:
    """Of 512 updates and more, one in the middle is lost."""
    axis, many = call.key.axis, call.inputs[0].shape[call.key.axis]
    keep = np.delete(np.arange(many), many // 2) if many >= 512 else np.arange(many)
    call.right(inputs=[each.take(keep, axis) for each in call.inputs])


@bug("scatter", "wrong error")
def written_before_the_check(call: Call) -> None:
    """An index out of range is noticed after an element beside the output was written."""
    try:
        call.right()
    except IndexRangeError:
        target = call.targets[0]
        _, high = target.byte_range()
        target.storage.buffer[high : high + target.dtype.itemsize] = 0
        raise
