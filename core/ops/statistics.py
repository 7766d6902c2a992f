"""Covariance and correlation, and matrices of powers."""

from __future__ import annotations

from hotplug.declare import function
from hotplug.dtypes import int64
from hotplug.errors import DTypeError, ShapeError
from hotplug.ops import arithmetic, complex_numbers, creation, products, reduction, scan, transcendental, views
from hotplug.ops.joining import cat
from hotplug.tensor import Tensor


def _weights(input: Tensor, fweights: Tensor | None, aweights: Tensor | None) -> Tensor | None:
    """The weight of each observation: how often it is counted times how much it matters."""
    count = input.shape[1]
    for name, each, kinds in (("fweights", fweights, "ui"), ("aweights", aweights, "f")):
        if each is None:
            continue
        if each.ndim > 1 or each.numel() != count:
            raise ShapeError(
                f"cov(): expected {name} to have one element for each of {count} observations, got {list(each.shape)}"
            )
        if each.dtype.kind not in kinds:
            wanted = "integral" if kinds == "ui" else "floating point"
            raise DTypeError(
                f"cov(): expected {name} to have {wanted} dtype but got {name} with {each.dtype.name} dtype"
            )
    if fweights is None or aweights is None:
        return aweights if fweights is None else fweights
    return fweights * aweights


@function()
def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    """Covariance of the rows, each a variable observed in every column.  ``(V, N)`` -> ``(V, V)``; a vector -> 0-d.

    Args:
        correction: taken from the number of observations before dividing.
        fweights: how often each column is counted ``(N)``, integers.
        aweights: how much each column matters ``(N)``.
    """
    if input.ndim > 2:
        raise ShapeError(f"cov(): expected input to have two or fewer dimensions but got an input with {input.ndim}")
    if input.dtype.kind == "b":
        raise DTypeError("cov(): bool dtype is not supported for input; convert with .to(dtype)")
    rows = views.reshape(input, (1, -1)) if input.ndim < 2 else input
    weight = _weights(rows, fweights, aweights)
    if weight is None:
        total = creation.full((), rows.shape[1], dtype=int64, device=input.device)
        average = reduction.sum(rows, 1, True) / total
        norm = total - correction
    else:
        weight = views.reshape(weight, (-1,))
        total = reduction.sum(weight)
        average = reduction.sum(rows * weight, 1, True) / total
        lost = reduction.sum(weight * aweights) / total if aweights is not None else 1
        norm = total - lost * correction if correction else total
    distance = rows - average
    weighted = distance if weight is None else distance * weight
    result = products.mm(distance, complex_numbers.conj(views.transpose(weighted, 0, 1)).to(distance.dtype))
    return _squeezed(result / arithmetic.clamp(norm, min=0))


def _squeezed(matrix: Tensor) -> Tensor:
    return views.reshape(matrix, ()) if tuple(matrix.shape) == (1, 1) else matrix


@function()
def corrcoef(input: Tensor) -> Tensor:
    """Correlation of the rows: their covariances divided by both standard deviations, within [-1, 1]."""
    if input.ndim > 2:
        raise ShapeError(
            f"corrcoef(): expected input to have two or fewer dimensions but got an input with {input.ndim}"
        )
    matrix = cov(input)
    if matrix.ndim == 0:
        return matrix / matrix
    spread = transcendental.sqrt(complex_numbers.real(views.diagonal(matrix)))
    result = matrix / views.unsqueeze(spread, 1) / views.unsqueeze(spread, 0)
    if input.dtype.kind == "c":
        parts = (arithmetic.clamp(part, -1, 1) for part in (complex_numbers.real(result), complex_numbers.imag(result)))
        return creation.complex(*parts)
    return arithmetic.clamp(result, -1, 1)


@function(method=False)
def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:  # noqa: N803
    """Powers of the elements of a vector, the highest first unless ``increasing``.  ``(M)`` -> ``(M, N)``, ``N`` default M."""
    if x.ndim != 1:
        raise ShapeError(f"vander: x must be a one-dimensional tensor, got {x.ndim}D")
    powers = powers_of(x, x.shape[0] if N is None else N)
    return powers if increasing else powers.flip(1)


@function(method=False, namespace="linalg", name="vander")
def linalg_vander(x: Tensor, *, N: int | None = None) -> Tensor:  # noqa: N803
    """Powers 0, 1, ... ``N - 1`` of the elements along the last axis.  ``(*B, M)`` -> ``(*B, M, N)``, ``N`` default M."""
    count = N if N is not None else x.shape[-1] if x.ndim else 1
    if x.dtype.itemsize == 2 and x.dtype.kind == "f":
        raise DTypeError(f"linalg.vander: expected a wider dtype than {x.dtype.name}; convert with .float()")
    if (N is not None or not x.ndim) and count < 2:
        raise ShapeError(f"linalg.vander: expected N > 1, got {count} for {list(x.shape)}")
    return powers_of(x if x.ndim else views.reshape(x, (1,)), count)


def powers_of(x: Tensor, count: int) -> Tensor:
    """Running products of 1, x, x, ... in a new last axis."""
    if count < 0:
        raise ShapeError(f"vander: N must be non-negative, got {count}")
    column = views.unsqueeze(x.to(int64) if x.dtype.kind in "bui" else x, -1)
    unit = creation.ones_like(column)
    if count <= 1:
        return views.narrow(unit, -1, 0, count)
    factors = views.expand(column, (*x.shape, count - 1))
    return scan.cumprod(cat([unit, factors], -1), -1)
