"""Built programs, and the calls of their kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar, final

import numpy as np
import pyopencl as cl

from hotplug.backend import Array
from hotplug.backend.render import Source
from hotplug.backends.opencl.device import Device, Groups
from hotplug.backends.opencl.frame import Frame, Layouts, Packer

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
        self.by_value: Final = device.by_value(self.packer.nbytes, buffers)
        self._built: Final = device.built(op, source.text(frame.declaration(self.by_value), text))

    def launcher(self, name: str, buffers: int, groups: Groups) -> Launcher:
        """What queues one kernel, which takes the frame and so many buffers, in work-groups as many as fit."""
        self.device.check_group(self._op, max(groups.of_few, groups.of_many))
        kernel = self.device.kernel(self._op, self._built, name)
        kernel.set_arg_types((np.dtype(f"V{self.packer.nbytes}") if self.by_value else None, *[None] * buffers))
        return Launcher(self, kernel, groups)

    def failure(self, error: BaseException) -> Exception:
        """The error to raise where OpenCL refused a launch."""
        return self.device.failure(self._op, error)

    def argument(self, frame: bytes) -> Any:
        """A frame as the kernel's first argument.

        One that is too long for that lies in a buffer, which OpenCL frees once the kernel has run.
        """
        if self.by_value:
            return frame
        flags = cl.mem_flags.READ_ONLY | cl.mem_flags.COPY_HOST_PTR
        return cl.Buffer(self.device.context, flags, hostbuf=bytearray(frame))


@final
class Launcher:
    """Queues one kernel.  The caller of all methods holds the device's lock."""

    __slots__ = ("_device", "_groups", "_kernel", "_program")

    def __init__(self, program: Program, kernel: Any, groups: Groups) -> None:
        self._program: Final = program
        self._device: Final = program.device
        self._kernel: Final = kernel
        self._groups: Final = groups

    def __call__(self, items: int, frame: bytes, memories: Sequence[Any]) -> None:
        """Queue it for so many work-items."""
        self.queue(*self.sizes(items), self._program.argument(frame), memories)

    def sizes(self, items: int) -> tuple[tuple[int], tuple[int]]:
        """The global and the local size of a launch of so many work-items, and some more to fill the last group."""
        groups = self._groups
        local = groups.of_few if items <= groups.few_items else groups.of_many
        return (-(-items // local) * local,), (local,)

    def queue(self, size: tuple[int, ...], local: tuple[int, ...], argument: Any, memories: Sequence[Any]) -> None:
        """Queue it for a global and a local size, with a first argument that :meth:`Program.argument` made."""
        device = self._device
        try:
            self._kernel(device.queue, size, local, argument, *memories)
        except cl.Error as error:
            raise self._program.failure(error) from error
        device.launches += 1
        if device.launches % _FLUSHED == 0:
            device.queue.flush()


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


class _Form(NamedTuple):
    """What follows from the layouts of a call."""

    words: bytes
    size: tuple[int, ...]
    local: tuple[int, ...]
    argument: Any
    """The first argument where all arrays start at offset 0 and there are no scalars; else ``None``."""


@final
class Single:
    """A kernel of the contract that is one launch."""

    def __init__(
        self, program: Program, launch: Launcher, items: Callable[[Layouts], int], checks: bool = False
    ) -> None:
        """
        Args:
            program: where the kernel is from.
            launch: queues it.
            items: how many work-items a call needs.
            checks: whether it takes the device's error word as its last buffer.
        """
        self._device: Final = program.device
        self._program: Final = program
        self._sizes: Final = launch.sizes
        self._queue: Final = launch.queue
        self._items: Final = items
        self._checks: Final = checks
        self._forms: dict[Layouts, _Form] = {}

    def __call__(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        # The hot path: one loop, and what follows from the layouts alone is ready.
        arrays = (*outs, *inputs)
        found, memories, moved = [], [], 0
        for array in arrays:
            found.append(array.layout)
            memories.append(array.storage.buffer.memory)
            moved |= array.offset
        layouts = tuple(found)
        words, size, local, argument = self._forms.get(layouts) or self._form(layouts)
        if moved or argument is None:
            program = self._program
            argument = program.argument(program.packer.pack([array.offset for array in arrays], words, scalars))
        device = self._device
        with device.lock:
            if self._checks:
                memories.append(device.fault.memory)
                device.fault.armed = True
            self._queue(size, local, argument, memories)

    def _form(self, layouts: Layouts) -> _Form:
        packer = self._program.packer
        words = packer.words(layouts)
        frame = None if packer.takes_scalars else packer.pack([0] * len(layouts), words, ())
        if len(self._forms) >= _MANY_PLANS:
            self._forms.clear()
        argument = None if frame is None else self._program.argument(frame)
        found = self._forms[layouts] = _Form(words, *self._sizes(self._items(layouts)), argument)
        return found
