"""PyTorch's list of classes that a checkpoint may name: accepted, kept, and never called.

Hotplug's ``load`` builds tensors and plain values from a file and runs nothing of what it names, so there is nothing to
allow: what PyTorch needs the list for loads without it, or is refused with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, final

_ALLOWED: Final[list[Any]] = []


def add_safe_globals(safe_globals: Sequence[Any]) -> None:
    """Add to the list."""
    _ALLOWED.extend(each for each in safe_globals if each not in _ALLOWED)


def get_safe_globals() -> list[Any]:
    """The list."""
    return list(_ALLOWED)


def clear_safe_globals() -> None:
    """Empty the list."""
    _ALLOWED.clear()


@final
class safe_globals:  # noqa: N801 - PyTorch's name
    """A block in which some classes are on the list."""

    def __init__(self, safe_globals: Sequence[Any]) -> None:
        self._more = list(safe_globals)
        self._before: list[Any] = []

    def __enter__(self) -> None:
        self._before = get_safe_globals()
        add_safe_globals(self._more)

    def __exit__(self, *exc: object) -> None:
        _ALLOWED[:] = self._before
