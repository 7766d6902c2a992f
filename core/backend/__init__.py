"""What a backend may import: the contract, Array, Expr, dtypes and errors.

Everything here is public and versioned by ``CONTRACT_VERSION``.  A plugin needs nothing else of Hotplug.
"""

import importlib
from typing import TYPE_CHECKING, Any, Final

from hotplug import dtypes, errors
from hotplug.array import Array, Storage
from hotplug.backend.contract import (
    ALIGNMENT,
    ARGREDUCE_MODES,
    CONTRACT_VERSION,
    FAMILIES,
    REDUCE_MODES,
    SCAN_MODES,
    SCATTER_MODES,
    Backend,
    Buffer,
    Capabilities,
    DeviceInfo,
    Kernel,
    OpKey,
)
from hotplug.expr.node import Expr, schedule
from hotplug.layout import MAX_RANK, Layout

__all__ = [
    "ALIGNMENT", "ARGREDUCE_MODES", "CONTRACT_VERSION", "FAMILIES", "MAX_RANK", "REDUCE_MODES", "SCAN_MODES",
    "SCATTER_MODES", "Array", "Backend", "Buffer", "Capabilities", "Compute", "DeviceInfo", "Expr", "FunctionalBackend",
    "Kernel", "Layout", "OpKey", "Steps", "Storage", "Value", "dtypes", "errors", "schedule", "steps_of",
]  # fmt: skip

if TYPE_CHECKING:
    from hotplug.backend.functional import FunctionalBackend
    from hotplug.backend.launcher import Compute, Value
    from hotplug.backend.steps import Steps, steps_of

_LAZY: Final = {
    "FunctionalBackend": "functional", "Compute": "launcher", "Value": "launcher", "Steps": "steps", "steps_of": "steps",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    home = _LAZY.get(name)
    if home is None:
        raise AttributeError(f"module 'hotplug.backend' has no attribute {name!r}")
    return getattr(importlib.import_module(f"hotplug.backend.{home}"), name)
