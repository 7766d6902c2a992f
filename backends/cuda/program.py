"""Compiled programs, and the calls of their kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, TypeVar, final

from hotplug.backend import Array
from hotplug.backend.render import Source
from hotplug.backends.cuda.device import Device
from hotplug.backends.cuda.frame import Frame
from hotplug.backends.cuda.header import THREADS
from hotplug.backends.opencl.frame import Layouts, Packer

Launch = Callable[..., None]
"""``launch(blocks, frame)`` or ``launch(blocks, frame, more_blocks)`` in a second axis; the lock is held."""

_MANY_PLANS: Final = 4096
MOST_ACROSS: Final = 65535
"""Blocks of the second and third axis of a grid."""


@final
class Program:
    """A compiled program and the packing of its frame."""

    def __init__(self, device: Device, op: str, frame: Frame, source: Source, text: str) -> None:
        """
        Args:
            device: where to compile it.
            op: for messages.
            frame: finished, that is, after the kernels' text was written.
            source: what the text needs of the renderer.
            text: the kernels.
        """
        self.device: Final = device
        self.packer: Final = frame.packer()
        self._module: Final = device.module(op, source.text(frame.declaration(), text))

    def launcher(self, name: str, threads: int = THREADS) -> Launch:
        """What queues one kernel."""
        device = self.device
        function = device.driver.function(self._module, name)
        queue = device.launch

        def launch(blocks: int, frame: bytes, across: int = 1, deep: int = 1) -> None:
            queue(function, (blocks, across, deep), threads, frame)

        return launch


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


def addresses(arrays: Sequence[Array]) -> list[int]:
    """Where the arrays' first elements lie."""
    return [each.storage.buffer.address + each.offset * each.layout.dtype.itemsize for each in arrays]


@final
class Single:
    """A kernel of the contract that is one launch."""

    def __init__(
        self, program: Program, launch: Launch, items: Callable[[Layouts], int], checks: bool = False,
        threads: int = THREADS,
    ) -> None:  # fmt: skip
        """
        Args:
            program: where the kernel is from.
            launch: queues it.
            items: how many threads a call needs.
            checks: whether it takes the device's error word as its first extra.
            threads: of a block.
        """
        self._device: Final = program.device
        self._pack: Final = program.packer.pack
        self._plans: Final = Plans(program.packer, lambda layouts: -(-items(layouts) // threads))
        self._launch: Final = launch
        self._checks: Final = checks

    def __call__(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        arrays = (*outs, *inputs)
        words, blocks = self._plans.of(arrays)
        places = addresses(arrays)
        device = self._device
        with device.lock:
            if self._checks:
                places.append(device.fault.address)
                device.fault.armed = True
            self._launch(blocks, self._pack(places, words, scalars))
