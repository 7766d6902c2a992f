"""The emulator as a driver: device memory is memory of the host, and every launch is done when it returns."""

from __future__ import annotations

import ctypes
from typing import Any, Final, final

import numpy as np

from hotplug.backend import ALIGNMENT
from hotplug.backends.cuda.driver import Driver, Traits
from hotplug.backends.cuda.emulator.compiler import Compiler, meets
from hotplug.errors import DeviceError

_COMPLAINTS: Final = {
    1: "threads of a warp exchange values which other threads of the warp don't reach",
    2: "a barrier is not reached by all threads of the block",
    3: "a block has too many threads",
    4: "a matrix, or a copy to shared memory, is not aligned to 16 bytes",
    5: "more copies to shared memory are on their way than the emulator keeps",
}
_LARGEST: Final = 1 << 40


@final
class EmulatedDriver(Driver):
    """Runs kernels one thread after the other.  Rows are cut early, so that small tests meet every stage."""

    traits = Traits(units=2, shortest=64, most_pieces=8, tensor_cores=True)

    def __init__(self) -> None:
        self.compiler: Final = Compiler()
        self._memory: dict[int, Any] = {}

    def allocate(self, nbytes: int) -> int:
        if nbytes > _LARGEST:
            raise MemoryError(f"{nbytes} bytes are more than the emulator gives at once")
        memory = _aligned(nbytes)
        address = int(memory.ctypes.data)
        self._memory[address] = memory
        return address

    def free(self, address: int) -> None:
        del self._memory[address]

    def write(self, address: int, data: memoryview) -> None:
        ctypes.memmove(address, np.frombuffer(data, np.uint8).ctypes.data, data.nbytes)

    def read(self, address: int, nbytes: int) -> memoryview:
        return memoryview(ctypes.string_at(address, nbytes))

    def copy(self, target: int, source: int, nbytes: int) -> None:
        ctypes.memmove(target, source, nbytes)

    def copy_from(self, other: Driver, target: int, source: int, nbytes: int) -> bool:
        self.copy(target, source, nbytes)
        return True

    def pin(self, nbytes: int) -> Any:
        return _aligned(nbytes)

    def synchronize(self) -> None:
        """Nothing is ever queued."""

    def compile(self, op: str, text: str) -> Any:
        return (*self.compiler.library(text), meets(text))

    def function(self, module: Any, name: str) -> Any:
        library, prefix, waits = module
        return ctypes.cast(getattr(library, f"{prefix}_{name}"), ctypes.c_void_p).value, waits, name

    def launch(self, function: Any, grid: tuple[int, int, int], threads: int, frame: bytes) -> None:
        address, waits, name = function
        complaint = self.compiler.emulate(address, frame, *grid, threads, waits)
        if complaint:
            raise DeviceError(f"{name}: {_COMPLAINTS[complaint]}")


def _aligned(nbytes: int) -> Any:
    memory = np.empty(nbytes + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + nbytes]
