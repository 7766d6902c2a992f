"""How modules are made, and laid out, by names that few programs use."""

from __future__ import annotations

import warnings
from typing import Any

from hotplug.memory_format import memory_format as MemoryFormat
from hotplug.nn.conv import Conv2d, Conv3d
from hotplug.nn.conv_transpose import ConvTranspose2d, ConvTranspose3d
from hotplug.nn.utils.clip_grad import clip_grad_norm_
from hotplug.tensor import Tensor


def skip_init(module_cls: Any, *args: Any, **kwargs: Any) -> Any:
    """A module of a class; its parameters are initialised all the same, which costs time and nothing else."""
    return module_cls(*args, **kwargs)


def clip_grad_norm(
    parameters: Any,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """PyTorch's old name of ``clip_grad_norm_``."""
    warnings.warn(
        "`clip_grad_norm` is now deprecated in favor of `clip_grad_norm_`", category=FutureWarning, stacklevel=2
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def _convert(module: Any, kinds: tuple[Any, ...], memory_format: MemoryFormat) -> Any:
    for each in module.modules():
        if isinstance(each, kinds):
            each.weight.data = each.weight.detach().clone(memory_format=memory_format)
    return module


def convert_conv2d_weight_memory_format(module: Any, memory_format: MemoryFormat) -> Any:
    """The module with the weights of its 2-d convolutions laid out in a memory format."""
    return _convert(module, (Conv2d, ConvTranspose2d), memory_format)


def convert_conv3d_weight_memory_format(module: Any, memory_format: MemoryFormat) -> Any:
    """The module with the weights of its 3-d convolutions laid out in a memory format."""
    return _convert(module, (Conv3d, ConvTranspose3d), memory_format)
