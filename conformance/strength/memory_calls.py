"""Bugs in the memory calls: offsets, lengths, and blocks that are not apart."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, final

import numpy as np

from hotplug.conformance.strength.mutant import Operator
from hotplug.conformance.strength.planting import Bare, NDArray


class Range(NamedTuple):
    """The bytes that a call is about."""

    offset: int
    nbytes: int


Wrong = Callable[[Range], Range]
"""What a buggy call is about instead."""


def start_ignored(given: Range) -> Range:
    """The offset is taken for 0."""
    return Range(0, given.nbytes)


def start_at_words(given: Range) -> Range:
    """The offset is rounded down to words of 4 bytes."""
    return Range(given.offset // 4 * 4, given.nbytes)


def start_at_lines(given: Range) -> Range:
    """The offset is rounded down to 64 bytes."""
    return Range(given.offset // 64 * 64, given.nbytes)


def start_one_late(given: Range) -> Range:
    """The offset is one too large, the end stays."""
    return Range(given.offset + (given.nbytes > 1), given.nbytes - (given.nbytes > 1))


def last_byte_lost(given: Range) -> Range:
    """The last byte of several is left out."""
    return Range(given.offset, given.nbytes - (given.nbytes > 1))


def last_word_lost(given: Range) -> Range:
    """What is left over of words of 4 bytes is left out."""
    return Range(given.offset, given.nbytes - given.nbytes % 4 if given.nbytes > 4 else given.nbytes)


def last_line_lost(given: Range) -> Range:
    """What is left over of 16 bytes is left out."""
    return Range(given.offset, given.nbytes - given.nbytes % 16 if given.nbytes > 16 else given.nbytes)


def short_beyond_a_page(given: Range) -> Range:
    """Of more than 4096 bytes only 4096 are moved."""
    return Range(given.offset, min(given.nbytes, 4096))


def short_beyond_64_kib(given: Range) -> Range:
    """Of more than 65536 bytes only 65536 are moved: a length of 16 bits."""
    return Range(given.offset, min(given.nbytes, 65536))


def short_beyond_a_mebibyte(given: Range) -> Range:
    """Of more than a mebibyte only that is moved: a staging buffer that is filled once."""
    return Range(given.offset, min(given.nbytes, 1 << 20))


def start_of_16_bits(given: Range) -> Range:
    """Of the offset the lower 16 bits are used."""
    return Range(given.offset & 0xFFFF, given.nbytes)


RANGES: Final[tuple[Wrong, ...]] = (
    start_ignored, start_at_words, start_at_lines, start_one_late, last_byte_lost, last_word_lost, last_line_lost,
    short_beyond_a_page, short_beyond_64_kib, short_beyond_a_mebibyte, start_of_16_bits,
)  # fmt: skip
CALLS: Final = ("write", "read", "copy-source", "copy-destination")


@final
class Ranged(Bare):
    """A device that mistakes the range of one call."""

    def __init__(self, wrong: Wrong, call: str) -> None:
        self._wrong = wrong
        self._call = call

    def write(self, buffer: NDArray, offset: int, data: memoryview) -> None:
        start, count = offset, data.nbytes
        if self._call == "write":
            start, count = self._wrong(Range(offset, data.nbytes))
        skipped = start - offset if start > offset else 0
        super().write(buffer, start, memoryview(bytes(data)[skipped : skipped + count]))

    def read(self, buffer: NDArray, offset: int, nbytes: int) -> Any:
        if self._call != "read":
            return super().read(buffer, offset, nbytes)
        start, count = self._wrong(Range(offset, nbytes))
        found = bytearray(nbytes)
        skipped = max(start - offset, 0)
        found[skipped : skipped + count] = super().read(buffer, start, count)
        return memoryview(found)

    def copy(
        self, destination: NDArray, destination_offset: int, source: NDArray, source_offset: int, nbytes: int
    ) -> None:
        start, goal, count = source_offset, destination_offset, nbytes
        if self._call == "copy-source":
            start, count = self._wrong(Range(source_offset, nbytes))
        if self._call == "copy-destination":
            goal, count = self._wrong(Range(destination_offset, nbytes))
        super().copy(destination, goal, source, start, count)


class WriteGoesOn(Bare):
    """A write clears the byte behind its last."""

    def write(self, buffer: NDArray, offset: int, data: memoryview) -> None:
        super().write(buffer, offset, data)
        buffer[offset + data.nbytes : offset + data.nbytes + 1] = 0


class WriteClearsTheWord(Bare):
    """A write clears what is left of its last word of 4 bytes."""

    def write(self, buffer: NDArray, offset: int, data: memoryview) -> None:
        end = offset + data.nbytes
        super().write(buffer, offset, data)
        buffer[end : -(-end // 4) * 4] = 0


class CopyGoesOn(Bare):
    """A copy moves one byte more where there is one."""

    def copy(
        self, destination: NDArray, destination_offset: int, source: NDArray, source_offset: int, nbytes: int
    ) -> None:
        room = min(destination.size - destination_offset, source.size - source_offset)
        super().copy(destination, destination_offset, source, source_offset, min(nbytes + 1, room))


class CopyMoves(Bare):
    """A copy clears its source."""

    def copy(
        self, destination: NDArray, destination_offset: int, source: NDArray, source_offset: int, nbytes: int
    ) -> None:
        super().copy(destination, destination_offset, source, source_offset, nbytes)
        source[source_offset : source_offset + nbytes] = 0


class CopyTurnedRound(Bare):
    """A copy writes its source."""

    def copy(
        self, destination: NDArray, destination_offset: int, source: NDArray, source_offset: int, nbytes: int
    ) -> None:
        super().copy(source, source_offset, destination, destination_offset, nbytes)


class CopyOffsetsExchanged(Bare):
    """The two offsets of a copy are exchanged where there is room."""

    def copy(
        self, destination: NDArray, destination_offset: int, source: NDArray, source_offset: int, nbytes: int
    ) -> None:
        fits = source_offset + nbytes <= destination.size and destination_offset + nbytes <= source.size
        goal, start = (source_offset, destination_offset) if fits else (destination_offset, source_offset)
        super().copy(destination, goal, source, start, nbytes)


class CopyOfTheWhole(Bare):
    """A copy moves all of a buffer of the same size."""

    def copy(
        self, destination: NDArray, destination_offset: int, source: NDArray, source_offset: int, nbytes: int
    ) -> None:
        if destination.size == source.size:
            destination[...] = source
        else:
            super().copy(destination, destination_offset, source, source_offset, nbytes)


class ReadRemembers(Bare):
    """A read of the same range of one buffer gives what it gave before: a cache that writes don't clear."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, int, int], bytes] = {}
        self._kept: list[NDArray] = []

    def read(self, buffer: NDArray, offset: int, nbytes: int) -> Any:
        key = (id(buffer), offset, nbytes)
        if key not in self._found:
            self._kept.append(buffer)
            self._found[key] = bytes(super().read(buffer, offset, nbytes))
        return self._found[key]


class ReadOneMore(Bare):
    """A read gives one byte more where there is one."""

    def read(self, buffer: NDArray, offset: int, nbytes: int) -> Any:
        return super().read(buffer, offset, min(nbytes + 1, buffer.size - offset))


class ReadsWords(Bare):
    """A read gives whole words of 4 bytes."""

    def read(self, buffer: NDArray, offset: int, nbytes: int) -> Any:
        return super().read(buffer, offset, min(-(-nbytes // 4) * 4, buffer.size - offset))


class FreeHitsTheNext(Bare):
    """A free clears the block that was allocated last."""

    _last: NDArray | None = None

    def allocate(self, index: int, nbytes: int) -> NDArray:
        self._last = super().allocate(index, nbytes)
        return self._last

    def free(self, buffer: NDArray) -> None:
        if self._last is not None:
            self._last[...] = 0


class Arena(Bare):
    """Blocks of one large piece of memory, of sizes that each subclass gets wrong; a ring, so that it never ends."""

    def __init__(self) -> None:
        self._memory = np.zeros(64 << 20, np.uint8)
        self._next = 0

    def taken(self, nbytes: int) -> int:
        """How far the next block lies behind this one."""
        return -(-nbytes // 256) * 256

    def allocate(self, index: int, nbytes: int) -> NDArray:
        if nbytes > self._memory.size:
            return super().allocate(index, nbytes)
        if self._next + nbytes > self._memory.size:
            self._next = 0
        block = self._memory[self._next : self._next + nbytes]
        self._next += self.taken(nbytes)
        return block


class BlocksOverlapByAByte(Arena):
    """Blocks overlap by one byte."""

    def taken(self, nbytes: int) -> int:
        return max(nbytes - 1, 1)


class BlocksOfWholeLines(Arena):
    """The size of a block is rounded down to 64 bytes."""

    def taken(self, nbytes: int) -> int:
        return max(nbytes // 64 * 64, 64)


class BlocksOfLimitedSize(Arena):
    """Blocks of more than 64 KiB take 64 KiB."""

    def taken(self, nbytes: int) -> int:
        return min(super().taken(nbytes), 1 << 16)


class TheSameBlockAgain(Bare):
    """Every hundredth allocation gives the block before once more, where it is as large."""

    def __init__(self) -> None:
        self._count = 0
        self._last: NDArray | None = None

    def allocate(self, index: int, nbytes: int) -> NDArray:
        self._count += 1
        if self._count % 100 == 0 and self._last is not None and self._last.size == nbytes:
            return self._last
        self._last = super().allocate(index, nbytes)
        return self._last


class NeverGivenBack(Bare):
    """Freed memory is kept by the backend."""

    def __init__(self) -> None:
        self._kept: list[NDArray] = []

    def free(self, buffer: NDArray) -> None:
        self._kept.append(buffer)


class ExportCopies(Bare):
    """An export is a copy."""

    def export(self, buffer: NDArray) -> NDArray:
        return buffer.copy()


class ExportIsShort(Bare):
    """An export of several bytes lacks the last."""

    def export(self, buffer: NDArray) -> NDArray:
        return buffer[: max(buffer.size - 1, 1)]


class WrapCopies(Bare):
    """Foreign memory is copied although a buffer that shares it is returned."""

    def wrap(self, index: int, foreign: Any) -> NDArray | None:
        found = super().wrap(index, foreign)
        return None if found is None else found.copy()


BUGS: Final[tuple[tuple[str, type[Bare]], ...]] = (
    ("write past the end", WriteGoesOn), ("write past the end", WriteClearsTheWord), ("write past the end", CopyGoesOn),
    ("stale output", CopyMoves), ("swapped operands", CopyTurnedRound), ("swapped operands", CopyOffsetsExchanged),
    ("ignored stride or offset", CopyOfTheWhole), ("stale output", ReadRemembers),
    ("write past the end", ReadOneMore), ("write past the end", ReadsWords), ("leaked buffer", FreeHitsTheNext),
    ("write past the end", BlocksOverlapByAByte), ("write past the end", BlocksOfWholeLines),
    ("write past the end", BlocksOfLimitedSize), ("leaked buffer", TheSameBlockAgain), ("leaked buffer", NeverGivenBack),
    ("stale output", ExportCopies), ("off-by-one tail", ExportIsShort), ("stale output", WrapCopies),
)  # fmt: skip


def _ranged(wrong: Wrong, call: str) -> Ranged:
    return Ranged(wrong, call)


def _made(kind: type[Bare], _: str) -> Bare:
    return kind()


def _words(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")


def operators() -> Iterator[Operator]:
    """All of this module."""
    for wrong in RANGES:
        kind = "ignored stride or offset" if "start" in wrong.__name__ else "off-by-one tail"
        yield Operator(
            f"{wrong.__name__.replace('_', '-')}/memory", kind, "memory", (wrong.__doc__ or "").strip(), ("memory",), CALLS,
            functools.partial(_ranged, wrong),
        )  # fmt: skip
    for kind, made in BUGS:
        yield Operator(
            f"{_words(made.__name__)}/memory", kind, "memory", (made.__doc__ or "").strip(), ("memory",), ("all",),
            functools.partial(_made, made),
        )  # fmt: skip
