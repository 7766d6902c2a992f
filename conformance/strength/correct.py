"""Backends without a bug: the suite must not complain of any, whatever the seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from hotplug.backend import Backend
from hotplug.conformance.case import Options
from hotplug.conformance.runner import run
from hotplug.conformance.strength.hunt import on_device
from hotplug.conformance.strength.planting import NAME, Bare
from hotplug.conformance.strength.queues import Queued
from hotplug.conformance.strength.rewriting import Misrendered
from hotplug.conformance.strength.sources import Edited

CORRECT: Final[dict[str, Callable[[], Backend]]] = {
    "reference": Bare,
    "renderer": lambda: Misrendered(lambda _: None),
    "pieces": lambda: Edited(lambda text: text, pieces=True),
    "queue": Queued,
}
"""What bugs are planted in, by name."""


def false_alarms(name: str, seed: int, level: int = 3) -> Iterator[str]:
    """Cases that fail on a correct backend, with what they say."""
    with on_device(CORRECT[name]()):
        for result in run(NAME, Options(level=level, seed=seed)):
            if result.bad:
                yield f"{name}, seed {seed}: {result.name}: {result.message}"


def all_false_alarms(seeds: int) -> Iterator[str]:
    """Of every correct backend, over some seeds."""
    for seed in range(seeds):
        for name in CORRECT:
            yield from false_alarms(name, seed)
