"""Every result of a program on one device, as events in the order in which they happen: what ``hotplug bisect`` compares.

An event is what does not depend on the device: an op that was called, a node of the backward, an optimizer's update; not
the kernels that it took, of which a device that has one for a whole op needs fewer.  Kernels outside of all that (a fill,
a copy, random numbers) are events of their own.  Installed in the processes that ``hotplug bisect`` starts, and nowhere else.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, final

from hotplug import dispatch
from hotplug.array import Array
from hotplug.autograd.mode import MODE
from hotplug.backend import Backend, Kernel, OpKey
from hotplug.backends.decorators.forwarding import Forwarding
from hotplug.backends.decorators.origin import origin
from hotplug.declare.elementwise import Elementwise
from hotplug.declare.primitive import Composite, OpNode, Primitive, tensors_in
from hotplug.declare.typed import TypedNode
from hotplug.optim import _step, optimizer
from hotplug.tensor import Tensor

Again = Callable[[Callable[[Tensor], Tensor]], Sequence[Tensor | None]]
"""Runs an op once more, with each of its tensors replaced."""


class Event(NamedTuple):
    """One step of a program: what ran, and what it gave."""

    phase: str
    """``forward``, ``backward`` or ``optimizer``."""
    op: str
    call: int
    """Which call of the op, counted from 1."""
    place: str
    """File and line of the program."""
    outs: list[Array]
    inputs: list[Array]
    raw: bool = False
    """A kernel outside of any op: it may be missing on another device."""
    again: Again | None = None


Listener = Callable[[Event], None]


@final
class Recorder:
    """Turns what the main thread does into events."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._thread = threading.get_ident()
        self._process = os.getpid()
        self._depth = 0
        self._calls: Counter[str] = Counter()
        self._updated: list[tuple[str, list[Array]]] = []

    @property
    def outermost(self) -> bool:
        """Whether an op that starts now is an event: none is running, in the main thread of the program's process."""
        return self._depth == 0 and threading.get_ident() == self._thread and os.getpid() == self._process

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Within the block no events arise."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    def happened(
        self, op: str, outs: Sequence[Array], inputs: Sequence[Array], phase: str = "", raw: bool = False,
        again: Again | None = None,
    ) -> None:  # fmt: skip
        """Tell the listener of an event, unless it gave no elements."""
        kept = [each for each in outs if each.numel]
        if not kept:
            return
        self._calls[op] += 1
        phase = phase or ("forward" if MODE.walk is None else "backward")
        at = origin()
        place = f"{at.file}:{at.line}"
        with self.inside():
            self._listener(Event(phase, op, self._calls[op], place, kept, list(inputs), raw, again))

    # --- what is recorded ---------------------------------------------------------------------------------------------

    def install(self) -> None:
        """Watch the ops, the backward and the optimizers of this process, for good."""
        for name in ("__call__", "unary", "binary"):
            _replace(Elementwise, name, self._op)
        _replace(Elementwise, "inplace", self._in_place)
        _replace(Primitive, "__call__", self._op)
        _replace(Composite, "_compute", self._op)
        for node in (TypedNode, OpNode):
            _replace(node, "apply", self._node)
        _replace(_step.Step, "__call__", self._update)
        optimizer.gathered = self._gathered(optimizer.gathered)  # type: ignore[attr-defined]

    def watch(self, backend: Backend) -> Backend:
        """The backend with its kernels recorded, where no op is running."""
        watched = RecordingBackend(backend, self)
        watched.name, watched.numbered, watched.contract = backend.name, backend.numbered, backend.contract
        return watched

    def _op(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def run(op: Any, *args: Any, **kwargs: Any) -> Any:
            if not self.outermost or getattr(op, "is_view", False):
                return function(op, *args, **kwargs)
            with self.inside():
                outcome = function(op, *args, **kwargs)
            given = args[0] if function.__name__ == "_compute" else args
            inputs = [each._array for each in tensors_in([*given, *kwargs.values()])]
            outs = [each._array for each in tensors_in([outcome])]

            def again(change: Callable[[Tensor], Tensor]) -> Sequence[Tensor | None]:
                other = [_changed(each, change) for each in given]
                if function.__name__ == "_compute":
                    return [*tensors_in([function(op, other, tensors_in(other))])]
                return [*tensors_in([function(op, *other, **kwargs)])]

            self.happened(op.name, outs, inputs, again=None if "out" in kwargs else again)
            return outcome

        return run

    def _in_place(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def run(op: Any, target: Tensor, *args: Any, **kwargs: Any) -> Any:
            if not self.outermost:
                return function(op, target, *args, **kwargs)
            with self.inside():
                outcome = function(op, target, *args, **kwargs)
            self.happened(f"{op.name}_", [target._array], [each._array for each in tensors_in(args)])
            return outcome

        return run

    def _node(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def run(node: Any, grads: list[Tensor | None]) -> Any:
            if not self.outermost:
                return function(node, grads)
            with self.inside():
                outcome = function(node, grads)
            inputs = [each._array for each in grads if each is not None]
            outs = [each._array for each in outcome if each is not None]

            def again(change: Callable[[Tensor], Tensor]) -> Sequence[Tensor | None]:
                found = function(node, [_changed(each, change) for each in grads])
                return [each for each in found if each is not None]

            self.happened(node.name(), outs, inputs, "backward", again=again)
            return outcome

        return run

    def _update(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """An optimizer's update: by the end of its step all of them are done, one by one or all at once."""

        @functools.wraps(function)
        def run(step: Any, targets: Sequence[Tensor], grad: Tensor, *args: Any, **kwargs: Any) -> None:
            with self.inside():
                function(step, targets, grad, *args, **kwargs)
            self._updated.append((step.name, [each._array for each in (*targets, grad)]))

        return run

    def _gathered(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @contextmanager
        def gathered() -> Iterator[None]:
            block = function()
            block.__enter__()
            try:
                yield
            except BaseException:
                self._updated.clear()
                block.__exit__(*sys.exc_info())
                raise
            with self.inside():
                block.__exit__(None, None, None)
            done, self._updated = self._updated, []
            if self.outermost:
                for name, arrays in done:
                    self.happened(name, arrays[:-1], arrays, "optimizer")

        return gathered


def _replace(owner: type, name: str, around: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    setattr(owner, name, around(getattr(owner, name)))


def _changed(arg: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(arg, Tensor):
        return change(arg)
    if type(arg) in (list, tuple) and arg and isinstance(arg[0], Tensor):
        return type(arg)(change(each) for each in arg)
    return arg


@final
class RecordingBackend(Forwarding):
    """Kernels outside of any op are events too."""

    def __init__(self, inner: Backend, recorder: Recorder) -> None:
        super().__init__(inner)
        self._recorder: Final = recorder

    def resolve(self, index: int, key: OpKey) -> Kernel | None:
        kernel = self.inner.resolve(index, key)
        if kernel is None:
            return None
        recorder = self._recorder

        def recorded(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
            kernel(outs, inputs, scalars)
            if recorder.outermost and not _only_arranges():
                recorder.happened(origin().op, outs, inputs, raw=True)

        return recorded


def _only_arranges() -> bool:
    """Whether the kernel only makes a contiguous copy, which some devices need."""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_globals.get("__name__") == dispatch.__name__:
        if frame.f_code is dispatch.contiguous.__code__:
            return True
        frame = frame.f_back
    return False
