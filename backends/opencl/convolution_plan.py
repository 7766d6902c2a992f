"""Convolution for processors, as numbers: where padded copies lie, and which places of them meet in a product.

A convolution and its gradient for the input are one computation, a *correlation* with stride 1: every output row (a channel)
is a sum over source channels and taps of a weight times the source, some distance away.  The source is copied once, with
zeros around it, such that this distance is the same number of elements wherever a window lies:

- The planes of the copy are read as one long row.  Where a window would cross the end of a line, the result is dropped.
- Forward with a stride, source places that are equal modulo the stride lie together, in a *phase* of their own.
- Backward with a stride, output places that are equal modulo the stride have the same taps, and are computed together.

Fewer than three axes are three, the first ones of size 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from hotplug.layout import Shape

Three = tuple[int, int, int]


class Problem(NamedTuple):
    """A convolution: the shapes of its input and output, and its numbers; all of three axes."""

    images: int
    groups: int
    inner: int
    """Input channels of a group."""
    outer: int
    """Output channels of a group."""
    size: Three
    windows: Three
    kernel: Three
    stride: Three
    padding: Three
    dilation: Three

    @property
    def taps(self) -> int:
        """Places of the kernel."""
        return math.prod(self.kernel)


def three(values: Sequence[int], filler: int) -> Three:
    """Three numbers, those in front filled in."""
    first, second, third = (*(filler,) * (3 - len(values)), *values)
    return first, second, third


def problem(
    input: Shape, weight: Shape, out: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Problem:
    """The problem of a call: ``input`` and ``out`` as in the forward computation."""
    return Problem(
        input[0], groups, input[1] // groups, weight[0] // groups, three(input[2:], 1), three(out[2:], 1),
        three(weight[2:], 1), three(stride, 1), three(padding, 0), three(dilation, 1),
    )  # fmt: skip


class Correlation(NamedTuple):
    """What is computed, and from which copy of the source."""

    depth: int
    """Source channels of a group."""
    rows: int
    """Output channels of a group."""
    source: Three
    """Size of the source."""
    step: Three
    """Between neighbours of a phase, in the source."""
    before: Three
    """Zeros in front."""
    phases: Three
    """Of the copy."""
    extent: Three
    """Of one phase of one plane of the copy."""
    out: Three
    out_step: Three
    """Between neighbours of a phase, in the output: as many phases has the output."""
    places: Three
    """Places of the largest phase of the output."""

    @property
    def volume(self) -> int:
        """Elements of one phase of a plane of the copy."""
        return math.prod(self.extent)

    @property
    def length(self) -> int:
        """From the first place of an output phase to the last, in the copy."""
        a, b, c = self.places
        return ((a - 1) * self.extent[1] + b - 1) * self.extent[2] + c


def _phases(stride: int, kernel: int, dilation: int) -> int:
    """Residues modulo the stride that a tap may have, counted from 0."""
    if kernel == 1 or dilation % stride == 0:
        return 1
    return min(stride, kernel) if dilation == 1 else stride


def forward(of: Problem) -> Correlation:
    """Rows are output channels, the source is the input."""
    axes = range(3)
    extent = [of.windows[a] + (of.kernel[a] - 1) * of.dilation[a] // of.stride[a] for a in axes]
    phases = [_phases(of.stride[a], of.kernel[a], of.dilation[a]) for a in axes]
    return Correlation(
        of.inner, of.outer, of.size, of.stride, of.padding, three(phases, 1), three(extent, 1), of.windows, (1, 1, 1),
        of.windows,
    )  # fmt: skip


def backward(of: Problem) -> Correlation:
    """Rows are input channels, the source is the output's gradient."""
    before, extent, count = [], [], []
    for a in range(3):
        phases = min(of.stride[a], of.size[a])
        reach = [
            (phase + of.padding[a] - tap * of.dilation[a]) // of.stride[a]
            for phase in range(phases) for tap in range(of.kernel[a])
        ]  # fmt: skip
        count.append(-(-of.size[a] // of.stride[a]))
        before.append(max(0, -min(reach)))
        extent.append(count[a] + before[a] + max(0, *reach))
    return Correlation(
        of.outer, of.inner, of.windows, (1, 1, 1), three(before, 0), (1, 1, 1), three(extent, 1), of.size, of.stride,
        three(count, 1),
    )  # fmt: skip


_ALIGNED: Final = 16
_ENOUGH: Final = 1 << 15
"""Multiplications that outweigh the start of a work-item."""


def rounded(count: int) -> int:
    """Elements of scratch memory, so that what follows is aligned."""
    return -(-count // _ALIGNED) * _ALIGNED


def fitting(count: int) -> int:
    """Elements of scratch memory, if 32 bits can count them.

    Raises:
        MemoryError: they can't.
    """
    if count >= 1 << 31:
        raise MemoryError(
            f"convolution: the padded copy has {count} elements, at most 2**31 fit; use fewer images at once"
        )
    return count


class Copy(NamedTuple):
    """Where the padded copy of a source is."""

    numbers: dict[str, Any]
    span: int
    """Elements of one phase of one channel: of one image, or of all."""
    size: int
    """Elements in all, with a tail of zeros."""


def padded_copy(of: Problem, found: Correlation, side: int, tail: int, *, merged: bool, is_forward: bool) -> Copy:
    """The copy's place and numbers.

    Args:
        of, found: what is computed.
        side: rows of a panel.
        tail: zeros behind the copy, for panels that hang over.
        merged: see :func:`merges`.
        is_forward: whether the source is the input.
    """
    channels, phases, volume = found.depth * of.groups, math.prod(found.phases), found.volume
    span = of.images * volume if merged else volume
    count = of.images * channels * phases * volume
    table_at = rounded(count + tail)
    out_phases = [min(step, size) for step, size in zip(found.out_step, found.out, strict=True)]
    tables = math.prod(out_phases)
    numbers = {
        "copied": of.images * channels * phases * found.extent[0] * found.extent[1], "channels": channels,
        "image_step": volume if merged else channels * phases * volume, "channel_step": phases * span, "phase_step": span,
        "source": found.source, "step": found.step, "before": found.before, "phases": found.phases, "extent": found.extent,
        "table_at": table_at, "tables": tables, "taps": of.taps, "shape": of.kernel, "stride": of.stride,
        "padding": of.padding, "dilation": of.dilation, "out_phases": out_phases, "forward": is_forward, "side": side,
        "tail_at": count, "tail": tail, "images": of.images, "depth": found.depth, "rows": found.rows, "out": found.out,
    }  # fmt: skip
    return Copy(numbers, span, table_at + rounded(tables * (2 * of.taps + 2)))


def merges(of: Correlation, images: int, places: int) -> bool:
    """Whether panels run on from one image into the next: fewer may be needed where images are small."""
    apart = images * -(-of.length // places)
    return -(-((images - 1) * of.volume + of.length) // places) < apart


def parts(blocks: int, items: int, units: int) -> int:
    """Into how many parts the blocks of rows are split among work-items, so that there is work for all units."""
    return max(1, min(blocks, -(-8 * units // max(1, items))))


def runs(tiles: int, lines: int, work: int, units: int) -> int:
    """How many panels of a line a work-item computes one after the other: several where one is little work.

    Args:
        tiles: panels of a line.
        lines: how many there are.
        work: multiplications of one panel.
        units: compute units of the device.
    """
    few = max(1, tiles * lines // (8 * units))  # some work for all units
    return max(1, min(tiles, few, _ENOUGH // max(1, work)))
