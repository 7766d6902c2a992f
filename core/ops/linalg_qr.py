"""QR factors by Householder reflections."""

from __future__ import annotations

from typing import NamedTuple

from hotplug.declare import composite, function
from hotplug.dtypes import dtype as DType
from hotplug.errors import AutogradError
from hotplug.layout import Shape
from hotplug.ops import joining, linalg_factors, views
from hotplug.ops.linalg_common import LinAlgArgumentError, adjoint, batch_shape, check_matrix, lower_half
from hotplug.ops.linalg_triangular import triangular_solution
from hotplug.tensor import Tensor, wrap


class QR(NamedTuple):
    """What :func:`linalg.qr` returns."""

    Q: Tensor
    R: Tensor


def _columns(input: Tensor, mode: str) -> int:
    """How many columns Q has."""
    m, n = input.shape[-2:]
    return 0 if mode == "r" else m if mode == "complete" else min(m, n)


def _outputs(input: Tensor, mode: str) -> list[tuple[Shape, DType]]:
    (m, n), batch = input.shape[-2:], batch_shape(input)
    rows = m if mode == "complete" else min(m, n)
    return [((*batch, m, _columns(input, mode)), input.dtype), ((*batch, rows, n), input.dtype)]


@composite(outputs=_outputs)
def qr_factors(input: Tensor, mode: str) -> tuple[Tensor, Tensor]:
    """Q with LAPACK's signs, and R; with mode ``"r"``, Q has no columns."""
    q, r = linalg_factors.qr(input._array, _columns(input, mode))
    rows = _outputs(input, mode)[1][0][-2]
    return wrap(q), views.narrow(wrap(r), -2, 0, rows)


@qr_factors.gradient("input")
def _(grads: list[Tensor | None], out: Tensor, out1: Tensor, mode: str) -> Tensor:
    """For ``A = Q R`` with as many columns as R rows: ``(gQ + Q (T + T^H)) R^-H``, T the upper triangle with half the
    diagonal of ``gR R^H - Q^H gQ`` (Walter and Lehmann, "On evaluating higher-order derivatives of the QR decomposition",
    2012).  Columns behind them are Q times their part of R (Roberts and Roberts, "QR and LQ decomposition matrix
    backpropagation algorithms for square, wide, and deep matrices", 2020).
    """
    q, r, (m, n) = out, out1, (out.shape[-2], out1.shape[-1])
    if mode == "r":
        raise AutogradError("linalg.qr: the derivative depends on Q, which is not computed with mode='r'")
    if mode == "complete" and m > n:
        raise AutogradError(
            f"linalg.qr: the QR decomposition is not differentiable when mode='complete' and nrows > ncols, got {m} and {n}"
        )
    grad_q, grad_r = grads
    beside = None
    if n > m:
        if grad_r is not None:
            beside = views.narrow(grad_r, -1, m, n - m)
            rest = q @ views.narrow(r, -1, m, n - m) @ adjoint(beside)
            grad_q = rest if grad_q is None else grad_q + rest
            grad_r = views.narrow(grad_r, -1, 0, m)
        r = views.narrow(r, -1, 0, m)
    square = _square_gradient(q, r, grad_q, grad_r)
    if n <= m:
        return square
    return joining.cat([square, square.new_zeros((*square.shape[:-1], n - m)) if beside is None else q @ beside], -1)


def _square_gradient(q: Tensor, r: Tensor, grad_q: Tensor | None, grad_r: Tensor | None) -> Tensor:
    inner: Tensor | None = None
    if grad_r is not None:
        inner = grad_r @ adjoint(r)
    if grad_q is not None:
        other = adjoint(q) @ grad_q
        inner = -other if inner is None else inner - other
    assert inner is not None
    half = adjoint(lower_half(adjoint(inner)))
    full = q @ (half + adjoint(half))
    total = full if grad_q is None else full + grad_q
    return adjoint(triangular_solution(r, adjoint(total), True, False))


@function(method=False, namespace="linalg", name="qr")
def linalg_qr(A: Tensor, mode: str = "reduced") -> QR:  # noqa: N803
    """Unitary ``Q`` and upper ``R`` with ``Q @ R = A``.

    A ``(*, M, N)``; with ``K = min(M, N)``, mode ``"reduced"``: Q ``(*, M, K)``, R ``(*, K, N)``; ``"complete"``: Q
    ``(*, M, M)``, R ``(*, M, N)``; ``"r"``: an empty Q and the reduced R.  Signs of R's diagonal are LAPACK's.
    """
    check_matrix("linalg.qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise LinAlgArgumentError(
            f"linalg.qr: received unrecognized mode {mode!r} but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    q, r = qr_factors(A, mode)
    return QR(q.new_empty(0) if mode == "r" else q, r)


@function()
def qr(input: Tensor, some: bool = True) -> QR:
    """:func:`linalg.qr`: reduced where ``some``, else complete."""
    return linalg_qr(input, "reduced" if some else "complete")
