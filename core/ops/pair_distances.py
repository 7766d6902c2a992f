"""Distances between all pairs of two sets of vectors: cdist, pdist, dist."""

from __future__ import annotations

import math
from typing import Any

from hotplug.declare import composite, function
from hotplug.dtypes import dtype as DType
from hotplug.errors import ArgumentError, DTypeError, ShapeError
from hotplug.layout import Shape, broadcast_shapes
from hotplug.ops import arithmetic, comparison, diagonals, products, reduction, selection, transcendental, views
from hotplug.ops.gathering import gather_along
from hotplug.tensor import Tensor

_MANY = 25
"""With more vectors than this on a side, Euclidean distances go through a matrix product, as in PyTorch."""


def _outputs(x1: Tensor, x2: Tensor, p: float, by_product: bool) -> list[tuple[Shape, DType]]:
    return [((*x1.shape[:-1], x2.shape[-2]), x1.dtype)]


@composite(outputs=_outputs)
def cdist_along(x1: Tensor, x2: Tensor, p: float, by_product: bool) -> Tensor:
    """``(sum_k |x1_ik - x2_jk| ** p) ** (1 / p)``.  ``(*B, P, M)``, ``(*B, R, M)`` -> ``(*B, P, R)``.

    ``by_product``: ``|a|**2 + |b|**2 - 2 a.b`` for ``p`` 2, which loses digits where the distance is small.
    """
    if by_product:
        own, theirs = (reduction.sum(arithmetic.square(x), -1, True) for x in (x1, x2))
        mixed = products.product(x1, views.transpose(x2, -2, -1))
        squares = own + views.transpose(theirs, -2, -1) - mixed * 2.0
        return transcendental.safe_sqrt(arithmetic.clamp(squares, min=0.0))
    return reduction.norm(_differences(x1, x2), p, -1)


def _differences(x1: Tensor, x2: Tensor) -> Tensor:
    return views.unsqueeze(x1, -2) - views.unsqueeze(x2, -3)


@cdist_along.gradient("x1", "x2")
def _(grad: Tensor, out: Tensor, x1: Tensor, x2: Tensor, p: float) -> tuple[Tensor, Tensor]:
    """0 where two vectors coincide; for infinity, to every coordinate that reaches the maximum."""
    same = comparison.eq(out, 0)
    scale = selection.where(same, 0.0, grad)
    safe = selection.where(same, 1.0, out)
    if p == 2.0:  # sum_j w_ij (a_i - b_j) without the differences of all pairs
        weight = scale / safe
        return _pulled(weight, x1, x2), _pulled(views.transpose(weight, -2, -1), x2, x1)
    step = _differences(x1, x2)
    share = _slope(step, views.unsqueeze(safe, -1), p) * views.unsqueeze(scale, -1)
    return reduction.sum(share, -2), -reduction.sum(share, -3)


def _pulled(weight: Tensor, own: Tensor, others: Tensor) -> Tensor:
    return own * reduction.sum(weight, -1, True) - products.product(weight, others)


def _slope(step: Tensor, size: Tensor, p: float) -> Tensor:
    """The derivative of the distance by one coordinate."""
    sign: Tensor = arithmetic.sign(step)
    if p == 0.0:
        return sign * 0.0
    if p == 1.0:
        return sign
    if p == math.inf:
        reached: Tensor = selection.where(comparison.eq(arithmetic.abs(step), size), sign, 0.0)
        return reached
    zero = comparison.eq(step, 0)
    power = arithmetic.pow(arithmetic.abs(selection.where(zero, 1.0, step)) / size, p - 1.0)
    slope: Tensor = selection.where(zero, 0.0, sign * power)
    return slope


class NormOrderError(ArgumentError, RuntimeError):
    """A negative order, or an unknown way to compute."""


_MODES = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")


def _check(op: str, p: float, *tensors: Tensor) -> None:
    if not p >= 0:
        raise NormOrderError(f"{op} only supports non-negative p values, got {p}")
    for each in tensors:
        if each.dtype.kind != "f":
            raise DTypeError(f"{op} only supports floating-point dtypes, got {each.dtype.name}")


@function(method=False)
def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary") -> Tensor:
    """Distances of order ``p`` between all pairs.  ``(*B, P, M)``, ``(*B, R, M)`` -> ``(*B, P, R)``; ``B`` broadcasts.

    The gradient is 0 where two vectors coincide.

    Args:
        compute_mode: whether Euclidean distances use a matrix product: if one side has more than 25 vectors
            (``use_mm_for_euclid_dist_if_necessary``), always, or never (``donot_use_mm_for_euclid_dist``).
    """
    _check("cdist", p, x1, x2)
    if compute_mode not in _MODES:
        raise NormOrderError(f"cdist: compute_mode must be one of {', '.join(_MODES)}, got {compute_mode}")
    if x1.ndim < 2 or x2.ndim < 2 or x1.shape[-1] != x2.shape[-1]:
        raise ShapeError(
            f"cdist: X1 and X2 must be at least two-dimensional and have the same number of columns, got {list(x1.shape)} "
            f"and {list(x2.shape)}"
        )
    batch = broadcast_shapes("cdist", tuple(x1.shape[:-2]), tuple(x2.shape[:-2]))
    x1, x2 = (views.expand(x, (*batch, *x.shape[-2:])) for x in (x1, x2))
    if 0 in (*x1.shape, *x2.shape):
        return reduction.sum(_differences(x1, x2), -1)
    many = x1.shape[-2] > _MANY or x2.shape[-2] > _MANY
    by_product = p == 2.0 and (compute_mode == _MODES[1] or (compute_mode == _MODES[0] and many))
    return cdist_along(x1, x2, float(p), by_product)


@function(method=False)
def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """Distances between the rows of a matrix, each pair once, in the order of the upper triangle.

    ``(N, M)`` -> ``(N * (N - 1) / 2)``.
    """
    _check("pdist", p, input)
    if input.ndim != 2:
        raise ShapeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    count = input.shape[0]
    total = count * (count - 1) // 2
    if not total or not input.shape[1]:
        return reduction.sum(input, dtype=input.dtype) * views.reshape(_zeros(input, total), (total,))
    mask = diagonals.triu(_ones(input, count), 1)
    places = selection.true_positions(mask, total)
    return gather_along(views.reshape(cdist_along(input, input, float(p), False), (-1,)), 0, places, (total,))


def _zeros(like: Tensor, count: int) -> Tensor:
    from hotplug.ops import creation

    return creation.zeros((count,), dtype=like.dtype, device=like.device)


def _ones(like: Tensor, count: int) -> Tensor:
    from hotplug.dtypes import bool_
    from hotplug.ops import creation

    return creation.ones((count, count), dtype=bool_, device=like.device)


@function()
def dist(input: Tensor, other: Tensor, p: Any = 2) -> Tensor:
    """The norm of order ``p`` of ``input - other``, which broadcast -> 0-d."""
    return reduction.norm(input - other, float(p))
