"""Where two runs of one program part: the events of one device against those of another.

After every event the second device gets the first one's results, so that both go on from the same bits: differences never
add up, and an op is judged by what it makes of equal inputs.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, final

import numpy as np

from hotplug.array import Array
from hotplug.autograd.mode import MODE
from hotplug.backends.decorators.bounds import Bounded, NDArray, wrong
from hotplug.backends.decorators.check import described
from hotplug.backends.decorators.recording import Event
from hotplug.conformance.compare import spacing
from hotplug.conformance.tolerance import ELEMENT, GRADIENT, TABLE, Tolerance, tolerance_of
from hotplug.dtypes import dtype
from hotplug.errors import HotplugError
from hotplug.host import from_host
from hotplug.tensor import Tensor, wrap

_UPDATE: Final = TABLE["layer_norm"]._replace(reason="a chain of functions of a parameter, its gradient and its state")
_NOISE: Final = 16
"""How many times what a change of the inputs' last bits does to a result may the devices differ."""


class Sent(NamedTuple):
    """An event, as it travels from one process to the other."""

    phase: str
    op: str
    call: int
    place: str
    raw: bool
    results: list[NDArray]

    @property
    def kind(self) -> tuple[Any, ...]:
        """What must be the same on both devices."""
        return self.phase, self.op, *[(each.shape, each.dtype) for each in self.results]

    def __str__(self) -> str:
        shapes = ", ".join(f"{each.dtype.name}{list(each.shape)}" for each in self.results)
        return f"{self.op} -> {shapes} ({self.phase}, call {self.call}) at {self.place}"


def read(array: Array) -> NDArray:
    """The elements in host memory."""
    data, values = _region(array)
    del data
    return np.ascontiguousarray(values).reshape(array.shape)


def sent(event: Event) -> Sent:
    """An event with its results on the host."""
    results = [read(each) for each in event.outs]
    return Sent(event.phase, event.op, event.call, event.place, event.raw, results)


def _region(array: Array) -> tuple[bytearray, NDArray]:
    storage, layout = array.storage, array.layout
    low, high = array.byte_range()
    data = bytearray(storage.runtime.backend.read(storage.buffer, low, high - low))
    start = array.offset * layout.dtype.itemsize - low
    return data, np.ndarray(layout.shape, layout.dtype.numpy, data, start, layout.byte_strides)


def overwrite(array: Array, values: NDArray) -> None:
    """Give an Array other elements, whatever its strides."""
    data, view = _region(array)
    view[...] = values
    array.storage.runtime.backend.write(array.storage.buffer, array.byte_range()[0], memoryview(data))


class Verdict(NamedTuple):
    """How the comparison ended."""

    status: str
    """``agree``, ``part`` (results), ``differ`` (the sequences of ops), or ``raised``."""
    text: str


@final
class Comparison:
    """Holds the events of the second device against those of the first.

    Args:
        names: of the devices.
        following: gives the next event of the first device, or what ended it.
    """

    def __init__(self, names: tuple[str, str], following: Callable[[], Sent | Verdict]) -> None:
        self._names = names
        self._following = following
        self._ahead: deque[Sent | Verdict] = deque()
        self.counts: Counter[str] = Counter()
        """Compared events, by phase."""

    def compare(self, event: Event) -> Verdict | None:
        """Compare one event of the second device; a Verdict where that ends the matter."""
        mine = sent(event)
        theirs = self._match(mine)
        if not isinstance(theirs, Sent):
            return theirs
        for position, (array, got, goal) in enumerate(zip(event.outs, mine.results, theirs.results, strict=True)):
            if got.tobytes() == goal.tobytes():
                continue
            allowed = self._allowed(event, position, array, goal)
            bad = self._wrong(got, goal, allowed, array)
            if bad.any() and event.again is not None:
                allowed = allowed + _NOISE * sensitivity(event, position)
                bad = self._wrong(got, goal, allowed, array)
            if bad.any():
                return Verdict("part", self._difference(event, position, got, goal, bad, allowed))
            overwrite(array, goal)
        self.counts[event.phase] += 1
        return None

    def finish(self) -> Verdict:
        """The second device's program has ended: so must the first one's."""
        while True:
            theirs = self._next()
            if isinstance(theirs, Verdict):
                break
            if not theirs.raw:
                return Verdict("differ", f"{self._names[1]} ended, while {self._names[0]} ran {theirs}")
        return self.so_far("to the end") if theirs.status == "agree" else theirs

    def so_far(self, how_far: str = "so far") -> Verdict:
        """What has been compared, all of which agrees."""
        parts = ", ".join(f"{count} {phase}" for phase, count in sorted(self.counts.items())) or "none"
        return Verdict("agree", f"{' and '.join(self._names)} agree {how_far}: {parts} results compared")

    def _next(self) -> Sent | Verdict:
        return self._ahead.popleft() if self._ahead else self._following()

    def _match(self, mine: Sent) -> Sent | Verdict | None:
        """The first device's event of the same kind.  Kernels outside of ops may be missing on either side."""
        skipped: list[Sent | Verdict] = []
        while True:
            theirs = self._next()
            if isinstance(theirs, Sent) and theirs.kind == mine.kind:
                return theirs
            skipped.append(theirs)
            if isinstance(theirs, Sent) and theirs.raw:
                continue
            if mine.raw:  # nothing like it over there
                self._ahead.extendleft(reversed(skipped))
                return None
            if isinstance(theirs, Verdict) and theirs.status != "agree":
                return theirs
            there = theirs if isinstance(theirs, Sent) else "nothing more"
            total = sum(self.counts.values())
            return Verdict(
                "differ",
                f"the programs differ after {total} equal results: {self._names[0]} ran {there},\n"
                f"{self._names[1]} ran {mine}; a branch of the program depends on the device",
            )

    def _wrong(self, got: NDArray, goal: NDArray, allowed: NDArray, array: Array) -> NDArray:
        return wrong(got, Bounded(goal, allowed), array.dtype, array.storage.runtime.capabilities)

    def _allowed(self, event: Event, position: int, array: Array, goal: NDArray) -> NDArray:
        """What the table allows both devices together."""
        kind: dtype = array.dtype
        if kind.kind not in "fc":
            return np.zeros(goal.shape)
        allowed = _entry(event)
        wide = goal.astype(np.complex128 if kind.kind == "c" else np.float64)
        size = np.abs(np.where(np.isfinite(wide), wide, 0.0))
        length = 1.0
        if allowed.scale != ELEMENT:
            size = np.full_like(size, max(float(size.max()), _largest(event, kind)))
            length = _root_of_terms(event)
        limit = allowed.half if kind.real.itemsize == 2 else max(allowed.wide, allowed.complex * (kind.kind == "c"))
        return np.asarray(2 * limit * length * spacing(size, kind.real))

    def _difference(
        self, event: Event, position: int, got: NDArray, goal: NDArray, bad: NDArray, allowed: NDArray
    ) -> str:  # fmt: skip
        place = tuple(int(each) for each in np.argwhere(bad)[0])
        inputs = "; ".join(map(described, event.inputs)) or "none"
        limit = float(np.broadcast_to(allowed, bad.shape)[place])
        return (
            f"the results part at {event.op}, {event.phase}, call {event.call} of it, after "
            f"{sum(self.counts.values())} equal results\n"
            f"  output {position}: {described(event.outs[position])}; {int(bad.sum())} of {bad.size} elements differ, the "
            f"first at {list(place)}:\n"
            f"    {goal[place]!s} on {self._names[0]}, {got[place]!s} on {self._names[1]}, at most {limit:.3g} apart expected\n"
            f"  inputs: {inputs}\n"
            f"  line:   {event.place}{_source(event.place)}"
        )


def _source(place: str) -> str:
    """The line of a program, for a message."""
    import linecache

    file, _, line = place.rpartition(":")
    text = linecache.getline(file, int(line)).strip()
    return f": {text}" if text else ""


def _entry(event: Event) -> Tolerance:
    if event.phase == "optimizer":
        return _UPDATE
    return GRADIENT if event.op.endswith("Backward") else tolerance_of(event.op)


def _largest(event: Event, kind: dtype) -> float:
    """The largest finite element of the floating inputs."""
    found = 0.0
    for each in event.inputs:
        if each.dtype.kind in "fc" and each.numel:
            size = np.abs(read(each).astype(np.complex128 if each.dtype.kind == "c" else np.float64))
            found = max(found, float(np.max(size, where=np.isfinite(size), initial=0.0)))
    return found


def _root_of_terms(event: Event) -> float:
    """How the errors of long sums grow: with the root of the number of terms, estimated from the operands' sizes."""
    sizes = sorted((each.numel for each in event.inputs), reverse=True)[:2]
    most = max(each.numel for each in event.outs)
    length = math.sqrt(math.prod(sizes) / most) if len(sizes) == 2 else sum(sizes) / most
    return max(1.0, math.sqrt(length / 16))


def sensitivity(event: Event, position: int) -> float:
    """How much an output moves when the last bits of all inputs do: what no device can be blamed for."""
    assert event.again is not None
    before, MODE.grad = MODE.grad, False
    worst = 0.0
    try:
        centre = _outputs(event.again(lambda tensor: tensor))[position]
        for seed in range(2):
            moved = _outputs(event.again(_Shaken(seed)))[position]
            with np.errstate(all="ignore"):
                far = np.abs(moved - centre)
            worst = max(worst, float(np.max(far, where=np.isfinite(far), initial=0.0)))
    except HotplugError:  # what can't be run again gets no allowance
        return 0.0
    finally:
        MODE.grad = before
    return worst


def _outputs(tensors: Sequence[Tensor | None]) -> list[NDArray]:
    arrays = [each._array for each in tensors if each is not None and each._array.numel]
    return [read(each).astype(np.complex128 if each.dtype.kind == "c" else np.float64) for each in arrays]


@final
class _Shaken:
    """Tensors whose floating elements are off by a unit in the last place, up or down."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def __call__(self, tensor: Tensor) -> Tensor:
        array = tensor._array
        if array.dtype.kind not in "fc" or not array.numel:
            return tensor
        values = read(array)
        step = float(spacing(np.ones(1), array.dtype.real)[0])
        signs = self._random.choice([-1.0, 1.0], values.shape)
        with np.errstate(all="ignore"):
            shaken = values.astype(np.complex128 if values.dtype.kind == "c" else np.float64) * (1 + step * signs)
        return wrap(from_host(array.storage.runtime, shaken.astype(array.dtype.numpy), array.dtype))
