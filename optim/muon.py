"""Muon: momentum orthogonalised by Newton and Schulz's iteration (Jordan et al., 2024)."""

from __future__ import annotations

import math
from typing import Any

from hotplug import ops
from hotplug.dtypes import bfloat16
from hotplug.errors import ArgumentError
from hotplug.optim._counted import slot
from hotplug.optim.optimizer import Closure, Optimizer, Params, evaluate
from hotplug.optim.sgd import check_common
from hotplug.tensor import Tensor

_MOST_STEPS = 100
_RULES = ("original", "match_rms_adamw")


class Muon(Optimizer):
    """Steps of one length in every direction: the momentum's singular values are brought near 1.

    For weight matrices of hidden layers; biases, embeddings and output layers belong to another optimizer.

    Args:
        params: see :class:`Optimizer`; matrices only.
        lr: learning rate.
        weight_decay: decoupled, times ``lr``.
        momentum: how much of the mean gradient is kept at a step.
        nesterov: look one step ahead.
        ns_coefficients: ``a, b, c`` of the iteration ``X = a * X + (b * A + c * A @ A) @ X`` with ``A = X @ X.T``.
        eps: smallest norm to divide by.
        ns_steps: iterations.
        adjust_lr_fn: ``"original"`` (default) scales with ``sqrt(max(1, rows / columns))``, ``"match_rms_adamw"`` with
            ``0.2 * sqrt(max(rows, columns))`` (Moonshot, 2025), so that AdamW's ``lr`` fits.
    """

    def __init__(
        self, params: Params, lr: float = 1e-3, weight_decay: float = 0.1, momentum: float = 0.95,
        nesterov: bool = True, ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7, ns_steps: int = 5, adjust_lr_fn: str | None = None,
    ) -> None:  # fmt: skip
        if adjust_lr_fn is not None and adjust_lr_fn not in _RULES:
            raise ArgumentError(f"Adjust learning rate function {adjust_lr_fn} is not supported; use one of {_RULES}")
        defaults = {
            "lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov,
            "ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps, "adjust_lr_fn": adjust_lr_fn,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _check_group(self, group: dict[str, Any]) -> None:
        check_common(group)
        if not group["momentum"] >= 0.0:
            raise ArgumentError(f"momentum should be >= 0 but is: {group['momentum']}")
        if len(group["ns_coefficients"]) != 3:
            raise ArgumentError(f"ns_coefficients must be three numbers, got {group['ns_coefficients']}")
        if not 0 <= group["ns_steps"] < _MOST_STEPS:
            raise ArgumentError(f"ns_steps must be 0 to {_MOST_STEPS - 1}, got {group['ns_steps']}")
        for param in group["params"]:
            if param.ndim != 2:
                raise ArgumentError(
                    f"Muon only supports 2D parameters whereas we found a parameter with size: {list(param.shape)}"
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
        momentum, lr = group["momentum"], float(group["lr"])
        buffer = slot(self.state[param], "momentum_buffer", param)
        buffer.lerp_(grad, 1 - momentum)
        update = ops.lerp(grad, buffer, momentum) if group["nesterov"] else buffer
        update = orthogonalised(update, group["ns_coefficients"], group["ns_steps"], group["eps"])
        param.mul_(1 - lr * group["weight_decay"])
        param.sub_(update, alpha=lr * _scale(group["adjust_lr_fn"], *param.shape))


def _scale(rule: str | None, rows: int, columns: int) -> float:
    if rule == "match_rms_adamw":
        return 0.2 * math.sqrt(max(rows, columns))
    return math.sqrt(max(1.0, rows / columns))


def orthogonalised(matrix: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float) -> Tensor:
    """A matrix with nearly the same singular vectors and singular values near 1, in bfloat16."""
    a, b, c = coefficients
    x = matrix.to(bfloat16)
    tall = x.shape[0] > x.shape[1]
    x = x.t() if tall else x
    x = x / ops.sqrt((x.float() * x.float()).sum()).to(bfloat16).clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.t()
        x = ops.addmm(x, ops.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.t() if tall else x
