"""Compiled convolutions.  Imports Numba: only what is called for the first large convolution imports this."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from hotplug.array import Storage
from hotplug.backend import Array
from hotplug.backends.cpu.compiled import build, panels
from hotplug.backends.cpu.compiled.panel_names import names_for
from hotplug.backends.cpu.compiled.pool import maximum_threads, run
from hotplug.backends.cpu.memory import address
from hotplug.backends.cpu.overrides import convolution_plans as plans
from hotplug.backends.cpu.overrides.convolution_plans import Options, Problem
from hotplug.backends.numpy.memory import NDArray, ndarray


@cache
def task(module: str, entry: str, kind: str, vectors: int = 1, channels: int = 1, width: int = 1) -> int:
    """The address of a task of ``source/<module>.py`` that is made of panels."""
    given = f"{entry} for {kind}, {vectors} vectors, {channels} by {width} vectors, {panels.machine()}"
    text = f"# {given}\n{build._module_text(module)}"
    names = names_for(kind, vectors, channels, width)
    return build.task_of_text(f"{module}-{entry}-{kind}", text, entry, names)


def scratch(like: Array, nbytes: int) -> tuple[Storage, int]:
    """Memory from the device's allocator, and its address."""
    block = like.storage.runtime.allocate(nbytes + 64)
    return block, int(block.buffer.address + 63) // 64 * 64


def located(array: Array) -> tuple[int, Any]:
    """The address of a contiguous operand, copied if need be, and what keeps it alive."""
    if array.layout.is_contiguous:
        return address(array), array
    dense = np.ascontiguousarray(ndarray(array))
    return dense.__array_interface__["data"][0], dense


def _pointer(array: NDArray) -> int:
    return int(array.__array_interface__["data"][0])


def _real(kind: str) -> int:
    return 8 if kind == "float64" else 4


def _packed(problem: Problem, plan: plans.Panels, kind: str, weight: Array, weights: int, flag: int) -> None:
    where, kept = located(weight)
    volume = problem.kernel[0] * problem.kernel[1] * problem.kernel[2]
    filters = problem.channels * problem.filters * volume
    step = volume if problem.backward else problem.channels * volume
    wide = plan.vectors * panels.lanes("float64" if kind == "float64" else "float32")
    table = (
        weights, where, _pointer(plan.weight_offsets), plan.taps, plan.blocks, problem.filters, step, filters, flag, wide,
    )  # fmt: skip
    run(task("convolution", "pack", kind), table, -(-plan.taps // 64) * plan.blocks * problem.groups, 4)
    del kept


@cache
def _shapes(real: int) -> plans.Shapes:
    widest = 4 if panels.machine().registers == 32 else 2
    return plans.Shapes(panels.machine().width // real, widest, tuple(panels.block(v) for v in range(1, widest + 1)))


def _view(block: Storage, start: int, count: int, kind: Any) -> NDArray:
    return np.ndarray((count,), kind, block.buffer, start - block.buffer.address)


def by_panels(problem: Problem, kind: str, out: Array, source: Array, weight: Array, bias: Array | None) -> bool:
    """Compute a problem; returns whether all weights were finite."""
    real = _real(kind)
    plan = plans.panels(problem, _shapes(real), real)
    wide = plan.vectors * _shapes(real).lanes
    rows = problem.groups * plan.blocks
    per_thread = -(-plan.scratch // 64) * 64
    begins_at = rows * plan.taps * wide * real
    flag_at = begins_at + rows * wide * real
    block, start = scratch(out, flag_at + 64 + maximum_threads() * per_thread)
    begins = _view(block, start + begins_at, rows * wide, f"f{real}").reshape(problem.groups, plan.blocks * wide)
    begins[...] = 0
    if bias is not None:
        begins[:, : problem.filters] = ndarray(bias).reshape(problem.groups, -1)
    flag = _view(block, start + flag_at, 1, "i8")
    flag[0] = 0
    _packed(problem, plan, kind, weight, start, start + flag_at)
    where, kept = located(source)
    table = (
        address(out), where, start, start + begins_at, _pointer(plan.offsets), start + flag_at + 64, per_thread, *plan.words,
    )  # fmt: skip
    run(task("convolution", "convolve", kind, plan.vectors), table, plan.items, 1)
    del kept
    return not flag[0]


def forward(o: Options, kind: str, outs: Sequence[Array], inputs: Sequence[Array]) -> bool:
    """The convolution; whether it was computed."""
    return (
        by_panels(plans.forward(o), kind, outs[0], inputs[0], inputs[1], inputs[2] if len(inputs) > 2 else None) or True
    )


def input_backward(o: Options, kind: str, outs: Sequence[Array], inputs: Sequence[Array]) -> bool:
    """The gradient for the input; whether it was computed: zeros beyond the gradient's edge times weights that aren't
    finite would be NaN where no product is meant.
    """
    problems = plans.backward(o)
    if not all(math.prod(len(each) for each in problem.places) for problem in problems):
        ndarray(outs[0])[...] = 0
    for problem in problems:
        if math.prod(len(each) for each in problem.places) and not by_panels(problem, kind, outs[0], *inputs, None):
            return False
    return True


def weight_backward(o: Options, kind: str, outs: Sequence[Array], inputs: Sequence[Array]) -> bool:
    """The gradient for the weight; whether it was computed."""
    real = _real(kind)
    problem = plans.forward(o)
    plan = plans.panels(problem, _shapes(real), real, True)
    wide = plan.vectors * _shapes(real).lanes
    per_thread = -(-plan.scratch // 64) * 64
    rows = problem.groups * plan.blocks
    zeros_at = plan.slices * rows * plan.over * wide * real
    block, start = scratch(outs[0], zeros_at + 1024 + maximum_threads() * per_thread)
    _view(block, start + zeros_at, 128, "i8")[...] = 0
    (deltas, kept), (where, kept_too) = located(inputs[0]), located(inputs[1])
    table = (
        start, where, deltas, start + zeros_at, _pointer(plan.offsets), start + zeros_at + 1024, per_thread, *plan.words,
    )  # fmt: skip
    run(task("convolution", "gradient", kind, plan.vectors), table, plan.items, 1)
    fold = (
        address(outs[0]),
        start,
        plan.slices,
        problem.groups,
        plan.blocks,
        plan.over,
        plan.taps,
        problem.filters,
        wide,
    )
    run(task("convolution", "fold", kind), fold, -(-plan.taps // 16) * rows, 4)
    del kept, kept_too
    return True
