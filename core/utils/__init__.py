"""PyTorch's place for :mod:`hotplug.data`: ``from hotplug.utils.data import DataLoader`` works."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hotplug.utils import data as data


def __getattr__(name: str) -> ModuleType:
    if name == "data":
        return importlib.import_module("hotplug.utils.data")
    raise AttributeError(f"module 'hotplug.utils' has no attribute {name!r}")
