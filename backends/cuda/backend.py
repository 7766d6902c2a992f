"""The devices ``cuda`` and ``cuda-emulated``: one backend over two machines, kernels rendered in CUDA C."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, final

from hotplug.backend import Backend, Capabilities, DeviceInfo, Kernel, OpKey
from hotplug.backends.cuda.argreduce import argreduce
from hotplug.backends.cuda.device import Block, Device
from hotplug.backends.cuda.gather import gather
from hotplug.backends.cuda.lists import SUFFIX, lists
from hotplug.backends.cuda.machine import Machine
from hotplug.backends.cuda.map import map_
from hotplug.backends.cuda.overrides import OVERRIDES
from hotplug.backends.cuda.product import matmul
from hotplug.backends.cuda.reduce import reduce
from hotplug.backends.cuda.scan import scan
from hotplug.backends.cuda.scatter import scatter

FAMILIES: Final[dict[str, Callable[[Device, OpKey], Kernel]]] = {
    "map": map_, "reduce": reduce, "argreduce": argreduce, "scan": scan, "gather": gather, "scatter": scatter,
    "matmul": matmul,
}  # fmt: skip


@final
class CudaBackend(Backend):
    """Every device of a machine."""

    name = "cuda"
    contract = ((1, 1), (1, 1))

    def __init__(self, name: str, machine: Machine) -> None:
        self.name = name
        self._machine: Final = machine
        self._devices: dict[int, Device] = {}
        self._lock: Final = threading.Lock()

    def devices(self) -> Sequence[DeviceInfo]:
        return self._machine.devices()

    def capabilities(self, index: int) -> Capabilities:
        return self._machine.capabilities(index)

    def device(self, index: int) -> Device:
        """A device in use; its stream is made at the first call.

        Raises:
            DeviceError: the driver refuses.
        """
        found = self._devices.get(index)
        if found is None:
            with self._lock:
                found = self._devices.get(index)
                if found is None:
                    driver = self._machine.driver(index)
                    found = self._devices[index] = Device(f"{self.name}:{index}", driver)
        return found

    def allocate(self, index: int, nbytes: int) -> Block:
        return self.device(index).allocate(nbytes)

    def free(self, buffer: Block) -> None:
        if buffer.owner is None:
            buffer.device.driver.free(buffer.address)

    def write(self, buffer: Block, offset: int, data: memoryview) -> None:
        with buffer.device.lock:
            buffer.device.driver.write(buffer.address + offset, data)

    def read(self, buffer: Block, offset: int, nbytes: int) -> memoryview:
        with buffer.device.lock:
            found = buffer.device.driver.read(buffer.address + offset, nbytes)
        self._check(buffer.device)
        return found

    def copy(self, destination: Block, destination_offset: int, source: Block, source_offset: int, nbytes: int) -> None:
        place, origin = destination.address + destination_offset, source.address + source_offset
        destination.device.driver.copy(place, origin, nbytes)

    def pin(self, index: int, nbytes: int) -> Any:
        return self.device(index).driver.pin(nbytes)

    def write_pinned(self, buffer: Block, offset: int, data: Any) -> bool:
        with buffer.device.lock:
            buffer.device.driver.write_pinned(buffer.address + offset, data)
        return True

    def read_pinned(self, buffer: Block, offset: int, data: Any) -> bool:
        with buffer.device.lock:
            buffer.device.driver.read_pinned(buffer.address + offset, data)
        return True

    def copy_across(
        self, destination: Block, destination_offset: int, source: Block, source_offset: int, nbytes: int
    ) -> bool:
        target, place = destination.device, destination.address + destination_offset
        return target.driver.copy_from(source.device.driver, place, source.address + source_offset, nbytes)

    def place(self, buffer: Block) -> tuple[int, int, int]:
        return (*buffer.device.driver.kind, buffer.address)

    def adopt(self, index: int, address: int, nbytes: int, owner: object) -> Block:
        return Block(self.device(index), address, nbytes, owner)

    def stream(self, index: int) -> int:
        return self.device(index).driver.stream or -1

    def precede(self, index: int, stream: int) -> None:
        self.device(index).driver.precede(stream)

    def follow(self, index: int, stream: int) -> None:
        self.device(index).driver.follow(stream)

    def synchronize(self, index: int) -> None:
        device = self.device(index)
        device.driver.synchronize()
        self._check(device)

    def resolve(self, index: int, key: OpKey) -> Kernel | None:
        make = FAMILIES.get(key.name) or OVERRIDES.get(key.name) or (lists if key.name.endswith(SUFFIX) else None)
        return None if make is None else make(self.device(index), key)

    @staticmethod
    def _check(device: Device) -> None:
        """Raise what a kernel found wrong before this host read."""
        fault: Any = device.fault
        if fault.armed:
            with device.lock:
                fault.check()
