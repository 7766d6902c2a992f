"""Helpers on parameters and sequences: gradients limited, parameters as one vector or computed from others, sequences
packed, normalisations folded away.
"""

import importlib
from typing import TYPE_CHECKING, Any, Final

from hotplug.nn.utils.clip_grad import clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm
from hotplug.nn.utils.convert_parameters import parameters_to_vector, vector_to_parameters

if TYPE_CHECKING:
    from hotplug.nn.utils import parametrizations as parametrizations, parametrize as parametrize, rnn as rnn
    from hotplug.nn.utils.fusion import (
        fuse_conv_bn_eval as fuse_conv_bn_eval,
        fuse_conv_bn_weights as fuse_conv_bn_weights,
        fuse_linear_bn_eval as fuse_linear_bn_eval,
        fuse_linear_bn_weights as fuse_linear_bn_weights,
    )
    from hotplug.nn.utils.norm_hooks import (
        remove_spectral_norm as remove_spectral_norm,
        remove_weight_norm as remove_weight_norm,
        spectral_norm as spectral_norm,
        weight_norm as weight_norm,
    )

__all__ = [
    "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "fuse_conv_bn_eval", "fuse_conv_bn_weights",
    "fuse_linear_bn_eval", "fuse_linear_bn_weights", "get_total_norm", "parameters_to_vector", "parametrizations",
    "parametrize", "remove_spectral_norm", "remove_weight_norm", "rnn", "spectral_norm", "vector_to_parameters",
    "weight_norm",
]  # fmt: skip

_HOMES: Final = {
    name: home
    for home, names in {
        "fusion": "fuse_conv_bn_eval fuse_conv_bn_weights fuse_linear_bn_eval fuse_linear_bn_weights",
        "making": "clip_grad_norm convert_conv2d_weight_memory_format convert_conv3d_weight_memory_format skip_init",
        "norm_hooks": "remove_spectral_norm remove_weight_norm spectral_norm weight_norm",
    }.items()
    for name in names.split()
}
"""The module of each name that is imported on first use."""


def __getattr__(name: str) -> Any:
    if name in ("parametrizations", "parametrize", "rnn"):
        return importlib.import_module(f"hotplug.nn.utils.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'hotplug.nn.utils' has no attribute {name!r}")
    return getattr(importlib.import_module(f"hotplug.nn.utils.{_HOMES[name]}"), name)
