"""Kernels for whole composites, by the composite's name: the place where the compiled tier will add its own.

The NumPy tier has few: apart from these, decompositions into the families are as fast as NumPy allows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hotplug.backend import Kernel, OpKey
from hotplug.backends.cpu import ordering

OVERRIDES: Final[dict[str, Callable[[OpKey], Kernel | None]]] = {
    "search": ordering.search,
    "sort": ordering.sort,
}
