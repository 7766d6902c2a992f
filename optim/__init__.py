"""Optimizers and learning-rate schedules, under PyTorch's names."""

import hotplug.optim.lr_scheduler as lr_scheduler  # noqa: PLR0402 - mypy finds no partial module by the other form
import hotplug.optim.swa_utils as swa_utils  # noqa: PLR0402 - as above
from hotplug.optim.adadelta import Adadelta
from hotplug.optim.adafactor import Adafactor
from hotplug.optim.adagrad import Adagrad
from hotplug.optim.adam import Adam
from hotplug.optim.adamax import Adamax
from hotplug.optim.adamw import AdamW
from hotplug.optim.asgd import ASGD
from hotplug.optim.lbfgs import LBFGS
from hotplug.optim.muon import Muon
from hotplug.optim.nadam import NAdam
from hotplug.optim.optimizer import Optimizer
from hotplug.optim.radam import RAdam
from hotplug.optim.rmsprop import RMSprop
from hotplug.optim.rprop import Rprop
from hotplug.optim.sgd import SGD
from hotplug.optim.sparse_adam import SparseAdam

__all__ = [
    "ASGD", "LBFGS", "SGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Muon", "NAdam", "Optimizer",
    "RAdam", "RMSprop", "Rprop", "SparseAdam", "lr_scheduler", "swa_utils",
]  # fmt: skip
