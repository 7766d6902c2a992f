"""Matrices and products of factors for the tests of linear algebra."""

from __future__ import annotations

from typing import Any

import numpy as np

NDArray = np.ndarray[Any, Any]

DRAW = np.random.default_rng


def regular(*shape: int) -> NDArray:
    """Well-conditioned matrices."""
    return DRAW(sum(shape)).normal(size=shape) * 0.5 + 3 * np.eye(*shape[-2:])


def graded(*shape: int) -> NDArray:
    """With singular values (and eigenvalues) well apart."""
    steps = np.eye(*shape[-2:]) * 2 * np.arange(1, shape[-1] + 1)
    return np.asarray(DRAW(sum(shape)).normal(size=shape) * 0.5 + steps)


def plain(*shape: int) -> NDArray:
    return np.asarray(DRAW(sum(shape)).normal(size=shape))


def lower(*shape: int) -> NDArray:
    return np.tril(regular(*shape))


def definite(t: Any, a: Any) -> Any:
    return a @ a.mT.conj() + t.eye(a.shape[-1], dtype=a.dtype)


def factor(t: Any, a: Any) -> Any:
    """A Cholesky factor whose other triangle is 0: PyTorch's gradients for that one are no gradients of the value."""
    on = t.diagonal(a, 0, -2, -1)
    return t.tril(a, -1) + t.diag_embed((on * on.conj()).real.to(a.dtype))


def hermitian(a: Any) -> Any:
    return a + a.mT.conj()


def weighted(t: Any, left: Any, right: Any) -> Any:
    """``left @ diag(1, 2, ...) @ right``: the same whatever phase a pair of vectors has."""
    return (left * t.arange(1, left.shape[-1] + 1).to(left.dtype)) @ right
