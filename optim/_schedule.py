"""The base of learning-rate schedules."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from typing import Any

from hotplug.errors import ArgumentTypeError, HotplugError
from hotplug.optim.optimizer import Optimizer


class _NotResumableError(HotplugError, KeyError):
    """A schedule was to go on in the middle, and its start isn't known."""

    def __str__(self) -> str:
        return str(self.args[0])


class LRScheduler(ABC):
    """Base of schedules.  A subclass defines :meth:`get_lr`; call :meth:`step` after every epoch (or every batch).

    Attributes:
        optimizer: whose groups are changed.
        base_lrs: the groups' learning rates at the start.
        last_epoch: how many steps were made.
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise ArgumentTypeError(f"{type(self).__name__} expected an Optimizer, got {type(optimizer).__name__}")
        self.optimizer = optimizer
        for number, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", float(group["lr"]))
            elif "initial_lr" not in group:
                raise _NotResumableError(
                    f"'initial_lr' is not specified in param_groups[{number}] when resuming with last_epoch="
                    f"{last_epoch}; load the optimizer's state first, or start with last_epoch=-1"
                )
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._step_count = 0
        self._last_lr: list[float] = []
        self._advance()

    @abstractmethod
    def get_lr(self) -> list[float]:
        """The learning rates at ``last_epoch``, one a group."""

    def get_last_lr(self) -> list[float]:
        """The learning rates that the last :meth:`step` set."""
        return list(self._last_lr)

    def step(self, epoch: int | None = None) -> None:
        """Go on to the next epoch (or to a given one), and set its learning rates."""
        if self._step_count == 1 and not self.optimizer._steps:
            warnings.warn(
                "lr_scheduler.step() was called before optimizer.step(): the first learning rate of the schedule is "
                "skipped; call them in the opposite order",
                stacklevel=2,
            )
        self._advance(epoch)

    def _advance(self, epoch: int | None = None) -> None:
        self._step_count += 1
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        for group, lr in zip(self.optimizer.param_groups, self.get_lr(), strict=True):
            group["lr"] = lr
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def _current(self) -> list[float]:
        return [float(group["lr"]) for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer."""
        return {key: value for key, value in vars(self).items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take back what :meth:`state_dict` returned."""
        vars(self).update(state_dict)
