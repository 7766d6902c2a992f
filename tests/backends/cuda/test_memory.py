"""Page-locked memory, asynchronous copies and copies between GPUs: what the driver asks of CUDA, on a model of its runtime.

The model runs what is queued as late as it may, so that an event or a wait that is missing shows as stale bytes.
"""

from __future__ import annotations

import gc
import itertools
import types
import weakref
from collections.abc import Iterator, Sequence
from typing import Any

import model_of_cuda as model
import numpy as np
import pytest

import hotplug as hp
from hotplug import pinning
from hotplug.backend import Capabilities, DeviceInfo
from hotplug.backends.cuda.backend import CudaBackend
from hotplug.backends.cuda.driver import Driver
from hotplug.backends.cuda.hardware import CAPABILITIES
from hotplug.backends.cuda.machine import Machine
from hotplug.data import DataLoader, TensorDataset
from hotplug.plugins import BackendSpec, registry
from hotplug.runtime import Runtime, resolve_runtime

NUMBERS = itertools.count()


class ModelMachine(Machine):
    """Two GPUs of the model."""

    def __init__(self, make: Any) -> None:
        self._make = make

    def devices(self) -> Sequence[DeviceInfo]:
        return [DeviceInfo(index, "a model of a GPU", 1 << 30) for index in range(model.GPUS)]

    def capabilities(self, index: int) -> Capabilities:
        return CAPABILITIES

    def driver(self, index: int) -> Driver:
        made: Driver = self._make(index)
        return made


@pytest.fixture
def runtime(nvrtc: Any, monkeypatch: pytest.MonkeyPatch) -> model.Runtime:
    """The model, in the place of CuPy."""
    from hotplug.backends.cuda import gpu, pinned

    made = model.Runtime()
    cuda = types.SimpleNamespace(
        Stream=model.Stream, Event=model.Event, alloc_pinned_memory=lambda nbytes: np.full(nbytes, 0xDD, np.uint8)
    )
    for module in (gpu, pinned):
        monkeypatch.setattr(module, "runtime", made)
        monkeypatch.setattr(module, "cupy", types.SimpleNamespace(cuda=cuda))
    monkeypatch.setattr(gpu, "Blas", lambda *_: None)
    return made


@pytest.fixture
def name(runtime: model.Runtime) -> Iterator[str]:
    """Two GPUs as devices of Hotplug, by a name of their own."""
    from hotplug.backends.cuda.gpu import GpuDriver

    found = f"cuda-model-{next(NUMBERS)}"
    registry.register(BackendSpec(found, lambda: CudaBackend(found, ModelMachine(GpuDriver))))
    yield found
    hp.set_default_device(None)


def values(count: int = 5000) -> np.ndarray[Any, Any]:
    return np.arange(count, dtype=np.float32)


def test_bytes_come_and_go_by_way_of_page_locked_pieces(name: str) -> None:
    large = np.random.default_rng(0).integers(0, 255, (5 << 22) + 17, np.uint8)  # more pieces than there are
    x = hp.from_numpy(large).to(f"{name}:0")
    large_again = x.cpu().numpy()
    np.testing.assert_array_equal(large_again, large)


def test_a_copy_from_pinned_memory_is_only_queued(name: str) -> None:
    source = hp.from_numpy(values()).pin_memory(f"{name}:0")
    assert source.is_pinned()
    assert source[3:].is_pinned()
    assert source.pin_memory(f"{name}:0") is source
    stream = model.Stream.of(resolve_runtime(f"{name}:0").backend.stream(0))
    before = stream.done
    target = source.to(f"{name}:0", non_blocking=True)
    assert stream.done == before < len(stream.entries)
    assert target.cpu().tolist() == values().tolist()  # the read waits for it
    assert source.to(f"{name}:0").cpu().tolist() == values().tolist()
    assert resolve_runtime(f"{name}:0").counts["pinned_copy"] == 2


def test_pinned_memory_lives_until_its_copy_is_done(name: str) -> None:
    source = hp.from_numpy(values()).pin_memory(f"{name}:0")
    found = pinning.pinned(source._array)
    assert found is not None
    owner = weakref.ref(found.memory.base)
    del found
    target = source.to(f"{name}:0", non_blocking=True)
    del source
    gc.collect()
    assert owner() is not None
    assert target.cpu().tolist() == values().tolist()
    again = hp.ones(3).pin_memory(f"{name}:0").to(f"{name}:0", non_blocking=True)  # looks what is done
    gc.collect()
    resolve_runtime(f"{name}:0").allocator.collect()
    assert owner() is None
    assert again.cpu().tolist() == [1, 1, 1]


def test_a_copy_from_pinned_memory_that_is_waited_for(name: str) -> None:
    source = hp.from_numpy(values()).pin_memory(f"{name}:0")
    target = source.to(f"{name}:0")
    source.zero_()
    assert target.cpu().tolist() == values().tolist()


def test_a_copy_to_the_host_that_is_only_queued(name: str) -> None:
    x = hp.from_numpy(values()).to(f"{name}:1")
    found = x.to("cpu", non_blocking=True)
    assert found.is_pinned()
    hp.synchronize(f"{name}:1")
    assert found.tolist() == values().tolist()
    wide = x.to("cpu", hp.float64, non_blocking=True)  # the host converts it: so it has arrived
    assert wide.tolist() == values().tolist()


def test_gpus_copy_without_the_host_and_wait_for_each_other(name: str, runtime: model.Runtime) -> None:
    source = hp.from_numpy(values()).pin_memory(f"{name}:0")
    first = source.to(f"{name}:0", non_blocking=True)
    second = first.to(f"{name}:1")  # the copy to the first GPU has not begun
    other = hp.zeros(5000).pin_memory(f"{name}:0")
    backend, buffer = resolve_runtime(f"{name}:0").backend, first._array.storage.buffer
    backend.write_pinned(buffer, 0, pinning.bytes_of(other._array))  # must not overtake the copy between the GPUs
    backend.synchronize(0)
    assert second.cpu().tolist() == values().tolist()
    assert first.cpu().tolist() == [0.0] * 5000
    counts = resolve_runtime(f"{name}:1").counts
    assert counts["peer_copy"] == 1
    assert counts["device_copy"] == 0
    assert runtime.enabled == [(1, 0)]


def test_gpus_that_do_not_reach_each_other_go_by_way_of_the_host(name: str, runtime: model.Runtime) -> None:
    runtime.reach = False
    second = hp.from_numpy(values()).to(f"{name}:0").to(f"{name}:1")
    assert second.cpu().tolist() == values().tolist()
    counts = resolve_runtime(f"{name}:1").counts
    assert counts["peer_copy"] == 0
    assert counts["device_copy"] == 1


def test_a_loader_gives_pinned_batches(name: str) -> None:
    hp.set_default_device(f"{name}:0")
    with hp.device("cpu"):
        batches = TensorDataset(hp.arange(5), hp.arange(10.0).reshape(5, 2))
    for number, label in DataLoader(batches, batch_size=2, pin_memory=True):
        assert number.is_pinned()
        assert label.to(f"{name}:0", non_blocking=True).cpu().tolist() == label.tolist()
    hp.set_default_device(None)
    for _, label in DataLoader(batches, batch_size=2, pin_memory=True, pin_memory_device=f"{name}:1"):
        assert label.is_pinned()


def test_streams_of_other_libraries_wait_and_are_waited_for(name: str) -> None:
    runtime, ours = resolve_runtime(f"{name}:0"), model.Stream.of(resolve_runtime(f"{name}:0").backend.stream(0))
    log: list[str] = []
    theirs = model.Stream()
    ours.entries.append(lambda: log.append("ours"))
    runtime.backend.precede(0, theirs.ptr)
    theirs.entries.append(lambda: log.append("theirs"))
    theirs.synchronize()
    assert log == ["ours", "theirs"]
    theirs.entries.append(lambda: log.append("theirs again"))
    runtime.backend.follow(0, theirs.ptr)
    ours.entries.append(lambda: log.append("ours again"))
    runtime.backend.synchronize(0)
    assert log[2:] == ["theirs again", "ours again"]


def test_emulated_devices_copy_between_each_other(emulated: Runtime) -> None:
    x = hp.arange(6.0, device="cuda-emulated:0").reshape(2, 3).T
    y = x.to("cuda-emulated:1")
    assert y.stride() == (1, 3)
    assert (y + 1).tolist() == [[1, 4], [2, 5], [3, 6]]
    assert resolve_runtime("cuda-emulated:1").counts["peer_copy"] > 0
    weight = hp.ones(3, requires_grad=True)
    pinned = weight.pin_memory("cuda-emulated:0")
    (pinned.to("cuda-emulated:0", non_blocking=True).to("cuda-emulated:1") * 2).sum().backward()
    assert weight.grad.tolist() == [2, 2, 2]  # type: ignore[union-attr]


def test_only_host_memory_is_pinned(emulated: Runtime) -> None:
    with pytest.raises(RuntimeError, match="only tensors on 'cpu' can be pinned"):
        hp.ones(2, device="cuda-emulated:0").pin_memory()


def test_what_is_saved_for_backward_waits_in_pinned_memory(emulated: Runtime) -> None:
    x = hp.arange(4.0, device="cuda-emulated:0").requires_grad_()
    before = emulated.counts["pinned_copy"]
    with hp.autograd.graph.save_on_cpu(pin_memory=True):
        y = (x * x).sum()
    y.backward()
    assert x.grad.tolist() == [0, 2, 4, 6]  # type: ignore[union-attr]
    assert emulated.counts["pinned_copy"] > before
