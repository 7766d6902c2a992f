"""Reverse-mode differentiation: ``backward``, ``grad``, the grad modes, ``Function``, ``gradcheck``.

The names are loaded on first use: the tape (graph, engine) lies below Tensor, and what users call lies above it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from hotplug.autograd.api import backward as backward, grad as grad
    from hotplug.autograd.check import gradcheck as gradcheck, gradgradcheck as gradgradcheck
    from hotplug.autograd.function import Function as Function
    from hotplug.autograd.graph import Node as Node
    from hotplug.autograd.mode import (
        enable_grad as enable_grad,
        inference_mode as inference_mode,
        is_grad_enabled as is_grad_enabled,
        is_inference_mode_enabled as is_inference_mode_enabled,
        no_grad as no_grad,
        set_grad_enabled as set_grad_enabled,
    )

_HOME: Final = {
    "backward": "api", "grad": "api", "gradcheck": "check", "gradgradcheck": "check", "Function": "function",
    "Node": "graph", "enable_grad": "mode", "inference_mode": "mode", "is_grad_enabled": "mode",
    "is_inference_mode_enabled": "mode", "no_grad": "mode", "set_grad_enabled": "mode",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'hotplug.autograd' has no attribute {name!r}")
    found = getattr(importlib.import_module(f"hotplug.autograd.{home}"), name)
    globals()[name] = found
    return found
