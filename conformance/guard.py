"""Poison and guards: every block that the allocator hands out is filled, and its end checked afterwards.

A kernel that leaves an element unwritten shows the poison in the result; one that writes past the end of its output
changes the poison behind it.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from hotplug.array import Storage
from hotplug.conformance.case import CaseFailedError
from hotplug.runtime import Runtime

POISON: Final = 0xA7
"""As float32 and float64 a large negative number, as an integer a large one, as bool true."""
_LONGEST: Final = 1 << 20


@contextmanager
def guarded(runtime: Runtime) -> Iterator[None]:
    """Within the block, memory is poisoned before it is used; at the end, what lies behind each output is checked.

    Raises:
        CaseFailedError: a kernel wrote past the end of an output.
    """
    if runtime.capabilities.functional:  # its values have no end to write past, and no memory before they are made
        yield
        return
    taken: list[weakref.ref[Storage]] = []
    take, allocate = runtime.take, runtime.allocate

    def poisoned(nbytes: int, block: int) -> Storage:
        storage = take(nbytes, block)
        if block <= _LONGEST:
            runtime.backend.write(storage.buffer, 0, memoryview(bytes([POISON]) * block))
            taken.append(weakref.ref(storage))
        return storage

    def poisoned_allocate(nbytes: int) -> Storage:
        from hotplug.memory import size_class

        return poisoned(nbytes, size_class(nbytes))

    _set(runtime, poisoned, poisoned_allocate)
    try:
        yield
    finally:
        _set(runtime, take, allocate)
    for each in taken:
        storage = each()
        if storage is not None:
            _check(runtime, storage)


def _set(runtime: Runtime, take: object, allocate: object) -> None:
    vars(runtime)["take"] = take
    vars(runtime)["allocate"] = allocate


def _check(runtime: Runtime, storage: Storage) -> None:
    behind = storage.block - storage.nbytes
    if behind <= 0:
        return
    found = bytes(runtime.backend.read(storage.buffer, storage.nbytes, behind))
    if found != bytes([POISON]) * behind:
        first = next(i for i, byte in enumerate(found) if byte != POISON)
        raise CaseFailedError(
            f"a kernel wrote {first} bytes past the end of an output of {storage.nbytes} bytes: outputs are written "
            f"within their shape only"
        )
