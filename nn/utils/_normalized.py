"""Weights divided by a norm: what the parametrizations and the hooks of both kinds compute."""

from __future__ import annotations

from hotplug import ops
from hotplug.autograd.mode import no_grad
from hotplug.nn import functional as F
from hotplug.tensor import Tensor


def norm_except(weight: Tensor, dim: int) -> Tensor:
    """The norms over all axes but one, each kept as 1; with ``dim`` -1 the norm over all, ``()``."""
    if dim == -1:
        return ops.norm(weight)
    others = tuple(axis for axis in range(weight.ndim) if axis != dim)
    return ops.norm(weight, 2, others, True) if others else ops.abs(weight)


def scaled_direction(direction: Tensor, size: Tensor, dim: int) -> Tensor:
    """``size * direction / |direction|`` (Salimans and Kingma, 2016)."""
    found: Tensor = direction * (size / norm_except(direction, dim))
    return found


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """``(size of the axis dim, everything else)``."""
    turned = weight if dim == 0 else weight.permute(dim, *(axis for axis in range(weight.ndim) if axis != dim))
    return turned.reshape(turned.shape[0], -1)


@no_grad()
def power_iterations(matrix: Tensor, u: Tensor, v: Tensor, count: int, eps: float, v_first: bool) -> None:
    """Bring ``u`` and ``v`` nearer to the first singular vectors, in place."""
    for _ in range(count):
        for is_v in (v_first, not v_first):
            target = F.normalize(ops.mv(matrix.t(), u) if is_v else ops.mv(matrix, v), dim=0, eps=eps)
            (v if is_v else u).copy_(target)


def over_largest(weight: Tensor, matrix: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """The weight divided by an estimate of its matrix's largest singular value (Miyato et al., 2018)."""
    found: Tensor = weight / ops.dot(u.clone(), ops.mv(matrix, v.clone()))
    return found
