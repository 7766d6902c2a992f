"""Several parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from hotplug import ops
from hotplug.errors import ShapeError
from hotplug.tensor import Tensor


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All elements of the parameters, in order.  -> ``(total,)``."""
    return ops.cat(tuple(parameter.reshape(-1) for parameter in parameters), 0)


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Give every parameter its part of a vector as memory; the reverse of :func:`parameters_to_vector`.

    Raises:
        ShapeError: the vector has too few or too many elements; no parameter has changed.
    """
    every = list(parameters)
    total = sum(parameter.numel() for parameter in every)
    if vec.ndim != 1 or vec.numel() != total:
        raise ShapeError(f"vector_to_parameters expected a vector of {total} elements, got shape {list(vec.shape)}")
    start = 0
    for parameter in every:
        size = parameter.numel()
        parameter.data = vec.narrow(0, start, size).view(parameter.shape).data
        start += size
