"""How many threads the kernels of a host device may use: one number for the process, which its backends read."""

from __future__ import annotations

import os
from typing import Final, final


@final
class Threads:
    """The number that was asked for; 0 until somebody asks."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


THREADS: Final = Threads()


def available() -> int:
    """Processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def allowed() -> int:
    """Threads that a kernel may use."""
    return THREADS.count or available()
