"""Conversions whose ends are a matter of definition."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import types

from hotplug.backends.cpu.compiled.prelude import exact

_MINIMUM: Final = np.int64(np.iinfo(np.int64).min)


@exact
def to_int64(x: Any) -> Any:
    """Truncated; NaN and what int64 can't hold give its minimum."""
    fits = (x >= -9223372036854775808.0) & (x < 9223372036854775808.0)
    return types.int64(x if fits else 0) if fits else _MINIMUM
