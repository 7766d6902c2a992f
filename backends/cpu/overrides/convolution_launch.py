"""What the launches of compiled convolutions share.  Imports Numba."""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from hotplug.array import Storage
from hotplug.backend import Array
from hotplug.backends.cpu.compiled import build, panels
from hotplug.backends.cpu.compiled.panel_names import names_for
from hotplug.backends.cpu.compiled.pool import maximum_threads, run
from hotplug.backends.cpu.memory import address
from hotplug.backends.cpu.overrides.convolution_plans import Problem
from hotplug.backends.numpy.memory import NDArray, ndarray


@cache
def stage(
    module: str,
    entry: str,
    kind: str,
    vectors: int = 1,
    channels: int = 1,
    width: int = 1,
    many: int = 8,
    places: int = 0,
) -> int:
    """The address of a task, or a stage of one, of ``source/<module>.py``."""
    shape = f"{vectors} vectors, {channels} by {width} vectors, {many} dots, {places} places, {panels.machine()}"
    text = f"# {entry} for {kind}, {shape}\n{build._module_text(module)}"
    names = names_for(kind, vectors, channels, width, many, places)
    return build.task_of_text(f"{module}-{entry}-{kind}", text, entry, names)


def real_of(kind: str) -> str:
    """The dtype that is computed with."""
    return "float64" if kind == "float64" else "float32"


def scratch(like: Array, nbytes: int) -> tuple[Storage, int]:
    """Memory from the device's allocator, and its address."""
    block = like.storage.runtime.allocate(nbytes + 64)
    return block, int(block.buffer.address + 63) // 64 * 64


def view(block: Storage, start: int, count: int, kind: str) -> NDArray:
    """Scratch memory from an address on."""
    return np.ndarray((count,), kind, block.buffer, start - block.buffer.address)


def pointer(array: NDArray) -> int:
    """Where an ndarray begins."""
    return int(array.__array_interface__["data"][0])


def located(array: Array) -> tuple[int, Any]:
    """The address of a contiguous operand, copied if need be, and what keeps it alive."""
    if array.layout.is_contiguous:
        return address(array), array
    dense = np.ascontiguousarray(ndarray(array))
    return pointer(dense), dense


class Order(NamedTuple):
    """How packed weights lie: ``(groups, blocks, taps, lanes)``."""

    blocks: int
    lanes: int
    taps: int
    positions: NDArray
    """See :func:`convolution_plans.positions`."""


class Packed(NamedTuple):
    """Packed weights, in scratch memory with room for more."""

    block: Storage
    start: int
    """Where the weights are."""
    begins: int
    """Where the first values of the sums are: the bias, or zeros."""
    flags: int
    """Two words: whether a weight isn't finite, and one for the caller."""
    rest: int
    """Where the room begins."""

    def finite(self) -> bool:
        """Whether all weights are."""
        return not view(self.block, self.flags, 1, "i8")[0]


def packed(problem: Problem, order: Order, kind: str, weight: Array, bias: Array | None, room: int) -> Packed:
    """Weights, and the bias, in the order of their use, and ``room`` bytes behind them."""
    real = 8 if kind == "float64" else 4
    rows = problem.groups * order.blocks * order.lanes
    begins_at = -(-rows * order.taps * real // 64) * 64
    flags_at = -(-(begins_at + rows * real) // 64) * 64
    block, start = scratch(weight, flags_at + 64 + max(room, maximum_threads() * 1024))
    begins = view(block, start + begins_at, rows, f"f{real}").reshape(problem.groups, -1)
    begins[...] = 0
    if bias is not None:
        begins[:, : problem.filters] = ndarray(bias).reshape(problem.groups, -1)
    view(block, start + flags_at, 2, "i8")[...] = 0
    where, kept = located(weight)
    volume = math.prod(problem.kernel)
    segments, columns = (problem.channels, volume) if problem.backward else (1, problem.channels * volume)
    lanes = panels.lanes(real_of(kind))
    table = (
        start, where, pointer(order.positions), order.taps, order.blocks, problem.filters, columns,
        problem.channels * problem.filters * volume, order.lanes, segments, problem.filters * volume, columns,
        weight.layout.numel, start + flags_at + 64,
    )  # fmt: skip
    items = -(-columns // lanes) * segments * order.blocks * problem.groups
    run(stage("convolution", "pack", kind), table, items, 16)
    count = weight.layout.numel
    run(stage("convolution", "inspect", kind), (start + flags_at, where, count), -(-count // 4096), 8)
    del kept
    return Packed(block, start, start + begins_at, start + flags_at, start + flags_at + 64)
