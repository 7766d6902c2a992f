"""Kernels for whole composites, by the composite's name; each module has those of one family.

A module here is light: it is imported when the first key of the device is resolved.  It has NumPy's kernel for small
calls and, by name, the task in ``hotplug.backends.cpu.source`` for large ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hotplug.backend import Kernel, OpKey
from hotplug.backends.cpu.overrides import (
    attention,
    convolution,
    cross_entropy,
    linear,
    norm,
    ordering,
    pooling,
    softmax,
    step,
)

OVERRIDES: Final[dict[str, Callable[[OpKey], Kernel | None]]] = {
    **attention.OVERRIDES,
    **convolution.OVERRIDES,
    **cross_entropy.OVERRIDES,
    **linear.OVERRIDES,
    **norm.OVERRIDES,
    **ordering.OVERRIDES,
    **pooling.OVERRIDES,
    **softmax.OVERRIDES,
    **step.OVERRIDES,
}
