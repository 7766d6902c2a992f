"""Hotplug: tensors and neural networks with PyTorch's names, whose devices are plugins."""

from __future__ import annotations

if __name__ != "hotplug":
    raise ImportError(f"this package is 'hotplug', not {__name__!r}: install it (pip install -e .) instead of importing by path")

from hotplug.device import device, devices, get_default_device, set_default_device
from hotplug.dtypes import *  # noqa: F403
from hotplug.tensor import Tensor
from hotplug import ops
from hotplug.ops import *  # noqa: F403
