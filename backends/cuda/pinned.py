"""Copies between host and GPU by way of page-locked memory, which the GPU reads and writes while the program goes on."""

from __future__ import annotations

import ctypes
from collections import deque
from typing import Any, Final, final

import cupy
import numpy as np
from cupy.cuda import runtime

_SLOT: Final = 1 << 22
_SLOTS: Final = 4


@final
class Staging:
    """A ring of page-locked pieces.  A piece is used again when the copy that it took part in is done."""

    def __init__(self, stream: int) -> None:
        self._stream: Final = stream
        self._slots: Final = [int(runtime.hostAlloc(_SLOT, runtime.hostAllocDefault)) for _ in range(_SLOTS)]
        self._done: Final[list[Any]] = [None] * _SLOTS
        self._turn = 0

    def _slot(self) -> int:
        """The next piece, free again."""
        self._turn = (self._turn + 1) % _SLOTS
        if self._done[self._turn] is not None:
            self._done[self._turn].synchronize()
        return self._slots[self._turn]

    def _mark(self) -> None:
        event = cupy.cuda.Event(disable_timing=True)
        runtime.eventRecord(event.ptr, self._stream)
        self._done[self._turn] = event

    def write(self, address: int, data: memoryview) -> None:
        """Queue a copy to the GPU; the host memory is free again when this returns."""
        source = np.frombuffer(data, np.uint8).ctypes.data
        for start in range(0, data.nbytes, _SLOT):
            size = min(_SLOT, data.nbytes - start)
            slot = self._slot()
            ctypes.memmove(slot, source + start, size)
            runtime.memcpyAsync(address + start, slot, size, runtime.memcpyHostToDevice, self._stream)
            self._mark()

    def read(self, address: int, nbytes: int) -> memoryview:
        """The bytes, after all that was queued before; one piece travels while the last one is copied."""
        host = np.empty(nbytes, np.uint8)
        waiting: list[tuple[int, int, int, Any]] = []

        def arrive() -> None:
            slot, start, size, event = waiting.pop(0)
            event.synchronize()
            ctypes.memmove(host.ctypes.data + start, slot, size)

        for start in range(0, nbytes, _SLOT):
            if len(waiting) == _SLOTS - 1:
                arrive()
            size = min(_SLOT, nbytes - start)
            slot = self._slot()
            runtime.memcpyAsync(slot, address + start, size, runtime.memcpyDeviceToHost, self._stream)
            self._mark()
            waiting.append((slot, start, size, self._done[self._turn]))
        while waiting:
            arrive()
        return host.data


@final
class Travelling:
    """Page-locked arrays that copies on their way read or write; each is let go when its copy is done."""

    def __init__(self) -> None:
        self._kept: Final[deque[tuple[Any, Any]]] = deque()

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, data: Any, stream: Any) -> None:
        """Keep an array until what is queued on a stream so far is done."""
        while self._kept and self._kept[0][0].done:
            self._kept.popleft()
        event = cupy.cuda.Event(disable_timing=True)
        event.record(stream)
        self._kept.append((event, data))


def page_locked(nbytes: int) -> Any:
    """Page-locked host memory as an array of bytes, given back to CuPy's pool with its last user."""
    memory = cupy.cuda.alloc_pinned_memory(max(1, nbytes))
    return np.frombuffer(memory, np.uint8, nbytes)
