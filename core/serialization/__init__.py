"""Files of weights: checkpoints in PyTorch's format, and safetensors.  Loading never executes code.

The names are loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from hotplug.serialization import safetensors as safetensors
    from hotplug.serialization.allowed import (
        add_safe_globals as add_safe_globals,
        clear_safe_globals as clear_safe_globals,
        get_safe_globals as get_safe_globals,
        safe_globals as safe_globals,
    )
    from hotplug.serialization.files import load as load, save as save

_NAMES: Final = {
    **dict.fromkeys(("load", "save"), "files"),
    **dict.fromkeys(("add_safe_globals", "clear_safe_globals", "get_safe_globals", "safe_globals"), "allowed"),
}


def __getattr__(name: str) -> Any:
    if name == "safetensors":
        return importlib.import_module("hotplug.serialization.safetensors")
    if name not in _NAMES:
        raise AttributeError(f"module 'hotplug.serialization' has no attribute {name!r}")
    found = getattr(importlib.import_module(f"hotplug.serialization.{_NAMES[name]}"), name)
    globals()[name] = found
    return found
