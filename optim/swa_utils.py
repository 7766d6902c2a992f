"""Averages of a model's weights: stochastic weight averaging (Izmailov et al., 2018) and exponential averages."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from typing import Any, final

from hotplug import ops
from hotplug.autograd.mode import no_grad
from hotplug.errors import ArgumentError
from hotplug.nn.module import Module
from hotplug.nn.norm import _BatchNorm
from hotplug.optim._schedule import LRScheduler
from hotplug.optim.optimizer import Optimizer
from hotplug.tensor import Tensor

Average = Callable[[Tensor, Tensor, int], Tensor]
MultiAverage = Callable[[list[Tensor], list[Tensor], int], None]


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """``decay * average + (1 - decay) * new``."""
    _check_decay(decay)

    def average(averaged: Tensor, current: Tensor, num_averaged: int) -> Tensor:
        return decay * averaged + (1 - decay) * current

    return average


def get_swa_avg_fn() -> Average:
    """The mean of all so far."""

    def average(averaged: Tensor, current: Tensor, num_averaged: int) -> Tensor:
        return averaged + (current - averaged) / (num_averaged + 1)

    return average


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAverage:
    """:func:`get_ema_avg_fn` over lists, in place."""
    _check_decay(decay)

    def update(averaged: list[Tensor], current: list[Tensor], num_averaged: int) -> None:
        for old, new in zip(averaged, current, strict=True):
            if old.is_floating_point() or old.is_complex():
                old.lerp_(new, 1 - decay)
            else:
                old.copy_(decay * old + (1 - decay) * new)

    return update


def get_swa_multi_avg_fn() -> MultiAverage:
    """:func:`get_swa_avg_fn` over lists, in place; of integers, such as counts of batches, the newest is kept."""

    def update(averaged: list[Tensor], current: list[Tensor], num_averaged: int) -> None:
        for old, new in zip(averaged, current, strict=True):
            if old.is_floating_point() or old.is_complex():
                old.lerp_(new, 1 / (num_averaged + 1))
            else:
                old.copy_(new)

    return update


def _check_decay(decay: float) -> None:
    if not 0.0 <= decay <= 1.0:
        raise ArgumentError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


@final
class AveragedModel(Module):
    """A copy of a model that holds the average of its parameters; calling it calls the copy.

    Args:
        model: what is averaged, by :meth:`update_parameters`.
        device: where the copy lives.
        avg_fn: ``(average, new, count) -> average`` of one parameter; default: the mean.
        multi_avg_fn: the same for all at once, in place.
        use_buffers: average the buffers too, instead of copying them.
    """

    def __init__(
        self, model: Module, device: Any = None, avg_fn: Average | None = None,
        multi_avg_fn: MultiAverage | None = None, use_buffers: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise ArgumentError("AveragedModel: only one of avg_fn and multi_avg_fn should be provided")
        self.module: Any = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", ops.tensor(0, device=device))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The averaged model's result."""
        return self.module(*args, **kwargs)

    def _values(self, model: Any) -> list[Tensor]:
        return [*model.parameters(), *(model.buffers() if self.use_buffers else ())]

    def update_parameters(self, model: Module) -> None:
        """Take a model's present parameters into the average."""
        with no_grad():
            own = self._values(self.module)
            given = [new.detach().to(old.device) for old, new in zip(own, self._values(model), strict=True)]
            count = int(self.n_averaged)
            if count == 0:
                for old, new in zip(own, given, strict=True):
                    old.copy_(new)
            elif self.avg_fn is not None:
                for old, new in zip(own, given, strict=True):
                    old.copy_(self.avg_fn(old.detach(), new, count))
            else:
                (self.multi_avg_fn or get_swa_multi_avg_fn())([each.detach() for each in own], given, count)
            if not self.use_buffers:
                for old, new in zip(self.module.buffers(), model.buffers(), strict=True):
                    old.copy_(new.detach().to(old.device))
            self.n_averaged += 1


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the running statistics of a model's batch norms anew, from the inputs that a loader gives."""
    layers = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    if not layers:
        return
    momenta, training = [layer.momentum for layer in layers], model.training
    model.train()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
    with no_grad():
        for batch in loader:
            first = batch[0] if isinstance(batch, (list, tuple)) else batch
            model(first if device is None else first.to(device))
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    model.train(training)


class SWALR(LRScheduler):
    """From the learning rate there is to ``swa_lr``, in ``anneal_epochs`` steps; then it stays.

    Args:
        swa_lr: for all groups, or one for each.
        anneal_epochs: 0 sets it at once.
        anneal_strategy: ``"cos"`` or ``"linear"``.
    """

    def __init__(
        self, optimizer: Optimizer, swa_lr: float | list[float], anneal_epochs: int = 10, anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        if anneal_strategy not in ("cos", "linear"):
            raise ArgumentError(f"anneal_strategy must by one of 'cos' or 'linear', instead got {anneal_strategy}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ArgumentError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        groups = optimizer.param_groups
        rates = list(swa_lr) if isinstance(swa_lr, (list, tuple)) else [swa_lr] * len(groups)
        for group, rate in zip(groups, rates, strict=True):
            group["swa_lr"] = rate
        self.anneal_epochs, self.anneal_strategy = anneal_epochs, anneal_strategy
        super().__init__(optimizer, last_epoch)

    def _part(self, epoch: int) -> float:
        """How much of the way is made at an epoch."""
        part = max(0.0, min(1.0, epoch / max(1, self.anneal_epochs)))
        return (1 - math.cos(math.pi * part)) / 2 if self.anneal_strategy == "cos" else part

    def get_lr(self) -> list[float]:
        epoch = self._step_count - 1
        if self.anneal_epochs == 0:
            epoch = max(1, epoch)
        before, now = self._part(max(0, min(epoch - 1, self.anneal_epochs))), self._part(epoch)
        found = []
        for group in self.optimizer.param_groups:
            goal, lr = group["swa_lr"], float(group["lr"])
            start = goal if before == 1 else (lr - before * goal) / (1 - before)
            found.append(goal * now + start * (1 - now))
        return found
