"""Rows that a careless kernel gets wrong: large and small numbers beside each other, NaN and infinities."""

from __future__ import annotations

import math
from typing import Final

from hotplug.conformance.draw import Draw, Operand

_FINITE: Final = [[200.0, 199.0, 0.0, -200.0], [-200.0, -199.0, -201.0, -203.0]]
_SPECIAL: Final = [[math.nan, 1.0, 2.0, 3.0], [-math.inf, -math.inf, 1.0, 2.0], [1.0, math.inf, 2.0, 3.0]]


def finite_rows(draw: Draw) -> Operand:
    """``(2, 4)``: exponentials overflow in the first row, and vanish in the second beside those of the first."""
    return draw.of(_FINITE)


def hard_rows(draw: Draw) -> Operand:
    """``(5, 4)``: those rows, and some with NaN and infinities."""
    return draw.of(_FINITE + _SPECIAL)
