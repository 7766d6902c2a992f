"""Caches that cannot grow without bound."""

from __future__ import annotations

from typing import Final, TypeVar, final

K = TypeVar("K")
V = TypeVar("V")

LIMIT: Final = 65536
"""Entries of a cache keyed by shapes.  A program that meets more shapes prepares some of them again."""


@final
class Bounded(dict[K, V]):
    """A dict that starts over when it is full: reading it costs what reading a dict costs."""

    __slots__ = ("limit",)

    def __init__(self, limit: int = LIMIT) -> None:
        super().__init__()
        self.limit = limit

    def __setitem__(self, key: K, value: V) -> None:
        if len(self) >= self.limit:
            self.clear()
        super().__setitem__(key, value)
