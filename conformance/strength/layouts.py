"""Bugs in where operands lie, generated over the seven families: strides, offsets, ends, and what is left unwritten."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final, final

import numpy as np

from hotplug.backend import FAMILIES, Array
from hotplug.backends.numpy.memory import ndarray
from hotplug.conformance.strength.mutant import Operator
from hotplug.conformance.strength.planting import Call, NDArray, Planted
from hotplug.layout import Shape, Strides, contiguous_strides

Place = tuple[Strides, int]
Moved = Callable[[Array], Place]

OPERANDS: Final = {
    "map": ("output", "first", "last"), "reduce": ("output", "first"), "argreduce": ("output", "first"),
    "scan": ("output", "first"), "gather": ("output", "first", "last"), "scatter": ("output", "first", "last"),
    "matmul": ("output", "first", "last"),
}  # fmt: skip
"""The operands of each family that a bug may be about."""


# --- wrong places: (strides, offset) in elements, for an operand -------------------------------------------------------


def offset_ignored(array: Array) -> Place:
    """The offset is taken for 0."""
    return array.strides, 0


def offset_in_bytes(array: Array) -> Place:
    """The offset is taken for bytes."""
    return array.strides, array.offset // array.dtype.itemsize


def offset_one_off(array: Array) -> Place:
    """The offset is one too large where there is one."""
    return array.strides, array.offset + (array.offset > 0)


def strides_ignored(array: Array) -> Place:
    """All memory is taken for dense."""
    return contiguous_strides(array.shape), array.offset


def strides_turned(array: Array) -> Place:
    """Strides are read from the last axis to the first where they are not dense."""
    return (array.strides if array.layout.is_contiguous else tuple(reversed(array.strides))), array.offset


def strides_positive(array: Array) -> Place:
    """A negative stride is read as a positive one."""
    return tuple(map(abs, array.strides)), array.offset


def broadcast_as_dense(array: Array) -> Place:
    """A stride of 0 is taken for that of a dense axis."""
    dense = contiguous_strides(array.shape)
    return tuple(step or other for step, other in zip(array.strides, dense, strict=True)), array.offset


def last_stride_one(array: Array) -> Place:
    """The last axis is taken for dense."""
    return ((*array.strides[:-1], 1) if array.strides else ()), array.offset


def first_stride_dense(array: Array) -> Place:
    """Rows are taken to follow each other without a gap."""
    inner = math.prod(array.shape[1:])
    return ((inner, *array.strides[1:]) if array.strides else ()), array.offset


def strides_in_bytes(array: Array) -> Place:
    """Strides of elements wider than a byte are one element too long on the first axis."""
    wide = array.dtype.itemsize > 1 and len(array.strides) > 1
    return ((array.strides[0] + 1, *array.strides[1:]) if wide else array.strides), array.offset


WRONG: Final[tuple[Moved, ...]] = (
    offset_ignored, offset_in_bytes, offset_one_off, strides_ignored, strides_turned, strides_positive,
    broadcast_as_dense, last_stride_one, first_stride_dense, strides_in_bytes,
)  # fmt: skip
_READ_ONLY: Final = (broadcast_as_dense,)
"""Outputs are never broadcast."""


def positions(shape: Shape, place: Place, count: int) -> NDArray:
    """Where the elements lie in a buffer of ``count`` elements, around its ends where they leave it."""
    strides, offset = place
    found = np.full((), offset)
    for axis, (size, step) in enumerate(zip(shape, strides, strict=True)):
        found = found + (np.arange(size) * step).reshape((-1,) + (1,) * (len(shape) - 1 - axis))
    return np.asarray(np.broadcast_to(found, shape) % max(count, 1))


def elements(array: Array) -> NDArray:
    """All of a buffer, as elements of the dtype of an Array in it."""
    data: NDArray = array.storage.buffer
    size = array.dtype.itemsize
    return data[: data.size // size * size].view(array.dtype.numpy)


def misplaced(wrong: Moved, operand: str, call: Call) -> None:
    """A kernel that looks for one operand elsewhere."""
    if operand != "output":
        at = 0 if operand == "first" else -1
        inputs = list(call.inputs)
        if inputs:
            source = call.sources[at]
            flat = elements(source)
            inputs[at] = flat[positions(source.shape, wrong(source), flat.size)]
        call.right(inputs=inputs)
        return
    for target, values in zip(call.targets, call.results(), strict=True):
        flat = elements(target)
        flat[positions(target.shape, wrong(target), flat.size)] = values


# --- wrong extents: what is written too little or too much ---------------------------------------------------------------


def _keep(call: Call, keep: Callable[[int], slice]) -> None:
    """Run, then put back what some elements, in C order, held before."""
    before = [out.copy() for out in call.outs]
    call.right()
    for out, old in zip(call.outs, before, strict=True):
        if not out.ndim:
            continue
        places = np.unravel_index(np.arange(out.size)[keep(out.size)], out.shape)
        out[places] = old[places]


def tail_unwritten(width: str, call: Call) -> None:
    """What is left over of a vector of so many elements is not written."""
    lanes = int(width)
    _keep(call, lambda size: slice(size - size % lanes if size > lanes else size, None))


def last_unwritten(_: str, call: Call) -> None:
    """The last element is not written where there are several."""
    _keep(call, lambda size: slice(max(size - 1, 1), None))


def first_unwritten(_: str, call: Call) -> None:
    """The first element is not written where there are several."""
    _keep(call, lambda size: slice(0, int(size > 1)))


def part_unwritten(size: str, call: Call) -> None:
    """Of an output of so many elements or more, one work-group's part in the middle is not written: a lost race."""
    least = int(size)
    _keep(call, lambda count: slice(count // 2, count // 2 + 16 if count >= least else count // 2))


def beyond_unwritten(size: str, call: Call) -> None:
    """Elements from a certain number on are not written: a grid of limited size."""
    _keep(call, lambda count: slice(min(int(size), count), None))


@final
class Stale:
    """A second call of one kernel and shape leaves its output alone: the launch was skipped."""

    def __init__(self) -> None:
        self._seen: set[object] = set()

    def __call__(self, call: Call) -> None:
        key = (call.key, *(each.shape for each in (*call.outs, *call.inputs)))
        if key not in self._seen:
            self._seen.add(key)
            call.right()


def accumulated(_: str, call: Call) -> None:
    """Results are added to what the output held."""
    values = call.results()
    for out, found in zip(call.outs, values, strict=True):
        out[...] = out | found if out.dtype == bool else out + found


def next_written(where: str, call: Call) -> None:
    """One element beside the output is written too."""
    call.right()
    for target in call.targets:
        low, high = target.byte_range()
        size = target.dtype.itemsize
        start = high if where == "behind" else low - size
        if 0 <= start <= target.storage.buffer.size - size:
            target.storage.buffer[start : start + size] = 0


def gaps_written(_: str, call: Call) -> None:
    """A vector store fills the gaps between strided elements with copies of the first."""
    values = call.results()
    for target, found in zip(call.targets, values, strict=True):
        low, high = target.byte_range()
        size = target.dtype.itemsize
        if not target.layout.is_contiguous:
            window = target.storage.buffer[low:high].view(target.dtype.numpy)
            window[...] = np.broadcast_to(found.reshape(-1)[:1], (high - low) // size)
        ndarray(target)[...] = found


def input_changed(operand: str, call: Call) -> None:
    """The first element of an input is cleared after the kernel."""
    call.right()
    if call.inputs and not any(call.inputs[-1 if operand == "last" else 0] is each for each in call.outs):
        call.inputs[-1 if operand == "last" else 0].flat[0] = 0


def last_row_repeated(_: str, call: Call) -> None:
    """The last row gets what the one before it has: a loop that is one short."""
    call.right()
    for out in call.outs:
        if out.ndim > 1 and out.shape[0] > 1:
            out[-1] = out[-2]


Extent = Callable[[str, Call], None]
EXTENTS: Final[tuple[tuple[str, Extent, tuple[str, ...]], ...]] = (
    ("off-by-one tail", tail_unwritten, ("4", "8", "16")),
    ("off-by-one tail", last_unwritten, ("all",)),
    ("off-by-one tail", first_unwritten, ("all",)),
    ("race-like partial write", part_unwritten, ("256", "1024")),
    ("off-by-one tail", beyond_unwritten, ("1024", "256")),
    ("stale output", accumulated, ("all",)),
    ("write past the end", next_written, ("behind", "before")),
    ("write past the end", gaps_written, ("all",)),
    ("write past the end", input_changed, ("first", "last")),
    ("off-by-one tail", last_row_repeated, ("all",)),
)


def _words(function: Callable[..., object]) -> str:
    return function.__name__.replace("_", "-")


def _said(function: Callable[..., object]) -> str:
    return (function.__doc__ or "").strip()


def operators() -> Iterator[Operator]:
    """Every bug in every family."""
    for family in FAMILIES:
        for wrong in WRONG:
            operands: Sequence[str] = OPERANDS[family]
            if wrong in _READ_ONLY:
                operands = [each for each in operands if each != "output"]
            yield Operator(
                f"{_words(wrong)}/{family}", "ignored stride or offset", "kernel", _said(wrong), (family,),
                tuple(operands), functools.partial(_misplacing, family, wrong),
            )  # fmt: skip
        yield Operator(
            f"stale-second/{family}", "stale output", "kernel", (Stale.__doc__ or "").strip(), (family,), ("all",),
            functools.partial(_forgetful, family),
        )  # fmt: skip
        for kind, extent, variants in EXTENTS:
            if extent is accumulated and family == "scatter":
                continue  # its modes do that by themselves
            yield Operator(
                f"{_words(extent)}/{family}", kind, "kernel", _said(extent), (family,), variants,
                functools.partial(_extending, family, extent),
            )  # fmt: skip


def _forgetful(family: str, _: str) -> Planted:
    return Planted(family, Stale())


def _misplacing(family: str, wrong: Moved, operand: str) -> Planted:
    return Planted(family, functools.partial(misplaced, wrong, operand))


def _extending(family: str, extent: Extent, variant: str) -> Planted:
    return Planted(family, functools.partial(extent, variant))
