"""Dropout: masks from the random stream, the same on every device."""

from __future__ import annotations

from typing import Any

from hotplug.declare import elementwise, function
from hotplug.declare.rules import strictly_floating
from hotplug.errors import ArgumentError, ShapeError
from hotplug.expr import scalar as s
from hotplug.ops.random import random_mask
from hotplug.tensor import Tensor

_F = "nn.functional"


@elementwise(dtype=strictly_floating, boolean=("mask",), method=False, inplace=False, sample=(-3, 3))
def keep(input: Any, mask: Any, scale: Any) -> Any:
    """``input * scale`` where the mask holds, else 0."""
    return s.where(mask, input * scale, 0.0)


def _drop(op: str, input: Tensor, p: float, training: bool, shape: tuple[int, ...], inplace: bool) -> Tensor:

    if not 0.0 <= p <= 1.0:
        raise ArgumentError(f"{op}: dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0.0 or not input.numel():
        return input
    mask = random_mask(input, shape, 1.0 - p)
    scale = 0.0 if p == 1.0 else 1.0 / (1.0 - p)
    if inplace:
        return keep.inplace(input, mask, scale)
    return keep(input, mask, scale)


@function(method=False, namespace=_F)
def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero each element with probability ``p``, and scale the others by ``1 / (1 - p)`` (Hinton et al., 2012)."""
    return _drop("dropout", input, p, training, tuple(input.shape), inplace)


def _channels(rank: int, input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    """PyTorch's rules: dropout2d takes the first two axes of anything as batch and channels, of ``(C, H, W)`` too."""
    op = f"dropout{rank}d"
    if (rank == 1 and input.ndim not in (2, 3)) or (rank == 2 and input.ndim < 2 and training and p):
        raise ShapeError(f"{op}: expected {rank + 1}D or {rank + 2}D input, got shape {list(input.shape)}")
    lead = min(2 if rank == 2 or input.ndim == rank + 2 else 1, input.ndim)
    return _drop(op, input, p, training, (*input.shape[:lead], *(1,) * (input.ndim - lead)), inplace)


@function(method=False, namespace=_F)
def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero whole channels.  input ``(N, C, L)`` or ``(C, L)``."""
    return _channels(1, input, p, training, inplace)


@function(method=False, namespace=_F)
def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero whole channels.  input ``(N, C, H, W)``; any other is taken as ``(N, C, *)``."""
    return _channels(2, input, p, training, inplace)


@function(method=False, namespace=_F)
def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero whole channels.  input ``(N, C, D, H, W)`` or ``(C, D, H, W)``."""
    return _channels(3, input, p, training, inplace)
