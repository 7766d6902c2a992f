"""One workload in this process: prints JSON.  Called by ``benchmarks.compare``, each time in a fresh process.

``python -m benchmarks.measure LIBRARY DEVICE WORKLOAD SECONDS``; LIBRARY is ``hotplug``, ``torch`` or ``jax``.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any


def peak() -> int:
    """The most memory that this process has had, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def wait_of(library: Any, device: str) -> Callable[[], None]:
    """What waits for a device's queue."""
    if library.__name__ == "hotplug":
        return lambda: library.synchronize(device)
    if library.__name__ == "benchmarks.jax_names":
        return library.wait  # type: ignore[no-any-return]
    return library.cuda.synchronize if device.startswith("cuda") else lambda: None


def repeat(call: Callable[[], Any], wait: Callable[[], None], seconds: float) -> list[float]:
    """Seconds of one call, many times: short calls in groups of about a millisecond."""
    start = time.perf_counter()
    while time.perf_counter() - start < seconds / 3:
        call()
    wait()
    start = time.perf_counter()
    call()
    wait()
    group = max(1, int(1e-3 / max(time.perf_counter() - start, 1e-7)))
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        for _ in range(group):
            call()
        wait()
        times.append((time.perf_counter() - start) / group)
    return times


def main() -> None:
    """Measure and print."""
    name, device, wanted, seconds = sys.argv[1:5]
    began = time.perf_counter()
    library = importlib.import_module("benchmarks.jax_names" if name == "jax" else name)
    if name == "torch":
        library.set_num_threads(os.cpu_count() or 1)
    from benchmarks.workloads import load

    library.manual_seed(0)
    imported = peak()
    call = load()[wanted].build(library, device)
    wait = wait_of(library, device)
    call()
    wait()
    first = time.perf_counter() - began
    times = repeat(call, wait, float(seconds))
    print(
        json.dumps(
            {"median": statistics.median(times), "best": min(times), "first": first, "memory": peak() - imported}
        )
    )


if __name__ == "__main__":
    main()
