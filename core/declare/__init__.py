"""How ops are declared.  ``elementwise`` and ``composite`` are public: users declare ops of their own with them."""

from hotplug.declare.elementwise import (
    Elementwise,
    elementwise,
    floating,
    gradient,
    integral,
    logical,
    numeric,
    real,
    real_floating,
    strictly_floating,
)
from hotplug.declare.primitive import Composite, Primitive, composite, primitive, view
from hotplug.declare.public import function
from hotplug.declare.table import OPS, Entry

__all__ = [
    "OPS", "Composite", "Elementwise", "Entry", "Primitive", "composite", "elementwise", "floating", "function",
    "gradient", "integral", "logical", "numeric", "primitive", "real", "real_floating", "strictly_floating", "view",
]  # fmt: skip
