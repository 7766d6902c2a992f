"""Tolerances of level 1, where one function runs alone; what a sum or product may be off is in the one table."""

from __future__ import annotations

from typing import Final

from hotplug.conformance.compare import UNIT
from hotplug.conformance.tolerance import ELEMENT, Tolerance

EXACT: Final = Tolerance(0, 0, ELEMENT, "moved, compared or rounded, which is no matter of opinion")

KERNEL: Final = Tolerance(4, 1, ELEMENT, "one function of a library; half types compute in float32 and round once")

_FUNCTIONS: Final[dict[str, Tolerance]] = {
    **dict.fromkeys(
        "neg abs sign minimum maximum fmin fmax floor ceil trunc round copysign nextafter where".split(), EXACT
    ),
    "erfc": Tolerance(8, 1, ELEMENT, "its tail is the exponential of a rounded square"),
    "lgamma": Tolerance(16, 1, UNIT, "its zeros at 1 and 2 need digits that few libraries keep"),
    "digamma": Tolerance(32, 2, UNIT, "reflected left of 0, where it is a difference"),
}


def function_tolerance(name: str) -> Tolerance:
    """The entry of a scalar function."""
    return _FUNCTIONS.get(name, KERNEL)
