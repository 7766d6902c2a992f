"""Averaged stochastic gradient descent (Polyak and Juditsky, 1992)."""

from __future__ import annotations

from typing import Any, ClassVar

from hotplug.declare import elementwise, numeric
from hotplug.optim._counted import Counted, decayed, slot
from hotplug.optim._step import Step, when_launched
from hotplug.optim.optimizer import Params
from hotplug.optim.sgd import check_common
from hotplug.tensor import Tensor


@elementwise(dtype=numeric, namespace="optim", method=False, inplace=False)
def asgd_step(
    param: Any, ax: Any, grad: Any, weight_decay: Any, shrink: Any, eta: Any, mu: Any, maximize: bool = False
) -> Any:
    """The new parameter and average of parameters."""
    param = param * shrink - decayed(param, grad, weight_decay, maximize) * eta
    return param, ax + (param - ax) * mu


_step = Step(asgd_step)


class ASGD(Counted):
    """Gradient descent whose state ``ax`` is the average of the parameters from step ``t0`` on.

    ``p = (1 - lambd * eta) * p - eta * g`` with ``eta = lr / (1 + lambd * lr * t)**alpha``.

    Args:
        params: see :class:`Optimizer`.
        lr: the first ``eta``.
        lambd, alpha: how ``eta`` falls.
        t0: the step from which on the average is taken; until then it is the parameter itself.
        weight_decay: times the parameter is added to the gradient.
        maximize: climb instead.
        foreach, capturable: accepted for PyTorch's sake; every parameter's step is one kernel.
        differentiable: only ``False``.
    """

    _numbers: ClassVar[tuple[str, ...]] = ("step", "eta", "mu")

    def __init__(
        self, params: Params, lr: float | Tensor = 1e-2, lambd: float = 1e-4, alpha: float = 0.75, t0: float = 1e6,
        weight_decay: float = 0, foreach: bool | None = None, maximize: bool = False, differentiable: bool = False,
        capturable: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _check_group(self, group: dict[str, Any]) -> None:
        check_common(group)

    def _update(self, param: Tensor, grad: Tensor, group: dict[str, Any], state: dict[str, Any], count: int) -> None:
        lr, lambd = float(group["lr"]), group["lambd"]
        eta, mu = state.setdefault("eta", lr), state.setdefault("mu", 1.0)
        numbers = (group["weight_decay"], 1 - lambd * eta, eta, mu)
        _step([param, slot(state, "ax", param)], grad, numbers, maximize=group["maximize"])
        after = {"eta": lr / (1 + lambd * lr * count) ** group["alpha"], "mu": 1 / max(1, count - group["t0"])}
        when_launched(lambda: state.update(after))
