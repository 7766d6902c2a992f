"""What is measured.  A workload is written once, with PyTorch's names, and handed the library that runs it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Call = Callable[[], Any]


@dataclass(frozen=True)
class Workload:
    """One row of the table.

    Attributes:
        name: what the row is called.
        group: the table's section.
        target: the ratio to PyTorch's time that is aimed at; 0 where there is no target.
        build: given a library and a device, prepares and returns the call that is timed.
    """

    name: str
    group: str
    target: float
    build: Callable[[Any, Any], Call]


ALL: dict[str, Workload] = {}


def workload(name: str, group: str, target: float = 0.0) -> Callable[[Callable[..., Call]], Callable[..., Call]]:
    """Register ``build(library, device)`` under a name."""

    def register(build: Callable[..., Call]) -> Callable[..., Call]:
        if name in ALL:
            raise ValueError(f"two workloads are called {name!r}")
        ALL[name] = Workload(name, group, target, build)
        return build

    return register


def load() -> dict[str, Workload]:
    """All workloads, in order."""
    for module in sorted(each.name for each in pkgutil.iter_modules(__path__)):
        importlib.import_module(f"{__name__}.{module}")
    return ALL
