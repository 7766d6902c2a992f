"""The schedule of one cycle."""

from __future__ import annotations

import math
from typing import Any

from hotplug.errors import ArgumentError
from hotplug.optim._schedule import LRScheduler
from hotplug.optim.optimizer import Optimizer


class OneCycleLR(LRScheduler):
    """Up from ``max_lr / div_factor`` to ``max_lr``, then down far below (Smith and Topin, 2017); step it every batch.

    Momentum (or Adam's first beta) goes the other way round.

    Args:
        max_lr: the peak, for all groups or one for each.
        total_steps: or ``epochs`` and ``steps_per_epoch``.
        pct_start: the part of the steps that goes up.
        anneal_strategy: ``"cos"`` or ``"linear"``.
        cycle_momentum, base_momentum, max_momentum: whether and between what values momentum changes.
        div_factor, final_div_factor: the start is ``max_lr / div_factor``, the end that divided by the second.
        three_phase: come down to the start first.
    """

    def __init__(
        self, optimizer: Optimizer, max_lr: float | list[float], total_steps: int | None = None,
        epochs: int | None = None, steps_per_epoch: int | None = None, pct_start: float = 0.3,
        anneal_strategy: str = "cos", cycle_momentum: bool = True, base_momentum: float = 0.85,
        max_momentum: float = 0.95, div_factor: float = 25.0, final_div_factor: float = 1e4, three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        self.total_steps = _checked_steps(total_steps, epochs, steps_per_epoch, pct_start)
        if anneal_strategy not in ("cos", "linear"):
            raise ArgumentError(f"OneCycleLR: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}")
        self.anneal_strategy = anneal_strategy
        self.cycle_momentum = cycle_momentum
        self.base_momentum, self.max_momentum = base_momentum, max_momentum
        self._phases = _phases(self.total_steps, pct_start, three_phase)
        if last_epoch == -1:
            peaks = list(max_lr) if isinstance(max_lr, (list, tuple)) else [max_lr] * len(optimizer.param_groups)
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                start = peak / div_factor
                group.update(initial_lr=start, max_lr=peak, min_lr=start / final_div_factor)
        super().__init__(optimizer, last_epoch)

    def _set_momentum(self, group: dict[str, Any], value: float) -> None:
        if "betas" in group:
            group["betas"] = (value, *group["betas"][1:])
        elif "momentum" in group:
            group["momentum"] = value
        else:
            raise ArgumentError("OneCycleLR: the optimizer has neither momentum nor betas; pass cycle_momentum=False")

    def _between(self, start: float, end: float, part: float) -> float:
        if self.anneal_strategy == "cos":
            return end + (start - end) / 2.0 * (math.cos(math.pi * part) + 1)
        return start + (end - start) * part

    def _phase(self, now: int) -> tuple[str, str, float]:
        """Between which learning rates a step lies, and how far."""
        begin = 0.0
        for end, before, after in self._phases[:-1]:
            if now <= end:
                return before, after, (now - begin) / (end - begin) if end != begin else 1.0
            begin = end
        end, before, after = self._phases[-1]
        return before, after, (now - begin) / (end - begin) if end != begin else 1.0

    def get_lr(self) -> list[float]:
        now = self.last_epoch
        if now > self.total_steps:
            raise ArgumentError(
                f"OneCycleLR: step {now} is beyond the total_steps={self.total_steps} that were announced"
            )
        momenta = {"initial": self.max_momentum, "max": self.base_momentum, "min": self.max_momentum}
        before, after, part = self._phase(now)
        for group in self.optimizer.param_groups if self.cycle_momentum else ():
            self._set_momentum(group, self._between(momenta[before], momenta[after], part))
        groups = self.optimizer.param_groups
        return [self._between(group[f"{before}_lr"], group[f"{after}_lr"], part) for group in groups]


def _checked_steps(total: int | None, epochs: int | None, steps_per_epoch: int | None, pct_start: float) -> int:
    if total is None:
        if epochs is None or steps_per_epoch is None:
            raise ArgumentError("OneCycleLR: pass total_steps, or both epochs and steps_per_epoch")
        total = epochs * steps_per_epoch
    if total <= 0 or not 0 <= pct_start <= 1:
        raise ArgumentError(
            f"OneCycleLR: expected steps above 0 and pct_start from 0 to 1, got {total} and {pct_start}"
        )
    return total


def _phases(total: int, pct_start: float, three: bool) -> list[tuple[float, str, str]]:
    """The last step of every phase, and between which learning rates it lies."""
    up, last = float(pct_start * total) - 1, float(total - 1)
    if three:
        return [(up, "initial", "max"), (2 * up, "max", "initial"), (last, "initial", "min")]
    return [(up, "initial", "max"), (last, "max", "min")]
