"""PyTorch's result type over tensors and numbers, and how a number is checked against a dtype."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from hotplug.dtypes import bool_, dtype, get_default_dtype, iinfo, int64, promote
from hotplug.errors import ArgumentTypeError, DTypeError
from hotplug.layout import Layout

Operand = Layout | type
"""What promotion needs of an operand: the layout of a tensor, the type of a Python number."""


def number_dtype(kind: type) -> dtype:
    """The dtype of a Python number's type, which takes part in promotion only by its category."""
    if issubclass(kind, (bool, np.bool_)):
        return bool_
    if issubclass(kind, (int, np.integer)):
        return int64
    if issubclass(kind, (float, np.floating)):
        return get_default_dtype()
    if issubclass(kind, (complex, np.complexfloating)):
        return get_default_dtype().to_complex()
    raise ArgumentTypeError(f"expected a tensor or a number, got {kind.__name__}")


def common_dtype(operands: Iterable[Operand]) -> dtype:
    """The common dtype: tensors with axes decide; 0-d tensors, then numbers, only raise the category.

    Source: PyTorch's "type promotion" in its documentation of ``torch.result_type``.
    """
    groups: list[dtype | None] = [None, None, None]
    for operand in operands:
        if isinstance(operand, Layout):
            rank, this = (0 if operand.shape else 1), operand.dtype
        else:
            rank, this = 2, number_dtype(operand)
        known = groups[rank]
        groups[rank] = this if known is None else promote(known, this)
    result: dtype | None = None
    for group in groups:
        if group is None:
            continue
        if result is None:
            result = group
        elif group.category > result.category:
            result = _lift(result, group)
    if result is None:
        raise ArgumentTypeError("promotion expected at least one operand")
    return result


def _lift(result: dtype, group: dtype) -> dtype:
    """A higher category from a lower-ranked operand: complex keeps the width of a floating result."""
    return promote(result, group) if group.kind == "c" and result.kind == "f" and group.itemsize < 16 else group


def to_number(op: str, value: Any, target: dtype) -> bool | int | float | complex:
    """A Python number as a runtime scalar of ``target``.

    Raises:
        DTypeError: an integer dtype can't hold the value.
    """
    if target.kind in "ui":
        limits = iinfo(target)
        number = int(value)
        if not limits.min <= number <= limits.max:
            raise DTypeError(f"{op}: value {value} cannot be converted to {target.name} without overflow")
        return number
    if target.kind == "f":
        return float(value)
    return bool(value) if target.kind == "b" else complex(value)


def result_type(tensor1: Any, tensor2: Any) -> dtype:
    """The dtype of an arithmetic operation on two tensors or numbers."""
    return common_dtype(each._array.layout if hasattr(each, "_array") else type(each) for each in (tensor1, tensor2))


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The smallest dtype to which both can be converted."""
    return promote(type1, type2)


def can_cast(from_: dtype, to: dtype) -> bool:
    """Whether a conversion stays within the category or goes up."""
    return from_.category <= to.category
