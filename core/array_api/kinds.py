"""Dtypes by kind, and the standard's promotion: within a kind only, and between integers of either sign."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from hotplug import dtypes, ops
from hotplug.dtypes import dtype
from hotplug.errors import ArgumentError, ArgumentTypeError, DeviceMismatchError
from hotplug.tensor import Tensor

Scalar = bool | int | float | complex
"""A Python number, which takes the dtype of the array beside it."""

_KINDS: Final = {
    "bool": "bool_",
    "signed integer": "int8 int16 int32 int64",
    "unsigned integer": "uint8 uint16 uint32 uint64",
    "integral": "int8 int16 int32 int64 uint8 uint16 uint32 uint64",
    "real floating": "float32 float64",
    "complex floating": "complex64 complex128",
}

KINDS: Final[dict[str, tuple[dtype, ...]]] = {
    kind: tuple(getattr(dtypes, name) for name in names.split()) for kind, names in _KINDS.items()
}
"""The kinds that ``isdtype`` knows, and those that functions ask for.  Half types are not in the standard."""
KINDS["floating"] = KINDS["real floating"] + KINDS["complex floating"]
KINDS["real numeric"] = KINDS["integral"] + KINDS["real floating"]
KINDS["numeric"] = KINDS["integral"] + KINDS["floating"]
KINDS["integral or bool"] = KINDS["integral"] + KINDS["bool"]
KINDS["all"] = KINDS["numeric"] + KINDS["bool"]

_BITS: Final = {kind: kind.itemsize * 8 for kind in KINDS["all"]}


def promote(first: dtype, second: dtype) -> dtype:
    """The dtype of a result.

    Raises:
        ArgumentTypeError: the standard mixes these in no way: different kinds, or uint64 with a signed integer.
    """
    if first is second and first in _BITS:
        return first
    signed, unsigned = KINDS["signed integer"], KINDS["unsigned integer"]
    for kind in (signed, unsigned, KINDS["real floating"], KINDS["complex floating"]):
        if first in kind and second in kind:
            return max(first, second, key=lambda each: each.itemsize)
    for one, other in ((first, second), (second, first)):
        if one in signed and other in unsigned and other is not dtypes.uint64:
            return next(each for each in signed if _BITS[each] >= max(_BITS[one], 2 * _BITS[other]))
        if one in KINDS["real floating"] and other in KINDS["complex floating"]:
            return dtypes.complex128 if dtypes.float64 is one else other
    raise ArgumentTypeError(f"{first.name} and {second.name} can't be promoted to one dtype; convert one with astype")


def promote_all(found: Sequence[dtype]) -> dtype:
    """The dtype of a result of several inputs."""
    result = promote(found[0], found[0])
    for each in found[1:]:
        result = promote(result, each)
    return result


def check(name: str, x: Any, kind: str = "all", argument: str = "x") -> Tensor:
    """An array of one of a kind's dtypes.

    Raises:
        ArgumentTypeError: it is something else.
    """
    if not isinstance(x, Tensor):
        raise ArgumentTypeError(f"{name}: expected an array as {argument}, got {type(x).__name__}; see asarray")
    if x.dtype not in KINDS[kind]:
        raise ArgumentTypeError(f"{name}: expected a dtype that is {kind}, got {x.dtype.name} as {argument}")
    return x


def check_dtype(name: str, kind: Any) -> None:
    """Refuse what is no dtype of the standard's; ``None`` is none given.

    Raises:
        ArgumentTypeError: it is something else.
    """
    if kind is not None and kind not in _BITS:
        raise ArgumentTypeError(f"{name}: expected a dtype of the array API standard, got {kind!r}")


def fits(scalar: Any, kind: dtype) -> bool:
    """Whether a Python number may stand beside an array of a dtype."""
    if isinstance(scalar, bool):
        return kind is dtypes.bool_
    if isinstance(scalar, int):
        return kind in KINDS["numeric"]
    if isinstance(scalar, float):
        return kind in KINDS["floating"]
    return isinstance(scalar, complex) and kind in KINDS["floating"]


def like(name: str, scalar: Any, x: Tensor) -> Tensor:
    """A Python number as an array beside another.

    Raises:
        ArgumentTypeError: it is of another kind.
        ArgumentError: it does not fit into an integer dtype.
    """
    if not fits(scalar, x.dtype):
        raise ArgumentTypeError(f"{name}: a {type(scalar).__name__} can't be mixed with an array of {x.dtype.name}")
    if x.dtype in KINDS["integral"]:
        limits = dtypes.iinfo(x.dtype)
        if not limits.min <= scalar <= limits.max:
            raise ArgumentError(f"{name}: {scalar} is out of range for {x.dtype.name}")
    kind = x.dtype
    if isinstance(scalar, complex):
        kind = {dtypes.float32: dtypes.complex64, dtypes.float64: dtypes.complex128}.get(kind, kind)
    return ops.full((), scalar, dtype=kind, device=x.device)


def pair(name: str, x1: Any, x2: Any, kind: str = "all", promotes: bool = True) -> tuple[Tensor, Tensor]:
    """Two arrays of one dtype, one of which may be given as a Python number.

    Raises:
        ArgumentTypeError: a dtype is of another kind, the two can't be mixed, or neither is an array.
        DeviceMismatchError: they live on two devices.
    """
    if isinstance(x1, Tensor) and not isinstance(x2, Tensor):
        x2 = like(name, x2, check(name, x1, kind, "x1"))
    elif isinstance(x2, Tensor) and not isinstance(x1, Tensor):
        x1 = like(name, x1, check(name, x2, kind, "x2"))
    x1, x2 = check(name, x1, kind, "x1"), check(name, x2, kind, "x2")
    same_device(name, (x1, x2))
    common = promote(x1.dtype, x2.dtype)
    return (x1.to(common), x2.to(common)) if promotes else (x1, x2)


def same_device(name: str, arrays: Sequence[Tensor]) -> None:
    """Refuse arrays on several devices.

    Raises:
        DeviceMismatchError: they live on several.
    """
    for each in arrays:
        if each.device != arrays[0].device:
            raise DeviceMismatchError(
                f"{name}: expected all arrays on one device, got {arrays[0].device} and {each.device}; use to_device"
            )
