"""One OpenCL device in use: its context, its one in-order queue, and the programs built for it."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Final, final

import numpy as np
import pyopencl as cl

from hotplug.backends.opencl import hardware
from hotplug.backends.opencl.fault import Fault
from hotplug.backends.opencl.frame import Frame
from hotplug.backends.opencl.memory import Block, Transfers
from hotplug.errors import CapabilityError, DeviceError

Launch = Callable[..., None]
"""``launch(global_size, frame, memories)``; the caller holds the device's lock."""

_POINTER: Final = 8
_ROOM: Final = 64
"""Bytes of the argument limit that are left to the driver."""


@final
class Device:
    """Everything that belongs to one device.  ``lock`` is held around whatever sets a kernel's arguments."""

    def __init__(self, index: int, handle: Any) -> None:
        self.name: Final = f"opencl:{index} ({handle.name.strip()})"
        self.handle: Final = handle
        self.lock: Final = threading.RLock()
        self.context: Final = cl.Context([handle])
        self.queue: Final = cl.CommandQueue(self.context, handle)
        self.transfers: Final = Transfers(self.queue)
        self.fault: Final = Fault(self.context, self.queue)
        self.capabilities: Final = hardware.capabilities(handle)
        self.has_double: Final = hardware.has_double(handle)
        self.is_processor: Final = hardware.is_processor(handle)
        self.units: Final = max(1, int(handle.max_compute_units))
        self.items: Final = min(256, int(handle.max_work_group_size))
        """Work-items in a group where each does little."""
        self._options: Final = _options(handle)
        self._limit: Final = int(handle.max_parameter_size) - _ROOM
        self._programs: dict[str, Any] = {}
        self._scratch: Any = None

    def allocate(self, nbytes: int) -> Block:
        """A new buffer.

        Raises:
            MemoryError: there is no room.
        """
        largest = int(self.handle.max_mem_alloc_size)
        if nbytes > largest:
            raise MemoryError(f"{self.name} allocates at most {largest} bytes at once, {nbytes} were asked for")
        try:
            return Block(self, cl.Buffer(self.context, cl.mem_flags.READ_WRITE, nbytes), nbytes)
        except cl.Error as error:
            raise MemoryError(f"{self.name}: {error}") from error

    def scratch(self, nbytes: int) -> Any:
        """Memory for partial results, the same for all launches: the queue is in order.  The caller holds the lock."""
        if self._scratch is None or self._scratch.nbytes < nbytes:
            self._scratch = None
            self._scratch = self.allocate(max(nbytes, 1 << 16))
        return self._scratch.memory

    def failure(self, op: str, error: BaseException) -> Exception:
        """The error to raise where OpenCL refused something."""
        if isinstance(error, cl.MemoryError):
            return MemoryError(f"{op} on {self.name}: {error}")
        return DeviceError(f"{op} on {self.name} failed: {error}; if the device was lost, restart the program")

    def program(self, op: str, text: str) -> Any:
        """A built program, from the cache where the same text was built before.

        Raises:
            CapabilityError: it needs double precision, and the device has none.
            DeviceError: the driver's compiler refuses it.
        """
        if "cl_khr_fp64" in text and not self.has_double:
            raise CapabilityError(f"{op}: {self.name} has no float64; convert with .to(float32), or use another device")
        with self.lock:
            found = self._programs.get(text)
            if found is None:
                found = self._programs[text] = self._build(op, text)
        return found

    def _build(self, op: str, text: str) -> Any:
        try:
            with warnings.catch_warnings():  # drivers put remarks into the log of a build that succeeded
                warnings.simplefilter("ignore")
                return cl.Program(self.context, text).build(options=self._options)
        except cl.Error as error:
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            reason = next((line for line in lines if "error" in line.lower() and "failed" not in line), lines[0])
            raise DeviceError(f"{op}: the OpenCL compiler of {self.name} failed: {reason}") from error

    def launcher(self, op: str, program: Any, name: str, nbytes: int, buffers: int, local: Sequence[int]) -> Launch:
        """What queues one kernel of a program.

        Args:
            op: for messages.
            program: a built program.
            name: the kernel's.
            nbytes: size of the frame, the kernel's first argument.
            buffers: how many buffers follow it.
            local: work-items in a group.
        """
        kernel = cl.Kernel(program, name)
        by_value = self.by_value(nbytes, buffers)
        kernel.set_arg_types((np.dtype(f"V{nbytes}") if by_value else None, *[None] * buffers))
        queue, local = self.queue, tuple(local)

        def launch(size: Sequence[int], frame: bytes, memories: Sequence[Any]) -> None:
            try:
                kernel(queue, size, local, frame if by_value else self._constant(frame), *memories)
            except cl.Error as error:
                raise self.failure(op, error) from error

        return launch

    def by_value(self, nbytes: int, buffers: int) -> bool:
        """Whether a frame fits among the arguments; a longer one goes into a buffer of its own.

        Raises:
            CapabilityError: the buffers alone are too many.
        """
        if (buffers + 1) * _POINTER > self._limit:
            raise CapabilityError(f"{self.name} takes at most {self._limit // _POINTER} operands in a kernel, got {buffers}")
        return nbytes + buffers * _POINTER <= self._limit

    def _constant(self, frame: bytes) -> Any:
        flags = cl.mem_flags.READ_ONLY | cl.mem_flags.COPY_HOST_PTR
        return cl.Buffer(self.context, flags, hostbuf=bytearray(frame))  # freed by OpenCL once the kernel has run

    def declare(self, frame: Frame, buffers: int) -> str:
        """The declaration of a finished frame, by value or by reference as it fits."""
        return frame.declaration(self.by_value(frame.packer().nbytes, buffers))


def _options(handle: Any) -> list[str]:
    """Compiler options: C 1.2, and division and square root rounded as IEEE says where the device can."""
    options = ["-cl-std=CL1.2"]
    if handle.single_fp_config & cl.device_fp_config.CORRECTLY_ROUNDED_DIVIDE_SQRT:
        options.append("-cl-fp32-correctly-rounded-divide-sqrt")
    return options
