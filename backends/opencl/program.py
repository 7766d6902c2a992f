"""Built programs, and the calls of their kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, TypeVar, final

import numpy as np
import pyopencl as cl

from hotplug.backend import Array
from hotplug.backend.render import Source
from hotplug.backends.opencl.device import Device, Groups
from hotplug.backends.opencl.frame import Frame, Layouts, Packer

Launch = Callable[[int, bytes, Sequence[Any]], None]
"""``launch(work_items, frame, memories)``; the caller holds the device's lock."""

_MANY_PLANS: Final = 4096
_FLUSHED: Final = 16
"""After so many launches the driver is told to start, which some do only then."""


@final
class Program:
    """A built program and the packing of its frame."""

    def __init__(self, device: Device, op: str, frame: Frame, source: Source, text: str, buffers: int) -> None:
        """
        Args:
            device: where to build it.
            op: for messages.
            frame: finished, that is, after the kernels' text was written.
            source: what the text needs of the renderer.
            text: the kernels.
            buffers: the most that one of the kernels takes.
        """
        self.device: Final = device
        self.packer: Final = frame.packer()
        self._op: Final = op
        self._by_value: Final = device.by_value(self.packer.nbytes, buffers)
        self._built: Final = device.built(op, source.text(frame.declaration(self._by_value), text))

    def launcher(self, name: str, buffers: int, groups: Groups) -> Launch:
        """What queues one kernel, which takes the frame and so many buffers, in work-groups as many as fit."""
        kernel = cl.Kernel(self._built, name)
        by_value = self._by_value
        kernel.set_arg_types((np.dtype(f"V{self.packer.nbytes}") if by_value else None, *[None] * buffers))
        device, queue, few = self.device, self.device.queue, groups.few_items
        device.check_group(self._op, max(groups.of_few, groups.of_many))

        def launch(items: int, frame: bytes, memories: Sequence[Any]) -> None:
            local = groups.of_few if items <= few else groups.of_many
            try:
                size = (-(-items // local) * local,)
                kernel(queue, size, (local,), frame if by_value else self._constant(frame), *memories)
            except cl.Error as error:
                raise device.failure(self._op, error) from error
            device.launches += 1
            if device.launches % _FLUSHED == 0:
                queue.flush()

        return launch

    def _constant(self, frame: bytes) -> Any:
        """A frame that is too long for an argument; OpenCL frees the buffer once the kernel has run."""
        flags = cl.mem_flags.READ_ONLY | cl.mem_flags.COPY_HOST_PTR
        return cl.Buffer(self.device.context, flags, hostbuf=bytearray(frame))


Work = TypeVar("Work")


@final
class Plans(Generic[Work]):
    """What follows from the layouts of a call, by layouts: the frame's words, and how much work there is."""

    def __init__(self, packer: Packer, work: Callable[[Layouts], Work]) -> None:
        self._packer: Final = packer
        self._work: Final = work
        self._known: dict[Layouts, tuple[bytes, Work]] = {}

    def of(self, arrays: Sequence[Array]) -> tuple[bytes, Work]:
        """The words and the work for Arrays, outputs first."""
        layouts = tuple([array.layout for array in arrays])
        plan = self._known.get(layouts)
        if plan is None:
            if len(self._known) >= _MANY_PLANS:
                self._known.clear()
            plan = self._known[layouts] = (self._packer.words(layouts), self._work(layouts))
        return plan


@final
class Single:
    """A kernel of the contract that is one launch."""

    def __init__(self, program: Program, launch: Launch, items: Callable[[Layouts], int], checks: bool = False) -> None:
        """
        Args:
            program: where the kernel is from.
            launch: queues it.
            items: how many work-items a call needs.
            checks: whether it takes the device's error word as its last buffer.
        """
        self._device: Final = program.device
        self._pack: Final = program.packer.pack
        self._plans: Final = Plans(program.packer, items)
        self._launch: Final = launch
        self._checks: Final = checks

    def __call__(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        arrays = (*outs, *inputs)
        words, items = self._plans.of(arrays)
        frame = self._pack([array.offset for array in arrays], words, scalars)
        memories = [array.storage.buffer.memory for array in arrays]
        device = self._device
        with device.lock:
            if self._checks:
                memories.append(device.fault.memory)
                device.fault.armed = True
            self._launch(items, frame, memories)
