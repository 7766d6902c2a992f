"""Greatest common divisors and least common multiples, by Euclid's algorithm."""

from __future__ import annotations

from typing import Any, Final

from hotplug.declare import elementwise, function
from hotplug.declare.promotion import promote_types
from hotplug.declare.rules import integers
from hotplug.errors import DTypeError
from hotplug.expr import scalar as s
from hotplug.ops import arithmetic
from hotplug.ops.selection import where
from hotplug.tensor import Tensor

_STEPS: Final = {8: 12, 16: 24, 32: 47, 64: 93}
"""Steps that suffice for integers of so many bits: the worst case are neighbours of Fibonacci's sequence."""
_AT_ONCE: Final = 12
"""Steps of one launch."""


@elementwise(dtype=integers, namespace="ops", method=False, inplace=False, sample=(1, 40))
def euclid_steps(input: Any, other: Any) -> Any:
    """Some steps of Euclid's algorithm: a pair with the same divisors, nearer to ``(gcd, 0)``."""
    for _ in range(_AT_ONCE):
        # The remainder by zero is zero: a pair that has arrived stays.
        input, other = s.where(s.eq(other, 0), input, other), s.fmod(input, other)
    return input, other


def _integers(op: str, input: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    for each in (input, other):
        if each.dtype.kind not in "ui":
            raise DTypeError(f"{op}: expected integer tensors, got {each.dtype.name}")
    dtype = promote_types(input.dtype, other.dtype)
    return input.to(dtype), other.to(dtype)


@function(inplace=True)
def gcd(input: Tensor, other: Tensor) -> Tensor:
    """The greatest common divisor, not negative; that of 0 and 0 is 0.  Integers ``(*S)``, broadcast -> ``(*S)``."""
    input, other = _integers("gcd", input, other)
    for _ in range(-(-_STEPS[8 * input.dtype.itemsize] // _AT_ONCE)):
        input, other = euclid_steps(input, other)
    return arithmetic.abs(input)


@function(inplace=True)
def lcm(input: Tensor, other: Tensor) -> Tensor:
    """The least common multiple, not negative; 0 if either is 0.  Integers ``(*S)``, broadcast -> ``(*S)``."""
    input, other = _integers("lcm", input, other)
    divisor = gcd(input, other)
    return arithmetic.abs(arithmetic.floor_divide(input, where(divisor == 0, 1, divisor)) * other)
