"""``"fault+cpu"``: planned failures, to see what a program and a library do about them.

>>> import hotplug as hp
>>> from hotplug.backends.decorators.fault import plan
>>> x = hp.ones(3, device="fault+cpu")
>>> with plan("fault+cpu", kernel=1):
...     x + 1
Traceback (most recent call last):
    ...
hotplug.errors.PluginError: a kernel of backend 'fault+cpu' raised PlannedFault('kernel 1 (map) fails as planned')
>>> (x + 1).tolist()
[2.0, 2.0, 2.0]
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, final

from hotplug.array import Array
from hotplug.backend import Backend, Buffer, Kernel, OpKey
from hotplug.backends.decorators.forwarding import Forwarding
from hotplug.errors import ArgumentError, DeviceError


class PlannedFault(RuntimeError):  # noqa: N818 - it is planned, not an error of anybody
    """What a planned failure of a kernel raises."""


@dataclass
class Plan:
    """Which calls fail; all count from 1, from the moment that the plan is made."""

    allocation: int = 0
    """The first allocation to run out of memory; so do those after it, until the plan ends."""
    kernel: int = 0
    """The one kernel call that raises."""
    interrupt: int = 0
    """The one kernel call during which Ctrl-C is pressed."""
    lost: int = 0
    """The call of any kind from which on the device is lost."""
    only: str = ""
    """Count kernels of this family or composite only."""
    counts: dict[str, int] = field(default_factory=dict)

    def reached(self, what: str) -> int:
        """Count one more; how many there were."""
        self.counts[what] = self.counts.get(what, 0) + 1
        return self.counts[what]


@final
class FaultBackend(Forwarding):
    """Fails where the plan says so; without a plan it does what the backend that it wraps does."""

    def __init__(self, inner: Backend) -> None:
        super().__init__(inner)
        self.plan: Plan | None = None
        self._lock = threading.Lock()

    def _call(self) -> None:
        if self.plan is not None and self.plan.lost:
            with self._lock:
                gone = self.plan.reached("call") >= self.plan.lost
            if gone:
                raise DeviceError(f"device {self.name!r} is lost, as planned; make its tensors anew on another device")

    def allocate(self, index: int, nbytes: int) -> Buffer:
        self._call()
        plan = self.plan
        if plan is not None and plan.allocation:
            with self._lock:
                full = plan.reached("allocation") >= plan.allocation
            if full:
                raise MemoryError(f"no {nbytes} bytes left, as planned")
        return self.inner.allocate(index, nbytes)

    def write(self, buffer: Buffer, offset: int, data: memoryview) -> None:
        self._call()
        self.inner.write(buffer, offset, data)

    def read(self, buffer: Buffer, offset: int, nbytes: int) -> bytes | bytearray | memoryview:
        self._call()
        return self.inner.read(buffer, offset, nbytes)

    def copy(
        self, destination: Buffer, destination_offset: int, source: Buffer, source_offset: int, nbytes: int
    ) -> None:
        self._call()
        self.inner.copy(destination, destination_offset, source, source_offset, nbytes)

    def write_pinned(self, buffer: Buffer, offset: int, data: Any) -> bool:
        self._call()
        return self.inner.write_pinned(buffer, offset, data)

    def read_pinned(self, buffer: Buffer, offset: int, data: Any) -> bool:
        self._call()
        return self.inner.read_pinned(buffer, offset, data)

    def copy_across(
        self, destination: Buffer, destination_offset: int, source: Buffer, source_offset: int, nbytes: int
    ) -> bool:
        self._call()
        return self.inner.copy_across(destination, destination_offset, source, source_offset, nbytes)

    def synchronize(self, index: int) -> None:
        self._call()
        self.inner.synchronize(index)

    def resolve(self, index: int, key: OpKey) -> Kernel | None:
        kernel = self.inner.resolve(index, key)
        if kernel is None:
            return None

        def failing(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
            self._call()
            plan = self.plan
            if plan is not None and (plan.kernel or plan.interrupt) and plan.only in ("", key.name):
                with self._lock:
                    number = plan.reached("kernel")
                if number == plan.kernel:
                    raise PlannedFault(f"kernel {number} ({key.name}) fails as planned")
                if number == plan.interrupt:
                    raise KeyboardInterrupt(f"in kernel {number} ({key.name}), as planned")
            kernel(outs, inputs, scalars)

        return failing


def fault_of(device: str) -> FaultBackend:
    """The decorator of a device such as ``"fault+cpu"``.

    Raises:
        ArgumentError: the device has none.
    """
    from hotplug.plugins import registry

    backend: Backend = registry.backend(device.partition(":")[0])
    while isinstance(backend, Forwarding) and not isinstance(backend, FaultBackend):
        backend = backend.inner
    if not isinstance(backend, FaultBackend):
        raise ArgumentError(f"plan: device {device!r} has no planned faults; put 'fault+' in front of its name")
    return backend


@contextmanager
def plan(
    device: str, *, allocation: int = 0, kernel: int = 0, interrupt: int = 0, lost: int = 0, only: str = ""
) -> Iterator[Plan]:
    """Let calls of a device fail within the block; see :class:`Plan` for the numbers."""
    backend = fault_of(device)
    backend.plan = Plan(allocation, kernel, interrupt, lost, only)
    try:
        yield backend.plan
    finally:
        backend.plan = None
