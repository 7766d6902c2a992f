"""A kernel in the contract's form around a pure function of values; see :mod:`hotplug.backend.functional`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, final

from hotplug.array import Array
from hotplug.backend.contract import OpKey
from hotplug.caches import Bounded
from hotplug.dtypes import dtype
from hotplug.errors import PluginError
from hotplug.expr.node import leaves
from hotplug.layout import Layout, Shape

if TYPE_CHECKING:
    from hotplug.backend.functional import FunctionalBackend

Value = Any
"""An engine's immutable array; only the engine looks inside."""

Compute = Callable[[Sequence[Value], Sequence[Value], Shape], Sequence[Value]]
"""``compute(inputs, scalars, shape) -> outputs``: the meaning of a key as a pure function.

``inputs`` are values of the Arrays' shapes, ``shape`` is that of the outputs, and the outputs have that shape and
exactly the key's dtypes.  A scatter gets the pre-filled output as its first input.  A gather or scatter skips what is
out of range, and returns one more output: two int64, how many positions were out of range, and one of them.
"""

_MANY_FORMS: Final = 256
"""Compiled functions that one key keeps: each is a program, of a megabyte or so."""


@final
class Launcher:
    """Reads the inputs' cells, calls the compiled function, and rebinds the outputs' cells."""

    def __init__(self, backend: FunctionalBackend, index: int, key: OpKey, compute: Compute) -> None:
        self._backend = backend
        self._index = index
        self._key = key
        self._compute = compute
        self._variants: Bounded[tuple[Any, ...], Callable[..., Sequence[Value]]] = Bounded(_MANY_FORMS)
        self._indexed = key.name in ("gather", "scatter")
        self._kinds = {leaf.value: leaf.dtype for leaf in leaves(key.program, "scalar")}

    def __call__(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        if self._key.name == "scatter":
            with self._backend.lock:  # another thread may write another part of the output's cell
                self._launch(outs, (*outs, *inputs), scalars)
        else:
            self._launch(outs, inputs, scalars)

    def _launch(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        backend = self._backend
        values, numbers = [], []
        form: list[Any] = [outs[0].layout]
        for array in inputs:
            held, layout = backend.held(array), array.layout
            whole = held.numel == layout.numel and layout.is_contiguous  # then the offset is 0
            values.append(held.value)
            form += (layout, whole)
            if not whole:
                numbers.append(array.offset)
        if scalars:
            numbers += [_number(self._kinds.get(at), each) for at, each in enumerate(scalars)]
        variant = self._variants.get(tuple(form))
        if variant is None:
            variant = self._specialise(form)
            results = variant(*values, *numbers)
            self._check(outs, results)
            self._variants[tuple(form)] = variant
        else:
            results = variant(*values, *numbers)
        if self._indexed:
            backend.fault(self._key.name, inputs[0].shape[self._key.axis], results[-1])
        for out, value in zip(outs, results, strict=False):
            backend.store(out, value)

    def _specialise(self, form: Sequence[Any]) -> Callable[..., Sequence[Value]]:
        """The function for given layouts.  Offsets are arguments: batches of one data set are one program."""
        backend, compute = self._backend, self._compute
        shape: Shape = form[0].shape
        views: list[tuple[Layout, bool]] = list(zip(form[1::2], form[2::2], strict=True))
        parts = [not whole for _, whole in views]

        def function(*operands: Value) -> list[Value]:
            offsets = iter(operands[len(views) :])
            shaped = [
                backend.reshape(value, layout.shape) if whole else backend.view(value, layout, next(offsets))
                for value, (layout, whole) in zip(operands, views, strict=False)
            ]
            scalars = operands[len(views) + sum(parts) :]
            return [backend.reshape(each, (-1,)) for each in compute(shaped, scalars, shape)]

        return backend.compile(self._index, function)

    def _check(self, outs: Sequence[Array], results: Sequence[Value]) -> None:
        """The first launch of each form: a wrong dtype or size would be read as other numbers.

        Raises:
            PluginError: the engine returned something else than what the key asks for.
        """
        expected = [(out.layout.dtype, out.layout.numel) for out in outs]
        got = [self._backend.describe(each) for each in results[: len(outs)]]
        if got != expected:
            raise PluginError(
                f"{self._key.name} of backend {self._backend.name!r} returned {got}, expected {expected} (dtype and "
                f"number of elements) for {self._key}; this is a mistake in that plugin"
            )


def _number(kind: dtype | None, value: Any) -> Any:
    """A runtime scalar as the Python number that stands for its dtype, so that no value causes a new compilation."""
    if kind is None:
        return value
    if kind.kind == "f":
        return float(value)
    return bool(value) if kind.kind == "b" else (int(value) + (1 << 63)) % (1 << 64) - (1 << 63)
