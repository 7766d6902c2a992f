"""What every decorator does: pass each call on to the backend that it wraps."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from typing import Any, Final

from hotplug.backend import Backend, Buffer, Capabilities, DeviceInfo, Kernel, OpKey


class Forwarding(Backend, ABC):
    """A backend around another; a decorator overrides the calls that it is about."""

    def __init__(self, inner: Backend) -> None:
        self.inner: Final = inner

    def devices(self) -> Sequence[DeviceInfo]:
        return self.inner.devices()

    def capabilities(self, index: int) -> Capabilities:
        return self.inner.capabilities(index)

    def allocate(self, index: int, nbytes: int) -> Buffer:
        return self.inner.allocate(index, nbytes)

    def free(self, buffer: Buffer) -> None:
        self.inner.free(buffer)

    def write(self, buffer: Buffer, offset: int, data: memoryview) -> None:
        self.inner.write(buffer, offset, data)

    def read(self, buffer: Buffer, offset: int, nbytes: int) -> bytes | bytearray | memoryview:
        return self.inner.read(buffer, offset, nbytes)

    def copy(
        self, destination: Buffer, destination_offset: int, source: Buffer, source_offset: int, nbytes: int
    ) -> None:
        self.inner.copy(destination, destination_offset, source, source_offset, nbytes)

    def synchronize(self, index: int) -> None:
        self.inner.synchronize(index)

    def resolve(self, index: int, key: OpKey) -> Kernel | None:
        return self.inner.resolve(index, key)

    def export(self, buffer: Buffer) -> Any:
        return self.inner.export(buffer)

    def wrap(self, index: int, foreign: Any) -> Buffer | None:
        return self.inner.wrap(index, foreign)

    def pin(self, index: int, nbytes: int) -> Any:
        return self.inner.pin(index, nbytes)

    def write_pinned(self, buffer: Buffer, offset: int, data: Any) -> bool:
        return self.inner.write_pinned(buffer, offset, data)

    def read_pinned(self, buffer: Buffer, offset: int, data: Any) -> bool:
        return self.inner.read_pinned(buffer, offset, data)

    def copy_across(
        self, destination: Buffer, destination_offset: int, source: Buffer, source_offset: int, nbytes: int
    ) -> bool:
        return self.inner.copy_across(destination, destination_offset, source, source_offset, nbytes)

    def place(self, buffer: Buffer) -> tuple[int, int, int] | None:
        return self.inner.place(buffer)

    def adopt(self, index: int, address: int, nbytes: int, owner: object) -> Buffer | None:
        return self.inner.adopt(index, address, nbytes, owner)

    def stream(self, index: int) -> int:
        return self.inner.stream(index)

    def precede(self, index: int, stream: int) -> None:
        self.inner.precede(index, stream)

    def follow(self, index: int, stream: int) -> None:
        self.inner.follow(index, stream)
