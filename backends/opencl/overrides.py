"""Kernels for whole composites, by the composite's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hotplug.backend import Kernel, OpKey
from hotplug.backends.opencl import (
    attention,
    classification,
    convolution,
    embedding,
    linear,
    norms,
    ordering,
    pooling,
    softmax,
)
from hotplug.backends.opencl.device import Device

OVERRIDES: Final[dict[str, Callable[[Device, OpKey], Kernel | None]]] = {
    **attention.OVERRIDES,
    **classification.OVERRIDES,
    **convolution.OVERRIDES,
    **embedding.OVERRIDES,
    **linear.OVERRIDES,
    **norms.OVERRIDES,
    **ordering.OVERRIDES,
    **pooling.OVERRIDES,
    **softmax.OVERRIDES,
}
"""An entry may still answer ``None`` to a key: then the core decomposes."""
