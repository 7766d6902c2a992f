"""PyTorch's place for the exchange of memory through DLPack."""

from __future__ import annotations

from typing import Any

from hotplug.ops.creation import from_dlpack
from hotplug.tensor import Tensor

__all__ = ["from_dlpack", "to_dlpack"]


def to_dlpack(tensor: Tensor) -> Any:
    """A DLPack capsule of a tensor's memory, of the kind before version 1.0; it can be consumed once."""
    return tensor.__dlpack__()
