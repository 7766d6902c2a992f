"""RAdam: Adam with its variance rectified (Liu et al., 2019)."""

from __future__ import annotations

import math
from typing import Any

from hotplug.declare import elementwise, numeric
from hotplug.expr import scalar as s
from hotplug.optim._counted import Counted, check_betas, decayed, slot
from hotplug.optim._step import Step
from hotplug.optim.optimizer import Params
from hotplug.tensor import Tensor

_TRACTABLE = 5.0
"""The shortest length of the moving average for which its variance is tractable."""


@elementwise(dtype=numeric, namespace="optim", method=False, inplace=False)
def radam_step(
    param: Any, exp_avg: Any, exp_avg_sq: Any, grad: Any, step_size: Any, weight_decay: Any, shrink: Any, rest1: Any,
    beta2: Any, rest2: Any, eps: Any, adaptive: bool = True, maximize: bool = False,
) -> Any:  # fmt: skip
    """The new parameter and moments; without ``adaptive`` the step is not divided by the root of the second."""
    grad = decayed(param, grad, weight_decay, maximize)
    exp_avg = exp_avg + (grad - exp_avg) * rest1
    exp_avg_sq = exp_avg_sq * beta2 + grad * grad * rest2
    step = exp_avg / (s.sqrt(exp_avg_sq) + eps) if adaptive else exp_avg
    return param * shrink - step * step_size, exp_avg, exp_avg_sq


_step = Step(radam_step)


class RAdam(Counted):
    """Adam that follows the mean gradient alone while the estimate of its square is too young to be trusted.

    Args:
        params: see :class:`Optimizer`.
        lr: learning rate.
        betas: how much of the means of the gradient and of its square is kept at a step.
        eps: keeps the quotient finite.
        weight_decay: as in :class:`Adam`; with ``decoupled_weight_decay`` as in :class:`AdamW`.
        maximize: climb instead.
        foreach, capturable: accepted for PyTorch's sake; every parameter's step is one kernel.
        differentiable: only ``False``.
    """

    def __init__(
        self, params: Params, lr: float | Tensor = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, decoupled_weight_decay: bool = False, *, foreach: bool | None = None,
        maximize: bool = False, capturable: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
            "foreach": foreach, "capturable": capturable, "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _check_group(self, group: dict[str, Any]) -> None:
        check_betas(group)

    def _update(self, param: Tensor, grad: Tensor, group: dict[str, Any], state: dict[str, Any], count: int) -> None:
        (beta1, beta2), lr, decay = group["betas"], float(group["lr"]), group["weight_decay"]
        scale = _rectified(beta2, count)
        targets = [param, slot(state, "exp_avg", param), slot(state, "exp_avg_sq", param)]
        decoupled = group["decoupled_weight_decay"]
        numbers = (
            lr / (1 - beta1**count) * (scale or 1.0), 0.0 if decoupled else decay,
            1 - lr * decay if decoupled else 1.0, 1 - beta1, beta2, 1 - beta2, group["eps"],
        )  # fmt: skip
        _step(targets, grad, numbers, adaptive=scale > 0, maximize=group["maximize"])


def _rectified(beta2: float, count: int) -> float:
    """The rectification times the correction of the second moment; 0 while the variance is not tractable."""
    correction = 1 - beta2**count
    longest = 2 / (1 - beta2) - 1
    length = longest - 2 * count * beta2**count / correction
    if length <= _TRACTABLE:
        return 0.0
    ratio = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
    return math.sqrt(ratio * correction)
