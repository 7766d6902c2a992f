"""The safetensors format: a header in JSON, then the tensors' bytes.  Reader and writer of our own.

A file is eight bytes (the header's length, little-endian), the header, and the data; the header maps each name to
``{"dtype", "shape", "data_offsets"}``.  See https://github.com/huggingface/safetensors.  A file is taken to be hostile:
every length is checked against the file's before anything is allocated, and nothing in it is ever executed.

>>> import hotplug as hp
>>> from hotplug.serialization import safetensors
>>> safetensors.load(safetensors.save({"x": hp.tensor([1.0, 2.0])}))["x"]
tensor([1., 2.])
"""

from __future__ import annotations

import json
import math
import mmap as memory_map
import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn, final

import numpy as np

from hotplug import dtypes, host
from hotplug.dtypes import dtype
from hotplug.errors import ArgumentTypeError, DTypeError, FileFormatError
from hotplug.runtime import Runtime, resolve_runtime
from hotplug.serialization.replacing import Path_, replacing
from hotplug.tensor import Tensor, wrap

__all__ = ["load", "load_file", "load_metadata", "save", "save_file"]

_CODES: Final = {
    "BOOL": dtypes.bool_, "U8": dtypes.uint8, "U16": dtypes.uint16, "U32": dtypes.uint32, "U64": dtypes.uint64,
    "I8": dtypes.int8, "I16": dtypes.int16, "I32": dtypes.int32, "I64": dtypes.int64, "F16": dtypes.float16,
    "BF16": dtypes.bfloat16, "F32": dtypes.float32, "F64": dtypes.float64, "C64": dtypes.complex64,
}  # fmt: skip
_NAMES: Final = {kind: code for code, kind in _CODES.items()}
_LENGTH_BYTES: Final = 8
_LARGEST_HEADER: Final = 100_000_000
_LARGEST_RANK: Final = 64
_LARGEST_SIZE: Final = 2**63 - 1
_ALIGNMENT: Final = 8
_SLACK: Final = 15


class _Entry(NamedTuple):
    """One tensor of a file, checked."""

    name: str
    dtype: dtype
    shape: tuple[int, ...]
    begin: int
    end: int


class _File(NamedTuple):
    """A header, checked, and where the data starts."""

    entries: list[_Entry]
    metadata: dict[str, str]
    start: int


# --- writing ----------------------------------------------------------------------------------------------------------


def save(tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> bytes:
    """A file's bytes.

    Args:
        tensors: name to tensor; those on a device are read from there.
        metadata: strings to store beside them.

    Raises:
        ArgumentTypeError: a name or a piece of metadata is no string, or a value no tensor.
        DTypeError: the format has no such dtype (complex128).
    """
    return b"".join(pieces(tensors, metadata))


def save_file(
    tensors: Mapping[str, Tensor], filename: Path_, metadata: Mapping[str, str] | None = None, *,
    max_shard_size: int | str | None = None,
) -> None:  # fmt: skip
    """Write a file; an existing one is replaced at the end only, so a failure leaves it as it was.

    Args:
        tensors: name to tensor; those on a device are read from there.
        filename: the file.
        metadata: strings to store beside them.
        max_shard_size: bytes, or text like ``"5GB"``: what is larger goes to several files beside ``filename``, with an
            index, ``<filename>.index.json``, that :func:`load_file` takes.
    """
    if max_shard_size is not None:
        from hotplug.serialization import sharded

        sharded.save(tensors, filename, metadata, max_shard_size)
        return
    with replacing(filename) as file:
        for piece in pieces(tensors, metadata):
            file.write(piece)


def pieces(tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None) -> Iterable[bytes | memoryview]:
    """A file's bytes, part by part."""
    header: dict[str, Any] = {}
    if metadata is not None:
        header["__metadata__"] = _checked_metadata(metadata)
    for name, tensor in tensors.items():
        check_writable(name, tensor)
    # Wide dtypes first, so that every tensor is aligned to its own size, then by name: as the reference writer.
    ordered = sorted(tensors.items(), key=lambda item: (-item[1].dtype.itemsize, item[0]))
    position = 0
    for name, tensor in ordered:
        end = position + tensor.nbytes
        code = _NAMES[tensor.dtype]
        header[name] = {"dtype": code, "shape": list(tensor.shape), "data_offsets": [position, end]}
        position = end
    encoded = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    encoded += b" " * (-len(encoded) % _ALIGNMENT)
    if len(encoded) > _LARGEST_HEADER:
        raise FileFormatError(
            f"save: a header of {len(encoded)} bytes exceeds the format's {_LARGEST_HEADER}; use several files"
        )
    yield len(encoded).to_bytes(_LENGTH_BYTES, "little")
    yield encoded
    for _, tensor in ordered:
        values = host.to_numpy(tensor, "save")
        yield _little(values).reshape(-1).view(np.uint8).data


def _little(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return values if sys.byteorder == "little" else values.byteswap()


def _checked_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    for key, value in metadata.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise ArgumentTypeError(
                f"save: metadata maps strings to strings, got {key!r}: {value!r}; convert with str() or json.dumps"
            )
    return dict(metadata)


def check_writable(name: object, tensor: object) -> None:
    """Refuse what the format has no place for; see :func:`save`."""
    if not isinstance(name, str) or name == "__metadata__":
        raise ArgumentTypeError(f"save: names are strings other than '__metadata__', got {name!r}")
    if not isinstance(tensor, Tensor):
        raise ArgumentTypeError(
            f"save: {name!r} is a {type(tensor).__name__}, expected a Tensor; hotplug.save takes nested values"
        )
    if tensor.dtype not in _NAMES:
        raise DTypeError(f"save: the safetensors format has no {tensor.dtype.name} ({name!r}); convert with .to(dtype)")


# --- reading ----------------------------------------------------------------------------------------------------------


def load(data: bytes | bytearray | memoryview, device: Any = None) -> dict[str, Tensor]:
    """The tensors of a file's bytes, on a device (default: the default device).

    Raises:
        FileFormatError: the bytes are not a correct safetensors file.
    """
    return _tensors(memoryview(data).cast("B"), "load", resolve_runtime(device), False)


def load_file(filename: Path_, device: Any = None, *, mmap: bool = False) -> dict[str, Tensor]:
    """The tensors of a file, on a device (default: the default device).

    Args:
        filename: the file; or the index of several, whose name ends in ``.index.json``.
        device: where the tensors shall be.
        mmap: leave the bytes in the file where the device's memory is the host's: a tensor is read when it is used, and
            writing to it does not change the file, which must not shrink meanwhile.

    Raises:
        FileFormatError: not a correct safetensors file.
        OSError: the file can't be opened.
    """
    if str(filename).endswith(".index.json"):
        from hotplug.serialization import sharded

        return sharded.load(filename, device, mmap)
    runtime = resolve_runtime(device)
    reader = Reader(filename, mmap and runtime.capabilities.host_memory)
    return {name: reader.tensor(name, runtime) for name in reader.entries}


@final
class Reader:
    """A file, mapped and checked, whose tensors are read one by one.

    Args:
        filename: the file.
        private: whether tensors may share its memory: a private map.

    Raises:
        FileFormatError: not a correct safetensors file.
    """

    def __init__(self, filename: Path_, private: bool) -> None:
        self._private: Final = private
        self._data: Final = _mapped(filename, private)
        file = _parse(self._data, str(filename))
        self._start: Final = file.start
        self.entries: Final = {entry.name: entry for entry in file.entries}

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors."""
        return len(self._data) - self._start

    def tensor(self, name: str, runtime: Runtime) -> Tensor:
        """A tensor on a device."""
        return _tensor(self.entries[name], self._data, self._start, runtime, self._private)


def load_metadata(filename: Path_) -> dict[str, str]:
    """The strings stored beside the tensors; no tensor is read."""
    return _parse(_mapped(filename), str(filename)).metadata


def _mapped(filename: Path_, private: bool = False) -> memoryview:
    """The file's bytes, read-only or a private copy; the mapping ends when nothing refers to them any more."""
    with Path(filename).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size < _LENGTH_BYTES:
            raise FileFormatError(
                f"{filename}: {size} bytes are too few for a safetensors file; it is truncated or not one"
            )
        access = memory_map.ACCESS_COPY if private else memory_map.ACCESS_READ
        return memoryview(memory_map.mmap(file.fileno(), 0, access=access))


def _tensors(data: memoryview, where: str, runtime: Runtime, shared: bool) -> dict[str, Tensor]:
    file = _parse(data, where)
    return {entry.name: _tensor(entry, data, file.start, runtime, shared) for entry in file.entries}


def _tensor(entry: _Entry, data: memoryview, start: int, runtime: Runtime, shared: bool) -> Tensor:
    flat = np.frombuffer(data[start + entry.begin : start + entry.end], np.uint8)
    # A byte other than 0 and 1 in a NumPy bool is undefined behaviour.
    values = flat != 0 if entry.dtype is dtypes.bool_ else _little(flat.view(entry.dtype.numpy))
    values = values.reshape(entry.shape)
    # The format aligns to 8 bytes only: a tensor's buffer may start with the end of the one before it.
    array = host.share_on(runtime, values, slack=_SLACK) if shared else None
    return wrap(host.from_host(runtime, values, entry.dtype) if array is None else array)


def _parse(data: memoryview, where: str) -> _File:
    """Read and check the header: whatever passes can be allocated and sliced without another look."""
    size = len(data)
    if size < _LENGTH_BYTES:
        raise FileFormatError(f"{where}: {size} bytes are too few for a safetensors file; it is truncated or not one")
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    if length > _LARGEST_HEADER:
        raise FileFormatError(
            f"{where}: the header claims {length} bytes, more than the format's limit of {_LARGEST_HEADER}{_hint(data)}"
        )
    start = _LENGTH_BYTES + length
    if start > size:
        raise FileFormatError(
            f"{where}: the header claims {length} bytes, but only {size - _LENGTH_BYTES} follow; the file is truncated"
        )
    header = parse_json(bytes(data[_LENGTH_BYTES:start]), where)
    metadata = _read_metadata(header.pop("__metadata__", None), where)
    entries = [_entry(name, fields, where) for name, fields in header.items()]
    _check_coverage(entries, size - start, where)
    return _File(entries, metadata, start)


def _hint(data: memoryview) -> str:
    """What the file may be instead, for a message."""
    if bytes(data[:4]) == b"PK\3\4" or (data[0] == 0x80 and 2 <= data[1] <= 5):
        return "; it looks like a file of torch.save: read it with hotplug.load"
    return ""


def parse_json(encoded: bytes, where: str) -> dict[str, Any]:
    """An object in JSON without a key twice.

    Raises:
        FileFormatError: it is something else.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            counts = Counter(name for name, _ in pairs)
            raise FileFormatError(f"{where}: the header has the key {counts.most_common(1)[0][0][:100]!r} twice")
        return found

    def constant(name: str) -> NoReturn:
        raise FileFormatError(f"{where}: the header contains {name}, which is not JSON")

    if not encoded.startswith(b"{"):
        raise FileFormatError(f"{where}: the header does not start with '{{'; this is not a safetensors file")
    try:
        header = json.loads(encoded.decode("utf-8"), object_pairs_hook=unique, parse_constant=constant)
    except FileFormatError:
        raise
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{where}: the header is not valid JSON: {str(error)[:200]}") from None
    assert isinstance(header, dict)  # it starts with a brace
    return header


def _read_metadata(found: Any, where: str) -> dict[str, str]:
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise FileFormatError(f"{where}: __metadata__ must map strings to strings")
    return found


def _entry(name: str, fields: Any, where: str) -> _Entry:
    here = f"{where}: tensor {name[:100]!r}"
    if not isinstance(fields, dict) or set(fields) != {"dtype", "shape", "data_offsets"}:
        raise FileFormatError(f"{here}: expected the fields dtype, shape and data_offsets, got {_shown(fields)}")
    kind = _CODES.get(fields["dtype"]) if isinstance(fields["dtype"], str) else None
    if kind is None:
        raise FileFormatError(
            f"{here}: dtype {_shown(fields['dtype'])} is unknown; expected one of {', '.join(_CODES)}"
        )
    shape, offsets = fields["shape"], fields["data_offsets"]
    if not _are_sizes(shape) or len(shape) > _LARGEST_RANK:
        raise FileFormatError(
            f"{here}: shape must be at most {_LARGEST_RANK} sizes from 0 to 2**63 - 1, got {_shown(shape)}"
        )
    if not _are_sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise FileFormatError(f"{here}: data_offsets must be a begin and an end, got {_shown(offsets)}")
    if math.prod(size or 1 for size in shape) * kind.itemsize > _LARGEST_SIZE:
        raise FileFormatError(f"{here}: shape {_shown(shape)} of {kind.name} overflows 64 bits")
    expected = math.prod(shape) * kind.itemsize
    if offsets[1] - offsets[0] != expected:
        raise FileFormatError(
            f"{here}: shape {_shown(shape)} of {kind.name} takes {expected} bytes, but data_offsets {offsets} span "
            f"{offsets[1] - offsets[0]}"
        )
    return _Entry(name, kind, tuple(shape), offsets[0], offsets[1])


def _shown(value: Any) -> str:
    """A value of the header for a message, however large or deep it is."""
    try:
        text = repr(list(value) if isinstance(value, dict) else value)
    except (RecursionError, ValueError):
        return f"a {type(value).__name__}"
    return text if len(text) <= 100 else f"{text[:100]}..."


def _are_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(each) is int and 0 <= each <= _LARGEST_SIZE for each in value)


def _check_coverage(entries: Iterable[_Entry], size: int, where: str) -> None:
    """The tensors must lie behind one another without a hole or an overlap, and end where the file ends."""
    position, before = 0, ""
    for entry in sorted(entries, key=lambda each: (each.begin, each.end)):
        if entry.end > size:
            raise FileFormatError(
                f"{where}: tensor {entry.name[:100]!r} ends at byte {entry.end} of the data, but the file has only "
                f"{size}; it is truncated"
            )
        if entry.begin != position:
            fault = (
                f"overlaps {before[:100]!r}"
                if entry.begin < position
                else f"leaves a hole of {entry.begin - position} bytes"
            )
            raise FileFormatError(f"{where}: tensor {entry.name[:100]!r} at byte {entry.begin} of the data {fault}")
        position, before = entry.end, entry.name
    if position != size:
        raise FileFormatError(f"{where}: {size - position} bytes follow the last tensor and belong to none")
