"""The caching allocator: one implementation over every backend's ``allocate``.

Freed blocks are kept by size class and handed out again, since fresh memory costs page faults on a host and
milliseconds on a device.  Functional engines, whose buffers are values, are not cached.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final, final

from hotplug.array import Storage
from hotplug.errors import HotplugError, OutOfMemoryError, PluginError

if TYPE_CHECKING:
    from hotplug.runtime import Runtime

_SMALLEST: Final = 256
_LINEAR_LIMIT: Final = 1 << 15


def size_class(nbytes: int) -> int:
    """Bytes of the block that serves a request: a multiple of 256, and above 32 KiB at most 1/8 more than asked for."""
    if nbytes <= _LINEAR_LIMIT:
        return max(_SMALLEST, (nbytes + _SMALLEST - 1) // _SMALLEST * _SMALLEST)
    step = 1 << ((nbytes - 1).bit_length() - 4)
    return (nbytes + step - 1) // step * step


_BEYOND: Final = 1 << 62
"""More bytes than any device has, or a signed address can count: no backend is asked for them."""


@final
class Allocator:
    """Memory of one device.

    The hot path takes no lock: ``list.pop``, ``deque.append`` and ``deque.popleft`` are atomic, and so is the update of
    a counter between two bytecodes that may switch threads.  Only what calls the backend holds the lock.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._released = runtime.released
        self._lock = threading.Lock()
        self._bins: dict[int, list[Any]] = {}
        self._cached = not runtime.capabilities.functional
        self.allocated = 0
        self.max_allocated = 0
        self.reserved = 0
        self.max_reserved = 0
        self.backend_requests = 0

    def allocate(self, nbytes: int) -> Storage:
        """A Storage of ``nbytes`` uninitialised bytes.

        Raises:
            OutOfMemoryError: neither the device nor the cache has a block.
        """
        return self.take(nbytes, size_class(nbytes))

    def take(self, nbytes: int, block: int) -> Storage:
        """:meth:`allocate` for a caller that knows the size class."""
        if self._released:
            try:
                buffer, freed = self._released.popleft()
            except IndexError:  # another thread was faster
                pass
            else:
                if freed == block and self._cached:  # the usual case: take over what was just freed
                    return Storage(self._runtime, buffer, nbytes, block)
                self._put(buffer, freed)
                self.collect()
        try:
            buffer = self._bins[block].pop()
        except (KeyError, IndexError):
            buffer = self._from_backend(block)
        self.allocated += block
        self.max_allocated = max(self.max_allocated, self.allocated)
        return Storage(self._runtime, buffer, nbytes, block)

    def collect(self) -> None:
        """Take back the buffers whose Storage has died since the last call."""
        released = self._released
        while released:
            try:
                buffer, block = released.popleft()
            except IndexError:  # another thread was faster
                return
            self._put(buffer, block)

    def _put(self, buffer: Any, block: int) -> None:
        """Keep a freed block, or give it back where blocks are not cached; foreign memory needs neither."""
        if block < 0:
            return
        self.allocated -= block
        if self._cached:
            self._bins.setdefault(block, []).append(buffer)
        else:
            self.reserved -= block
            self._runtime.backend.free(buffer)

    def _from_backend(self, block: int) -> Any:
        if block >= _BEYOND:
            raise self._exhausted(block)
        with self._lock:
            try:
                buffer = self._runtime.backend.allocate(self._runtime.index, block)
            except (MemoryError, OutOfMemoryError):
                self._flush()
                buffer = self._last_try(block)
            except HotplugError:
                raise
            except Exception as error:
                raise PluginError(f"allocate of backend {self._runtime.name!r} raised {error!r}") from error
            if buffer is None:
                raise PluginError(f"allocate of backend {self._runtime.name!r} returned None, expected a buffer")
            self.backend_requests += 1
            self.reserved += block
            self.max_reserved = max(self.max_reserved, self.reserved)
        return buffer

    def _last_try(self, block: int) -> Any:
        try:
            return self._runtime.backend.allocate(self._runtime.index, block)
        except (MemoryError, OutOfMemoryError) as error:
            raise self._exhausted(block) from error

    def _exhausted(self, block: int) -> OutOfMemoryError:
        return OutOfMemoryError(
            f"{self._runtime.name} is out of memory: {_readable(block)} were asked for, {_readable(self.allocated)} are in "
            f"use by live tensors and none are cached; use smaller batches, or free tensors you hold"
        )

    def _flush(self) -> None:
        self.collect()
        self._runtime.backend.synchronize(self._runtime.index)
        for block, buffers in self._bins.items():
            while buffers:
                self._runtime.backend.free(buffers.pop())
                self.reserved -= block

    def empty_cache(self) -> None:
        """Give all cached blocks back to the device."""
        with self._lock:
            self._flush()

    def after_fork(self) -> None:
        """In a forked process: the lock may have been held by a thread that isn't there."""
        self._lock = threading.Lock()

    def reset_peak(self) -> None:
        """Start the maxima anew from the present figures."""
        self.collect()
        self.max_allocated, self.max_reserved = self.allocated, self.reserved

    def statistics(self) -> dict[str, int]:
        """Bytes and counts, by name."""
        self.collect()
        return {
            "allocated": self.allocated,
            "max_allocated": self.max_allocated,
            "reserved": self.reserved,
            "max_reserved": self.max_reserved,
            "backend_requests": self.backend_requests,
        }

    def summary(self) -> str:
        """The statistics as a table for people."""
        figures = self.statistics()
        lines = [f"memory of {self._runtime.name}", "-" * 40]
        for name, value in figures.items():
            shown = str(value) if name.endswith("requests") else _readable(value)
            lines.append(f"{name.replace('_', ' '):24}{shown:>16}")
        return "\n".join(lines)


def _readable(nbytes: int) -> str:
    size = float(nbytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(size) < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
