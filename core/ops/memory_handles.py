"""Methods by which programs look at, share and replace a tensor's memory, and old ways to make one like it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hotplug import accelerator
from hotplug.array import Array
from hotplug.declare import function, primitive
from hotplug.device import device as Device
from hotplug.dtypes import dtype as DType
from hotplug.errors import ArgumentError, ArgumentTypeError, AutogradError, DeviceError
from hotplug.layout import layout_of
from hotplug.ops import creation
from hotplug.ops.movement import copy_
from hotplug.pinning import pinned, pinned_copy
from hotplug.runtime import resolve_runtime
from hotplug.tensor import Size, Tensor, wrap


@function(namespace="Tensor")
def data_ptr(input: Tensor) -> int:
    """Where the first element lies: an address in host memory, elsewhere a number that no other element has."""
    from hotplug.storage import address

    return address(input._array.storage, input._array.offset * input.dtype.itemsize) if input.numel() else 0


@function(namespace="Tensor")
def untyped_storage(input: Tensor) -> Any:
    """The memory, as bytes."""
    from hotplug.storage import UntypedStorage

    return UntypedStorage(input._array.storage, input.device)


@function(namespace="Tensor")
def storage(input: Tensor) -> Any:
    """The memory, as elements of the tensor's dtype."""
    from hotplug.storage import TypedStorage, UntypedStorage

    return TypedStorage(UntypedStorage(input._array.storage, input.device), input.dtype)


@function(namespace="Tensor")
def is_set_to(input: Tensor, tensor: Tensor) -> bool:
    """Whether both are the same view of the same memory."""
    left, right = input._array, tensor._array
    return left.storage is right.storage and left.layout == right.layout and left.offset == right.offset


@function(namespace="Tensor")
def set_(input: Tensor, source: Tensor | None = None) -> Tensor:
    """Take the memory, shape and strides of another tensor; without one, none.

    Raises:
        AutogradError: the tensor is part of a graph.
    """
    if not input.is_leaf:
        raise AutogradError("set_: a tensor that was computed can't be given other memory; detach() it first")
    other = creation.empty((0,), dtype=input.dtype, device=input.device) if source is None else source
    if other.dtype is not input.dtype:
        raise ArgumentError(f"set_: expected a tensor of {input.dtype.name}, got {other.dtype.name}")
    input._array = other._array
    return input


@function(namespace="Tensor", name="new")
def new_of_kind(input: Tensor, *data: Any, device: Any = None) -> Tensor:
    """PyTorch's old constructor of a tensor's own dtype and device: of values, or of a shape without values."""
    where = input.device if device is None else device
    if len(data) == 1 and isinstance(data[0], Tensor):
        return data[0].to(where, input.dtype, copy=True)
    if len(data) == 1 and not isinstance(data[0], (int, Size)):
        return creation.tensor(data[0], dtype=input.dtype, device=where)
    shape = data[0] if len(data) == 1 and isinstance(data[0], Size) else data or (0,)
    return creation.empty(tuple(shape), dtype=input.dtype, device=where)


@function(method=False)
def empty_strided(
    size: Sequence[int], stride: Sequence[int], *, dtype: DType | None = None, device: Any = None,
    requires_grad: bool = False, **layout: Any,
) -> Tensor:  # fmt: skip
    """Uninitialised memory of a shape and of strides that count elements.

    Raises:
        ArgumentError: the two differ in length, or a number is negative.
    """
    del layout
    if len(size) != len(stride) or min((*size, *stride), default=0) < 0:
        raise ArgumentError(
            f"empty_strided: expected as many strides as sizes, none negative, got {list(size)} and {list(stride)}"
        )
    count = 0 if 0 in size else 1 + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    flat = creation.empty((count,), dtype=dtype, device=device)
    made = wrap(Array(flat._array.storage, layout_of(flat.dtype, tuple(size), tuple(stride))))
    return made.requires_grad_() if requires_grad else made


@function(namespace="Tensor")
def new_empty_strided(
    input: Tensor, size: Sequence[int], stride: Sequence[int], *, dtype: DType | None = None, device: Any = None,
    requires_grad: bool = False, **layout: Any,
) -> Tensor:  # fmt: skip
    """:func:`empty_strided` of the tensor's dtype and device."""
    del layout
    return empty_strided(size, stride, dtype=dtype or input.dtype, device=device or input.device,
                         requires_grad=requires_grad)  # fmt: skip


@function(namespace="Tensor", name="resize")
def resized(input: Tensor, *sizes: Any) -> Tensor:
    """PyTorch's deprecated name of ``reshape`` for tensors that need no gradient; it keeps the number of elements."""
    shape = tuple(sizes[0]) if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes
    return input.reshape(shape)


@function(namespace="Tensor")
def resize_as(input: Tensor, tensor: Tensor) -> Tensor:
    """:func:`resized` to the shape of another."""
    return input.reshape(tuple(tensor.shape))


class PinError(DeviceError, RuntimeError):
    """Memory of a device can't be page-locked."""


@primitive
def in_page_locked_memory(input: Array, device: Device) -> Array:
    """A copy in page-locked memory of a device; the Array itself where it has none."""
    return pinned_copy(input, resolve_runtime(device))


@in_page_locked_memory.gradient("input")
def _(grad: Tensor) -> Tensor:
    return grad


@function(namespace="Tensor")
def is_pinned(input: Tensor, device: Any = None) -> bool:
    """Whether the memory is page-locked (:func:`pin_memory`)."""
    del device
    return pinned(input._array) is not None


@function(namespace="Tensor")
def pin_memory(input: Tensor, device: Any = None) -> Tensor:
    """A copy in page-locked host memory, from which a device copies by itself while the program goes on.

    Args:
        input: on ``cpu``.
        device: for which one; default: that of :func:`hotplug.accelerator.current_accelerator`.

    The tensor itself where it is in such memory already, or no device offers any.

    Raises:
        PinError: the tensor isn't in host memory.
    """
    if not input._array.storage.runtime.capabilities.host_memory:
        raise PinError(f"pin_memory: cannot pin a tensor on '{input.device}', only tensors on 'cpu' can be pinned")
    target = accelerator.current_accelerator() if device is None else Device(device)
    if target is None or pinned(input._array) is not None:
        return input
    found: Tensor = in_page_locked_memory(input, target)
    return found if pinned(found._array) is not None else input


@function(namespace="Tensor")
def is_shared(input: Tensor) -> bool:
    """Whether other processes see the memory: never, tensors are sent to them by value."""
    return False


@function(namespace="Tensor")
def share_memory_(input: Tensor) -> Tensor:
    """The tensor itself, with its memory not shared.

    Raises:
        DeviceError: always: a program that relies on it would silently compute something else.
    """
    raise DeviceError(
        "share_memory_: processes do not share tensors; send them by value, or keep the state in one process"
    )


@function(namespace="Tensor")
def record_stream(input: Tensor, stream: Any) -> None:
    """Nothing: a device has one queue, so memory is free once the work before is done."""
    del stream


@function(namespace="Tensor")
def to_dense(input: Tensor, dtype: DType | None = None, *, masked_grad: bool | None = None) -> Tensor:
    """The tensor itself, which is dense, in another dtype where one is given."""
    del masked_grad
    return input if dtype is None else input.to(dtype)


@function(namespace="Tensor")
def apply_(input: Tensor, callable: Callable[[Any], Any]) -> Tensor:
    """Each element by what a Python function makes of it; on the host, element by element, so it is slow.

    Raises:
        ArgumentTypeError: it can't be called.
    """
    return _by_function("apply_", input, callable)


@function(namespace="Tensor")
def map_(input: Tensor, tensor: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
    """Each element by what a Python function makes of it and of another tensor's; on the host, so it is slow."""
    return _by_function("map_", input, callable, tensor)


@function(namespace="Tensor")
def map2_(input: Tensor, x: Tensor, y: Tensor, callable: Callable[[Any, Any, Any], Any]) -> Tensor:
    """:func:`map_` for two further tensors."""
    return _by_function("map2_", input, callable, x, y)


def _by_function(op: str, input: Tensor, function: Callable[..., Any], *others: Tensor) -> Tensor:
    if not callable(function):
        raise ArgumentTypeError(f"{op} expected a function, got {type(function).__name__}")
    if input.device.type not in ("cpu", "numpy"):
        raise ArgumentTypeError(f"{op} is only implemented on tensors in host memory, this one is on {input.device}")
    if input.requires_grad:
        raise AutogradError(f"{op}: a Python function has no gradient; use it on detach()")
    columns = [each.expand(tuple(input.shape)).reshape(-1).tolist() for each in (input, *others)]
    values = [function(*row) for row in zip(*columns, strict=True)]
    made = creation.tensor(values, dtype=input.dtype, device=input.device)
    return copy_(input, made.reshape(tuple(input.shape)))
