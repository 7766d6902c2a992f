"""Tensors from nothing, from numbers, and from NumPy."""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from hotplug import dispatch, families, host
from hotplug.array import Array
from hotplug.autograd.graph import mark_inference
from hotplug.autograd.mode import MODE
from hotplug.declare import function
from hotplug.declare.dims import sizes
from hotplug.dtypes import (
    dtype as DType,
    float32,
    float64,
    from_numpy as dtype_of_numpy,
    get_default_dtype,
    int64,
    of_number,
)
from hotplug.errors import ArgumentError, ArgumentTypeError, CapabilityError, DTypeError
from hotplug.expr import node
from hotplug.layout import Shape, Strides, layout_of
from hotplug.memory_format import checked, like, preserve_format, strides_in
from hotplug.runtime import Runtime, missing_dtype, resolve_runtime
from hotplug.tensor import Tensor, wrap


def new_array(runtime: Runtime, dtype: DType, shape: Shape, strides: Strides | None = None) -> Array:
    """Uninitialised memory, in C order by default; checks that the device can hold the dtype."""
    if any(size < 0 for size in shape):
        raise ArgumentError(f"sizes must not be negative, got {list(shape)}")
    if dtype not in runtime.capabilities.storage:
        raise missing_dtype(runtime, "allocation", dtype)
    return runtime.empty(layout_of(dtype, shape, strides))


def finish(array: Array, requires_grad: bool) -> Tensor:
    """A new leaf."""
    result = wrap(array)
    if MODE.inference:
        mark_inference([result])
    return result.requires_grad_() if requires_grad else result


def _made(
    shape: Sequence[Any], value: Any, dtype: DType | None, device: Any, requires_grad: bool, format: Any = None
) -> Tensor:
    size = sizes(tuple(shape))
    strides = None if format is None else strides_in("empty", checked("empty", format), size)
    array = new_array(resolve_runtime(device), dtype or get_default_dtype(), size, strides)
    if value is not None:
        dispatch.fill_literal(array, value)
    return finish(array, requires_grad)


_LAYOUT: Final = frozenset({"layout", "memory_format", "names", "pin_memory"})
"""PyTorch's keywords about memory, which is always strided here."""


def _check_layout(op: str, keywords: dict[str, Any]) -> None:
    for name in keywords.keys() - _LAYOUT:
        raise ArgumentTypeError(f"{op}() got an unexpected keyword argument '{name}'")


def _given(op: str, size: tuple[Any, ...]) -> tuple[Any, ...]:
    """The sizes as they were given, at all."""
    if not size:
        raise ArgumentTypeError(f"{op}() missing 1 required positional argument: 'size'; of a 0-d tensor it is ()")
    return size


@function(method=False)
def empty(
    *size: Any, dtype: DType | None = None, device: Any = None, requires_grad: bool = False, **layout: Any
) -> Tensor:
    """An uninitialised tensor, in C order or in a memory format.

    Raises:
        RankError: the format is for tensors of another rank.
    """
    _check_layout("empty", layout)
    return _made(_given("empty", size), None, dtype, device, requires_grad, layout.get("memory_format"))


@function(method=False)
def zeros(*size: Any, dtype: DType | None = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of zeros."""
    return _made(_given("zeros", size), 0, dtype, device, requires_grad)


@function(method=False)
def ones(*size: Any, dtype: DType | None = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of ones."""
    return _made(_given("ones", size), 1, dtype, device, requires_grad)


@function(method=False)
def full(
    size: Sequence[int], fill_value: Any, *, dtype: DType | None = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of one value, whose type gives the dtype."""
    if isinstance(fill_value, Tensor):
        fill_value = fill_value.item()
    array = new_array(resolve_runtime(device), dtype or of_number(fill_value), sizes((size,)))
    dispatch.fill(array, fill_value)
    return finish(array, requires_grad)


def like_array(op: str, input: Tensor, dtype: DType | None, device: Any, keywords: dict[str, Any]) -> Array:
    """Uninitialised memory of the input's shape, its axes in the input's order or that of ``memory_format``.

    Raises:
        RankError: the format is for tensors of another rank.
    """
    _check_layout(op, keywords)
    runtime = input._array.storage.runtime if device is None else resolve_runtime(device)
    format = checked(op, keywords.get("memory_format"), preserve_format)
    return new_array(runtime, dtype or input.dtype, input._array.shape, like(op, format, input._array.layout))


@function(method=False)
def empty_like(
    input: Tensor, *, dtype: DType | None = None, device: Any = None, requires_grad: bool = False, **layout: Any
) -> Tensor:
    """An uninitialised tensor of the input's shape, dtype and device."""
    return finish(like_array("empty_like", input, dtype, device, layout), requires_grad)


@function(method=False)
def zeros_like(
    input: Tensor, *, dtype: DType | None = None, device: Any = None, requires_grad: bool = False, **layout: Any
) -> Tensor:
    """Zeros of the input's shape, dtype and device."""
    array = like_array("zeros_like", input, dtype, device, layout)
    dispatch.fill_literal(array, 0)
    return finish(array, requires_grad)


@function(method=False)
def ones_like(
    input: Tensor, *, dtype: DType | None = None, device: Any = None, requires_grad: bool = False, **layout: Any
) -> Tensor:
    """Ones of the input's shape, dtype and device."""
    array = like_array("ones_like", input, dtype, device, layout)
    dispatch.fill_literal(array, 1)
    return finish(array, requires_grad)


@function(method=False)
def full_like(
    input: Tensor, fill_value: Any, *, dtype: DType | None = None, device: Any = None, requires_grad: bool = False,
    **layout: Any,
) -> Tensor:  # fmt: skip
    """One value in the input's shape, dtype and device."""
    array = like_array("full_like", input, dtype, device, layout)
    dispatch.fill(array, fill_value.item() if isinstance(fill_value, Tensor) else fill_value)
    return finish(array, requires_grad)


@function()
def new_zeros(
    input: Tensor, *size: Any, dtype: DType | None = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Zeros with the input's dtype and device."""
    return zeros(*size, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad)


@function()
def new_ones(
    input: Tensor, *size: Any, dtype: DType | None = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Ones with the input's dtype and device."""
    return ones(*size, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad)


@function()
def new_empty(
    input: Tensor, *size: Any, dtype: DType | None = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Uninitialised, with the input's dtype and device."""
    return empty(*size, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad)


@function()
def new_full(
    input: Tensor, size: Sequence[int], fill_value: Any, *, dtype: DType | None = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """One value with the input's dtype and device."""
    return full(
        size, fill_value, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad
    )


@function()
def new_tensor(
    input: Tensor, data: Any, *, dtype: DType | None = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A copy of data with the input's dtype and device."""
    return tensor(data, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad)


def _ramp(runtime: Runtime, dtype: DType, count: int, start: Any, step: Any, last: Any = None) -> Array:
    """``start + i * step`` in float64 (integers in int64), and counted from ``last`` in the upper half."""
    out = new_array(runtime, dtype, (count,))
    if not count:
        return out
    wide = int64 if dtype.kind in "bui" else _wide(runtime)
    position = node.cast(node.index(), wide)
    value = node.scalar(0, wide) + position * node.scalar(1, wide)
    scalars = [start, step]
    if last is not None:
        half, total = node.scalar(3, int64), node.scalar(4, int64)
        below = node.cast(total - node.index(), wide)
        value = node.where(node.index() < half, value, node.scalar(2, wide) - below * node.scalar(1, wide))
        scalars += [last, count // 2, count - 1]
    dispatch.map_((node.cast(node.cast(value, dtype.compute), dtype),), [out], [], scalars)
    return out


def _wide(runtime: Runtime) -> DType:
    return float64 if float64 in runtime.capabilities.arithmetic else float32


@function(method=False)
def arange(
    start: Any, end: Any = None, step: Any = 1, *, dtype: DType | None = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``start, start + step, ...`` below ``end``; with one number, from 0.  Integers give int64."""
    if end is None:
        start, end = 0, start
    start, end, step = (each.item() if isinstance(each, Tensor) else each for each in (start, end, step))
    if step == 0:
        raise ArgumentError("arange: step must be nonzero")
    if (end - start) * step < 0:
        raise _BadBoundsError(
            f"arange: upper bound {end} and lower bound {start} are inconsistent with the step's sign, {step}"
        )
    whole = all(isinstance(each, (int, np.integer)) for each in (start, end, step))
    count = -(-(end - start) // step) if whole else math.ceil((end - start) / step)
    target = dtype or (int64 if whole else get_default_dtype())
    if target.kind in "bui":
        start, step = int(start), int(step)
    return finish(_ramp(resolve_runtime(device), target, int(count), start, step), requires_grad)


class _BadBoundsError(ArgumentError, RuntimeError):
    """Bounds that no step leads between."""


@function(method=False)
def linspace(
    start: Any, end: Any, steps: int, *, dtype: DType | None = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """``steps`` evenly spaced values from ``start`` to ``end``, both included."""
    start, end = (each.item() if isinstance(each, Tensor) else each for each in (start, end))
    if steps < 0:
        raise _BadBoundsError(f"linspace: number of steps must be non-negative, got {steps}")
    step = (end - start) / (steps - 1) if steps > 1 else 0.0
    array = _ramp_float(
        resolve_runtime(device), dtype or get_default_dtype(), steps, start, step, end if steps > 1 else None
    )
    return finish(array, requires_grad)


def _ramp_float(runtime: Runtime, dtype: DType, count: int, start: Any, step: float, last: Any) -> Array:
    if dtype.kind not in "bui":
        return _ramp(runtime, dtype, count, float(start), step, last)
    exact = _ramp(runtime, _wide(runtime), count, float(start), step, last)
    return dispatch.clone(exact, dtype)


@function(method=False)
def logspace(
    start: Any, end: Any, steps: int, base: float = 10.0, *, dtype: DType | None = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``base`` to the powers of ``linspace(start, end, steps)``."""
    from hotplug import ops

    return (
        ops.rpow(linspace(start, end, steps, dtype=dtype, device=device), base).detach().requires_grad_(requires_grad)
    )


@function(method=False)
def eye(
    n: int, m: int | None = None, *, dtype: DType | None = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Ones on the diagonal, zeros elsewhere.  -> ``(n, m)``."""
    columns = n if m is None else m
    out = new_array(resolve_runtime(device), dtype or get_default_dtype(), (n, columns))
    dispatch.fill_literal(out, 0)
    size = builtins.min(n, columns)
    if size:
        dispatch.fill_literal(dispatch.move(out, (size,), (columns + 1,)), 1)
    return finish(out, requires_grad)


def _infer_dtype(data: Any) -> DType | None:
    """The dtype of nested Python numbers, by the widest category; ``None`` for an empty list."""
    if isinstance(data, Tensor):
        return data.dtype
    if isinstance(data, (list, tuple)):
        found = [each for each in map(_infer_dtype, data) if each is not None]
        return max(found, key=lambda each: each.category) if found else None
    if isinstance(data, (np.ndarray, np.generic)):
        return dtype_of_numpy(data.dtype)
    return of_number(data)


def _nested(data: Any) -> Any:
    """Nested lists with the tensors among them as Python numbers or lists."""
    if isinstance(data, Tensor):
        return data.tolist()
    return [_nested(each) for each in data] if isinstance(data, (list, tuple)) else data


@function(method=False)
def tensor(
    data: Any, *, dtype: DType | None = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False
) -> Tensor:
    """A new tensor from numbers, nested sequences, a NumPy array or a tensor; always copies.

    Raises:
        ArgumentError: nested sequences of unequal length.
    """
    if isinstance(data, Tensor):
        from hotplug import ops

        copied = ops.clone(data.detach()).to(device=device or data.device, dtype=dtype or data.dtype)
        return copied.requires_grad_() if requires_grad else copied
    if not isinstance(data, (np.ndarray, list, tuple, bool, int, float, builtins.complex, np.generic)):
        if not hasattr(data, "__array__"):
            raise ArgumentTypeError(f"tensor: could not infer dtype of {type(data).__name__}")
        data = np.asarray(data)
    target = dtype or _infer_dtype(data) or get_default_dtype()
    try:
        values = np.asarray(_nested(data))
        if not values.size:
            values = values.astype(target.numpy)
        values = host.cast_on_host(values, target)
    except (ValueError, OverflowError) as error:
        raise ArgumentError(f"tensor: {error}") from None
    return finish(host.from_host(resolve_runtime(device), values, target), requires_grad)


@function(method=False)
def from_numpy(ndarray: np.ndarray[Any, Any]) -> Tensor:
    """A tensor on the default host device that shares the array's memory, writes included.

    An array that is read-only, or doesn't start at a multiple of 16 bytes, is copied.

    Raises:
        ArgumentTypeError: not an ndarray, or of an unsupported dtype.
    """
    if not isinstance(ndarray, np.ndarray):
        raise ArgumentTypeError(f"from_numpy expected an np.ndarray, got {type(ndarray).__name__}")
    return wrap(host.share(ndarray))


@function(method=False)
def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor that shares the memory of another library's array, through DLPack.

    Args:
        ext_tensor: an array with ``__dlpack__`` and ``__dlpack_device__`` (of NumPy, PyTorch, JAX, ...), or a capsule.
        device: where the tensor shall be; default: where the array is, which must be host memory.
        copy: ``True``: never share; ``False``: never copy; default: copy what is read-only, or isn't aligned to 16
            bytes, or where ``device`` is elsewhere.

    Raises:
        ExchangeError: the array is on a device that Hotplug can't share memory with, or needs the copy that was ruled
            out.
        DTypeError: Hotplug has no such dtype.
    """
    from hotplug import interchange

    return interchange.take(ext_tensor, device, copy)


@function(method=False, aliases=("asarray",))
def as_tensor(data: Any, dtype: DType | None = None, device: Any = None) -> Tensor:
    """``data`` as a tensor, without a copy where none is needed."""
    if isinstance(data, Tensor):
        return data.to(device=device or data.device, dtype=dtype or data.dtype)
    if isinstance(data, np.ndarray) and device is None:
        try:
            shared = from_numpy(data)
        except CapabilityError:
            return tensor(data, dtype=dtype)
        return shared if dtype is None else shared.to(dtype)
    return tensor(data, dtype=dtype, device=device)


@function(method=False)
def scalar_tensor(s: Any, *, dtype: DType | None = None, device: Any = None) -> Tensor:
    """A 0-d tensor."""
    return full((), s, dtype=dtype or get_default_dtype(), device=device)


@function(method=False)
def complex(real: Tensor, imag: Tensor) -> Tensor:
    """A complex tensor of its parts, both of float32 or both of float64."""
    from hotplug.ops import complex_numbers

    if isinstance(real, Tensor) and isinstance(imag, Tensor):
        for part in (real, imag):
            if part.dtype is not real.dtype or part.dtype not in (float32, float64):
                raise DTypeError(
                    f"complex: expected both inputs to be float32 or float64 tensors but got {real.dtype.name} and "
                    f"{imag.dtype.name}; convert with .float()"
                )
    return complex_numbers.complex_elements(real, imag)


def iota(like: Tensor, shape: Shape) -> Tensor:
    """0, 1, 2, ... in C order on the device of another tensor, int64."""
    return wrap(families.iota(like._array, shape))
