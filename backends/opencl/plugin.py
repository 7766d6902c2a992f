"""Announces the device ``opencl``: every device of every installed OpenCL driver.  Imports nothing heavy."""

from __future__ import annotations

from hotplug.backend import Backend
from hotplug.plugins import BackendSpec, hookimpl


def _make() -> Backend:
    from hotplug.backends.opencl import startup

    startup.prepare()  # before pyopencl is imported
    from hotplug.backends.opencl.backend import OpenCLBackend

    return OpenCLBackend()


_HINT = (
    'pip install "hotplug[opencl]", and the OpenCL driver of your hardware; on a machine with a processor only, '
    'pip install "hotplug[opencl-cpu]" brings one'
)


@hookimpl
def hotplug_backends() -> list[BackendSpec]:
    """The backend of all OpenCL devices."""
    return [BackendSpec("opencl", _make, hint=_HINT)]
