"""``hotplug.accelerator`` on devices that can be named, counted and measured, and where there is none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from devices import needed

import hotplug as hp
from hotplug import accelerator
from hotplug.backend import DeviceInfo
from hotplug.device import redirect
from hotplug.errors import DeviceError, HotplugError
from hotplug.plugins import registry


@pytest.fixture
def emulated() -> Iterator[str]:
    """A kind of device with two of them, as the default."""
    needed("cuda-emulated:0")
    hp.set_default_device("cuda-emulated:0")
    yield "cuda-emulated"
    hp.set_default_device(None)


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer without an accelerator."""

    def absent(name: str) -> None:
        raise DeviceError(f"no {name}")

    monkeypatch.setattr(registry, "hardware", absent)


def test_no_accelerator(nothing: None) -> None:
    assert accelerator.current_accelerator() is None
    assert not hp.accelerator.is_available()
    assert accelerator.device_count() == 0
    with pytest.raises(DeviceError, match="there is none"):
        accelerator.synchronize()
    x = hp.ones(2)
    assert x.pin_memory() is x
    assert not x.is_pinned()


def test_the_default_device_is_the_accelerator(emulated: str) -> None:
    assert accelerator.current_accelerator() == hp.device(emulated)
    assert accelerator.is_available()
    assert accelerator.device_count() == 2
    assert accelerator.current_device_index() == 0
    with hp.device("cpu"):
        assert accelerator.current_accelerator() != hp.device(emulated)


def test_what_stands_for_cuda_is_the_accelerator_or_there_is_none(emulated: str) -> None:
    hp.set_default_device("cpu")
    for target, found in (("cpu", None), ("cuda-emulated:1", "cuda-emulated")):
        redirect("cuda", hp.device(target))
        try:
            assert accelerator.current_accelerator() == (found and hp.device(found))
            assert not found or accelerator.current_device_index() == 1
        finally:
            redirect("cuda", None)


def test_processors_are_no_accelerators(monkeypatch: pytest.MonkeyPatch, emulated: str) -> None:
    hp.set_default_device("cpu")
    monkeypatch.setattr(accelerator, "_USUAL", (emulated,))
    assert accelerator.current_accelerator() == hp.device(emulated)
    slow = DeviceInfo(0, "a processor", 0, {"type": "CPU"})
    monkeypatch.setattr(registry, "hardware", lambda name: (slow,))
    assert accelerator.current_accelerator() is None


def test_which_of_the_devices_is_current(emulated: str) -> None:
    with accelerator.device_index(1):
        assert hp.ones(1).device == hp.device(emulated, 1)
        assert accelerator.current_device_idx() == 1
    with accelerator.device_index(None):
        assert accelerator.current_device_index() == 0
    accelerator.set_device_index(1)
    assert accelerator.current_device_index() == 1
    accelerator.set_device_idx(-1)
    assert accelerator.current_device_index() == 1
    with pytest.raises(HotplugError, match="2"):
        accelerator.set_device_index(2)
    with pytest.raises(DeviceError, match="expected a device of 'cuda-emulated'"):
        accelerator.synchronize("numpy")


def test_the_first_device_is_meant_where_another_kind_is_the_default(
    emulated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accelerator, "_USUAL", (emulated,))
    hp.set_default_device("cpu")
    accelerator.set_device_index(0)
    assert hp.get_default_device() == hp.device("cpu")
    with pytest.raises(DeviceError, match="means the first device; write 'cuda-emulated:1'"):
        accelerator.set_device_index(1)


def test_memory_of_each_device(emulated: str) -> None:
    accelerator.reset_peak_memory_stats(1)
    before, other = accelerator.memory_allocated(1), accelerator.memory_allocated(0)
    x = hp.empty(1 << 20, device=f"{emulated}:1")
    assert accelerator.memory_allocated(1) >= before + x.nbytes
    assert accelerator.memory_allocated() == other
    held = accelerator.max_memory_allocated(1)
    del x
    assert accelerator.memory_allocated(1) == before
    assert accelerator.max_memory_allocated(f"{emulated}:1") == held
    assert accelerator.memory_reserved(1) >= held
    assert accelerator.max_memory_reserved(1) >= accelerator.memory_reserved(1)
    stats = accelerator.memory_stats(1)
    assert stats["allocated_bytes.all.current"] == before
    assert stats["reserved_bytes.all.peak"] == accelerator.max_memory_reserved(1)
    accelerator.reset_accumulated_memory_stats(1)
    accelerator.empty_cache()
    assert accelerator.memory_reserved(1) == accelerator.memory_allocated(1)
    assert accelerator.get_memory_info(1) == (0, 0)  # the emulator does not say how much it has


def test_queues(emulated: str) -> None:
    stream = accelerator.current_stream(1)
    assert stream.device == hp.device(emulated, 1)
    accelerator.set_stream(stream)
    accelerator.synchronize()
    accelerator.synchronize(1)


def test_cuda_has_the_same_statistics() -> None:
    assert hp.cuda.max_memory_reserved() == hp.cuda.max_memory_cached() >= 0
    assert set(hp.cuda.memory_stats()) == {
        f"{what}_bytes.all.{when}" for what in ("allocated", "reserved") for when in ("current", "peak")
    }
    hp.cuda.reset_accumulated_memory_stats()
    hp.cuda.reset_max_memory_cached()
