"""Adagrad (Duchi et al., 2011)."""

from __future__ import annotations

from typing import Any

from hotplug import ops
from hotplug.declare import elementwise, numeric
from hotplug.expr import scalar as s
from hotplug.optim._counted import Counted, check_at_least_zero, decayed
from hotplug.optim._step import Step
from hotplug.optim.optimizer import Params
from hotplug.optim.sgd import check_common
from hotplug.tensor import Tensor


@elementwise(dtype=numeric, namespace="optim", method=False, inplace=False)
def adagrad_step(param: Any, sum: Any, grad: Any, lr: Any, weight_decay: Any, eps: Any, maximize: bool = False) -> Any:
    """The new parameter and sum of the squares of all gradients."""
    grad = decayed(param, grad, weight_decay, maximize)
    sum = sum + grad * grad
    return param - grad / (s.sqrt(sum) + eps) * lr, sum


_step = Step(adagrad_step)


class Adagrad(Counted):
    """``p -= lr / (1 + (t - 1) * lr_decay) * g / (sqrt(v) + eps)``, where ``v`` sums the squares of all gradients.

    Args:
        params: see :class:`Optimizer`.
        lr: learning rate.
        lr_decay: how fast it falls with the step count ``t``.
        weight_decay: times the parameter is added to the gradient.
        initial_accumulator_value: what ``v`` starts from.
        eps: keeps the quotient finite.
        maximize: climb instead.
        foreach, fused: accepted for PyTorch's sake; every parameter's step is one kernel.
        differentiable: only ``False``.
    """

    def __init__(
        self, params: Params, lr: float | Tensor = 1e-2, lr_decay: float = 0, weight_decay: float = 0,
        initial_accumulator_value: float = 0, eps: float = 1e-10, foreach: bool | None = None, *,
        maximize: bool = False, differentiable: bool = False, fused: bool | None = None,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "fused": fused,
        }  # fmt: skip
        super().__init__(params, defaults)
        for group in self.param_groups:
            for param in group["params"]:
                start = group["initial_accumulator_value"]
                first = complex(start, start) if param.is_complex() else start
                self.state[param] = {"step": 0, "sum": ops.full_like(param, first)}

    def _check_group(self, group: dict[str, Any]) -> None:
        check_common(group)
        check_at_least_zero(group, "lr_decay", "initial_accumulator_value", "eps")

    def _update(self, param: Tensor, grad: Tensor, group: dict[str, Any], state: dict[str, Any], count: int) -> None:
        if "sum" not in state:  # of a group that was added later
            state["sum"] = ops.full_like(param, group["initial_accumulator_value"])
        lr = float(group["lr"]) / (1 + (count - 1) * group["lr_decay"])
        numbers = (lr, group["weight_decay"], group["eps"])
        _step([param, state["sum"]], grad, numbers, maximize=group["maximize"])
