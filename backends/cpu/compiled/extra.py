"""Whether the extra ``cpu`` is installed.  Imports nothing of it."""

from __future__ import annotations

import importlib.util
from functools import cache


@cache
def installed() -> bool:
    """Whether Numba, SciPy and threadpoolctl are there."""
    return all(importlib.util.find_spec(name) is not None for name in ("numba", "scipy", "threadpoolctl"))
