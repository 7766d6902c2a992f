"""What stands behind a device string: the GPUs of this computer, or the emulator."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from hotplug.backend import Capabilities, DeviceInfo
from hotplug.backends.cuda.driver import Driver


class Machine(ABC):
    """Says what devices there are, and makes their drivers."""

    @abstractmethod
    def devices(self) -> Sequence[DeviceInfo]:
        """The devices, in the driver's order; raises what explains why there are none."""

    @abstractmethod
    def capabilities(self, index: int) -> Capabilities:
        """What a device can do."""

    @abstractmethod
    def driver(self, index: int) -> Driver:
        """A driver for a device; called once for each.

        Raises:
            DeviceError: the device can't be used.
        """
