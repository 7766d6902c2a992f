"""The caching allocator and its statistics."""

from __future__ import annotations

import threading
from typing import Any, final

import pytest
from fake_backend import FakeBackend
from hypothesis import given, strategies as st

import hotplug as hp
from hotplug.backend import Kernel, OpKey
from hotplug.backends.numpy.memory import HostBackend
from hotplug.errors import OutOfMemoryError
from hotplug.memory import size_class
from hotplug.runtime import Runtime


@given(st.integers(0, 1 << 40))
def test_size_classes_waste_at_most_an_eighth(nbytes: int) -> None:
    block = size_class(nbytes)
    assert block >= max(nbytes, 1)
    assert block % 256 == 0
    assert block - nbytes <= max(256, nbytes / 8)


def test_blocks_are_handed_out_again() -> None:
    runtime = Runtime(FakeBackend("fake"), 0)
    first = runtime.allocate(1000)
    buffer = first.buffer
    del first
    assert runtime.allocate(900).buffer is buffer
    figures = runtime.allocator.statistics()
    assert figures["backend_requests"] == 1
    assert figures["allocated"] == 0
    assert figures["max_allocated"] == 1024
    assert figures["reserved"] == 1024


def test_empty_cache_gives_memory_back() -> None:
    runtime = Runtime(FakeBackend("fake"), 0)
    held, dropped = runtime.allocate(256), runtime.allocate(512)
    del dropped
    runtime.allocator.empty_cache()
    assert runtime.allocator.statistics()["reserved"] == 256
    assert held.nbytes == 256


@final
class Small(HostBackend):
    """A device of 4096 bytes."""

    name = "small"

    def __init__(self) -> None:
        self.left = 4096

    def allocate(self, index: int, nbytes: int) -> Any:
        if nbytes > self.left:
            raise MemoryError
        self.left -= nbytes
        return super().allocate(index, nbytes)

    def free(self, buffer: Any) -> None:
        self.left += len(buffer)

    def resolve(self, index: int, key: OpKey) -> Kernel | None:
        return None


def small() -> Runtime:
    return Runtime(Small(), 0)


def test_the_cache_is_flushed_before_memory_runs_out() -> None:
    runtime = small()
    blocks = [runtime.allocate(1024) for _ in range(4)]
    blocks.clear()
    assert runtime.allocate(4096).nbytes == 4096


def test_out_of_memory_says_what_was_asked_for() -> None:
    runtime = small()
    held = runtime.allocate(2048)
    with pytest.raises(OutOfMemoryError, match=r"small:0 is out of memory: 4.0 KiB were asked for, 2.0 KiB are in use"):
        runtime.allocate(4096)
    assert held.nbytes == 2048
    assert runtime.allocate(2048).nbytes == 2048


def test_absurd_sizes_are_out_of_memory() -> None:
    for size in (1 << 50, 1 << 61, 1 << 62):  # the last are more bytes than an address has
        with pytest.raises(RuntimeError, match="out of memory"):
            hp.empty(size)
    assert hp.ones(3).sum().item() == 3


def test_threads_leak_nothing() -> None:
    before = hp.memory_allocated("cpu")

    def work() -> None:
        for size in range(1, 200):
            (hp.ones(size) * 2 + 1).sum()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert hp.memory_allocated("cpu") == before


def test_a_summary_is_readable() -> None:
    lines = hp.memory_summary("cpu").splitlines()
    assert lines[0] == "memory of cpu:0"
    assert any(line.startswith("max allocated") for line in lines)
