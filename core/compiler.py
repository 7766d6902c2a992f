"""``hotplug.compiler``: what programs ask about ``torch.compile``, which is accepted and compiles nothing.

>>> import hotplug as hp
>>> hp.compiler.is_compiling()
False
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hotplug.compiling import compile  # noqa: A004 - PyTorch's name

__all__ = [
    "allow_in_graph", "assume_constant_result", "compile", "cudagraph_mark_step_begin", "disable", "is_compiling",
    "is_dynamo_compiling", "is_exporting", "list_backends", "reset",
]  # fmt: skip


def is_compiling() -> bool:
    """Never: functions run as they are."""
    return False


is_dynamo_compiling = is_exporting = is_compiling


def disable(fn: Callable[..., Any] | None = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """The function itself; without one, a decorator."""
    del recursive, reason
    return fn if fn is not None else lambda function: function


def allow_in_graph(fn: Any) -> Any:
    """The function itself."""
    return fn


def assume_constant_result(fn: Any) -> Any:
    """The function itself."""
    return fn


def list_backends(exclude_tags: Sequence[str] = ()) -> list[str]:
    """None: whatever backend is named, nothing is compiled."""
    del exclude_tags
    return []


def reset() -> None:
    """Nothing is kept, so nothing is forgotten."""


def cudagraph_mark_step_begin() -> None:
    """Nothing: there are no graphs."""
