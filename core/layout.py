"""Shapes and strides: pure arithmetic on tuples, and the interned ``Layout`` that a cache can key on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, final

from hotplug.caches import Bounded
from hotplug.dtypes import dtype
from hotplug.errors import ShapeError

Shape = tuple[int, ...]
Strides = tuple[int, ...]

_KEPT: Final = 4096
"""Answers of a function of shapes that are kept: a program asks the same again and again."""
MAX_RANK: Final = 8
"""The largest collapsed rank that crosses the waist; the core loops over what exceeds it."""


@final
class Layout:
    """The dtype, shape and strides of an array; strides count elements.

    Layouts are interned by :func:`layout_of`, so that equal ones are nearly always the same object and hash by
    identity: a cache keyed by layouts costs nanoseconds.  Where the intern table was emptied in between, or by two
    threads at once, two equal layouts may be distinct; then a cache misses once, which is harmless.
    """

    __slots__ = ("byte_strides", "dtype", "is_contiguous", "numel", "shape", "strides")

    def __init__(self, dtype: dtype, shape: Shape, strides: Strides) -> None:
        self.dtype: Final = dtype
        self.shape: Final = shape
        self.strides: Final = strides
        self.numel: Final[int] = math.prod(shape)
        self.byte_strides: Final = tuple(stride * dtype.itemsize for stride in strides)
        self.is_contiguous: Final = is_contiguous(shape, strides)

    def extent(self) -> tuple[int, int]:
        """Lowest and highest element offset touched, relative to the array's offset; ``(0, -1)`` when empty."""
        if self.numel == 0:
            return 0, -1
        spans = [(size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True)]
        return sum(s for s in spans if s < 0), sum(s for s in spans if s > 0)

    def __repr__(self) -> str:
        return f"Layout({self.dtype.name}, shape={self.shape}, strides={self.strides})"


_INTERNED: Final[Bounded[tuple[dtype, Shape, Strides], Layout]] = Bounded()


def layout_of(dtype: dtype, shape: Shape, strides: Strides | None = None) -> Layout:
    """The interned layout; C-contiguous where ``strides`` is ``None``."""
    if strides is None:
        strides = contiguous_strides(shape)
    key = (dtype, shape, strides)
    found = _INTERNED.get(key)
    if found is None:
        found = _INTERNED[key] = Layout(dtype, shape, strides)
    return found


def contiguous_strides(shape: Sequence[int]) -> Strides:
    """Strides of a C-contiguous array of this shape."""
    strides = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def is_contiguous(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether the elements lie densely in C order.  Axes of one element may have any stride; empty is contiguous."""
    if 0 in shape:
        return True
    step = 1
    for size, stride in zip(reversed(shape), reversed(strides), strict=True):
        if size != 1:
            if stride != step:
                return False
            step *= size
    return True


def broadcast_shapes(op: str, *shapes: Shape) -> Shape:
    """The common shape of operands under broadcasting.

    Raises:
        ShapeError: two sizes of an axis differ and neither is 1.
    """
    rank = max(map(len, shapes), default=0)
    result = [1] * rank
    for shape in shapes:
        start = rank - len(shape)
        for axis, size in enumerate(shape, start):
            if size == 1 or size == result[axis]:
                continue
            if result[axis] != 1:
                raise ShapeError(
                    f"{op}: shapes {', '.join(str(list(s)) for s in shapes)} do not broadcast: axis {axis - rank} has "
                    f"sizes {result[axis]} and {size}; they must be equal, or one of them 1"
                )
            result[axis] = size
    return tuple(result)


def broadcast_strides(shape: Shape, strides: Strides, target: Shape) -> Strides:
    """Strides that read ``shape`` as if it were ``target`` (0 along broadcast axes); the shapes are compatible."""
    lead = len(target) - len(shape)
    inner = (0 if size == 1 and goal != 1 else st for size, st, goal in zip(shape, strides, target[lead:], strict=True))
    return (0,) * lead + tuple(inner)


def collapse(shape: Shape, operands: Sequence[Strides]) -> tuple[Shape, list[Strides]]:
    """Merge neighbouring axes that every operand steps through evenly, and drop axes of one element."""
    sizes, steps = _collapsed(shape, tuple(operands))
    return sizes, list(steps)


@lru_cache(_KEPT)
def _collapsed(shape: Shape, operands: tuple[Strides, ...]) -> tuple[Shape, tuple[Strides, ...]]:
    axes = [axis for axis, size in enumerate(shape) if size != 1]
    sizes: list[int] = []
    steps: list[list[int]] = [[] for _ in operands]
    for axis in axes:
        size = shape[axis]
        mergeable = bool(sizes) and all(
            merged[-1] == strides[axis] * size for merged, strides in zip(steps, operands, strict=True)
        )
        if mergeable:
            sizes[-1] *= size
        else:
            sizes.append(size)
        for merged, strides in zip(steps, operands, strict=True):
            if mergeable:
                merged[-1] = strides[axis]
            else:
                merged.append(strides[axis])
    return tuple(sizes), tuple(tuple(merged) for merged in steps)


@lru_cache(_KEPT)
def view_strides(shape: Shape, strides: Strides, new_shape: Shape) -> Strides | None:
    """Strides of a reshape without a copy, or ``None`` where one is needed.  The numbers of elements are equal."""
    if math.prod(shape) == 0:
        return contiguous_strides(new_shape)
    (sizes, (steps,)) = collapse(shape, [strides])
    result: list[int] = [1] * len(new_shape)
    axis = len(new_shape) - 1
    for size, step in zip(reversed(sizes), reversed(steps), strict=True):
        covered = 1
        while axis >= 0 and (covered < size or new_shape[axis] == 1):
            result[axis] = step * covered
            covered *= new_shape[axis]
            axis -= 1
        if covered != size:
            return None
    for left in range(axis, -1, -1):  # only axes of one element remain
        result[left] = result[left + 1] * new_shape[left + 1] if left + 1 < len(new_shape) else 1
    return tuple(result)


@lru_cache(_KEPT)
def infer_size(op: str, shape: Shape, numel: int) -> Shape:
    """``shape`` with its one ``-1`` replaced so that it holds ``numel`` elements.

    Raises:
        ShapeError: no size fits, or more than one is ``-1``.
    """
    unknown = [axis for axis, size in enumerate(shape) if size == -1]
    known = math.prod(size for size in shape if size != -1)
    fits = known == numel if not unknown else len(unknown) == 1 and known > 0 and numel % known == 0
    if not fits or any(size < -1 for size in shape):
        raise ShapeError(f"{op}: shape {list(shape)} is invalid for input of size {numel}")
    return tuple(numel // known if size == -1 else size for size in shape)
