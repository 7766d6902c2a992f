"""Fourier transforms by cuFFT along the last axis, without a scale; plans are kept by form.  Without cuFFT the core decomposes.

Rows are read where they lie if one step leads from each to the next; else, and where cuFFT would overwrite its input or wants
it aligned, from a copy.
"""

from __future__ import annotations

import ctypes
import itertools
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, final

from hotplug.array import Array
from hotplug.backend import Kernel, OpKey
from hotplug.backends.cuda.device import Device
from hotplug.backends.cuda.libraries import library_of
from hotplug.backends.cuda.program import addresses
from hotplug.backends.cuda.solver_memory import AXES, REAL_ENDS, WHOLE, Copies, Room, View, elements
from hotplug.backends.cuda_switches import cufft_plan_cache
from hotplug.dtypes import dtype
from hotplug.layout import Layout, contiguous_strides

_KINDS: Final = {"fourier": ("C2C", "Z2Z"), "fourier_of_real": ("R2C", "D2Z"), "fourier_to_real": ("C2R", "Z2D")}
_TYPES: Final = {"R2C": 0x2A, "C2R": 0x2C, "C2C": 0x29, "D2Z": 0x6A, "Z2D": 0x6C, "Z2Z": 0x69}
"""cufftType."""
_FORWARD: Final = -1
_INVERSE: Final = 1


class Form(NamedTuple):
    """What a plan is made for; steps count elements."""

    kind: str
    size: int
    step: int
    next_row: int
    out_next_row: int
    rows: int


@final
class Plans:
    """The plans of one device, the latest used last; the caller holds the device's lock."""

    def __init__(self, device: Device) -> None:
        self._device: Final = device
        self._known: Final[OrderedDict[Form, tuple[int, int]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def of(self, form: Form) -> tuple[int, int]:
        """A plan, and the bytes of workspace that it needs."""
        found = self._known.get(form)
        if found is None:
            self.drop(max(cufft_plan_cache.max_size, 1) - 1)
            found = self._known[form] = self._made(form)
        self._known.move_to_end(form)
        return found

    def drop(self, most: int) -> None:
        """Drop the oldest, until no more than so many are left."""
        while len(self._known) > most:
            _, (oldest, _) = self._known.popitem(last=False)
            library_of(self._device, "cufft").do("cufftDestroy", oldest)

    def _made(self, form: Form) -> tuple[int, int]:
        library = library_of(self._device, "cufft")
        plan, size, needed = ctypes.c_int(0), ctypes.c_int64(form.size), ctypes.c_size_t(0)
        library.do("cufftCreate", ctypes.addressof(plan))
        library.do("cufftSetAutoAllocation", plan.value, 0)
        library.do("cufftSetStream", plan.value, self._device.driver.stream)
        place = ctypes.addressof(size)  # given, the strides count; its values matter from two axes on
        library.do(
            "cufftMakePlanMany64", plan.value, 1, place, place, form.step, form.next_row, place, 1, form.out_next_row,
            _TYPES[form.kind], form.rows, ctypes.addressof(needed),
        )  # fmt: skip
        return plan.value, needed.value


_PLANS: Final[weakref.WeakKeyDictionary[Device, dict[Any, Plans]]] = weakref.WeakKeyDictionary()


def plans_of(device: Device) -> Plans:
    """The plans of a device, and of the library that it has now."""
    known = _PLANS.setdefault(device, {})
    library = library_of(device, "cufft")
    if library not in known:
        known[library] = Plans(device)
    return known[library]


def kept() -> int:
    """How many plans there are on all devices."""
    return sum(len(plans) for known in list(_PLANS.values()) for plans in known.values())


def clear() -> None:
    """Drop the plans of all devices."""
    for device in list(_PLANS):
        if library_of(device, "cufft") is not None:
            with device.lock:
                plans_of(device).drop(0)


def rows_of(layout: Layout) -> tuple[int, int] | None:
    """The steps along a row and from each row to the next; ``None`` where no one step leads through all of them."""
    outer = [
        (size, stride) for size, stride in zip(layout.shape[:-1], layout.strides[:-1], strict=True) if size > 1
    ]  # fmt: skip
    size, step = layout.shape[-1], layout.strides[-1] if layout.shape[-1] > 1 else 1
    for (_, far), (count, near) in itertools.pairwise(outer):
        if far != count * near:
            return None
    next_row = outer[-1][1] if outer else max(size * step, 1)
    return (step, next_row) if step > 0 and next_row > 0 else None


@final
class Transform:
    """The kernel of a key."""

    def __init__(self, device: Device, key: OpKey) -> None:
        kind: dtype = key.dtypes[1]
        self._device: Final = device
        self._name: Final = _KINDS[key.name][kind.real.itemsize == 8]
        self._copy: Final = Copies(device, kind)
        inverse = bool(dict(key.attributes).get("inverse", False))
        self._direction: Final = ((_INVERSE if inverse else _FORWARD),) if key.name == "fourier" else ()
        self._overwrites: Final = key.name == "fourier_to_real"
        self._aligned: Final = 2 * kind.itemsize if key.name == "fourier_of_real" else kind.itemsize

    def __call__(self, outs: Sequence[Array], inputs: Sequence[Array], _: Sequence[Any], /) -> None:
        (out,), (given,) = outs, inputs
        if not out.numel:
            return
        room, place, layout = Room(out), addresses([given])[0], given.layout
        steps = rows_of(layout)
        if self._overwrites or steps is None or place % self._aligned:
            shape = given.shape if len(given.shape) > 1 else (1, *given.shape)
            strides = given.strides if len(given.shape) > 1 else (0, *given.strides)
            fresh = room.take(elements(shape) * given.dtype.itemsize)
            size = out.shape[-1]
            end = size // 2 if size % 2 == 0 else -1
            target = View(fresh, shape, contiguous_strides(shape))
            self._copy(target, View(place, shape, strides), REAL_ENDS if self._overwrites else WHOLE, end=end)
            place, steps = fresh, (1, given.shape[-1])
        size = max(out.shape[-1], given.shape[-1])
        form = Form(self._name, size, *steps, out.shape[-1], out.numel // out.shape[-1])
        with self._device.lock:
            plan, needed = plans_of(self._device).of(form)
        work = room.take(needed)
        with self._device.lock:
            plan, needed = plans_of(self._device).of(form)  # another thread may have dropped it in between
            library = library_of(self._device, "cufft")
            library.do("cufftSetWorkArea", plan, work)
            library.do(f"cufftExec{self._name}", plan, place, addresses([out])[0], *self._direction)


def _made(device: Device, key: OpKey) -> Kernel | None:
    kind = key.dtypes[1]
    if kind.real.name not in ("float32", "float64") or key.index64 or key.rank > AXES:
        return None
    return None if library_of(device, "cufft") is None else Transform(device, key)


OVERRIDES: Final[dict[str, Callable[[Device, OpKey], Kernel | None]]] = dict.fromkeys(_KINDS, _made)
