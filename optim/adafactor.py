"""Adafactor: second moments in rows and columns (Shazeer and Stern, 2018)."""

from __future__ import annotations

import math
from typing import Any

from hotplug import ops
from hotplug.dtypes import finfo
from hotplug.errors import ArgumentError, DTypeError
from hotplug.optim._counted import Counted, check_at_least_zero
from hotplug.optim.optimizer import Params
from hotplug.optim.sgd import check_common
from hotplug.tensor import Tensor


class Adafactor(Counted):
    """Adam without momentum that keeps, of the squared gradients of a matrix, means of rows and of columns only.

    The step's size follows the parameter's: ``p -= a * u / max(1, rms(u) / d)`` with ``u = g / sqrt(v)`` and
    ``a = max(eps2, rms(p)) * min(lr, 1 / sqrt(t))``.  Everything is computed on the device; no step waits for it.

    Args:
        params: see :class:`Optimizer`; real tensors.
        lr: the largest relative step.
        beta2_decay: the running means keep ``1 - t**beta2_decay``.
        eps: smallest mean of squares (default: the dtype's epsilon) and smallest size of a parameter.
        d: where the update is clipped.
        weight_decay: decoupled, times ``lr``.
        foreach: accepted for PyTorch's sake.
        maximize: climb instead.
    """

    def __init__(
        self, params: Params, lr: float | Tensor = 1e-2, beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3), d: float = 1.0, weight_decay: float = 0.0, *,
        foreach: bool | None = None, maximize: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d, "weight_decay": weight_decay, "foreach": foreach,
            "maximize": maximize,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _check_group(self, group: dict[str, Any]) -> None:
        check_common(group)
        if group["beta2_decay"] > 0.0:
            raise ArgumentError(f"beta2_decay should be <= 0 but is: {group['beta2_decay']}")
        if group["eps"][0] is not None and group["eps"][0] < 0.0:
            raise ArgumentError(f"epsilon1 should be >= 0 but is: {group['eps'][0]}")
        if group["eps"][1] < 0.0:
            raise ArgumentError(f"epsilon2 should be >= 0 but is: {group['eps'][1]}")
        check_at_least_zero(group, "weight_decay")
        if group["d"] < 1.0:
            raise ArgumentError(f"Clipping threshold d should be >= 1 but is: {group['d']}")

    def _update(self, param: Tensor, grad: Tensor, group: dict[str, Any], state: dict[str, Any], count: int) -> None:
        if param.is_complex():
            raise DTypeError("Adafactor does not support complex parameters; use Adam")
        grad = -grad if group["maximize"] else grad
        smallest, least_size = group["eps"]
        smallest = finfo(param.dtype).eps if smallest is None else smallest
        lr, weight = float(group["lr"]), count ** group["beta2_decay"]
        size = _rms(param).clamp(min=least_size) * min(lr, 1 / math.sqrt(count))
        if group["weight_decay"]:
            param.mul_(1 - lr * group["weight_decay"])
        variance = _variance(grad, state, weight, smallest)
        update = ops.rsqrt(variance.clamp(min=smallest * smallest)) * grad
        param.sub_(update * (size / (_rms(update) / group["d"]).clamp(min=1.0)))


def _rms(values: Tensor) -> Tensor:
    """The root of the mean of the squares, 0-d."""
    return ops.sqrt((values * values).mean())


def _variance(grad: Tensor, state: dict[str, Any], weight: float, smallest: float) -> Tensor:
    """The estimate of the mean square of each element, after this gradient."""
    square = grad * grad
    if grad.ndim <= 1:
        if "variance" not in state:
            state["variance"] = ops.zeros_like(grad)
        state["variance"].lerp_(square, weight)
        estimate: Tensor = state["variance"]
        return estimate
    if "row_var" not in state:
        state["row_var"] = grad.new_zeros((*grad.shape[:-1], 1))
        state["col_var"] = grad.new_zeros((*grad.shape[:-2], 1, grad.shape[-1]))
    rows: Tensor = state["row_var"]
    columns: Tensor = state["col_var"]
    rows.lerp_(square.mean(-1, keepdim=True), weight)
    columns.lerp_(square.mean(-2, keepdim=True), weight)
    return rows * columns / rows.mean(-2, keepdim=True).clamp(min=smallest)
