"""Expected failures: a device, a pattern of case names, and the reason.  One that passes is an error too.

Every entry is a debt: it says what is wrong, and who will put it right.
"""

from __future__ import annotations

import fnmatch
from typing import Final, NamedTuple


class Known(NamedTuple):
    """A failure that is known."""

    device: str
    """The device string without its index."""
    pattern: str
    """Of case names, as a shell would match them."""
    reason: str


EXPECTED: Final[tuple[Known, ...]] = ()


def known(device: str, case: str) -> str:
    """The reason why a case fails on a device, or nothing."""
    kind = device.partition(":")[0]
    for each in EXPECTED:
        if each.device == kind and fnmatch.fnmatchcase(case, each.pattern):
            return each.reason
    return ""
