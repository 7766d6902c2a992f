"""The device ``cpu``: this computer's processor.  Its NumPy tier needs no compiler and serves small calls fastest."""

from __future__ import annotations

from typing import final

from hotplug.backend import Kernel, OpKey
from hotplug.backends.cpu.kernels import MAKERS
from hotplug.backends.cpu.overrides import OVERRIDES
from hotplug.backends.numpy import families
from hotplug.backends.numpy.memory import HostBackend


@final
class CpuBackend(HostBackend):
    """Compiled maps, BLAS, and the reference's kernels where NumPy has nothing faster."""

    name = "cpu"
    numbered = False

    def resolve(self, index: int, key: OpKey) -> Kernel | None:
        make = MAKERS.get(key.name) or OVERRIDES.get(key.name)
        return make(key) if make is not None else families.kernel(key)
