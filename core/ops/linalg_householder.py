"""Products of Householder reflections, kept as LAPACK keeps them: vectors below the diagonal, and a factor each."""

from __future__ import annotations

from typing import NamedTuple

from hotplug.declare import composite, function
from hotplug.dtypes import dtype as DType
from hotplug.errors import ShapeError
from hotplug.layout import Shape
from hotplug.ops import creation, diagonals, linalg_factors, views
from hotplug.ops.linalg_common import adjoint, batch_shape, check_dtype, check_matrix, eye_like
from hotplug.ops.linalg_triangular import triangular_solution
from hotplug.tensor import Tensor, wrap


class Geqrf(NamedTuple):
    """What :func:`geqrf` returns."""

    a: Tensor
    tau: Tensor


def _outputs(input: Tensor) -> list[tuple[Shape, DType]]:
    return [(tuple(input.shape), input.dtype), ((*batch_shape(input), min(input.shape[-2:])), input.dtype)]


@composite(outputs=_outputs)
def reflections(input: Tensor) -> tuple[Tensor, Tensor]:
    """LAPACK's geqrf: R on and above the diagonal, the reflections' vectors below it, without their ones; tau."""
    upper, vectors, taus = linalg_factors.reflections(input._array)
    below = diagonals.tril(wrap(vectors), -1)
    m, n = input.shape[-2:]
    wide = below.new_zeros((*batch_shape(input), m, n))
    views.narrow(wide, -1, 0, min(m, n)).copy_(below)
    return wrap(upper) + wide, wrap(taus)


@function()
def geqrf(input: Tensor) -> Geqrf:
    """``(a, tau)``: the QR factors of ``(*, M, N)`` as :func:`linalg.householder_product` takes them.

    Has no gradient; :func:`linalg.qr` has.
    """
    check_matrix("geqrf", input)
    return Geqrf(*reflections(input.detach()))


def _block(input: Tensor, tau: Tensor) -> tuple[Tensor, Tensor]:
    """``V`` with ones on the diagonal, and ``T`` with ``H_1 ... H_k = I - V T V^H``.

    The inverse of T is ``diag(1 / tau) + striu(V^H V)`` (Joffrain et al., "Accumulating Householder transformations,
    revisited", 2006): times ``diag(tau)`` it is unit triangular, and may be divided by where a tau is 0 too.
    """
    count = tau.shape[-1]
    below = diagonals.tril(views.narrow(input, -1, 0, count), -1)
    vectors = below + creation.eye(input.shape[-2], count, dtype=input.dtype, device=input.device)
    factors = views.unsqueeze(tau, -1)
    inner = factors * diagonals.triu(adjoint(vectors) @ vectors, 1) + eye_like(input, count)
    return vectors, triangular_solution(inner, diagonals.diag_embed(tau), True, True)


def _check(op: str, input: Tensor, tau: Tensor, rows: int, columns: int) -> None:
    check_matrix(op, input)
    check_dtype(op, input, tau)
    if input.shape[-2] < columns:
        raise ShapeError(f"{op}: input.shape[-2] must be greater than or equal to {columns}, got {list(input.shape)}")
    if tau.ndim != input.ndim - 1 or tuple(tau.shape[:-1]) != batch_shape(input):
        raise ShapeError(
            f"{op}: Expected tau to have one dimension less than input, and its batch, got {list(tau.shape)} for "
            f"{list(input.shape)}"
        )
    if tau.shape[-1] > min(input.shape[-1], rows):
        raise ShapeError(f"{op}: input.shape[-1] must be greater than or equal to tau.shape[-1], got {list(tau.shape)}")


@function(method=False, namespace="linalg", name="householder_product")
def linalg_householder_product(input: Tensor, tau: Tensor) -> Tensor:
    """The first N columns of ``H_1 ... H_K``, ``H_i = I - tau_i v_i v_i^H``, v_i its column i below a 1 on the diagonal.

    input ``(*, M, N)`` with ``M >= N``, tau ``(*, K)`` with ``K <= N`` -> ``(*, M, N)``.
    """
    op = "linalg.householder_product"
    check_matrix(op, input)
    _check(op, input, tau, input.shape[-2], input.shape[-1])
    m, n = input.shape[-2:]
    vectors, factor = _block(input, tau)
    unit = creation.eye(m, n, dtype=input.dtype, device=input.device)
    return unit - vectors @ (factor @ views.narrow(adjoint(vectors), -1, 0, n))


@function()
def orgqr(input: Tensor, input2: Tensor) -> Tensor:
    """:func:`linalg.householder_product`."""
    return linalg_householder_product(input, input2)


@function()
def ormqr(input: Tensor, input2: Tensor, input3: Tensor, left: bool = True, transpose: bool = False) -> Tensor:
    """``Q @ other`` (``other @ Q`` where not ``left``), Q the whole product of reflections, or its adjoint (``transpose``).

    input ``(*, P, K)`` and tau ``input2 (*, K)`` from :func:`geqrf`, other ``input3 (*, M, N)``, P its rows (or columns).
    """
    tau, other = input2, input3
    check_matrix("ormqr", other)
    check_dtype("ormqr", input, other)
    size = other.shape[-2 if left else -1]
    _check("ormqr", input, tau, size, tau.shape[-1] if tau.ndim else 0)
    if input.shape[-2] != size or batch_shape(input) != batch_shape(other):
        raise ShapeError(
            f"ormqr: other.shape[{-2 if left else -1}] must be equal to input.shape[-2], and the batches equal, got "
            f"{list(other.shape)} and {list(input.shape)}"
        )
    vectors, factor = _block(input, tau)
    factor = adjoint(factor) if transpose else factor
    if left:
        return other - vectors @ (factor @ (adjoint(vectors) @ other))
    return other - ((other @ vectors) @ factor) @ adjoint(vectors)
