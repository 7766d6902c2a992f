"""``Variable``: PyTorch's name of a tensor with a gradient, from the time when these were two things."""

from __future__ import annotations

from typing import Any

from hotplug.tensor import Tensor


class _VariableType(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor)

    def __call__(cls, data: Tensor, requires_grad: bool = False, volatile: Any = None) -> Tensor:
        """The tensor's values as a leaf; ``volatile`` is of no effect."""
        return data.detach().requires_grad_(requires_grad)


class Variable(metaclass=_VariableType):
    """``Variable(tensor)`` is a tensor, and every tensor is an instance."""
