"""What ``hotplug devices`` shows: one row for each device, and for each that is unavailable, with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hotplug.backend import Capabilities, dtypes
from hotplug.device import shown_index
from hotplug.plugins.certificates import shown

if TYPE_CHECKING:
    from hotplug.plugins.registry import Registry


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """One device, or the reason why there is none."""

    device: str
    """The device string, e.g. ``"opencl:0"`` or ``"cpu"``."""
    hardware: str = ""
    memory: int = 0
    """Bytes; 0 where unknown."""
    dtypes: str = ""
    distribution: str = ""
    """Who brings it: name and version of the distribution."""
    certified: str = ""
    """What the newest certificate that the plugin ships for such hardware says, e.g. ``level 3, 2026-11-21``."""
    problem: str = ""
    """Why the device is unavailable; empty where it is available."""
    hint: str = ""
    """What to install or do about the problem."""

    @property
    def available(self) -> bool:
        """Whether the device can be used."""
        return not self.problem


def rows(registry: Registry, known: Mapping[str, str]) -> list[DeviceRow]:
    """The rows for all backends of a registry, for its broken plugins, and for what could be installed."""
    names = registry.names()
    result = [row for name in names for row in _backend_rows(registry, name)]
    result += [
        DeviceRow(plugin.name, distribution=plugin.distribution, problem=f"plugin failed to load: {plugin.error!r}")
        for plugin in registry.broken()
    ]
    shown = {row.device for row in result}
    result += [
        DeviceRow(name, problem="not installed", hint=command)
        for name, command in known.items()
        if name not in names and name not in shown
    ]
    return result


def _backend_rows(registry: Registry, name: str) -> Iterator[DeviceRow]:
    source = registry.source(name)
    try:
        backend = registry.backend(name)
        found = [(info, backend.capabilities(info.index)) for info in registry.hardware(name)]
    except Exception as error:  # noqa: BLE001 - the table must show the other devices
        cause = error.__cause__ or error
        yield DeviceRow(name, distribution=source, problem=f"{type(cause).__name__}: {cause}", hint=registry.hint(name))
        return
    certificates = registry.certificates(name)
    for info, can in found:
        number = shown_index(info.index, backend.numbered)
        certified = shown(certificates, source, info)
        yield DeviceRow(
            name if number is None else f"{name}:{number}",
            info.name,
            info.memory,
            dtype_summary(can),
            source,
            certified,
        )


def dtype_summary(can: Capabilities) -> str:
    """The dtypes that a device computes in, the shorter way round: ``all``, ``all but float64`` or a list."""
    missing = [each.name for each in dtypes.ALL if each not in can.arithmetic]
    if not missing:
        return "all"
    if len(missing) <= len(dtypes.ALL) // 2:
        return f"all but {', '.join(missing)}"
    return ", ".join(each.name for each in dtypes.ALL if each in can.arithmetic) or "none"
