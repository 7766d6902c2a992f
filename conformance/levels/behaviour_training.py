"""Level 4: whole training runs: that they converge, follow the reference, repeat bit for bit, and hold no memory."""

from __future__ import annotations

import functools
import gc
import mmap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np

from hotplug import dtypes, nn, ops, random, runtime
from hotplug.conformance.case import Bench, Case, CaseFailedError
from hotplug.conformance.compare import check
from hotplug.conformance.levels.forward import REFERENCE, supported
from hotplug.conformance.levels.scene import OPTIMIZERS, Scene, drawn, settled
from hotplug.conformance.place import host_values, tensor
from hotplug.conformance.tolerance import TRAINING
from hotplug.dtypes import dtype, float32, float64
from hotplug.errors import HotplugError
from hotplug.optim import SGD

_CONVERGED: Final = 0.35
"""Of the first loss; the reference comes below it after 40 iterations with either optimizer."""
_ITERATIONS: Final = 10_000
_SAMPLED: Final = 200
_PAGES: Final = Path("/proc/self/statm")
_SLACK: Final = 16 << 20
"""Bytes by which a process may grow for reasons of its own."""
_BLOCK: Final = 1 << 20


@functools.lru_cache(maxsize=16)
def _reference(optimizer: str, count: int) -> tuple[float, ...]:
    return tuple(Scene(REFERENCE, optimizer, float64).losses(count))


def follows(optimizer: str, kind: dtype, bench: Bench) -> float:
    """A training run converges, and its losses are those of the reference in float64."""
    supported(bench, kind)
    count = 200 if bench.options.full else 40
    goal = np.asarray(_reference(optimizer, count))
    found = np.asarray(Scene(bench.device, optimizer, kind).losses(count))
    if not found[-1] < _CONVERGED * found[0]:
        raise CaseFailedError(
            f"{optimizer}: the loss went from {found[0]:.4g} to {found[-1]:.4g} in {count} iterations"
        )
    return check(found.astype(kind.numpy), goal, kind, TRAINING, f"losses of {count} iterations with {optimizer}")


def _language_model(bench: Bench) -> list[bytes]:
    """Parameters after some steps of a program with random numbers, sums over rows and, where it is one, scatter-add."""
    with random.fork_rng():
        random.manual_seed(5)
        device, words = bench.device, bench.runtime.capabilities.deterministic_scatter
        first = nn.Embedding(11, 8, device=device) if words else nn.Linear(5, 8, device=device)
        model = nn.Sequential(
            first, nn.Dropout(0.25), nn.Linear(8, 8, device=device), nn.Softmax(1), nn.Linear(8, 3, device=device)
        )
        rows = ops.randint(0, 11, (64,), device=device) if words else ops.randn(64, 5, device=device)
        optimizer = SGD(model.parameters(), lr=0.5, momentum=0.9)
        for _ in range(5):
            optimizer.zero_grad()
            (model(rows) ** 2).mean().backward()
            optimizer.step()
        return [host_values(each).tobytes() for each in model.parameters()]


def repeats(bench: Bench) -> float:
    """The same program twice gives the same bits, whatever ran in between."""
    first = _language_model(bench)
    Scene(bench.device).losses(3)
    for turn in range(10 if bench.options.full else 2):
        if _language_model(bench) != first:
            raise CaseFailedError(f"run {turn + 2} of the same program gives other bits than the first")
    return 0.0


# --- growth ---


def resident() -> int:
    """Bytes of memory that the process occupies; 0 where the system does not tell."""
    if not _PAGES.exists():
        return 0
    return int(_PAGES.read_text(encoding="ascii").split()[1]) * mmap.PAGESIZE


def _grows(bench: Bench, what: str, once: Callable[[], object], count: int) -> None:
    """Raise where ``count`` calls hold more memory, or more objects, than the third of them before did."""
    figures = []
    for number in (count // 3, count - count // 3):
        for _ in range(number):
            once()
        held = settled(bench.device)
        figures.append((held, runtime.memory_reserved(bench.device), resident(), len(gc.get_objects())))
    names = ("bytes in use", "bytes reserved", "bytes of the process", "Python objects")
    for name, before, after, slack in zip(names, *figures, (0, 0, _SLACK, count // 10), strict=True):
        if after > before + slack:
            raise CaseFailedError(
                f"{what}: {before} {name} after {count // 3} iterations, {after} after {count}; expected them to stay"
            )


def iterations(bench: Bench) -> float:
    """Iterations of training hold nothing: 10,000 of them in the full form."""
    scene = Scene(bench.device)
    _grows(bench, "training", scene.iterate, _ITERATIONS if bench.options.full else _SAMPLED)
    return 0.0


def refusals(bench: Bench) -> float:
    """Calls that raise hold nothing, neither their operands nor what they had allocated."""
    x = tensor(bench.device, drawn("refusals", 40, 7), float32).requires_grad_()

    def refused() -> None:
        for call in (lambda: x.exp() @ x, lambda: (x + 1) + x[:, :3], (x * 2).backward):
            try:
                call()
            except HotplugError:
                continue
            raise CaseFailedError("operands that don't fit were accepted")

    _grows(bench, "calls that raise", refused, 3000 if bench.options.full else _SAMPLED)
    return 0.0


def blocks(bench: Bench) -> float:
    """Memory that is given back to the device can be had again: a process does not grow by it."""

    def once() -> None:
        ops.full((_BLOCK // 4,), 1.5, dtype=dtypes.float32, device=bench.device)
        runtime.empty_cache(bench.device)

    once()
    _grows(bench, "allocating and freeing", once, 1000 if bench.options.full else 90)
    if bench.runtime.allocator.reserved != bench.runtime.allocator.allocated:
        raise CaseFailedError("empty_cache leaves blocks that no tensor uses")
    return 0.0


def cases() -> Iterator[Case]:
    """Convergence for every optimizer of the scene, repetition, and growth."""
    for optimizer in OPTIMIZERS:
        for kind in (float32, float64):
            yield Case(4, "training", kind.name, optimizer, functools.partial(follows, optimizer, kind))
    yield Case(4, "determinism", "float32", "same_program_twice", repeats)
    yield Case(4, "growth", "float32", "iterations", iterations)
    yield Case(4, "growth", "float32", "calls_that_raise", refusals)
    yield Case(4, "growth", "float32", "blocks", blocks)
