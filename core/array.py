"""Storage and Array: what crosses the waist.  No gradient, no device code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from hotplug.dtypes import dtype
from hotplug.layout import Layout, Shape, Strides

if TYPE_CHECKING:
    from hotplug.runtime import Runtime


@final
class Storage:
    """A cell that holds one opaque device buffer.  Several arrays may share it.

    ``buffer`` belongs to the backend: the core never looks inside.  A functional engine rebinds it to a new value.
    ``version`` counts the writes, so that autograd notices a saved value that was changed in place.
    """

    __slots__ = ("__weakref__", "block", "buffer", "nbytes", "owner", "runtime", "version")

    def __init__(self, runtime: Runtime, buffer: Any, nbytes: int, block: int, owner: object = None) -> None:
        self.runtime: Final = runtime
        self.buffer = buffer
        self.nbytes: Final = nbytes
        self.block: Final = block
        """Bytes that the allocator really took, its size class; -1 for foreign memory, which is never cached."""
        self.owner = owner
        """Keeps foreign memory alive; ``None`` for memory of our own."""
        self.version = 0

    def __del__(self) -> None:
        # Runs at any moment, inside the allocator too: only a thread-safe append is allowed here.
        self.runtime.released.append((self.buffer, self.block))


@final
class Array:
    """A strided view of a Storage: layout (dtype, shape, strides) and offset, all counted in elements."""

    __slots__ = ("layout", "native", "offset", "storage")

    def __init__(self, storage: Storage, layout: Layout, offset: int = 0) -> None:
        self.storage: Final = storage
        self.layout: Final = layout
        self.offset: Final = offset
        self.native: Any = None
        """A slot for the backend's own handle of this view (an ndarray, say).  The core never reads it."""

    @property
    def dtype(self) -> dtype:
        return self.layout.dtype

    @property
    def shape(self) -> Shape:
        return self.layout.shape

    @property
    def strides(self) -> Strides:
        return self.layout.strides

    @property
    def numel(self) -> int:
        return self.layout.numel

    def byte_range(self) -> tuple[int, int]:
        """First byte touched and the byte after the last, within the storage."""
        low, high = self.layout.extent()
        size = self.layout.dtype.itemsize
        return (self.offset + low) * size, (self.offset + high + 1) * size

    def __repr__(self) -> str:
        return f"Array({self.layout!r}, offset={self.offset}, device={self.storage.runtime.name})"
