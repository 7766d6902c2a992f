"""``hotplug.cuda``: the questions that programs ask about NVIDIA GPUs, answered for the device ``cuda``.

Under ``hotplug run --device D`` they are answered for D, which ``cuda`` then stands for.

>>> import hotplug as hp
>>> device = "cuda" if hp.cuda.is_available() else "cpu"
"""

from __future__ import annotations

from typing import Any, NamedTuple

from hotplug import amp, random, runtime
from hotplug.device import device as Device
from hotplug.errors import DeviceError, HotplugError
from hotplug.runtime import resolve_runtime

__all__ = [
    "amp", "current_device", "device_count", "empty_cache", "get_device_capability", "get_device_name",
    "get_device_properties", "init", "is_available", "is_initialized", "manual_seed", "manual_seed_all",
    "max_memory_allocated", "memory_allocated", "memory_reserved", "memory_summary", "reset_peak_memory_stats",
    "set_device", "synchronize",
]  # fmt: skip


class Properties(NamedTuple):
    """What :func:`get_device_properties` tells."""

    name: str
    total_memory: int
    """Bytes; 0 where the backend does not know."""
    major: int = 0
    minor: int = 0
    multi_processor_count: int = 0


def _hardware() -> tuple[Any, ...]:
    from hotplug.plugins import registry

    target = Device("cuda")
    try:
        found = registry.hardware(target.type)
    except HotplugError:
        return ()
    return found if target.type == "cuda" else found[target.canonical[1] : target.canonical[1] + 1]


def _of(device: Any) -> Any:
    return Device("cuda") if device is None else Device("cuda", device) if isinstance(device, int) else Device(device)


def is_available() -> bool:
    """Whether there is such a device."""
    return bool(_hardware())


def device_count() -> int:
    """How many there are."""
    return len(_hardware())


def is_initialized() -> bool:
    """Whether such a device has been used."""
    return any(each.backend.name == Device("cuda").type for each in runtime.started())


def init() -> None:
    """Nothing: a device is started on its first use."""


def current_device() -> int:
    """The number of the device that ``"cuda"`` without a number means: always the first."""
    _checked(0)
    return 0


def set_device(device: Any) -> None:
    """Accepted for the first device, which ``"cuda"`` means anyhow.

    Raises:
        DeviceError: another device; name it where tensors are made, or use ``with hotplug.device(...)``.
    """
    number = device if isinstance(device, int) else Device(device).index or 0
    if number > 0:
        raise DeviceError(
            f"set_device: 'cuda' means the first device; write 'cuda:{number}', or with hotplug.device(...)"
        )
    _checked(max(number, 0))


def _checked(number: int) -> Any:
    found = _hardware()
    if not 0 <= number < len(found):
        resolve_runtime(Device("cuda", number))  # raises what the reason is
        raise DeviceError(f"device 'cuda:{number}' does not exist")
    return found[number]


def _number(device: Any) -> int:
    return device if isinstance(device, int) else 0 if device is None else Device(device).index or 0


def get_device_name(device: Any = None) -> str:
    """The hardware's name."""
    return str(_checked(_number(device)).name)


def get_device_properties(device: Any = None) -> Properties:
    """Name and memory, and where the backend tells it the compute capability and the number of multiprocessors."""
    info = _checked(_number(device))
    major, _, minor = info.details.get("compute capability", "0.0").partition(".")
    return Properties(info.name, info.memory, int(major), int(minor), int(info.details.get("multiprocessors", "0")))


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """The compute capability; (0, 0) where a backend has no such thing."""
    found = get_device_properties(device)
    return found.major, found.minor


def synchronize(device: Any = None) -> None:
    """Wait for all queued work."""
    runtime.synchronize(_of(device))


def empty_cache() -> None:
    """Give cached memory back."""
    if is_initialized():
        runtime.empty_cache(_of(None))


def memory_allocated(device: Any = None) -> int:
    """Bytes that live tensors hold."""
    return runtime.memory_allocated(_of(device)) if is_initialized() else 0


def max_memory_allocated(device: Any = None) -> int:
    """The most of :func:`memory_allocated`."""
    return runtime.max_memory_allocated(_of(device)) if is_initialized() else 0


def memory_reserved(device: Any = None) -> int:
    """Bytes taken from the device."""
    return runtime.memory_reserved(_of(device)) if is_initialized() else 0


def memory_summary(device: Any = None) -> str:
    """The allocator's statistics as a table."""
    return runtime.memory_summary(_of(device))


def reset_peak_memory_stats(device: Any = None) -> None:
    """Start the maxima anew."""
    if is_initialized():
        runtime.reset_peak_memory_stats(_of(device))


def manual_seed(seed: int) -> None:
    """Seed the one default generator: random numbers do not depend on the device."""
    random.manual_seed(seed)


manual_seed_all = manual_seed


def __getattr__(name: str) -> Any:
    from hotplug import cuda_extras

    if name.startswith("_") or not hasattr(cuda_extras, name):
        raise AttributeError(f"module 'hotplug.cuda' has no attribute {name!r}")
    return getattr(cuda_extras, name)
