"""Certificates: the reports of the conformance suite that a plugin ships beside its plugin module.

``hotplug conformance vendor:0 --report certificate.json`` writes one; a plugin's package that has files named
``certificate*.json`` beside the module of its entry point, as package data, shows them in ``hotplug devices``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Final, NamedTuple

KIND: Final = "hotplug conformance report"
"""What a report says of itself."""


class Certificate(NamedTuple):
    """What a report certifies."""

    date: str
    """As ``2026-11-21``."""
    level: int
    backend: str
    """The kind of device: its name without an index."""
    size: str
    """``full`` or ``sampled``."""
    distribution: str
    """Name and version of the distribution that was tested, e.g. ``hotplug-vendor 0.3``."""

    def shown(self, distribution: str) -> str:
        """``level 3, 2026-11-21``, with what restricts it: the suite's size, and another version than the installed one."""
        size = "" if self.size == "full" else f" ({self.size})"
        other = "" if self.distribution == distribution else f", for {self.distribution}"
        return f"level {self.level}{size}, {self.date}{other}"


def newest(modules: list[str], backend: str) -> Certificate | None:
    """The newest certificate of a kind of device beside one of the plugin modules; the highest level of that day."""
    return max((each for module in modules for each in _beside(module) if each.backend == backend), default=None)


def _beside(module: str) -> Iterator[Certificate]:
    """The certificates in a plugin module's package.  What can't be read certifies nothing."""
    package = module.rpartition(".")[0]
    if not package:  # a module on its own: what lies beside it is other people's
        return
    try:
        found = [each for each in files(package).iterdir() if each.name.startswith("certificate")]
    except (OSError, ImportError, TypeError):
        return
    for file in found:
        if file.name.endswith(".json"):
            try:
                yield from _certificate(json.loads(file.read_text(encoding="utf-8")))
            except (OSError, ValueError, KeyError, TypeError):
                continue


def _certificate(record: dict[str, object]) -> Iterator[Certificate]:
    plugin = record["plugin"]
    if record["kind"] == KIND and isinstance(record["certified"], int) and isinstance(plugin, dict):
        names = (record["date"], record["certified"], record["backend"], record["size"])
        yield Certificate(*names, f"{plugin['name']} {plugin['version']}")  # type: ignore[arg-type]
