"""Values between processes: small ones through a connection, the elements of arrays through shared memory.

A value is pickled with protocol 5, which leaves the memory of arrays and tensors out.  On Linux that memory is copied once,
into an anonymous file that lives in memory; its descriptor goes over the connection, and the receiver maps it: the arrays
there lie in that map.  Such a file has no name, so nothing is left over when a process is killed.  Elsewhere the bytes
go through the connection.
"""

from __future__ import annotations

import mmap
import os
import pickle
from collections.abc import Sequence
from multiprocessing import reduction
from multiprocessing.connection import Connection
from typing import Any, Final

SMALLEST_SHARED: Final = 1 << 16
"""Bytes of arrays from which on a descriptor is cheaper than the bytes themselves."""

_ALIGNMENT: Final = 256
_MANY_DESCRIPTORS: Final = 256
"""Systems allow 1024 of them, or more; the lowest free number is given out, so a number tells how many there are."""

_SHARES: Final = hasattr(os, "memfd_create") and getattr(reduction, "HAVE_SEND_HANDLE", False)


def send(connection: Connection, value: Any) -> None:
    """Send a value.  Nothing is sent where it can't be pickled."""
    buffers: list[pickle.PickleBuffer] = []
    head = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    raw = [each.raw() for each in buffers]
    sizes = [each.nbytes for each in raw]
    descriptor = _written(raw) if _SHARES and sum(sizes) >= SMALLEST_SHARED else -1
    try:
        connection.send_bytes(pickle.dumps((head, sizes, descriptor >= 0)))
        if descriptor >= 0:
            reduction.send_handle(connection, descriptor, None)
        else:
            for each in raw:
                if each.nbytes:
                    connection.send_bytes(each)
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def receive(connection: Connection) -> Any:
    """The next value; raises ``EOFError`` where the other side is gone."""
    head, sizes, shared = pickle.loads(connection.recv_bytes())
    if shared:
        starts = _places(sizes)
        descriptor = reduction.recv_handle(connection)
        try:
            memory = memoryview(_mapped(descriptor, starts[-1]))
        finally:
            os.close(descriptor)
        buffers = [memory[start : start + size] for start, size in zip(starts, sizes, strict=False)]
        return pickle.loads(head, buffers=buffers)
    return pickle.loads(head, buffers=[bytearray(connection.recv_bytes() if size else b"") for size in sizes])


def _places(sizes: Sequence[int]) -> list[int]:
    """Where each buffer starts in the shared memory; at last, the size of it all."""
    places = [0]
    for size in sizes:
        places.append(-(-(places[-1] + size) // _ALIGNMENT) * _ALIGNMENT)
    return places


def _written(buffers: Sequence[memoryview]) -> int:
    """The descriptor of an anonymous file with the buffers in it; -1 where the system has no memory for it."""
    places = _places([each.nbytes for each in buffers])
    descriptor = -1
    try:
        descriptor = os.memfd_create("hotplug-batch")
        os.ftruncate(descriptor, places[-1])
        for start, each in zip(places, buffers, strict=False):
            done = 0
            while done < each.nbytes:  # one call writes two gigabytes at most
                done += os.pwrite(descriptor, each[done:], start + done)
    except OSError:
        if descriptor >= 0:
            os.close(descriptor)
        return -1
    return descriptor


def _mapped(descriptor: int, size: int) -> mmap.mmap:
    """The file's memory; a copy of it where the program has many descriptors open, since a map keeps one open."""
    if descriptor < _MANY_DESCRIPTORS:
        return mmap.mmap(descriptor, size, mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0))
    copied = mmap.mmap(-1, size)
    view, done = memoryview(copied), 0
    while done < size:
        done += os.preadv(descriptor, [view[done:]], done)
    return copied
