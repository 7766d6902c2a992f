"""The memory of tensors as an object: ``tensor.untyped_storage()`` and ``tensor.storage()``.

It is for asking, not for working: two tensors share memory where the storages have one ``data_ptr()``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, final

from hotplug import host, ops
from hotplug.array import Array, Storage
from hotplug.dtypes import dtype as DType, uint8
from hotplug.layout import layout_of
from hotplug.tensor import Tensor, wrap


def address(storage: Storage, offset: int = 0) -> int:
    """Where a byte of the storage lies: an address in host memory, elsewhere a number that no other byte has."""
    view = host.exported(Array(storage, layout_of(uint8, (storage.nbytes,)))) if storage.nbytes else None
    if view is None:
        return (id(storage) << 32) + offset
    return int(view.__array_interface__["data"][0]) + offset


@final
class UntypedStorage:
    """The bytes that tensors share."""

    def __init__(self, storage: Storage, device: Any) -> None:
        self._storage = storage
        self.device = device

    def data_ptr(self) -> int:
        """The first byte's place."""
        return address(self._storage)

    def nbytes(self) -> int:
        """How many there are."""
        return self._storage.nbytes

    size = __len__ = nbytes

    @property
    def is_cuda(self) -> bool:
        """Whether it is memory of the device ``cuda``."""
        return bool(self.device.type == "cuda")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntypedStorage) and self._storage is other._storage

    def __hash__(self) -> int:
        return id(self._storage)

    def tolist(self) -> list[int]:
        """The bytes as numbers."""
        array = Array(self._storage, layout_of(uint8, (self._storage.nbytes,)))
        return host.to_host(array, "tolist").tolist()  # type: ignore[no-any-return]


@final
class TypedStorage:
    """The elements that tensors of one dtype share."""

    def __init__(self, untyped: UntypedStorage, dtype: DType) -> None:
        self._untyped = untyped
        self.dtype = dtype
        self.device = untyped.device

    def untyped(self) -> UntypedStorage:
        """The same memory as bytes."""
        return self._untyped

    def data_ptr(self) -> int:
        """The first element's place."""
        return self._untyped.data_ptr()

    def nbytes(self) -> int:
        """Its size in bytes."""
        return self._untyped.nbytes()

    def size(self) -> int:
        """How many elements there are."""
        return self._untyped.nbytes() // self.dtype.itemsize

    __len__ = size

    def element_size(self) -> int:
        """Bytes of one element."""
        return self.dtype.itemsize

    def _elements(self) -> Tensor:
        return wrap(Array(self._untyped._storage, layout_of(self.dtype, (self.size(),))))

    def __getitem__(self, place: int) -> Any:
        return self._elements()[place].item()

    def __setitem__(self, place: int, value: Any) -> None:
        ops.fill_(self._elements()[place], value)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def tolist(self) -> list[Any]:
        """The elements as Python numbers."""
        return self._elements().tolist()  # type: ignore[no-any-return]
