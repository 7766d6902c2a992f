"""``hotplug.save`` and ``hotplug.load``: checkpoints in PyTorch's format.

What one library saves the other loads: tensors with their views and shared storages, state dicts of modules and
optimizers, nested dicts, lists and tuples of numbers and strings.  A file may come from anybody: loading it executes
nothing; see :mod:`hotplug.serialization.unpickling`.
"""

from __future__ import annotations

import mmap as memory_map
import os
import sys
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from hotplug import dtypes, host
from hotplug.array import Array, Storage
from hotplug.dtypes import dtype
from hotplug.errors import ArgumentError, ArgumentTypeError, CapabilityError, FileFormatError
from hotplug.layout import layout_of
from hotplug.serialization import legacy_format
from hotplug.serialization.archive import ALIGNMENT, Archive, Writer
from hotplug.serialization.emitting import Emitter
from hotplug.serialization.rebuilding import Content, MapLocation, Rebuilder
from hotplug.serialization.replacing import Path_, replacing

_FOLDER: Final = "archive/"
_PICKLE: Final = "data.pkl"
_TAIL: Final = 22


def save(obj: Any, f: Path_ | IO[bytes]) -> None:
    """Write tensors, and nested containers of tensors, numbers and strings, to a file that PyTorch can read as well.

    Tensors that share a storage share it again after :func:`load`, and all of the storage is written, as in PyTorch;
    ``clone()`` a small view of something large.  Where a tensor lives is written down: PyTorch needs ``map_location``
    to load what was saved on a device that it doesn't know.

    Args:
        obj: tensors, parameters, numbers, strings, bytes, ``None``, dtypes, devices, sizes, and dicts, lists, tuples and
            sets of them; of a module, its ``state_dict()``.
        f: a path, whose file is replaced at the end only; or a file open for writing bytes.

    Raises:
        ArgumentTypeError: something else is among the values.
        ArgumentError: the values contain themselves, or tensors of different dtypes share memory.
    """
    _check_byte_order()
    emitter = Emitter()
    emitter.write(obj)
    if isinstance(f, (str, os.PathLike)):
        with replacing(f) as file:
            _write(emitter, file)
    elif hasattr(f, "write"):
        _write(emitter, f)
    else:
        raise ArgumentTypeError(f"save expected a path or a file to write to, got {type(f).__name__}")


def _write(emitter: Emitter, file: IO[bytes]) -> None:
    with Writer(file) as archive:
        archive.add(f"{_FOLDER}{_PICKLE}", bytes(emitter.data))
        archive.add(f"{_FOLDER}.format_version", b"1")
        archive.add(f"{_FOLDER}.storage_alignment", str(ALIGNMENT).encode())
        archive.add(f"{_FOLDER}byteorder", b"little")
        for number, storage, kind in emitter.storages.values():
            archive.add(f"{_FOLDER}data/{number}", _content(storage, kind))
        archive.add(f"{_FOLDER}version", b"3\n")


def _content(storage: Storage, kind: dtype) -> memoryview:
    """All bytes of a storage."""
    whole = Array(storage, layout_of(dtypes.uint8, (storage.nbytes // kind.itemsize * kind.itemsize,)))
    values: np.ndarray[Any, Any] = host.to_host(whole, "save")
    return values.data


def load(
    f: Path_ | IO[bytes], map_location: MapLocation = None, *, weights_only: bool = True, mmap: bool = False
) -> Any:
    """Read what :func:`save` or ``torch.save`` wrote, in today's format or that of before PyTorch 1.6.

    Nothing in the file is executed.

    Args:
        f: a path, or a file open for reading bytes.
        map_location: the device to load to; a dict from the saved device to the one to load to; or a function of a
            token and the saved device that returns the token (host memory), a device or ``None``.  Default: where it was.
        weights_only: accepted for PyTorch's sake; nothing but values is ever loaded.
        mmap: map the file instead of reading it: tensors in host memory are read when they are used, and writing to
            them does not change the file.  Checksums are not compared, and the file must not shrink meanwhile.

    Raises:
        FileFormatError: the file is corrupt, truncated, hostile or in another format, or holds more than values.
        DeviceError: a tensor was saved on a device that can't be used here.
    """
    _check_byte_order()
    where = str(f) if isinstance(f, (str, os.PathLike)) else "load"
    data = _opened(f, where, mmap)
    content = _archived(data, mmap, where) if bytes(data[:2]) == b"PK" else legacy_format.content_of(data.obj, where)
    return Rebuilder(content, map_location, mmap, where).value()


def _archived(data: memoryview, mapped: bool, where: str) -> Content:
    """What today's format brings: an archive."""
    archive = Archive(data, where)
    prefix = _prefix(archive, where)
    if f"{prefix}constants.pkl" in archive.members:
        raise FileFormatError(f"{where}: this is a TorchScript program, not a file of weights")
    if f"{prefix}byteorder" in archive.members and bytes(archive.bytes_of(f"{prefix}byteorder")) != b"little":
        raise FileFormatError(f"{where}: the file's byte order is not little-endian; save it on another computer")
    pickled = bytes(archive.bytes_of(f"{prefix}{_PICKLE}"))
    return Content(pickled, 0, lambda key: archive.bytes_of(f"{prefix}data/{key}", checked=not mapped), archive.size)


def _opened(f: Path_ | IO[bytes], where: str, private: bool) -> memoryview:
    """The file's bytes: a map of it where it has a path, which writing to does not change."""
    if not isinstance(f, (str, os.PathLike)):
        if not hasattr(f, "read"):
            raise ArgumentTypeError(f"load expected a path or a file to read from, got {type(f).__name__}")
        if private:
            raise ArgumentError("load: mmap=True needs the path of a file, not an open one")
        found = memoryview(bytes(f.read()))
    else:
        with Path(f).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            access = memory_map.ACCESS_COPY if private else memory_map.ACCESS_READ
            found = memoryview(memory_map.mmap(file.fileno(), 0, access=access) if size else b"")
    _check_format(found, where)
    return found


def _check_format(data: memoryview, where: str) -> None:
    """Say what the file is, where it is something well known."""
    start = bytes(data[:9])
    if len(data) < _TAIL:
        raise FileFormatError(f"{where}: {len(data)} bytes are too few for a file of weights; it is truncated")
    if start[:4] == b"PK\x03\x04" or legacy_format.is_legacy(data):
        return
    if start[0] == 0x80 and start[1] <= 5:
        raise FileFormatError(
            f"{where}: this is a pickle of something else; loading one would execute it, save weights"
        )
    if start[8:] == b"{" and int.from_bytes(start[:8], "little") < len(data):
        raise FileFormatError(f"{where}: this looks like a safetensors file; use hotplug.serialization.safetensors")
    raise FileFormatError(f"{where}: this is not a file of hotplug.save or torch.save")


def _prefix(archive: Archive, where: str) -> str:
    """The folder that all members are in."""
    found = [name for name in archive.members if name.count("/") == 1 and name.endswith(f"/{_PICKLE}")]
    if len(found) != 1:
        raise FileFormatError(f"{where}: expected one member data.pkl in the archive, found {len(found)}")
    prefix = found[0].removesuffix(_PICKLE)
    if not all(name.startswith(prefix) for name in archive.members):
        raise FileFormatError(f"{where}: the archive has members outside of {prefix[:100]!r}")
    return prefix


def _check_byte_order() -> None:
    if sys.byteorder != "little":
        raise CapabilityError("save and load: this computer's byte order is not little-endian, which is not supported")
