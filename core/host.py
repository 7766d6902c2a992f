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
    array = tensor._array
    runtime = array.storage.runtime
    memory = runtime.backend.export(array.storage.buffer) if runtime.capabilities.host_memory else None
    if memory is None:
        raise DeviceError(
            f"numpy: a tensor on '{tensor.device}' isn't in host memory; use .cpu() first, or numpy(force=True)"
        )
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
    """An Array on the default host device that shares an ndarray's memory, where alignment allows; else a copy."""
    runtime = runtime_of("cpu")
    kind = from_numpy(values.dtype)
    if not values.dtype.isnative:
        raise CapabilityError("from_numpy: the array has the other byte order; convert it with .astype first")
    strides = values.strides
    whole = all(stride % kind.itemsize == 0 for stride in strides)
    low = sum((n - 1) * s for n, s in zip(values.shape, strides, strict=True) if s < 0) if values.size else 0
    high = sum((n - 1) * s for n, s in zip(values.shape, strides, strict=True) if s > 0) if values.size else 0
    address = values.__array_interface__["data"][0] + low
    if not values.size or not whole or address % _SHARED_ALIGNMENT:
        return from_host(runtime, values, kind)
    nbytes = high - low + kind.itemsize
    flat = np.lib.stride_tricks.as_strided(
        np.ndarray((1,), np.uint8, _bytes_of(values, low)), (nbytes,), (1,)
    ) if low == 0 else None  # fmt: skip
    buffer = None if flat is None else runtime.backend.wrap(runtime.index, flat)
    if buffer is None:
        return from_host(runtime, values, kind)
    storage = Storage(runtime, buffer, nbytes, -1, values)
    return Array(storage, layout_of(kind, values.shape, tuple(s // kind.itemsize for s in strides)))


def _bytes_of(values: np.ndarray[Any, Any], low: int) -> Any:
    """The first byte that an ndarray touches, as a buffer that can be extended over its memory."""
    return np.lib.stride_tricks.as_strided(values, (1,) * 0, ()).reshape(()).view().reshape(1).view(np.uint8)[:1]
