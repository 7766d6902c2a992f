"""Memory shared by DLPack and ``__cuda_array_interface__``, on the emulator's memory taken for a GPU's."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import hotplug as hp
from hotplug import interchange
from hotplug.backends.cuda.interop import from_cuda_array, shared
from hotplug.errors import ExchangeError
from hotplug.runtime import Runtime

DEVICE = "cuda-emulated:0"
CUDA = 2
ROCM = 10


class Streams:
    """What the device's queue is told about other streams."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []


@pytest.fixture
def streams(emulated: Runtime, monkeypatch: pytest.MonkeyPatch) -> Streams:
    """The emulated device as if it were GPU 0 of CUDA, with a stream of handle 77."""
    found, driver = Streams(), emulated.backend.device(0).driver  # type: ignore[attr-defined]
    monkeypatch.setattr(driver, "kind", (CUDA, 0))
    monkeypatch.setattr(driver, "stream", 77)
    monkeypatch.setattr(type(driver), "precede", lambda self, stream: found.calls.append(("precede", stream)))
    monkeypatch.setattr(type(driver), "follow", lambda self, stream: found.calls.append(("follow", stream)))
    return found


class Foreign:
    """An array of another library on GPU 0: a model of what PyTorch and CuPy show."""

    def __init__(self, values: np.ndarray[Any, Any]) -> None:
        self.values = values
        self.streams: list[Any] = []

    def __dlpack_device__(self) -> tuple[int, int]:
        return CUDA, 0

    def __dlpack__(self, *, stream: Any = None, max_version: Any = None) -> Any:
        self.streams.append(stream)
        capsule = self.values.__dlpack__(max_version=max_version)
        interchange._read(capsule).tensor.device.type = CUDA
        return capsule


def header(capsule: Any) -> Any:
    return interchange._read(capsule).tensor


@pytest.mark.parametrize("kind", [hp.float32, hp.float16, hp.bfloat16, hp.int64, hp.bool, hp.complex64])
def test_a_capsule_tells_where_the_memory_is(streams: Streams, kind: Any) -> None:
    x = hp.arange(12, device=DEVICE).to(kind).reshape(3, 4)[1:].T
    assert x.__dlpack_device__() == (CUDA, 0)
    given = header(x.__dlpack__(stream=5, max_version=(1, 0)))
    place = x._array.storage.buffer.address + x._array.offset * kind.itemsize
    assert given.data + given.byte_offset == place
    assert [given.shape[n] for n in range(given.ndim)] == [4, 2]
    assert [given.strides[n] for n in range(given.ndim)] == [1, 4]
    assert (given.device.type, given.device.id) == (CUDA, 0)
    assert interchange._dtype(given.dtype) is kind
    assert streams.calls == [("precede", 5)]


@pytest.mark.parametrize(("stream", "waiting"), [(None, [1]), (1, [1]), (2, [2]), (4321, [4321]), (-1, [])])
def test_the_stream_that_a_consumer_names_waits(streams: Streams, stream: Any, waiting: list[int]) -> None:
    hp.ones(3, device=DEVICE).__dlpack__(stream=stream)
    assert streams.calls == [("precede", each) for each in waiting]


def test_rocm_has_other_default_streams(streams: Streams, emulated: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = emulated.backend.device(0).driver  # type: ignore[attr-defined]
    monkeypatch.setattr(driver, "kind", (ROCM, 0))
    x = hp.ones(3, device=DEVICE)
    x.__dlpack__(stream=None)
    x.__dlpack__(stream=0)
    assert streams.calls == [("precede", 0), ("precede", 0)]
    with pytest.raises(ExchangeError, match="means nothing for ROCm"):
        x.__dlpack__(stream=1)


@pytest.mark.parametrize("stream", [0, -2, "1", 1.5, True])
def test_streams_that_cannot_be_meant(streams: Streams, stream: Any) -> None:
    with pytest.raises(ExchangeError, match="stream"):
        hp.ones(3, device=DEVICE).__dlpack__(stream=stream)
    assert not streams.calls


def test_a_capsule_keeps_the_memory(streams: Streams, emulated: Runtime) -> None:
    x = hp.ones(1000, device=DEVICE)
    storage = weakref.ref(x._array.storage)
    capsule = x.__dlpack__(stream=-1, max_version=(1, 0))
    del x
    gc.collect()
    assert storage() is not None
    again = hp.from_dlpack(capsule, device=DEVICE)
    del capsule
    gc.collect()
    assert again.sum().item() == 1000
    del again
    gc.collect()
    emulated.allocator.collect()
    assert storage() is None


def test_another_librarys_memory_is_shared(streams: Streams) -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    foreign = Foreign(values[::-1, 1:])
    x = hp.from_dlpack(foreign, device=DEVICE)
    assert foreign.streams == [77]  # the producer makes our queue wait
    assert x.tolist() == values[::-1, 1:].tolist()
    x += 100
    assert values[0, 1] == 101
    assert hp.from_dlpack(foreign, device=DEVICE, copy=True).add_(1).sum().item() != x.sum().item()
    assert values[0, 1] == 101


def test_another_librarys_memory_lives_as_long_as_the_tensor(streams: Streams, emulated: Runtime) -> None:
    foreign = Foreign(np.arange(5.0))
    values = weakref.ref(foreign.values)
    x = hp.from_dlpack(foreign, device=DEVICE)[2:]
    del foreign
    gc.collect()
    assert values() is not None
    assert x.tolist() == [2, 3, 4]
    del x
    gc.collect()
    emulated.allocator.collect()
    assert values() is None


def test_a_consumer_may_want_the_host(streams: Streams) -> None:
    x = hp.arange(4.0, device=DEVICE)
    assert np.from_dlpack(x, device="cpu").tolist() == [0, 1, 2, 3]
    with pytest.raises(ExchangeError, match="can't export to cuda"):
        x.__dlpack__(dl_device=(CUDA, 1))
    with pytest.raises(ExchangeError, match="requires? gradient"):
        x.requires_grad_().__dlpack__()


def test_an_emulated_device_says_that_its_memory_is_the_hosts(emulated: Runtime) -> None:
    x = hp.arange(4.0, device=DEVICE)
    assert x.__dlpack_device__() == (1, 0)
    theirs = np.from_dlpack(x)
    x += 1
    assert theirs.tolist() == [1, 2, 3, 4]
    assert not hasattr(x, "__cuda_array_interface__")
    assert not hasattr(hp.ones(2), "__cuda_array_interface__")


def test_the_interface_of_cuda_arrays(streams: Streams) -> None:
    x = hp.arange(6, dtype=hp.float32, device=DEVICE).reshape(2, 3).T
    given = x.__cuda_array_interface__
    assert given["shape"] == (3, 2)
    assert given["strides"] == (4, 12)
    assert given["typestr"] == "<f4"
    assert given["stream"] == 77
    again = from_cuda_array(shared(x), DEVICE)
    assert streams.calls == [("follow", 77)]
    again[1, 1] = 40.0
    assert x.tolist() == [[0, 3], [1, 40], [2, 5]]
    assert not hasattr(x.bfloat16(), "__cuda_array_interface__")


def test_foreign_memory_stays_alive_and_is_never_cached(emulated: Runtime) -> None:
    class Interface:
        values = np.arange(5.0)

        @property
        def __cuda_array_interface__(self) -> dict[str, Any]:
            return {**self.values[::-1].__array_interface__, "version": 3}

    x = from_cuda_array(Interface(), DEVICE)
    assert x.tolist() == [4, 3, 2, 1, 0]
    x += 1
    assert Interface.values.tolist() == [1, 2, 3, 4, 5]


def test_what_cannot_be_shared_says_why(streams: Streams) -> None:
    with pytest.raises(ExchangeError, match="detach"):
        shared(hp.ones(2, device=DEVICE, requires_grad=True))
    with pytest.raises(ExchangeError, match="no CUDA memory"):
        shared(hp.ones(2))
    with pytest.raises(ExchangeError, match="has no __cuda_array_interface__"):
        from_cuda_array(3, DEVICE)
    with pytest.raises(ExchangeError, match="is no CUDA device"):
        from_cuda_array(shared(hp.ones(2, device=DEVICE)), "cpu")
    with pytest.raises(ExchangeError, match="shares host memory only"):
        hp.from_dlpack(Foreign(np.ones(2)))  # there is no GPU 0 here, or it is none of the emulator's
