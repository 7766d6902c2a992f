"""``map``: a thread an element, or a few neighbouring ones that are moved by one access of 16 bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, final

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backend.render import Source
from hotplug.backends.cuda.device import Device
from hotplug.backends.cuda.dialect import CUDA
from hotplug.backends.cuda.frame import Frame
from hotplug.backends.cuda.header import THREADS
from hotplug.backends.cuda.program import Plans, Program, addresses
from hotplug.backends.cuda.text import item, kernel, pointers, raw
from hotplug.expr.node import Expr, input_

_ACCESS: Final = 16
"""Bytes of the widest access."""
_REGISTERS: Final = 64
"""Elements that a thread may hold at once."""


@final
class _Text:
    """The text of the kernels of one key."""

    def __init__(self, key: OpKey) -> None:
        self.outs: Final = len(key.program)
        program, kinds = key.program, key.dtypes
        if all(root.op == "input" for root in program):
            program, kinds = _moved(program), tuple(raw(kind) for kind in kinds)
        self.program: Final = program
        self.kinds: Final = kinds
        self.layouts: Final = key.layouts
        self.rank: Final = key.rank
        self.source: Final = Source(CUDA)
        self.frame: Final = Frame(key)
        self.width: Final = self._width()
        """Elements of a thread of the wide kernel; 1 where there is none."""

    def _width(self) -> int:
        dense = [kind for kind, layout in zip(self.kinds, self.layouts, strict=True) if layout == "contiguous"]
        if "strided" in self.layouts or not dense:
            return 1
        width = _ACCESS // max(kind.itemsize for kind in dense)
        while width > 1 and width * len(dense) > _REGISTERS:
            width //= 2
        return width

    def compute(self, elements: Mapping[int, str], index: str) -> list[str]:
        """Statements that load the elements, compute, and only then store: an output may be an input."""
        source, lines, values = self.source, [], []
        for position in range(self.outs, len(self.kinds)):
            kind = self.kinds[position]
            lines.append(f"const {source.type(kind)} x{position} = {source.load(kind, elements[position])};")
            lines.append(f"(void)x{position};")  # a program need not read it
            values.append(f"x{position}")
        rendered = source.render(self.program, values, self.frame.scalars(self.program), index)
        lines += rendered.statements
        for position, (root, value) in enumerate(zip(self.program, rendered.values, strict=True)):
            lines.append(source.store(self.kinds[position], elements[position], value, root.dtype))
        return lines

    def one(self, index: str = "i") -> list[str]:
        """Statements for the element ``i``."""
        axes = range(self.rank)
        at = {"contiguous": index, "broadcast": "0"}
        places = [at.get(each) or self.frame.position(n, axes, "c") for n, each in enumerate(self.layouts)]
        return self.compute({n: f"p{n}[{place}]" for n, place in enumerate(places)}, index)

    def plain(self) -> str:
        """The kernel of one element a thread."""
        lines = item(self.frame, self.frame.count(0))
        if "strided" in self.layouts:
            lines += self.frame.unravel("i", 0, range(self.rank), "c")
        return kernel("hp_map", [*lines, *pointers(self.source, self.frame, self.outs, self.kinds), *self.one()])

    def wide(self) -> str:
        """The kernel of several elements a thread; the last thread goes through what is left one by one."""
        width, index, count = self.width, self.frame.index, self.frame.count(0)
        lines = [
            f"const hp_u64 i_ = ((hp_u64)blockIdx.x * {THREADS} + threadIdx.x) * {width};",
            f"if (i_ >= (hp_u64){count}) return;",
            f"const {index} first = ({index})i_;",
            *pointers(self.source, self.frame, self.outs, self.kinds),
            f"if ({count} - first < {width}) {{",
            f"for ({index} i = first; i < {count}; ++i) {{ {' '.join(self.one())} }}",
            "return;",
            "}",
        ]
        elements, loads, stores = {}, [], []
        for position, (kind, layout) in enumerate(zip(self.kinds, self.layouts, strict=True)):
            elements[position] = f"v{position}.v[k]" if layout == "contiguous" else f"p{position}[0]"
            if layout == "contiguous":
                pack = f"hp_pack<{self.source.stored(kind)}, {width}>"
                if position < self.outs:
                    loads.append(f"{pack} v{position};")
                    stores.append(f"*({pack} *)(p{position} + first) = v{position};")
                else:
                    loads.append(f"const {pack} v{position} = *(const {pack} *)(p{position} + first);")
        inner = self.compute(elements, "(first + k)")
        lines += [*loads, "#pragma unroll", f"for (int k = 0; k < {width}; ++k) {{", *inner, "}", *stores]
        return kernel("hp_wide", lines)


@final
class Map:
    """The kernel: the wide one where the arrays are dense and aligned."""

    def __init__(self, device: Device, key: OpKey) -> None:
        text = _Text(key)
        width = text.width
        kernels = text.plain() + (text.wide() if width > 1 else "")
        program = Program(device, "map", text.frame, text.source, kernels)
        self._device: Final = device
        self._pack: Final = program.packer.pack
        self._plans: Final = Plans(program.packer, lambda layouts: layouts[0].numel)
        self._plain: Final = program.launcher("hp_map")
        self._wide: Final = program.launcher("hp_wide") if width > 1 else None
        self._width: Final = width
        dense = [n for n, layout in enumerate(key.layouts) if layout == "contiguous"]
        self._aligned: Final = [(n, key.dtypes[n].itemsize * width - 1) for n in dense]

    def __call__(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        arrays = (*outs, *inputs)
        words, count = self._plans.of(arrays)
        places = addresses(arrays)
        frame = self._pack(places, words, scalars)
        with self._device.lock:
            if self._wide is not None and not any(places[n] & mask for n, mask in self._aligned):
                self._wide(-(-count // (THREADS * self._width)), frame)
            else:
                self._plain(-(-count // THREADS), frame)


def map_(device: Device, key: OpKey) -> Kernel:
    """The kernel of a key."""
    return Map(device, key)


def _moved(program: tuple[Expr, ...]) -> tuple[Expr, ...]:
    return tuple(input_(root.value, raw(root.dtype)) for root in program)
