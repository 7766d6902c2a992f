"""OpenCL C for processors: functions that a loop can be made of vector instructions with.

A processor's driver calls its built-in functions, one element at a time, and PoCL does so even for ``fabs``; a call is
what keeps a loop from becoming vector instructions.  So functions of float32 are written out in
:mod:`hotplug.backends.opencl.functions`, and PoCL is asked for its compiler's own ``fabs``, ``floor`` and the like.
"""

from __future__ import annotations

from typing import Final, final

from hotplug.backend.render import OPENCL, Dialect, Source
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.functions import FUNCTIONS, NEEDS_DOUBLE, text_of
from hotplug.dtypes import dtype, float32, float64

_OF_CLANG: Final = frozenset("floor ceil trunc rint fabs sqrt copysign".split())
"""What LLVM has as an instruction."""


@final
class Processor(Dialect):
    """The dialect of one kernel's text: it remembers which functions that calls."""

    def __init__(self, clang: bool, has_double: bool) -> None:
        """
        Args:
            clang: whether the driver's compiler is known to take Clang's own functions.
            has_double: whether functions may use double precision inside.
        """
        self._clang: Final = clang
        self._has_double: Final = has_double
        self._used: dict[str, None] = {}

    def type(self, kind: dtype) -> str:
        return OPENCL.type(kind)

    def math(self, name: str, kind: dtype) -> str:
        if self._clang and name in _OF_CLANG:
            return f"__builtin_{name}{'f' if kind is float32 else ''}"
        if kind is float32 and name in FUNCTIONS and (self._has_double or name not in NEEDS_DOUBLE):
            self._used[name] = None
            return f"hp_fast_{name}"
        return OPENCL.math(name, kind)

    def as_bits(self, kind: dtype) -> str:
        return OPENCL.as_bits(kind)

    def from_bits(self, kind: dtype) -> str:
        return OPENCL.from_bits(kind)

    def preamble(self, kinds: frozenset[dtype]) -> str:
        wide = NEEDS_DOUBLE.intersection(self._used)
        head = OPENCL.preamble(kinds | {float64} if wide else kinds)
        return "\n".join([head, text_of(self._used, self._clang)] if self._used else [head])


def source_of(device: Device) -> Source:
    """A new text in the dialect that suits a device."""
    if not device.is_processor:
        return Source(OPENCL)
    clang = "portable computing language" in device.handle.platform.name.lower()
    return Source(Processor(clang, device.has_double))
