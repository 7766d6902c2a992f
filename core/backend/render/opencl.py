"""OpenCL C 1.2, without any extension but double precision."""

from __future__ import annotations

from typing import Final, final

from hotplug.backend.render.c import Dialect
from hotplug.dtypes import dtype, float32, float64

_TYPES: Final = {
    "bool": "bool", "uint8": "uchar", "uint16": "ushort", "uint32": "uint", "uint64": "ulong", "int8": "char",
    "int16": "short", "int32": "int", "int64": "long", "float32": "float", "float64": "double",
}  # fmt: skip


@final
class OpenCL(Dialect):
    """Functions are overloaded, so that float and double share their names; the qualifier is C's."""

    def type(self, kind: dtype) -> str:
        return _TYPES[kind.name]

    def math(self, name: str, kind: dtype) -> str:
        return name

    def as_bits(self, kind: dtype) -> str:
        return "as_uint" if kind is float32 else "as_ulong"

    def from_bits(self, kind: dtype) -> str:
        return "as_float" if kind is float32 else "as_double"

    def preamble(self, kinds: frozenset[dtype]) -> str:
        lines = ["#pragma OPENCL FP_CONTRACT OFF"]
        if float64 in kinds:
            lines.insert(0, "#pragma OPENCL EXTENSION cl_khr_fp64 : enable")
        return "\n".join(lines)


OPENCL: Final = OpenCL()
"""The dialect; it has no state."""
