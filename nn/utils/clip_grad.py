"""Gradients limited in size."""

from __future__ import annotations

import math
from collections.abc import Iterable

from hotplug import ops
from hotplug.autograd.mode import no_grad
from hotplug.errors import HotplugError
from hotplug.tensor import Tensor

Tensors = Tensor | Iterable[Tensor]


class NonFiniteNormError(HotplugError, RuntimeError):
    """The norm of the gradients is infinite or NaN."""


def _gradients(parameters: Tensors) -> list[Tensor]:
    every = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return [each.grad for each in every if each.grad is not None]


@no_grad()
def get_total_norm(tensors: Tensors, norm_type: float = 2.0, error_if_nonfinite: bool = False) -> Tensor:
    """The norm of all elements of several tensors taken together, on the device of the first.

    Raises:
        NonFiniteNormError: it is infinite or NaN, and ``error_if_nonfinite`` is true.
    """
    every = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    if not every:
        return ops.tensor(0.0)
    device = every[0].device
    norms = ops.stack(tuple(ops.norm(each, float(norm_type)).to(device) for each in every), 0)
    total = ops.norm(norms, float(norm_type))
    if error_if_nonfinite and not math.isfinite(total.item()):
        raise NonFiniteNormError(
            f"the total norm of order {norm_type} for gradients is {total.item()}, so it cannot be clipped; find the "
            f"parameter whose gradient isn't finite, or pass error_if_nonfinite=False"
        )
    return total


@no_grad()
def clip_grad_norm_(
    parameters: Tensors, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:  # fmt: skip
    """Scale all gradients by one factor so that their common norm is at most ``max_norm``; in place.

    Args:
        foreach: accepted for PyTorch's sake.

    Returns:
        The norm before.

    Raises:
        NonFiniteNormError: it is infinite or NaN, and ``error_if_nonfinite`` is true; nothing has changed.
    """
    grads = _gradients(parameters)
    total = get_total_norm(grads, norm_type, error_if_nonfinite)
    factor = ops.clamp(float(max_norm) / (total + 1e-6), max=1.0)
    for grad in grads:
        grad.mul_(factor.to(grad.device))
    return total


@no_grad()
def clip_grad_value_(parameters: Tensors, clip_value: float, foreach: bool | None = None) -> None:
    """Limit every element of all gradients to ``[-clip_value, clip_value]``; in place."""
    for grad in _gradients(parameters):
        grad.clamp_(-float(clip_value), float(clip_value))
