"""Bugs of an asynchronous device, simulated: what waits for what, errors that come later, memory that ends."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from hotplug.backend import Array, Capabilities, DeviceInfo, Kernel, OpKey
from hotplug.backends.numpy import families
from hotplug.backends.numpy.memory import ndarray
from hotplug.backends.numpy.quiet import quiet
from hotplug.conformance.strength.mutant import Operator
from hotplug.conformance.strength.planting import Bare, NDArray
from hotplug.errors import IndexRangeError

MEMORY: Final = 256 << 20
"""Bytes that the simulated device has."""
_FREED: Final = 0xDD


class Queued(Bare):
    """A correct device with one queue: kernels, writes, copies and frees wait in it until a read or a synchronize."""

    def __init__(self) -> None:
        self.queue: list[tuple[str, Callable[[], None]]] = []
        self.live = 0
        self.error: IndexRangeError | None = None

    def devices(self) -> Sequence[DeviceInfo]:
        return [DeviceInfo(0, "a simulated device", MEMORY)]

    def capabilities(self, index: int) -> Capabilities:
        return Capabilities(asynchronous=True)

    def allocate(self, index: int, nbytes: int) -> NDArray:
        if self.live + nbytes > MEMORY:
            self.flush()  # frees wait in the queue too
        if self.live + nbytes > MEMORY:
            raise MemoryError(f"{nbytes} bytes asked for, {MEMORY - self.live} left")
        self.live += nbytes
        return super().allocate(index, nbytes)

    def free(self, buffer: NDArray) -> None:
        self.add("free", lambda: self.released(buffer))

    def released(self, buffer: NDArray) -> None:
        """The memory is somebody else's from here on."""
        buffer[...] = _FREED
        self.live -= buffer.size

    def write(self, buffer: NDArray, offset: int, data: memoryview) -> None:
        kept = bytes(data)
        self.add("write", lambda: Bare.write(self, buffer, offset, memoryview(kept)))

    def read(self, buffer: NDArray, offset: int, nbytes: int) -> memoryview:
        self.wait()
        return memoryview(bytes(super().read(buffer, offset, nbytes)))

    def copy(
        self, destination: NDArray, destination_offset: int, source: NDArray, source_offset: int, nbytes: int
    ) -> None:
        self.add("copy", lambda: Bare.copy(self, destination, destination_offset, source, source_offset, nbytes))

    def synchronize(self, index: int) -> None:
        self.wait()

    def export(self, buffer: NDArray) -> Any:
        return None

    def wrap(self, index: int, foreign: Any) -> NDArray | None:
        return None

    def resolve(self, index: int, key: OpKey) -> Kernel | None:
        if key.name not in families.FAMILIES:
            return None
        body = families.FAMILIES[key.name](key)

        def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
            operands = [ndarray(each) for each in outs], [ndarray(each) for each in inputs]
            run = quiet(lambda o, i, s: body(*operands, s))
            self.add("kernel", lambda: run(outs[:0], inputs[:0], scalars))

        return kernel

    def add(self, what: str, work: Callable[[], None]) -> None:
        """Queue a piece of work."""
        self.queue.append((what, work))

    def wait(self) -> None:
        """Do all that waits, and raise what went wrong in it."""
        self.flush()
        error, self.error = self.error, None
        if error is not None:
            raise error

    def flush(self) -> None:
        """Do all that waits, in order."""
        queue, self.queue = self.queue, []
        for _, work in self.ordered(queue):
            try:
                work()
            except IndexRangeError as error:
                self.error = error

    def ordered(self, queue: list[tuple[str, Callable[[], None]]]) -> list[tuple[str, Callable[[], None]]]:
        """In the order in which it was asked for."""
        return queue


Work = list[tuple[str, Callable[[], None]]]


class ReadAtOnce(Queued):
    """A read does not wait."""

    def read(self, buffer: NDArray, offset: int, nbytes: int) -> memoryview:
        return memoryview(bytes(Bare.read(self, buffer, offset, nbytes)))


class ReadBeforeTheLast(Queued):
    """A read waits for all but what was queued last."""

    def read(self, buffer: NDArray, offset: int, nbytes: int) -> memoryview:
        last = self.queue[-1:]
        del self.queue[-1:]
        self.wait()
        self.queue += last
        return memoryview(bytes(Bare.read(self, buffer, offset, nbytes)))


class SmallReadAtOnce(Queued):
    """A read of up to 64 bytes does not wait."""

    def read(self, buffer: NDArray, offset: int, nbytes: int) -> memoryview:
        found = Bare if nbytes <= 64 else Queued
        return memoryview(bytes(found.read(self, buffer, offset, nbytes)))


class WriteAtOnce(Queued):
    """A write overtakes what is queued."""

    def write(self, buffer: NDArray, offset: int, data: memoryview) -> None:
        Bare.write(self, buffer, offset, data)


class WriteKeepsItsSource(Queued):
    """A write reads the caller's memory when its turn comes."""

    def write(self, buffer: NDArray, offset: int, data: memoryview) -> None:
        self.add("write", lambda: Bare.write(self, buffer, offset, data))


class CopyAtOnce(Queued):
    """A copy overtakes what is queued."""

    def copy(
        self, destination: NDArray, destination_offset: int, source: NDArray, source_offset: int, nbytes: int
    ) -> None:
        Bare.copy(self, destination, destination_offset, source, source_offset, nbytes)


class KernelAtOnce(Queued):
    """Kernels overtake writes and copies."""

    def add(self, what: str, work: Callable[[], None]) -> None:
        if what == "kernel":
            try:
                work()
            except IndexRangeError as error:
                self.error = error
        else:
            super().add(what, work)


class CopiesLast(Queued):
    """Copies have a queue of their own, which is worked off after the other."""

    def ordered(self, queue: Work) -> Work:
        return [each for each in queue if each[0] != "copy"] + [each for each in queue if each[0] == "copy"]


class WritesFirst(Queued):
    """Writes have a queue of their own, which is worked off before the other."""

    def ordered(self, queue: Work) -> Work:
        return [each for each in queue if each[0] == "write"] + [each for each in queue if each[0] != "write"]


class LastTwoExchanged(Queued):
    """The last two pieces of work are done in the other order: two queues, and no event between them."""

    def ordered(self, queue: Work) -> Work:
        return queue[:-2] + queue[-2:][::-1]


class FreedAtOnce(Queued):
    """Freed memory is reused while queued work still reads it."""

    def free(self, buffer: NDArray) -> None:
        self.released(buffer)


class NeverFreed(Queued):
    """Freed memory stays taken."""

    def free(self, buffer: NDArray) -> None:
        """Forgotten."""


class HalfFreed(Queued):
    """Every second free is forgotten."""

    count = 0

    def free(self, buffer: NDArray) -> None:
        self.count += 1
        if self.count % 2:
            super().free(buffer)


class LargeNeverFreed(Queued):
    """Blocks of a mebibyte and more stay taken."""

    def free(self, buffer: NDArray) -> None:
        if buffer.size < 1 << 20:
            super().free(buffer)


class ErrorForgotten(Queued):
    """What goes wrong in a queued kernel is never told."""

    def wait(self) -> None:
        self.flush()
        self.error = None


class ErrorForEver(Queued):
    """What went wrong once is raised by every read."""

    def wait(self) -> None:
        self.flush()
        if self.error is not None:
            raise self.error


class ErrorOneReadLate(Queued):
    """What went wrong is raised by the read after the next."""

    late: IndexRangeError | None = None

    def wait(self) -> None:
        self.flush()
        error, self.late, self.error = self.late, self.error, None
        if error is not None:
            raise error


class SynchronizeForgetsErrors(Queued):
    """Synchronize waits, and drops what went wrong."""

    def synchronize(self, index: int) -> None:
        self.flush()
        self.error = None


class SynchronizeDoesNothing(Queued):
    """Synchronize returns at once."""

    def synchronize(self, index: int) -> None:
        """Forgotten."""


class WorkDroppedAfterAnError(Queued):
    """What was queued behind a kernel that went wrong is never done."""

    def flush(self) -> None:
        queue, self.queue = self.queue, []
        for _, work in queue:
            try:
                work()
            except IndexRangeError as error:
                self.error = error
                return


class NothingWhereMemoryEnds(Queued):
    """Where memory ends, a block that overlaps others is given out."""

    def allocate(self, index: int, nbytes: int) -> NDArray:
        try:
            return super().allocate(index, nbytes)
        except MemoryError:
            return Bare.allocate(self, index, min(nbytes, 1 << 20))


class StrangeErrorWhereMemoryEnds(Queued):
    """Where memory ends, an error is raised that the core does not know."""

    def allocate(self, index: int, nbytes: int) -> NDArray:
        try:
            return super().allocate(index, nbytes)
        except MemoryError as error:
            raise KeyError(str(error)) from error


class LostWhereMemoryEnds(Queued):
    """A request that fails is counted as taken."""

    def allocate(self, index: int, nbytes: int) -> NDArray:
        try:
            return super().allocate(index, nbytes)
        except MemoryError:
            self.live = MEMORY
            raise


BUGS: Final[tuple[tuple[str, type[Queued]], ...]] = (
    ("unsynchronised read", ReadAtOnce), ("unsynchronised read", ReadBeforeTheLast), ("unsynchronised read", SmallReadAtOnce),
    ("wrong order of queued work", WriteAtOnce), ("wrong order of queued work", WriteKeepsItsSource),
    ("wrong order of queued work", CopyAtOnce), ("wrong order of queued work", KernelAtOnce),
    ("wrong order of queued work", CopiesLast), ("wrong order of queued work", WritesFirst),
    ("wrong order of queued work", LastTwoExchanged), ("wrong order of queued work", FreedAtOnce),
    ("leaked buffer", NeverFreed), ("leaked buffer", HalfFreed), ("leaked buffer", LargeNeverFreed),
    ("wrong error", ErrorForgotten), ("wrong error", ErrorForEver), ("wrong error", ErrorOneReadLate),
    ("wrong error", SynchronizeForgetsErrors), ("unsynchronised read", SynchronizeDoesNothing),
    ("wrong error", WorkDroppedAfterAnError), ("wrong error", NothingWhereMemoryEnds),
    ("wrong error", StrangeErrorWhereMemoryEnds), ("wrong error", LostWhereMemoryEnds),
)  # fmt: skip


def _made(kind: type[Queued], _: str) -> Queued:
    return kind()


def _words(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")


def operators() -> Iterator[Operator]:
    """All of this module."""
    for kind, made in BUGS:
        yield Operator(
            f"{_words(made.__name__)}/queue", kind, "memory", (made.__doc__ or "").strip(), ("memory", "gather", "scatter"),
            ("all",), functools.partial(_made, made),
        )  # fmt: skip
