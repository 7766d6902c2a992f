"""The backends that ship with Hotplug.  Each is a plugin like any other; nothing outside imports one by name.

Beside them, for programs written for PyTorch, the switches of its backends: ``cuda``, ``cudnn``, ``mkl``, ``mkldnn``,
``mps``, ``openmp``, ``opt_einsum``.
"""

from __future__ import annotations

import importlib
from types import ModuleType


def __getattr__(name: str) -> ModuleType:
    if name in ("cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp", "opt_einsum"):
        return importlib.import_module(f"hotplug.backends.{name}")
    raise AttributeError(f"module 'hotplug.backends' has no attribute {name!r}")
