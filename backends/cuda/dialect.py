"""CUDA C, and HIP, as a dialect of the shared renderer."""

from __future__ import annotations

from typing import Final, final

from hotplug.backend.render import Dialect
from hotplug.dtypes import dtype, float32

_TYPES: Final = {
    "bool": "bool", "uint8": "hp_u8", "uint16": "hp_u16", "uint32": "hp_u32", "uint64": "hp_u64", "int8": "signed char",
    "int16": "short", "int32": "int", "int64": "hp_i64", "float32": "float", "float64": "double",
}  # fmt: skip


@final
class Cuda(Dialect):
    """One text for NVRTC, for HIP's run-time compiler and for the emulator; the names are those of the header."""

    qualifier = "HP_INLINE"
    long_suffix = "LL"

    def type(self, kind: dtype) -> str:
        return _TYPES[kind.name]

    def math(self, name: str, kind: dtype) -> str:
        return f"{name}f" if kind is float32 else name

    def as_bits(self, kind: dtype) -> str:
        return "__float_as_uint" if kind is float32 else "hp_bits_of_double"

    def from_bits(self, kind: dtype) -> str:
        return "__uint_as_float" if kind is float32 else "hp_double_of_bits"

    def preamble(self, kinds: frozenset[dtype]) -> str:
        return ""  # the header comes first; contraction is switched off by an option


CUDA: Final = Cuda()
"""The dialect; it has no state."""
