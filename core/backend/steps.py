"""How a layout walks through memory: what an engine without strided views needs to slice instead of to gather."""

from __future__ import annotations

from typing import NamedTuple

from hotplug.layout import Layout


class Steps(NamedTuple):
    """The axes of a layout that step through memory, from the largest step to the smallest."""

    axes: tuple[int, ...]
    """Axes of one element and broadcast axes are left out: they don't step."""
    sizes: tuple[int, ...]
    steps: tuple[int, ...]
    """Distances in elements, all positive."""
    reversed: tuple[int, ...]
    """Positions in ``axes`` of those that step backwards."""
    nested: bool
    """Each axis steps over all that the following ones reach: memory can be cut into ever smaller equal pieces."""


def steps_of(layout: Layout) -> Steps:
    """Analyse a layout."""
    shape, strides = layout.shape, layout.strides
    axes = [axis for axis, size in enumerate(shape) if size != 1 and strides[axis] != 0]
    axes.sort(key=lambda axis: -abs(strides[axis]))
    sizes, steps = [shape[axis] for axis in axes], [abs(strides[axis]) for axis in axes]
    reach, nested = 1, True
    for size, step in zip(reversed(sizes), reversed(steps), strict=True):
        nested &= reach <= step
        reach += (size - 1) * step
    backwards = tuple(i for i, axis in enumerate(axes) if strides[axis] < 0)
    return Steps(tuple(axes), tuple(sizes), tuple(steps), backwards, nested)
