"""Groups of axes as kernels of norms and other rows walk them; OpenCL's and CUDA's alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from hotplug.layout import Shape, collapse

MOST: Final = 8
"""Axes, at most."""


class Group(NamedTuple):
    """Some of the axes, merged where they can be; the last one first."""

    sizes: Shape
    first: Shape
    second: Shape

    @property
    def numel(self) -> int:
        return math.prod(self.sizes)

    def parted(self) -> tuple[int, int, int, Group]:
        """Size and strides of the innermost axis, and the others."""
        if not self.sizes:
            return 1, 1, 0, self
        return self.sizes[0], self.first[0], self.second[0], Group(self.sizes[1:], self.first[1:], self.second[1:])

    def words(self, name: str) -> dict[str, Any]:
        """The numbers of the sheet."""
        return {
            f"{name}_axes": len(self.sizes), f"{name}_size": self.sizes, f"{name}_first": self.first,
            f"{name}_second": self.second,
        }  # fmt: skip


def group(shape: Shape, axes: Sequence[int], first: Shape, second: Shape) -> Group:
    """Some axes of an array, with the strides of two operands."""
    picked = [tuple(each[axis] for axis in axes) for each in (shape, first, second)]
    sizes, strides = collapse(picked[0], picked[1:])
    return Group(sizes[::-1], strides[0][::-1], strides[1][::-1])


def group_words(name: str) -> tuple[str, ...]:
    """Names of the integers of a group."""
    return (f"{name}_axes", *(f"{name}_{part}[{MOST}]" for part in ("size", "first", "second")))
