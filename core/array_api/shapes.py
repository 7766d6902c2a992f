"""Moving, joining and repeating elements; taking some of them."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

from hotplug import dtypes, ops
from hotplug.array_api.kinds import check, promote_all, same_device
from hotplug.errors import ArgumentError, ArgumentTypeError, DimensionError, ShapeError
from hotplug.tensor import Tensor


def axes_of(name: str, x: Tensor, axis: int | Sequence[int] | None) -> tuple[int, ...]:
    """Axes from the front; ``None``: all.

    Raises:
        IndexError: there is no such axis.
        ValueError: an axis is named twice.
    """
    if axis is None:
        return tuple(range(x.ndim))
    found = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    for each in found:
        if not isinstance(each, int):
            raise ArgumentTypeError(f"{name}: expected an integer as axis, got {type(each).__name__}")
        if not -x.ndim <= each < x.ndim:
            raise DimensionError(f"{name}: axis {each} is out of range for an array with {x.ndim} axes")
    result = tuple(each % x.ndim for each in found)
    if len(set(result)) != len(result):
        raise ArgumentError(f"{name}: an axis is named twice in {found}")
    return result


def _same(name: str, arrays: Any) -> list[Tensor]:
    """Arrays of one dtype on one device."""
    if not isinstance(arrays, (list, tuple)) or not arrays:
        raise ArgumentError(f"{name}: expected a list or tuple with at least one array")
    found = [check(name, each) for each in arrays]
    same_device(name, found)
    common = promote_all([each.dtype for each in found])
    return [each.to(common) for each in found]


def concat(arrays: Sequence[Tensor], /, *, axis: int | None = 0) -> Tensor:
    """Arrays one behind the other along an axis; ``None``: all flattened."""
    found = _same("concat", arrays)
    if axis is None:
        found, axis = [each.reshape(-1) for each in found], 0
    (place,) = axes_of("concat", found[0], axis)
    for each in found:
        others = [[size for number, size in enumerate(one.shape) if number != place] for one in (each, found[0])]
        if each.ndim != found[0].ndim or others[0] != others[1]:
            raise ShapeError(f"concat: shapes {list(found[0].shape)} and {list(each.shape)} differ beside axis {place}")
    return ops.cat(found, place)


def stack(arrays: Sequence[Tensor], /, *, axis: int = 0) -> Tensor:
    """Arrays of one shape along a new axis."""
    return ops.stack(_same("stack", arrays), axis)


def unstack(x: Tensor, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """The parts along an axis."""
    return tuple(ops.unbind(check("unstack", x), *axes_of("unstack", x, axis)))


def expand_dims(x: Tensor, /, axis: int = 0) -> Tensor:
    """With a new axis of size 1 in front of ``axis``.

    Raises:
        IndexError: there is no such place.
    """
    if not -check("expand_dims", x).ndim - 1 <= axis <= x.ndim:
        raise DimensionError(f"expand_dims: axis {axis} is out of range for an array with {x.ndim} axes")
    return ops.unsqueeze(x, axis)


def squeeze(x: Tensor, /, axis: int | tuple[int, ...]) -> Tensor:
    """Without some axes of size 1.

    Raises:
        ValueError: an axis has another size.
    """
    places = axes_of("squeeze", check("squeeze", x), axis)
    if any(x.shape[place] != 1 for place in places):
        raise ArgumentError(f"squeeze: axes {places} of shape {list(x.shape)} are not all of size 1")
    return x.reshape([size for place, size in enumerate(x.shape) if place not in places])


def flip(x: Tensor, /, *, axis: int | tuple[int, ...] | None = None) -> Tensor:
    """The elements along some axes (default: all) in reverse order."""
    places = axes_of("flip", check("flip", x), axis)
    return ops.flip(x, places) if places else x.clone()


def moveaxis(x: Tensor, source: int | tuple[int, ...], destination: int | tuple[int, ...], /) -> Tensor:
    """Some axes at other places, the others in their order."""
    found = [axes_of("moveaxis", check("moveaxis", x), each) for each in (source, destination)]
    if len(found[0]) != len(found[1]):
        raise ArgumentError(f"moveaxis: {len(found[0])} axes can't move to {len(found[1])} places")
    return ops.movedim(x, *found)


def permute_dims(x: Tensor, /, axes: tuple[int, ...]) -> Tensor:
    """The axes in another order."""
    places = axes_of("permute_dims", check("permute_dims", x), axes)
    if len(places) != x.ndim:
        raise ArgumentError(f"permute_dims: expected all {x.ndim} axes, got {tuple(axes)}")
    return ops.permute(x, places)


def matrix_transpose(x: Tensor, /) -> Tensor:
    """Rows and columns of every matrix exchanged.

    Raises:
        ValueError: there are fewer than two axes.
    """
    if check("matrix_transpose", x).ndim < 2:
        raise ArgumentError(f"matrix_transpose: expected at least two axes, got shape {list(x.shape)}")
    return ops.transpose(x, -2, -1)


def reshape(x: Tensor, /, shape: tuple[int, ...], *, copy: bool | None = None) -> Tensor:
    """The same elements in another shape, at most one size of which is -1.

    Raises:
        ValueError: ``copy`` is false, and a copy is needed.
    """
    if copy is False:
        try:
            return check("reshape", x).view(tuple(shape))
        except ShapeError as error:
            raise ArgumentError(f"reshape: copy=False, but a copy is needed ({error})") from None
    result = check("reshape", x).reshape(tuple(shape))
    return result.clone() if copy and result._array.storage is x._array.storage else result


def repeat(x: Tensor, repeats: int | Tensor, /, *, axis: int | None = None) -> Tensor:
    """Every element (or part along an axis) several times, one behind the other."""
    if isinstance(repeats, Tensor):
        check("repeat", repeats, "integral", "repeats")
        same_device("repeat", (x, repeats))
        repeats = repeats.to(dtypes.int64)
        repeats = repeats.item() if repeats.numel() == 1 else repeats
    place = None if axis is None else axes_of("repeat", x, axis)[0]
    return ops.repeat_interleave(check("repeat", x), repeats, dim=place)


def roll(
    x: Tensor, /, shift: int | tuple[int, ...], *, axis: int | tuple[int, ...] | None = None
) -> Tensor:  # fmt: skip
    """The elements moved along some axes, those at the end to the front; without axes, as if flattened."""
    check("roll", x)
    if axis is None:
        if not isinstance(shift, int):
            raise ArgumentError("roll: several shifts need axes")
        return ops.roll(x.reshape(-1), shift, 0).reshape(x.shape)
    places = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    shifts = (shift,) * len(places) if isinstance(shift, int) else tuple(shift)
    for each, place in zip(shifts, places, strict=True):
        x = ops.roll(x, each, *axes_of("roll", x, place))
    return x


def tile(x: Tensor, repetitions: tuple[int, ...], /) -> Tensor:
    """The array several times along every axis."""
    return ops.tile(check("tile", x), tuple(repetitions))


def broadcast_to(x: Tensor, /, shape: tuple[int, ...]) -> Tensor:
    """A view in which axes of size 1 are repeated.

    Raises:
        ValueError: that does not give the shape.
    """
    old, new = tuple(check("broadcast_to", x).shape), tuple(shape)
    fits = len(old) <= len(new) and all(size in (1, wanted) for size, wanted in zip(old[::-1], new[::-1], strict=False))
    if not fits:
        raise ArgumentError(f"broadcast_to: shape {list(old)} can't be broadcast to {list(new)}")
    return ops.broadcast_to(x, new)


def broadcast_arrays(*arrays: Tensor) -> list[Tensor]:
    """Views of one shape."""
    for each in arrays:
        check("broadcast_arrays", each)
    return list(ops.broadcast_tensors(*arrays)) if arrays else []


def take(x: Tensor, indices: Tensor, /, *, axis: int | None = None) -> Tensor:
    """The parts with some numbers along an axis, which may be left out where there is one only.

    Raises:
        ValueError: the axis is missing.
        IndexError: a number is out of range.
    """
    check("take", x)
    check("take", indices, "integral", "indices")
    if axis is None and x.ndim != 1:
        raise ArgumentError(f"take: axis is needed for an array with {x.ndim} axes")
    if indices.ndim != 1:
        raise ArgumentError(f"take: expected indices with one axis, got shape {list(indices.shape)}")
    (place,) = axes_of("take", x, 0 if axis is None else axis)
    return ops.index_select(x, place, _positive(indices, x.shape[place]))


def take_along_axis(x: Tensor, indices: Tensor, /, *, axis: int = -1) -> Tensor:
    """Elements along an axis, each at the number that ``indices`` has in its place; both broadcast beside the axis."""
    check("take_along_axis", indices, "integral", "indices")
    (place,) = axes_of("take_along_axis", check("take_along_axis", x), axis)
    if indices.ndim != x.ndim:
        raise ArgumentError(f"take_along_axis: expected indices with {x.ndim} axes, got {indices.ndim}")
    sizes = [
        builtins.max(one, other) if 0 not in (one, other) else 0
        for one, other in zip(x.shape, indices.shape, strict=True)
    ]
    ours, theirs = list(sizes), list(sizes)
    ours[place], theirs[place] = x.shape[place], indices.shape[place]
    numbers = _positive(broadcast_to(indices, tuple(theirs)), x.shape[place])
    return ops.gather(broadcast_to(x, tuple(ours)), place, numbers)


def _positive(indices: Tensor, size: int) -> Tensor:
    """Numbers from the front: the standard's may count from the end."""
    numbers = indices.to(dtypes.int64)
    return ops.where(ops.lt(numbers, 0), ops.add(numbers, size), numbers)  # type: ignore[no-any-return]
