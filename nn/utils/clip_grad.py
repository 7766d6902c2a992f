"""Gradients limited in size."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from hotplug import ops
from hotplug.autograd.mode import no_grad
from hotplug.errors import HotplugError
from hotplug.ops.norms_of_lists import norm_of_list
from hotplug.tensor import Tensor

Tensors = Tensor | Iterable[Tensor]


class NonFiniteNormError(HotplugError, RuntimeError):
    """The norm of the gradients is infinite or NaN."""


def _gradients(parameters: Tensors) -> list[Tensor]:
    every = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return [each.grad for each in every if each.grad is not None]


@no_grad()
def get_total_norm(
    tensors: Tensors, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Tensor:
    """The norm of all elements of several tensors taken together, on the device of the first.

    Args:
        foreach: accepted for PyTorch's sake.

    Raises:
        NonFiniteNormError: it is infinite or NaN, and ``error_if_nonfinite`` is true.
    """
    every = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    if not every:
        return ops.tensor(0.0)
    order, device = float(norm_type), every[0].device
    alike: dict[Any, list[Tensor]] = {}
    for each in every:
        alike.setdefault((each.device, each.dtype), []).append(each)
    norms = [norm_of_list(group, order).to(device) for group in alike.values()]
    total = norms[0] if len(norms) == 1 else ops.norm(ops.stack(norms, 0), order)
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
    every = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    total = get_total_norm(_gradients(every), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(every, max_norm, total)
    return total


@no_grad()
def clip_grads_with_norm_(
    parameters: Tensors, max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scale all gradients by ``max_norm / total_norm`` where that is less than 1; in place."""
    factor = ops.clamp(float(max_norm) / (total_norm + 1e-6), max=1.0)
    factors: dict[Any, Tensor] = {}
    for grad in _gradients(parameters):
        if grad.device not in factors:
            factors[grad.device] = factor.to(grad.device)
        grad.mul_(factors[grad.device])


@no_grad()
def clip_grad_value_(parameters: Tensors, clip_value: float, foreach: bool | None = None) -> None:
    """Limit every element of all gradients to ``[-clip_value, clip_value]``; in place."""
    for grad in _gradients(parameters):
        grad.clamp_(-float(clip_value), float(clip_value))
