"""Adam (Kingma and Ba, 2014)."""

from __future__ import annotations

from typing import Any

from hotplug import ops
from hotplug.declare import elementwise, numeric
from hotplug.errors import ArgumentError
from hotplug.expr import scalar as s
from hotplug.optim._step import Step, when_launched
from hotplug.optim.optimizer import Closure, Optimizer, Params, evaluate
from hotplug.optim.sgd import check_common
from hotplug.tensor import Tensor

_N = "optim"


def _moments(
    param: Any, exp_avg: Any, exp_avg_sq: Any, grad: Any, weight_decay: Any, shrink: Any, rest1: Any, beta2: Any,
    rest2: Any, maximize: bool,
) -> Any:  # fmt: skip
    """The parameter after decoupled decay, and the new moments."""
    grad = (-grad if maximize else grad) + param * weight_decay
    return param * shrink, exp_avg + (grad - exp_avg) * rest1, exp_avg_sq * beta2 + grad * grad * rest2


@elementwise(dtype=numeric, namespace=_N, method=False, inplace=False)
def adam_step(
    param: Any, exp_avg: Any, exp_avg_sq: Any, grad: Any, step_size: Any, weight_decay: Any, shrink: Any, rest1: Any,
    beta2: Any, rest2: Any, correction: Any, eps: Any, maximize: bool = False,
) -> Any:  # fmt: skip
    """The new parameter and moments: ``param * shrink - step_size * m / (sqrt(v) / correction + eps)``."""
    param, m, v = _moments(param, exp_avg, exp_avg_sq, grad, weight_decay, shrink, rest1, beta2, rest2, maximize)
    return param - m / (s.sqrt(v) / correction + eps) * step_size, m, v


@elementwise(dtype=numeric, namespace=_N, method=False, inplace=False)
def adam_amsgrad_step(
    param: Any, exp_avg: Any, exp_avg_sq: Any, max_exp_avg_sq: Any, grad: Any, step_size: Any, weight_decay: Any,
    shrink: Any, rest1: Any, beta2: Any, rest2: Any, correction: Any, eps: Any, maximize: bool = False,
) -> Any:  # fmt: skip
    """As :func:`adam_step`, with the largest second moment so far (Reddi et al., 2018)."""
    param, m, v = _moments(param, exp_avg, exp_avg_sq, grad, weight_decay, shrink, rest1, beta2, rest2, maximize)
    largest = s.maximum(max_exp_avg_sq, v)
    return param - m / (s.sqrt(largest) / correction + eps) * step_size, m, v, largest


_plain = Step(adam_step)
_amsgrad = Step(adam_amsgrad_step)


class Adam(Optimizer):
    """``p -= lr * m / (sqrt(v) + eps)``, with running means ``m`` of the gradient and ``v`` of its square.

    The means are corrected for their start at zero.  Every parameter's step is one kernel.

    Args:
        params: see :class:`Optimizer`.
        lr: learning rate.
        betas: how much of ``m`` and of ``v`` is kept at a step.
        eps: keeps the quotient finite.
        weight_decay: times the parameter is added to the gradient; with ``decoupled_weight_decay``, times ``lr`` and
            the parameter is taken off the parameter (AdamW).
        amsgrad: divide by the largest ``v`` so far.
        maximize: climb instead.
        foreach, fused, capturable: accepted for PyTorch's sake; the step is fused anyway.
        differentiable: only ``False``.
    """

    def __init__(
        self, params: Params, lr: float | Tensor = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, amsgrad: bool = False, *, foreach: bool | None = None, maximize: bool = False,
        capturable: bool = False, differentiable: bool = False, fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad,
            "maximize": maximize, "foreach": foreach, "capturable": capturable, "differentiable": differentiable,
            "fused": fused, "decoupled_weight_decay": decoupled_weight_decay,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _check_group(self, group: dict[str, Any]) -> None:
        check_common(group)
        if not group["eps"] >= 0.0:
            raise ArgumentError(f"Invalid epsilon value: {group['eps']}; expected 0 or more")
        if len(group["betas"]) != 2:
            raise ArgumentError(f"betas must be two numbers, got {group['betas']}")
        for index, beta in enumerate(group["betas"]):
            if not 0.0 <= beta < 1.0:
                raise ArgumentError(
                    f"Invalid beta parameter at index {index}: {beta}; expected 0 or more and less than 1"
                )

    def step(self, closure: Closure | None = None) -> Any:
        """Update every parameter that has a gradient; see :meth:`Optimizer.step`."""
        loss = evaluate(closure)
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is not None:
                    self._update(param, param.grad, group)
        return loss

    def _update(self, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[param]
        if not state:
            state["step"] = 0
        for name in ("exp_avg", "exp_avg_sq", *(("max_exp_avg_sq",) if group["amsgrad"] else ())):
            if name not in state:
                state[name] = ops.zeros_like(param)
        count = state["step"] + 1
        (beta1, beta2), lr, decay = group["betas"], float(group["lr"]), group["weight_decay"]
        decoupled = group.get("decoupled_weight_decay", False)
        numbers = (
            lr / (1 - beta1**count), 0.0 if decoupled else decay, 1 - lr * decay if decoupled else 1.0, 1 - beta1,
            beta2, 1 - beta2, (1 - beta2**count) ** 0.5, group["eps"],
        )  # fmt: skip
        targets = [param, state["exp_avg"], state["exp_avg_sq"]]
        if group["amsgrad"]:
            _amsgrad([*targets, state["max_exp_avg_sq"]], grad, numbers, maximize=group["maximize"])
        else:
            _plain(targets, grad, numbers, maximize=group["maximize"])
        when_launched(lambda: state.__setitem__("step", count))

    def _export(self, state: dict[str, Any]) -> dict[str, Any]:
        """As PyTorch's, where the step count is a tensor."""
        return {key: ops.tensor(float(value), device="cpu") if key == "step" else value for key, value in state.items()}

    def _import(self, param: Tensor, state: dict[str, Any]) -> dict[str, Any]:
        found = super()._import(param, {key: value for key, value in state.items() if key != "step"})
        return {"step": int(state["step"]), **found} if "step" in state else found
