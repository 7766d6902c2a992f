"""A backend with its own kernel of one composite: right, because it runs the decomposition on the reference, but for a bug."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final, final

import numpy as np

from hotplug import host
from hotplug.autograd.mode import no_grad
from hotplug.backend import Array, Kernel, OpKey
from hotplug.backends.numpy import families
from hotplug.backends.numpy.memory import ndarray
from hotplug.conformance.strength.mutant import Operator
from hotplug.conformance.strength.planting import Bare, NDArray
from hotplug.declare.primitive import Composite
from hotplug.dtypes import from_numpy
from hotplug.runtime import runtime_of
from hotplug.tensor import Tensor, wrap

Values = list[NDArray]
Wrong = Callable[["Whole"], Sequence[NDArray]]
"""The outputs of a kernel with a bug, from one call of it."""


@functools.cache
def composite_of(name: str) -> Composite[..., Any]:
    """The composite that a key names.

    Raises:
        LookupError: there is none.
    """
    importlib.import_module("hotplug.ops")
    for module in [each for key, each in sys.modules.items() if key.startswith("hotplug.ops.")]:
        for found in vars(module).values():
            if isinstance(found, Composite) and found.name == name and found.outputs is not None:
                return found
    raise LookupError(f"strength: no composite is called {name!r}; see key.name in docs/add_a_backend.md")


@final
class Whole:
    """One call of a composite's kernel; ``call["input"]`` is an argument by name, tensors as ndarrays."""

    def __init__(self, key: OpKey, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        self.op: Final = composite_of(key.name)
        self.outs: Final = [ndarray(each) for each in outs]
        tensors, numbers, flags = iter(inputs), iter(scalars), dict(key.attributes)
        kinds = self.op.body.__annotations__
        self.values: Final[dict[str, Any]] = {}
        for name in self.op.parameters:
            if name in flags:
                self.values[name] = flags[name]
            elif str(kinds[name]).startswith("Tensor"):
                self.values[name] = ndarray(next(tensors)).copy()
            else:
                self.values[name] = next(numbers)

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def right(self, **changes: Any) -> Values:
        """The reference's results, of other arguments where they are given."""
        made = [_tensor(each) for each in {**self.values, **changes}.values()]
        with no_grad():
            found: Any = self.op(*made)
        return [_host(each) for each in ([found] if isinstance(found, Tensor) else found)]


def _tensor(value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    return wrap(host.from_host(runtime_of("numpy"), value, from_numpy(value.dtype)))


def _host(tensor: Tensor) -> NDArray:
    return host.to_host(tensor._array, "strength").copy()


@final
class Overriding(Bare):
    """The reference with a kernel of its own for one composite."""

    def __init__(self, name: str, wrong: Wrong) -> None:
        self._name = name
        self._wrong = wrong

    def resolve(self, index: int, key: OpKey) -> Kernel | None:
        if key.name != self._name or any(kind.kind == "c" for kind in key.dtypes):
            return families.kernel(key)
        wrong = self._wrong

        def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
            call = Whole(key, outs, inputs, scalars)
            with np.errstate(all="ignore"):
                for out, found in zip(call.outs, wrong(call), strict=True):
                    out[...] = found

        return kernel


def correct(call: Whole) -> Sequence[NDArray]:
    """No bug: for false alarms."""
    return call.right()


def overrides(
    place: str, composite: str, home: Sequence[str], bugs: Sequence[tuple[str, str, Wrong]]
) -> list[Operator]:
    """Operators of one composite from names, kinds and bugs."""
    return [
        Operator(
            f"{name}/{composite}", kind, place, f"{composite}: {name.replace('-', ' ')}", tuple(home), ("all",),
            functools.partial(_planted, composite, wrong),
        )
        for name, kind, wrong in bugs
    ]  # fmt: skip


def _planted(composite: str, wrong: Wrong, _: str) -> Overriding:
    return Overriding(composite, wrong)


# --- ways to be wrong ----------------------------------------------------------------------------------------------------


def given(**changes: Any) -> Wrong:
    """The right results of other arguments: values, or functions of the call."""
    return lambda call: call.right(**{name: each(call) if callable(each) else each for name, each in changes.items()})


def changed(name: str, change: Callable[[Any], Any]) -> Wrong:
    """The right results with one argument changed, where there is that argument."""
    return lambda call: call.right(**{name: call[name] if call[name] is None else change(call[name])})


def spoiled(change: Callable[[NDArray], Any], at: int = 0) -> Wrong:
    """The right results with one output changed, where it has elements."""

    def wrong(call: Whole) -> Values:
        found = call.right()
        if at < len(found) and found[at].size:
            found[at] = np.asarray(change(found[at])).astype(found[at].dtype)
        return found

    return wrong


def last_cleared(values: NDArray) -> NDArray:
    """The last element along the first axis is 0, where there are several."""
    found = values.copy()
    if found.ndim and len(found) > 1:
        found[-1] = 0
    return found


def first_only(values: NDArray) -> NDArray:
    """All but the first of a batch is 0."""
    found = values.copy()
    found[1:] = 0
    return found


def flipped(values: NDArray) -> NDArray:
    """Turned round along all axes but the first two."""
    return np.ascontiguousarray(np.flip(values, tuple(range(2, values.ndim))))


def other_axis(name: str = "input") -> Callable[[Whole], int]:
    """The next axis that is as long, else the same."""

    def chosen(call: Whole) -> int:
        shape, dim = call[name].shape, int(call["dim"])
        turns = [(dim + step) % len(shape) for step in range(1, len(shape))]
        return next((axis for axis in turns if shape[axis]), dim)

    return chosen


def nan_as(value: float) -> Callable[[NDArray], NDArray]:
    """NaN replaced by a number."""
    return lambda x: np.where(np.isnan(x), value, x).astype(x.dtype) if x.dtype.kind in "fV" else x
