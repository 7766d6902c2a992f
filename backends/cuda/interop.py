"""Memory of CUDA tensors shared with CuPy, PyTorch, Numba and others, without a copy.

``__cuda_array_interface__`` (version 3) and DLPack name the stream on which the memory was last used; who takes the memory
waits for that stream.

>>> import cupy, torch                                      # doctest: +SKIP
>>> from hotplug.backends.cuda.interop import from_cuda_array, shared
>>> theirs = cupy.asarray(shared(tensor))                   # doctest: +SKIP
>>> also = torch.from_dlpack(shared(tensor))                # doctest: +SKIP
>>> ours = from_cuda_array(cupy.arange(4.0))                # doctest: +SKIP
"""

from __future__ import annotations

from typing import Any, Final, final

import numpy as np

from hotplug.array import Array, Storage
from hotplug.autograd.graph import history
from hotplug.backends.cuda.device import Block
from hotplug.dtypes import bfloat16, from_numpy
from hotplug.errors import ExchangeError
from hotplug.layout import contiguous_strides, layout_of
from hotplug.runtime import resolve_runtime
from hotplug.tensor import Tensor, wrap

_VERSION: Final = 3


@final
class Shared:
    """A tensor's memory for other libraries; it keeps the memory from being used for anything else.

    Raises:
        ExchangeError: the tensor requires a gradient, isn't on a CUDA device, or has a dtype that has no name there.
    """

    def __init__(self, tensor: Tensor) -> None:
        array = tensor._array
        block = array.storage.buffer
        if history(tensor) is not None:
            raise ExchangeError("shared: can't share tensors that require gradient; use tensor.detach()")
        if not isinstance(block, Block):
            raise ExchangeError(f"shared: a tensor on '{tensor.device}' has no CUDA memory; use .to('cuda')")
        if array.dtype is bfloat16:
            raise ExchangeError(
                "shared: bfloat16 has no name in __cuda_array_interface__; share x.view(hotplug.uint16)"
            )
        self._array: Final = array
        self.__cuda_array_interface__: Final[dict[str, Any]] = {
            "shape": array.shape, "strides": array.layout.byte_strides, "typestr": array.dtype.numpy.str,
            "data": (block.address + array.offset * array.dtype.itemsize, False), "version": _VERSION,
            "stream": block.device.driver.stream or None,
        }  # fmt: skip

    def __dlpack__(self, **options: Any) -> Any:
        """A capsule made by CuPy, which makes the consumer's stream wait for ours."""
        return self._as_cupy().__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        kind, index = self._as_cupy().__dlpack_device__()
        return int(kind), int(index)

    def _as_cupy(self) -> Any:
        import cupy

        return cupy.asarray(self)


def shared(tensor: Tensor) -> Shared:
    """The tensor's memory as an object with ``__cuda_array_interface__``, ``__dlpack__`` and ``__dlpack_device__``."""
    return Shared(tensor)


def from_cuda_array(foreign: Any, device: Any = "cuda") -> Tensor:
    """A tensor that shares the memory of an object with ``__cuda_array_interface__``, which it keeps alive.

    Raises:
        ExchangeError: there is no such interface, the memory is read-only, masked or not aligned to its elements, or the
            device is no CUDA device.
    """
    found = getattr(foreign, "__cuda_array_interface__", None)
    if found is None:
        raise ExchangeError(f"from_cuda_array: {type(foreign).__name__} has no __cuda_array_interface__")
    address, read_only = found["data"]
    kind = from_numpy(np.dtype(found["typestr"]))
    shape = tuple(found["shape"])
    steps = found.get("strides")
    aligned = not any(step % kind.itemsize for step in steps or ()) and address % kind.itemsize == 0
    if read_only or found.get("mask") is not None or not aligned:
        raise ExchangeError("from_cuda_array: the memory must be writable, without a mask, and aligned; copy it first")
    runtime = resolve_runtime(device)
    own = getattr(runtime.backend, "device", None)
    if own is None:
        raise ExchangeError(f"from_cuda_array: '{runtime.name}' is no CUDA device")
    if found.get("stream"):
        own(runtime.index).driver.wait_for(int(found["stream"]))
    layout = layout_of(
        kind, shape, contiguous_strides(shape) if steps is None else tuple(s // kind.itemsize for s in steps)
    )
    low, high = layout.extent()
    nbytes = (high - low + 1) * kind.itemsize
    block = Block(own(runtime.index), address + low * kind.itemsize, nbytes, foreign)
    return wrap(Array(Storage(runtime, block, nbytes, -1, foreign), layout, -low))
