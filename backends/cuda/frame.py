"""The frame: the one struct by which a kernel gets its pointers, sizes, strides and scalars.

A kernel's text asks the frame for a word while it is written, and the frame remembers how the word follows from the
layouts of a call: so text and packing cannot disagree, and one kernel serves all shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, final

from hotplug.backend import Expr, OpKey
from hotplug.backends.cuda.dialect import CUDA
from hotplug.backends.opencl.frame import Layouts, Packer, magic
from hotplug.dtypes import bool_, dtype, uint8
from hotplug.expr.node import leaves

BY_VALUE: Final = 4096
"""Bytes of parameters that every CUDA device takes; a longer frame is read from memory."""


@final
class Frame:
    """The struct of one program: ``pointers p[...]; int w[...]`` (or 64 bits wide)``; scalars``.

    Pointers already stand at the arrays' first elements.  Behind those of the operands come ``extras``: scratch memory
    and the error word.
    """

    def __init__(self, key: OpKey, extras: int = 0) -> None:
        self.operands: Final = len(key.dtypes)
        self.pointers: Final = self.operands + extras
        self.wide: Final = key.index64
        self.index: Final = "hp_i64" if key.index64 else "int"
        self._words: dict[Any, int] = {}
        self._values: list[Callable[[Layouts], int]] = []
        self._scalars: dict[int, dtype] = {}

    def pointer(self, position: int, stored: str) -> str:
        """A pointer as an expression of type ``stored *``."""
        return f"(({stored} *)HP(p[{position}]))"

    def extra(self, number: int, stored: str) -> str:
        """A pointer behind those of the operands."""
        return self.pointer(self.operands + number, stored)

    def word(self, name: Any, value: Callable[[Layouts], int]) -> str:
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

    def scalar(self, position: int, kind: dtype) -> str:
        """A runtime scalar; those of half types arrive as float."""
        self._scalars[position] = kind.compute
        return f"HP(s{position})"

    def scalars(self, program: Iterable[Expr]) -> dict[int, str]:
        """The runtime scalars that a program reads, by position."""
        for leaf in leaves(program, "scalar"):
            self.scalar(leaf.value, leaf.dtype)
        return {position: f"HP(s{position})" for position in self._scalars}

    def quotient(self, dividend: str, name: Any, value: Callable[[Layouts], int]) -> str:
        """A non-negative index divided by a positive word; 32-bit ones by multiplication."""
        if self.wide:
            return f"{dividend} / {self.word(name, value)}"
        factor = self.word(("factor", name), lambda layouts: magic(value(layouts))[0])
        shift = self.word(("shift", name), lambda layouts: magic(value(layouts))[1])
        return f"hp_quotient({dividend}, {factor}, {shift})"

    def unravel(self, flat: str, operand: int, axes: Sequence[int], prefix: str) -> list[str]:
        """Statements that define ``prefix`` + axis as the coordinates of a C-order index over some axes."""
        lines: list[str] = []
        for axis in reversed(axes[1:]):
            rest = f"{prefix}q{axis}"
            size = self.size(operand, axis)
            found = self.quotient(flat, ("size", operand, axis), _size_of(operand, axis))
            lines.append(f"const {self.index} {rest} = {found};")
            lines.append(f"const {self.index} {prefix}{axis} = {flat} - {rest} * {size};")
            flat = rest
        if axes:
            lines.append(f"const {self.index} {prefix}{axes[0]} = {flat};")
        return lines

    def position(self, operand: int, axes: Sequence[int], prefix: str) -> str:
        """The element at the coordinates ``prefix`` + axis, relative to the operand's first."""
        return " + ".join(f"{prefix}{axis} * {self.stride(operand, axis)}" for axis in axes) or "0"

    def declaration(self) -> str:
        """The struct's definition and the parameter ``HP_FRAME``, which comes alone in every kernel."""
        fields = [f"hp_i64 p[{max(1, self.pointers)}];", f"{self.index} w[{self._padded()}];"]
        fields += [f"{CUDA.type(uint8 if kind is bool_ else kind)} s{position};" for position, kind in self._ordered()]
        by_value = self.packer().nbytes <= BY_VALUE
        access, parameter = ("g.field", "HP_BY_VALUE hp_frame_t g") if by_value else ("g->field", "const hp_frame_t *g")
        return (
            f"typedef struct {{ {' '.join(fields)} }} hp_frame_t;\n"
            f"#define HP(field) {access}\n#define HP_FRAME {parameter}\n"
        )

    def packer(self) -> Packer:
        """What packs the finished frame."""
        words = f"{self._padded()}{'q' if self.wide else 'i'}"
        return Packer(max(1, self.pointers), words, tuple(self._values), self._ordered())

    def _padded(self) -> int:
        """Words, to a multiple of eight bytes; at least one, as a C array must have."""
        return max(1, len(self._values)) if self.wide else max(2, (len(self._values) + 1) // 2 * 2)

    def _ordered(self) -> list[tuple[int, dtype]]:
        """Scalars and their positions by falling size, so that no gap is needed for alignment."""
        return sorted(self._scalars.items(), key=lambda entry: -entry[1].itemsize)


def _size_of(operand: int, axis: int) -> Callable[[Layouts], int]:
    return lambda layouts: layouts[operand].shape[axis]
