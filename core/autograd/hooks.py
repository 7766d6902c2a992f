"""Hooks on gradients, and the handle that removes them."""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, final

from hotplug.autograd.graph import Edge, Hook, Meta, history
from hotplug.autograd.mode import MODE
from hotplug.errors import ArgumentError, AutogradError

if TYPE_CHECKING:
    from hotplug.tensor import Tensor

_numbers: Final = itertools.count()


@final
class RemovableHandle:
    """Returned by every ``register_*_hook``; also a context manager that removes the hook at its end."""

    def __init__(self, hooks: dict[int, Any], hook: Callable[..., Any]) -> None:
        self._hooks = hooks
        self.id = next(_numbers)
        hooks[self.id] = hook

    def remove(self) -> None:
        """Take the hook away; a second call does nothing."""
        self._hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def register(edge: Edge, hook: Hook) -> RemovableHandle:
    """Call ``hook`` with the gradient that arrives at an edge."""
    target, index = edge
    if isinstance(target, Meta):
        if target.hooks is None:
            target.hooks = {}
        return RemovableHandle(target.hooks, hook)
    if target.hooks is None:
        target.hooks = {}
    return RemovableHandle(target.hooks.setdefault(index, {}), hook)


def after(leaf: Tensor, hook: Callable[[Tensor], Any]) -> RemovableHandle:
    """Call ``hook`` with a leaf once its gradient has been added; the leaf is not kept alive by it."""
    place = weakref.ref(leaf)
    meta = leaf._meta
    assert meta is not None
    if meta.after is None:
        meta.after = {}

    def called() -> None:
        found = place()
        if found is not None:
            hook(found)

    return RemovableHandle(meta.after, called)


@final
class MultiHandle:
    """Removes the hook of :func:`register_multi_grad_hook` from all its tensors."""

    def __init__(self, handles: Sequence[RemovableHandle]) -> None:
        self._handles = handles

    def remove(self) -> None:
        """Take the hook away; a second call does nothing."""
        for handle in self._handles:
            handle.remove()

    def __enter__(self) -> MultiHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


@final
class _Collector:
    """The gradients that have come to several tensors in the backward that runs."""

    def __init__(self, edges: Sequence[Edge], function: Callable[..., Any], first: bool) -> None:
        self._edges = edges
        self._function = function
        self._first = first
        self._lock = threading.Lock()
        self._walk: Any = None
        self._missing = 0
        self._grads: list[Tensor | None] = []

    def arrived(self, index: int, grad: Tensor) -> None:
        """Note one gradient, and call the function when it is the one that was waited for."""
        with self._lock:
            if MODE.walk is not self._walk:
                self._start(MODE.walk)
            self._grads[index] = grad
            self._missing -= 1
            last = self._missing == 0
        if last:
            self._function(grad if self._first else list(self._grads))

    def _start(self, walk: Any) -> None:
        from hotplug.autograd.engine import reachable

        seen = reachable(walk.roots, walk.useful)
        self._walk = walk
        self._missing = 1 if self._first else sum(edge[0] in seen for edge in self._edges)
        self._grads = [None] * len(self._edges)


def register_multi_grad_hook(
    tensors: Sequence[Tensor], fn: Callable[..., Any], *, mode: str = "all"
) -> MultiHandle:  # fmt: skip
    """Call ``fn`` once in every backward that reaches some of the tensors.

    Args:
        tensors: those whose gradients are waited for.
        fn: for ``"all"`` gets a list of gradients, ``None`` for a tensor that the backward does not reach, as soon as
            the last one is known; for ``"any"`` the first gradient.  What it returns is not used.
        mode: ``"all"`` or ``"any"``.

    Raises:
        ArgumentError: another mode.
        AutogradError: a tensor does not require a gradient.
    """
    if mode not in ("all", "any"):
        raise ArgumentError(f"register_multi_grad_hook: expects mode to be 'any' or 'all' but got {mode}")
    edges = []
    for tensor in tensors:
        edge = history(tensor)
        if edge is None:
            raise AutogradError("can't register a hook on a tensor that doesn't require gradient")
        edges.append(edge)
    collector = _Collector(edges, fn, mode == "any")

    def noting(index: int) -> Hook:
        return lambda grad: collector.arrived(index, grad)

    return MultiHandle([register(edge, noting(index)) for index, edge in enumerate(edges)])
