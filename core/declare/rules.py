"""How elementwise ops treat dtypes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from hotplug.dtypes import bool_, dtype, get_default_dtype, int64


class Rule(NamedTuple):
    """How an elementwise op treats dtypes: the kinds that it accepts, and what it computes in."""

    name: str
    accepts: str
    convert: Callable[[dtype], dtype]


def to_floating(promoted: dtype) -> dtype:
    """Floating and complex dtypes stay; others become the default dtype."""
    return promoted if promoted.kind in "fc" else get_default_dtype()


numeric: Final = Rule("numeric", "buifc", lambda promoted: promoted)
"""Computes in the promoted dtype."""
numbers: Final = Rule("numbers", "uifc", lambda promoted: promoted)
"""The same, for ops that PyTorch does not define for bool."""
real: Final = Rule("real", "buif", lambda promoted: promoted)
"""The same, for ops that have no meaning for complex numbers."""
floating: Final = Rule("floating", "buifc", to_floating)
"""Computes in the promoted dtype; integers and bool become the default dtype."""
real_floating: Final = Rule("real_floating", "buif", to_floating)
"""The same, without complex numbers."""
strictly_floating: Final = Rule("strictly_floating", "f", lambda promoted: promoted)
"""Only floating dtypes, as PyTorch's activations."""
inexact: Final = Rule("inexact", "fc", lambda promoted: promoted)
"""Floating and complex dtypes."""
counting: Final = Rule("counting", "buifc", lambda promoted: int64 if promoted is bool_ else promoted)
"""Computes in the promoted dtype; bool becomes int64."""
integral: Final = Rule("integral", "bui", lambda promoted: promoted)
"""Bool and integers."""
integers: Final = Rule("integers", "ui", lambda promoted: promoted)
"""Integers without bool."""
logical: Final = Rule("logical", "buifc", lambda _: bool_)
"""Every operand is converted to bool on its own."""
