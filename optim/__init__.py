"""Optimizers and learning-rate schedules, under PyTorch's names."""

import hotplug.optim.lr_scheduler as lr_scheduler  # noqa: PLR0402 - mypy finds no partial module by the other form
from hotplug.optim.adam import Adam
from hotplug.optim.adamw import AdamW
from hotplug.optim.optimizer import Optimizer
from hotplug.optim.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "lr_scheduler"]
