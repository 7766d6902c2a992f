"""Announces the device ``numpy``: the reference, written for clarity.  Imports nothing heavy."""

from __future__ import annotations

from hotplug.backend import Backend
from hotplug.plugins import BackendSpec, hookimpl


def _make() -> Backend:
    from hotplug.backends.numpy.backend import NumpyBackend

    return NumpyBackend()


@hookimpl
def hotplug_backends() -> list[BackendSpec]:
    """The reference backend."""
    return [BackendSpec("numpy", _make, hint="pip install --force-reinstall hotplug")]
