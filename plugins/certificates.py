"""Certificates: the reports of the conformance suite that a plugin ships beside its plugin module.

``hotplug conformance vendor:0 --report certificate.json`` writes one; a plugin's package that has files named
``certificate*.json`` beside the module of its entry point, as package data, shows them in ``hotplug devices``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Final, NamedTuple

from hotplug.backend import DeviceInfo

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
    hardware: Mapping[str, str] = {}
    """Name of the hardware that it was tested on, and what else of :data:`DECISIVE` was known."""

    def fits(self, info: DeviceInfo) -> bool:
        """Whether the suite ran on this hardware, through this platform; the driver may be another version."""
        return all(self.hardware.get(each) == _fact(info, each) for each in DECISIVE)

    def shown(self, distribution: str, info: DeviceInfo) -> str:
        """``level 3, 2026-11-21``, with what restricts it: the suite's size, another driver, and another version than the
        installed one; ``none`` for other hardware than that which was tested, which is named.
        """
        if not self.fits(info):
            return f"none (level {self.level} on {self.hardware.get('name', 'unnamed hardware')})"
        size = "" if self.size == "full" else f" ({self.size})"
        driver = self.hardware.get("driver")
        older = "" if driver == info.details.get("driver") else f", with driver {driver}"
        other = "" if self.distribution == distribution else f", for {self.distribution}"
        return f"level {self.level}{size}, {self.date}{older}{other}"


DECISIVE: Final = ("name", "platform", "profile")
"""What tells devices of one backend apart: one driver's kernels prove nothing of another's."""


def _fact(info: DeviceInfo, name: str) -> str | None:
    return info.name if name == "name" else info.details.get(name)


def found(modules: list[str], backend: str) -> list[Certificate]:
    """The certificates of a kind of device beside the plugin modules, the newest first; of one day, the highest level."""
    every = [each for module in modules for each in _beside(module) if each.backend == backend]
    return sorted(every, key=lambda each: each[:2], reverse=True)


def shown(certificates: list[Certificate], distribution: str, info: DeviceInfo) -> str:
    """What is said of a device: by the newest certificate that was made on such hardware, else by the newest one."""
    chosen = next((each for each in certificates if each.fits(info)), certificates[0] if certificates else None)
    return "" if chosen is None else chosen.shown(distribution, info)


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
        known = record.get("hardware")
        hardware = known if isinstance(known, dict) else {}
        yield Certificate(*names, f"{plugin['name']} {plugin['version']}", hardware)  # type: ignore[arg-type]
