"""``assert_close``: tensors, numbers, and what is made of them, compared with tolerances."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from hotplug import dtypes, ops
from hotplug.declare.promotion import promote_types
from hotplug.errors import ArgumentError, ArgumentTypeError
from hotplug.tensor import Tensor

_TOLERANCES: Final = {
    dtypes.float16: (1e-3, 1e-5), dtypes.bfloat16: (1.6e-2, 1e-5), dtypes.float32: (1.3e-6, 1e-5),
    dtypes.float64: (1e-7, 1e-7), dtypes.complex64: (1.3e-6, 1e-5), dtypes.complex128: (1e-7, 1e-7),
}  # fmt: skip
"""Relative and absolute tolerances by dtype, PyTorch's; of what is not here, 0 and 0."""


class _Options(NamedTuple):
    rtol: float | None
    atol: float | None
    equal_nan: bool
    device: bool
    dtype: bool
    stride: bool


def assert_close(
    actual: Any, expected: Any, *, allow_subclasses: bool = True, rtol: float | None = None, atol: float | None = None,
    equal_nan: bool = False, check_device: bool = True, check_dtype: bool = True, check_layout: bool = True,
    check_stride: bool = False, msg: str | Callable[[str], str] | None = None,
) -> None:  # fmt: skip
    """Raise AssertionError unless ``|actual - expected| <= atol + rtol * |expected|`` everywhere.

    Tensors, what NumPy takes for arrays, numbers, and sequences and mappings of these are compared part by part.

    Args:
        allow_subclasses: whether the two may be of different types, one derived from the other.
        rtol, atol: both or none; by default those of the dtype, the larger ones where dtypes differ.
        equal_nan: whether NaN equals NaN.
        check_device, check_dtype, check_stride: whether these must be equal too.
        check_layout: accepted: all tensors are strided.
        msg: the error's message, or what makes it of the one that would be raised.

    Raises:
        AssertionError: they are not close; it says how many elements differ, and where the most.
        ArgumentError: only one tolerance is given, or a negative one.
        ArgumentTypeError: there is no way to compare two such things.
    """
    for name, value in (("rtol", rtol), ("atol", atol)):
        if value is not None and not value >= 0:
            raise ArgumentError(f"assert_close: {name} must be greater than or equal to zero, but got {value}")
    if (rtol is None) != (atol is None):
        missing = "rtol" if rtol is None else "atol"
        raise ArgumentError(f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}.")
    if not allow_subclasses and type(actual) is not type(expected):
        raise ArgumentTypeError(f"assert_close: types differ: {type(actual).__name__} and {type(expected).__name__}")
    options = _Options(rtol, atol, equal_nan, check_device, check_dtype, check_stride)
    problem = _compare(actual, expected, options, "")
    if problem is not None:
        raise AssertionError(msg(problem) if callable(msg) else msg or problem)


def assert_allclose(
    actual: Any,
    expected: Any,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = True,
    msg: str = "",
) -> None:
    """The older form of :func:`assert_close`: NaN equals NaN, devices and dtypes need not be equal."""
    assert_close(
        actual,
        expected,
        rtol=rtol,
        atol=atol,
        equal_nan=equal_nan,
        check_device=False,
        check_dtype=False,
        msg=msg or None,
    )


def _compare(actual: Any, expected: Any, options: _Options, place: str) -> str | None:
    """What is wrong, or ``None``."""
    if isinstance(actual, Mapping) and isinstance(expected, Mapping):
        return _mappings(actual, expected, options, place)
    if _is_sequence(actual) and _is_sequence(expected):
        if len(actual) != len(expected):
            return f"The length of the sequences mismatch: {len(actual)} != {len(expected)}{_at(place)}"
        parts = (
            _compare(a, e, options, f"{place}[{i}]") for i, (a, e) in enumerate(zip(actual, expected, strict=True))
        )
        return next((each for each in parts if each is not None), None)
    if actual is None or expected is None:
        return None if actual is expected else f"None mismatch: {actual} is not {expected}{_at(place)}"
    if _is_number(actual) and _is_number(expected):
        return _numbers(actual, expected, options, place)
    pair = _as_tensors(actual, expected)
    return _tensors(*pair, options, place)


def _is_number(value: Any) -> bool:
    """Whether it is one of Python's or of NumPy's numbers that are Python's too, such as ``np.float64``."""
    return isinstance(value, (bool, int, float, complex))


def _numbers(actual: Any, expected: Any, options: _Options, place: str) -> str | None:
    """Two numbers: of one kind, as dtypes are; integers beyond 64 bits are equal or not."""
    kinds = [_wide(each) for each in (actual, expected)]
    if isinstance(actual, bool) and isinstance(expected, bool):
        return None if actual == expected else f"Booleans mismatch: {actual} is not {expected}{_at(place)}"
    if kinds[0] is not kinds[1] and options.dtype:
        return f"The (d)types do not match: {type(actual)} != {type(expected)}.{_at(place)}"
    if any(isinstance(each, int) and not -(2**63) <= each < 2**63 for each in (actual, expected)):
        if actual == expected:
            return None
        return f"Scalars are not equal!\n\nExpected {expected} but got {actual}.{_at(place)}"
    first, second = (ops.tensor(each, dtype=kind) for each, kind in zip((actual, expected), kinds, strict=True))
    return _tensors(first, second, options, place)


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _mappings(actual: Mapping[Any, Any], expected: Mapping[Any, Any], options: _Options, place: str) -> str | None:
    if set(actual) != set(expected):
        missing, more = (sorted(map(str, left)) for left in (set(expected) - set(actual), set(actual) - set(expected)))
        return (
            f"The keys of the mappings do not match:\nMissing keys in the actual mapping: {missing}\n"
            f"Additional keys in the actual mapping: {more}{_at(place)}"
        )
    parts = (_compare(actual[key], expected[key], options, f"{place}[{key!r}]") for key in actual)
    return next((each for each in parts if each is not None), None)


def _wide(number: complex) -> dtypes.dtype:
    if isinstance(number, bool):
        return dtypes.bool_
    return (
        dtypes.int64 if isinstance(number, int) else dtypes.float64 if isinstance(number, float) else dtypes.complex128
    )


def _as_tensors(actual: Any, expected: Any) -> tuple[Tensor, Tensor]:
    """Both as tensors.

    Raises:
        ArgumentTypeError: they are not, and can't be made; or one is a tensor and the other a number.
    """
    found = []
    mixed = any(isinstance(each, Tensor) for each in (actual, expected))
    for each in (actual, expected):
        taken = (Tensor, np.ndarray) if mixed else (np.ndarray, np.generic, bool, int, float, complex)
        if not isinstance(each, taken):
            raise ArgumentTypeError(
                f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}."
            )
        found.append(each if isinstance(each, Tensor) else ops.tensor(each))
    return found[0].detach(), found[1].detach()


def _at(place: str) -> str:
    return f"\n\nThe failure occurred for item {place}" if place else ""


def _tensors(actual: Tensor, expected: Tensor, options: _Options, place: str) -> str | None:
    facts: list[tuple[str, Any, Any]] = [("shape", tuple(actual.shape), tuple(expected.shape))]
    facts += [("device", actual.device, expected.device)] if options.device else []
    facts += [("dtype", actual.dtype, expected.dtype)] if options.dtype else []
    facts += [("stride()", actual.stride(), expected.stride())] if options.stride else []
    for name, mine, other in facts:
        if mine != other:
            return f"The values for attribute '{name}' do not match: {mine} != {other}.{_at(place)}"
    rtol, atol = _tolerances(actual, expected, options)
    first, second = (each.cpu() for each in (actual, expected))
    if first.dtype is not second.dtype:
        goal = promote_types(first.dtype, second.dtype)
        first, second = first.to(goal), second.to(goal)
    close = ops.isclose(first, second, rtol, atol, options.equal_nan)
    if bool(close.all()):
        return None
    return _described(first, second, close.numpy(), rtol, atol) + _at(place)


def _tolerances(actual: Tensor, expected: Tensor, options: _Options) -> tuple[float, float]:
    if options.rtol is not None and options.atol is not None:
        return options.rtol, options.atol
    pairs = [_TOLERANCES.get(each.dtype, (0.0, 0.0)) for each in (actual, expected)]
    return max(pair[0] for pair in pairs), max(pair[1] for pair in pairs)


def _described(actual: Tensor, expected: Tensor, close: np.ndarray[Any, Any], rtol: float, atol: float) -> str:
    mine, other = (each.numpy() for each in (actual, expected))
    if actual.dtype.kind in "fc":
        mine, other = (each.astype(np.complex128 if actual.dtype.kind == "c" else np.float64) for each in (mine, other))
    with np.errstate(all="ignore"):
        absolute = _distance(mine, other)
        relative = absolute / np.abs(other.astype(np.float64) if other.dtype.kind in "bui" else other)
    absolute, relative = (np.where(close, 0, each) for each in (absolute, relative))
    exact = rtol == 0 and atol == 0
    allowed = "" if exact else f" (up to {atol} allowed)", "" if exact else f" (up to {rtol} allowed)"
    verdict = "equal" if exact else "close"
    if not close.shape:
        return (
            f"Scalars are not {verdict}!\n\nExpected {other.item()} but got {mine.item()}.\n"
            f"Absolute difference: {absolute.item()}{allowed[0]}\nRelative difference: {relative.item()}{allowed[1]}"
        )
    wrong = int(np.count_nonzero(~close))
    return (
        f"Tensor-likes are not {verdict}!\n\nMismatched elements: {wrong} / {close.size} ({wrong / close.size:.1%})\n"
        f"Greatest absolute difference: {_greatest(absolute)}{allowed[0]}\n"
        f"Greatest relative difference: {_greatest(relative)}{allowed[1]}"
    )


def _distance(mine: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """``|mine - other|``; of integers exactly: modulo 2**64 the larger less the smaller is right for all."""
    if mine.dtype.kind not in "bui":
        difference: np.ndarray[Any, Any] = np.abs(mine - other)
        return difference
    a, b = mine.astype(np.uint64), other.astype(np.uint64)
    return np.where(mine > other, a - b, b - a)


def _greatest(values: np.ndarray[Any, Any]) -> str:
    at = np.unravel_index(int(np.argmax(values)), values.shape)
    return f"{values[at].item()} at index {tuple(map(int, at))}"
