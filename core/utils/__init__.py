"""``hotplug.utils.checkpoint``, and PyTorch's places for what lives elsewhere here: ``utils.data``, ``utils.dlpack``."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hotplug.utils import checkpoint as checkpoint, data as data, dlpack as dlpack


def __getattr__(name: str) -> ModuleType:
    if name in ("checkpoint", "data", "dlpack"):
        return importlib.import_module(f"hotplug.utils.{name}")
    raise AttributeError(f"module 'hotplug.utils' has no attribute {name!r}")
