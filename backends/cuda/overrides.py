"""Kernels for whole composites, by the composite's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hotplug.backend import Kernel, OpKey
from hotplug.backends.cuda import (
    classification,
    dnn,
    fourier,
    matmul_epilogues,
    norms,
    ordering,
    pooling,
    softmax,
    solver_kernels,
)
from hotplug.backends.cuda.attention import attention
from hotplug.backends.cuda.attention_backward import attention_backward
from hotplug.backends.cuda.device import Device

OVERRIDES: Final[dict[str, Callable[[Device, OpKey], Kernel | None]]] = {
    "attention": attention,
    "attention_backward": attention_backward,
    **classification.OVERRIDES,
    **dnn.OVERRIDES,
    **fourier.OVERRIDES,
    **matmul_epilogues.OVERRIDES,
    **norms.OVERRIDES,
    **ordering.OVERRIDES,
    **pooling.OVERRIDES,
    **softmax.OVERRIDES,
    **solver_kernels.OVERRIDES,
}
"""An entry may still answer ``None`` to a key: then the core decomposes."""
