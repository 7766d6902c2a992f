"""``hotplug.accelerator``: what programs ask about "the accelerator", whichever device that is.

It is the default device where that isn't the processor's own memory; else what stands for ``cuda`` under ``hotplug run``; else
``cuda`` or ``opencl``, the first of them that is there and is no processor.

>>> import hotplug as hp
>>> device = hp.accelerator.current_accelerator() or hp.device("cpu")
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from hotplug import runtime
from hotplug.device import device as Device, get_default_device, set_default_device
from hotplug.errors import DeviceError, HotplugError

if TYPE_CHECKING:
    from hotplug.streams import Stream

__all__ = [
    "current_accelerator", "current_device_idx", "current_device_index", "current_stream", "device_count", "device_index",
    "empty_cache", "get_memory_info", "is_available", "max_memory_allocated", "max_memory_reserved", "memory_allocated",
    "memory_reserved", "memory_stats", "reset_accumulated_memory_stats", "reset_peak_memory_stats", "set_device_idx",
    "set_device_index", "set_stream", "synchronize",
]  # fmt: skip

_USUAL: Final = ("cuda", "opencl")
_NO_ACCELERATORS: Final = ("CPU", "simulator")
"""What a backend may say of its first device's type that nobody means by the word."""


def _hardware(name: str) -> tuple[Any, ...]:
    from hotplug.plugins import registry

    try:
        return registry.hardware(Device(name).type)
    except HotplugError:
        return ()


def _is_host(target: Device) -> bool:
    from hotplug.plugins import registry

    return registry.backend(target.type).capabilities(target.canonical[1]).host_memory


def current_accelerator(check_available: bool = False) -> Device | None:
    """The device without its index, or ``None`` where there is none; ``check_available`` changes nothing: only what is
    there is named.
    """
    del check_available
    given = get_default_device()
    if given.type not in ("cpu", "numpy") and _hardware(given.type) and not _is_host(given):
        return Device(given.type)
    for name in _USUAL:
        target, found = Device(name), _hardware(name)
        if target.type != name:  # the program shall run there, and nowhere else
            return Device(target.type) if found and not _is_host(target) else None
        if found and not _is_host(target) and found[0].details.get("type") not in _NO_ACCELERATORS:
            return target
    return None


def is_available() -> bool:
    """Whether there is one."""
    return current_accelerator() is not None


def device_count() -> int:
    """How many there are of its kind."""
    found = current_accelerator()
    return 0 if found is None else len(_hardware(found.type))


def _the() -> Device:
    found = current_accelerator()
    if found is None:
        raise DeviceError(
            "accelerator: there is none; look at 'hotplug devices', or use hotplug.set_default_device(...)"
        )
    return found


def _of(device: Any) -> Device:
    """The device that an argument names: a number, a device, or ``None`` for the current one."""
    if device is None:
        return Device(_the().type, current_device_index())
    found = Device(_the().type, device) if isinstance(device, int) else Device(device)
    if found.type != _the().type:
        raise DeviceError(f"accelerator: expected a device of {_the().type!r}, got '{found}'")
    return found


def current_device_index() -> int:
    """The number of the current device: the default device's, or that of what stands for ``cuda``; else 0.

    Raises:
        DeviceError: there is no accelerator.
    """
    found = _the().type
    return next((each.canonical[1] for each in (get_default_device(), Device("cuda")) if each.type == found), 0)


def set_device_index(device: Any) -> None:
    """Make another device of the kind the current one, where the current one is the default device.

    Raises:
        DeviceError: there is no such device, or the default device is none of the kind: a bare ``"cuda"`` always means the
            first, so name the other one where tensors are made.
    """
    number = device if isinstance(device, int) else _of(device).canonical[1]
    if number < 0:
        return
    target = _of(number)
    runtime.runtime_of(*target.canonical)  # says what is wrong with the number
    if number != current_device_index():
        if get_default_device().type != target.type:
            raise DeviceError(
                f"set_device_index: '{target.type}' means the first device; write '{target}', or with hotplug.device(...)"
            )
        set_default_device(target)


current_device_idx, set_device_idx = current_device_index, set_device_index


@contextlib.contextmanager
def device_index(device: int | None) -> Iterator[None]:
    """A context in which another device is the current one, as by :func:`set_device_index`; ``None``: nothing changes."""
    before = None if device is None else current_device_index()
    if device is not None:
        set_device_index(device)
    try:
        yield
    finally:
        if before is not None:
            set_device_index(before)


def current_stream(device: Any = None) -> Stream:
    """The queue of a device."""
    from hotplug import streams

    return streams.current_stream(_of(device))


def set_stream(stream: Stream) -> None:
    """Nothing: a device has one queue."""


def synchronize(device: Any = None) -> None:
    """Wait for all work queued on a device."""
    runtime.synchronize(_of(device))


def _used(device: Any) -> Any:
    """The Runtime of a device, where it was in use before."""
    target = _of(device).canonical
    return next((each for each in runtime.started() if (each.backend.name, each.index) == target), None)


def _statistic(device: Any, name: str) -> int:
    found = _used(device)
    return 0 if found is None else int(found.allocator.statistics()[name])


def memory_allocated(device: Any = None) -> int:
    """Bytes that live tensors hold."""
    return _statistic(device, "allocated")


def max_memory_allocated(device: Any = None) -> int:
    """The most of :func:`memory_allocated`."""
    return _statistic(device, "max_allocated")


def memory_reserved(device: Any = None) -> int:
    """Bytes taken from the device."""
    return _statistic(device, "reserved")


def max_memory_reserved(device: Any = None) -> int:
    """The most of :func:`memory_reserved`."""
    return _statistic(device, "max_reserved")


def memory_stats(device: Any = None) -> dict[str, int]:
    """Bytes in use and reserved, now and at most, by PyTorch's keys."""
    keys = {"allocated": "allocated_bytes", "reserved": "reserved_bytes"}
    return {
        f"{key}.all.{when}": _statistic(device, prefix + name)
        for name, key in keys.items()
        for prefix, when in (("", "current"), ("max_", "peak"))
    }


def reset_peak_memory_stats(device: Any = None) -> None:
    """Start the maxima anew."""
    found = _used(device)
    if found is not None:
        found.allocator.reset_peak()


def reset_accumulated_memory_stats(device: Any = None) -> None:
    """Nothing: totals since the start are not kept."""
    _of(device)


def get_memory_info(device: Any = None) -> tuple[int, int]:
    """Bytes free and in all, as far as this process knows: what it has not reserved itself is free."""
    from hotplug.plugins import registry

    total = registry.device_info(*_of(device).canonical).memory
    return max(total - memory_reserved(device), 0), total


def empty_cache() -> None:
    """Give cached memory back, on every device of the kind that is in use."""
    name = _the().type
    for each in runtime.started():
        if each.backend.name == name:
            each.allocator.empty_cache()
