"""Announces the devices ``cuda`` and ``cuda-emulated``.  Imports nothing heavy."""

from __future__ import annotations

from hotplug.backend import Backend
from hotplug.plugins import BackendSpec, hookimpl


def _make() -> Backend:
    from hotplug.backends.cuda.backend import CudaBackend
    from hotplug.backends.cuda.gpu import Gpus

    return CudaBackend("cuda", Gpus())


def _emulated() -> Backend:
    from hotplug.backends.cuda.backend import CudaBackend
    from hotplug.backends.cuda.emulator.machine import EmulatedMachine

    return CudaBackend("cuda-emulated", EmulatedMachine())


_HINT = (
    'pip install "hotplug[cuda12]" (or "hotplug[cuda13]", for a driver of version 580 or newer), on a computer with an '
    "NVIDIA GPU and its driver"
)


@hookimpl
def hotplug_backends() -> list[BackendSpec]:
    """The GPUs, and the emulator that proves their kernels without one."""
    return [
        BackendSpec("cuda", _make, hint=_HINT),
        BackendSpec("cuda-emulated", _emulated, hint="install a C++ compiler, such as g++"),
    ]
