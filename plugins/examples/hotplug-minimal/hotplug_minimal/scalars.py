"""The functions of an Expr on Python numbers.  Python raises where hardware gives infinity or NaN."""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Callable, Sequence
from typing import Any, Final

from hotplug.backend import Expr, dtypes, schedule

from hotplug_minimal.memory import rounded


def quiet(function: Callable[..., float], pole: float = math.nan) -> Callable[..., float]:
    """The function with infinity for an overflow, ``pole`` where it is infinite (``inf`` or ``-inf``), else NaN."""

    def call(*args: float) -> float:
        try:
            return float(function(*args))
        except OverflowError:
            return args[0] if math.isinf(args[0]) else -math.inf if min(args) < 0 and function in ODD else math.inf
        except (ValueError, ZeroDivisionError):
            return pole if args[0] in POLES.get(function, ()) else math.nan

    return call


ODD: Final = {math.sinh, math.floor, math.trunc}
POLES: Final = {math.log: (0,), math.log2: (0,), math.log10: (0,), math.log1p: (-1,), math.atanh: (1, -1)}
