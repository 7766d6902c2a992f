"""Files of weights: checkpoints in PyTorch's format, and safetensors.  Loading never executes code.

The names are loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from hotplug.serialization import safetensors as safetensors
    from hotplug.serialization.files import load as load, save as save

_NAMES: Final = frozenset({"load", "save"})


def __getattr__(name: str) -> Any:
    if name == "safetensors":
        return importlib.import_module("hotplug.serialization.safetensors")
    if name not in _NAMES:
        raise AttributeError(f"module 'hotplug.serialization' has no attribute {name!r}")
    found = getattr(importlib.import_module("hotplug.serialization.files"), name)
    globals()[name] = found
    return found
