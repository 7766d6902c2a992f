"""Compiled convolutions: in panels, or in bands where there are few channels.  Imports Numba."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

from hotplug.backend import Array
from hotplug.backends.cpu.compiled import panels
from hotplug.backends.cpu.compiled.pool import maximum_threads, run
from hotplug.backends.cpu.memory import address
from hotplug.backends.cpu.overrides import convolution_plans as plans
from hotplug.backends.cpu.overrides.convolution_bands import by_bands, suits, weight_by_bands
from hotplug.backends.cpu.overrides.convolution_launch import Order, located, packed, pointer, scratch, stage, view
from hotplug.backends.cpu.overrides.convolution_plans import Options, Problem
from hotplug.backends.numpy.memory import ndarray

_DISTANCES: Final = 36
"""The word of a table, after the seventh, that has the address of the distances of small images."""


@cache
def _shapes(real: int) -> plans.Shapes:
    widest = 4 if panels.machine().registers == 32 else 2
    return plans.Shapes(panels.machine().width // real, widest, tuple(panels.block(v) for v in range(1, widest + 1)))


def _aligned(count: int) -> int:
    return -(-count // 64) * 64


def by_panels(problem: Problem, kind: str, out: Array, source: Array, weight: Array, bias: Array | None) -> bool:
    """Compute a problem; returns whether all weights were finite."""
    real = 8 if kind == "float64" else 4
    small = plans.stacked(problem, _shapes(real), real)
    plan = small.panels if small is not None else plans.panels(problem, _shapes(real), real)
    wide, per_thread = plan.vectors * _shapes(real).lanes, _aligned(plan.scratch)
    order = Order(plan.blocks, wide, plan.taps, plan.positions)
    weights = packed(problem, order, kind, weight, bias, maximum_threads() * per_thread)
    where, kept = located(source)
    words, places = list(plan.words), 0
    if small is not None:
        words[_DISTANCES], places = pointer(small.distances), small.places
    module = "convolution" if small is None else "stacked"
    stages = (
        stage(module, "gather", kind), stage(module, "multiply", kind, plan.vectors, places=places),
        stage(module, "scatter", kind),
    )  # fmt: skip
    table = (
        address(out), where, weights.start, weights.begins, pointer(plan.offsets), weights.rest, per_thread,
        *words, *stages, wide,
    )  # fmt: skip
    run(stage("convolution", "convolve", kind), table, plan.items, 1)
    del kept
    return weights.finite()


def _solve(problem: Problem, kind: str, out: Array, source: Array, weight: Array, bias: Array | None) -> bool:
    compute = by_bands if suits(problem.filters, kind) else by_panels
    return compute(problem, kind, out, source, weight, bias)


def forward(o: Options, kind: str, outs: Sequence[Array], inputs: Sequence[Array]) -> bool:
    """The convolution; whether it was computed: products of weights that aren't finite with zeros around the input are
    NaN, and small images have no such products.
    """
    problem, bias, real = plans.forward(o), inputs[2] if len(inputs) > 2 else None, 8 if kind == "float64" else 4
    finite = _solve(problem, kind, outs[0], inputs[0], inputs[1], bias)
    return finite or suits(o.filters, kind) or plans.stacked(problem, _shapes(real), real) is None


def input_backward(o: Options, kind: str, outs: Sequence[Array], inputs: Sequence[Array]) -> bool:
    """The gradient for the input; whether it was computed: zeros beyond the gradient's edge times weights that aren't
    finite would be NaN where no product is meant.
    """
    problems = plans.backward(o)
    reached = [problem for problem in problems if all(problem.places)]
    if len(reached) < len(problems):
        ndarray(outs[0])[...] = 0
    return all(_solve(problem, kind, outs[0], inputs[0], inputs[1], None) for problem in reached)


def weight_backward(o: Options, kind: str, outs: Sequence[Array], inputs: Sequence[Array]) -> bool:
    """The gradient for the weight; whether it was computed."""
    if suits(o.filters, kind):
        return weight_by_bands(o, kind, outs, inputs)
    real = 8 if kind == "float64" else 4
    problem = plans.forward(o)
    plan = plans.panels(problem, _shapes(real), real, True)
    wide, per_thread = plan.vectors * _shapes(real).lanes, _aligned(plan.scratch)
    rows = problem.groups * plan.blocks
    zeros_at = plan.slices * rows * plan.over * wide * real
    block, start = scratch(outs[0], zeros_at + 1024 + maximum_threads() * per_thread)
    view(block, start + zeros_at, 128, "i8")[...] = 0
    (deltas, kept), (where, kept_too) = located(inputs[0]), located(inputs[1])
    stages = (
        stage("convolution", "gather", kind), stage("convolution", "multiply_back", kind, plan.vectors),
        stage("convolution", "turned", kind),
    )  # fmt: skip
    table = (
        start, where, deltas, start + zeros_at, pointer(plan.offsets), start + zeros_at + 1024, per_thread,
        *plan.words, *stages, wide,
    )  # fmt: skip
    run(stage("convolution", "gradient", kind), table, plan.items, 1)
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
    run(stage("convolution", "fold", kind), fold, -(-plan.taps // 16) * rows, 4)
    del kept, kept_too
    return True
