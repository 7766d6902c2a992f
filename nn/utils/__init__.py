"""Helpers on parameters and sequences: gradients limited, parameters as one vector, sequences packed."""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

from hotplug.nn.utils.clip_grad import clip_grad_norm_, clip_grad_value_, get_total_norm
from hotplug.nn.utils.convert_parameters import parameters_to_vector, vector_to_parameters

if TYPE_CHECKING:
    from hotplug.nn.utils import rnn as rnn

__all__ = [
    "clip_grad_norm_", "clip_grad_value_", "get_total_norm", "parameters_to_vector", "rnn", "vector_to_parameters",
]  # fmt: skip


def __getattr__(name: str) -> ModuleType:
    if name != "rnn":
        raise AttributeError(f"module 'hotplug.nn.utils' has no attribute {name!r}")
    return importlib.import_module("hotplug.nn.utils.rnn")
