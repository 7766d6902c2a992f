"""Files in PyTorch's format, made in memory: correct ones, and wrong ones on purpose."""

from __future__ import annotations

import io
import struct
from typing import Any

import hotplug as hp
from hotplug.serialization.archive import Writer


def saved(value: Any) -> bytes:
    file = io.BytesIO()
    hp.save(value, file)
    return file.getvalue()


def loaded(content: bytes, *args: Any, **options: Any) -> Any:
    return hp.load(io.BytesIO(content), *args, **options)


def archived(content: bytes, **members: bytes) -> bytes:
    """An archive with a pickle, and other members by name."""
    file = io.BytesIO()
    with Writer(file) as archive:
        archive.add("archive/data.pkl", content)
        for name, each in members.items():
            archive.add(f"archive/{name.replace('_', '/')}", each)
    return file.getvalue()


def tensor_pickle(
    shape: Any = (2,), strides: Any = (1,), offset: Any = 0, count: Any = 2, kind: str = "FloatStorage",
    location: str = "cpu", key: str = "0",
) -> bytes:  # fmt: skip
    """The pickle of one tensor, with everything in it at will."""

    def number(value: int) -> bytes:
        raw = value.to_bytes(16, "little", signed=True)
        return b"\x8a" + bytes([len(raw)]) + raw

    def text(value: str) -> bytes:
        return b"X" + struct.pack("<I", len(value.encode())) + value.encode()

    def sizes(values: Any) -> bytes:
        return b"(" + b"".join(map(number, values)) + b"t" if isinstance(values, tuple) else text(str(values))

    storage = b"(" + text("storage") + f"ctorch\n{kind}\n".encode() + text(key) + text(location) + number(count) + b"tQ"
    rest = sizes(shape) + sizes(strides) + b"\x89" + b"ccollections\nOrderedDict\n)R"
    return b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(" + storage + number(offset) + rest + b"tR."
