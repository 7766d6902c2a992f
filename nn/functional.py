"""The layers' functions, under the names of ``torch.nn.functional``.

All are declared as ops; those that take ``inplace`` here overwrite their input if it is true.
"""

from __future__ import annotations


from typing import Any

from hotplug import ops
from hotplug.declare import OPS
from hotplug.tensor import Tensor

_NAMESPACE = "nn.functional."


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """``max(0, input)``."""
    return ops.relu.inplace(input) if inplace else ops.relu(input)


def __getattr__(name: str) -> Any:
    entry = OPS.get(_NAMESPACE + name)
    if entry is None:
        raise AttributeError(f"module 'hotplug.nn.functional' has no attribute {name!r}")
    return entry.function
