"""FunctionalBackend: the helper for engines whose values are typed and immutable, and computed by pure functions.

The contract writes bytes into buffers; such an engine (XLA, MLX) only makes new values.  Between the two stands the
:class:`Cell`, the buffer of every Storage.  It holds nothing at first, then host bytes or a value of one axis, and is
rebound by every write.  A value becomes typed when it is first read or written through an Array; a view with another
dtype of the same memory is a bitcast.  An engine supplies pure functions of values and never sees a Storage.
"""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple, final

from hotplug import dtypes
from hotplug.array import Array
from hotplug.backend.contract import Backend, Kernel, OpKey
from hotplug.backend.launcher import Compute, Launcher, Value
from hotplug.caches import Bounded
from hotplug.dtypes import dtype
from hotplug.errors import IndexRangeError
from hotplug.layout import Layout, Shape, layout_of

_SMALL: Final = 4096
"""A cell of up to this many bytes is read whole: that is cheaper than compiling a function for its part."""

_MANY_FAULTS: Final = 64
_MANY_FUNCTIONS: Final = 1024
"""Compiled views, writes through views and bitcasts that are kept."""


class Held(NamedTuple):
    """What a cell holds: ``numel`` elements in a value of one axis or, where ``dtype`` is ``None``, host bytes."""

    dtype: dtype | None
    value: Value
    numel: int

    @property
    def nbytes(self) -> int:
        """Bytes that are there; the rest of the cell was never written."""
        return self.numel if self.dtype is None else self.numel * self.dtype.itemsize


_NOTHING: Final = Held(None, b"", 0)


@final
class Cell:
    """The buffer of a functional engine.  Only ``held`` changes, as a whole, so that readers need no lock."""

    __slots__ = ("held", "index", "nbytes")

    def __init__(self, index: int, nbytes: int) -> None:
        self.index: Final = index
        self.nbytes: Final = nbytes
        self.held = _NOTHING


class FunctionalBackend(Backend):
    """A backend made of pure functions.  ``capabilities`` must declare ``functional=True``.

    What :meth:`compute` returns, :meth:`bitcast`, :meth:`view`, :meth:`update_view` and :meth:`reshape` are called
    inside of what :meth:`compile` returns, so that an engine that traces sees one launch as one program.
    """

    def __init__(self) -> None:
        self.lock: Final = threading.RLock()
        self._compiled: Bounded[tuple[Any, ...], Callable[..., Any]] = Bounded(_MANY_FUNCTIONS)
        self._faults: Final[deque[tuple[str, int, Value]]] = deque()

    # --- what an engine supplies --------------------------------------------------------------------------------------

    @abstractmethod
    def compute(self, index: int, key: OpKey) -> Compute | None:
        """The pure function that a key means; ``None`` means: decompose."""

    @abstractmethod
    def compile(self, index: int, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, compiled for device ``index``; its arguments are values and Python numbers."""

    @abstractmethod
    def put(self, index: int, data: bytes, dtype: dtype) -> Value:
        """Host bytes as a value of one axis."""

    @abstractmethod
    def zeros(self, index: int, dtype: dtype, count: int) -> Value:
        """``count`` zeros, as a value of one axis."""

    @abstractmethod
    def fetch(self, value: Value) -> memoryview:
        """The value's bytes, in C order, once it is computed."""

    @abstractmethod
    def describe(self, value: Value) -> tuple[dtype, int]:
        """Dtype and number of elements of a value."""

    @abstractmethod
    def wait(self, index: int) -> None:
        """Return when all that was launched on the device is done."""

    @abstractmethod
    def bitcast(self, value: Value, dtype: dtype) -> Value:
        """The same bytes as another dtype, one axis; zero bytes are added where the last element isn't whole."""

    @abstractmethod
    def view(self, value: Value, layout: Layout, offset: Value) -> Value:
        """The elements that a layout reads from a value of one axis, in the layout's shape."""

    @abstractmethod
    def update_view(self, value: Value, new: Value, layout: Layout, offset: Value) -> Value:
        """The value with the elements that the layout names replaced by those of ``new``."""

    @abstractmethod
    def reshape(self, value: Value, shape: Shape) -> Value:
        """The same elements in C order under another shape."""

    # --- what follows from it -----------------------------------------------------------------------------------------

    @final
    def allocate(self, index: int, nbytes: int) -> Cell:
        return Cell(index, nbytes)

    @final
    def free(self, buffer: Cell) -> None:
        buffer.held = _NOTHING

    @final
    def write(self, buffer: Cell, offset: int, data: memoryview) -> None:
        with self.lock:
            held = buffer.held
            if offset == 0 and data.nbytes >= held.nbytes:
                buffer.held = Held(None, bytes(data), data.nbytes)
            elif held.dtype is None:
                staged = bytearray(held.value.ljust(offset + data.nbytes, b"\0"))
                staged[offset : offset + data.nbytes] = data
                buffer.held = Held(None, bytes(staged), len(staged))
            else:
                self._write_bytes(buffer, offset, self.put(buffer.index, bytes(data), dtypes.uint8), data.nbytes)

    @final
    def read(self, buffer: Cell, offset: int, nbytes: int) -> memoryview:
        self._raise_fault()
        held = buffer.held
        if held.dtype is None:
            return memoryview(held.value.ljust(offset + nbytes, b"\0"))[offset : offset + nbytes]
        size = held.dtype.itemsize
        if held.nbytes <= _SMALL or nbytes == held.nbytes or offset % size or nbytes % size:
            return self.fetch(held.value)[offset : offset + nbytes]
        layout = layout_of(held.dtype, (nbytes // size,))
        return self.fetch(self._function(buffer.index, self.view, layout)(held.value, offset // size))

    @final
    def copy(self, destination: Cell, destination_offset: int, source: Cell, source_offset: int, nbytes: int) -> None:
        with self.lock:
            held = source.held
            if destination_offset == source_offset == 0 and nbytes >= max(held.nbytes, destination.held.nbytes):
                destination.held = held  # values are immutable: to share one is to copy it
                return
            part = self._function(source.index, self.view, layout_of(dtypes.uint8, (nbytes,)))
            self._write_bytes(destination, destination_offset, part(self._bytes(source), source_offset), nbytes)

    @final
    def synchronize(self, index: int) -> None:
        self.wait(index)
        self._raise_fault()

    @final
    def resolve(self, index: int, key: OpKey) -> Kernel | None:
        compute = self.compute(index, key)
        return None if compute is None else Launcher(self, index, key, compute)

    def held(self, array: Array) -> Held:
        """What the cell of an Array holds, made to be of the Array's dtype."""
        held: Held = array.storage.buffer.held
        if held.dtype is not array.layout.dtype:
            with self.lock:
                held = array.storage.buffer.held = self._retyped(array)
        return held

    def _retyped(self, array: Array) -> Held:
        cell: Cell = array.storage.buffer
        goal, (kind, value, _) = array.layout.dtype, cell.held
        count = -(-array.storage.nbytes // goal.itemsize)
        if kind is not None:
            array.storage.runtime.counts["bitcast"] += 1
            cast = self._function(cell.index, self.bitcast, goal)
            return Held(goal, cast(value), -(-cell.held.nbytes // goal.itemsize))
        if not value:
            return Held(goal, self.zeros(cell.index, goal, count), count)
        size = count * goal.itemsize
        return Held(goal, self.put(cell.index, value[:size].ljust(size, b"\0"), goal), count)

    def store(self, array: Array, value: Value) -> None:
        """Rebind the cell of an Array to a new value: the whole of it, or through one ``update_view``."""
        layout = array.layout
        cell: Cell = array.storage.buffer
        if array.offset == 0 and layout.is_contiguous and layout.numel * layout.dtype.itemsize >= array.storage.nbytes:
            cell.held = Held(layout.dtype, value, layout.numel)
            return
        with self.lock:  # two threads may write two parts of one cell
            array.storage.runtime.counts["update_view"] += 1
            held = self.held(array)
            update = self._function(cell.index, self.update_view, layout)
            cell.held = held._replace(value=update(held.value, value, array.offset))

    def _bytes(self, cell: Cell) -> Value:
        """All bytes of a cell as a value of uint8."""
        kind, value, _ = cell.held
        if kind is None:
            return self.put(cell.index, value.ljust(cell.nbytes, b"\0"), dtypes.uint8)
        if kind is not dtypes.uint8:
            value = self._function(cell.index, self.bitcast, dtypes.uint8)(value)
        layout = layout_of(dtypes.uint8, (cell.held.nbytes,))
        update = self._function(cell.index, self.update_view, layout)
        return update(self.zeros(cell.index, dtypes.uint8, cell.nbytes), value, 0)

    def _write_bytes(self, cell: Cell, offset: int, new: Value, nbytes: int) -> None:
        update = self._function(cell.index, self.update_view, layout_of(dtypes.uint8, (nbytes,)))
        cell.held = Held(dtypes.uint8, update(self._bytes(cell), new, offset), cell.nbytes)

    def _function(self, index: int, function: Callable[..., Value], static: Layout | dtype) -> Callable[..., Value]:
        """One of bitcast, view, update_view for a given dtype or layout, compiled."""
        name = (index, function.__name__, static)
        found = self._compiled.get(name)
        if found is None:
            if function.__name__ == "bitcast":
                found = self.compile(index, lambda value: function(value, static))
            else:
                found = self.compile(index, lambda *operands: function(*operands[:-1], static, operands[-1]))
            self._compiled[name] = found
        return found

    def fault(self, op: str, size: int, value: Value) -> None:
        """Remember a launch's index check until the next host read; forget the oldest that found nothing."""
        self._faults.append((op, size, value))
        if len(self._faults) > _MANY_FAULTS:
            with self.lock:
                faulty = [each for each in self._faults if self.fetch(each[2]).cast("q")[0]]
                self._faults.clear()
                self._faults.extend(faulty[:1])

    def _raise_fault(self) -> None:
        with self.lock:
            while self._faults:
                op, size, value = self._faults.popleft()
                count, position = self.fetch(value).cast("q")
                if count:
                    self._faults.clear()
                    raise IndexRangeError(
                        f"{op}: index {position} is out of bounds for an axis of size {size} ({count} such positions)"
                    )
