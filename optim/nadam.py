"""NAdam: Adam with Nesterov's momentum (Dozat, 2016)."""

from __future__ import annotations

from typing import Any, ClassVar

from hotplug.declare import elementwise, numeric
from hotplug.expr import scalar as s
from hotplug.optim._counted import Counted, check_at_least_zero, check_betas, decayed, slot
from hotplug.optim._step import Step, when_launched
from hotplug.optim.optimizer import Params
from hotplug.tensor import Tensor


@elementwise(dtype=numeric, namespace="optim", method=False, inplace=False)
def nadam_step(
    param: Any, exp_avg: Any, exp_avg_sq: Any, grad: Any, by_grad: Any, by_mean: Any, weight_decay: Any, shrink: Any,
    rest1: Any, beta2: Any, rest2: Any, correction: Any, eps: Any, maximize: bool = False,
) -> Any:  # fmt: skip
    """The new parameter and moments; the step takes ``by_grad`` of the gradient and ``by_mean`` of its mean."""
    grad = decayed(param, grad, weight_decay, maximize)
    exp_avg = exp_avg + (grad - exp_avg) * rest1
    exp_avg_sq = exp_avg_sq * beta2 + grad * grad * rest2
    size = s.sqrt(exp_avg_sq / correction) + eps
    return param * shrink - grad * by_grad / size - exp_avg * by_mean / size, exp_avg, exp_avg_sq


_step = Step(nadam_step)


class NAdam(Counted):
    """Adam whose step looks ahead: with ``mu(t) = beta1 * (1 - 0.5 * 0.96**(t * momentum_decay))``, it follows
    ``(1 - mu(t)) * g / (1 - M(t)) + mu(t + 1) * m / (1 - M(t + 1))``, where ``M`` is the product of all ``mu`` so far.

    Args:
        params: see :class:`Optimizer`.
        lr: learning rate.
        betas: how much of the means of the gradient and of its square is kept at a step.
        eps: keeps the quotient finite.
        weight_decay: as in :class:`Adam`; with ``decoupled_weight_decay`` as in :class:`AdamW`.
        momentum_decay: how the momentum warms up.
        maximize: climb instead.
        foreach, capturable: accepted for PyTorch's sake; every parameter's step is one kernel.
        differentiable: only ``False``.
    """

    _numbers: ClassVar[tuple[str, ...]] = ("step", "mu_product")

    def __init__(
        self, params: Params, lr: float | Tensor = 2e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, momentum_decay: float = 4e-3, decoupled_weight_decay: bool = False, *,
        foreach: bool | None = None, maximize: bool = False, capturable: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay, "maximize": maximize, "foreach": foreach,
            "capturable": capturable, "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _check_group(self, group: dict[str, Any]) -> None:
        check_betas(group)
        check_at_least_zero(group, "momentum_decay")

    def _update(self, param: Tensor, grad: Tensor, group: dict[str, Any], state: dict[str, Any], count: int) -> None:
        (beta1, beta2), lr, decay = group["betas"], float(group["lr"]), group["weight_decay"]
        product = state.setdefault("mu_product", 1.0)
        targets = [param, slot(state, "exp_avg", param), slot(state, "exp_avg_sq", param)]
        now, ahead = (beta1 * (1 - 0.5 * 0.96 ** (at * group["momentum_decay"])) for at in (count, count + 1))
        product *= now
        decoupled = group["decoupled_weight_decay"]
        numbers = (
            lr * (1 - now) / (1 - product), lr * ahead / (1 - product * ahead), 0.0 if decoupled else decay,
            1 - lr * decay if decoupled else 1.0, 1 - beta1, beta2, 1 - beta2, 1 - beta2**count, group["eps"],
        )  # fmt: skip
        _step(targets, grad, numbers, maximize=group["maximize"])
        when_launched(lambda: state.__setitem__("mu_product", product))
