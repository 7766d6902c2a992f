"""Comparisons, logic and bits."""

from __future__ import annotations

from typing import Any

from hotplug.declare import elementwise, integral, logical, numeric, real
from hotplug.declare.rules import integers
from hotplug.expr import scalar as s


@elementwise(dtype=numeric, sample=(-2, 2), dunders=("__eq__",), tensors=("input",))
def eq(input: Any, other: Any) -> Any:
    """Whether the operands are equal -> bool."""
    return s.eq(input, other)


@elementwise(dtype=numeric, sample=(-2, 2), dunders=("__ne__",), aliases=("not_equal",), tensors=("input",))
def ne(input: Any, other: Any) -> Any:
    """Whether the operands differ -> bool."""
    return s.ne(input, other)


@elementwise(dtype=real, sample=(-2, 2), dunders=("__lt__",), aliases=("less",), tensors=("input",))
def lt(input: Any, other: Any) -> Any:
    """``input < other`` -> bool."""
    return s.lt(input, other)


@elementwise(dtype=real, sample=(-2, 2), dunders=("__le__",), aliases=("less_equal",), tensors=("input",))
def le(input: Any, other: Any) -> Any:
    """``input <= other`` -> bool."""
    return s.le(input, other)


@elementwise(dtype=real, sample=(-2, 2), dunders=("__gt__",), aliases=("greater",), tensors=("input",))
def gt(input: Any, other: Any) -> Any:
    """``input > other`` -> bool."""
    return s.gt(input, other)


@elementwise(dtype=real, sample=(-2, 2), dunders=("__ge__",), aliases=("greater_equal",), tensors=("input",))
def ge(input: Any, other: Any) -> Any:
    """``input >= other`` -> bool."""
    return s.ge(input, other)


@elementwise(dtype=numeric, inplace=False, sample=(-2, 2))
def isnan(input: Any) -> Any:
    """Whether an element is NaN -> bool."""
    return s.isnan(input)


@elementwise(dtype=numeric, inplace=False, sample=(-2, 2))
def isinf(input: Any) -> Any:
    """Whether an element is an infinity -> bool."""
    return s.isinf(input)


@elementwise(dtype=numeric, inplace=False, sample=(-2, 2))
def isfinite(input: Any) -> Any:
    """Whether an element is neither NaN nor an infinity -> bool."""
    return ~(s.isnan(input) | s.isinf(input))


@elementwise(dtype=logical, sample=(0, 2), tensors=("input", "other"))
def logical_and(input: Any, other: Any) -> Any:
    """Whether both are non-zero -> bool."""
    return input & other


@elementwise(dtype=logical, sample=(0, 2), tensors=("input", "other"))
def logical_or(input: Any, other: Any) -> Any:
    """Whether one is non-zero -> bool."""
    return input | other


@elementwise(dtype=logical, sample=(0, 2), tensors=("input", "other"))
def logical_xor(input: Any, other: Any) -> Any:
    """Whether exactly one is non-zero -> bool."""
    return input ^ other


@elementwise(dtype=logical, sample=(0, 2))
def logical_not(input: Any) -> Any:
    """Whether an element is zero -> bool."""
    return ~input


@elementwise(dtype=integral, sample=(0, 9), dunders=("__and__", "__rand__", "__iand__"))
def bitwise_and(input: Any, other: Any) -> Any:
    """Bits set in both; for bool, logical and."""
    return s.bit_and(input, other)


@elementwise(dtype=integral, sample=(0, 9), dunders=("__or__", "__ror__", "__ior__"))
def bitwise_or(input: Any, other: Any) -> Any:
    """Bits set in either; for bool, logical or."""
    return s.bit_or(input, other)


@elementwise(dtype=integral, sample=(0, 9), dunders=("__xor__", "__rxor__", "__ixor__"))
def bitwise_xor(input: Any, other: Any) -> Any:
    """Bits set in exactly one; for bool, logical exclusive or."""
    return s.bit_xor(input, other)


@elementwise(dtype=integral, sample=(0, 9), dunders=("__invert__",))
def bitwise_not(input: Any) -> Any:
    """All bits inverted; for bool, logical not."""
    return ~input


@elementwise(dtype=integers, sample=(0, 5), dunders=("__lshift__", "__ilshift__"))
def bitwise_left_shift(input: Any, other: Any) -> Any:
    """``input * 2**other``; shifting by the width or more gives 0."""
    return s.shl(input, other)


@elementwise(dtype=integers, sample=(0, 5), dunders=("__rshift__", "__irshift__"))
def bitwise_right_shift(input: Any, other: Any) -> Any:
    """``input / 2**other`` rounded down; shifting by the width or more gives 0, or -1 for a negative number."""
    return s.shr(input, other)
