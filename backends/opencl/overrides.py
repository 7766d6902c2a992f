"""Kernels for whole composites, by the composite's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hotplug.backend import Kernel, OpKey
from hotplug.backends.opencl import convolution, linear, softmax
from hotplug.backends.opencl.device import Device

OVERRIDES: Final[dict[str, Callable[[Device, OpKey], Kernel | None]]] = {
    **convolution.OVERRIDES,
    **linear.OVERRIDES,
    **softmax.OVERRIDES,
}
"""An entry may still answer ``None`` to a key: then the core decomposes."""
