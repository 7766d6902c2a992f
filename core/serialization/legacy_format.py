"""PyTorch's format of before version 1.6, which ``torch.save(..., _use_new_zipfile_serialization=False)`` still writes.

A file is five pickles one behind the other (a magic number, a version, the writer's byte order, the value, the keys of
its storages), then for every key the number of elements in eight bytes and the elements.  How long an element is stands
in the value's pickle only: so that is read twice, first for its storages, with functions that build nothing, then, when
all lengths have been compared with the file's, for the value.
"""

from __future__ import annotations

from typing import Any, Final

from hotplug.errors import FileFormatError
from hotplug.serialization.rebuilding import BUILDERS, Content, StorageId, plain_names, storage_id
from hotplug.serialization.unpickling import Builder, Machine

_MAGIC: Final = 0x1950A86A20F9469CFC6C
_MAGIC_BYTES: Final = _MAGIC.to_bytes(10, "little")
_VERSION: Final = 1001
_COUNT_BYTES: Final = 8
_START: Final = 16
"""The magic number stands among the first bytes, whichever protocol the pickle has."""


def is_legacy(data: memoryview) -> bool:
    """Whether a file's bytes begin as this format's do."""
    return _MAGIC_BYTES in bytes(data[:_START])


def content_of(data: Any, where: str) -> Content:
    """What a file brings, with all of its lengths checked.

    Args:
        data: the file's bytes, or a memory map of them.
        where: the file, for messages.

    Raises:
        FileFormatError: the file is corrupt, truncated, hostile or in another format.
    """
    position = _check_head(data, where)
    ids, end = _storages(data, position, where)
    keys, end = _plain(data, end, where)
    places = _places(data, end, keys, ids, where)
    whole = memoryview(data)

    def storage(key: str) -> memoryview:
        begin, size = places[key]
        return whole[begin : begin + size]

    return Content(data, position, storage, len(data))


def _check_head(data: Any, where: str) -> int:
    """Check the three pickles in front; returns where the value's begins."""
    magic, position = _plain(data, 0, where)
    version, position = _plain(data, position, where)
    writer, position = _plain(data, position, where)
    if magic != _MAGIC or version != _VERSION:
        raise FileFormatError(f"{where}: a legacy file of version {str(version)[:100]}, expected {_VERSION}")
    if not isinstance(writer, dict) or writer.get("little_endian") is not True:
        raise FileFormatError(f"{where}: the file's byte order is not little-endian; save it on another computer")
    return position


def _plain(data: Any, start: int, where: str) -> tuple[Any, int]:
    """A pickle without tensors, and where it ends."""

    def refuse(*_: Any) -> Any:
        raise FileFormatError(f"{where}: a storage or an object stands where there should be none")

    machine = Machine(data, {}, refuse, refuse, (), where, start)
    return machine.run(), machine.position


def _storages(data: Any, start: int, where: str) -> tuple[dict[str, StorageId], int]:
    """The storages that the value's pickle names, and where it ends.  Nothing is built of them."""
    found: dict[str, StorageId] = {}

    def note(pid: Any) -> None:
        one = storage_id(pid, where)
        other = found.setdefault(one.key, one)
        if one[:4] != other[:4]:
            raise FileFormatError(f"{where}: storage {one.key[:100]!r} is described in two ways")

    names = plain_names() | {name: Builder(name[1], lambda *_: None) for name in BUILDERS}
    machine = Machine(data, names, note, lambda *_: None, (), where, start)
    machine.run()
    return found, machine.position


def _places(
    data: Any, position: int, keys: Any, ids: dict[str, StorageId], where: str
) -> dict[str, tuple[int, int]]:  # fmt: skip
    """First byte and number of bytes of every storage."""
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys) or len(set(keys)) != len(keys):
        raise FileFormatError(f"{where}: the keys of the storages are no list of different strings")
    if set(keys) != set(ids):
        one = min(set(keys) ^ set(ids))
        raise FileFormatError(
            f"{where}: storage {one[:100]!r} is {'in the list, but in no tensor' if one in keys else 'not in the list'}"
        )
    found: dict[str, tuple[int, int]] = {}
    for key in keys:
        count = int.from_bytes(data[position : position + _COUNT_BYTES], "little")
        position += _COUNT_BYTES
        size = count * ids[key].kind.itemsize
        if position + size > len(data):
            raise FileFormatError(
                f"{where}: storage {key[:100]!r} claims {size} bytes, but only {max(len(data) - position, 0)} are left; "
                f"the file is truncated"
            )
        if count != ids[key].length:
            raise FileFormatError(
                f"{where}: storage {key[:100]!r} has {count} elements, but its tensors say {ids[key].length}"
            )
        found[key] = position, size
        position += size
    if position != len(data):
        raise FileFormatError(f"{where}: {len(data) - position} bytes follow the last storage and belong to none")
    return found
