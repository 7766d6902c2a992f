"""Golden values: results of PyTorch for the samples, made by scripts/make_golden.py and shipped with the suite.

One file for each kind of dtype: ``f`` in float64 from float32 inputs, ``i`` in int64, ``b`` in bool, ``c`` in
complex128 from complex64 inputs.  An entry is ``<op>/<sample>/<output>``; ``<op>/<sample>/inputs`` is the checksum of
the arguments that it was made from, so that a changed sample is noticed and never compared.  In the file all entries of
one dtype lie end to end in one array, and ``index`` is JSON that says where: thousands of members are slow to open.
"""

from __future__ import annotations

import functools
import json
import math
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from hotplug.conformance.draw import Sample
from hotplug.conformance.samples import samples_of
from hotplug.dtypes import dtype

FOLDER: Final = Path(__file__).parent

GOLDEN: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "f": ("float32", {"float32": "float64"}),
    "i": ("int64", {}),
    "b": ("bool", {}),
    "c": ("complex64", {"complex64": "complex128", "float32": "float64"}),
}
"""The files: the dtype of the inputs, and in which dtypes PyTorch computes."""

APPLIES: Final = {"float32": "f", "float64": "f", "int64": "i", "bool": "b", "complex64": "c", "complex128": "c"}
"""Which file holds the values for a dtype.  Half types have none: their inputs are rounded to other numbers."""


def checksum(sample: Sample) -> int:
    """Of all that a sample says."""
    total = zlib.crc32(repr(sample).encode())
    for value in sample.operands():
        total = zlib.crc32(np.ascontiguousarray(value.values).tobytes(), total)
    return total


def save(kind: str, entries: Mapping[str, Any]) -> Path:
    """Write the entries of one kind; equal entries make equal files."""
    index: dict[str, tuple[str, list[int], int]] = {}
    flat: dict[str, list[Any]] = {}
    ends: dict[str, int] = {}
    for name, entry in sorted(entries.items()):
        values = np.asarray(entry)
        letter = values.dtype.str.lstrip("<|=")
        start = ends.get(letter, 0)
        index[name] = (letter, list(values.shape), start)
        flat.setdefault(letter, []).append(values.reshape(-1))
        ends[letter] = start + values.size
    packed: dict[str, Any] = {letter: np.concatenate(parts) for letter, parts in flat.items()}
    packed["index"] = np.frombuffer(json.dumps(index, separators=(",", ":")).encode(), np.uint8)
    path = FOLDER / f"{kind}.npz"
    np.savez_compressed(path, **packed)
    return path


@functools.cache
def load(kind: str) -> dict[str, Any]:
    """The entries of one kind; empty where there is no such file."""
    path = FOLDER / f"{kind}.npz"
    if not path.exists():
        return {}
    with np.load(path) as archive:
        packed = dict(archive)
    index = json.loads(packed["index"].tobytes())
    return {
        name: packed[letter][start : start + math.prod(shape)].reshape(shape)
        for name, (letter, shape, start) in index.items()
    }


def values(name: str, kind: dtype, number: int) -> list[Any] | None:
    """The golden outputs of a sample, or ``None`` where there are none for it as it is."""
    letter = APPLIES.get(kind.name)
    if letter is None:
        return None
    entries = load(letter)
    made_from = entries.get(f"{name}/{number}/inputs")
    if made_from is None or int(made_from) != checksum(samples_of(name, kind.kind)[number]):
        return None
    found: list[Any] = []
    while f"{name}/{number}/{len(found)}" in entries:
        found.append(entries[f"{name}/{number}/{len(found)}"])
    return found
