"""Reverse-mode differentiation: ``backward``, ``grad``, the grad modes, ``Function``, ``gradcheck``.

The names are loaded on first use: the tape (graph, engine) lies below Tensor, and what users call lies above it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from hotplug.autograd import (
        forward_ad as forward_ad,
        functional as functional,
        graph as graph,
        profiler as profiler,
    )
    from hotplug.autograd.anomaly import (
        detect_anomaly as detect_anomaly,
        is_anomaly_check_nan_enabled as is_anomaly_check_nan_enabled,
        is_anomaly_enabled as is_anomaly_enabled,
        set_detect_anomaly as set_detect_anomaly,
    )
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
    from hotplug.autograd.variable import Variable as Variable

_HOME: Final = {
    "backward": "api", "grad": "api", "gradcheck": "check", "gradgradcheck": "check", "Function": "function",
    "Node": "graph", "enable_grad": "mode", "inference_mode": "mode", "is_grad_enabled": "mode",
    "is_inference_mode_enabled": "mode", "no_grad": "mode", "set_grad_enabled": "mode", "detect_anomaly": "anomaly",
    "is_anomaly_check_nan_enabled": "anomaly", "is_anomaly_enabled": "anomaly", "set_detect_anomaly": "anomaly",
    "Variable": "variable",
}  # fmt: skip
_MODULES: Final = frozenset({"forward_ad", "functional", "graph", "profiler"})


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"hotplug.autograd.{name}")
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'hotplug.autograd' has no attribute {name!r}")
    found = getattr(importlib.import_module(f"hotplug.autograd.{home}"), name)
    globals()[name] = found
    return found
