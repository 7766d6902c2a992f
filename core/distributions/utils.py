"""What several distributions share: parameters of one shape, values computed once, probabilities and their logarithms."""

from __future__ import annotations

import functools
from collections.abc import Callable
from numbers import Number
from typing import Any, Final, Generic, TypeVar, final

import hotplug as hp
from hotplug.dtypes import get_default_dtype
from hotplug.errors import ArgumentError
from hotplug.tensor import Size, Tensor

T = TypeVar("T")

euler_constant: Final = 0.57721566490153286060
"""Euler's constant, the mean of the standard Gumbel distribution."""


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Numbers and tensors as tensors of one shape; numbers take dtype and device of the first tensor.

    Raises:
        ArgumentError: something else is among them.
    """
    if not all(isinstance(value, (Tensor, Number)) for value in values):
        kinds = ", ".join(type(value).__name__ for value in values)
        raise ArgumentError(f"distribution: expected numbers or tensors as parameters, got {kinds}")
    like = next((value for value in values if isinstance(value, Tensor)), None)
    dtype = get_default_dtype() if like is None else like.dtype
    device = None if like is None else like.device
    made = [value if isinstance(value, Tensor) else hp.tensor(value, dtype=dtype, device=device) for value in values]
    return tuple(hp.broadcast_tensors(*made))


def plain_shape(*values: Any, shape: Any) -> Size:
    """The batch shape of a distribution of these parameters: none where all are numbers."""
    return Size() if all(isinstance(value, Number) for value in values) else Size(shape)


@final
class lazy_property(Generic[T]):  # noqa: N801 - PyTorch's name
    """A value that is computed at the first use and kept under its name; read from the class it is the property."""

    def __init__(self, wrapped: Callable[[Any], T]) -> None:
        self.wrapped = wrapped
        functools.update_wrapper(self, wrapped)  # type: ignore[arg-type]

    def __get__(self, instance: Any, owner: Any = None) -> T:
        if instance is None:
            return self  # type: ignore[return-value]
        with hp.enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value


def clamp_probs(probs: Tensor) -> Tensor:
    """Probabilities away from 0 and 1, by the rounding of their dtype."""
    eps = hp.finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Probabilities of log-odds, or of unnormalised logarithms along the last axis.  ``(*S)`` -> ``(*S)``."""
    return hp.sigmoid(logits) if is_binary else hp.softmax(logits, -1)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """The inverse of :func:`logits_to_probs`, finite also for probabilities of 0 and 1."""
    clamped = clamp_probs(probs)
    return hp.log(clamped) - hp.log1p(-clamped) if is_binary else hp.log(clamped)


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """Lower triangular matrices of their entries, row by row.  ``(*, D (D + 1) / 2)`` -> ``(*, D, D)`` at ``diag`` 0."""
    count = vec.shape[-1]
    size = round((-(1 + 2 * diag) + ((1 + 2 * diag) ** 2 + 8 * count + 4 * abs(diag) * (diag + 1)) ** 0.5) / 2)
    rows, columns = hp.tril_indices(size, size, diag, device=vec.device)
    matrix = hp.zeros((*vec.shape[:-1], size * size), dtype=vec.dtype, device=vec.device)
    place = (rows * size + columns).expand(vec.shape)
    return matrix.scatter(-1, place, vec).reshape((*vec.shape[:-1], size, size))


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """The entries of the lower triangles, row by row: the inverse of :func:`vec_to_tril_matrix`."""
    size = mat.shape[-1]
    if not -size <= diag < size:
        raise ArgumentError(f"tril_matrix_to_vec: diag {diag} is outside of [{-size}, {size - 1}]")
    rows, columns = hp.tril_indices(size, size, diag, device=mat.device)
    flat = mat.reshape((*mat.shape[:-2], size * size))
    return flat.index_select(-1, rows * size + columns)


def sum_rightmost(value: Tensor, dim: int) -> Tensor:
    """The sum over the last ``dim`` axes."""
    if dim == 0:
        return value
    return value.reshape((*value.shape[: value.ndim - dim], -1)).sum(-1)


def uniform_inside(shape: Any, like: Tensor) -> Tensor:
    """Uniform numbers in (0, 1), neither of which is drawn."""
    limits = hp.finfo(like.dtype)
    return hp.rand(shape, dtype=like.dtype, device=like.device).clamp(min=limits.tiny, max=1 - limits.eps / 2)


def normal_noise(shape: Any, like: Tensor) -> Tensor:
    """Standard normal numbers of the dtype and on the device of ``like``."""
    return hp.randn(shape, dtype=like.dtype, device=like.device)
