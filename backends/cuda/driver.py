"""What the kernels' launchers need of a machine: CuPy gives it on a GPU, the emulator on the processor."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from hotplug.backend import Array


class Traits(NamedTuple):
    """What sizes of work fit a device."""

    units: int
    """Multiprocessors."""
    shortest: int
    """Elements of the shortest piece of a row that is worth a block of its own."""
    most_pieces: int = 256
    """Pieces of a row at most: their results are joined by one block."""
    tensor_cores: bool = False
    """Whether kernels may use the instructions of :mod:`hotplug.backends.cuda.tensor_cores`."""


class Driver(ABC):
    """Memory, compilation and launches on one device.  Addresses are integers; all work goes through one stream."""

    traits: Traits
    stream: int = 0
    """The stream's handle, for other libraries; 0 where there is none."""
    kind: tuple[int, int] = (1, 0)
    """The device by DLPack's numbers; the host's memory by default."""

    def follow(self, stream: int) -> None:  # noqa: B027 - a machine with one stream has nothing to wait for
        """Let work queued from now on come after what another stream has queued."""

    def precede(self, stream: int) -> None:  # noqa: B027 - as above
        """Let what another stream queues from now on come after the work queued so far."""

    def pin(self, nbytes: int) -> Any:
        """Page-locked host memory as an array of bytes, or ``None``."""
        return None

    def write_pinned(self, address: int, data: Any) -> None:
        """Queue a copy from memory of :meth:`pin`, which is kept until it is done."""
        self.write(address, data.data)

    def read_pinned(self, address: int, data: Any) -> None:
        """Queue a copy to memory of :meth:`pin`."""
        data[...] = np.frombuffer(self.read(address, data.nbytes), np.uint8)

    @abstractmethod
    def allocate(self, nbytes: int) -> int:
        """The address of new memory, aligned to 256 bytes.

        Raises:
            MemoryError: there is no room.
        """

    @abstractmethod
    def free(self, address: int) -> None:
        """Give memory back once the work queued so far is done."""

    @abstractmethod
    def write(self, address: int, data: memoryview) -> None:
        """Queue a copy from the host, whose memory may be reused when this returns."""

    @abstractmethod
    def read(self, address: int, nbytes: int) -> memoryview:
        """Bytes of the device, after all that was queued before."""

    @abstractmethod
    def copy(self, target: int, source: int, nbytes: int) -> None:
        """Queue a copy within the device; the ranges may overlap."""

    def copy_from(self, other: Driver, target: int, source: int, nbytes: int) -> bool:
        """Queue a copy from another device's memory; false where the devices don't reach each other."""
        return False

    @abstractmethod
    def synchronize(self) -> None:
        """Wait for all queued work."""

    @abstractmethod
    def compile(self, op: str, text: str) -> Any:
        """A compiled source, for :meth:`function`.

        Raises:
            DeviceError: the compiler refuses it.
        """

    @abstractmethod
    def function(self, module: Any, name: str) -> Any:
        """A kernel of a compiled source, for :meth:`launch`."""

    @abstractmethod
    def launch(self, function: Any, grid: tuple[int, int, int], threads: int, frame: bytes) -> None:
        """Queue a kernel whose one parameter is the frame."""

    def product(self, out: Array, left: Array, right: Array) -> bool:
        """Compute a batched matrix product by a library; false where there is none for these operands."""
        return False

    def library(self, name: str) -> Any:
        """One of NVIDIA's libraries, see :mod:`hotplug.backends.cuda.libraries`; ``None`` where there is none."""
        return None

    def export(self, address: int, nbytes: int) -> Any:
        """The memory as a NumPy array where it is the host's, else ``None``."""
        return None

    def libraries(self) -> Sequence[str]:
        """Names of the libraries in use, for the report."""
        return ()
