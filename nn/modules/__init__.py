"""PyTorch's other path to the layers: ``nn.modules.Linear``, ``nn.modules.batchnorm.BatchNorm2d``."""

import importlib
from typing import Any, Final

_HOMES: Final = {
    "activation": "activation",
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
    "module": "modules.module",
    "normalization": "norm",
    "padding": "padding",
    "pixelshuffle": "upsampling",
    "pooling": "pooling",
    "rnn": "recurrent",
    "sparse": "sparse",
    "transformer": "transformer",
    "upsampling": "upsampling",
}
"""PyTorch's modules, and where their layers are here."""


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return importlib.import_module(f"hotplug.nn.{_HOMES[name]}")
    from hotplug import nn

    if name not in nn.__all__:
        raise AttributeError(f"module 'hotplug.nn.modules' has no attribute {name!r}")
    return getattr(nn, name)
