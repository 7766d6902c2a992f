"""Hooks on gradients, and the handle that removes them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Final, final

from hotplug.autograd.graph import Edge, Hook, Meta

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
