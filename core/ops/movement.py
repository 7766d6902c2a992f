"""Copies, conversions, and moves between devices; ops that overwrite a tensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from hotplug import dispatch, dtypes, host
from hotplug.array import Array
from hotplug.autograd.graph import Meta, history
from hotplug.autograd.mode import MODE
from hotplug.autograd.views import assign
from hotplug.declare import function, primitive
from hotplug.device import device as Device
from hotplug.dtypes import dtype as DType
from hotplug.errors import ArgumentTypeError, AutogradError
from hotplug.layout import Shape
from hotplug.runtime import resolve_runtime
from hotplug.tensor import Tensor


@primitive
def copy_of(input: Array) -> Array:
    """A contiguous copy."""
    return dispatch.clone(input)


@copy_of.gradient("input")
def _(grad: Tensor) -> Tensor:
    return grad


@primitive
def converted(input: Array, dtype: DType) -> Array:
    """A contiguous copy in another dtype."""
    return dispatch.clone(input, dtype)


@converted.gradient("input")
def _(grad: Tensor, input_dtype: DType) -> Tensor:
    return converted(grad, input_dtype)


@primitive
def moved(input: Array, device: Device) -> Array:
    """A copy on another device, by way of the host: a read and a write, both counted."""
    runtime = resolve_runtime(device)
    runtime.counts["device_copy"] += 1
    return host.from_host(runtime, host.to_host(input, "to"), input.dtype)


@moved.gradient("input")
def _(grad: Tensor, input_device: Device) -> Tensor:
    return moved(grad, input_device)


@function()
def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy with the same place on the tape."""
    return copy_of(input)


@function()
def contiguous(input: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor itself where it is C-contiguous, else a copy that is."""
    return input if input._array.layout.is_contiguous else copy_of(input)


@function()
def to(input: Tensor, *args: Any, dtype: DType | None = None, device: Any = None, non_blocking: bool = False,
       copy: bool = False, memory_format: Any = None) -> Tensor:  # fmt: skip
    """The tensor on another device, in another dtype, or both: ``to(dtype)``, ``to(device)``, ``to(device, dtype)``,
    ``to(other)``.  The tensor itself where nothing changes and ``copy`` is false.
    """
    for arg in args:
        if isinstance(arg, DType):
            dtype = arg
        elif isinstance(arg, Tensor):
            dtype, device = arg.dtype, arg.device
        elif isinstance(arg, (str, Device, int)) and not isinstance(arg, bool):
            device = arg
        elif arg is not None and not isinstance(arg, bool):
            raise ArgumentTypeError(f"to: expected a dtype, a device or a tensor, got {type(arg).__name__}")
    result = input
    if device is not None and resolve_runtime(device) is not input._array.storage.runtime:
        # Narrow before a move, widen after it: fewer bytes travel, and the device may lack the wide dtype.
        if dtype is not None and dtype.itemsize < result.dtype.itemsize:
            result = converted(result, dtype)
        result = moved(result, Device(device) if not isinstance(device, Device) else device)
    if dtype is not None and dtype is not result.dtype:
        result = converted(result, dtype)
    return copy_of(result) if copy and result is input else result


@function()
def type_as(input: Tensor, other: Tensor) -> Tensor:
    """In the dtype of ``other``."""
    return to(input, dtype=other.dtype)


@function(name="cpu", namespace="Tensor")
def to_cpu(input: Tensor) -> Tensor:
    """On the host device ``cpu``."""
    return to(input, device="cpu")


@function(name="cuda", namespace="Tensor")
def to_cuda(input: Tensor, device: Any = None, non_blocking: bool = False) -> Tensor:
    """On an NVIDIA GPU."""
    return to(input, device="cuda" if device is None else device)


@function(name="bool", namespace="Tensor")
def to_bool(input: Tensor) -> Tensor:
    """In dtype bool."""
    return to(input, dtype=dtypes.bool_)


@function(name="byte", namespace="Tensor")
def to_byte(input: Tensor) -> Tensor:
    """In dtype uint8."""
    return to(input, dtype=dtypes.uint8)


@function(name="char", namespace="Tensor")
def to_char(input: Tensor) -> Tensor:
    """In dtype int8."""
    return to(input, dtype=dtypes.int8)


@function(name="short", namespace="Tensor")
def to_short(input: Tensor) -> Tensor:
    """In dtype int16."""
    return to(input, dtype=dtypes.int16)


@function(name="int", namespace="Tensor")
def to_int(input: Tensor) -> Tensor:
    """In dtype int32."""
    return to(input, dtype=dtypes.int32)


@function(name="long", namespace="Tensor")
def to_long(input: Tensor) -> Tensor:
    """In dtype int64."""
    return to(input, dtype=dtypes.int64)


@function(name="half", namespace="Tensor")
def to_half(input: Tensor) -> Tensor:
    """In dtype float16."""
    return to(input, dtype=dtypes.float16)


@function(name="bfloat16", namespace="Tensor")
def to_bfloat16(input: Tensor) -> Tensor:
    """In dtype bfloat16."""
    return to(input, dtype=dtypes.bfloat16)


@function(name="float", namespace="Tensor")
def to_float(input: Tensor) -> Tensor:
    """In dtype float32."""
    return to(input, dtype=dtypes.float32)


@function(name="double", namespace="Tensor")
def to_double(input: Tensor) -> Tensor:
    """In dtype float64."""
    return to(input, dtype=dtypes.float64)


@function(name="cfloat", namespace="Tensor")
def to_cfloat(input: Tensor) -> Tensor:
    """In dtype complex64."""
    return to(input, dtype=dtypes.complex64)


@function(name="cdouble", namespace="Tensor")
def to_cdouble(input: Tensor) -> Tensor:
    """In dtype complex128."""
    return to(input, dtype=dtypes.complex128)


@function()
def copy_(input: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """Overwrite with ``src``, broadcast, converted, and moved from its device."""
    from hotplug import ops

    if not isinstance(src, Tensor):
        src = ops.tensor(src, device=input.device)
    return assign("copy_", input, src)


@function()
def fill_(input: Tensor, value: Any) -> Tensor:
    """Set every element to one number (or 0-d tensor)."""
    from hotplug import ops

    if isinstance(value, Tensor) and value.ndim:
        raise ArgumentTypeError(f"fill_ only supports a 0-d value tensor, got {value.ndim} dimensions")
    layout = input._array.layout
    for axis, (size, stride) in enumerate(zip(layout.shape, layout.strides, strict=True)):
        if size > 1 and not stride:  # elements that share memory share the value: writing one of them will do
            fill_(ops.narrow(input, axis, 0, 1), value)
            return input
    if isinstance(value, Tensor):
        return assign("fill_", input, value)
    if history(input) is None and input._meta is None:
        dispatch.fill(input._array, value)
        input._array.storage.version += 1
        return input
    return assign("fill_", input, ops.full((), value, dtype=input.dtype, device=input.device))


@function()
def zero_(input: Tensor) -> Tensor:
    """Set every element to 0."""
    return fill_(input, 0)


def set_shape(tensor: Tensor, shape: Shape) -> None:
    """Give a tensor fresh memory of another shape."""
    from hotplug.layout import layout_of

    tensor._array = tensor._array.storage.runtime.empty(layout_of(tensor.dtype, shape))


def become(name: str, input: Tensor, other: Tensor) -> Tensor:
    """Turn a tensor into another view of its memory: what ``squeeze_`` and ``t_`` do.

    Raises:
        AutogradError: it is a leaf that requires a gradient.
    """
    edge = history(input) if MODE.grad else None
    if edge is not None and isinstance(edge[0], Meta):
        raise AutogradError(
            f"{name}: a leaf Variable that requires grad is being used in an in-place operation; "
            f"do it inside no_grad(), or to a clone"
        )
    input._array = other._array
    if MODE.grad:
        input._meta = other._meta
    return input


def apart(input: Tensor) -> Tensor:
    """A copy where autograd takes part: what an in-place form computes from, so that writing spoils nothing saved."""
    return input.clone() if MODE.grad and input.requires_grad else input


Operand = (Tensor, bool, int, float, complex, np.number, np.bool_)
"""What an operator method takes on its other side; anything else is left to Python's protocol."""
