"""Matrix products."""

from __future__ import annotations

import math
from typing import Any

from hotplug import families
from hotplug.array import Array
from hotplug.declare import composite, function, primitive
from hotplug.errors import DTypeError, RankError, ShapeError
from hotplug.layout import Shape, broadcast_shapes
from hotplug.tensor import Tensor


@primitive
def product(input: Array, other: Array) -> Array:
    """``(*B, M, K) @ (*B, K, N) -> (*B, M, N)``; the batch axes broadcast."""
    return families.matmul(input, other)


@product.gradient("input")
def _(grad: Tensor, other: Tensor, input_shape: Shape) -> Tensor:
    return _sum_batch(product(grad, _adjoint(other)), input_shape)


@product.gradient("other")
def _(grad: Tensor, input: Tensor, other_shape: Shape) -> Tensor:
    return _sum_batch(product(_adjoint(input), grad), other_shape)


def _adjoint(matrix: Tensor) -> Tensor:
    from hotplug import ops

    return _conjugate(ops.transpose(matrix, -2, -1))


def _conjugate(matrix: Tensor) -> Tensor:
    from hotplug import ops

    return ops.conj(matrix) if matrix.dtype.kind == "c" else matrix


def _sum_batch(grad: Tensor, shape: Shape) -> Tensor:
    from hotplug import ops

    return ops.sum_to_size(grad, shape)


def _check(op: str, input: Tensor, other: Tensor, fits: bool) -> None:
    if input._array.layout.dtype is not other._array.layout.dtype:
        raise DTypeError(
            f"{op}: expected m1 and m2 to have the same dtype, but got: {input.dtype.name} != {other.dtype.name}"
        )
    if not fits:
        raise ShapeError(
            f"{op}: mat1 and mat2 shapes cannot be multiplied ({list(input.shape)} and {list(other.shape)}): the "
            f"last size of the first must be the second-last (or only) size of the second"
        )


@function(dunders=("__matmul__",))
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """Matrix product with NumPy's rules: vectors are rows on the left and columns on the right, batches broadcast."""
    rows, columns = input._array.layout.shape, other._array.layout.shape
    a, b = len(rows), len(columns)
    if a == 0 or b == 0:
        raise ShapeError(f"matmul: both arguments need to be at least 1D, but they are {a}D and {b}D; use mul")
    _check("matmul", input, other, rows[-1] == columns[-2 if b > 1 else 0])
    if b > 1 and (a == 2 or (a > 2 and b > 2)):
        return product(input, other)
    return dot(input, other) if a == b == 1 else _of_vector_or_rows(input, other, a, b)


def _of_vector_or_rows(input: Tensor, other: Tensor, a: int, b: int) -> Tensor:
    """A product with one vector, or of a batch with one matrix."""
    from hotplug import ops

    left = ops.unsqueeze(input, 0) if a == 1 else input
    right = ops.unsqueeze(other, 1) if b == 1 else other
    if left.ndim > 2 and right.ndim == 2:  # one large product instead of many small ones
        rows = ops.reshape(left, (math.prod(left.shape[:-1]), left.shape[-1]))
        result = ops.reshape(product(rows, right), (*left.shape[:-1], right.shape[-1]))
    else:
        result = product(left, right)
    if a == 1:
        result = ops.squeeze(result, -2)
    return ops.squeeze(result, -1) if b == 1 else result


@function(dunders=("__rmatmul__",), method=False)
def rmatmul(input: Tensor, other: Tensor) -> Tensor:
    """``other @ input``."""
    return matmul(other, input)


@function()
def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """Product of two matrices, ``(M, K) @ (K, N) -> (M, N)``."""
    if input.ndim != 2 or mat2.ndim != 2:
        raise ShapeError(f"mm: expected two matrices, got {input.ndim}D and {mat2.ndim}D tensors; use matmul")
    _check("mm", input, mat2, input.shape[1] == mat2.shape[0])
    return product(input, mat2)


@function()
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """Batch of matrix products, ``(B, M, K) @ (B, K, N) -> (B, M, N)``."""
    if input.ndim != 3 or mat2.ndim != 3:
        raise RankError(f"bmm: expected two batches of matrices, got {list(input.shape)} and {list(mat2.shape)}")
    if input.shape[0] != mat2.shape[0]:
        raise ShapeError(f"bmm: expected two batches of one size, got {list(input.shape)} and {list(mat2.shape)}")
    _check("bmm", input, mat2, input.shape[2] == mat2.shape[1])
    return product(input, mat2)


@function()
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """Matrix times vector, ``(M, K) @ (K) -> (M)``."""
    if input.ndim != 2 or vec.ndim != 1:
        raise RankError(f"mv: expected a matrix and a vector, got {input.ndim}D and {vec.ndim}D tensors")
    return matmul(input, vec)


@function()
def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """Inner product of two vectors, without conjugation -> 0-d."""
    from hotplug import ops

    if input.ndim != 1 or tensor.ndim != 1:
        raise ShapeError(f"dot: 1D tensors expected, but got {input.ndim}D and {tensor.ndim}D tensors")
    if input.shape != tensor.shape:
        raise ShapeError(f"dot: expected vectors of one size, got {input.shape[0]} and {tensor.shape[0]}")
    _check("dot", input, tensor, True)
    return ops.sum(input * tensor, dtype=input.dtype)


@function(aliases=("ger",))
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """Outer product of two vectors, ``(M), (N) -> (M, N)``."""
    from hotplug import ops

    if input.ndim != 1 or vec2.ndim != 1:
        raise ShapeError(f"outer: 1D tensors expected, but got {input.ndim}D and {vec2.ndim}D tensors")
    return ops.unsqueeze(input, 1) * vec2


@function(inplace=True)
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """``beta * input + alpha * (mat1 @ mat2)``; ``beta`` 0 ignores the input, NaN included."""
    result = mm(mat1, mat2)
    if alpha != 1:
        result = result * alpha
    if beta == 0:
        return result
    return result + (input if beta == 1 else input * beta)


def _linear_outputs(input: Tensor, weight: Tensor, bias: Tensor | None) -> list[Any]:
    return [((*input.shape[:-1], weight.shape[0]), input.dtype)]


@composite(outputs=_linear_outputs)
def linear_layer(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """``input @ weight.T + bias``."""
    from hotplug import ops

    rows = ops.reshape(input, (math.prod(input.shape[:-1]), input.shape[-1]))
    result = product(rows, ops.transpose(weight, 0, 1))
    result = result if bias is None else result + bias
    return ops.reshape(result, (*input.shape[:-1], weight.shape[0]))


@linear_layer.gradient("input")
def _(grad: Tensor, weight: Tensor) -> Tensor:
    return matmul(grad, _conjugate(weight))


@linear_layer.gradient("weight")
def _(grad: Tensor, input: Tensor, weight_shape: Shape) -> Tensor:
    from hotplug import ops

    count = math.prod(grad.shape[:-1])
    rows, columns = ops.reshape(grad, (count, weight_shape[0])), ops.reshape(input, (count, weight_shape[1]))
    return product(ops.transpose(rows, 0, 1), _conjugate(columns))


@linear_layer.gradient("bias")
def _(grad: Tensor) -> Tensor:
    from hotplug import ops

    return ops.sum(ops.reshape(grad, (math.prod(grad.shape[:-1]), grad.shape[-1])), 0)


def check_linear(op: str, input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    """Check shapes and dtypes of a linear map.

    Raises:
        ShapeError, DTypeError: they don't fit.
    """
    if not input.ndim or weight.ndim != 2 or input.shape[-1] != weight.shape[1]:
        raise ShapeError(
            f"{op}: mat1 and mat2 shapes cannot be multiplied: input {list(input.shape)} needs weight (out, "
            f"{input.shape[-1] if input.ndim else 'in'}), got {list(weight.shape)}"
        )
    for other in (weight, bias):
        if other is not None and other.dtype is not input.dtype:
            raise DTypeError(f"{op}: expected one dtype, got input {input.dtype.name} and parameter {other.dtype.name}")
    if bias is not None and tuple(bias.shape) != (weight.shape[0],):
        broadcast_shapes(op, tuple(bias.shape), (weight.shape[0],))


@function(method=False, namespace="nn.functional")
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Affine map, ``input @ weight.T + bias``.

    input ``(*, in)``, weight ``(out, in)``, bias ``(out)`` -> ``(*, out)``.
    """
    check_linear("linear", input, weight, bias)
    return linear_layer(input, weight, bias)
