"""Lengths of vectors, and distances and angles between them."""

from __future__ import annotations

from typing import Any

from hotplug.declare import function
from hotplug.ops import arithmetic, reduction
from hotplug.tensor import Tensor


@function(method=False, namespace="nn.functional")
def normalize(input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """Vectors of length 1: ``input / max(norm(input, p, dim), eps)``.  ``(*S)`` -> ``(*S)``."""
    result: Tensor = input / arithmetic.clamp(reduction.norm(input, p, dim, True), min=eps)
    return result if out is None else out.copy_(result)


@function(method=False)
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Cosine of the angle, ``x1 . x2 / (max(|x1|, eps) * max(|x2|, eps))`` along ``dim``; the inputs broadcast."""
    first, second = (each / arithmetic.clamp(reduction.norm(each, 2.0, dim, True), min=eps) for each in (x1, x2))
    return reduction.sum(first * second, dim)


@function(method=False)
def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """Norm of ``x1 - x2 + eps`` over the last axis.  ``(N, D)`` or ``(D)``, broadcast -> ``(N)`` or ``()``."""
    return reduction.norm(x1 - x2 + eps, p, -1, keepdim)
