"""Figures of a device: how fast it moves memory, multiplies matrices and launches kernels.

They are for people to read: nothing passes or fails by them.  Sizes grow until a call takes a while, so that a slow
device is measured too; times are the best of several.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from hotplug import host, ops
from hotplug.conformance.levels.scene import Scene
from hotplug.conformance.place import host_values
from hotplug.dtypes import float32
from hotplug.runtime import Runtime, resolve_runtime

_LONG_ENOUGH: Final = 0.03
"""Seconds of one call, beyond which a larger one says nothing new."""
_BUDGET: Final = 0.25
"""Seconds for the repetitions of one figure."""
_LARGEST: Final = 1 << 24
"""Elements of an array."""
_WIDEST: Final = 2048


class Figure(NamedTuple):
    """One line of the section."""

    name: str
    value: float
    unit: str
    of: str
    """What was measured."""


def performance(device: str) -> list[Figure]:
    """All figures of a device."""
    runtime = resolve_runtime(device)
    load = _load()  # before there is one of our own
    return [
        *_bandwidth(device, runtime), _products(device, runtime), *_launches(device, runtime), _training(device, runtime),
        *load,
    ]  # fmt: skip


def _load() -> list[Figure]:
    """How busy the computer was with other things: figures of a busy one say little.  Nothing where it does not tell."""
    if not hasattr(os, "getloadavg"):
        return []
    return [Figure("load average", os.getloadavg()[0], "processes", f"on {os.cpu_count()} processors, at the start")]


def best(call: Callable[[], Any], runtime: Runtime) -> float:
    """The least seconds of one call with the wait for it; the first is not counted."""

    def once() -> float:
        start = time.perf_counter()
        call()
        runtime.backend.synchronize(runtime.index)
        return time.perf_counter() - start

    once()
    least = once()
    end = time.perf_counter() + _BUDGET
    while time.perf_counter() < end:
        least = min(least, once())
    return least


def _bandwidth(device: str, runtime: Runtime) -> list[Figure]:
    count = 1 << 12
    while True:
        x = ops.ones((count,), dtype=float32, device=device)
        seconds = best(lambda x=x: x + 1, runtime)  # type: ignore[misc]
        if seconds > _LONG_ENOUGH or count >= _LARGEST:
            break
        count *= 4
    values = np.ones(count, np.float32)
    up = best(lambda: host.from_host(runtime, values, float32), runtime)
    down = best(lambda: host_values(x), runtime)
    rate = 4 * count / 1e9
    size = f"{4 * count / 1e6:.3g} MB of float32"
    return [
        Figure("memory bandwidth", 2 * rate / seconds, "GB/s", f"x + 1 on {size}, read and written"),
        Figure("host to device", rate / up, "GB/s", size),
        Figure("device to host", rate / down, "GB/s", size),
    ]


def _products(device: str, runtime: Runtime) -> Figure:
    width = 32
    while True:
        x = ops.ones((width, width), dtype=float32, device=device)
        seconds = best(lambda x=x: x @ x, runtime)  # type: ignore[misc]
        if seconds > _LONG_ENOUGH or width >= _WIDEST:
            return Figure("matrix product", 2 * width**3 / seconds / 1e9, "GFLOP/s", f"float32, {width} x {width}")
        width *= 2


def _launches(device: str, runtime: Runtime, count: int = 50) -> list[Figure]:
    x = ops.ones((4,), dtype=float32, device=device)

    def many() -> None:
        for _ in range(count):
            x.neg()

    queued, waited = best(many, runtime) / count, best(x.neg, runtime)
    return [
        Figure("launch", 1e6 * queued, "us", f"one of {count} calls of neg on 4 elements"),
        Figure("launch and wait", 1e6 * waited, "us", "neg on 4 elements, then synchronize"),
    ]


def _training(device: str, runtime: Runtime) -> Figure:
    scene = Scene(device)
    return Figure("training iteration", 1e3 * best(scene.iterate, runtime), "ms", "the model of level 4, with Adam")
