"""The device error word: how a kernel that runs later reports an index out of range."""

from __future__ import annotations

import struct
from typing import Any, Final, final

import numpy as np
import pyopencl as cl

from hotplug.errors import IndexRangeError

_WORD: Final = struct.Struct("=iiqq")
OPERATIONS: Final = ("", "gather", "scatter", "cross_entropy", "embedding")
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
PARAMETER: Final = "volatile __global hp_fault_t *fault"


@final
class Fault:
    """The error word of one device.  A launcher of kernels that may set it sets ``armed``; then the next read looks.

    The caller of :meth:`check` holds the device's lock.
    """

    def __init__(self, context: Any, queue: Any) -> None:
        self._queue: Final = queue
        flags = cl.mem_flags.READ_WRITE | cl.mem_flags.COPY_HOST_PTR
        self.memory: Final = cl.Buffer(context, flags, hostbuf=bytearray(_WORD.size))
        self.armed = False

    def check(self) -> None:
        """Raise what kernels reported since the last call, and clear it.

        Raises:
            IndexRangeError: a kernel met an index out of range.
        """
        if not self.armed:
            return
        host = np.empty(_WORD.size, np.uint8)
        cl.enqueue_copy(self._queue, host, self.memory, is_blocking=True)
        self.armed = False
        code, _, value, size = _WORD.unpack(host.tobytes())
        if code:
            cl.enqueue_copy(self._queue, self.memory, bytearray(_WORD.size), is_blocking=True)
            raise IndexRangeError(
                f"{OPERATIONS[code]}: index {value} is out of bounds for an axis of size {size}; the device found it in "
                f"work that was queued before this read, and skipped that element"
            )
