"""PyTorch's other path to the layers: ``nn.modules.Linear``, ``from hotplug.nn.modules.batchnorm import BatchNorm2d``."""

import importlib
import sys
from typing import Any, Final

from hotplug import nn

_HOMES: Final = {
    "activation": "activation",
    "adaptive": "adaptive",
    "batchnorm": "norm",
    "container": "container",
    "conv": "conv",
    "distance": "distance",
    "dropout": "dropout",
    "flatten": "flatten",
    "fold": "fold",
    "instancenorm": "norm",
    "lazy": "lazy",
    "linear": "linear",
    "loss": "loss",
    "normalization": "norm",
    "padding": "padding",
    "pixelshuffle": "upsampling",
    "pooling": "pooling",
    "rnn": "recurrent",
    "sparse": "sparse",
    "transformer": "transformer",
    "upsampling": "upsampling",
}
"""PyTorch's modules, and where most of their layers are here; :mod:`.module` and :mod:`.utils` are here themselves."""

for _name, _home in _HOMES.items():
    globals()[_name] = sys.modules[f"{__name__}.{_name}"] = importlib.import_module(f"hotplug.nn.{_home}")


def __getattr__(name: str) -> Any:
    if name in ("module", "utils"):
        return importlib.import_module(f"{__name__}.{name}")
    if name not in nn.__all__:
        raise AttributeError(f"module 'hotplug.nn.modules' has no attribute {name!r}")
    return getattr(nn, name)
