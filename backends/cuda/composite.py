"""Hand-written kernels of composites: a sheet of named parameters, a plan for each form of a call, and the launches."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, final

from hotplug.backend import Array
from hotplug.backend.render import Source
from hotplug.backends.cuda.device import Device
from hotplug.backends.cuda.header import THREADS
from hotplug.backends.cuda.program import addresses
from hotplug.backends.opencl.frame import Layouts

_MANY_PLANS: Final = 1024


@final
class Sheet:
    """The struct by which a hand-written kernel gets its pointers and numbers; ``HP(name)`` is one of them.

    Integers are ``hp_i64`` and floating numbers ``double``; a name may end in a count, ``sizes[8]``.
    """

    def __init__(self, pointers: Mapping[str, str], integers: Sequence[str] = (), floats: Sequence[str] = ()) -> None:
        """
        Args:
            pointers: types by name, in the order of outputs, inputs, scratch memory and error word.
            integers, floats: names.
        """
        self._pointers: Final = dict(pointers)
        self._integers: Final = tuple(integers)
        self._floats: Final = tuple(floats)
        kinds = [(each, "q") for each in self._integers] + [(each, "d") for each in self._floats]
        self._format: Final = struct.Struct("=" + "".join(f"{_count(name)}{letter}" for name, letter in kinds))
        self._head: Final = struct.Struct(f"={len(self._pointers)}Q")

    def declaration(self) -> str:
        """The struct and the macros of a kernel's text."""
        fields = [f"{kind} *{name};" for name, kind in self._pointers.items()]
        fields += [f"hp_i64 {name};" for name in self._integers] + [f"double {name};" for name in self._floats]
        return (
            f"typedef struct {{ {' '.join(fields)} }} hp_frame_t;\n#define HP(field) g.field\n"
            "#define HP_FRAME HP_BY_VALUE hp_frame_t g\n"
        )

    def numbers(self, values: Mapping[str, Any]) -> bytes:
        """The numbers, by name without the count; a sequence for one with a count, padded with its last element."""
        found: list[Any] = []
        for name in (*self._integers, *self._floats):
            count, value = _count(name), values[name.partition("[")[0]]
            found += [*value, *[value[-1] if value else 1] * (count - len(value))] if "[" in name else [value]
        return self._format.pack(*found)

    def frame(self, pointers: Sequence[int], numbers: bytes) -> bytes:
        """The whole struct of one call."""
        return self._head.pack(*pointers) + numbers


def _count(name: str) -> int:
    return int(name[name.index("[") + 1 : -1]) if "[" in name else 1


class Step(NamedTuple):
    """One launch."""

    kernel: str
    blocks: int
    across: int = 1
    deep: int = 1
    threads: int = THREADS


class Plan(NamedTuple):
    """What follows from the layouts and numbers of a call."""

    numbers: Mapping[str, Any]
    steps: Sequence[Step]
    scratch: int = 0
    """Bytes."""


@final
class Override:
    """A kernel of the contract for a composite."""

    def __init__(
        self, device: Device, op: str, source: Source, sheet: Sheet, text: str,
        plan: Callable[[Layouts, Sequence[Any]], Plan], kernels: Sequence[str], scratch: bool = False,
        checks: bool = False,
    ) -> None:  # fmt: skip
        """
        Args:
            device: where to compile it.
            op: for messages.
            source: what the text needs of the renderer.
            sheet: the parameters.
            text: the kernels.
            plan: from layouts, outputs first, and the numbers of a call.
            kernels: their names.
            scratch: whether the sheet has a pointer to scratch memory, behind the operands.
            checks: whether it has one to the error word, last.
        """
        module = device.module(op, source.text(sheet.declaration(), text))
        self._device: Final = device
        self._sheet: Final = sheet
        self._functions: Final = {name: device.driver.function(module, name) for name in kernels}
        self._plan: Final = plan
        self._scratch: Final = scratch
        self._checks: Final = checks
        self._known: dict[Any, tuple[bytes, Sequence[Step], int]] = {}

    def _prepared(self, arrays: Sequence[Array], scalars: Sequence[Any]) -> tuple[bytes, Sequence[Step], int]:
        layouts = tuple([array.layout for array in arrays])
        key = (layouts, *scalars)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MANY_PLANS:
                self._known.clear()
            plan = self._plan(layouts, scalars)
            found = self._known[key] = (self._sheet.numbers(plan.numbers), plan.steps, plan.scratch)
        return found

    def __call__(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        arrays = (*outs, *inputs)
        if not any(each.numel for each in outs):
            return
        numbers, steps, scratch = self._prepared(arrays, scalars)
        places = addresses(arrays)
        device = self._device
        with device.lock:
            if self._scratch:
                places.append(device.scratch(scratch) if scratch else 0)
            if self._checks:
                places.append(device.fault.address)
                device.fault.armed = True
            frame = self._sheet.frame(places, numbers)
            for step in steps:
                device.launch(self._functions[step.kernel], (step.blocks, step.across, step.deep), step.threads, frame)
