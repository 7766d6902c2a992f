"""The device ``opencl``: memory through one in-order queue a device, kernels rendered in OpenCL C 1.2."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, final

import pyopencl as cl

from hotplug.backend import Backend, Capabilities, DeviceInfo, Kernel, OpKey
from hotplug.backends.opencl import hardware
from hotplug.backends.opencl.argreduce import argreduce
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.gather import gather
from hotplug.backends.opencl.lists import SUFFIX, lists
from hotplug.backends.opencl.map import map_
from hotplug.backends.opencl.matmul import matmul
from hotplug.backends.opencl.memory import Block
from hotplug.backends.opencl.overrides import OVERRIDES
from hotplug.backends.opencl.reduce import reduce
from hotplug.backends.opencl.scan import scan
from hotplug.backends.opencl.scatter import scatter
from hotplug.errors import DeviceError

FAMILIES: Final[dict[str, Callable[[Device, OpKey], Kernel]]] = {
    "map": map_, "reduce": reduce, "argreduce": argreduce, "scan": scan, "gather": gather, "scatter": scatter,
    "matmul": matmul,
}  # fmt: skip


@final
class OpenCLBackend(Backend):
    """Every device of every OpenCL driver."""

    name = "opencl"

    def __init__(self) -> None:
        self._handles: Final = hardware.find()
        self._devices: dict[int, Device] = {}
        self._lock: Final = threading.Lock()

    def devices(self) -> Sequence[DeviceInfo]:
        return [hardware.describe(index, handle) for index, handle in enumerate(self._handles)]

    def capabilities(self, index: int) -> Capabilities:
        return hardware.capabilities(self._handles[index])

    def device(self, index: int) -> Device:
        """A device in use; its context and queue are made at the first call.

        Raises:
            DeviceError: the driver refuses.
        """
        found = self._devices.get(index)
        if found is None:
            with self._lock:
                found = self._devices.get(index)
                if found is None:
                    try:
                        found = self._devices[index] = Device(index, self._handles[index])
                    except cl.Error as error:
                        name = self._handles[index].name.strip()
                        raise DeviceError(f"opencl:{index} ({name}) can't be used: {error}") from error
        return found

    def allocate(self, index: int, nbytes: int) -> Block:
        return self.device(index).allocate(nbytes)

    def free(self, buffer: Block) -> None:
        buffer.memory.release()  # OpenCL waits for the work that uses it

    def write(self, buffer: Block, offset: int, data: memoryview) -> None:
        device = buffer.device
        try:
            with device.lock:
                device.transfers.write(buffer.memory, offset, data)
        except cl.Error as error:
            raise device.failure("write", error) from error

    def read(self, buffer: Block, offset: int, nbytes: int) -> memoryview:
        device = buffer.device
        try:
            found = device.transfers.read(buffer.memory, offset, nbytes)
            self._check(device)
        except cl.Error as error:
            raise device.failure("read", error) from error
        return found

    def copy(self, destination: Block, destination_offset: int, source: Block, source_offset: int, nbytes: int) -> None:
        device = destination.device
        try:
            device.transfers.copy(destination.memory, destination_offset, source.memory, source_offset, nbytes)
        except cl.Error as error:
            raise device.failure("copy", error) from error

    def synchronize(self, index: int) -> None:
        device = self.device(index)
        try:
            device.queue.finish()
            self._check(device)
        except cl.Error as error:
            raise device.failure("synchronize", error) from error

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
