"""Making arrays, and their dtypes: ``asarray``, ``arange``, ``astype`` and the like."""

from __future__ import annotations

import math
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from hotplug import dtypes, ops
from hotplug.array_api.kinds import KINDS, check, check_dtype, fits, promote, promote_all
from hotplug.device import device as Device
from hotplug.dtypes import dtype as DType
from hotplug.errors import ArgumentError, ArgumentTypeError
from hotplug.tensor import Tensor

Where = Device | str | None


def asarray(obj: Any, /, *, dtype: DType | None = None, device: Where = None, copy: bool | None = None) -> Tensor:
    """An array of an array, of nested sequences of numbers, or of anything with a buffer or DLPack.

    Python numbers become bool, int64, the default floating dtype, or its complex one.

    Raises:
        ValueError: ``copy`` is false, and a copy is needed.
        TypeError: it holds something else.
    """
    check_dtype("asarray", dtype)
    if isinstance(obj, Tensor):
        check("asarray", obj, argument="obj")
        moves = (dtype is not None and obj.dtype is not dtype) or (device is not None and obj.device != Device(device))
        if moves and copy is False:
            raise ArgumentError("asarray: copy=False, but another dtype or device needs a copy")
        result = obj.to(device=device or obj.device, dtype=dtype or obj.dtype)
        return result.clone() if copy and result is obj else result
    if not isinstance(obj, (list, tuple, range, bool, int, float, complex)):
        found = ops.from_dlpack(obj) if _only_dlpack(obj) else np.asarray(obj)
        if isinstance(found, Tensor):
            return asarray(found, dtype=dtype, device=device, copy=copy)
        if copy is not None or found.dtype.kind not in "biufc":
            found = np.array(found, copy=copy or None) if copy else found
        _check_numpy(found)
        return (
            ops.tensor(found, dtype=dtype, device=device) if copy else ops.as_tensor(found, dtype=dtype, device=device)
        )
    if copy is False:
        raise ArgumentError("asarray: copy=False, but Python numbers need a copy")
    if isinstance(obj, (list, tuple)) and _holds_arrays(obj):
        parts = [asarray(each, device=device) for each in obj]
        common = dtype or promote_all([each.dtype for each in parts])
        return ops.stack(tuple(each.to(common) for each in parts), 0)
    return ops.tensor(list(obj) if isinstance(obj, range) else obj, dtype=dtype, device=device)


def _only_dlpack(obj: Any) -> bool:
    return hasattr(obj, "__dlpack__") and not isinstance(obj, (np.ndarray, np.generic))


def _check_numpy(found: np.ndarray[Any, Any]) -> None:
    if found.dtype.kind not in "biufc":
        raise ArgumentTypeError(f"asarray: expected numbers, got an object of dtype {found.dtype}")


def _holds_arrays(obj: Any) -> bool:
    if isinstance(obj, (list, tuple)):
        return any(_holds_arrays(each) for each in obj)
    return isinstance(obj, (Tensor, np.ndarray))


def from_dlpack(x: Any, /, *, device: Where = None, copy: bool | None = None) -> Tensor:
    """An array of another library, without a copy where that is possible."""
    found = ops.from_dlpack(x, copy=copy)
    return found if device is None else found.to(device)


def arange(
    start: float, /, stop: float | None = None, step: float = 1, *, dtype: DType | None = None, device: Where = None
) -> Tensor:  # fmt: skip
    """``start, start + step, ...`` up to, and without, ``stop``: int64 where all are integers."""
    check_dtype("arange", dtype)
    if stop is None:
        start, stop = 0, start
    count = max(math.ceil((stop - start) / step), 0)
    if not count:
        whole = all(isinstance(each, int) for each in (start, stop, step))
        return empty((0,), dtype=dtype or (dtypes.int64 if whole else None), device=device)
    return ops.arange(start, stop, step, dtype=dtype, device=device)


def linspace(
    start: complex, stop: complex, /, num: int, *, dtype: DType | None = None, device: Where = None, endpoint: bool = True
) -> Tensor:  # fmt: skip
    """``num`` values at even distances; ``stop`` is the last, or with ``endpoint=False`` would be the next."""
    check_dtype("linspace", dtype)
    if dtype is None:
        dtype = dtypes.get_default_dtype()
        if isinstance(start, complex) or isinstance(stop, complex):
            dtype = dtypes.complex128 if dtype is dtypes.float64 else dtypes.complex64
    if not endpoint and num:
        stop = start + (stop - start) * (num - 1) / num if num > 1 else start
    return ops.linspace(start, stop, num, dtype=dtype, device=device)


def full(
    shape: int | tuple[int, ...], fill_value: complex, *, dtype: DType | None = None, device: Where = None
) -> Tensor:  # fmt: skip
    """An array of one value; its default dtype is that of ``asarray(fill_value)``.

    Raises:
        TypeError: the value is no Python number, or of another kind than the dtype.
    """
    check_dtype("full", dtype)
    if not isinstance(fill_value, (bool, int, float, complex)):
        raise ArgumentTypeError(f"full: expected a Python number as fill_value, got {type(fill_value).__name__}")
    if dtype is not None and (
        not fits(fill_value, dtype) or (isinstance(fill_value, complex) and dtype not in KINDS["complex floating"])
    ):
        raise ArgumentTypeError(f"full: a {type(fill_value).__name__} can't fill an array of {dtype.name}")
    return ops.full(_shape(shape), fill_value, dtype=dtype, device=device)


def _shape(shape: int | tuple[int, ...]) -> tuple[int, ...]:
    return (shape,) if isinstance(shape, int) else tuple(shape)


def empty(shape: int | tuple[int, ...], *, dtype: DType | None = None, device: Where = None) -> Tensor:
    """An array of any values."""
    check_dtype("empty", dtype)
    return ops.empty(_shape(shape), dtype=dtype, device=device)


def zeros(shape: int | tuple[int, ...], *, dtype: DType | None = None, device: Where = None) -> Tensor:
    """An array of zeros."""
    check_dtype("zeros", dtype)
    return ops.zeros(_shape(shape), dtype=dtype, device=device)


def ones(shape: int | tuple[int, ...], *, dtype: DType | None = None, device: Where = None) -> Tensor:
    """An array of ones."""
    check_dtype("ones", dtype)
    return ops.ones(_shape(shape), dtype=dtype, device=device)


def empty_like(x: Tensor, /, *, dtype: DType | None = None, device: Where = None) -> Tensor:
    """An array of any values, of another's shape."""
    return empty(tuple(check("empty_like", x).shape), dtype=dtype or x.dtype, device=device or x.device)


def zeros_like(x: Tensor, /, *, dtype: DType | None = None, device: Where = None) -> Tensor:
    """An array of zeros, of another's shape."""
    return zeros(tuple(check("zeros_like", x).shape), dtype=dtype or x.dtype, device=device or x.device)


def ones_like(x: Tensor, /, *, dtype: DType | None = None, device: Where = None) -> Tensor:
    """An array of ones, of another's shape."""
    return ones(tuple(check("ones_like", x).shape), dtype=dtype or x.dtype, device=device or x.device)


def full_like(x: Tensor, /, fill_value: complex, *, dtype: DType | None = None, device: Where = None) -> Tensor:
    """An array of one value, of another's shape."""
    return full(tuple(check("full_like", x).shape), fill_value, dtype=dtype or x.dtype, device=device or x.device)


def eye(
    n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: DType | None = None, device: Where = None
) -> Tensor:  # fmt: skip
    """Ones on the ``k``-th diagonal, zeros elsewhere."""
    columns = n_rows if n_cols is None else n_cols
    rows = ops.arange(n_rows, device=device).reshape(n_rows, 1) + k
    return ops.eq(rows, ops.arange(columns, device=device)).to(zeros((), dtype=dtype, device=device).dtype)


def tril(x: Tensor, /, *, k: int = 0) -> Tensor:
    """The elements on and below the ``k``-th diagonal of every matrix, zeros above."""
    return ops.tril(check("tril", x), k)


def triu(x: Tensor, /, *, k: int = 0) -> Tensor:
    """The elements on and above the ``k``-th diagonal of every matrix, zeros below."""
    return ops.triu(check("triu", x), k)


def meshgrid(*arrays: Tensor, indexing: Literal["xy", "ij"] = "xy") -> tuple[Tensor, ...]:
    """The coordinates of all points of a grid.

    Raises:
        ValueError: an array isn't one-dimensional, or their dtypes differ.
    """
    for each in arrays:
        if check("meshgrid", each).ndim != 1 or each.dtype is not arrays[0].dtype:
            raise ArgumentError("meshgrid: expected arrays of one axis and one dtype")
    return tuple(each.clone() for each in ops.meshgrid(*arrays, indexing=indexing)) if arrays else ()


# --- dtypes -----------------------------------------------------------------------------------------------------------


def astype(x: Tensor, dtype: DType, /, *, copy: bool = True, device: Where = None) -> Tensor:
    """The array in another dtype.

    Raises:
        TypeError: it is complex, and the dtype real.
    """
    check_dtype("astype", dtype)
    if check("astype", x).dtype in KINDS["complex floating"] and dtype not in KINDS["complex floating"]:
        raise ArgumentTypeError(f"astype: {x.dtype.name} to {dtype.name} drops the imaginary part; take real(x) first")
    result = x.to(device=device or x.device, dtype=dtype)
    return result.clone() if copy and result is x else result


def can_cast(from_: DType | Tensor, to: DType, /) -> bool:
    """Whether promotion may turn a dtype into another.

    Raises:
        TypeError: one is no dtype.
    """
    start = from_.dtype if isinstance(from_, Tensor) else from_
    check_dtype("can_cast", start)
    check_dtype("can_cast", to)
    try:
        return promote(start, to) is to
    except ArgumentTypeError:
        return False


def isdtype(dtype: DType, kind: DType | str | tuple[DType | str, ...]) -> bool:
    """Whether a dtype is another, or of a kind: ``"bool"``, ``"signed integer"``, ``"unsigned integer"``,
    ``"integral"``, ``"real floating"``, ``"complex floating"`` or ``"numeric"``; or of any of several.

    Raises:
        ValueError: there is no such kind.
        TypeError: it is neither a dtype nor a kind.
    """
    if isinstance(kind, tuple):
        return any(isdtype(dtype, each) for each in kind)
    if isinstance(kind, str):
        if kind not in _PUBLIC_KINDS:
            raise ArgumentError(f"isdtype: expected one of {', '.join(_PUBLIC_KINDS)}, got {kind!r}")
        return dtype in KINDS[kind]
    if not isinstance(kind, DType):
        raise ArgumentTypeError(f"isdtype: expected a dtype or a kind, got {type(kind).__name__}")
    return dtype is kind


_PUBLIC_KINDS: Final = (
    "bool", "signed integer", "unsigned integer", "integral", "real floating", "complex floating", "numeric",
)  # fmt: skip


class FloatLimits(NamedTuple):
    """The limits of a floating dtype; of a complex one, those of its parts."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: DType


class IntegerLimits(NamedTuple):
    """The limits of an integer dtype."""

    bits: int
    max: int
    min: int
    dtype: DType


def finfo(type: DType | Tensor, /) -> FloatLimits:
    """The limits of a floating or complex dtype, or of an array's.

    Raises:
        TypeError: it is another dtype.
    """
    kind = type.dtype if isinstance(type, Tensor) else type
    if kind not in KINDS["floating"]:
        raise ArgumentTypeError(f"finfo: expected a floating dtype, got {kind}")
    part = {dtypes.complex64: dtypes.float32, dtypes.complex128: dtypes.float64}.get(kind, kind)
    found = dtypes.finfo(part)
    return FloatLimits(found.bits, found.eps, found.max, found.min, found.smallest_normal, part)


def iinfo(type: DType | Tensor, /) -> IntegerLimits:
    """The limits of an integer dtype, or of an array's.

    Raises:
        TypeError: it is another dtype.
    """
    kind = type.dtype if isinstance(type, Tensor) else type
    if kind not in KINDS["integral"]:
        raise ArgumentTypeError(f"iinfo: expected an integer dtype, got {kind}")
    found = dtypes.iinfo(kind)
    return IntegerLimits(found.bits, found.max, found.min, kind)
