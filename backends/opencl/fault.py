"""The device error word: how a kernel that runs later reports an index out of range."""

from __future__ import annotations

import struct
from typing import Any, Final, final

import numpy as np
import pyopencl as cl

from hotplug.errors import IndexRangeError

_WORD: Final = struct.Struct("=iiqq")
OPERATIONS: Final = ("", "gather", "scatter")
"""What the code in the word means."""

SOURCE: Final = """
typedef struct { int code; int unused; long value; long size; } hp_fault_t;

static inline void hp_fail(volatile __global hp_fault_t *fault, int code, long value, long size) {
    if (atomic_cmpxchg(&fault->code, 0, code) == 0) {  // the first one is kept
        fault->value = value;
        fault->size = size;
    }
}
"""


@final
class Fault:
    """The error word of one device.  Kernels that may set it say so with :meth:`arm`; then the next read looks."""

    def __init__(self, context: Any, queue: Any) -> None:
        self._queue: Final = queue
        flags = cl.mem_flags.READ_WRITE | cl.mem_flags.COPY_HOST_PTR
        self.memory: Final = cl.Buffer(context, flags, hostbuf=bytes(_WORD.size))
        self._armed = False

    def arm(self) -> None:
        """A kernel that may set the word was queued."""
        self._armed = True

    def check(self) -> None:
        """Raise what kernels reported since the last call, and clear it.  The caller holds the device's lock.

        Raises:
            IndexRangeError: a kernel met an index out of range.
        """
        if not self._armed:
            return
        self._armed = False
        host = np.empty(_WORD.size, np.uint8)
        cl.enqueue_copy(self._queue, host, self.memory, is_blocking=True)
        code, _, value, size = _WORD.unpack(host.tobytes())
        if code:
            cl.enqueue_copy(self._queue, self.memory, bytes(_WORD.size), is_blocking=True)
            raise IndexRangeError(
                f"{OPERATIONS[code]}: index {value} is out of bounds for an axis of size {size} (found by the device in "
                f"work queued before this read; that element was skipped)"
            )
