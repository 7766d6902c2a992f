"""The ops.  Each module declares one family; the table of all is :data:`hotplug.declare.OPS`."""

from __future__ import annotations

import importlib
import sys
from typing import Any, Final

from hotplug import _methods
from hotplug.autograd.views import assign
from hotplug.declare.table import OPS
from hotplug.tensor import Tensor as Tensor

MODULES: Final = (
    "arithmetic", "transcendental", "comparison", "activation", "views", "creation", "movement", "reduction", "products", "complex_numbers",
)  # fmt: skip

for _name in MODULES:
    _module = importlib.import_module(f"hotplug.ops.{_name}")
    for _key, _value in vars(_module).items():
        if not _key.startswith("_") and (_key == "Operand" or getattr(_value, "__module__", None) == _module.__name__):
            globals()[_key] = _value

for _entry in OPS.values():
    globals()[_entry.name] = _entry.function
    for _alias in _entry.aliases:
        globals()[_alias] = _entry.function

_methods.bind(sys.modules[__name__])


def __getattr__(name: str) -> Any:
    raise AttributeError(f"module 'hotplug.ops' has no op {name!r}")
