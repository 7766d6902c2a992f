"""The device error word: how a kernel that runs later reports an index out of range."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, final

from hotplug.errors import IndexRangeError

if TYPE_CHECKING:
    from hotplug.backends.cuda.driver import Driver

_WORD: Final = struct.Struct("=iiqq")
OPERATIONS: Final = ("", "gather", "scatter", "cross_entropy")
"""What the code in the word means."""


@final
class Fault:
    """The error word of one device.  A launcher of kernels that may set it sets ``armed``; then the next read looks.

    The caller of :meth:`check` holds the device's lock.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver: Final = driver
        self.address: Final = driver.allocate(_WORD.size)
        self.armed = False
        driver.write(self.address, memoryview(bytes(_WORD.size)))

    def check(self) -> None:
        """Raise what kernels reported since the last call, and clear it.

        Raises:
            IndexRangeError: a kernel met an index out of range.
        """
        if not self.armed:
            return
        self.armed = False
        code, _, value, size = _WORD.unpack(bytes(self._driver.read(self.address, _WORD.size)))
        if code:
            self._driver.write(self.address, memoryview(bytes(_WORD.size)))
            raise IndexRangeError(
                f"{OPERATIONS[code]}: index {value} is out of bounds for an axis of size {size}; the device found it in "
                f"work that was queued before this read, and skipped that element"
            )
