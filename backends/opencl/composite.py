"""Hand-written kernels of composites: a sheet of named parameters, a plan for each form of a call, and the launches."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, final

import numpy as np
import pyopencl as cl

from hotplug.backend import Array
from hotplug.backend.render import Source
from hotplug.backends.opencl import fault
from hotplug.backends.opencl.device import Device, Groups
from hotplug.backends.opencl.frame import Layouts
from hotplug.backends.opencl.text import indented

_MANY_PLANS: Final = 1024
_FLUSHED: Final = 16
"""After so many launches the driver is told to start, which some do only then."""


@final
class Sheet:
    """The parameters of hand-written kernels: pointers by their names, ``HP(name)`` for each number.

    A kernel of the sheet finds every operand's pointer at its array's first element.  Integers are ``hp_index``: ``int``,
    or ``long`` where offsets need more than 31 bits; floating numbers are ``float``, or ``double`` if asked for.  A name
    may end in a count, ``sizes[8]``; the memory that such an array lies in is ``HP_SPACE``, for functions that take it.
    """

    def __init__(
        self, pointers: Mapping[str, str], integers: Sequence[str] = (), floats: Sequence[str] = (),
        *, longs: Sequence[str] = (), wide: bool = False, double: bool = False, scratch: str = "", checks: bool = False,
    ) -> None:  # fmt: skip
        """
        Args:
            pointers: the operands' element types by name, outputs first, then inputs as ``const``.
            integers, floats: names of numbers.
            longs: names of integers that are always 64 bits wide.
            wide: whether ``integers`` are (``key.index64``).
            double: whether ``floats`` are.
            scratch: the element type of scratch memory, which the kernels know as ``scratch``; empty for none.
            checks: whether the kernels take the error word, ``fault`` (see :mod:`.fault`).
        """
        self.operands: Final = len(pointers)
        self.scratch: Final = bool(scratch)
        self.checks: Final = checks
        self.buffers: Final = len(pointers) + self.scratch + checks
        self._pointers: Final = dict(pointers)
        self._scratch: Final = scratch
        self._longs: Final = tuple(longs)
        self._integers: Final = tuple(integers)
        self._floats: Final = tuple(floats)
        self._index: Final = "long" if wide else "int"
        self._float: Final = "double" if double else "float"
        parts = [("q", self._longs), ("q" if wide else "i", self._integers), ("d" if double else "f", self._floats)]
        self._parts: Final = [(letter, names, _padding(letter, names)) for letter, names in parts]
        form = "".join(f"{sum(map(_count, names)) + more}{letter}" for letter, names, more in self._parts)
        self._format: Final = struct.Struct("=" + form)
        self._offsets: Final = struct.Struct(f"={self.operands}q")
        self.nbytes: Final = self._offsets.size + self._format.size

    def declaration(self, by_value: bool) -> str:
        """The struct, and the macros of the kernels' text."""
        kinds = ("long", "hp_index", "hp_float")
        fields = [f"long o[{self.operands}];"]
        for kind, (_, names, more) in zip(kinds, self._parts, strict=True):
            fields += [f"{kind} {name};" for name in names]
            fields += [f"{kind} {kind}_gap[{more}];"] if more else []
        access = "hp_given.field" if by_value else "hp_given->field"
        parameter = "const hp_frame_t hp_given" if by_value else "__constant const hp_frame_t *hp_given"
        return (
            f"typedef {self._index} hp_index;\ntypedef {self._float} hp_float;\n"
            f"typedef struct {{ {' '.join(fields)} }} hp_frame_t;\n"
            f"#define HP(field) {access}\n#define HP_FRAME {parameter}\n#define HP_SPACE {'' if by_value else '__constant'}\n"
            f"{fault.SOURCE if self.checks else ''}"
        )

    def kernel(self, name: str, body: Iterable[str], local: int = 0) -> str:
        """A kernel's text.

        Args:
            name: of the kernel.
            body: statements.
            local: the size of its work-groups where the text relies on it; 0: any.
        """
        parameters = [f"__global {kind} *restrict {name}" for name, kind in self._pointers.items()]
        parameters += [f"__global {self._scratch} *restrict scratch"] if self.scratch else []
        parameters += [fault.PARAMETER] if self.checks else []
        start = [f"{pointer} += HP(o[{place}]);" for place, pointer in enumerate(self._pointers)]
        size = f"__attribute__((reqd_work_group_size({local}, 1, 1))) " if local else ""
        head = f"__kernel {size}void {name}(HP_FRAME, {', '.join(parameters)})"
        return f"{head} {{\n{indented([*start, *body])}}}\n"

    def numbers(self, values: Mapping[str, Any]) -> bytes:
        """The numbers, by name without the count; a sequence for one with a count, padded with its last element."""
        found: list[Any] = []
        for letter, names, more in self._parts:
            for name in names:
                count, value = _count(name), values[name.partition("[")[0]]
                many = [*value, *[value[-1] if value else 1] * (count - len(value))] if "[" in name else [value]
                found += [_narrow(each) for each in many] if letter == "i" else many
            found += [0] * more
        return self._format.pack(*found)

    def frame(self, offsets: Sequence[int], numbers: bytes) -> bytes:
        """The whole struct of one call."""
        return self._offsets.pack(*offsets) + numbers


def _count(name: str) -> int:
    return int(name[name.index("[") + 1 : -1]) if "[" in name else 1


def _padding(letter: str, names: Sequence[str]) -> int:
    """Numbers that fill the last eight bytes, so that what follows is aligned."""
    return sum(map(_count, names)) % 2 if letter in "if" else 0


def _narrow(value: int) -> int:
    """The low 32 bits: what doesn't fit is the stride of an axis of one element, which only ever multiplies 0."""
    return (int(value) + (1 << 31)) % (1 << 32) - (1 << 31)


class Step(NamedTuple):
    """One launch: ``groups`` x ``across`` work-groups of ``local`` work-items."""

    kernel: str
    groups: int
    local: int = 1
    across: int = 1


def items(kernel: str, count: int, groups: Groups) -> Step:
    """The launch of a kernel with a work-item for each of so many things; those behind the last have to return."""
    local = groups.of_few if count <= groups.few_items else groups.of_many
    return Step(kernel, -(-count // local), local)


class Plan(NamedTuple):
    """What follows from the layouts and numbers of a call."""

    numbers: Mapping[str, Any]
    steps: Sequence[Step]
    scratch: int = 0
    """Bytes."""


class _Launch(NamedTuple):
    kernel: Any
    size: tuple[int, ...]
    local: tuple[int, ...]


class _Prepared(NamedTuple):
    numbers: bytes
    launches: Sequence[_Launch]
    scratch: int


@final
class Override:
    """A kernel of the contract for a composite: a program of several kernels, launched as a plan says."""

    def __init__(
        self, device: Device, op: str, source: Source, sheet: Sheet, text: str,
        plan: Callable[[Layouts, Sequence[Any]], Plan], kernels: Sequence[str],
    ) -> None:  # fmt: skip
        """
        Args:
            device: where to build it.
            op: for messages.
            source: what the text needs of the renderer.
            sheet: the parameters.
            text: the kernels, each made by :meth:`Sheet.kernel`, and the functions that they call.
            plan: from layouts, outputs first, and the numbers of a call.
            kernels: their names.
        """
        self._by_value: Final = device.by_value(sheet.nbytes, sheet.buffers)
        built = device.built(op, source.text(sheet.declaration(self._by_value), text))
        kind = np.dtype(f"V{sheet.nbytes}") if self._by_value else None
        self._kernels: Final = {name: device.kernel(op, built, name) for name in kernels}
        for kernel in self._kernels.values():
            kernel.set_arg_types((kind, *[None] * sheet.buffers))
        self._op: Final = op
        self._device: Final = device
        self._sheet: Final = sheet
        self._plan: Final = plan
        self._known: dict[Any, _Prepared] = {}

    def __call__(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        arrays = (*outs, *inputs)
        if not any(each.numel for each in outs):
            return
        prepared = self._prepared(arrays, scalars)
        device, sheet = self._device, self._sheet
        frame: Any = sheet.frame([array.offset for array in arrays], prepared.numbers)
        memories = [array.storage.buffer.memory for array in arrays]
        with device.lock:  # a kernel's arguments belong to one thread until it is queued
            if sheet.scratch:
                memories.append(device.scratch(prepared.scratch))
            if sheet.checks:
                memories.append(device.fault.memory)
                device.fault.armed = True
            try:
                self._launch(prepared.launches, frame, memories)
            except cl.Error as error:
                raise device.failure(self._op, error) from error

    def _launch(self, launches: Sequence[_Launch], frame: bytes, memories: Sequence[Any]) -> None:
        device, queue = self._device, self._device.queue
        argument: Any = frame
        if not self._by_value:  # OpenCL frees the buffer once the kernels have run
            flags = cl.mem_flags.READ_ONLY | cl.mem_flags.COPY_HOST_PTR
            argument = cl.Buffer(device.context, flags, hostbuf=bytearray(frame))
        for kernel, size, local in launches:
            kernel(queue, size, local, argument, *memories)
            device.launches += 1
            if device.launches % _FLUSHED == 0:
                queue.flush()

    def _prepared(self, arrays: Sequence[Array], scalars: Sequence[Any]) -> _Prepared:
        layouts = tuple([array.layout for array in arrays])
        key = (layouts, *scalars)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MANY_PLANS:
                self._known.clear()
            plan = self._plan(layouts, scalars)
            launches = [self._sized(step) for step in plan.steps if step.groups * step.across > 0]
            found = self._known[key] = _Prepared(self._sheet.numbers(plan.numbers), launches, plan.scratch)
        return found

    def _sized(self, step: Step) -> _Launch:
        kernel = self._kernels[step.kernel]
        self._device.check_group(self._op, step.local)
        if step.across == 1:
            return _Launch(kernel, (step.groups * step.local,), (step.local,))
        return _Launch(kernel, (step.groups * step.local, step.across), (step.local, 1))
