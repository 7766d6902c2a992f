"""How ops are declared.  ``elementwise`` and ``composite`` are public: users declare ops of their own with them.

``OPS`` is the table of all ops; asking for it imports those that :mod:`hotplug.ops` has not imported yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hotplug.declare.elementwise import (
    Elementwise,
    elementwise,
    floating,
    gradient,
    integral,
    logical,
    numbers,
    numeric,
    real,
    real_floating,
    strictly_floating,
)
from hotplug.declare.primitive import Composite, Primitive, composite, primitive, view
from hotplug.declare.public import function
from hotplug.declare.table import Entry

if TYPE_CHECKING:
    from hotplug.declare.table import OPS

__all__ = [
    "OPS", "Composite", "Elementwise", "Entry", "Primitive", "composite", "elementwise", "floating", "function",
    "gradient", "integral", "logical", "numbers", "numeric", "primitive", "real", "real_floating", "strictly_floating", "view",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name != "OPS":
        raise AttributeError(f"module 'hotplug.declare' has no attribute {name!r}")
    from hotplug import ops
    from hotplug.declare.table import OPS

    ops.complete()
    return OPS
