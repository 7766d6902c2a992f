"""SparseAdam: Adam for gradients that touch few rows."""

from __future__ import annotations

from typing import Any

from hotplug.declare import elementwise, numeric
from hotplug.expr import scalar as s
from hotplug.optim._counted import Counted, check_betas, slot
from hotplug.optim._step import Step
from hotplug.optim.optimizer import Params
from hotplug.tensor import Tensor


@elementwise(dtype=numeric, namespace="optim", method=False, inplace=False)
def sparse_adam_step(
    param: Any, exp_avg: Any, exp_avg_sq: Any, touched: Any, grad: Any, step_size: Any, rest1: Any, rest2: Any,
    eps: Any, maximize: bool = False,
) -> Any:  # fmt: skip
    """The new parameter and moments where ``touched`` is not 0, which stays; elsewhere nothing changes."""
    grad = -grad if maximize else grad
    here = s.ne(touched, 0.0)
    m = exp_avg + (grad - exp_avg) * rest1
    v = exp_avg_sq + (grad * grad - exp_avg_sq) * rest2
    moved = param - m / (s.sqrt(v) + eps) * step_size
    return s.where(here, moved, param), s.where(here, m, exp_avg), s.where(here, v, exp_avg_sq), touched


_step = Step(sparse_adam_step)


class SparseAdam(Counted):
    """Adam that updates the rows whose gradient isn't zero, and their moments only; the others stay as they are.

    There are no sparse tensors: the gradient of an embedding is dense, with zeros in the rows that weren't looked up.

    Args:
        params: see :class:`Optimizer`.
        lr: learning rate.
        betas: how much of the means of the gradient and of its square is kept at a step.
        eps: keeps the quotient finite.
        maximize: climb instead.
    """

    def __init__(
        self, params: Params, lr: float | Tensor = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})

    def _check_group(self, group: dict[str, Any]) -> None:
        check_betas({"weight_decay": 0.0, **group})

    def _update(self, param: Tensor, grad: Tensor, group: dict[str, Any], state: dict[str, Any], count: int) -> None:
        beta1, beta2 = group["betas"]
        rows = tuple(range(1, grad.ndim))
        touched = (grad != 0).any(rows, keepdim=True) if rows else grad != 0
        targets = [param, slot(state, "exp_avg", param), slot(state, "exp_avg_sq", param)]
        marks = touched.to(param.dtype).expand(grad.shape).contiguous()
        step_size = float(group["lr"]) * (1 - beta2**count) ** 0.5 / (1 - beta1**count)
        _step([*targets, marks], grad, (step_size, 1 - beta1, 1 - beta2, group["eps"]), maximize=group["maximize"])
