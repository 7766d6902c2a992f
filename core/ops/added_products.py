"""A tensor plus a product: addmv, addr, baddbmm, addbmm.  ``beta`` 0 ignores the tensor, NaN included."""

from __future__ import annotations

from typing import Any

from hotplug.declare import function
from hotplug.errors import RankError, ShapeError
from hotplug.layout import Shape
from hotplug.ops import products, views
from hotplug.ops.contractions import same_dtype
from hotplug.tensor import Tensor


def _plus(op: str, input: Tensor, result: Tensor, beta: Any, alpha: Any) -> Tensor:
    """``beta * input + alpha * result``, in the shape of the result."""
    shape: Shape = tuple(result.shape)
    if alpha != 1:
        result = result * alpha
    if beta == 0:
        return result
    try:
        wide = views.expand(input, shape)
    except ShapeError:
        raise ShapeError(
            f"{op}: input of shape {list(input.shape)} does not expand to the product's, {list(shape)}"
        ) from None
    return result + (wide if beta == 1 else wide * beta)


@function(inplace=True)
def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """``beta * input + alpha * (mat @ vec)``.  mat ``(M, K)``, vec ``(K)`` -> ``(M)``, to which the input expands."""
    same_dtype("addmv", input, mat, vec)
    return _plus("addmv", input, products.mv(mat, vec), beta, alpha)


@function(inplace=True)
def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """``beta * input + alpha * outer(vec1, vec2)``.  vec1 ``(M)``, vec2 ``(N)`` -> ``(M, N)``."""
    return _plus("addr", input, products.outer(vec1, vec2), beta, alpha)


@function(inplace=True)
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """``beta * input + alpha * (batch1 @ batch2)``.  ``(B, M, K)``, ``(B, K, N)`` -> ``(B, M, N)``."""
    same_dtype("baddbmm", input, batch1, batch2)
    return _plus("baddbmm", input, products.bmm(batch1, batch2), beta, alpha)


@function(inplace=True)
def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """``beta * input + alpha * sum(batch1 @ batch2, 0)``.  ``(B, M, K)``, ``(B, K, N)`` -> ``(M, N)``.

    One product: the batch is merged with the axis that is summed over.
    """
    same_dtype("addbmm", input, batch1, batch2)
    if batch1.ndim != 3 or batch2.ndim != 3 or tuple(batch1.shape[::2]) != tuple(batch2.shape[:2]):
        raise RankError(f"addbmm: expected (B, M, K) and (B, K, N), got {list(batch1.shape)} and {list(batch2.shape)}")
    count, rows, inner = batch1.shape
    left = views.reshape(views.permute(batch1, (1, 0, 2)), (rows, count * inner))
    right = views.reshape(batch2, (count * inner, batch2.shape[2]))
    return _plus("addbmm", input, products.product(left, right), beta, alpha)
