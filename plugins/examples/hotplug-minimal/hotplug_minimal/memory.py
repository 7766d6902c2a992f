"""Arrays of the contract as lists of Python numbers, and back."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from typing import Any, Final

from hotplug.backend import Array, dtypes

FORMATS: Final = dict(zip(dtypes.ALL, "? B H I Q b h i q e - f d - -".split(), strict=True))
"""The struct module's letters; it has none for bfloat16 and the complex dtypes."""

STORAGE: Final = frozenset(each for each, letter in FORMATS.items() if letter != "-")


def pack(value: Any, dtype: dtypes.dtype) -> bytes:
    """One number as bytes; integers wrap around, floats round."""
    if dtype.kind in "ui":
        return int(value % (1 << 8 * dtype.itemsize)).to_bytes(dtype.itemsize, "little")
    try:
        return struct.pack("<" + FORMATS[dtype], value)
    except OverflowError:  # a float too large for its dtype
        return struct.pack("<" + FORMATS[dtype], math.copysign(math.inf, value))


def rounded(value: Any, dtype: dtypes.dtype) -> Any:
    """The number as an element of this dtype."""
    return struct.unpack("<" + FORMATS[dtype], pack(value, dtype))[0]


def positions(array: Array) -> list[int]:
    """Where each element lies in the buffer, counted in elements, in C order."""
    found = [array.offset]
    for size, stride in zip(array.shape, array.strides, strict=True):
        found = [start + step * stride for start in found for step in range(size)]
    return found


def load(array: Array) -> list[Any]:
    """The elements in C order."""
    one, size = struct.Struct("<" + FORMATS[array.dtype]), array.dtype.itemsize
    return [one.unpack_from(array.storage.buffer, place * size)[0] for place in positions(array)]


def store(array: Array, values: Iterable[Any]) -> None:
    """Write all elements, in C order."""
    memory, size = memoryview(array.storage.buffer), array.dtype.itemsize
    for place, value in zip(positions(array), values, strict=True):
        memory[place * size : (place + 1) * size] = pack(value, array.dtype)
