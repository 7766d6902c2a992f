"""Copies, conversions, and moves between devices; ops that overwrite a tensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from hotplug import dispatch, dtypes
from hotplug.array import Array
from hotplug.autograd.graph import Meta, history
from hotplug.autograd.mode import MODE
from hotplug.autograd.views import assign
from hotplug.declare import function, primitive
from hotplug.device import device as Device
from hotplug.dtypes import dtype as DType
from hotplug.errors import ArgumentTypeError, AutogradError
from hotplug.layout import Shape, Strides, layout_of
from hotplug.memory_format import axis_order, checked, lies_in, like, preserve_format, strides_in
from hotplug.pinning import copied as copied_to
from hotplug.runtime import resolve_runtime
from hotplug.tensor import Tensor


def _copied(input: Array, dtype: DType, strides: Strides | None) -> Array:
    out = input.storage.runtime.empty(layout_of(dtype, input.shape, strides))
    dispatch.copy(input, out)
    return out


@primitive
def copy_of(input: Array, strides: Strides | None) -> Array:
    """A copy with these strides; ``None``: C order."""
    return _copied(input, input.dtype, strides)


@copy_of.gradient("input")
def _(grad: Tensor) -> Tensor:
    return grad


@primitive
def converted(input: Array, dtype: DType, strides: Strides | None) -> Array:
    """A copy in another dtype with these strides; ``None``: C order."""
    return _copied(input, dtype, strides)


@converted.gradient("input")
def _(grad: Tensor, input_dtype: DType) -> Tensor:
    return converted(grad, input_dtype, _kept(grad))


def _kept(input: Tensor) -> Strides:
    """The strides of a copy of a tensor, in ``preserve_format``."""
    return like("to", preserve_format, input._array.layout)


@primitive
def moved(input: Array, device: Device, wait: bool) -> Array:
    """A copy on another device; the axes keep their order.

    It goes by way of the host, by a read and a write, unless the devices reach each other, or the host's memory is
    page-locked: then without ``wait`` the copy is only queued.
    """
    runtime = resolve_runtime(device)
    if input.layout.is_contiguous:
        return copied_to(input, runtime, wait)
    order = axis_order(input.shape, [input.strides])
    sorted_axes = dispatch.move(input, [input.shape[a] for a in order], [input.strides[a] for a in order])
    found = copied_to(sorted_axes if sorted_axes.layout.is_contiguous else dispatch.clone(sorted_axes), runtime, wait)
    return dispatch.move(found, input.shape, [found.strides[order.index(a)] for a in range(len(order))])


@moved.gradient("input")
def _(grad: Tensor, input_device: Device) -> Tensor:
    return moved(grad, input_device, True)


@function()
def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy with the same place on the tape, its axes in memory in the order of the input's or of another format.

    Raises:
        RankError: the format is for tensors of another rank.
    """
    format = checked("clone", memory_format, preserve_format)
    return copy_of(input, like("clone", format, input._array.layout))


@function()
def contiguous(input: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor itself where it is contiguous in the format (default: C order), else a copy that is.

    Raises:
        RankError: the format is for tensors of another rank.
    """
    layout = input._array.layout
    if memory_format is None:
        return input if layout.is_contiguous else copy_of(input, None)
    format = checked("contiguous", memory_format)
    return input if lies_in(format, layout) else copy_of(input, strides_in("contiguous", format, layout.shape))


@function()
def to(input: Tensor, *args: Any, dtype: DType | None = None, device: Any = None, non_blocking: bool = False,
       copy: bool = False, memory_format: Any = None) -> Tensor:  # fmt: skip
    """The tensor on another device, in another dtype, or both: ``to(dtype)``, ``to(device)``, ``to(device, dtype)``,
    ``to(other)``.  The tensor itself where nothing changes and ``copy`` is false.

    A copy keeps the order of the axes in memory, unless ``memory_format`` says another.  ``non_blocking``: a copy from
    page-locked memory (:func:`pin_memory`) to its device, and from that device to ``cpu``, is only queued: the program
    leaves the one alone, and reads the other, when it has waited for the device.

    Raises:
        RankError: the format is for tensors of another rank.
    """
    flags: list[bool] = []
    for arg in args:
        if isinstance(arg, DType):
            dtype = arg
        elif isinstance(arg, Tensor):
            dtype, device = arg.dtype, arg.device
        elif isinstance(arg, (str, Device, int)) and not isinstance(arg, bool):
            device = arg
        elif isinstance(arg, bool):
            flags.append(arg)
        elif arg is not None:
            raise ArgumentTypeError(f"to: expected a dtype, a device or a tensor, got {type(arg).__name__}")
    non_blocking, copy = [*flags, non_blocking, copy][:2] if len(flags) != 1 else (flags[0], copy)
    result = input
    if device is not None and resolve_runtime(device) is not input._array.storage.runtime:
        # Narrow before a move, widen after it: fewer bytes travel, and the device may lack the wide dtype.
        if dtype is not None and dtype.itemsize < result.dtype.itemsize:
            result = converted(result, dtype, _kept(result))
        # What is converted behind the move is read there, by the host perhaps: so it must have arrived.
        wait = not non_blocking or dtype not in (None, result.dtype) or memory_format not in (None, preserve_format)
        result = moved(result, Device(device) if not isinstance(device, Device) else device, wait)
    format = checked("to", memory_format, preserve_format)
    if dtype is not None and dtype is not result.dtype:
        return converted(result, dtype, like("to", format, result._array.layout))
    layout = result._array.layout
    if format is preserve_format:
        return copy_of(result, like("to", format, layout)) if copy and result is input else result
    strides = like("to", format, layout)
    if strides == layout.strides and not (
        copy and result is input
    ):  # PyTorch copies too where only strides of size 1 differ
        return result
    return copy_of(result, strides)


@function()
def type_as(input: Tensor, other: Tensor) -> Tensor:
    """In the dtype of ``other``."""
    return to(input, dtype=other.dtype)


@function(name="cpu", namespace="Tensor")
def to_cpu(input: Tensor, memory_format: Any = None) -> Tensor:
    """On the host device ``cpu``."""
    return to(input, device="cpu", memory_format=memory_format)


@function(name="cuda", namespace="Tensor")
def to_cuda(input: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
    """On an NVIDIA GPU."""
    where = "cuda" if device is None else device
    return to(input, device=where, non_blocking=non_blocking, memory_format=memory_format)


@function(name="bool", namespace="Tensor")
def to_bool(input: Tensor, memory_format: Any = None) -> Tensor:
    """In dtype bool."""
    return to(input, dtype=dtypes.bool_, memory_format=memory_format)


@function(name="byte", namespace="Tensor")
def to_byte(input: Tensor, memory_format: Any = None) -> Tensor:
    """In dtype uint8."""
    return to(input, dtype=dtypes.uint8, memory_format=memory_format)


@function(name="char", namespace="Tensor")
def to_char(input: Tensor, memory_format: Any = None) -> Tensor:
    """In dtype int8."""
    return to(input, dtype=dtypes.int8, memory_format=memory_format)


@function(name="short", namespace="Tensor")
def to_short(input: Tensor, memory_format: Any = None) -> Tensor:
    """In dtype int16."""
    return to(input, dtype=dtypes.int16, memory_format=memory_format)


@function(name="int", namespace="Tensor")
def to_int(input: Tensor, memory_format: Any = None) -> Tensor:
    """In dtype int32."""
    return to(input, dtype=dtypes.int32, memory_format=memory_format)


@function(name="long", namespace="Tensor")
def to_long(input: Tensor, memory_format: Any = None) -> Tensor:
    """In dtype int64."""
    return to(input, dtype=dtypes.int64, memory_format=memory_format)


@function(name="half", namespace="Tensor")
def to_half(input: Tensor, memory_format: Any = None) -> Tensor:
    """In dtype float16."""
    return to(input, dtype=dtypes.float16, memory_format=memory_format)


@function(name="bfloat16", namespace="Tensor")
def to_bfloat16(input: Tensor, memory_format: Any = None) -> Tensor:
    """In dtype bfloat16."""
    return to(input, dtype=dtypes.bfloat16, memory_format=memory_format)


@function(name="float", namespace="Tensor")
def to_float(input: Tensor, memory_format: Any = None) -> Tensor:
    """In dtype float32."""
    return to(input, dtype=dtypes.float32, memory_format=memory_format)


@function(name="double", namespace="Tensor")
def to_double(input: Tensor, memory_format: Any = None) -> Tensor:
    """In dtype float64."""
    return to(input, dtype=dtypes.float64, memory_format=memory_format)


@function(name="cfloat", namespace="Tensor")
def to_cfloat(input: Tensor, memory_format: Any = None) -> Tensor:
    """In dtype complex64."""
    return to(input, dtype=dtypes.complex64, memory_format=memory_format)


@function(name="cdouble", namespace="Tensor")
def to_cdouble(input: Tensor, memory_format: Any = None) -> Tensor:
    """In dtype complex128."""
    return to(input, dtype=dtypes.complex128, memory_format=memory_format)


@function()
def copy_(input: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """Overwrite with ``src``, broadcast, converted, and moved from its device."""
    from hotplug import ops

    if not isinstance(src, Tensor):
        src = ops.tensor(src, device=input.device)
    if non_blocking and not input._array.storage.runtime.capabilities.host_memory:
        src = to(src, device=input.device, non_blocking=True)
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
