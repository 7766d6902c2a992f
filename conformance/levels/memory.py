"""Level 0: memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hotplug import dispatch, dtypes, host
from hotplug.conformance.case import Bench, Case, CaseFailedError
from hotplug.conformance.draw import Draw
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


_CASES: tuple[tuple[str, Callable[[Bench], float]], ...] = (
    ("roundtrip", roundtrip),
    ("offsets", offsets),
    ("copies", copies),
    ("many_buffers", many_buffers),
    ("write_returns_its_source", write_returns_its_source),
    ("empty_tensors", empty_tensors),
    ("order", order),
)


def cases() -> Iterator[Case]:
    """All of level 0."""
    for name, run in _CASES:
        yield Case(0, "memory", "", name, run)
