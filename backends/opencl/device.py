"""One OpenCL device in use: its context, its one in-order queue, and the programs built for it."""

from __future__ import annotations

import threading
from typing import Any, Final, NamedTuple, final

import pyopencl as cl

from hotplug.backends.opencl import hardware, profile
from hotplug.backends.opencl.build import build, reason
from hotplug.backends.opencl.fault import Fault
from hotplug.backends.opencl.memory import Block, Transfers
from hotplug.backends.opencl.pages import Pages
from hotplug.errors import CapabilityError, DeviceError

_POINTER: Final = 8
_ROOM: Final = 64
"""Bytes of the argument limit that are left to the driver."""


_OUT_OF_MEMORY: Final = (cl.status_code.MEM_OBJECT_ALLOCATION_FAILURE, cl.status_code.OUT_OF_HOST_MEMORY)
_ILLEGAL_ACCESS: Final = -9999
"""NVIDIA's code after a kernel that read or wrote where it must not: the context is gone."""
_LOST: Final = (
    cl.status_code.DEVICE_NOT_AVAILABLE, cl.status_code.INVALID_CONTEXT, cl.status_code.INVALID_COMMAND_QUEUE,
    cl.status_code.INVALID_DEVICE, _ILLEGAL_ACCESS,
)  # fmt: skip
"""What drivers answer when a device was unplugged, reset, or stopped by its watchdog."""


class Groups(NamedTuple):
    """How work-items are grouped."""

    of_few: int
    of_many: int
    few_items: int
    """So many items are few."""


@final
class Device:
    """Everything that belongs to one device.  ``lock`` is held around whatever sets a kernel's arguments."""

    def __init__(self, index: int, handle: Any) -> None:
        self.name: Final = f"opencl:{index} ({handle.name.strip()})"
        self.handle: Final = handle
        self.lock: Final = threading.RLock()
        self.profile: Final = profile.of(handle)
        self.context: Final = cl.Context([profile.real(handle)])
        self.queue: Final = cl.CommandQueue(self.context)
        self.transfers: Final = Transfers(self.queue)
        self._pages: Final = Pages(self.context, self.queue, handle)
        self.fault: Final = Fault(self.context, self.queue)
        self.capabilities: Final = hardware.capabilities(handle)
        self.has_double: Final = hardware.has_double(handle)
        self.is_processor: Final = hardware.is_processor(handle)
        self.units: Final = max(1, int(handle.max_compute_units))
        self.lost = ""
        """What the driver said when the device was lost; empty while it works."""
        most = self.work_group = int(handle.max_work_group_size)
        """The largest work-group."""
        self.local_memory: Final = int(handle.local_mem_size)
        """Bytes of local memory of a work-group."""
        self.light: Final = Groups(min(256, most), min(256, most), 0)
        """Work-groups of kernels whose work-items do little each."""
        self.heavy: Final = Groups(1, min(64, most), 16 * self.units) if self.is_processor else Groups(
            min(64, most), min(64, most), 0
        )  # fmt: skip
        """Work-groups of kernels whose work-items do much each: on a processor a few of them must reach all cores."""
        self.tiles: Final = Groups(1, 1, 0) if self.is_processor else self.heavy
        """Work-groups of work-items that need all registers."""
        self._options: Final = _options(handle)
        self._limit: Final = int(handle.max_parameter_size) - _ROOM
        self.launches = 0
        """Kernels queued so far."""
        self._building: Final = threading.Lock()
        self._programs: dict[str, Any] = {}
        self._scratch: Any = None

    def allocate(self, nbytes: int) -> Block:
        """A new buffer.

        Raises:
            MemoryError: there is no room.
            DeviceError: the device was lost.
        """
        largest = int(self.handle.max_mem_alloc_size)
        if nbytes > largest:
            raise MemoryError(f"{self.name} allocates at most {largest} bytes at once, {nbytes} were asked for")
        try:
            return Block(self, self._pages.buffer(nbytes), nbytes)
        except cl.Error as error:
            if self.lost or getattr(error, "code", None) in _LOST:
                raise self.failure("allocate", error) from error
            raise MemoryError(f"{self.name}: {error}") from error  # drivers have many codes for it

    def scratch(self, nbytes: int) -> Any:
        """Memory for partial results, the same for all launches: the queue is in order.  The caller holds the lock."""
        if self._scratch is None or self._scratch.nbytes < nbytes:
            self._scratch = None
            self._scratch = self.allocate(max(nbytes, 1 << 16))
        return self._scratch.memory

    def failure(self, op: str, error: BaseException) -> Exception:
        """The error to raise where OpenCL refused something."""
        code = getattr(error, "code", None)
        if code in _OUT_OF_MEMORY:
            return MemoryError(f"{op} on {self.name}: {error}")
        if code in _LOST:
            self.lost = str(error)
        if self.lost:
            return DeviceError(
                f"{op} on {self.name}: the device was lost ({self.lost}), and what it held with it; "
                f"other devices work on; restart the program to use this one again"
            )
        return DeviceError(f"{op} on {self.name} failed: {error}; if the device was lost, restart the program")

    def built(self, op: str, text: str) -> Any:
        """A built program, from the cache where the same text was built before.

        Raises:
            CapabilityError: it needs double precision, and the device has none; or more than the profile has.
            DeviceError: the driver's compiler refuses it.
        """
        if "cl_khr_fp64" in text and not self.has_double:
            raise CapabilityError(f"{op}: {self.name} has no float64; convert with .to(float32), or use another device")
        if self.profile is not None:
            self._refuse(op, self.profile.problem(text))
        with self._building:  # a lock of its own, so that a build stops no launch
            found = self._programs.get(text)
            if found is None:
                found = self._programs[text] = self._build(op, text)
        return found

    def _build(self, op: str, text: str) -> Any:
        try:
            built = build(self.context, text, self._options)
        except cl.Error as error:
            if getattr(error, "code", None) != cl.status_code.BUILD_PROGRAM_FAILURE:
                raise self.failure(op, error) from error
            raise DeviceError(f"{op}: the OpenCL compiler of {self.name} failed: {reason(error)}") from error
        if self.profile is not None:
            used = max(self._local_memory(kernel) for kernel in built.all_kernels())
            if used > self.local_memory:
                self._refuse(op, f"a kernel uses {used} bytes of local memory, of {self.local_memory}")
        return built

    def kernel(self, op: str, built: Any, name: str) -> Any:
        """A new kernel object of a built program.  Setting its arguments and queueing it is for who holds the lock.

        One object under a lock, not one for each thread: all threads share the device's one queue, so they wait for each
        other in the driver anyhow.  Measured on PoCL with ``a + b`` on 4 floats, best of nine: from four threads 3.7 us a
        launch with the lock and 3.8 us with an object for each thread; the lock alone costs less than 0.1 us.
        """
        try:
            return cl.Kernel(built, name)
        except cl.Error as error:
            raise self.failure(op, error) from error

    def _local_memory(self, kernel: Any) -> int:
        return int(kernel.get_work_group_info(cl.kernel_work_group_info.LOCAL_MEM_SIZE, self.context.devices[0]))

    def check_group(self, op: str, size: int) -> None:
        """Refuse a work-group that is too large for the device, or for its profile, which the driver does not know.

        Raises:
            CapabilityError: it is too large.
        """
        if size > self.work_group:
            self._refuse(op, f"a kernel is launched in work-groups of {size}, of at most {self.work_group}")

    def _refuse(self, op: str, problem: str) -> None:
        if problem:
            under = "" if self.profile is None else f" under the profile {self.profile.name!r}"
            raise CapabilityError(f"{op} on {self.name}{under}: {problem}")

    def by_value(self, nbytes: int, buffers: int) -> bool:
        """Whether a frame fits among the arguments beside so many buffers; a longer one goes into a buffer of its own.

        Raises:
            CapabilityError: the buffers alone are too many.
        """
        if (buffers + 1) * _POINTER > self._limit:
            most = self._limit // _POINTER - 1
            raise CapabilityError(f"{self.name} takes at most {most} operands in one kernel, got {buffers}; use fewer")
        return nbytes + buffers * _POINTER <= self._limit


def _options(handle: Any) -> list[str]:
    """Compiler options: C 1.2, and division and square root rounded as IEEE says where the device can."""
    options = ["-cl-std=CL1.2", "-w"]  # warnings would go to the standard error of the user's program
    if handle.single_fp_config & cl.device_fp_config.CORRECTLY_ROUNDED_DIVIDE_SQRT:
        options.append("-cl-fp32-correctly-rounded-divide-sqrt")
    if hardware.is_simulator(handle):  # it lacks functions that the optimizer puts in place of ours, such as llvm.abs
        options.append("-cl-opt-disable")
    return options
