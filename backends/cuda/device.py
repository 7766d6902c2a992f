"""One device in use: its driver, the modules compiled for it, its scratch memory and its error word."""

from __future__ import annotations

import threading
from typing import Any, Final, final

from hotplug.backends.cuda.driver import Driver
from hotplug.backends.cuda.fault import Fault
from hotplug.backends.cuda.frame import BY_VALUE
from hotplug.backends.cuda.header import HEADER, with_hardware
from hotplug.errors import DeviceError


@final
class Block:
    """A piece of device memory.  It knows its device, which the contract's calls on a buffer do not name."""

    __slots__ = ("address", "device", "nbytes", "owner")

    def __init__(self, device: Device, address: int, nbytes: int, owner: Any = None) -> None:
        self.device: Final = device
        self.address: Final = address
        self.nbytes: Final = nbytes
        self.owner: Final = owner
        """Keeps foreign memory alive."""


@final
class Device:
    """Everything that belongs to one device.  ``lock`` is held around launches."""

    def __init__(self, name: str, driver: Driver) -> None:
        self.name: Final = name
        self.driver: Final = driver
        self.lock: Final = threading.RLock()
        self.fault: Final = Fault(driver)
        self.traits: Final = driver.traits
        self._compiling: Final = threading.Lock()
        self._modules: dict[str, Any] = {}
        self._scratch: dict[str, tuple[int, int]] = {}

    def allocate(self, nbytes: int) -> Block:
        """A new block.

        Raises:
            MemoryError: there is no room.
        """
        return Block(self, self.driver.allocate(nbytes), nbytes)

    def scratch(self, nbytes: int, name: str = "partial") -> int:
        """Memory for partial results, the same for all launches: the queue is in order.  The caller holds the lock."""
        address, size = self._scratch.get(name, (0, 0))
        if size < nbytes:
            if address:
                self.driver.free(address)
                del self._scratch[name]
            size = max(nbytes, 1 << 16)
            address = self.driver.allocate(size)
            self._scratch[name] = (address, size)
        return address

    def module(self, op: str, text: str) -> Any:
        """A compiled source, from the cache where the same text was compiled before.

        Raises:
            DeviceError: the compiler refuses it.
        """
        with self._compiling:  # a lock of its own, so that a compilation stops no launch
            found = self._modules.get(text)
            if found is None:
                try:
                    found = self._modules[text] = self.driver.compile(op, HEADER + with_hardware(text))
                except DeviceError as error:
                    raise DeviceError(f"{op}: the compiler of {self.name} failed: {error}") from error
        return found

    def launch(self, function: Any, grid: tuple[int, int, int], threads: int, frame: bytes) -> None:
        """Queue a kernel; a frame that is too long for a parameter goes by way of memory.  The caller holds the lock."""
        if len(frame) > BY_VALUE:
            address = self.scratch(len(frame), "frame")
            self.driver.write(address, memoryview(frame))
            frame = address.to_bytes(8, "little")
        self.driver.launch(function, grid, threads, frame)
