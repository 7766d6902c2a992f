"""Optimizers' steps over lists of parameters: as many parameters a launch as fit among a kernel's arguments.

OpenCL 1.2 has no pointers to pointers, so every operand of every parameter is an argument of its own; a device takes some
hundred (1,024 bytes on PoCL).  A kernel has room for so many parameters; a work-item finds the one whose piece it is, and
goes through that piece.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, final

import numpy as np
import pyopencl as cl

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.dialect import source_of
from hotplug.backends.opencl.frame import SCALAR_FORMATS, SCALAR_NAMES
from hotplug.backends.opencl.loops import SAFE
from hotplug.backends.opencl.text import indented
from hotplug.dtypes import dtype
from hotplug.expr.node import leaves

SUFFIX: Final = "_of_list"
_MOST: Final = 16
"""Parameters of a launch."""
_PIECE: Final = 2048
"""Elements of a work-item on a processor; on a GPU it has one."""


class _Number(NamedTuple):
    """A runtime scalar."""

    position: int
    kind: dtype


@final
class _Form:
    """A kernel with room for some parameters."""

    def __init__(self, device: Device, key: OpKey, slots: int, shared: bool) -> None:
        """
        Args:
            device: where to build it.
            key: one parameter's update.
            slots: how many parameters it has room for.
            shared: whether all have the same numbers.
        """
        outs = len(key.program)
        self.kinds: Final = key.dtypes[outs:]
        self.slots: Final = slots
        self.shared: Final = shared
        self.numbers: Final = _numbers(key)
        self.sets: Final = 1 if shared else slots
        order = [number for _ in range(self.sets) for number in self.numbers]
        self.order: Final = sorted(range(len(order)), key=lambda at: -order[at].kind.itemsize)
        self._kinds: Final = [order[at].kind for at in self.order]
        operands = slots * len(self.kinds)
        tail = "".join(SCALAR_FORMATS[kind.name] for kind in self._kinds)
        body = f"={operands}q{slots}q{slots + slots % 2}i{tail}"
        self.packing: Final = struct.Struct(f"{body}{-struct.calcsize(body) % 8}x")
        self.device: Final = device
        self.key: Final = key

    def fits(self) -> bool:
        """Whether the frame is an argument beside the buffers."""
        return self.device.by_value(self.packing.size, self.slots * len(self.kinds))

    def frame(
        self, offsets: Sequence[int], sizes: Sequence[int], firsts: Sequence[int], numbers: Sequence[Any]
    ) -> bytes:
        """The struct of a launch; ``numbers`` of one set after the other, as the kernel's program reads them."""
        gap = [0] * (self.slots % 2)
        values = [numbers[at] for at in self.order]
        return self.packing.pack(*offsets, *sizes, *firsts, *gap, *values)

    def text(self) -> tuple[Any, str]:
        """The kernel, and the renderer's part of it."""
        key, kinds, source, slots = self.key, self.kinds, source_of(self.device), self.slots
        outs, width = len(key.program), len(kinds)
        fields = [f"long o[{slots * width}];", f"long size[{slots}];", f"int first[{slots + slots % 2}];"]
        fields += [f"{SCALAR_NAMES[kind.name]} x{at};" for at, kind in zip(self.order, self._kinds, strict=True)]
        lines = ["const int item = (int)get_global_id(0);", "int slot = 0;", "long size = g.size[0], from = 0;"]
        lines += [f"if (item >= g.first[{slot}]) {{ slot = {slot}; size = g.size[{slot}]; from = g.first[{slot}]; }}"
                  for slot in range(1, slots)]  # fmt: skip
        stored = [f"{'const ' * (position >= outs)}{source.stored(kind)}" for position, kind in enumerate(kinds)]
        lines += [f"__global {name} *p{position};" for position, name in enumerate(stored)]
        names = {number.position: f"s{number.position}" for number in self.numbers}
        lines += [f"{source.type(number.kind)} s{number.position};" for number in self.numbers]
        lines.append("switch (slot) {")
        for slot in range(slots):
            lines.append("default:" if slot == slots - 1 else f"case {slot}:")
            lines += [f"    p{at} = a{slot}_{at} + g.o[{slot * width + at}];" for at in range(width)]
            if not self.shared:
                lines += self._set(slot)
            lines.append("    break;")
        lines += ["}", *(self._set(0) if self.shared else [])]
        piece = _PIECE if self.device.is_processor else 1
        lines += [f"const long begin = (item - from) * {piece}, end = size - begin < {piece} ? size : begin + {piece};"]
        lines += [SAFE, "for (long i = begin; i < end; ++i) {"]
        lines += [
            f"const {source.type(kind)} v{at} = {source.load(kind, f'p{at}[i]')};" for at, kind in enumerate(kinds)
        ]
        body = source.render(key.program, [f"v{at}" for at in range(width)], names)
        lines += body.statements
        for at, (root, value) in enumerate(zip(key.program, body.values, strict=True)):
            lines.append(source.store(kinds[at], f"p{at}[i]", value, root.dtype))
        lines.append("}")
        arguments = [f"__global {name} *a{slot}_{at}" for slot in range(slots) for at, name in enumerate(stored)]
        head = f"__kernel void hp_list(const hp_frame_t g, {', '.join(arguments)})"
        return source, f"typedef struct {{ {' '.join(fields)} }} hp_frame_t;\n{head} {{\n{indented(lines)}}}\n"

    def _set(self, slot: int) -> list[str]:
        """Statements that read the numbers of a parameter."""
        start = slot * len(self.numbers)
        return [f"    s{number.position} = g.x{start + at};" for at, number in enumerate(self.numbers)]

    def kernel(self) -> Any:
        """The built kernel."""
        source, text = self.text()
        kernel = self.device.kernel(self.key.name, self.device.built(self.key.name, source.text(text)), "hp_list")
        kernel.set_arg_types((np.dtype(f"V{self.packing.size}"), *[None] * (self.slots * len(self.kinds))))
        return kernel


def _numbers(key: OpKey) -> list[_Number]:
    found = {leaf.value: leaf.dtype.compute for leaf in leaves(key.program, "scalar")}
    return [_Number(position, kind) for position, kind in sorted(found.items())]


@final
class Lists:
    """The kernel of the contract: outputs, inputs and numbers of all parameters, one parameter after the other."""

    def __init__(self, device: Device, key: OpKey, forms: Sequence[_Form]) -> None:
        self._device: Final = device
        self._op: Final = key.name
        self._width: Final = len(key.dtypes) - len(key.program)
        self._wanted: Final = [number.position for number in _numbers(key)]
        self._forms: Final = {form.shared: form for form in forms}
        self._kernels: dict[bool, Any] = {}
        self._piece: Final = _PIECE if device.is_processor else 1
        self._local: Final = device.tiles.of_many if device.is_processor else device.light.of_many

    def __call__(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        width = self._width
        count = len(inputs) // width
        each = len(scalars) // count
        rows = [tuple(scalars[item * each : (item + 1) * each]) for item in range(count)]
        shared = all(row == rows[0] for row in rows)
        form = self._forms[shared]
        items = [item for item in range(count) if inputs[item * width].numel]
        for start in range(0, len(items), form.slots):
            part = items[start : start + form.slots]
            operands = [inputs[item * width : (item + 1) * width] for item in part]
            numbers = [rows[item][at] for item in part[: form.sets] for at in self._wanted]
            self._launch(form, operands, numbers)

    def _launch(self, form: _Form, operands: Sequence[Sequence[Array]], numbers: list[Any]) -> None:
        """One launch; slots that are left over have the first parameter's operands, and no work-item."""
        missing = form.slots - len(operands)
        sizes = [each[0].numel for each in operands]
        firsts, total = [], 0
        for size in sizes:
            firsts.append(total)
            total += -(-size // self._piece)
        total = -(-total // self._local) * self._local
        arrays = [array for each in (*operands, *[operands[0]] * missing) for array in each]
        if not form.shared:
            numbers += numbers[: len(self._wanted)] * missing
        frame = form.frame(
            [array.offset for array in arrays], [*sizes, *[0] * missing], [*firsts, *[total] * missing], numbers
        )
        device = self._device
        with device.lock:
            kernel = self._kernels.get(form.shared)
            if kernel is None:
                kernel = self._kernels[form.shared] = form.kernel()
            memories = [array.storage.buffer.memory for array in arrays]
            try:
                kernel(device.queue, (total,), (self._local,), frame, *memories)
            except cl.Error as error:
                raise device.failure(self._op, error) from error
            device.launches += 1


def lists(device: Device, key: OpKey) -> Kernel | None:
    """The kernel of a key, where all operands are dense and the program is known."""
    if not key.program or key.index64 or any(each != "contiguous" for each in key.layouts):
        return None
    forms = []
    for shared in (True, False):
        fitting = [form for slots in range(_MOST, 0, -1) if (form := _Form(device, key, slots, shared)).fits()]
        if not fitting:
            return None
        forms.append(fitting[0])
    return Lists(device, key, forms)
