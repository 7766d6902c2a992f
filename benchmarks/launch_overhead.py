"""What the contract costs on each installed device: a launch against the engine's own, and copies an op, counted.

``a + b`` on 4 floats is timed through Hotplug and, where this file knows how, as the engine's own bare call on the same
values; both wait for the device once, after the last of many calls.  Then a list of ops runs forward and backward, and
the Runtime's counters tell how often the core copied to make operands contiguous, and how often anything was read by
the host or moved between devices.  Run with ``python -m benchmarks.launch_overhead [DEVICE ...]`` from the root.
"""

from __future__ import annotations

import argparse
import time
from array import array
from collections.abc import Callable, Sequence
from typing import Any

import hotplug as hp
from hotplug.nn import functional as F
from hotplug.runtime import Runtime, resolve_runtime

COUNTED = ("contiguous_copy", "update_view", "bitcast", "host", "host_read", "device_copy")
_TURNS = 7
Bare = tuple[Callable[[], Any], Callable[[], Any]]


def bare_numpy() -> Bare:
    """``np.add`` into an output that exists."""
    import numpy as np

    a, b, out = (np.ones(4, np.float32) for _ in range(3))
    return lambda: np.add(a, b, out), lambda: None


def bare_jax() -> Bare:
    """A jitted addition."""
    import jax

    a = jax.numpy.ones(4, "float32")
    add = jax.jit(lambda x, y: x + y)
    return lambda: add(a, a), lambda: add(a, a).block_until_ready()


def bare_opencl() -> Bare:
    """One kernel enqueued through pyopencl on the hardware of ``opencl:0``, its arguments set anew."""
    import pyopencl as cl

    backend: Any = resolve_runtime("opencl:0").backend
    context = cl.Context(backend.device(0).context.devices)
    queue = cl.CommandQueue(context)
    source = (
        "kernel void add(global float *o, global float *a, global float *b) {int i=get_global_id(0); o[i]=a[i]+b[i];}"
    )
    kernel = cl.Kernel(cl.Program(context, source).build(), "add")
    buffers = [cl.Buffer(context, cl.mem_flags.READ_WRITE, 256) for _ in range(3)]
    return lambda: kernel(queue, (4,), None, *buffers), queue.finish


def bare_minimal() -> Bare:
    """A comprehension over two arrays."""
    a, b = array("f", [1] * 4), array("f", [1] * 4)
    return lambda: array("f", [x + y for x, y in zip(a, b, strict=True)]), lambda: None


BARE: dict[str, Callable[[], Bare]] = {
    "cpu": bare_numpy, "numpy": bare_numpy, "jax": bare_jax, "opencl": bare_opencl, "minimal": bare_minimal,
}  # fmt: skip


def microseconds(call: Callable[[], Any], finish: Callable[[], Any], seconds: float) -> float:
    """The best of several repetitions, since noise only adds."""
    call()
    finish()
    start = time.perf_counter()
    call()
    finish()
    count = max(3, min(20000, int(seconds / max(time.perf_counter() - start, 1e-6))))
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(count):
            call()
        finish()
        best = min(best, (time.perf_counter() - start) / count)
    return best * 1e6


def operations(device: str) -> list[Callable[[], Any]]:
    """Ops of every family, on contiguous, broadcast and strided operands; the differentiable ones go backward."""
    x = hp.rand(6, 4, device=device, requires_grad=True)
    row = hp.rand(4, device=device, requires_grad=True)
    weight = hp.rand(5, 4, device=device, requires_grad=True)
    index = hp.tensor([3, 0, 2], device=device)
    image = hp.rand(2, 3, 6, 6, device=device, requires_grad=True)
    filters = hp.rand(4, 3, 3, 3, device=device, requires_grad=True)
    goal = hp.tensor([0, 1, 2, 3, 1, 0], device=device)
    calls: list[Callable[[], hp.Tensor]] = [
        lambda: x + x, lambda: x + row, lambda: x.T * 2.5, lambda: x[:, 1:3] ** 2, lambda: x.sum(0), lambda: x.mean(1),
        lambda: x.amax(1), lambda: x.cumsum(0), lambda: x @ x.T, lambda: F.linear(x, weight), lambda: hp.cat([x, x], 1),
        lambda: hp.index_select(x, 0, index), lambda: x.reshape(4, 6), lambda: x.permute(1, 0).contiguous(),
        lambda: F.softmax(x, 1), lambda: F.layer_norm(x, (4,)), lambda: F.cross_entropy(x, goal),
        lambda: F.conv2d(image, filters), lambda: F.max_pool2d(image, 2), lambda: hp.where(x > 0.5, x, 0.0),
    ]  # fmt: skip
    return [lambda call=call: call().sum().backward() for call in calls]  # type: ignore[misc]


def copies(device: str, runtime: Runtime) -> dict[str, float]:
    """Counted events an op, in a second run of the list."""
    calls = operations(device)
    for call in calls:
        call()
    before = runtime.counts.copy()
    for call in calls:
        call()
    return {name: (runtime.counts[name] - before[name]) / len(calls) for name in COUNTED}


def times(device: str, runtime: Runtime, seconds: float) -> list[float]:
    """Microseconds of ``a + b``: through Hotplug, with a gradient asked for, and by the engine's own bare call; then the
    first over the last.  The three take turns, so that a busy computer is as busy for each.
    """
    a, b = hp.ones(4, device=device), hp.ones(4, device=device)
    g = hp.ones(4, device=device, requires_grad=True)

    def finish() -> None:
        runtime.backend.synchronize(runtime.index)

    bare = BARE.get(device.partition(":")[0])
    calls = [(lambda: a + b, finish), (lambda: g + b, finish), *([bare()] if bare else [])]
    best = [float("inf")] * 3
    for _ in range(_TURNS):
        for place, call in enumerate(calls):
            best[place] = min(best[place], microseconds(*call, seconds / _TURNS))
    return [*best, best[0] / best[2]]


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("devices", nargs="*", help="default: all that are there")
    parser.add_argument("--seconds", type=float, default=0.2, help="of each of five repetitions")
    given = parser.parse_args(arguments)
    timed, counted = [], []
    for device in given.devices or [str(each) for each in hp.devices()]:
        runtime = resolve_runtime(device)
        timed.append([device, *(f"{value:.1f}" for value in times(device, runtime, given.seconds))])
        counted.append([device, *(f"{value:.2f}" for value in copies(device, runtime).values())])
    print(table(("device", "a + b, us", "with a gradient, us", "bare, us", "ratio"), timed), end="\n\n")
    print(table(("device", *COUNTED), counted))


if __name__ == "__main__":
    main()
