"""Level 0: memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np

from hotplug import dispatch, dtypes, host
from hotplug.array import Array, Storage
from hotplug.conformance.case import Bench, Case, CaseFailedError
from hotplug.conformance.draw import Draw
from hotplug.errors import OutOfMemoryError
from hotplug.layout import layout_of


def _bytes(key: str, count: int) -> bytes:
    return (Draw(key, "f").uniform(count) * 256).astype("uint8").tobytes()


def _expect(what: str, found: object, expected: bytes) -> None:
    got = bytes(found)  # type: ignore[call-overload]
    if got != expected:
        raise CaseFailedError(f"{what}: expected {expected[:16].hex()}..., got {got[:16].hex()}... ({len(got)} bytes)")


def roundtrip(bench: Bench) -> float:
    """What is written is read, for odd and even sizes."""
    backend, index = bench.runtime.backend, bench.runtime.index
    for size in (1, 3, 4, 255, 256, 257, 4096, 100_003):
        buffer = backend.allocate(index, size)
        data = _bytes(f"roundtrip{size}", size)
        backend.write(buffer, 0, memoryview(data))
        _expect(f"read after write of {size} bytes", backend.read(buffer, 0, size), data)
        backend.free(buffer)
    return 0.0


def offsets(bench: Bench) -> float:
    """Reads and writes at byte offsets touch their range only."""
    backend = bench.runtime.backend
    buffer = backend.allocate(bench.runtime.index, 1024)
    model = bytearray(_bytes("offsets", 1024))
    backend.write(buffer, 0, memoryview(bytes(model)))
    for offset, size in ((0, 1), (1, 7), (13, 100), (256, 256), (511, 2), (1023, 1), (1000, 24)):
        data = _bytes(f"part{offset}", size)
        backend.write(buffer, offset, memoryview(data))
        model[offset : offset + size] = data
        _expect(f"read of {size} bytes at {offset}", backend.read(buffer, offset, size), data)
    _expect("read of all", backend.read(buffer, 0, 1024), bytes(model))
    backend.free(buffer)
    return 0.0


def copies(bench: Bench) -> float:
    """Copies between buffers, with offsets, and of a buffer as a whole."""
    backend, index = bench.runtime.backend, bench.runtime.index
    first, second = backend.allocate(index, 512), backend.allocate(index, 512)
    one, two = bytearray(_bytes("one", 512)), bytearray(_bytes("two", 512))
    backend.write(first, 0, memoryview(bytes(one)))
    backend.write(second, 0, memoryview(bytes(two)))
    for goal, start, size in ((0, 0, 512), (5, 9, 100), (500, 0, 12), (0, 511, 1)):
        backend.copy(second, goal, first, start, size)
        two[goal : goal + size] = one[start : start + size]
        _expect(f"copy of {size} bytes from {start} to {goal}", backend.read(second, 0, 512), bytes(two))
    _expect("source of copies", backend.read(first, 0, 512), bytes(one))
    backend.write(first, 0, memoryview(bytes(512)))
    _expect("copy after its source changed", backend.read(second, 0, 512), bytes(two))
    backend.free(first)
    backend.free(second)
    return 0.0


def many_buffers(bench: Bench) -> float:
    """Buffers do not overlap, and freeing one leaves the others."""
    backend, index = bench.runtime.backend, bench.runtime.index
    data = [_bytes(f"buffer{i}", 300) for i in range(200)]
    buffers = []
    for each in data:
        buffers.append(backend.allocate(index, 300))
        backend.write(buffers[-1], 0, memoryview(each))
    for i in range(0, 200, 2):
        backend.free(buffers[i])
    fresh = [backend.allocate(index, 300) for _ in range(100)]
    for buffer in fresh:
        backend.write(buffer, 0, memoryview(bytes(300)))
    for i in range(1, 200, 2):
        _expect(f"buffer {i} of 200", backend.read(buffers[i], 0, 300), data[i])
        backend.free(buffers[i])
    for buffer in fresh:
        backend.free(buffer)
    return 0.0


def large(bench: Bench) -> float:
    """Some mebibytes at odd offsets and of odd lengths: in pieces, if a device moves them so, but all of them."""
    backend, index = bench.runtime.backend, bench.runtime.index
    size, start, goal = (3 << 20) + 13, 70_003, 5
    first, second = backend.allocate(index, size), backend.allocate(index, size)
    data = _bytes("large", 1 << 18) * 13
    backend.write(first, 0, memoryview(data[:size]))
    backend.write(second, 0, memoryview(bytes(size)))
    _expect("read of all", backend.read(first, 0, size), data[:size])
    count = size - start - 1
    backend.copy(second, goal, first, start, count)
    model = bytes(goal) + data[start : start + count] + bytes(size - goal - count)
    _expect(f"copy of {count} bytes", backend.read(second, 0, size), model)
    backend.copy(second, start + 4, first, 9, 300)
    _expect("copy of 300 bytes far behind", backend.read(second, start + 4, 300), data[9:309])
    backend.write(second, start, memoryview(data[:count]))
    _expect(f"read of {count} bytes at {start}", backend.read(second, start, count), data[:count])
    _expect(f"what lies before {start}", backend.read(second, 0, start), model[:start])
    for each in (7, 10, 21, 1027, 4099):
        backend.copy(second, 1, first, 3, each)
        _expect(f"copy of {each} bytes", backend.read(second, 0, each + 1), model[:1] + data[3 : 3 + each])
    backend.free(first)
    backend.free(second)
    return 0.0


def exhausted(bench: Bench) -> float:
    """More memory than there is raises an error at once, and nothing else: the device goes on."""
    if bench.runtime.capabilities.functional:  # its kernels make the memory, not this call
        return 0.0
    backend, index = bench.runtime.backend, bench.runtime.index
    for size in (1 << 50, 1 << 55):
        try:
            backend.allocate(index, size)
        except (MemoryError, OutOfMemoryError):
            continue
        raise CaseFailedError(f"allocate of {size >> 40} TiB returned; expected a MemoryError")
    buffer, data = backend.allocate(index, 5000), _bytes("exhausted", 5000)
    backend.write(buffer, 0, memoryview(data))
    _expect("read after a request for too much", backend.read(buffer, 0, 5000), data)
    backend.free(buffer)
    return 0.0


_ROUNDS: Final = 48
_BLOCK: Final = 12 << 20
_PAGES: Final = Path("/proc/self/statm")


def resident() -> int:
    """Bytes of memory that the process holds; 0 where the system does not say."""
    return int(_PAGES.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if _PAGES.exists() else 0


def given_back(bench: Bench) -> float:
    """Freed memory can be had again: half a gibibyte, a block at a time, on a device or a host that has that much."""
    backend, index = bench.runtime.backend, bench.runtime.index
    data = memoryview(bytes(_BLOCK))
    before = resident()
    for _ in range(_ROUNDS):
        try:
            buffer = backend.allocate(index, _BLOCK)
        except (MemoryError, OutOfMemoryError) as error:
            raise CaseFailedError(f"memory ran out though every block was freed: {error}") from error
        backend.write(buffer, 0, data)
        backend.free(buffer)
        del buffer
    backend.synchronize(index)
    grown = resident() - before
    if grown > _ROUNDS * _BLOCK // 2:
        raise CaseFailedError(
            f"{_ROUNDS} blocks of {_BLOCK >> 20} MiB were taken and freed one after another, and the process holds "
            f"{grown >> 20} MiB more than before: free gives nothing back"
        )
    return 0.0


def shared(bench: Bench) -> float:
    """What a device exports is its memory itself; so is what it wraps."""
    backend, index = bench.runtime.backend, bench.runtime.index
    data = _bytes("shared", 777)
    buffer = backend.allocate(index, 777)
    seen = backend.export(buffer)
    if seen is not None:
        backend.write(buffer, 0, memoryview(data))
        _expect("an export made before a write", seen.tobytes()[:777], data)
        seen[5:9] = 0
        _expect("a write through an export", backend.read(buffer, 0, 777), data[:5] + bytes(4) + data[9:])
    backend.free(buffer)
    foreign = np.zeros(1024, np.uint8)
    foreign = foreign[-foreign.ctypes.data % 256 :][:512]
    wrapped = backend.wrap(index, foreign)
    if wrapped is not None:
        foreign[:] = np.frombuffer(data[:512], np.uint8)
        _expect("foreign memory that changed", backend.read(wrapped, 0, 512), data[:512])
        backend.write(wrapped, 7, memoryview(bytes(3)))
        _expect("foreign memory after a write", foreign.tobytes(), data[:7] + bytes(3) + data[10:512])
    return 0.0


def write_returns_its_source(bench: Bench) -> float:
    """The host memory of a write may be reused as soon as the call returns."""
    backend = bench.runtime.backend
    buffer = backend.allocate(bench.runtime.index, 1 << 16)
    data = bytearray(_bytes("source", 1 << 16))
    expected = bytes(data)
    backend.write(buffer, 0, memoryview(data))
    data[:] = bytes(1 << 16)
    _expect("write whose source was overwritten after it", backend.read(buffer, 0, 1 << 16), expected)
    backend.free(buffer)
    return 0.0


def empty_tensors(bench: Bench) -> float:
    """Tensors of 0 bytes exist, and every host read of them is empty."""
    runtime = bench.runtime
    for shape in ((0,), (2, 0, 3)):
        array = runtime.empty(layout_of(dtypes.float32, shape))
        dispatch.fill_literal(array, 1)
        if host.to_host(array, "conformance").shape != shape:
            raise CaseFailedError(f"a tensor of shape {list(shape)} came back with another shape")
    return 0.0


def order(bench: Bench) -> float:
    """Writes, kernels, copies and reads of one buffer happen in the order in which they were asked for."""
    runtime = bench.runtime
    array = runtime.empty(layout_of(dtypes.int32, (64,)))
    other = runtime.empty(layout_of(dtypes.int32, (64,)))
    buffer, second = array.storage.buffer, other.storage.buffer
    for step in range(20):
        runtime.backend.write(buffer, 0, memoryview(bytes([step + 1]) * 256))
        dispatch.copy(array, other)
        dispatch.fill(array, step)
        _expect(f"kernel after write, step {step}", runtime.backend.read(second, 0, 256), bytes([step + 1]) * 256)
        _expect(f"fill, step {step}", runtime.backend.read(buffer, 0, 256), step.to_bytes(4, "little") * 64)
        runtime.backend.copy(second, 0, buffer, 0, 128)
        dispatch.fill(array, 77)
        found = runtime.backend.read(second, 0, 256)
        _expect(f"copy before fill, step {step}", found, step.to_bytes(4, "little") * 32 + bytes([step + 1]) * 128)
    runtime.backend.synchronize(runtime.index)
    return 0.0


def unread(bench: Bench) -> float:
    """Writes, kernels, copies and frees that nobody waits for keep their order too."""
    runtime, backend = bench.runtime, bench.runtime.backend
    if runtime.capabilities.functional:  # its buffers are cells, which only its own kernels make
        return 0.0
    kept = []
    for step in range(1, 6):
        source = Storage(runtime, backend.allocate(runtime.index, 256), 256, -1)
        array = Array(source, layout_of(dtypes.int32, (64,)))
        first, second = (runtime.empty(layout_of(dtypes.int32, (64,))) for _ in range(2))
        backend.write(source.buffer, 0, memoryview(bytes([step]) * 256))
        dispatch.copy(array, first)
        backend.write(source.buffer, 0, memoryview(bytes([step + 50]) * 256))
        if step % 2:  # what is written is there, and only the kernel waits when the memory is freed
            backend.synchronize(runtime.index)
        dispatch.copy(array, second)
        backend.free(source.buffer)
        again = backend.allocate(runtime.index, 256)
        backend.write(again, 0, memoryview(bytes([255]) * 256))
        kept.append((step, first, second, again))
    for step, first, second, again in kept:
        for value, array in ((step, first), (step + 50, second)):
            found = backend.read(array.storage.buffer, 0, 256)
            _expect(f"kernel between two writes, step {step}", found, bytes([value]) * 256)
        backend.free(again)
    return 0.0


_CASES: tuple[tuple[str, Callable[[Bench], float]], ...] = (
    ("roundtrip", roundtrip),
    ("offsets", offsets),
    ("copies", copies),
    ("many_buffers", many_buffers),
    ("write_returns_its_source", write_returns_its_source),
    ("empty_tensors", empty_tensors),
    ("order", order),
    ("unread", unread),
    ("large", large),
    ("exhausted", exhausted),
    ("given_back", given_back),
    ("shared", shared),
)


def cases() -> Iterator[Case]:
    """All of level 0."""
    for name, run in _CASES:
        yield Case(0, "memory", "", name, run)
