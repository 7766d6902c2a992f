"""Functions of matrices."""

from __future__ import annotations

import math

import numpy as np

from hotplug import host
from hotplug.declare import composite, function
from hotplug.ops import arithmetic, creation, joining, reduction, selection, views
from hotplug.ops.linalg_common import adjoint, check_square, eye_like
from hotplug.tensor import Tensor

_DEGREE = 19


def _taylor(matrix: Tensor) -> Tensor:
    """``exp`` of matrices of norm up to 1, to rounding: degree 19 with 7 products (Paterson and Stockmeyer, "On the number
    of nonscalar multiplications necessary to evaluate polynomials", 1973).
    """
    square = matrix @ matrix
    powers = [eye_like(matrix, matrix.shape[-1]), matrix, square, square @ matrix]
    fourth, result = square @ square, None
    for start in reversed(range(0, _DEGREE + 1, 4)):
        terms = [power * (1.0 / math.factorial(start + at)) for at, power in enumerate(powers)]
        part = terms[0] + terms[1] + terms[2] + terms[3]
        result = part if result is None else part + result @ fourth
    assert result is not None
    return result


@composite(outputs=lambda input: [(tuple(input.shape), input.dtype)])
def matrix_exponential(input: Tensor) -> Tensor:
    """Scaled below norm 1 by a power of two, and squared as often; the number of squarings is read by the host."""
    norms = reduction.amax(reduction.sum(arithmetic.abs(input), -2), -1)
    sizes = host.to_host(norms._array, "linalg.matrix_exp").astype(np.float64)
    sizes = np.where(np.isfinite(sizes), np.maximum(sizes, 1.0), 1.0)
    squarings = np.ceil(np.log2(sizes)).astype(np.int64)[..., None, None]
    scale = creation.tensor((2.0**-squarings).astype(input.dtype.real.numpy), device=input.device)
    result = _taylor(input * scale.to(input.dtype))
    for step in range(int(squarings.max(initial=0))):
        more = creation.tensor(squarings > step, device=input.device)
        result = selection.where(more, result @ result, result)
    return result


@matrix_exponential.gradient("input")
def _(grad: Tensor, input: Tensor) -> Tensor:
    """The upper right block of ``exp([[A^H, g], [0, A^H]])`` (Mathias, "A chain rule for matrix functions and
    applications", 1996).
    """
    turned, n = adjoint(input), input.shape[-1]
    top = joining.cat([turned, grad], -1)
    bottom = joining.cat([creation.zeros_like(turned), turned], -1)
    whole = matrix_exponential(joining.cat([top, bottom], -2))
    return views.narrow(views.narrow(whole, -2, 0, n), -1, n, n)


@function(method=False, namespace="linalg", name="matrix_exp")
def linalg_matrix_exp(input: Tensor) -> Tensor:
    """The matrix exponential ``sum_k input^k / k!`` of ``(*, N, N)``."""
    check_square("linalg.matrix_exp", input)
    return matrix_exponential(input) if input.numel() else input.clone()


@function()
def matrix_exp(input: Tensor) -> Tensor:
    """:func:`linalg.matrix_exp`."""
    return linalg_matrix_exp(input)
