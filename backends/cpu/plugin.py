"""Announces the device ``cpu``: this computer's processor.  Imports nothing heavy."""

from __future__ import annotations

from hotplug.backend import Backend
from hotplug.plugins import BackendSpec, hookimpl


def _make() -> Backend:
    from hotplug.backends.cpu.backend import CpuBackend

    return CpuBackend()


@hookimpl
def hotplug_backends() -> list[BackendSpec]:
    """The processor's backend."""
    return [BackendSpec("cpu", _make, hint="pip install --force-reinstall 'hotplug[cpu]'")]
