"""Parameter and Buffer: the tensors that a Module registers when they are assigned to it."""

from __future__ import annotations

from hotplug import ops
from hotplug.errors import ArgumentTypeError
from hotplug.tensor import Tensor


def _memory(kind: str, data: Tensor | None) -> Tensor:
    if data is None:
        return ops.empty(0)
    if not isinstance(data, Tensor):
        raise ArgumentTypeError(
            f"{kind} expected a Tensor, got {type(data).__name__}; make one with hotplug.tensor(...)"
        )
    return data


class Parameter(Tensor):
    """A tensor to be trained: assigned to a :class:`Module`, it appears among its :meth:`~Module.parameters`.

    It is a leaf, and shares the memory of ``data``.  Results of ops on it are plain tensors.

    Args:
        data: the initial value, of any shape.
        requires_grad: whether it is trained at the moment.
    """

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        self._array, self._meta = _memory("Parameter", data)._array, None
        self.requires_grad_(requires_grad)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


class Buffer(Tensor):
    """A tensor of a module's state that is not trained: assigned to a :class:`Module`, it becomes a buffer.

    Args:
        data: the initial value, of any shape.
        persistent: whether it is part of :meth:`Module.state_dict`.
    """

    persistent: bool

    def __init__(self, data: Tensor | None = None, *, persistent: bool = True) -> None:
        self._array, self._meta = _memory("Buffer", data)._array, None
        self.persistent = persistent
