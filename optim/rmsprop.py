"""RMSprop (Hinton, lecture 6 of "Neural Networks for Machine Learning", 2012)."""

from __future__ import annotations

from typing import Any

from hotplug.declare import elementwise, numeric
from hotplug.expr import scalar as s
from hotplug.optim._counted import Counted, check_at_least_zero, decayed, slot
from hotplug.optim._step import Step
from hotplug.optim.optimizer import Params
from hotplug.optim.sgd import check_common
from hotplug.tensor import Tensor


def _scaled(square_avg: Any, grad: Any, alpha: Any, rest: Any, eps: Any) -> Any:
    square_avg = square_avg * alpha + grad * grad * rest
    return grad / (s.sqrt(square_avg) + eps), square_avg


def _centered(square_avg: Any, grad_avg: Any, grad: Any, alpha: Any, rest: Any, eps: Any) -> Any:
    square_avg = square_avg * alpha + grad * grad * rest
    grad_avg = grad_avg + (grad - grad_avg) * rest
    return grad / (s.sqrt(square_avg - grad_avg * grad_avg) + eps), square_avg, grad_avg


@elementwise(dtype=numeric, namespace="optim", method=False, inplace=False)
def rmsprop_step(
    param: Any, square_avg: Any, grad: Any, lr: Any, weight_decay: Any, alpha: Any, rest: Any, eps: Any,
    maximize: bool = False,
) -> Any:  # fmt: skip
    """The new parameter and mean of squares."""
    step, square_avg = _scaled(square_avg, decayed(param, grad, weight_decay, maximize), alpha, rest, eps)
    return param - step * lr, square_avg


@elementwise(dtype=numeric, namespace="optim", method=False, inplace=False)
def rmsprop_momentum_step(
    param: Any, square_avg: Any, buffer: Any, grad: Any, lr: Any, weight_decay: Any, alpha: Any, rest: Any, eps: Any,
    momentum: Any, maximize: bool = False,
) -> Any:  # fmt: skip
    """As :func:`rmsprop_step`, by way of a momentum buffer."""
    step, square_avg = _scaled(square_avg, decayed(param, grad, weight_decay, maximize), alpha, rest, eps)
    buffer = buffer * momentum + step
    return param - buffer * lr, square_avg, buffer


@elementwise(dtype=numeric, namespace="optim", method=False, inplace=False)
def rmsprop_centered_step(
    param: Any, square_avg: Any, grad_avg: Any, grad: Any, lr: Any, weight_decay: Any, alpha: Any, rest: Any, eps: Any,
    maximize: bool = False,
) -> Any:  # fmt: skip
    """As :func:`rmsprop_step`, divided by the deviation from the mean gradient."""
    grad = decayed(param, grad, weight_decay, maximize)
    step, square_avg, grad_avg = _centered(square_avg, grad_avg, grad, alpha, rest, eps)
    return param - step * lr, square_avg, grad_avg


@elementwise(dtype=numeric, namespace="optim", method=False, inplace=False)
def rmsprop_centered_momentum_step(
    param: Any, square_avg: Any, grad_avg: Any, buffer: Any, grad: Any, lr: Any, weight_decay: Any, alpha: Any,
    rest: Any, eps: Any, momentum: Any, maximize: bool = False,
) -> Any:  # fmt: skip
    """As :func:`rmsprop_centered_step`, by way of a momentum buffer."""
    grad = decayed(param, grad, weight_decay, maximize)
    step, square_avg, grad_avg = _centered(square_avg, grad_avg, grad, alpha, rest, eps)
    buffer = buffer * momentum + step
    return param - buffer * lr, square_avg, grad_avg, buffer


_STEPS = {
    (False, False): Step(rmsprop_step), (False, True): Step(rmsprop_momentum_step),
    (True, False): Step(rmsprop_centered_step), (True, True): Step(rmsprop_centered_momentum_step),
}  # fmt: skip
"""By whether it is centered, and whether it has momentum."""


class RMSprop(Counted):
    """``p -= lr * g / (sqrt(v) + eps)`` with the running mean ``v`` of ``g**2``.

    Args:
        params: see :class:`Optimizer`.
        lr: learning rate.
        alpha: how much of ``v`` is kept at a step.
        eps: keeps the quotient finite.
        weight_decay: times the parameter is added to the gradient.
        momentum: of a buffer that sums the quotients.
        centered: take the square of the mean gradient off ``v`` (Graves, 2013).
        maximize: climb instead.
        foreach, capturable: accepted for PyTorch's sake; every parameter's step is one kernel.
        differentiable: only ``False``.
    """

    def __init__(
        self, params: Params, lr: float | Tensor = 1e-2, alpha: float = 0.99, eps: float = 1e-8,
        weight_decay: float = 0, momentum: float = 0, centered: bool = False, capturable: bool = False,
        foreach: bool | None = None, maximize: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered,
            "weight_decay": weight_decay, "capturable": capturable, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _check_group(self, group: dict[str, Any]) -> None:
        check_common(group)
        check_at_least_zero(group, "eps", "momentum", "alpha")

    def _update(self, param: Tensor, grad: Tensor, group: dict[str, Any], state: dict[str, Any], count: int) -> None:
        alpha, momentum = group["alpha"], group["momentum"]
        square_avg, targets = slot(state, "square_avg", param), []
        if momentum > 0:
            targets.append(slot(state, "momentum_buffer", param))
        if group["centered"]:
            targets.insert(0, slot(state, "grad_avg", param))
        numbers = [group["lr"], group["weight_decay"], alpha, 1 - alpha, group["eps"]]
        if momentum > 0:
            numbers.append(momentum)
        step = _STEPS[bool(group["centered"]), momentum > 0]
        step([param, square_avg, *targets], grad, numbers, maximize=group["maximize"])
