"""Division with a choice of rounding."""

from __future__ import annotations

from typing import Any

from hotplug.declare import function
from hotplug.errors import ArgumentError
from hotplug.ops.arithmetic import floor_divide, true_divide, trunc_divide
from hotplug.tensor import Tensor


@function(inplace=True, aliases=("divide",))
def div(input: Any, other: Any, *, rounding_mode: str | None = None, out: Tensor | None = None) -> Tensor:
    """Quotient.  Both ``(*S)``, broadcast -> ``(*S)``.

    Args:
        rounding_mode: ``None``: the true quotient, floating for integers too; ``"trunc"``: rounded towards zero;
            ``"floor"``: rounded towards minus infinity.

    Raises:
        ArgumentError: another rounding mode.
    """
    modes = {None: true_divide, "trunc": trunc_divide, "floor": floor_divide}
    if rounding_mode not in modes:
        raise ArgumentError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found {rounding_mode!r}"
        )
    divide: Any = modes[rounding_mode]
    return divide(input, other, out=out)  # type: ignore[no-any-return]
