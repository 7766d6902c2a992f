"""Products over shared axes beside the plain matrix products: tensordot, inner, kron, cross, chains and powers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

from hotplug.declare import elementwise, function, numeric
from hotplug.declare.dims import canonical_dim
from hotplug.errors import DimensionError, DTypeError, RankError, ShapeError
from hotplug.layout import broadcast_shapes
from hotplug.ops import complex_numbers, creation, joining, products, reduction, views
from hotplug.ops.products import product
from hotplug.tensor import Tensor


def same_dtype(op: str, *tensors: Tensor) -> None:
    """Products take operands of one dtype.

    Raises:
        DTypeError: they differ.
    """
    kinds = [each.dtype for each in tensors]
    if any(kind is not kinds[0] for kind in kinds):
        raise DTypeError(
            f"{op}: expected operands of the same dtype, got {', '.join(kind.name for kind in kinds)}; convert with .to(dtype)"
        )


# --- sums over shared axes -------------------------------------------------------------------------------------------


def _contracted(a: Tensor, b: Tensor, dims: Any) -> tuple[list[int], list[int]]:
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, (list, tuple)):
        first, second = ([each] if isinstance(each, int) else list(each) for each in dims)
        if (first and not a.ndim) or (second and not b.ndim):
            raise RankError(f"tensordot: a 0-d tensor has no axes to sum over, got dims={dims}")
        return [canonical_dim("tensordot", d, a.ndim) for d in first], [
            canonical_dim("tensordot", d, b.ndim) for d in second
        ]
    if dims < 0:
        raise ShapeError(f"tensordot expects dims >= 0, but got dims={dims}")
    if dims > min(a.ndim, b.ndim):
        raise ShapeError(f"tensordot expects dims <= {min(a.ndim, b.ndim)}, the number of axes, but got dims={dims}")
    return list(range(a.ndim - dims, a.ndim)), list(range(dims))


@function(method=False)
def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Sum of products over axes of ``a`` paired with axes of ``b``: the last ``dims`` with the first, or two lists.

    -> the other axes of ``a``, then those of ``b``.  An axis of size 1 broadcasts to its partner.
    """
    same_dtype("tensordot", a, b)
    first, second = _contracted(a, b, dims)
    if len(first) != len(second):
        raise ShapeError(f"tensordot: both dimension lists should have same length, got {first} and {second}")
    for x, y in zip(first, second, strict=True):
        if a.shape[x] == 1:
            b = reduction.sum(b, y, True, dtype=b.dtype)
        elif b.shape[y] == 1:
            a = reduction.sum(a, x, True, dtype=a.dtype)
        elif a.shape[x] != b.shape[y]:
            raise ShapeError(
                f"tensordot: contracted dimensions need to match, but first has size {a.shape[x]} in dim {x} and second "
                f"has size {b.shape[y]} in dim {y}"
            )
    rows, columns = ([d for d in range(t.ndim) if d not in used] for t, used in ((a, first), (b, second)))
    inner = math.prod(a.shape[d] for d in first)
    left = views.reshape(views.permute(a, (*rows, *first)), (math.prod(a.shape[d] for d in rows), inner))
    right = views.reshape(views.permute(b, (*second, *columns)), (inner, math.prod(b.shape[d] for d in columns)))
    return views.reshape(product(left, right), (*(a.shape[d] for d in rows), *(b.shape[d] for d in columns)))


@function()
def inner(input: Tensor, other: Tensor) -> Tensor:
    """Sum of products over the last axis of both.  ``(*S, K)``, ``(*T, K)`` -> ``(*S, *T)``; a 0-d operand multiplies."""
    if input.ndim == 0 or other.ndim == 0:
        return input * other
    if input.shape[-1] != other.shape[-1]:
        raise ShapeError(
            f"inner() the last dimension must match on both input tensors but got shapes {list(input.shape)} and "
            f"{list(other.shape)}"
        )
    return tensordot(input, other, ([-1], [-1]))


@function()
def vdot(input: Tensor, other: Tensor) -> Tensor:
    """Inner product of two vectors, the first conjugated -> 0-d."""
    return products.dot(complex_numbers.conj(input), other)


@function(method=False, namespace="linalg")
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """Inner products of vectors along ``dim``, the first conjugated; the other axes broadcast."""
    same_dtype("vecdot", x, y)
    return reduction.sum(complex_numbers.conj(x) * y, dim, dtype=x.dtype)


@function()
def trace(input: Tensor) -> Tensor:
    """Sum of the diagonal of a matrix -> 0-d; integers give int64."""
    if input.ndim != 2:
        raise ShapeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    return reduction.sum(views.diagonal(input, 0, 0, 1))


# --- outer products --------------------------------------------------------------------------------------------------


@function()
def kron(input: Tensor, other: Tensor) -> Tensor:
    """Kronecker product: every element of ``input`` times all of ``other``.  ``(*S)``, ``(*T)`` -> the products of sizes."""
    rank = max(input.ndim, other.ndim)
    pair = []
    for place, tensor in enumerate((input, other)):
        shape = (1,) * (rank - tensor.ndim) + tuple(tensor.shape)
        spread = [size for n in shape for size in ((n, 1) if place == 0 else (1, n))]
        pair.append(views.reshape(tensor, spread))
    result = pair[0] * pair[1]
    shape = tuple(result.shape[2 * axis] * result.shape[2 * axis + 1] for axis in range(rank))
    return views.reshape(result, shape)


@elementwise(dtype=numeric, sample=(-3, 3), method=False, inplace=False, namespace="ops")
def difference_of_products(a: Any, b: Any, c: Any, d: Any) -> Any:
    """``a * b - c * d``.  All ``(*S)``, broadcast -> ``(*S)``."""
    return a * b - c * d


def cross_along(input: Tensor, other: Tensor, dim: int) -> Tensor:
    """The cross product along an axis of size 3 of both, which have the same number of axes."""
    x, y = views.unbind(input, dim), views.unbind(other, dim)
    parts = [difference_of_products(x[i], y[j], x[j], y[i]) for i, j in ((1, 2), (2, 0), (0, 1))]
    return joining.stack(parts, dim)


class _NoAxisError(DimensionError, RuntimeError):
    """No axis of size 3."""


@function()
def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """Cross product of vectors along ``dim``, by default the first axis of size 3; the others broadcast."""
    if input.ndim != other.ndim:
        raise ShapeError(
            f"cross: inputs must have the same number of dimensions, got {input.ndim} and {other.ndim}; unsqueeze one"
        )
    if dim is None:
        shape = broadcast_shapes("cross", tuple(input.shape), tuple(other.shape))
        if 3 not in shape:
            raise _NoAxisError(f"cross: no dimension of size 3 in input {list(input.shape)}")
        dim = shape.index(3)
    d = canonical_dim("cross", dim, input.ndim)
    if not input.ndim:
        raise RankError("cross: expected at least one dimension, got 0-d tensors")
    if input.shape[d] != 3 or other.shape[d] != 3:
        raise ShapeError(
            f"cross: inputs dimension {dim} must have length 3. Got {list(input.shape)} and {list(other.shape)}"
        )
    return cross_along(input, other, d)


@function(method=False, namespace="linalg", name="cross")
def linalg_cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """Cross product of vectors along ``dim``, the last axis by default; the others broadcast."""
    return cross(input, other, dim)


# --- chains and powers -----------------------------------------------------------------------------------------------


def _best_splits(sizes: Sequence[int]) -> list[list[int]]:
    """Where to split each stretch of a chain of matrices for the least arithmetic (Cormen et al., section 15.2)."""
    count = len(sizes) - 1
    cost = [[0] * count for _ in range(count)]
    split = [[0] * count for _ in range(count)]
    for length in range(2, count + 1):
        for i in range(count - length + 1):
            j = i + length - 1
            cost[i][j], split[i][j] = min(
                (cost[i][k] + cost[k + 1][j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            )
    return split


def _multiplied(tensors: Sequence[Tensor], split: list[list[int]], i: int, j: int) -> Tensor:
    if i == j:
        return tensors[i]
    k = split[i][j]
    return products.mm(_multiplied(tensors, split, i, k), _multiplied(tensors, split, k + 1, j))


@function(method=False, namespace="linalg")
def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """Product of several matrices in the order of least arithmetic; the first and the last may be vectors."""
    if len(tensors) < 2:
        raise ShapeError(f"multi_dot(): expected at least 2 tensors but got {len(tensors)}")
    same_dtype("multi_dot", *tensors)
    for place, each in enumerate(tensors):
        if each.ndim != 2 and not (each.ndim == 1 and place in (0, len(tensors) - 1)):
            raise ShapeError(
                f"multi_dot(): tensor {place} must be 2D (the first and last may be 1D) but got {each.ndim}D"
            )
    chain = list(tensors)
    row, column = chain[0].ndim == 1, chain[-1].ndim == 1
    chain[0] = views.unsqueeze(chain[0], 0) if row else chain[0]
    chain[-1] = views.unsqueeze(chain[-1], 1) if column else chain[-1]
    for left, right in itertools.pairwise(chain):
        if left.shape[1] != right.shape[0]:
            raise ShapeError(
                f"multi_dot(): tensors cannot be multiplied: {list(left.shape)} and {list(right.shape)} do not fit"
            )
    sizes = [chain[0].shape[0], *(each.shape[1] for each in chain)]
    result = _multiplied(chain, _best_splits(sizes), 0, len(chain) - 1)
    result = views.squeeze(result, 0) if row else result
    return views.squeeze(result, -1) if column else result


@function(method=False)
def chain_matmul(*matrices: Tensor) -> Tensor:
    """Product of several matrices in the order of least arithmetic."""
    for place, each in enumerate(matrices):
        if each.ndim != 2:
            raise ShapeError(f"chain_matmul: tensor dimension is {each.ndim}, expected 2 instead, of tensor {place}")
    if not matrices:
        raise ShapeError("chain_matmul(): expected one or more matrices")
    return matrices[0].clone() if len(matrices) == 1 else multi_dot(matrices)


def matrix_power_of(input: Tensor, n: int) -> Tensor:
    """By repeated squaring: about ``2 * log2(n)`` products."""
    if n < 0:
        from hotplug import linalg

        return matrix_power_of(linalg.inv(input), -n)
    if n == 0:
        unit = creation.eye(input.shape[-1], dtype=input.dtype, device=input.device)
        return reduction.tied(views.expand(unit, tuple(input.shape)).clone(), input)
    result, square = None, input
    while True:
        if n & 1:
            result = square if result is None else product(result, square)
        n >>= 1
        if not n:
            assert result is not None
            return result.clone() if result is input else result
        square = product(square, square)


@function()
def matrix_power(input: Tensor, n: int) -> Tensor:
    """Square matrices multiplied with themselves ``n`` times, ``(*B, M, M)`` -> the same; below 0, the inverse's power."""
    if input.ndim < 2 or input.shape[-1] != input.shape[-2]:
        raise ShapeError(f"matrix_power: A must be batches of square matrices, but they are {list(input.shape)}")
    return matrix_power_of(input, int(n))
