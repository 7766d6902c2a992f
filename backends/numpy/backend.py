"""The device ``numpy``: the reference.  Clarity before speed; it decomposes every composite that NumPy has no library for."""

from __future__ import annotations

from typing import final

from hotplug.backend import Kernel, OpKey
from hotplug.backends.numpy import families
from hotplug.backends.numpy.memory import HostBackend


@final
class NumpyBackend(HostBackend):
    """The required families, each a few lines of NumPy, and what NumPy itself has: linear algebra and transforms."""

    name = "numpy"
    numbered = False

    def resolve(self, index: int, key: OpKey) -> Kernel | None:
        return families.kernel(key)
