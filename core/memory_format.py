"""The order in which a tensor's elements lie: memory formats.

A format is nothing but a choice of strides: shapes, indices and values never depend on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, final

from hotplug.errors import ArgumentTypeError, HotplugError, RankError
from hotplug.layout import Layout, Shape, Strides, contiguous_strides


@final
class memory_format:  # noqa: N801 - PyTorch's name
    """An order of a tensor's axes in memory: one of the four constants of this module."""

    __slots__ = ("_name", "_order")

    _name: str
    _order: tuple[int, ...]

    def __new__(cls, *_: Any) -> memory_format:
        raise ArgumentTypeError(
            "cannot create 'hotplug.memory_format' instances; use hotplug.channels_last and its like"
        )

    @property
    def order(self) -> tuple[int, ...]:
        """The axes from the slowest to the fastest, where the format fixes the rank; else empty."""
        return self._order

    def __repr__(self) -> str:
        return f"hotplug.{self._name}"

    def __reduce__(self) -> str:
        return self._name


class _FormatError(HotplugError, RuntimeError):
    """A format that the function doesn't take."""


def _constant(name: str, order: tuple[int, ...] = ()) -> memory_format:
    made: memory_format = object.__new__(memory_format)
    made._name, made._order = name, order
    return made


contiguous_format: Final = _constant("contiguous_format")
"""C order: the last axis is the fastest."""
preserve_format: Final = _constant("preserve_format")
"""The order of the input's axes."""
channels_last: Final = _constant("channels_last", (0, 2, 3, 1))
"""Of (N, C, H, W): the channels of one pixel are neighbours."""
channels_last_3d: Final = _constant("channels_last_3d", (0, 2, 3, 4, 1))
"""Of (N, C, D, H, W): the channels of one voxel are neighbours."""


def checked(op: str, format: Any, default: memory_format = contiguous_format) -> memory_format:
    """The format that was given, or the default for ``None``.

    Raises:
        ArgumentTypeError: it is no format.
    """
    if format is None:
        return default
    if not isinstance(format, memory_format):
        raise ArgumentTypeError(
            f"{op}(): argument 'memory_format' must be hotplug.memory_format, not {type(format).__name__}; "
            f"e.g. hotplug.channels_last"
        )
    return format


def strides_in(op: str, format: memory_format, shape: Shape) -> Strides:
    """Strides of a dense tensor in a format other than ``preserve_format``.

    Raises:
        RankError: the format is for tensors of another rank.
        HotplugError: the format is ``preserve_format``, which needs an input (a RuntimeError too).
    """
    if format is preserve_format:
        raise _FormatError(f"{op}: unsupported memory format {format!r}; there is no order to preserve")
    if not format.order:
        return contiguous_strides(shape)
    if len(shape) != len(format.order):
        raise RankError(
            f"{op}: required rank {len(format.order)} tensor to use {format._name} format, got one of rank {len(shape)}"
        )
    strides = [1] * len(shape)
    step = 1
    for axis in reversed(format.order):
        strides[axis] = step
        step *= shape[axis]  # PyTorch's rule: an axis without elements makes the strides of slower ones 0
    return tuple(strides)


def lies_in(format: memory_format, layout: Layout) -> bool:
    """Whether the elements lie densely in a format; ``False`` for tensors of another rank than the format's."""
    if not format.order:
        return layout.is_contiguous
    if len(layout.shape) != len(format.order):
        return False
    step = 1
    for axis in reversed(format.order):
        if layout.shape[axis] != 1:
            if layout.strides[axis] != step:
                return False
            step *= layout.shape[axis]
    return True


def is_dense(layout: Layout) -> bool:
    """Whether the elements fill their memory in some order of the axes, without gaps or overlaps."""
    if layout.is_contiguous:
        return True
    step = 1
    for stride, size in sorted(zip(layout.strides, layout.shape, strict=True)):
        if size != 1:
            if stride != step:
                return False
            step *= size
    return True


def like(op: str, format: memory_format, layout: Layout) -> Strides:
    """Strides of a dense tensor of a layout's shape in a format; ``preserve_format`` follows the layout's own."""
    if format is not preserve_format:
        return strides_in(op, format, layout.shape)
    return layout.strides if is_dense(layout) else ordered_strides(layout.shape, [layout.strides])


def ordered_strides(shape: Shape, operands: Sequence[Strides]) -> Strides:
    """Dense strides whose axes are in the order of the operands' strides, see :func:`axis_order`."""
    strides = [0] * len(shape)
    step = 1
    for axis in reversed(axis_order(shape, operands)):
        strides[axis] = step
        step *= max(shape[axis], 1)
    return tuple(strides)


def axis_order(shape: Shape, operands: Sequence[Strides]) -> tuple[int, ...]:
    """The axes from the slowest to the fastest.

    Of two axes the one is slower that has the larger stride in the first operand that tells (none of the two strides is
    0); where none tells, C order stays.  As the relation isn't transitive, the way that axes are compared is part of the
    rule: from the last axis on, each goes inward past all that are slower, until one that is faster.
    """
    order: list[int] = []
    for axis in reversed(range(len(shape))):
        order.append(axis)
        place = len(order) - 1
        for index in reversed(range(place)):
            answer = _compare(order[index], axis, shape, operands)
            if answer > 0:
                order[index], order[place] = axis, order[index]
                place = index
            elif answer < 0:
                break
    return tuple(reversed(order))


def _compare(left: int, right: int, shape: Shape, operands: Sequence[Strides]) -> int:
    """1 where axis ``left`` is slower than ``right``, -1 where it is faster, 0 where no operand tells."""
    for strides in operands:
        if strides[left] and strides[right]:
            if strides[left] != strides[right]:
                return 1 if strides[left] > strides[right] else -1
            if shape[left] > shape[right]:
                return 1
    return 0


def dim_order(layout: Layout, ambiguity_check: bool | list[memory_format] = False) -> tuple[int, ...]:
    """The axes from the slowest to the fastest; where strides don't tell, in C order.

    Raises:
        ArgumentTypeError: ``ambiguity_check`` is neither a bool nor a list of formats.
        HotplugError: it is true and several orders describe the memory, or it is a list, not just one of whose formats
            the tensor has (a RuntimeError too).
    """
    formats = ambiguity_check if isinstance(ambiguity_check, list) else []
    if not isinstance(ambiguity_check, (bool, list)) or not all(isinstance(each, memory_format) for each in formats):
        raise ArgumentTypeError("dim_order: the ambiguity_check argument must be a bool or a list of memory formats")
    neighbours = zip(layout.strides, layout.strides[1:], strict=False)
    ambiguous = 1 in layout.shape or any(left == right for left, right in neighbours)
    contiguous, last = lies_in(contiguous_format, layout), lies_in(channels_last, layout)
    known = sum(lies_in(each, layout) for each in formats) == 1 and contiguous != last
    if ambiguity_check and ambiguous and not known:
        raise _FormatError(
            "dim_order: the tensor does not have a unique dim order, or cannot map to exactly one of the given formats"
        )
    if contiguous != last:
        return channels_last.order if last else tuple(range(len(layout.shape)))
    return axis_order(layout.shape, [layout.strides])
