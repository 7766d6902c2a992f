"""The schedule of many cycles."""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from typing import Any

from hotplug.errors import ArgumentError
from hotplug.optim._schedule import LRScheduler
from hotplug.optim.optimizer import Optimizer

_MODES = ("triangular", "triangular2", "exp_range")


class CyclicLR(LRScheduler):
    """Up from ``base_lr`` to ``max_lr`` and down again, over and over (Smith, 2017); step it every batch.

    Momentum (or Adam's first beta) goes the other way round.

    Args:
        base_lr, max_lr: the lowest and the highest, for all groups or one for each.
        step_size_up, step_size_down: steps of the way up and of the way down (default: as many).
        mode: ``"triangular"``; ``"triangular2"`` halves the amplitude every cycle; ``"exp_range"`` multiplies it by
            ``gamma`` every step.
        scale_fn, scale_mode: an amplitude of one's own, of the ``"cycle"`` or of the number of ``"iterations"``.
        cycle_momentum, base_momentum, max_momentum: whether and between what values momentum changes.
    """

    def __init__(
        self, optimizer: Optimizer, base_lr: float | list[float], max_lr: float | list[float],
        step_size_up: int = 2000, step_size_down: int | None = None, mode: str = "triangular", gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None, scale_mode: str = "cycle", cycle_momentum: bool = True,
        base_momentum: float = 0.8, max_momentum: float = 0.9, last_epoch: int = -1,
    ) -> None:  # fmt: skip
        if scale_fn is None and mode not in _MODES:
            raise ArgumentError(f"CyclicLR: mode must be one of {_MODES}, or pass scale_fn; got {mode!r}")
        groups = len(optimizer.param_groups)
        lowest = list(base_lr) if isinstance(base_lr, (list, tuple)) else [base_lr] * groups
        self.max_lrs = list(max_lr) if isinstance(max_lr, (list, tuple)) else [max_lr] * groups
        if len(lowest) != groups or len(self.max_lrs) != groups:
            raise ArgumentError(f"CyclicLR: expected {groups} values of base_lr and max_lr, one a group")
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, lowest, strict=True):
                group.update(lr=lr, initial_lr=lr)
        self.total_size = float(step_size_up + (step_size_up if step_size_down is None else step_size_down))
        self.step_ratio = step_size_up / self.total_size
        self.mode, self.gamma = mode, gamma
        self._scale_fn = scale_fn
        self.scale_mode = scale_mode if scale_fn is not None else "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum and not all("momentum" in group or "betas" in group for group in optimizer.param_groups):
            raise ArgumentError("CyclicLR: the optimizer has neither momentum nor betas; pass cycle_momentum=False")
        self.base_momentum, self.max_momentum = base_momentum, max_momentum
        super().__init__(optimizer, last_epoch)

    def scale_fn(self, x: float) -> float:
        """The amplitude in a cycle, or after so many steps."""
        if self._scale_fn is not None:
            return self._scale_fn(x)
        if self.mode == "triangular":
            return 1.0
        return 1 / 2 ** (x - 1) if self.mode == "triangular2" else float(self.gamma**x)

    def get_lr(self) -> list[float]:
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        place = 1.0 + self.last_epoch / self.total_size - cycle
        up = place / self.step_ratio if place <= self.step_ratio else (place - 1) / (self.step_ratio - 1)
        height = up * self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        for group in self.optimizer.param_groups if self.cycle_momentum else ():
            momentum = self.max_momentum - (self.max_momentum - self.base_momentum) * height
            if "betas" in group:
                group["betas"] = (momentum, *group["betas"][1:])
            else:
                group["momentum"] = momentum
        return [low + (high - low) * height for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer and a plain function."""
        state = super().state_dict()
        function = state.pop("_scale_fn")
        kept = None if function is None or isinstance(function, types.FunctionType) else dict(vars(function))
        return {**state, "_scale_fn": kept}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take back what :meth:`state_dict` returned; a plain function stays as it is."""
        if state_dict["_scale_fn"] is not None and self._scale_fn is not None:
            vars(self._scale_fn).update(state_dict["_scale_fn"])
        super().load_state_dict({key: value for key, value in state_dict.items() if key != "_scale_fn"})
