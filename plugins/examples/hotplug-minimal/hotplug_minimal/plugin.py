"""Announces the device ``minimal``."""

from __future__ import annotations

from hotplug.backend import Backend
from hotplug.plugins import BackendSpec, hookimpl


def _make() -> Backend:
    from hotplug_minimal.backend import MinimalBackend

    return MinimalBackend()


@hookimpl
def hotplug_backends() -> list[BackendSpec]:
    return [BackendSpec("minimal", _make)]
