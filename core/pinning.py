"""Page-locked host memory: a device reads and writes it by itself, while the program goes on.

Such memory belongs to a tensor on ``cpu`` as any other; its Storage's owner tells it apart.  Where no device offers it
(:meth:`hotplug.backend.Backend.pin`), nothing here applies, and copies go as they always did.
"""

from __future__ import annotations

from typing import Any, Final, final

import numpy as np

from hotplug import dispatch, host
from hotplug.array import Array, Storage
from hotplug.layout import Layout
from hotplug.runtime import Runtime, runtime_of


@final
class Pinned:
    """The owner of a Storage of page-locked memory."""

    def __init__(self, memory: np.ndarray[Any, Any], runtime: Runtime) -> None:
        self.memory: Final = memory
        """Its bytes."""
        self.runtime: Final = runtime
        """The device that made it; others of the same backend may use it too."""


def pinned(array: Array) -> Pinned | None:
    """The page-locked memory that an Array lies in, if it does."""
    owner = array.storage.owner
    return owner if isinstance(owner, Pinned) else None


def new(runtime: Runtime, layout: Layout) -> Array | None:
    """An uninitialised Array on ``cpu`` in memory that is page-locked for a device, or ``None``.

    Args:
        runtime: the device.
        layout: dense, of any order of the axes.
    """
    nbytes = layout.numel * layout.dtype.itemsize
    memory = runtime.backend.pin(runtime.index, nbytes) if nbytes and not runtime.capabilities.host_memory else None
    if memory is None:
        return None
    values = memory[:nbytes]
    here = runtime_of("cpu")
    buffer = here.backend.wrap(here.index, values)
    return None if buffer is None else Array(Storage(here, buffer, nbytes, -1, Pinned(values, runtime)), layout)


def bytes_of(array: Array) -> np.ndarray[Any, Any]:
    """The bytes of a contiguous Array in page-locked memory."""
    found = pinned(array)
    assert found is not None
    start = array.offset * array.dtype.itemsize
    return found.memory[start : start + array.numel * array.dtype.itemsize]


def upload(array: Array, runtime: Runtime, wait: bool) -> Array | None:
    """A copy on a device of a contiguous Array in page-locked memory, by the device itself; ``None`` where it can't."""
    found = pinned(array)
    if found is None or found.runtime.backend is not runtime.backend or array.dtype not in runtime.capabilities.storage:
        return None
    out = runtime.empty(array.layout)
    if not runtime.backend.write_pinned(out.storage.buffer, 0, bytes_of(array)):
        return None
    runtime.counts["pinned_copy"] += 1
    if wait:  # the program may write into the memory as soon as this returns
        runtime.backend.synchronize(runtime.index)
    return out


def download(array: Array) -> Array | None:
    """A copy on ``cpu`` of a device's contiguous Array, queued: the elements are there after the device is waited for."""
    runtime = array.storage.runtime
    out = new(runtime, array.layout)
    start = array.offset * array.dtype.itemsize
    if out is None or not runtime.backend.read_pinned(array.storage.buffer, start, bytes_of(out)):
        return None
    runtime.counts["pinned_copy"] += 1
    return out


def across(array: Array, runtime: Runtime) -> Array | None:
    """A copy of a contiguous Array on another device of the same backend, without the host; ``None`` where it can't."""
    source = array.storage.runtime
    if source.backend is not runtime.backend or not array.numel or runtime.capabilities.host_memory:
        return None
    out, start = runtime.empty(array.layout), array.offset * array.dtype.itemsize
    nbytes = array.numel * array.dtype.itemsize
    if not runtime.backend.copy_across(out.storage.buffer, 0, array.storage.buffer, start, nbytes):
        return None
    runtime.counts["peer_copy"] += 1
    return out


def copied(array: Array, runtime: Runtime, wait: bool) -> Array:
    """A copy of a contiguous Array on another device, on the shortest way there is."""
    here = array.storage.runtime
    found = upload(array, runtime, wait) or across(array, runtime)
    if found is None and not wait and runtime is runtime_of("cpu") and not here.capabilities.host_memory:
        found = download(array)
    if found is None:
        runtime.counts["device_copy"] += 1
        found = host.from_host(runtime, host.to_host(array, "to"), array.dtype)
    return found


def pinned_copy(array: Array, runtime: Runtime) -> Array:
    """A copy in page-locked memory; the Array itself where the device offers none."""
    layout = array.layout
    out = new(runtime, layout if layout.is_contiguous else _dense(layout))
    if out is None:
        return array
    dispatch.copy(array, out)
    return out


def _dense(layout: Layout) -> Layout:
    from hotplug.layout import layout_of
    from hotplug.memory_format import like, preserve_format

    return layout_of(layout.dtype, layout.shape, like("pin_memory", preserve_format, layout))
