"""Memory of CUDA tensors shared with CuPy, PyTorch, Numba and others, without a copy.

Tensors have both protocols themselves: ``__cuda_array_interface__`` (version 3), which names the stream on which the memory
was last used, so that the consumer waits for it; and DLPack, where the consumer names its stream and we let it wait.

>>> import cupy, torch, hotplug as hp                       # doctest: +SKIP
>>> theirs = cupy.asarray(tensor)                           # doctest: +SKIP
>>> also = torch.from_dlpack(tensor)                        # doctest: +SKIP
>>> ours = hp.from_dlpack(torch.ones(3, device="cuda"))     # doctest: +SKIP
>>> from hotplug.backends.cuda.interop import from_cuda_array
>>> ours = from_cuda_array(cupy.arange(4.0))                # doctest: +SKIP
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hotplug.array import Array, Storage
from hotplug.dtypes import from_numpy
from hotplug.errors import ExchangeError
from hotplug.layout import contiguous_strides, layout_of
from hotplug.runtime import resolve_runtime
from hotplug.tensor import Tensor, wrap


def shared(tensor: Tensor) -> Tensor:
    """The tensor itself, which has the protocols; other libraries look for them there.

    Raises:
        ExchangeError: the tensor requires a gradient, isn't on a CUDA device, or has a dtype that has no name in
            ``__cuda_array_interface__``.
    """
    try:
        assert tensor.__cuda_array_interface__
    except AttributeError as error:
        raise ExchangeError(f"shared: {error}") from None
    return tensor


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
    layout = layout_of(
        kind, shape, contiguous_strides(shape) if steps is None else tuple(s // kind.itemsize for s in steps)
    )
    low, high = layout.extent()
    nbytes = (high - low + 1) * kind.itemsize
    buffer = runtime.backend.adopt(runtime.index, address + low * kind.itemsize, nbytes, foreign)
    if buffer is None:
        raise ExchangeError(f"from_cuda_array: '{runtime.name}' is no CUDA device")
    if found.get("stream"):
        runtime.backend.follow(runtime.index, int(found["stream"]))
    return wrap(Array(Storage(runtime, buffer, nbytes, -1, foreign), layout, -low))
