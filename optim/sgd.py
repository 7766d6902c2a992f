"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from hotplug import ops
from hotplug.declare import elementwise, numeric
from hotplug.errors import ArgumentError
from hotplug.optim._step import Step, when_launched
from hotplug.optim.optimizer import Closure, Optimizer, Params, evaluate
from hotplug.tensor import Tensor

_N = "optim"


@elementwise(dtype=numeric, namespace=_N, method=False, inplace=False)
def sgd_step(param: Any, grad: Any, lr: Any, weight_decay: Any, maximize: bool = False) -> Any:
    """The new parameter: ``param - lr * (grad + weight_decay * param)``."""
    return param - ((-grad if maximize else grad) + param * weight_decay) * lr


@elementwise(dtype=numeric, namespace=_N, method=False, inplace=False)
def sgd_momentum_step(
    param: Any, buffer: Any, grad: Any, lr: Any, weight_decay: Any, momentum: Any, keep: Any, take: Any,
    nesterov: bool = False, maximize: bool = False,
) -> Any:  # fmt: skip
    """The new parameter and momentum buffer, ``keep * buffer + take * grad``."""
    grad = (-grad if maximize else grad) + param * weight_decay
    buffer = buffer * keep + grad * take
    return param - (grad + buffer * momentum if nesterov else buffer) * lr, buffer


_plain = Step(sgd_step)
_with_momentum = Step(sgd_momentum_step)


class SGD(Optimizer):
    """``p -= lr * v`` with ``v = momentum * v + (1 - dampening) * g`` and ``g = grad + weight_decay * p``.

    With ``nesterov``, ``p -= lr * (g + momentum * v)`` (Sutskever et al., 2013).  Every parameter's step is one kernel.

    Args:
        params: see :class:`Optimizer`.
        lr: learning rate.
        momentum, dampening, weight_decay, nesterov: as above; the first ``v`` is ``g``.
        maximize: climb instead.
        foreach, fused: accepted for PyTorch's sake; the step is fused anyway.
        differentiable: only ``False``.
    """

    def __init__(
        self, params: Params, lr: float | Tensor = 1e-3, momentum: float = 0, dampening: float = 0,
        weight_decay: float = 0, nesterov: bool = False, *, maximize: bool = False, foreach: bool | None = None,
        differentiable: bool = False, fused: bool | None = None,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay, "nesterov": nesterov,
            "maximize": maximize, "foreach": foreach, "differentiable": differentiable, "fused": fused,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _check_group(self, group: dict[str, Any]) -> None:
        check_common(group)
        if not group["momentum"] >= 0.0:
            raise ArgumentError(f"Invalid momentum value: {group['momentum']}; expected 0 or more")
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ArgumentError("Nesterov momentum requires a momentum and zero dampening")

    def step(self, closure: Closure | None = None) -> Any:
        """Update every parameter that has a gradient; see :meth:`Optimizer.step`."""
        loss = evaluate(closure)
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is not None:
                    self._update(param, param.grad, group)
        return loss

    def _update(self, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        lr, decay, momentum = group["lr"], group["weight_decay"], group["momentum"]
        if momentum == 0:
            _plain((param,), grad, (lr, decay), maximize=group["maximize"])
            return
        state = self.state[param]
        buffer = state.get("momentum_buffer")
        first = buffer is None
        if buffer is None:
            buffer = ops.zeros_like(param)
        numbers = (lr, decay, momentum, 0.0 if first else momentum, 1.0 if first else 1 - group["dampening"])
        _with_momentum((param, buffer), grad, numbers, nesterov=group["nesterov"], maximize=group["maximize"])
        if first:  # not before: where the launch fails, the next step is still the first
            when_launched(lambda: state.__setitem__("momentum_buffer", buffer))


def check_common(group: dict[str, Any]) -> None:
    """Check the options that all optimizers have."""
    if not float(group["lr"]) >= 0.0:
        raise ArgumentError(f"Invalid learning rate: {group['lr']}; expected 0 or more")
    if not group["weight_decay"] >= 0.0:
        raise ArgumentError(f"Invalid weight_decay value: {group['weight_decay']}; expected 0 or more")
    if group.get("differentiable"):
        raise ArgumentError(
            "differentiable=True is not supported: the step is one kernel that autograd does not record"
        )
