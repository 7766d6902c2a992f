"""Level 4: behaviour: what a device does in a program as a whole, and when something goes wrong."""

from __future__ import annotations

from collections.abc import Iterator

from hotplug.conformance.case import Case


def cases() -> Iterator[Case]:
    """All of level 4."""
    from hotplug.conformance.levels import (
        behaviour_devices,
        behaviour_faults,
        behaviour_processes,
        behaviour_threads,
        behaviour_training,
    )

    yield from behaviour_training.cases()
    yield from behaviour_faults.cases()
    yield from behaviour_threads.cases()
    yield from behaviour_devices.cases()
    yield from behaviour_processes.cases()
