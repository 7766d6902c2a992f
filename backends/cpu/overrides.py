"""Kernels for whole composites, by the composite's name: the place where the compiled tier will add its own.

The NumPy tier has none: for it, decompositions into the families are as fast as NumPy allows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hotplug.backend import Kernel, OpKey

OVERRIDES: Final[dict[str, Callable[[OpKey], Kernel | None]]] = {}
