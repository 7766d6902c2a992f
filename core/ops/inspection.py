"""What programs ask of a tensor, and limits on one side."""

from __future__ import annotations

from typing import Any

from hotplug.declare import function
from hotplug.errors import ShapeError
from hotplug.ops.arithmetic import clamp
from hotplug.ops.complex_numbers import conj
from hotplug.tensor import Tensor


@function(inplace=True)
def clamp_min(input: Tensor, min: Any) -> Tensor:
    """``input`` where not below ``min``, else ``min``."""
    return clamp(input, min)


@function(inplace=True)
def clamp_max(input: Tensor, max: Any) -> Tensor:
    """``input`` where not above ``max``, else ``max``."""
    return clamp(input, None, max)


@function()
def is_signed(input: Tensor) -> bool:
    """Whether the dtype has negative numbers."""
    return input.dtype.kind not in "bu"


@function()
def is_nonzero(input: Tensor) -> bool:
    """Whether the one element is not zero (a host read).

    Raises:
        ShapeError: there is not exactly one element.
    """
    if input.numel() != 1:
        raise ShapeError(f"is_nonzero: Boolean value of Tensor with {input.numel()} values is ambiguous")
    return bool(input.item())


@function()
def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether the shapes are equal."""
    return tuple(input.shape) == tuple(other.shape)


@function()
def is_inference(input: Tensor) -> bool:
    """Whether the tensor was made in inference mode."""
    return input._meta is not None and input._meta.inference


@function()
def get_device(input: Tensor) -> int:
    """The number of the tensor's device among those of its backend; -1 for the processor, as in PyTorch."""
    return -1 if input.device.type == "cpu" else input.device.index or 0


@function()
def is_conj(input: Tensor) -> bool:
    """Whether a conjugation is still to be done: never, they are done at once."""
    return False


@function()
def is_neg(input: Tensor) -> bool:
    """Whether a negation is still to be done: never, they are done at once."""
    return False


@function()
def resolve_conj(input: Tensor) -> Tensor:
    """The tensor itself: conjugations are done at once."""
    return input


@function()
def resolve_neg(input: Tensor) -> Tensor:
    """The tensor itself: negations are done at once."""
    return input


@function()
def adjoint(input: Tensor) -> Tensor:
    """The conjugate transpose of the last two axes; of a real tensor a view."""
    return conj(input.transpose(-2, -1) if input.ndim else input)
