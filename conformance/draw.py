"""Samples: arguments of an op as plain host values, the same in every process and for every library.

The values come from Philox, not from NumPy's generators, whose streams may change from version to version.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, final

import numpy as np

from hotplug.random import philox_on_host

NDArray = np.ndarray[Any, Any]

_HOST: Final = {"b": np.bool_, "u": np.int64, "i": np.int64, "f": np.float64, "c": np.complex128}


@final
@dataclass(frozen=True, slots=True)
class Marker:
    """Stands in a sample for what only a run knows."""

    name: str


DEVICE: Final = Marker("device")
"""The device under test."""
DTYPE: Final = Marker("dtype")
"""The dtype under test."""


@final
@dataclass(frozen=True, slots=True)
class Kind:
    """A dtype by name, as an argument.  A reference in wider floats replaces a floating one."""

    name: str


@final
@dataclass(frozen=True, slots=True, eq=False)
class Operand:
    """A tensor argument.

    Attributes:
        values: host values in bool, int64, float64 or complex128.
        dtype: name of the dtype it has whatever is tested; empty: the dtype under test.
        grad: whether gradients are asked for, where the dtype has any.
    """

    values: NDArray
    dtype: str = ""
    grad: bool = True

    def constant(self) -> Operand:
        """The same without a gradient."""
        return replace(self, grad=False)


@final
class Sample:
    """The arguments of one call.  Tensors are :class:`Operand`; the rest is passed on as it is."""

    __slots__ = ("args", "gradient", "kwargs", "smooth")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args: Final = args
        self.kwargs: Final = kwargs
        self.smooth = True
        """Whether a difference quotient can confirm the derivative at these arguments."""
        self.gradient = True
        """Whether gradients are compared at these arguments."""

    def rough(self) -> Sample:
        """The same, marked as a place without a derivative, where the gradient is what PyTorch says."""
        self.smooth = False
        return self

    def forward(self) -> Sample:
        """The same, marked as not for gradients: special values, or conversions that lose digits."""
        self.smooth = self.gradient = False
        return self

    def operands(self) -> list[Operand]:
        """The tensors among the arguments, in order, also those in lists."""
        return list(_operands([*self.args, *self.kwargs.values()]))

    def largest(self) -> float:
        """The largest finite magnitude among the operands."""
        found = [np.abs(each.values) for each in self.operands() if each.values.size and each.values.dtype != bool]
        return max((float(np.max(each, initial=0.0, where=np.isfinite(each))) for each in found), default=0.0)

    def __repr__(self) -> str:
        shown = [_shown(each) for each in self.args]
        shown += [f"{name}={_shown(value)}" for name, value in self.kwargs.items()]
        return f"({', '.join(shown)})"


def _operands(values: Sequence[Any]) -> Iterator[Operand]:
    for value in values:
        if isinstance(value, Operand):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _operands(value)


def _shown(value: Any) -> str:
    if isinstance(value, Operand):
        return f"{value.dtype or 'tensor'}{list(value.values.shape)}"
    if isinstance(value, (list, tuple)) and any(isinstance(each, Operand) for each in value):
        return f"[{', '.join(map(_shown, value))}]"
    return value.name if isinstance(value, (Marker, Kind)) else repr(value)


SPECIAL: Final = (
    math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 1.5, 2.5, -2.5, 3.0, 2.0**-23, 0.25, 80.0,
    -80.0, 1e4, -1e4,
)  # fmt: skip
"""Where functions are told apart: every pair of them is tried by ops of two operands."""


@final
class Draw:
    """A stream of values for the samples of one op.

    Args:
        key: names the stream.
        kind: of the dtype under test: ``b``, ``u``, ``i``, ``f`` or ``c``.
        seed: another stream for every number.
    """

    def __init__(self, key: str, kind: str, seed: int = 0) -> None:
        self.kind: Final = kind
        self._seed: Final = zlib.crc32(f"{key}/{'i' if kind == 'u' else kind}".encode()) | seed << 32
        self._call = 0

    def uniform(self, *shape: int) -> NDArray:
        """Numbers in [0, 1)."""
        count = math.prod(shape)
        words = philox_on_host(count, self._seed, self._call).astype(np.uint64)
        self._call += 1
        bits = (words[0] >> np.uint64(5)) << np.uint64(26) | words[1] >> np.uint64(6)
        uniform: NDArray = bits.astype(np.float64) * 2.0**-53
        return uniform.reshape(shape)

    def __call__(self, *shape: int, low: float = -2.0, high: float = 2.0) -> Operand:
        """Of the dtype under test, between ``low`` and ``high``."""
        return Operand(self._values(self.kind, shape, low, high))

    def _values(self, kind: str, shape: tuple[int, ...], low: float, high: float) -> NDArray:
        if kind == "b":
            return self.uniform(*shape) < 0.5
        if kind in "ui":
            bottom = math.ceil(max(low, 0.0) if kind == "u" else low)
            steps = np.floor(self.uniform(*shape) * (max(math.floor(high), bottom) - bottom + 1))
            return np.asarray(bottom + steps.astype(np.int64))
        real = low + (high - low) * self.uniform(*shape)
        if kind == "c":
            real = real + 1j * (low + (high - low) * self.uniform(*shape))
            return real.astype(np.complex64).astype(np.complex128)
        return real.astype(np.float32).astype(np.float64)

    def spread(self, *shape: int) -> Operand:
        """Of the dtype under test, all different and well apart in any dtype (bool aside), in random order."""
        count = math.prod(shape)
        order = np.argsort(self.uniform(count), kind="stable").reshape(shape)
        if self.kind == "b":
            return Operand(order % 2 == 0)
        if self.kind in "ui":
            return Operand(order - (0 if self.kind == "u" else count // 2))
        values = (order - count / 2.0) * 0.25 + 0.125
        return Operand(values + 0.5j * values if self.kind == "c" else values)

    def number(self, low: float = -2.0, high: float = 2.0) -> Any:
        """A Python number of the kind under test."""
        return self._values("i" if self.kind == "u" else self.kind, (), max(low, 0.0) if self.kind == "u" else low,
                            high).item()  # fmt: skip

    def index(self, high: int, *shape: int, dtype: str = "int64") -> Operand:
        """Integers from 0 to ``high - 1``."""
        return Operand(np.floor(self.uniform(*shape) * high).astype(np.int64), dtype)

    def order(self, count: int) -> Operand:
        """A permutation, int64."""
        return Operand(np.argsort(self.uniform(count), kind="stable"), "int64")

    def mask(self, *shape: int) -> Operand:
        """bool."""
        return Operand(self.uniform(*shape) < 0.5, "bool")

    def real(self, *shape: int, low: float = -2.0, high: float = 2.0) -> Operand:
        """Of the dtype under test, but floating values even where that is complex: for weights and probabilities."""
        return Operand(self._values("f", shape, low, high))

    def of(self, values: Any, dtype: str = "") -> Operand:
        """Given values, of a given dtype or of the one under test."""
        kind = dtype_kind(dtype) if dtype else self.kind
        return Operand(np.asarray(values).astype(_HOST[kind]), dtype)


def dtype_kind(name: str) -> str:
    """The kind letter of a dtype's name."""
    letter = {"bool": "b", "uint": "u", "int": "i", "float": "f", "bfloat": "f", "complex": "c"}
    return letter[name.rstrip("0123456789")]
