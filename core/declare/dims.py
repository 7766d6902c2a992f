"""Dimensions as users write them, made non-negative and checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotplug.errors import ArgumentTypeError, DimensionError, HotplugError


def canonical_dim(op: str, dim: int, rank: int) -> int:
    """``dim`` counted from the front; a 0-d tensor takes -1 and 0, as in PyTorch.

    Raises:
        DimensionError: out of range.
    """
    try:
        number = dim.__index__()
    except AttributeError:
        raise ArgumentTypeError(f"{op}: dim must be an int, not {type(dim).__name__}") from None
    limit = max(rank, 1)
    if not -limit <= number < limit:
        raise DimensionError(
            f"{op}: Dimension out of range (expected to be in range of [{-limit}, {limit - 1}], but got {dim})"
        )
    return number % limit


def canonical_dims(op: str, dim: int | Sequence[int] | None, rank: int) -> tuple[int, ...]:
    """Distinct dims in ascending order; ``None`` and ``()`` mean all of them.

    Raises:
        DimensionError: one is out of range.
        HotplugError: one appears twice.
    """
    if dim is None:
        return tuple(range(rank))
    if isinstance(dim, (list, tuple)):
        dims = [canonical_dim(op, each, rank) for each in dim]
        if len(set(dims)) != len(dims):
            raise _RepeatedDimError(
                f"{op}: dim {min(d for d in dims if dims.count(d) > 1)} appears multiple times in the list of dims"
            )
        if not dims:
            return tuple(range(rank))
    else:
        dims = [canonical_dim(op, dim, rank)]  # type: ignore[arg-type]
    return tuple(sorted(each for each in dims if each < rank))


class _RepeatedDimError(HotplugError, RuntimeError):
    """A dimension was named twice."""


def sizes(args: tuple[Any, ...]) -> tuple[int, ...]:
    """Sizes given as several ints or as one sequence."""
    flat = args[0] if len(args) == 1 and isinstance(args[0], (list, tuple)) else args
    try:
        return tuple(each.__index__() for each in flat)
    except AttributeError:
        raise ArgumentTypeError(f"sizes must be ints, got {', '.join(type(each).__name__ for each in flat)}") from None
