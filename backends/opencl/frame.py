"""The frame: the one struct by which a kernel gets its offsets, sizes, strides and scalars.

A kernel's text asks the frame for a word while it is written, and the frame remembers how the word follows from the
layouts of a call: so text and packing cannot disagree, and one kernel serves all shapes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, final

import numpy as np

from hotplug.backend import Expr, Layout, OpKey
from hotplug.dtypes import dtype
from hotplug.expr.node import leaves

Layouts = tuple[Layout, ...]

SCALAR_FORMATS: Final = {
    "bool": "?", "uint8": "B", "uint16": "H", "uint32": "I", "uint64": "Q", "int8": "b", "int16": "h", "int32": "i",
    "int64": "q", "float32": "f", "float64": "d",
}  # fmt: skip
_UNSIGNED: Final = (1 << 32) - 1


@final
class Frame:
    """The struct of one program: ``long o[operands]; int w[words]`` (or ``long``)``; scalars``.

    Offsets are always 64 bits wide: a small view may lie far inside of a large storage.
    """

    def __init__(self, key: OpKey) -> None:
        self.operands: Final = len(key.dtypes)
        self.wide: Final = key.index64
        self.index: Final = "long" if key.index64 else "int"
        self._words: dict[tuple[Any, ...], int] = {}
        self._values: list[Callable[[Layouts], int]] = []
        self._scalars: dict[int, dtype] = {}

    def word(self, name: tuple[Any, ...], value: Callable[[Layouts], int]) -> str:
        """An integer that follows from the layouts, outputs first; ``name`` tells which."""
        if name not in self._words:
            self._words[name] = len(self._values)
            self._values.append(value)
        return f"HP(w[{self._words[name]}])"

    def size(self, operand: int, axis: int) -> str:
        """The size of an axis of an operand."""
        return self.word(("size", operand, axis), lambda layouts: layouts[operand].shape[axis])

    def stride(self, operand: int, axis: int) -> str:
        """A stride, in elements."""
        return self.word(("stride", operand, axis), lambda layouts: layouts[operand].strides[axis])

    def count(self, operand: int) -> str:
        """The number of elements."""
        return self.word(("count", operand), lambda layouts: layouts[operand].numel)

    def offset(self, operand: int) -> str:
        """Where an operand starts in its buffer, in elements."""
        return f"HP(o[{operand}])"

    def scalars(self, program: Iterable[Expr]) -> dict[int, str]:
        """The runtime scalars that a program reads, by position; those of half types arrive as float."""
        for leaf in leaves(program, "scalar"):
            self._scalars[leaf.value] = leaf.dtype.compute
        return {position: f"HP(s{position})" for position in self._scalars}

    def quotient(self, dividend: str, operand: int, axis: int) -> str:
        """A non-negative index divided by the size of an axis; 32-bit ones by multiplication (Granlund, 1994)."""
        if self.wide:
            return f"{dividend} / {self.size(operand, axis)}"
        factor = self.word(("factor", operand, axis), lambda layouts: magic(layouts[operand].shape[axis])[0])
        shift = self.word(("shift", operand, axis), lambda layouts: magic(layouts[operand].shape[axis])[1])
        return f"(int)(((uint)(((ulong)(uint){dividend} * (uint){factor}) >> 32) + (uint){dividend}) >> {shift})"

    def unravel(self, flat: str, operand: int, axes: Sequence[int], prefix: str) -> list[str]:
        """Statements that define ``prefix`` + axis as the coordinates of a C-order index over some axes."""
        lines: list[str] = []
        for axis in reversed(axes[1:]):
            rest = f"{prefix}q{axis}"
            lines.append(f"const {self.index} {rest} = {self.quotient(flat, operand, axis)};")
            lines.append(f"const {self.index} {prefix}{axis} = {flat} - {rest} * {self.size(operand, axis)};")
            flat = rest
        if axes:
            lines.append(f"const {self.index} {prefix}{axes[0]} = {flat};")
        return lines

    def position(self, operand: int, axes: Sequence[int], prefix: str) -> str:
        """The element at the coordinates ``prefix`` + axis, relative to the operand's first."""
        return " + ".join(f"{prefix}{axis} * {self.stride(operand, axis)}" for axis in axes) or "0"

    def declaration(self, by_value: bool) -> str:
        """The struct's definition and the parameter ``HP_FRAME``, which comes first in every kernel."""
        fields = [f"long o[{self.operands}];", f"{self.index} w[{self._padded()}];"]
        fields += [f"{SCALAR_NAMES[kind.name]} s{position};" for position, kind in self._ordered()]
        access = "g.field" if by_value else "g->field"
        parameter = "const hp_frame_t g" if by_value else "__constant const hp_frame_t *g"
        return (
            f"typedef struct {{ {' '.join(fields)} }} hp_frame_t;\n"
            f"#define HP(field) {access}\n#define HP_FRAME {parameter}\n"
        )

    def packer(self) -> Packer:
        """What packs the finished frame."""
        return Packer(
            self.operands, f"{self._padded()}{'q' if self.wide else 'i'}", tuple(self._values), self._ordered()
        )

    def _padded(self) -> int:
        """Words, to a multiple of eight bytes; at least one, as a C array must have."""
        return max(1, len(self._values)) if self.wide else max(2, (len(self._values) + 1) // 2 * 2)

    def _ordered(self) -> list[tuple[int, dtype]]:
        """Scalars and their positions by falling size, so that no gap is needed for alignment."""
        return sorted(self._scalars.items(), key=lambda entry: -entry[1].itemsize)


SCALAR_NAMES: Final = {
    "bool": "uchar", "uint8": "uchar", "uint16": "ushort", "uint32": "uint", "uint64": "ulong", "int8": "char",
    "int16": "short", "int32": "int", "int64": "long", "float32": "float", "float64": "double",
}  # fmt: skip


def magic(divisor: int) -> tuple[int, int]:
    """``n // divisor == ((n * factor >> 32) + n) >> shift`` for every n below 2**31."""
    shift = (divisor - 1).bit_length()
    return ((1 << 32) * ((1 << shift) - divisor)) // divisor + 1, shift


@final
class Packer:
    """Packs frames of one program."""

    def __init__(
        self,
        operands: int,
        words: str,
        values: Sequence[Callable[[Layouts], int]],
        scalars: Sequence[tuple[int, dtype]],
    ) -> None:
        self._offsets: Final = struct.Struct(f"={operands}q").pack
        self._no_offset: Final = bytes(8 * operands)
        self._words: Final = struct.Struct(f"={words}")
        self._values: Final = values
        self._order: Final = [position for position, _ in scalars]
        self._kinds: Final = [kind for _, kind in scalars]
        tail = "".join(SCALAR_FORMATS[kind.name] for kind in self._kinds)
        self._tail: Final = struct.Struct(f"={tail}{-struct.calcsize(f'={tail}') % 8}x")
        self.nbytes: Final = 8 * operands + self._words.size + self._tail.size
        self.takes_scalars: Final = bool(scalars)

    def words(self, layouts: Layouts) -> bytes:
        """The part that follows from the layouts alone."""
        signed = [
            _signed(value(layouts)) if self._words.format[-1] == "i" else value(layouts) for value in self._values
        ]
        width = 8 if self._words.format[-1] == "q" else 4
        return self._words.pack(*signed, *[0] * (self._words.size // width - len(signed)))

    def pack(self, offsets: Sequence[int], words: bytes, scalars: Sequence[Any]) -> bytes:
        """The whole frame of one call."""
        head = self._offsets(*offsets) if any(offsets) else self._no_offset
        if not self._order:
            return head + words
        return head + words + self._scalars(scalars)

    def _scalars(self, scalars: Sequence[Any]) -> bytes:
        try:
            return self._tail.pack(*[scalars[position] for position in self._order])
        except (struct.error, OverflowError):  # out of range: as a cast would have it
            with np.errstate(all="ignore"):
                values = [np.asarray(scalars[position]) for position in self._order]
                cast = [value.astype(kind.numpy) for value, kind in zip(values, self._kinds, strict=True)]
            return self._tail.pack(*[value.item() for value in cast])


def _signed(value: int) -> int:
    """The int32 with the bits of a uint32."""
    return value - (1 << 32) if value > _UNSIGNED >> 1 else value
