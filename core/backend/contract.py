"""The backend contract, version 1: all that a device has to do.

A backend implements memory (six calls), identity (two) and :meth:`Backend.resolve`, which turns an :class:`OpKey` into
a kernel.  Seven kernel families are required; every other key may be answered with ``None``, and the core decomposes.

Families, by ``key.name``.  ``outs`` and ``inputs`` are Arrays whose shapes the core has collapsed; sizes are never 0.

=========  ==========================================================================================================
map        ``outs[i][p] = key.program[i]`` at every index ``p``.  All operands have the same shape, stride 0 where
           broadcast.  An output may be exactly an input (``key.alias``): read all of an element before writing any.
reduce     ``key.mode`` in sum, prod, max, min, any, all.  Inputs have shape ``kept + reduced`` with ``key.axis``
           trailing reduced axes; the output has shape ``kept``.  ``key.program`` holds the Expr applied first.
argreduce  ``key.mode`` in argmax, argmin.  Like reduce over one trailing axis; int64 position of the first extremum;
           a NaN counts as the extremum.
scan       ``key.mode`` in sum, prod, max, min: running value along the last axis; shapes are equal.
gather     ``out[p] = input[p with p[axis] replaced by index[p]]``, ``inputs = (input, index)``; ``axis = key.axis``.
scatter    ``out[p with p[axis] replaced by index[p]] = mode(that, source[p])`` with ``inputs = (index, source)`` and
           ``key.mode`` in set, add, mul, min, max; the output comes pre-filled.
matmul     ``out[b, i, j] = sum_k inputs[0][b, i, k] * inputs[1][b, k, j]``, one batch axis, any strides.
=========  ==========================================================================================================
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol

from hotplug import dtypes
from hotplug.array import Array
from hotplug.dtypes import dtype
from hotplug.expr.node import Expr

CONTRACT_VERSION: Final = (1, 1)
"""Major and minor version of this contract.  A minor version only adds what has a default."""

ALIGNMENT: Final = 256
"""Buffers start at a multiple of this many bytes, where a backend exposes addresses at all."""

FAMILIES: Final = ("map", "reduce", "argreduce", "scan", "gather", "scatter", "matmul")
"""The kernel families that every backend must have."""

REDUCE_MODES: Final = ("sum", "prod", "max", "min", "any", "all")
ARGREDUCE_MODES: Final = ("argmax", "argmin")
SCAN_MODES: Final = ("sum", "prod", "max", "min")
SCATTER_MODES: Final = ("set", "add", "mul", "min", "max")

Buffer = Any
"""An opaque handle of device memory; only its backend looks inside."""


class OpKey(NamedTuple):
    """Names one kernel.  Never a shape, never a number: the set of keys is finite."""

    name: str
    """A family (see the module's table) or the name of a composite."""
    mode: str = ""
    """Which reduction, scan or scatter; empty for the others."""
    program: tuple[Expr, ...] = ()
    """The Exprs of a map, one an output; of a reduce, the one applied first."""
    dtypes: tuple[dtype, ...] = ()
    """Outputs first, then inputs."""
    rank: int = 0
    """Collapsed rank, 0 to 4; 8 for all from 5 to 8 (leading axes of size 1 are added); true rank for a composite."""
    layouts: tuple[str, ...] = ()
    """Outputs first, then inputs: ``contiguous``, ``broadcast`` (every stride is 0) or ``strided``."""
    axis: int = 0
    """Trailing reduced axes of reduce and argreduce (1 there); the axis of gather and scatter."""
    alias: tuple[int, ...] = ()
    """For each output of a map, the input that it exactly is, or -1."""
    index64: bool = False
    """Whether an offset needs more than 31 bits."""
    attributes: tuple[tuple[str, object], ...] = ()
    """Enum-like arguments of a composite, by name."""


class Kernel(Protocol):
    """Destination-passing: writes every element of ``outs``, returns nothing.

    ``scalars`` are the runtime scalars of the program in order, or a composite's numeric arguments.
    """

    def __call__(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None: ...


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a device can do; the core words the error for what it cannot."""

    storage: frozenset[dtype] = frozenset(dtypes.ALL)
    """Dtypes that can be held, copied and viewed."""
    arithmetic: frozenset[dtype] = frozenset(dtypes.ALL)
    """Dtypes that kernels compute in or read and write by rounding (the half types)."""
    index64: bool = True
    """Arrays may span more than 2**31 elements."""
    host_memory: bool = False
    """Buffers are host memory: ``export`` works and costs nothing."""
    asynchronous: bool = False
    """Kernels are queued; index errors are raised by the next host read."""
    float_atomics: bool = True
    deterministic_scatter: bool = True
    """Equal inputs give equal bits in scatter-add."""
    denormals: bool = True
    """Results below the smallest normal number are kept, not flushed to zero."""
    functional: bool = False
    """Kernels return new values and the Storage's cell is rebound; buffers are not cached."""
    contiguous_only: bool = False
    """Every kernel but a copying map wants C-contiguous operands; the core makes (and counts) the copies."""
    dlpack: bool = False


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """One piece of hardware of a backend, for people to read."""

    index: int
    name: str
    """The hardware's name, e.g. the processor's model."""
    memory: int
    """Bytes of memory; 0 where unknown."""
    details: dict[str, str] = field(default_factory=dict)
    """More for the report: driver, versions.  ``type`` and ``platform``, where they are there, select a device, as its name
    does: ``"vendor:gpu"``."""


class Backend(ABC):
    """Drives one kind of device.  One instance serves all its devices; ``index`` selects among them.

    All methods may be called from several threads.
    """

    name: str
    """The device string without its index, e.g. ``"opencl"``."""
    contract: tuple[tuple[int, int], tuple[int, int]] = ((1, 0), (1, 0))
    """Lowest and highest version of the contract that the backend speaks."""
    numbered: bool = True
    """Whether device strings show an index.  ``False`` where there can be one device only, such as the processor."""

    @abstractmethod
    def devices(self) -> Sequence[DeviceInfo]:
        """The devices there are, in a stable order.  Raises what explains why there are none."""

    @abstractmethod
    def capabilities(self, index: int) -> Capabilities:
        """What device ``index`` can do."""

    @abstractmethod
    def allocate(self, index: int, nbytes: int) -> Buffer:
        """At least ``nbytes`` (> 0) bytes of uninitialised memory.  Raises ``MemoryError`` when there are none left."""

    @abstractmethod
    def free(self, buffer: Buffer) -> None:
        """Give the memory back once the work queued on it is done."""

    @abstractmethod
    def write(self, buffer: Buffer, offset: int, data: memoryview) -> None:
        """Copy host bytes into the buffer.  ``data`` may be reused by the caller when the call returns."""

    @abstractmethod
    def read(self, buffer: Buffer, offset: int, nbytes: int) -> bytes | bytearray | memoryview:
        """Host bytes of the buffer, after all work queued before; raises a pending device error."""

    @abstractmethod
    def copy(
        self, destination: Buffer, destination_offset: int, source: Buffer, source_offset: int, nbytes: int
    ) -> None:
        """Copy bytes between two buffers of the same device."""

    @abstractmethod
    def synchronize(self, index: int) -> None:
        """Wait for all queued work; raises a pending device error."""

    @abstractmethod
    def resolve(self, index: int, key: OpKey) -> Kernel | None:
        """The kernel for ``key``, compiled; ``None`` means: decompose.  The core caches the answer."""

    def export(self, buffer: Buffer) -> Any:
        """The buffer as a NumPy array of uint8 that shares its memory, or ``None`` where that can't be."""
        return None

    def wrap(self, index: int, foreign: Any) -> Buffer | None:
        """A buffer that shares the memory of a contiguous NumPy array of uint8, or ``None``: the core copies."""
        return None

    # --- since 1.1; a backend that has none of it is as complete as before ---

    def pin(self, index: int, nbytes: int) -> Any:
        """Page-locked host memory, which the device reads and writes while the program goes on: a NumPy array of uint8 that
        keeps it, aligned to 16 bytes; or ``None``.
        """
        return None

    def write_pinned(self, buffer: Buffer, offset: int, data: Any) -> bool:
        """Queue a copy of ``data``, an array of uint8 in memory of :meth:`pin`, into the buffer, and return at once.

        The backend keeps the array until the copy is done.  ``False``: the core calls :meth:`write`.
        """
        return False

    def read_pinned(self, buffer: Buffer, offset: int, data: Any) -> bool:
        """Queue a copy of the buffer's bytes into ``data``, which is as in :meth:`write_pinned`, and return at once.

        They are there after :meth:`synchronize`.  ``False``: the core calls :meth:`read`.
        """
        return False

    def copy_across(
        self, destination: Buffer, destination_offset: int, source: Buffer, source_offset: int, nbytes: int
    ) -> bool:
        """Queue a copy between buffers of two of the backend's devices, after what was queued on either.

        ``False``, where they don't reach each other: the core reads and writes.
        """
        return False

    def place(self, buffer: Buffer) -> tuple[int, int, int] | None:
        """The device by DLPack's numbers (``DLDeviceType``, and which one), and the buffer's address there; or ``None``."""
        return None

    def adopt(self, index: int, address: int, nbytes: int, owner: object) -> Buffer | None:
        """A buffer that shares device memory at an address as of :meth:`place`, and keeps ``owner``; or ``None``."""
        return None

    def stream(self, index: int) -> int:
        """The device's queue as DLPack names it to a producer: -1 where there is nothing to wait for."""
        return -1

    def precede(self, index: int, stream: int) -> None:  # noqa: B027 - a device without streams has nothing to do
        """Let what is queued on another library's stream from now on come after what is queued on the device so far."""

    def follow(self, index: int, stream: int) -> None:  # noqa: B027 - as above
        """Let what is queued on the device from now on come after what is queued on another library's stream so far."""
