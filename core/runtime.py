"""Runtime: one device in use: its backend, its memory, and its cache of kernels."""

from __future__ import annotations

import os
import threading
from collections import Counter, deque
from typing import Any, Final, final

from hotplug.array import Array
from hotplug.backend.contract import FAMILIES, Backend, Capabilities, Kernel, OpKey
from hotplug.caches import Bounded
from hotplug.dtypes import ALL, dtype
from hotplug.errors import CapabilityError, DeviceError, HotplugError, PluginError
from hotplug.layout import Layout
from hotplug.memory import Allocator

ALL_DTYPES: Final = frozenset(ALL)


@final
class Runtime:
    """What the core needs to run ops on one device.  Use :func:`runtime_of`."""

    def __init__(self, backend: Backend, index: int) -> None:
        self.backend: Final = backend
        self.index: Final = index
        self.name: Final = f"{backend.name}:{index}"
        self.released: Final[deque[tuple[Any, int]]] = deque()
        self.capabilities: Final = _capabilities(backend, index)
        self.allocator: Final = Allocator(self)
        self.allocate: Final = self.allocator.allocate
        self.take: Final = self.allocator.take
        self.plans: Final[Bounded[Any, Any]] = Bounded()
        """Whatever the dispatch prepared for a signature; see :mod:`hotplug.dispatch`."""
        self.counts: Final[Counter[str]] = Counter()
        """Slow-path events: ``resolve``, ``contiguous_copy``, ``host``, ``host_read``."""
        self._kernels: dict[OpKey, Kernel | None] = {}
        self._lock = threading.RLock()

    def empty(self, layout: Layout) -> Array:
        """A new Array of uninitialised memory with a C-contiguous layout."""
        return Array(self.allocate(layout.numel * layout.dtype.itemsize), layout)

    def kernel(self, key: OpKey) -> Kernel | None:
        """The kernel for ``key``; ``None`` where the backend wants a composite decomposed.

        Raises:
            CapabilityError: the device does not compute in one of the dtypes.
            PluginError: the backend raised, or has no kernel for a required family.
        """
        found = self._kernels.get(key, self)
        if found is not self:
            return found  # type: ignore[return-value]
        with self._lock:
            self._check(key)
            kernel = self._resolve(key)
            self._kernels[key] = kernel
        return kernel

    def resolved(self) -> list[OpKey]:
        """The keys for which the backend has made a kernel so far."""
        return [key for key, kernel in list(self._kernels.items()) if kernel is not None]

    def after_fork(self) -> None:
        """In a forked process: fresh locks; a device that has a driver can't be used any more, and says so."""
        self._lock = threading.RLock()
        self.allocator.after_fork()
        if not self.capabilities.host_memory:
            self.backend = _Lost(self.backend)  # type: ignore[misc,assignment]
            self._kernels.clear()
            self.plans.clear()

    def _resolve(self, key: OpKey) -> Kernel | None:
        self.counts["resolve"] += 1
        try:
            kernel = self.backend.resolve(self.index, key)
        except HotplugError:
            raise
        except Exception as error:
            raise PluginError(f"resolve of backend {self.backend.name!r} raised {error!r} for {key}") from error
        if kernel is None and key.name in FAMILIES and not (key.name == "reduce" and key.program[0].op != "input"):
            raise PluginError(
                f"backend {self.backend.name!r} returned no kernel for {key}; {key.name} is a required family "
                f"(only a reduce with a computed operand may be declined)"
            )
        if kernel is not None and not callable(kernel):
            raise PluginError(f"resolve of backend {self.backend.name!r} returned {kernel!r} for {key}, not a kernel")
        return kernel

    def _check(self, key: OpKey) -> None:
        can = self.capabilities
        moves_only = key.name in ("gather", "scatter") or (
            all(root.op == "input" for root in key.program) and key.program
        )
        allowed = can.storage if moves_only else can.arithmetic
        for each in key.dtypes:
            if each not in allowed and each.kind != "c":
                raise missing_dtype(self, key.name, each)
        if key.index64 and not can.index64:
            raise CapabilityError(f"{key.name} on {self.name}: the array spans more than 2**31 elements; split it")


@final
class _Lost:
    """A backend that was in use when the process was forked: its driver knows nothing of this process."""

    def __init__(self, backend: Backend) -> None:
        self.name = backend.name
        self.numbered = getattr(backend, "numbered", True)

    def __getattr__(self, name: str) -> Any:
        raise DeviceError(
            f"device {self.name!r} was in use before this process was forked, and its driver doesn't survive that; "
            f"start processes with 'spawn', or use the device in one of them only"
        )


def _capabilities(backend: Backend, index: int) -> Capabilities:
    """What the device can do.

    Raises:
        PluginError: the backend raised, or its answer contradicts itself.
    """
    try:
        found = backend.capabilities(index)
    except HotplugError:
        raise
    except Exception as error:
        raise PluginError(f"capabilities of backend {backend.name!r} raised {error!r}") from error
    if not isinstance(found, Capabilities):
        raise PluginError(f"capabilities of backend {backend.name!r} returned {found!r}, expected Capabilities")
    if not found.arithmetic <= found.storage <= ALL_DTYPES:
        strange = [*(found.storage - ALL_DTYPES), *(found.arithmetic - found.storage)]
        raise PluginError(
            f"capabilities of backend {backend.name!r}: {strange} are declared, but the arithmetic dtypes must be "
            f"among those of storage, and these among hotplug.dtypes.ALL"
        )
    return found


def missing_dtype(runtime: Runtime, op: str, wanted: dtype) -> CapabilityError:
    """The error for a dtype that a device does not have."""
    usable = sorted(each.name for each in runtime.capabilities.arithmetic)
    return CapabilityError(
        f"{op} on {runtime.name}: the device does not support {wanted.name}; convert with .to() to one of "
        f"{', '.join(usable)}, or use another device such as 'cpu'"
    )


_RUNTIMES: dict[tuple[str, int], Runtime] = {}
_LOCK: Final = threading.RLock()


def runtime_of(name: str, index: int = 0) -> Runtime:
    """The Runtime of device ``index`` of the backend called ``name``, started at the first call.

    Raises:
        DeviceError: no such backend or device.
    """
    found = _RUNTIMES.get((name, index))
    if found is not None:
        return found
    with _LOCK:
        if (name, index) not in _RUNTIMES:
            _RUNTIMES[name, index] = _start(name, index)
        return _RUNTIMES[name, index]


def _after_fork() -> None:
    _LOCK.release()
    for runtime in _RUNTIMES.values():
        runtime.after_fork()


if hasattr(os, "register_at_fork"):
    # Held during a fork, so that the child has no lock that a thread of the parent held, nor half a Runtime.
    os.register_at_fork(before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_after_fork)


def _start(name: str, index: int) -> Runtime:
    from hotplug.plugins import registry

    registry.device_info(name, index)  # says what is wrong with a name or an index
    return Runtime(registry.backend(name), index)


def started() -> list[Runtime]:
    """The Runtimes in use so far."""
    return list(_RUNTIMES.values())


def resolve_runtime(spec: Any) -> Runtime:
    """The Runtime of a device argument: a string, a :class:`hotplug.device`, an index, or ``None`` for the default."""
    from hotplug.device import resolve_device

    return runtime_of(*resolve_device(spec).canonical)


def memory_allocated(device: Any = None) -> int:
    """Bytes that live tensors hold on a device, in whole blocks of the allocator."""
    return resolve_runtime(device).allocator.statistics()["allocated"]


def max_memory_allocated(device: Any = None) -> int:
    """The largest :func:`memory_allocated` since the start or :func:`reset_peak_memory_stats`."""
    return resolve_runtime(device).allocator.statistics()["max_allocated"]


def memory_reserved(device: Any = None) -> int:
    """Bytes taken from a device: what live tensors hold, and what is cached."""
    return resolve_runtime(device).allocator.statistics()["reserved"]


def memory_summary(device: Any = None) -> str:
    """The allocator's statistics as a table."""
    return resolve_runtime(device).allocator.summary()


def reset_peak_memory_stats(device: Any = None) -> None:
    """Start the maxima anew."""
    resolve_runtime(device).allocator.reset_peak()


def empty_cache(device: Any = None) -> None:
    """Give cached blocks back to a device."""
    resolve_runtime(device).allocator.empty_cache()


def synchronize(device: Any = None) -> None:
    """Wait for all work queued on a device; raises a pending device error."""
    runtime = resolve_runtime(device)
    runtime.backend.synchronize(runtime.index)
