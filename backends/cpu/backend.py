"""The device ``cpu``: this computer's processor.  Its NumPy tier needs no compiler and serves small calls fastest."""

from __future__ import annotations

from typing import Any, final

import numpy as np

from hotplug.backend import Kernel, OpKey
from hotplug.backends.cpu import libraries
from hotplug.backends.cpu.kernels import MAKERS
from hotplug.backends.cpu.memory import HostBuffer, buffer_of
from hotplug.backends.cpu.overrides import OVERRIDES
from hotplug.backends.numpy.memory import HostBackend, NDArray


@final
class CpuBackend(HostBackend):
    """Compiled maps, BLAS, and the reference's kernels where NumPy has nothing faster."""

    name = "cpu"
    numbered = False

    def resolve(self, index: int, key: OpKey) -> Kernel | None:
        make = MAKERS.get(key.name) or OVERRIDES.get(key.name)
        return make(key) if make is not None else libraries.kernel(key)

    def allocate(self, index: int, nbytes: int) -> HostBuffer:
        return buffer_of(super().allocate(index, nbytes))

    def wrap(self, index: int, foreign: Any) -> HostBuffer | None:
        wrapped = super().wrap(index, foreign)
        return None if wrapped is None else buffer_of(wrapped)

    def export(self, buffer: NDArray) -> NDArray:
        return buffer.view(np.ndarray)
