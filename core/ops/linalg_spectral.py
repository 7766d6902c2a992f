"""Eigenvalues and singular values.  No decomposition into the families is known to be worth it: a device without a kernel
of its own runs them on the host, under the policy of :mod:`hotplug.host_execution`.
"""

from __future__ import annotations

from typing import NamedTuple

from hotplug.declare import composite, function
from hotplug.dtypes import dtype as DType
from hotplug.host_execution import on_host
from hotplug.layout import Shape
from hotplug.ops import complex_numbers, creation, diagonals, views
from hotplug.ops.linalg_common import (
    LinAlgArgumentError,
    adjoint,
    as_dtype,
    batch_shape,
    check_matrix,
    check_square,
    diagonal_of,
    eye_like,
    real_of,
)
from hotplug.ops.linalg_solve import linear_solution
from hotplug.tensor import Tensor


class Eigh(NamedTuple):
    """What :func:`linalg.eigh` returns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class Eig(NamedTuple):
    """What :func:`linalg.eig` returns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class SVD(NamedTuple):
    """What :func:`linalg.svd` returns."""

    U: Tensor
    S: Tensor
    Vh: Tensor


class LegacySVD(NamedTuple):
    """What :func:`svd` returns: V itself."""

    U: Tensor
    S: Tensor
    V: Tensor


def _row(vector: Tensor) -> Tensor:
    return views.unsqueeze(vector, -2)


def _column(vector: Tensor) -> Tensor:
    return views.unsqueeze(vector, -1)


def _differences(values: Tensor) -> Tensor:
    """``E[i, j] = values[j] - values[i]``, ones on the diagonal."""
    return _row(values) - _column(values) + eye_like(values, values.shape[-1])


# --- Hermitian matrices ---


def _eigh_outputs(input: Tensor, upper: bool, vectors: bool) -> list[tuple[Shape, DType]]:
    n = input.shape[-1]
    shape = (*batch_shape(input), n, n if vectors else 0)
    return [(tuple(input.shape[:-1]), input.dtype.real), (shape, input.dtype)]


@composite(outputs=_eigh_outputs)
def hermitian_eigen(input: Tensor, upper: bool, vectors: bool) -> tuple[Tensor, Tensor]:
    """Ascending eigenvalues ``(*B, N)`` and the eigenvectors as columns (none where they are not wanted)."""
    return on_host("linalg.eigh", hermitian_eigen, input, upper, vectors)  # type: ignore[no-any-return]


@hermitian_eigen.gradient("input")
def _(grads: list[Tensor | None], out: Tensor, out1: Tensor) -> Tensor:
    """``V (diag(gw) + (V^H gV) / E) V^H`` with ``E_ij = w_j - w_i`` (Giles, 2008, 3.1), off the diagonal."""
    of_values, of_vectors = grads
    turned = adjoint(out1)
    if of_vectors is None:
        assert of_values is not None
        return (out1 * as_dtype(_row(of_values), out1)) @ turned
    inner = turned @ of_vectors
    # The part that turns the vectors: the gradient is Hermitian, as the matrix is.
    inner = (inner - adjoint(inner)) * 0.5
    inner = _without_diagonal(inner) / as_dtype(_differences(out), inner)
    if of_values is not None:
        inner = inner + diagonals.diag_embed(as_dtype(of_values, inner))
    return out1 @ inner @ turned


def _without_diagonal(matrix: Tensor) -> Tensor:
    return matrix - diagonals.diag_embed(diagonal_of(matrix))


def _upper(op: str, UPLO: str) -> bool:  # noqa: N803
    if UPLO not in ("L", "U", "l", "u"):
        raise LinAlgArgumentError(f"{op}: Expected UPLO argument to be 'L' or 'U', but got {UPLO!r}")
    return UPLO in "Uu"


@function(method=False, namespace="linalg", name="eigh")
def linalg_eigh(input: Tensor, UPLO: str = "L") -> Eigh:  # noqa: N803
    """Ascending real eigenvalues ``(*, N)`` and orthonormal eigenvectors (columns) of a Hermitian matrix ``(*, N, N)``.

    Only the lower triangle is read (the upper one with UPLO ``"U"``).  Eigenvectors are unique up to a factor of modulus
    1: gradients are right for functions that do not depend on it, and finite for distinct eigenvalues.
    """
    check_square("linalg.eigh", input)
    return Eigh(*hermitian_eigen(input, _upper("linalg.eigh", UPLO), True))


@function(method=False, namespace="linalg", name="eigvalsh")
def linalg_eigvalsh(input: Tensor, UPLO: str = "L") -> Tensor:  # noqa: N803
    """The ascending eigenvalues ``(*, N)`` of a Hermitian matrix ``(*, N, N)``."""
    from hotplug.autograd.graph import needs_grad

    check_square("linalg.eigvalsh", input)
    return hermitian_eigen(input, _upper("linalg.eigvalsh", UPLO), needs_grad([input]))[0]


# --- general matrices ---


def _eig_outputs(input: Tensor, vectors: bool) -> list[tuple[Shape, DType]]:
    n, kind = input.shape[-1], input.dtype.to_complex()
    return [(tuple(input.shape[:-1]), kind), ((*batch_shape(input), n, n if vectors else 0), kind)]


@composite(outputs=_eig_outputs)
def general_eigen(input: Tensor, vectors: bool) -> tuple[Tensor, Tensor]:
    """Complex eigenvalues ``(*B, N)`` and the eigenvectors of norm 1 as columns (none where they are not wanted)."""
    return on_host("linalg.eig", general_eigen, input, vectors)  # type: ignore[no-any-return]


@general_eigen.gradient("input")
def _(grads: list[Tensor | None], out: Tensor, out1: Tensor, input_dtype: DType) -> Tensor:
    """``V^-H (diag(gw) + (V^H gV - V^H V diag(Re diag(V^H gV))) / conj(E)) V^H``, ``E_ij = w_j - w_i`` (Boeddeker et
    al., "On the computation of complex-valued gradients with application to statistically optimum beamforming", 2017,
    4.77, with the norm of the eigenvectors kept).
    """
    of_values, of_vectors = grads
    turned, inner = adjoint(out1), None
    if of_vectors is not None:
        inner = turned @ of_vectors
        length = real_of(diagonal_of(inner))
        inner = inner - turned @ (out1 * as_dtype(_row(length), out1))
        inner = _without_diagonal(inner) / complex_numbers.conj(_differences(out))
    if of_values is not None:
        on = diagonals.diag_embed(of_values)
        inner = on if inner is None else inner + on
    assert inner is not None
    result, _ = linear_solution(turned, inner @ turned)
    return result if input_dtype.kind == "c" else real_of(result)


@function(method=False, namespace="linalg", name="eig")
def linalg_eig(input: Tensor) -> Eig:
    """Complex eigenvalues ``(*, N)`` in no order, and eigenvectors of norm 1 as columns, of ``(*, N, N)``.

    Eigenvectors are unique up to a factor of modulus 1: gradients are right for functions that do not depend on it.
    """
    check_square("linalg.eig", input)
    return Eig(*general_eigen(input, True))


@function(method=False, namespace="linalg", name="eigvals")
def linalg_eigvals(input: Tensor) -> Tensor:
    """The complex eigenvalues ``(*, N)`` of ``(*, N, N)``, in no order."""
    from hotplug.autograd.graph import needs_grad

    check_square("linalg.eigvals", input)
    return general_eigen(input, needs_grad([input]))[0]


# --- singular values ---


def _svd_outputs(input: Tensor, full: bool, vectors: bool) -> list[tuple[Shape, DType]]:
    (m, n), batch = input.shape[-2:], batch_shape(input)
    k = min(m, n)
    left, right = (m, n) if full else (k, k)
    if not vectors:
        left = right = 0
    return [
        ((*batch, m, left), input.dtype), ((*batch, k), input.dtype.real), ((*batch, right, n), input.dtype)
    ]  # fmt: skip


@composite(outputs=_svd_outputs)
def singular_factors(input: Tensor, full: bool, vectors: bool) -> tuple[Tensor, Tensor, Tensor]:
    """``U``, descending ``S (*B, K)`` and ``V^H``; no vectors where they are not wanted."""
    return on_host("linalg.svd", singular_factors, input, full, vectors)  # type: ignore[no-any-return]


@singular_factors.gradient("input")
def _(grads: list[Tensor | None], out: Tensor, out1: Tensor, out2: Tensor) -> Tensor:
    """With ``skew(X) = X - X^H`` and ``E_ij = s_j^2 - s_i^2``: ``U ((skew(U^H gU) / E) S + S (skew(V^H gV) / E) + diag(gS))
    V^H``, and for rectangles ``(I - U U^H) gU S^-1 V^H`` and ``U S^-1 gV^H (I - V V^H)`` (Townsend, "Differentiating the
    singular value decomposition", 2016); complex vectors add ``i Im diag(U^H gU) / S`` on the diagonal (Wan and Zhang,
    "Automatic differentiation for complex valued SVD", 2019).  Of full matrices only the first K vectors take part.
    """
    k = out1.shape[-1]
    u, s, vh = views.narrow(out, -1, 0, k), out1, views.narrow(out2, -2, 0, k)
    of_u = None if grads[0] is None else views.narrow(grads[0], -1, 0, k)
    of_vh = None if grads[2] is None else views.narrow(grads[2], -2, 0, k)
    sizes = as_dtype(s, u)
    inner = None if grads[1] is None else diagonals.diag_embed(as_dtype(grads[1], u))
    if of_u is not None or of_vh is not None:
        inner = _svd_inner(u, s, vh, of_u, of_vh, inner)
    assert inner is not None
    result = u @ inner @ vh
    if of_u is not None and u.shape[-2] > k:
        scaled = of_u / _row(sizes)
        result = result + (scaled - u @ (adjoint(u) @ scaled)) @ vh
    if of_vh is not None and vh.shape[-1] > k:
        scaled = of_vh / _column(sizes)
        result = result + u @ (scaled - (scaled @ adjoint(vh)) @ vh)
    return result


def _svd_inner(
    u: Tensor, s: Tensor, vh: Tensor, of_u: Tensor | None, of_vh: Tensor | None, inner: Tensor | None
) -> Tensor:
    sizes = as_dtype(s, u)
    gaps = as_dtype(_differences(s * s), u)
    if of_u is not None:
        turn = adjoint(u) @ of_u
        part = (turn - adjoint(turn)) / gaps
        if u.dtype.kind == "c":
            part = _without_diagonal(part)
            phase = complex_numbers.imag(diagonal_of(turn)) / s
            part_on = diagonals.diag_embed(creation.complex(creation.zeros_like(phase), phase))
            inner = part_on if inner is None else inner + part_on
        part = part * _row(sizes)
        inner = part if inner is None else inner + part
    if of_vh is not None:
        turn = vh @ adjoint(of_vh)
        part = _without_diagonal(turn - adjoint(turn)) / gaps * _column(sizes)
        inner = part if inner is None else inner + part
    assert inner is not None
    return inner


def _check_driver(driver: str | None) -> None:
    if driver is not None:
        raise LinAlgArgumentError("linalg.svd: keyword argument `driver=` is only supported on CUDA with cuSOLVER")


@function(method=False, namespace="linalg", name="svd")
def linalg_svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None) -> SVD:  # noqa: N803
    """``U``, ``S``, ``Vh`` with ``U @ diag(S) @ Vh = A``, orthonormal U and Vh, and descending singular values S.

    A ``(*, M, N)``, K = min(M, N) -> U ``(*, M, M)``, S ``(*, K)``, Vh ``(*, N, N)``, or ``(*, M, K)`` and ``(*, K, N)``
    without ``full_matrices``.  Pairs of vectors are unique up to a factor of modulus 1: gradients are right for functions
    that do not depend on it, and finite for distinct singular values, of a rectangle also above 0.
    """
    check_matrix("linalg.svd", A)
    _check_driver(driver)
    return SVD(*singular_factors(A, full_matrices, True))


@function(method=False, namespace="linalg", name="svdvals")
def linalg_svdvals(A: Tensor, *, driver: str | None = None) -> Tensor:  # noqa: N803
    """The descending singular values ``(*, K)`` of ``(*, M, N)``."""
    from hotplug.autograd.graph import needs_grad

    check_matrix("linalg.svdvals", A)
    _check_driver(driver)
    return singular_factors(A, False, needs_grad([A]))[1]


@function()
def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> LegacySVD:
    """``U``, ``S`` and ``V`` (not its adjoint) with ``U @ diag(S) @ V^H = input``; without ``compute_uv``, U and V are
    zeros.
    """
    check_matrix("svd", input)
    if not compute_uv:
        (m, n), batch = input.shape[-2:], batch_shape(input)
        return LegacySVD(input.new_zeros((*batch, m, m)), linalg_svdvals(input), input.new_zeros((*batch, n, n)))
    u, s, vh = singular_factors(input, not some, True)
    return LegacySVD(u, s, adjoint(vh))
