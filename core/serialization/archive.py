"""Archives in PyTorch's sense: ZIP files whose members are stored uncompressed, each at an aligned place.

The format is PKWARE's APPNOTE.TXT, of which little is allowed here.  The reader takes a file to be hostile: members that
are compressed (a zip bomb), overlap, reach beyond the file, share a name or carry a path out of the archive are refused,
and all is checked before anything is allocated.  (The standard library's reader allows all of these, and does not tell
where a member's bytes lie, which a memory map needs.)
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import IO, Final, NamedTuple, final

from hotplug.errors import FileFormatError

ALIGNMENT: Final = 64
"""Members start at a multiple of this many bytes, as PyTorch writes them."""

_END: Final = struct.Struct("<4s4H2LH")
_END64_LOCATOR: Final = struct.Struct("<4sLQL")
_END64: Final = struct.Struct("<4sQ2H2L4Q")
_ENTRY: Final = struct.Struct("<4s6H3L5H2L")
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_LONGEST_COMMENT: Final = 0xFFFF
_IN_ZIP64: Final = 0xFFFFFFFF
_DESCRIPTOR: Final = 0x0008
_UTF8: Final = 0x0800
_ZIP64_FIELD: Final = 1
_ZIP64_LIMIT: Final = (1 << 31) - 1
_ZIP64_BYTES: Final = 20
_PADDING_FIELD: Final = 0x4246


class Member(NamedTuple):
    """Where a member's bytes lie, checked."""

    name: str
    header: int
    begin: int
    size: int
    checksum: int

    @property
    def end(self) -> int:
        return self.begin + self.size


@final
class Archive:
    """The members of a file's bytes, by name.

    Raises:
        FileFormatError: the bytes are not an archive of the allowed kind.
    """

    def __init__(self, data: memoryview, where: str) -> None:
        self._data: Final = data
        self._where: Final = where
        self.members: Final[Mapping[str, Member]] = _members(data, where)

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return len(self._data)

    def bytes_of(self, name: str, *, checked: bool = True) -> memoryview:
        """A member's bytes, not copied.

        Args:
            name: the member.
            checked: whether to compare the bytes with their checksum, which reads them.

        Raises:
            FileFormatError: no such member, or its checksum is wrong.
        """
        member = self.members.get(name)
        if member is None:
            raise FileFormatError(f"{self._where}: the archive has no member {name[:100]!r}")
        found = self._data[member.begin : member.end]
        # PyTorch can be told not to compute checksums; it writes zeros then.
        if checked and member.checksum and zlib.crc32(found) != member.checksum:
            raise FileFormatError(f"{self._where}: the checksum of {name[:100]!r} is wrong; the file is corrupt")
        return found


def _members(data: memoryview, where: str) -> dict[str, Member]:
    count, begin, end = _directory(data, where)
    found: dict[str, Member] = {}
    position = begin
    for _ in range(count):
        member, position = _entry(data, position, begin, end, where)
        if member.name in found:
            raise FileFormatError(f"{where}: the archive has two members called {member.name[:100]!r}")
        found[member.name] = member
    if position != end:
        raise FileFormatError(f"{where}: the archive's directory has {end - position} bytes that belong to no member")
    before = 0
    for member in sorted(found.values(), key=lambda each: each.header):
        if member.header < before:
            raise FileFormatError(f"{where}: member {member.name[:100]!r} overlaps the one before it")
        before = member.end
    return found


def _directory(data: memoryview, where: str) -> tuple[int, int, int]:
    """Number of members, and begin and end of the directory."""
    size = len(data)
    start = max(0, size - _END.size - _LONGEST_COMMENT)
    tail = bytes(data[start:])
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) - place < _END.size:
        raise FileFormatError(f"{where}: no end of a ZIP archive in sight; the file is truncated, or in another format")
    end = start + place
    _, disk, first_disk, here, count, length, offset, comment = _END.unpack_from(data, end)
    if end + _END.size + comment != size:
        raise FileFormatError(f"{where}: {size - end - _END.size - comment} bytes too many follow the archive's end")
    locator = end - _END64_LOCATOR.size
    if locator >= 0 and bytes(data[locator : locator + 4]) == b"PK\x06\x07":
        end = _END64_LOCATOR.unpack_from(data, locator)[2]
        if end > locator - _END64.size or bytes(data[end : end + 4]) != b"PK\x06\x06":
            raise FileFormatError(f"{where}: the archive's 64-bit end is not where it should be")
        _, _, _, _, disk, first_disk, here, count, length, offset = _END64.unpack_from(data, end)
    if disk or first_disk or here != count:
        raise FileFormatError(f"{where}: archives in several parts are not supported")
    if offset + length != end or count * _ENTRY.size > length:
        raise FileFormatError(f"{where}: the archive's directory does not fit: {count} members in {length} bytes")
    return count, offset, end


def _entry(data: memoryview, position: int, begin: int, end: int, where: str) -> tuple[Member, int]:
    """One entry of the directory, and where the next begins."""
    if position + _ENTRY.size > end:
        raise FileFormatError(f"{where}: the archive's directory is truncated")
    fields = _ENTRY.unpack_from(data, position)
    sign, _, _, flags, method, _, _, checksum, packed, size, name_length, extra_length, comment, disk, _, _, header = (
        fields
    )
    after = position + _ENTRY.size + name_length + extra_length + comment
    if sign != b"PK\x01\x02" or after > end:
        raise FileFormatError(f"{where}: the archive's directory is corrupt")
    start = position + _ENTRY.size
    name = _name(bytes(data[start : start + name_length]), where)
    if method or flags & ~(_DESCRIPTOR | _UTF8):
        raise FileFormatError(f"{where}: member {name[:100]!r} is compressed or encrypted; only stored ones are taken")
    extra = data[start + name_length : start + name_length + extra_length]
    size, packed, header = _wide(extra, (size, packed, header), name, where)
    if packed != size or disk:
        raise FileFormatError(f"{where}: member {name[:100]!r} is stored, but claims {size} bytes in {packed}")
    return _located(data, Member(name, header, 0, size, checksum), begin, where), after


def _name(raw: bytes, where: str) -> str:
    """A member's name; it is never used as a path, and none that would lead anywhere as one is taken."""
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise FileFormatError(f"{where}: the name {raw[:100]!r} of a member is not UTF-8") from None
    parts = name.split("/")
    if "" in parts or "." in parts or ".." in parts or "\\" in name or "\0" in name:
        raise FileFormatError(f"{where}: the name {name[:100]!r} of a member is a path that is not allowed")
    return name


def _wide(extra: memoryview, fields: tuple[int, int, int], name: str, where: str) -> tuple[int, int, int]:
    """Size, stored size and offset, where they stand in the 64-bit field."""
    wanted = [place for place, value in enumerate(fields) if value == _IN_ZIP64]
    if not wanted:
        return fields
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, position)
        if kind == _ZIP64_FIELD and length >= 8 * len(wanted) and position + 4 + length <= len(extra):
            found = list(fields)
            for number, place in enumerate(wanted):
                (found[place],) = struct.unpack_from("<Q", extra, position + 4 + 8 * number)
            return found[0], found[1], found[2]
        position += 4 + length
    raise FileFormatError(f"{where}: member {name[:100]!r} lacks its 64-bit sizes")


def _located(data: memoryview, member: Member, limit: int, where: str) -> Member:
    """The member with the place of its bytes, which its own header tells; both headers must say the same."""
    here = f"{where}: member {member.name[:100]!r}"
    if member.header + _LOCAL.size > limit:
        raise FileFormatError(f"{here} starts at byte {member.header}, beyond the archive's end; it is truncated")
    fields = _LOCAL.unpack_from(data, member.header)
    sign, _, flags, method, _, _, checksum, packed, size, name_length, extra_length = fields
    start = member.header + _LOCAL.size
    begin = start + name_length + extra_length
    if sign != b"PK\x03\x04" or method or bytes(data[start : start + name_length]) != member.name.encode():
        raise FileFormatError(f"{here} has another header at its place")
    if not flags & _DESCRIPTOR and (
        checksum != member.checksum or any(each not in (member.size, _IN_ZIP64) for each in (packed, size))
    ):
        raise FileFormatError(f"{here} has another size or checksum in its own header")
    if begin + member.size > limit:
        raise FileFormatError(f"{here} claims {member.size} bytes, but only {max(limit - begin, 0)} are there")
    return member._replace(begin=begin)


@final
class Writer:
    """Writes an archive, member by member; use it in a ``with`` block."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)

    def add(self, name: str, content: bytes | memoryview) -> None:
        """Append a member at the next aligned place."""
        info = zipfile.ZipInfo(name)
        size = memoryview(content).nbytes
        before = self._zip.start_dir + _LOCAL.size + len(name.encode()) + 4
        before += _ZIP64_BYTES if size * 1.05 > _ZIP64_LIMIT else 0  # the standard library's own rule
        padding = -before % ALIGNMENT
        info.extra = struct.pack("<2H", _PADDING_FIELD, padding) + bytes(padding)
        self._zip.writestr(info, content)

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *error: object) -> None:
        self._zip.close()
