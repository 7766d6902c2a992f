"""AdamW: Adam with the weight decay taken off the parameters directly (Loshchilov and Hutter, 2017)."""

from __future__ import annotations

from hotplug.optim.adam import Adam
from hotplug.optim.optimizer import Params
from hotplug.tensor import Tensor


class AdamW(Adam):
    """``p *= 1 - lr * weight_decay``, then a step of :class:`Adam` without weight decay.  The options are Adam's."""

    def __init__(
        self, params: Params, lr: float | Tensor = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 1e-2, amsgrad: bool = False, *, maximize: bool = False, foreach: bool | None = None,
        capturable: bool = False, differentiable: bool = False, fused: bool | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize, capturable=capturable,
            differentiable=differentiable, fused=fused, decoupled_weight_decay=True,
        )  # fmt: skip
