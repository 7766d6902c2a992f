"""``pickle`` and ``copy.deepcopy`` of tensors.

A pickled tensor is its class, its elements' bytes, dtype, shape, device string and ``requires_grad``; it returns to the
device that it came from.  (Unpickling runs code, as Python's always does: exchange weights as safetensors.)
"""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np

from hotplug import dispatch, host
from hotplug.array import Array
from hotplug.autograd.graph import Meta
from hotplug.dtypes import by_name
from hotplug.errors import AutogradError
from hotplug.runtime import resolve_runtime
from hotplug.tensor import Tensor


def bare(kind: type[Tensor], array: Array, requires_grad: bool) -> Tensor:
    """A leaf of a given class, without running the class's constructor."""
    tensor: Tensor = object.__new__(kind)
    tensor._array = array
    tensor._meta = Meta(True) if requires_grad else None
    return tensor


def rebuild(
    kind: type[Tensor], data: Any, dtype: str, shape: tuple[int, ...], device: str, requires_grad: bool
) -> Tensor:
    """The tensor that :func:`reduce` took apart; pickles refer to this function by name.

    ``data`` is a buffer of bytes.  A writable one, which nobody else has, becomes the tensor's memory where it can.
    """
    found, runtime = by_name(dtype), resolve_runtime(device)
    values = np.frombuffer(data, dtype=found.numpy).reshape(shape)
    array = host.share_on(runtime, values) if runtime.capabilities.host_memory else None
    return bare(kind, host.from_host(runtime, values, found) if array is None else array, requires_grad)


def reduce(tensor: Tensor, protocol: int) -> tuple[Any, ...]:
    """What ``Tensor.__reduce_ex__`` returns: a host read.

    From protocol 5 on the elements are a buffer, which a pickler with a ``buffer_callback`` leaves where they are.

    Raises:
        AutogradError: the tensor was made by a recorded op; a graph can't be pickled.
    """
    if not tensor.is_leaf:
        raise AutogradError("pickle: only leaf tensors can be pickled, this one has a history; use detach() first")
    seen = host.exported(tensor._array) if tensor.is_contiguous() else None
    values = host.to_numpy(tensor, "pickle") if seen is None else seen
    data: Any = values.tobytes() if protocol < 5 else pickle.PickleBuffer(values.reshape(-1).view(np.uint8).data)
    args = (type(tensor), data, tensor.dtype.name, tuple(tensor.shape), str(tensor.device), tensor.requires_grad)
    return rebuild, args, vars(tensor) or None


def deepcopy(tensor: Tensor, memo: dict[int, Any]) -> Tensor:
    """A copy on the same device, with its gradient and attributes.

    Raises:
        AutogradError: the tensor was made by a recorded op.
    """
    if id(tensor) in memo:
        return memo[id(tensor)]  # type: ignore[no-any-return]
    if not tensor.is_leaf:
        raise AutogradError(
            "deepcopy: only tensors created explicitly by the user (graph leaves) support the deepcopy protocol; "
            "use detach() first"
        )
    result = bare(type(tensor), dispatch.clone(tensor._array), tensor.requires_grad)
    memo[id(tensor)] = result
    if tensor.grad is not None:
        result.grad = copy.deepcopy(tensor.grad, memo)
    vars(result).update(copy.deepcopy(vars(tensor), memo))
    return result
