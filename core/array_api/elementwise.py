"""Elementwise functions, from two tables: which dtypes each takes, and which op computes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from hotplug import dtypes, ops
from hotplug.array_api.kinds import KINDS, check, fits, like, pair, promote, same_device
from hotplug.errors import ArgumentError, ArgumentTypeError
from hotplug.tensor import Tensor

_UNARY: Final = {
    "numeric": "abs conj isfinite isinf isnan negative positive real sign:sgn square",
    "real numeric": "ceil floor trunc",
    "real floating": "signbit",
    "complex floating": "imag",
    "floating": "acos acosh asin asinh atan atanh cos cosh exp expm1 log log10 log1p log2 reciprocal sin sinh sqrt tan tanh",
    "integral or bool": "bitwise_invert:bitwise_not",
    "bool": "logical_not",
}
"""By kind: the functions of one array; after a colon the op, where it has another name."""

_BINARY: Final = {
    "all": "equal:eq not_equal:ne",
    "numeric": "add:add_ multiply:mul pow subtract:sub",
    "real numeric": "floor_divide greater:gt greater_equal:ge less:lt less_equal:le maximum minimum remainder",
    "floating": "divide:div",
    "real floating": "atan2 copysign hypot logaddexp nextafter",
    "integral or bool": "bitwise_and bitwise_or bitwise_xor",
    "integral": "bitwise_left_shift bitwise_right_shift",
    "bool": "logical_and logical_or logical_xor",
}
"""By kind: the functions of two arrays, or of one and a Python number."""


def _unary(name: str, op: str, kind: str) -> Callable[[Tensor], Tensor]:
    def function(x: Tensor, /) -> Tensor:
        return getattr(ops, op)(check(name, x, kind))  # type: ignore[no-any-return]

    return _named(function, name, f"``{name}`` of every element; x: {kind}.")  # type: ignore[no-any-return]


def _binary(name: str, op: str, kind: str) -> Callable[[Any, Any], Tensor]:
    def function(x1: Any, x2: Any, /) -> Tensor:
        return getattr(ops, op)(*pair(name, x1, x2, kind))  # type: ignore[no-any-return]

    return _named(function, name, f"``{name}`` of every two elements, broadcast; x1 and x2: {kind}.")  # type: ignore[no-any-return]


def _named(function: Any, name: str, text: str) -> Any:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"{text}\n\n    Raises:\n        TypeError: a dtype is of another kind, or two can't be mixed.\n    "
    )
    return function


def _functions() -> dict[str, Callable[..., Tensor]]:
    made: dict[str, Callable[..., Tensor]] = {}
    for table, make in ((_UNARY, _unary), (_BINARY, _binary)):
        for kind, entries in table.items():
            for entry in entries.split():
                name, _, op = entry.partition(":")
                made[name] = make(name, op.rstrip("_") or name, kind)
    return made


FUNCTIONS: Final = _functions()
"""All of these by name."""


def round(x: Tensor, /) -> Tensor:
    """Round every element to the nearest integer, halves to the even one; of complex numbers both parts."""
    x = check("round", x, "numeric")
    if x.dtype in KINDS["complex floating"]:
        return ops.complex(ops.round(ops.real(x)), ops.round(ops.imag(x)))
    return ops.round(x)


def clip(x: Tensor, /, min: Any = None, max: Any = None) -> Tensor:
    """Every element, but at least ``min`` and at most ``max``; the result has x's dtype.

    Raises:
        TypeError: a limit's dtype is of another kind.
    """
    result = check("clip", x, "real numeric").clone()
    for limit, op in ((min, ops.maximum), (max, ops.minimum)):
        if limit is None:
            continue
        if isinstance(limit, Tensor):
            check("clip", limit, "real numeric", "a limit")
            same_device("clip", (x, limit))
            if (limit.dtype in KINDS["real floating"]) != (x.dtype in KINDS["real floating"]):
                raise ArgumentTypeError(f"clip: a limit of {limit.dtype.name} can't be mixed with {x.dtype.name}")
            result = op(result, limit.to(x.dtype))
        else:
            result = op(result, _limit(limit, x))
    return result


def _limit(limit: Any, x: Tensor) -> Tensor:
    """A number as a limit: one beyond an integer dtype's range is that range's end."""
    if not fits(limit, x.dtype):
        raise ArgumentTypeError(f"clip: a {type(limit).__name__} can't be a limit of {x.dtype.name}")
    if x.dtype in KINDS["integral"]:
        ends = dtypes.iinfo(x.dtype)
        limit = ends.min if limit < ends.min else min(limit, ends.max)
    return like("clip", limit, x)


def where(condition: Tensor, x1: Any, x2: Any, /) -> Tensor:
    """``x1`` where the condition is true, else ``x2``.

    Raises:
        TypeError: the condition is not of bool, or the others can't be mixed.
    """
    check("where", condition, "bool", "condition")
    first, second = pair("where", x1, x2)
    same_device("where", (condition, first))
    return ops.where(condition, first, second)  # type: ignore[no-any-return]


def result_type(*arrays_and_dtypes: Any) -> dtypes.dtype:
    """The dtype of a result of arrays, dtypes and Python numbers.

    Raises:
        TypeError: they can't be mixed, or all are Python numbers.
    """
    kinds, scalars = [], []
    for each in arrays_and_dtypes:
        if isinstance(each, Tensor):
            kinds.append(check("result_type", each).dtype)
        elif isinstance(each, dtypes.dtype):
            kinds.append(each)
        else:
            scalars.append(each)
    if not kinds:
        raise ArgumentError("result_type: at least one array or dtype is needed")
    result = kinds[0]
    for kind in kinds:
        result = promote(result, kind)
    for scalar in scalars:
        if not fits(scalar, result):
            raise ArgumentTypeError(f"result_type: a {type(scalar).__name__} can't be mixed with {result.name}")
        if isinstance(scalar, complex):
            result = promote(result, dtypes.complex64)
    return result
