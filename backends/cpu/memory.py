"""The processor's memory: blocks of bytes that know where they are."""

from __future__ import annotations

from typing import Any, final

import numpy as np

from hotplug.backend import Array


@final
class HostBuffer(np.ndarray[Any, Any]):
    """Bytes whose address is read once: NumPy takes longer to tell it than a small kernel takes."""

    address: int
    """Where the bytes start; not there for slices, which are no buffers."""


def buffer_of(block: np.ndarray[Any, Any]) -> HostBuffer:
    """The same bytes as a buffer."""
    made = block.view(HostBuffer)
    made.address = block.__array_interface__["data"][0]
    return made


def address(array: Array) -> int:
    """Where an Array's first element is."""
    return int(array.storage.buffer.address + array.offset * array.layout.dtype.itemsize)
