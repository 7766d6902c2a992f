"""Buffers, and bytes to and from them through the device's one queue."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
import pyopencl as cl

if TYPE_CHECKING:
    from hotplug.backends.opencl.device import Device

_STAGED: Final = 1 << 26
"""Up to so many bytes on their way to the device are held in copies, so that a write need not wait."""


@final
class Block:
    """A device buffer.  It knows its device, which the contract's calls on a buffer do not name."""

    __slots__ = ("device", "memory", "nbytes")

    def __init__(self, device: Device, memory: Any, nbytes: int) -> None:
        self.device: Final = device
        self.memory: Final = memory
        self.nbytes: Final = nbytes


@final
class Transfers:
    """Copies between host and device, in the order of the queue.  The caller of :meth:`write` holds the lock."""

    def __init__(self, queue: Any) -> None:
        self._queue: Final = queue
        self._staged: deque[tuple[Any, bytearray]] = deque()
        self._pending = 0
        self.counts: Final = Counter[str]()
        """``write``, ``read`` and ``copy`` so far."""

    def write(self, memory: Any, offset: int, data: memoryview) -> None:
        """Queue a copy from the host, whose memory is free again when this returns."""
        self.counts["write"] += 1
        if data.nbytes > _STAGED // 4:
            cl.enqueue_copy(self._queue, memory, np.frombuffer(data, np.uint8), dst_offset=offset, is_blocking=True)
            return
        self._retire(_STAGED - data.nbytes)
        held = bytearray(data)
        event = cl.enqueue_copy(self._queue, memory, held, dst_offset=offset, is_blocking=False)
        self._staged.append((event, held))
        self._pending += len(held)

    def _retire(self, limit: int) -> None:
        """Drop the copies that have arrived; wait for the oldest while more than ``limit`` bytes are on their way."""
        while self._staged:
            event, held = self._staged[0]
            if event.command_execution_status != cl.command_execution_status.COMPLETE:
                if self._pending <= limit:
                    return
                event.wait()
            self._staged.popleft()
            self._pending -= len(held)

    def read(self, memory: Any, offset: int, nbytes: int) -> memoryview:
        """The bytes, after all that was queued before."""
        self.counts["read"] += 1
        host = np.empty(nbytes, np.uint8)
        cl.enqueue_copy(self._queue, host, memory, src_offset=offset, is_blocking=True)
        return host.data

    def copy(self, target: Any, target_offset: int, source: Any, source_offset: int, nbytes: int) -> None:
        """Queue a copy between two buffers; within one, the ranges may overlap."""
        self.counts["copy"] += 1
        if target is source and abs(target_offset - source_offset) < nbytes:
            between = cl.Buffer(self._queue.context, cl.mem_flags.READ_WRITE, nbytes)
            cl.enqueue_copy(self._queue, between, source, src_offset=source_offset, byte_count=nbytes)
            source, source_offset = between, 0
        cl.enqueue_copy(
            self._queue, target, source, src_offset=source_offset, dst_offset=target_offset, byte_count=nbytes
        )
