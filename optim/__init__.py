"""Optimizers and learning-rate schedules, under PyTorch's names."""

from hotplug.optim import lr_scheduler
from hotplug.optim.adam import Adam
from hotplug.optim.adamw import AdamW
from hotplug.optim.optimizer import Optimizer
from hotplug.optim.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "lr_scheduler"]
