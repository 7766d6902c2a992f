"""Level 4: behaviour: what a device does in a program as a whole, and when something goes wrong."""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable, Iterator
from dataclasses import replace

from hotplug.conformance.case import Bench, Case


def cases() -> Iterator[Case]:
    """All of level 4."""
    from hotplug.conformance.levels import (
        behaviour_devices,
        behaviour_faults,
        behaviour_processes,
        behaviour_threads,
        behaviour_training,
    )

    modules = (behaviour_training, behaviour_faults, behaviour_threads, behaviour_devices, behaviour_processes)
    for module in modules:
        for case in module.cases():
            yield replace(case, run=functools.partial(_apart, case.run))


def _apart(run: Callable[[Bench], float], bench: Bench) -> float:
    """Run a case with the objects that were there before out of the collector's sight.

    The cases ask for what is in use when nothing is left to collect, and looking through all that other levels keep
    would take most of their time.
    """
    gc.freeze()
    try:
        return run(bench)
    finally:
        gc.unfreeze()
