"""Resilient backpropagation (Riedmiller and Braun, 1993)."""

from __future__ import annotations

from typing import Any

from hotplug import ops
from hotplug.declare import elementwise, numeric
from hotplug.errors import ArgumentError
from hotplug.expr import scalar as s
from hotplug.optim._counted import Counted, slot
from hotplug.optim._step import Step
from hotplug.optim.optimizer import Params
from hotplug.optim.sgd import check_common
from hotplug.tensor import Tensor


@elementwise(dtype=numeric, namespace="optim", method=False, inplace=False)
def rprop_step(
    param: Any, prev: Any, step_size: Any, grad: Any, shrink: Any, grow: Any, smallest: Any, largest: Any,
    maximize: bool = False,
) -> Any:  # fmt: skip
    """The new parameter, the gradient to compare the next with (0 where it turned), and the step's size."""
    grad = -grad if maximize else grad
    product = grad * prev
    turned = s.lt(product, 0.0)
    size = step_size * s.where(s.gt(product, 0.0), grow, s.where(turned, shrink, s.to(1.0, param.dtype)))
    size = s.minimum(s.maximum(size, smallest), largest)
    grad = s.where(turned, 0.0, grad)
    return param - s.sign(grad) * size, grad, size


_step = Step(rprop_step)


class Rprop(Counted):
    """Steps whose size grows while the gradient's sign stays and shrinks where it turns; for whole batches.

    Args:
        params: see :class:`Optimizer`.
        lr: size of the first step.
        etas: factors by which a size shrinks and grows.
        step_sizes: smallest and largest size.
        maximize: climb instead.
        foreach, capturable: accepted for PyTorch's sake; every parameter's step is one kernel.
        differentiable: only ``False``.
    """

    def __init__(
        self, params: Params, lr: float | Tensor = 1e-2, etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50), *, capturable: bool = False, foreach: bool | None = None,
        maximize: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "etas": etas, "step_sizes": step_sizes, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "capturable": capturable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _check_group(self, group: dict[str, Any]) -> None:
        check_common({"weight_decay": 0.0, **group})
        shrink, grow = group["etas"]
        if not 0.0 < shrink < 1.0 < grow:
            raise ArgumentError(f"Invalid eta values: {shrink}, {grow}; expected one below 1 and one above")

    def _update(self, param: Tensor, grad: Tensor, group: dict[str, Any], state: dict[str, Any], count: int) -> None:
        prev = slot(state, "prev", param)
        if "step_size" not in state:
            lr = float(group["lr"])
            state["step_size"] = ops.full_like(param, complex(lr, lr) if param.is_complex() else lr)
        numbers = (*group["etas"], *group["step_sizes"])
        _step([param, prev, state["step_size"]], grad, numbers, maximize=group["maximize"])
