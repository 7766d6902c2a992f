"""Announces the device ``minimal``.  Imports nothing heavy: the backend is loaded when the device is first used."""

from hotplug.backend import Backend
from hotplug.plugins import BackendSpec, hookimpl


def _make() -> Backend:
    from hotplug_minimal.backend import MinimalBackend

    return MinimalBackend()


@hookimpl
def hotplug_backends() -> list[BackendSpec]:
    """The one backend of this package."""
    return [BackendSpec("minimal", _make, hint="it needs nothing but Python: reinstall hotplug-minimal")]
