"""A model of CUDA's runtime as CuPy shows it: host memory stands for two GPUs', and what is queued waits until it must run.

Nothing runs before something waits for it, and then only what it waits for: a wait that is missing shows as stale bytes.
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

ALIGNMENT = 256
GPUS = 2


class ModelError(RuntimeError):
    """CUDARuntimeError."""

    status = 1


class Current:
    """Which GPU is the current one."""

    gpu = 0


class Stream:
    """A queue whose entries run in order, when they must."""

    numbers = itertools.count(100)
    known: ClassVar[dict[int, Stream]] = {}

    def __init__(self, non_blocking: bool = False, handle: int = 0) -> None:
        self.ptr = handle or next(self.numbers)
        self.entries: list[Callable[[], None]] = []
        self.done = 0
        self.gpu = Current.gpu
        self.known[self.ptr] = self

    @classmethod
    def of(cls, handle: int) -> Stream:
        return cls.known.get(handle) or cls(handle=handle)

    def run_to(self, count: int) -> None:
        while self.done < count:
            self.done += 1
            self.entries[self.done - 1]()

    def synchronize(self) -> None:
        self.run_to(len(self.entries))

    def wait_event(self, event: Event) -> None:
        stream, count = event.at
        self.entries.append(lambda: stream.run_to(count))


class Event:
    """A moment of a stream."""

    numbers = itertools.count(1)
    known: ClassVar[dict[int, Event]] = {}

    def __init__(self, disable_timing: bool = False) -> None:
        self.ptr = next(self.numbers)
        self.at: tuple[Stream, int] = (Stream.of(1), 0)
        self.gpu = Current.gpu
        self.known[self.ptr] = self

    def record(self, stream: Stream) -> None:
        assert stream.ptr < 100 or stream.gpu == self.gpu, "an event is recorded on a stream of its own GPU only"
        self.at = (stream, len(stream.entries))

    def synchronize(self) -> None:
        self.at[0].run_to(self.at[1])

    @property
    def done(self) -> bool:
        return self.at[0].done >= self.at[1]


class Runtime:
    """``cupy.cuda.runtime``."""

    is_hip = False
    CUDARuntimeError = ModelError
    memcpyHostToDevice, memcpyDeviceToHost, memcpyDeviceToDevice, hostAllocDefault = 1, 2, 3, 0  # noqa: N815 - CuPy's

    def __init__(self) -> None:
        self.memory: dict[int, tuple[int, Any]] = {}
        self.pinned: dict[int, Any] = {}
        self.reach = True
        self.enabled: list[tuple[int, int]] = []

    def setDevice(self, index: int) -> None:  # noqa: N802 - CuPy's name
        assert 0 <= index < GPUS
        Current.gpu = index

    def getDevice(self) -> int:  # noqa: N802 - CuPy's name
        return Current.gpu

    def getDeviceProperties(self, index: int) -> dict[str, Any]:  # noqa: N802 - CuPy's name
        return {"major": 9, "minor": 0, "multiProcessorCount": 2}

    def malloc(self, nbytes: int) -> int:
        block = np.full(nbytes + ALIGNMENT, 0xEE, np.uint8)
        address = -(-block.ctypes.data // ALIGNMENT) * ALIGNMENT
        self.memory[address] = (Current.gpu, block)
        return address

    def free(self, address: int) -> None:
        for stream in list(Stream.known.values()):
            stream.synchronize()
        del self.memory[address]

    def hostAlloc(self, nbytes: int, flags: int) -> int:  # noqa: N802 - CuPy's name
        block = np.full(nbytes, 0xDD, np.uint8)
        self.pinned[block.ctypes.data] = block
        return int(block.ctypes.data)

    def memcpyAsync(self, target: int, source: int, nbytes: int, kind: int, stream: int) -> None:  # noqa: N802 - CuPy's
        def move() -> None:
            ctypes.memmove(target, source, nbytes)

        Stream.of(stream).entries.append(move)

    def memcpyPeerAsync(  # noqa: N802 - CuPy's name
        self, target: int, target_device: int, source: int, source_device: int, nbytes: int, stream: int
    ) -> None:
        assert self.device_of(target) == target_device
        assert self.device_of(source) == source_device
        self.memcpyAsync(target, source, nbytes, 0, stream)

    def device_of(self, address: int) -> int:
        return next(device for start, (device, block) in self.memory.items() if start <= address < start + block.nbytes)

    def deviceCanAccessPeer(self, device: int, peer: int) -> int:  # noqa: N802 - CuPy's name
        return int(self.reach)

    def deviceEnablePeerAccess(self, peer: int) -> None:  # noqa: N802 - CuPy's name
        self.enabled.append((Current.gpu, peer))

    def eventRecord(self, event: int, stream: int) -> None:  # noqa: N802 - CuPy's name
        Event.known[event].record(Stream.of(stream))

    def streamWaitEvent(self, stream: int, event: int) -> None:  # noqa: N802 - CuPy's name
        Stream.of(stream).wait_event(Event.known[event])
