"""Host memory for the NumPy backends: aligned blocks of bytes, and Arrays seen as ndarrays."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from hotplug.backend import ALIGNMENT, Array, Backend, Capabilities, DeviceInfo, Kernel, OpKey
from hotplug.backends.numpy.hardware import memory_size, processor_name

NDArray = np.ndarray[Any, Any]

_SHARED_ALIGNMENT: Final = 16
"""Foreign memory must start at a multiple of this: the widest element."""


def ndarray(array: Array) -> NDArray:
    """An Array as an ndarray of the same memory, made once and kept in its ``native`` slot."""
    found: NDArray | None = array.native
    if found is None:
        layout = array.layout
        offset = array.offset * layout.dtype.itemsize
        found = np.ndarray(layout.shape, layout.dtype.numpy, array.storage.buffer, offset, layout.byte_strides)
        array.native = found
    return found


class HostBackend(Backend):
    """A backend whose buffers are ndarrays of bytes; subclasses supply the kernels."""

    def devices(self) -> Sequence[DeviceInfo]:
        return [DeviceInfo(0, processor_name(), memory_size())]

    def capabilities(self, index: int) -> Capabilities:
        return Capabilities(host_memory=True, dlpack=True)

    def allocate(self, index: int, nbytes: int) -> NDArray:
        block = np.empty(nbytes + ALIGNMENT, np.uint8)
        start = -block.__array_interface__["data"][0] % ALIGNMENT
        return block[start : start + nbytes]

    def free(self, buffer: NDArray) -> None:
        """The last reference to the ndarray frees it."""

    def write(self, buffer: NDArray, offset: int, data: memoryview) -> None:
        buffer[offset : offset + data.nbytes] = np.frombuffer(data, np.uint8)

    def read(self, buffer: NDArray, offset: int, nbytes: int) -> memoryview:
        return buffer[offset : offset + nbytes].data

    def copy(
        self, destination: NDArray, destination_offset: int, source: NDArray, source_offset: int, nbytes: int
    ) -> None:
        destination[destination_offset : destination_offset + nbytes] = source[source_offset : source_offset + nbytes]

    def synchronize(self, index: int) -> None:
        """Nothing is ever queued."""

    def export(self, buffer: NDArray) -> NDArray:
        return buffer

    def wrap(self, index: int, foreign: Any) -> NDArray | None:
        if not isinstance(foreign, np.ndarray) or foreign.__array_interface__["data"][0] % _SHARED_ALIGNMENT:
            return None
        return foreign

    @abstractmethod
    def resolve(self, index: int, key: OpKey) -> Kernel | None:
        """The kernel for ``key``."""
