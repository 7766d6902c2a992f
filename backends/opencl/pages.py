"""Memory of large pages for the buffers of processors.

PoCL takes a buffer's memory from the C library, in pages of 4 KiB: a kernel that steps over rows or writes fresh memory
then waits for address translations, up to half of its time.  So large buffers lie in memory that we ask the system to
back with pages of 2 MiB, as NumPy does for its arrays.
"""

from __future__ import annotations

import atexit
import contextlib
import mmap
import weakref
from collections import deque
from typing import Any, Final, final

import numpy as np
import pyopencl as cl

_PAGE: Final = 2 << 20
_LEAST: Final = 1 << 20
"""Bytes from which a buffer gets large pages."""


@final
class _Pages(np.ndarray[Any, Any]):
    """Bytes that can be referred to weakly."""


@final
class Pages:
    """Makes the buffers of one device.  Memory is given back once what was queued before its release is done."""

    def __init__(self, context: Any, queue: Any, handle: Any) -> None:
        self._context: Final = context
        self._queue: Final = queue
        pocl = "portable computing language" in handle.platform.name.lower()
        self._large: Final = pocl and bool(handle.type & cl.device_type.CPU) and hasattr(mmap, "MADV_HUGEPAGE")
        self._leaving: deque[tuple[Any, Any]] = deque()
        if self._large:  # the interpreter gives memory back in any order when it ends
            atexit.register(self._finish)

    def _finish(self) -> None:
        with contextlib.suppress(cl.Error):
            self._queue.finish()

    def buffer(self, nbytes: int) -> Any:
        """A new buffer.

        Raises:
            pyopencl.Error: the driver has no room.
            MemoryError: the system has none.
        """
        self._retire()
        if not self._large or nbytes < _LEAST:
            return cl.Buffer(self._context, cl.mem_flags.READ_WRITE, nbytes)
        try:
            memory = mmap.mmap(-1, -(-nbytes // _PAGE) * _PAGE + _PAGE)
        except OSError as error:
            raise MemoryError(f"{nbytes} bytes: {error}") from error
        memory.madvise(mmap.MADV_HUGEPAGE)
        whole = np.frombuffer(memory, np.uint8)
        start = -whole.__array_interface__["data"][0] % _PAGE
        pages = whole[start : start + nbytes].view(_Pages)
        weakref.finalize(pages, self._leave, memory).atexit = False
        return cl.Buffer(self._context, cl.mem_flags.READ_WRITE | cl.mem_flags.USE_HOST_PTR, hostbuf=pages)

    def _leave(self, memory: Any) -> None:
        """Called when a buffer has gone; kernels that were queued before may still use its memory."""
        self._leaving.append((cl.enqueue_marker(self._queue), memory))

    def _retire(self) -> None:
        """Let go of memory that nothing uses any more."""
        while self._leaving and self._leaving[0][0].command_execution_status == cl.command_execution_status.COMPLETE:
            self._leaving.popleft()
