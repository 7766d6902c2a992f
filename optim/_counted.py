"""What the optimizers share that treat each parameter on its own and count its steps."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from hotplug import ops
from hotplug.errors import ArgumentError
from hotplug.optim._step import when_launched
from hotplug.optim.optimizer import Closure, Optimizer, evaluate
from hotplug.optim.sgd import check_common
from hotplug.tensor import Tensor


class Counted(Optimizer, ABC):
    """Base of optimizers whose step is :meth:`_update` of every parameter that has a gradient.

    The step count and the other ``_numbers`` of a parameter's state are kept on the host, so that no step waits for the
    device; a state dict holds them as tensors, as PyTorch's does.
    """

    _numbers: ClassVar[tuple[str, ...]] = ("step",)

    def step(self, closure: Closure | None = None) -> Any:
        """Update every parameter that has a gradient; see :meth:`Optimizer.step`."""
        loss = evaluate(closure)
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is not None:
                    state = self.state[param]
                    count = state.setdefault("step", 0) + 1
                    self._update(param, param.grad, group, state, count)
                    when_launched(functools.partial(state.__setitem__, "step", count))
        return loss

    @abstractmethod
    def _update(self, param: Tensor, grad: Tensor, group: dict[str, Any], state: dict[str, Any], count: int) -> None:
        """Step number ``count``, from 1, of one parameter."""

    def _export(self, state: dict[str, Any]) -> dict[str, Any]:
        return {
            key: ops.tensor(float(value), device="cpu") if key in self._numbers else value
            for key, value in state.items()
        }

    def _import(self, param: Tensor, state: dict[str, Any]) -> dict[str, Any]:
        numbers = {key: float(value) for key, value in state.items() if key in self._numbers}
        if "step" in numbers:
            numbers["step"] = int(numbers["step"])
        tensors = super()._import(param, {key: value for key, value in state.items() if key not in numbers})
        return {key: numbers.get(key, tensors.get(key)) for key in state}


def slot(state: dict[str, Any], name: str, param: Tensor) -> Tensor:
    """A tensor of a parameter's state; zeros at first."""
    found = state.get(name)
    if found is None:
        found = state[name] = ops.zeros_like(param)
    tensor: Tensor = found
    return tensor


def check_betas(group: dict[str, Any]) -> None:
    """Check the options of optimizers with two running means."""
    check_common(group)
    check_at_least_zero(group, "eps")
    if len(group["betas"]) != 2:
        raise ArgumentError(f"betas must be two numbers, got {group['betas']}")
    for index, beta in enumerate(group["betas"]):
        if not 0.0 <= beta < 1.0:
            raise ArgumentError(f"Invalid beta parameter at index {index}: {beta}; expected 0 or more and less than 1")


def check_at_least_zero(group: dict[str, Any], *names: str) -> None:
    """Check options that are not negative."""
    for name in names:
        if not group[name] >= 0.0:
            raise ArgumentError(f"Invalid {name} value: {group[name]}; expected 0 or more")


def decayed(param: Any, grad: Any, weight_decay: Any, maximize: bool) -> Any:
    """The gradient to follow, as an Expr: turned round to climb, with the parameter's pull towards zero."""
    return (-grad if maximize else grad) + param * weight_decay
