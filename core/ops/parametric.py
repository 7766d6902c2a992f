"""Functions of layers that have parameters but no family of their own."""

from __future__ import annotations

import math
from typing import Any

from hotplug.declare import elementwise, function
from hotplug.declare.elementwise import strictly_floating as floating
from hotplug.errors import RankError, ShapeError
from hotplug.expr import scalar as s
from hotplug.tensor import Tensor

_F = "nn.functional"


@elementwise(dtype=floating, sample=(-3, 3), namespace="ops", method=False, inplace=False)
def sloped(input: Any, slope: Any) -> Any:
    """``input`` where positive, else ``slope * input``."""
    return s.where(s.gt(input, 0.0), input, slope * input)


@function(method=False, namespace=_F)
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """``input`` where positive, else ``weight * input`` (He et al., 2015).

    input ``(*)`` or ``(N, C, *)``, weight ``(1)`` or ``(C)`` -> as the input.
    """
    from hotplug import ops

    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.ndim > 1 or weight.numel() not in (1, channels):
        raise ShapeError(f"prelu: expected a weight of 1 or {channels} elements, got shape {list(weight.shape)}")
    slope = ops.reshape(weight, (-1,) + (1,) * max(0, input.ndim - 2)) if weight.numel() > 1 else weight
    return sloped(input, ops.reshape(slope, ()) if not input.ndim else slope)


@function(method=False, namespace=_F)
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``input1^T weight input2 + bias``.

    input1 ``(*, I1)``, input2 ``(*, I2)``, weight ``(out, I1, I2)``, bias ``(out)`` -> ``(*, out)``.
    """
    from hotplug import ops

    fits = weight.ndim == 3 and input1.ndim and input2.ndim and tuple(input1.shape[:-1]) == tuple(input2.shape[:-1])
    if not fits or (input1.shape[-1], input2.shape[-1]) != tuple(weight.shape[1:]):
        raise RankError(
            f"bilinear: expected inputs (*, I1) and (*, I2) and a weight (out, I1, I2), got {list(input1.shape)}, "
            f"{list(input2.shape)} and {list(weight.shape)}"
        )
    outputs, first, second = weight.shape
    count = math.prod(input1.shape[:-1])
    rows = ops.matmul(
        ops.reshape(input1, (count, first)), ops.reshape(ops.transpose(weight, 0, 1), (first, outputs * second))
    )
    pairs = ops.reshape(rows, (count, outputs, second)) * ops.reshape(input2, (count, 1, second))
    result = ops.reshape(ops.sum(pairs, -1), (*input1.shape[:-1], outputs))
    return result if bias is None else result + bias
