"""Adamax: Adam with the largest instead of the mean square (Kingma and Ba, 2014)."""

from __future__ import annotations

from typing import Any

from hotplug.declare import elementwise, numeric
from hotplug.expr import scalar as s
from hotplug.optim._counted import Counted, check_betas, decayed, slot
from hotplug.optim._step import Step
from hotplug.optim.optimizer import Params
from hotplug.tensor import Tensor


@elementwise(dtype=numeric, namespace="optim", method=False, inplace=False)
def adamax_step(
    param: Any, exp_avg: Any, exp_inf: Any, grad: Any, step_size: Any, weight_decay: Any, rest1: Any, beta2: Any,
    eps: Any, maximize: bool = False,
) -> Any:  # fmt: skip
    """The new parameter, mean of the gradients and fading maximum of their sizes."""
    grad = decayed(param, grad, weight_decay, maximize)
    exp_avg = exp_avg + (grad - exp_avg) * rest1
    exp_inf = s.maximum(exp_inf * beta2, s.abs(grad) + eps)
    return param - exp_avg / exp_inf * step_size, exp_avg, exp_inf


_step = Step(adamax_step)


class Adamax(Counted):
    """``p -= lr / (1 - beta1**t) * m / u`` with the mean ``m`` of gradients and ``u = max(beta2 * u, abs(g) + eps)``.

    Args:
        params: see :class:`Optimizer`.
        lr: learning rate.
        betas: how much of ``m`` and of ``u`` is kept at a step.
        eps: keeps the quotient finite.
        weight_decay: times the parameter is added to the gradient.
        maximize: climb instead.
        foreach, capturable: accepted for PyTorch's sake; every parameter's step is one kernel.
        differentiable: only ``False``.
    """

    def __init__(
        self, params: Params, lr: float | Tensor = 2e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, foreach: bool | None = None, *, maximize: bool = False, differentiable: bool = False,
        capturable: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _check_group(self, group: dict[str, Any]) -> None:
        check_betas(group)

    def _update(self, param: Tensor, grad: Tensor, group: dict[str, Any], state: dict[str, Any], count: int) -> None:
        beta1, beta2 = group["betas"]
        targets = [param, slot(state, "exp_avg", param), slot(state, "exp_inf", param)]
        numbers = (float(group["lr"]) / (1 - beta1**count), group["weight_decay"], 1 - beta1, beta2, group["eps"])
        _step(targets, grad, numbers, maximize=group["maximize"])
