"""Adadelta (Zeiler, 2012)."""

from __future__ import annotations

from typing import Any

from hotplug.declare import elementwise, numeric
from hotplug.errors import ArgumentError
from hotplug.expr import scalar as s
from hotplug.optim._counted import Counted, check_at_least_zero, decayed, slot
from hotplug.optim._step import Step
from hotplug.optim.optimizer import Params
from hotplug.optim.sgd import check_common
from hotplug.tensor import Tensor


@elementwise(dtype=numeric, namespace="optim", method=False, inplace=False)
def adadelta_step(
    param: Any, square_avg: Any, acc_delta: Any, grad: Any, lr: Any, weight_decay: Any, rho: Any, rest: Any, eps: Any,
    maximize: bool = False,
) -> Any:  # fmt: skip
    """The new parameter and running means of the squares of gradients and of steps."""
    grad = decayed(param, grad, weight_decay, maximize)
    square_avg = square_avg * rho + grad * grad * rest
    delta = s.sqrt(acc_delta + eps) / s.sqrt(square_avg + eps) * grad
    return param - delta * lr, square_avg, acc_delta * rho + delta * delta * rest


_step = Step(adadelta_step)


class Adadelta(Counted):
    """``p -= lr * d`` with ``d = sqrt(u + eps) / sqrt(v + eps) * g``; ``v`` and ``u`` are running means of ``g**2``, ``d**2``.

    Args:
        params: see :class:`Optimizer`.
        lr: scales the step.
        rho: how much of the running means is kept at a step.
        eps: keeps the roots away from zero.
        weight_decay: times the parameter is added to the gradient.
        maximize: climb instead.
        foreach, capturable: accepted for PyTorch's sake; every parameter's step is one kernel.
        differentiable: only ``False``.
    """

    def __init__(
        self, params: Params, lr: float | Tensor = 1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0,
        foreach: bool | None = None, *, capturable: bool = False, maximize: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
            "capturable": capturable, "foreach": foreach, "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _check_group(self, group: dict[str, Any]) -> None:
        check_common(group)
        check_at_least_zero(group, "eps")
        if not 0.0 <= group["rho"] <= 1.0:
            raise ArgumentError(f"Invalid rho value: {group['rho']}; expected 0 to 1")

    def _update(self, param: Tensor, grad: Tensor, group: dict[str, Any], state: dict[str, Any], count: int) -> None:
        rho = group["rho"]
        targets = [param, slot(state, "square_avg", param), slot(state, "acc_delta", param)]
        numbers = (group["lr"], group["weight_decay"], rho, 1 - rho, group["eps"])
        _step(targets, grad, numbers, maximize=group["maximize"])
