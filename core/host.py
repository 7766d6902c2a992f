"""Between host and device: the closed list of host reads, and values coming in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from hotplug import dispatch
from hotplug.array import Array, Storage
from hotplug.autograd.graph import history
from hotplug.dtypes import dtype, from_numpy
from hotplug.errors import AutogradError, CapabilityError, DeviceError, HotplugError, PluginError
from hotplug.layout import layout_of
from hotplug.runtime import Runtime, missing_dtype, runtime_of

if TYPE_CHECKING:
    from hotplug.tensor import Tensor

_SHARED_ALIGNMENT: Final = 16


def from_host(runtime: Runtime, values: np.ndarray[Any, Any], target: dtype) -> Array:
    """A copy of host values, already of the target's NumPy dtype, on a device."""
    if target not in runtime.capabilities.storage:
        raise missing_dtype(runtime, "copy from the host", target)
    dense = np.ascontiguousarray(values, dtype=target.numpy)
    out = runtime.empty(layout_of(target, values.shape))
    if dense.size:
        try:
            runtime.backend.write(out.storage.buffer, 0, dense.reshape(-1).view(np.uint8).data)
        except HotplugError:
            raise
        except Exception as error:
            raise DeviceError(f"copy from the host to {runtime.name}: writing failed: {error!r}") from error
    return out


def to_host(array: Array, op: str) -> np.ndarray[Any, Any]:
    """A copy of the elements in host memory; waits for the device."""
    runtime = array.storage.runtime
    runtime.counts["host_read"] += 1
    if array.numel == 0:
        return np.empty(array.shape, array.dtype.numpy)
    if not array.layout.is_contiguous:
        array = dispatch.clone(array)
    size = array.dtype.itemsize
    try:
        data = bytearray(runtime.backend.read(array.storage.buffer, array.offset * size, array.numel * size))
    except HotplugError:
        raise
    except Exception as error:
        raise DeviceError(f"{op} on {runtime.name}: reading from the device failed: {error}") from error
    if len(data) != array.numel * size:
        raise PluginError(
            f"{op}: read of backend {runtime.backend.name!r} returned {len(data)} bytes, expected {array.numel * size}"
        )
    return np.frombuffer(data, dtype=array.dtype.numpy).reshape(array.shape)


def to_numpy(tensor: Tensor, op: str) -> np.ndarray[Any, Any]:
    """The elements of a tensor as a NumPy copy."""
    return to_host(tensor._array, op)


def item(tensor: Tensor) -> Any:
    """The one element as a Python number.

    Raises:
        HotplugError: there are several, or none.
    """
    if tensor.numel() != 1:
        raise _NotOneElementError(
            f"a Tensor with {tensor.numel()} elements cannot be converted to Scalar; use tolist()"
        )
    return to_host(tensor._array, "item").reshape(()).item()


class _NotOneElementError(HotplugError, RuntimeError):
    """``item`` of several elements, or of none."""


def numpy(tensor: Tensor, force: bool) -> np.ndarray[Any, Any]:
    """A NumPy view of a tensor in host memory."""
    if force:
        tensor = tensor.detach()
        if not tensor._array.storage.runtime.capabilities.host_memory:
            return to_host(tensor._array, "numpy")
    if history(tensor) is not None:
        raise AutogradError("can't call numpy() on Tensor that requires grad; use tensor.detach().numpy() instead")
    view = exported(tensor._array)
    if view is None:
        raise DeviceError(
            f"numpy: a tensor on '{tensor.device}' isn't in host memory; use .cpu() first, or numpy(force=True)"
        )
    return view


def exported(array: Array) -> np.ndarray[Any, Any] | None:
    """An Array's memory as an ndarray, which keeps the Storage; ``None`` where it isn't in host memory."""
    runtime = array.storage.runtime
    memory = runtime.backend.export(array.storage.buffer) if runtime.capabilities.host_memory else None
    if memory is None:
        return None
    size = array.dtype.itemsize
    view = np.ndarray(array.shape, array.dtype.numpy, memory, array.offset * size, array.layout.byte_strides)
    return np.asarray(_Export(view, array.storage)).view(array.dtype.numpy)


@final
class _Export:
    """The owner of what :func:`numpy` returns: it holds the Storage, so that the block isn't handed out again."""

    def __init__(self, view: np.ndarray[Any, Any], storage: Storage) -> None:
        self.storage = storage
        self.__array_interface__ = {**view.__array_interface__, "descr": None}
        if view.dtype.kind == "V":  # bfloat16: plain two-byte items for the protocol
            self.__array_interface__["typestr"] = "<u2"
        self._view = view


def cast_on_host(values: np.ndarray[Any, Any], target: dtype) -> np.ndarray[Any, Any]:
    """Host values in the target's NumPy dtype, by the core's conversion table.

    Raises:
        ValueError: nested sequences of unequal length, or values that are no numbers.
        OverflowError: a Python int that the target can't hold.
    """
    if values.dtype.kind == "O":
        raise ValueError(f"expected numbers in nested sequences of equal length, got {values.reshape(-1)[:1].tolist()}")
    if values.dtype.kind in "SUmM":
        raise ValueError(f"expected numbers, got {values.dtype}")
    if values.dtype.kind == "f" and target.kind in "ui":
        with np.errstate(invalid="ignore"):
            return values.astype(np.int64).astype(target.numpy)
    if values.dtype.kind == "c" and target.kind != "c":
        raise ValueError(f"complex values can't be converted to {target.name}")
    with np.errstate(over="ignore", invalid="ignore"):
        return values.astype(target.numpy)


def share(values: np.ndarray[Any, Any]) -> Array:
    """An Array on the default host device that shares an ndarray's memory.

    An array that is read-only, or not aligned to 16 bytes, is copied.
    """
    runtime = runtime_of("cpu")
    shared = share_on(runtime, values)
    return from_host(runtime, values, from_numpy(values.dtype)) if shared is None else shared


def share_on(runtime: Runtime, values: np.ndarray[Any, Any], slack: int = 0) -> Array | None:
    """An Array on a device that shares an ndarray's memory, or ``None`` where that can't be.

    Args:
        runtime: the device.
        values: of any strides, negative ones too.
        slack: bytes in front of the array that may belong to the buffer, so that it starts at an aligned address.
    """
    kind = from_numpy(values.dtype)
    if not values.dtype.isnative:
        raise CapabilityError("from_numpy: the array has the other byte order; convert it with .astype first")
    layout = layout_of(kind, values.shape, tuple(stride // kind.itemsize for stride in values.strides))
    if not values.size or not values.flags.writeable or any(stride % kind.itemsize for stride in values.strides):
        return None
    low, high = layout.extent()
    address = values.__array_interface__["data"][0] + low * kind.itemsize
    spare = address % _SHARED_ALIGNMENT
    if spare > slack or spare % kind.itemsize:
        return None
    nbytes = spare + (high - low + 1) * kind.itemsize
    buffer = runtime.backend.wrap(runtime.index, np.asarray(_Memory(address - spare, nbytes, values)))
    if buffer is None:
        return None
    return Array(Storage(runtime, buffer, nbytes, -1, values), layout, spare // kind.itemsize - low)


@final
class _Memory:
    """Bytes at an address, for NumPy; ``owner`` keeps them alive."""

    def __init__(self, address: int, nbytes: int, owner: object) -> None:
        self.owner = owner
        self.__array_interface__ = {"data": (address, False), "shape": (nbytes,), "typestr": "|u1", "version": 3}
