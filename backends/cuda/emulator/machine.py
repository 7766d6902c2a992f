"""The emulated devices: two, so that what happens between devices can be tried."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from hotplug.backend import Capabilities, DeviceInfo
from hotplug.backends.cuda.driver import Driver
from hotplug.backends.cuda.emulator.compiler import find_compiler
from hotplug.backends.cuda.emulator.driver import EmulatedDriver
from hotplug.backends.cuda.hardware import CAPABILITIES
from hotplug.backends.cuda.machine import Machine


@final
class EmulatedMachine(Machine):
    """Needs a C++ compiler and nothing else."""

    def __init__(self) -> None:
        self._compiler = find_compiler()

    def devices(self) -> Sequence[DeviceInfo]:
        details = {"compiler": self._compiler}
        return [DeviceInfo(index, "the processor, in place of a GPU", 0, details) for index in range(2)]

    def capabilities(self, index: int) -> Capabilities:
        return CAPABILITIES

    def driver(self, index: int) -> Driver:
        return EmulatedDriver()
