"""The names of :mod:`hotplug.data`, where PyTorch has them."""

from hotplug.data import *  # noqa: F403 - the same names
from hotplug.data import __all__ as __all__, dataset as dataset, sampler as sampler  # noqa: PLC0414 - exported
