"""``"check+opencl:0"``: every kernel's result is compared with the reference's, as the program runs.

>>> import hotplug as hp
>>> from hotplug.backends.decorators.check import check_of
>>> (hp.ones(3, device="check+cpu") * 2).sum().item()
6.0
>>> check_of("check+cpu").agreed >= 3
True

The first kernel that parts from the reference raises a :class:`hotplug.errors.DivergenceError`, which names the op, its
inputs, the first wrong element and the line of the program.  Inputs are read from the device before the kernel runs, so
that an op in place is compared as any other; a kernel that changes an input is found too.
"""

from __future__ import annotations

import atexit
import linecache
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, NoReturn, final

import numpy as np

from hotplug.array import Array
from hotplug.backend import FAMILIES, Backend, Kernel, OpKey
from hotplug.backends.decorators.bounds import Bounded, NDArray, wrong
from hotplug.backends.decorators.forwarding import Forwarding
from hotplug.backends.decorators.origin import Origin, origin
from hotplug.backends.decorators.references import Call, goals, running_composite
from hotplug.dispatch import layout_class
from hotplug.errors import ArgumentError, DivergenceError, HotplugError, IndexRangeError

_MARGIN: Final = 256
"""Bytes before and behind an output that must stay as they are."""


@final
class CheckBackend(Forwarding):
    """Compares every kernel of the backend that it wraps with the reference."""

    def __init__(self, inner: Backend) -> None:
        super().__init__(inner)
        self.agreed = 0
        """Calls of kernels whose results were the reference's."""
        self.unchecked: Final[Counter[str]] = Counter()
        """Calls that the reference has nothing to compare with, by the kernel's name."""
        self._lock = threading.Lock()
        atexit.register(self._at_exit)

    def resolve(self, index: int, key: OpKey) -> Kernel | None:
        kernel = self.inner.resolve(index, key)
        if kernel is None:
            return None

        def checked(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
            before = [self._read(each) for each in outs] if key.name == "scatter" else []
            given = [self._read(each) for each in inputs]
            beside = [self._beside(each, outs) for each in outs]
            kernel(outs, inputs, scalars)
            self._compare(index, key, outs, inputs, before, given, scalars, beside)

        return checked

    def _read(self, array: Array) -> NDArray:
        """The elements of an Array on the host: a copy, in the Array's own strides."""
        low, high = array.byte_range()
        data = bytes(self.inner.read(array.storage.buffer, low, high - low))
        start = array.offset * array.dtype.itemsize - low
        return np.ndarray(array.shape, array.dtype.numpy, data, start, array.layout.byte_strides)

    def _beside(self, array: Array, outs: Sequence[Array]) -> bytes:
        """What lies in the same block of memory right before and behind an output, unless another output does."""
        storage = array.storage
        if (
            sum(each.storage is storage for each in outs) > 1
            or self.inner.capabilities(storage.runtime.index).functional
        ):
            return b""
        low, high = array.byte_range()
        first, last = max(0, low - _MARGIN), min(high + _MARGIN, max(storage.block, storage.nbytes))
        parts = [(start, size) for start, size in ((first, low - first), (high, last - high)) if size > 0]
        return b"".join(bytes(self.inner.read(storage.buffer, start, size)) for start, size in parts)

    def _compare(
        self, index: int, key: OpKey, outs: Sequence[Array], inputs: Sequence[Array], before: Sequence[NDArray],
        given: Sequence[NDArray], scalars: Sequence[Any], beside: Sequence[bytes],
    ) -> None:  # fmt: skip
        found = [self._read(each) for each in outs]  # a device with a queue says here that an index was out of range
        at = origin()
        composite = running_composite(key.name) if key.name not in FAMILIES else None
        can = self.inner.capabilities(index)
        call = Call(key, at.op, before, given, list(scalars), [each.shape for each in outs], can, composite)
        report = _Report(self.name, key, at, inputs)
        try:
            expected = goals(call)
        except IndexRangeError as error:
            report.fail(f"expected an IndexRangeError ({error}), got none")
        except HotplugError:  # such as a decomposition that NumPy's library gives up on
            expected = None
        if expected is None:
            with self._lock:
                self.unchecked[key.name] += 1
            return
        for position, (array, got, goal) in enumerate(zip(outs, found, expected, strict=True)):
            if goal is not None:
                bad = wrong(got, goal, array.dtype, can)
                if bad.any():
                    report.fail(_first(position, got, goal, bad))
            if self._beside(array, outs) != beside[position]:
                report.fail(f"output {position}: memory beside it was written")
        self._unchanged(outs, inputs, given, report)
        with self._lock:
            self.agreed += 1

    def _unchanged(
        self, outs: Sequence[Array], inputs: Sequence[Array], given: Sequence[NDArray], report: _Report
    ) -> None:
        """Inputs that are no outputs are as they were."""
        written = {each.storage for each in outs}
        for position, (array, old) in enumerate(zip(inputs, given, strict=True)):
            if array.storage not in written and self._read(array).tobytes() != old.tobytes():
                report.fail(f"input {position} was changed; a kernel writes into its outputs only")

    def summary(self) -> str:
        """How much was compared."""
        with self._lock:
            text = f"{self.name}: {self.agreed} kernel calls agree with the reference"
            names = ", ".join(f"{name} ({count})" for name, count in sorted(self.unchecked.items()))
        return f"{text}; not compared: {names}" if names else text

    def _at_exit(self) -> None:
        if self.agreed or self.unchecked:
            sys.stderr.write(self.summary() + "\n")


@final
class _Report:
    """What the error says beside the difference itself."""

    def __init__(self, device: str, key: OpKey, at: Origin, inputs: Sequence[Array]) -> None:
        self._device = device
        self._key = key
        self._at = at
        self._inputs = inputs

    def fail(self, difference: str) -> NoReturn:
        """Raise the error.

        Raises:
            DivergenceError: always.
        """
        key, at = self._key, self._at
        line = linecache.getline(at.file, at.line).strip()
        inputs = "; ".join(map(described, self._inputs)) or "none"
        kernel = " ".join(filter(None, (key.name, key.mode, ", ".join(map(repr, key.program)))))
        raise DivergenceError(
            f"{self._device}: {at.op} parts from the reference: {difference}\n"
            f"  kernel: {kernel}\n"
            f"  inputs: {inputs}\n"
            f"  key:    {_brief(key)}\n"
            f"  line:   {at.file}:{at.line}{': ' if line else ''}{line}"
        )


def described(array: Array) -> str:
    """Shape, dtype and layout of an Array, for a message."""
    text = f"{array.dtype.name}{list(array.shape)} {layout_class(array.layout)}"
    if not array.layout.is_contiguous:
        text += f" (strides {list(array.strides)})"
    return f"{text} from {array.offset}" if array.offset else text


def _brief(key: OpKey) -> str:
    """The fields of a key that are not at their defaults, but the program, in words."""
    defaults = OpKey(key.name)
    parts = [
        f"{name}={[each.name for each in key.dtypes] if name == 'dtypes' else value}"
        for name, value in zip(OpKey._fields, key, strict=True)
        if name != "program" and (name == "name" or value != getattr(defaults, name))
    ]
    return ", ".join(parts)


def _first(position: int, got: NDArray, goal: Bounded, bad: NDArray) -> str:
    """The first wrong element in words."""
    place = tuple(int(each) for each in np.argwhere(bad)[0])
    allowed = np.broadcast_to(np.asarray(goal.error), bad.shape)[place]
    note = f", at most {float(allowed):.3g} off" if allowed else ""
    return (
        f"output {position}: {int(bad.sum())} of {bad.size} elements differ, the first at {list(place)}: expected "
        f"{goal.value[place]!s}{note}, got {got[place]!s}"
    )


def check_of(device: str) -> CheckBackend:
    """The checks of a device such as ``"check+cpu"``.

    Raises:
        ArgumentError: the device is not checked.
    """
    from hotplug.plugins import registry

    backend: Backend = registry.backend(device.partition(":")[0])
    while isinstance(backend, Forwarding) and not isinstance(backend, CheckBackend):
        backend = backend.inner
    if not isinstance(backend, CheckBackend):
        raise ArgumentError(f"check_of: device {device!r} is not checked; put 'check+' in front of its name")
    return backend
