"""A driver that compiles nothing and runs nothing, but remembers every source: so all kernels of a run are known before it.

Its memory is real and starts as zeros, and its kernels write nothing; :class:`RecordingBackend` computes besides.
"""

from __future__ import annotations

import ctypes
import itertools
import zlib
from collections.abc import Sequence
from typing import Any, Final, final

import numpy as np

from hotplug.backend import ALIGNMENT, Capabilities, DeviceInfo, Kernel, OpKey
from hotplug.backends.cuda.backend import CudaBackend
from hotplug.backends.cuda.driver import Driver, Traits
from hotplug.backends.cuda.hardware import CAPABILITIES
from hotplug.backends.cuda.machine import Machine
from hotplug.backends.numpy import families
from hotplug.backends.numpy.memory import HostBackend
from hotplug.conformance.case import Bench, Case, Options
from hotplug.conformance.runner import run_case
from hotplug.conformance.suite import cases
from hotplug.plugins import BackendSpec, registry

_SHARED_FROM: Final = 2
_NUMBERS: Final = itertools.count()


@final
class RecordingDriver(Driver):
    """Remembers sources by text, and the op that first asked for each."""

    traits = Traits(units=2, shortest=64, most_pieces=8, tensor_cores=True)

    def __init__(self) -> None:
        self.sources: Final[dict[str, str]] = {}
        self._memory: dict[int, Any] = {}

    def allocate(self, nbytes: int) -> int:
        memory = np.zeros(nbytes + ALIGNMENT, np.uint8)
        address = -(-memory.ctypes.data // ALIGNMENT) * ALIGNMENT
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

    def synchronize(self) -> None:
        """Nothing is ever queued."""

    def compile(self, op: str, text: str) -> Any:
        self.sources.setdefault(text, op)
        return text

    def function(self, module: Any, name: str) -> Any:
        return name

    def launch(self, function: Any, grid: tuple[int, int, int], threads: int, frame: bytes) -> None:
        """Nothing runs."""


@final
class RecordingMachine(Machine):
    """One device that records."""

    def __init__(self) -> None:
        self.recorder: Final = RecordingDriver()

    def devices(self) -> Sequence[DeviceInfo]:
        return [DeviceInfo(0, "a list of sources", 0)]

    def capabilities(self, index: int) -> Capabilities:
        return CAPABILITIES

    def driver(self, index: int) -> Driver:
        return self.recorder


@final
class RecordingBackend(HostBackend):
    """Remembers what the CUDA backend would compile, and computes as the reference does: so that every case runs to its end.

    Where the CUDA backend has a kernel for a composite, the parts of the composite are recorded too.
    """

    def __init__(self, name: str, machine: RecordingMachine) -> None:
        self.name = name
        self._cuda: Final = CudaBackend(name, machine)

    def capabilities(self, index: int) -> Capabilities:
        return CAPABILITIES

    def resolve(self, index: int, key: OpKey) -> Kernel | None:
        self._cuda.resolve(index, key)
        return families.kernel(key)


def chosen(options: Options, share: int = 1) -> list[Case]:
    """The cases of a conformance run: all of levels 0 and 1, and of the others one in ``share``, by their names."""
    return [
        case
        for case in cases(options)
        if case.level < _SHARED_FROM or zlib.crc32(case.name.encode()) % share == 0
    ]  # fmt: skip


def sources_of(options: Options, share: int = 1) -> dict[str, str]:
    """Every source that the chosen cases compile, with the op that first asks for it."""
    machine = RecordingMachine()
    name = f"cuda-recorded-{next(_NUMBERS)}"
    registry.register(BackendSpec(name, lambda: RecordingBackend(name, machine)))
    bench = Bench(f"{name}:0", options)
    for case in chosen(options, share):
        run_case(case, bench)
    return machine.recorder.sources
