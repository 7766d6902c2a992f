"""Transforms: invertible functions whose Jacobians are known.

>>> import hotplug as hp
>>> hp.distributions.transforms.ExpTransform()(hp.tensor([0.0, 1.0]))
tensor([1.0000, 2.7183])
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, final

import hotplug as hp
from hotplug.distributions import constraints
from hotplug.distributions.distribution import Distribution
from hotplug.distributions.transform import (
    CatTransform,
    ComposeTransform,
    IndependentTransform,
    StackTransform,
    Transform,
    identity_transform,
)
from hotplug.distributions.utils import sum_rightmost, tril_matrix_to_vec, vec_to_tril_matrix
from hotplug.errors import ArgumentError
from hotplug.tensor import Size, Tensor

__all__ = [
    "AbsTransform", "AffineTransform", "CatTransform", "ComposeTransform", "CorrCholeskyTransform",
    "CumulativeDistributionTransform", "ExpTransform", "IndependentTransform", "LowerCholeskyTransform",
    "PositiveDefiniteTransform", "PowerTransform", "ReshapeTransform", "SigmoidTransform", "SoftmaxTransform",
    "SoftplusTransform", "StackTransform", "StickBreakingTransform", "TanhTransform", "Transform", "identity_transform",
]  # fmt: skip


class _Rising(Transform):
    """A rising function of single numbers without parameters: all of its kind are equal."""

    domain = constraints.real
    bijective: ClassVar[Any] = True

    @property
    def sign(self) -> Any:
        return 1

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    __hash__ = object.__hash__


@final
class ExpTransform(_Rising):
    """``exp(x)``."""

    codomain = constraints.positive

    def _call(self, x: Tensor) -> Tensor:
        return x.exp()

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x


@final
class SigmoidTransform(_Rising):
    """``1 / (1 + exp(-x))``, kept away from 0 and 1."""

    codomain = constraints.unit_interval

    def _call(self, x: Tensor) -> Tensor:
        limits = hp.finfo(x.dtype)
        return hp.sigmoid(x).clamp(min=limits.tiny, max=1.0 - limits.eps)

    def _inverse(self, y: Tensor) -> Tensor:
        limits = hp.finfo(y.dtype)
        y = y.clamp(min=limits.tiny, max=1.0 - limits.eps)
        return y.log() - (-y).log1p()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        softplus = hp.nn.functional.softplus
        return -softplus(-x) - softplus(x)


@final
class SoftplusTransform(_Rising):
    """``log(1 + exp(x))``."""

    codomain = constraints.positive

    def _call(self, x: Tensor) -> Tensor:
        return hp.nn.functional.softplus(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return (-y).expm1().neg().log() + y

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return -hp.nn.functional.softplus(-x)


@final
class TanhTransform(_Rising):
    """``tanh(x)``; with a cache the inverse of a saturated value is its argument, not infinity."""

    codomain = constraints.interval(-1.0, 1.0)

    def _call(self, x: Tensor) -> Tensor:
        return x.tanh()

    def _inverse(self, y: Tensor) -> Tensor:
        return hp.atanh(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """``2 (log 2 - x - softplus(-2 x))``, which does not saturate as ``log(1 - tanh(x)**2)`` does."""
        result: Any = 2.0 * (math.log(2.0) - x - hp.nn.functional.softplus(-2.0 * x))
        return result


@final
class PowerTransform(Transform):
    """``x ** exponent`` of positive numbers."""

    domain = constraints.positive
    codomain = constraints.positive
    bijective: ClassVar[Any] = True

    def __init__(self, exponent: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        self.exponent = exponent if isinstance(exponent, Tensor) else hp.tensor(exponent)

    def with_cache(self, cache_size: int = 1) -> Transform:
        return self if self._cache_size == cache_size else PowerTransform(self.exponent, cache_size=cache_size)

    @property
    def sign(self) -> Any:
        return self.exponent.sign()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PowerTransform) and bool(self.exponent.eq(other.exponent).all())

    __hash__ = object.__hash__

    def _call(self, x: Tensor) -> Tensor:
        return x.pow(self.exponent)

    def _inverse(self, y: Tensor) -> Tensor:
        return y.pow(1 / self.exponent)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return (self.exponent * y / x).abs().log()

    def forward_shape(self, shape: Any) -> Any:
        return hp.broadcast_shapes(tuple(shape), tuple(self.exponent.shape))

    inverse_shape = forward_shape


@final
class AbsTransform(Transform):
    """``|x|``; its inverse takes the non-negative one."""

    domain = constraints.real
    codomain = constraints.positive

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AbsTransform)

    __hash__ = object.__hash__

    def _call(self, x: Tensor) -> Tensor:
        return x.abs()

    def _inverse(self, y: Tensor) -> Tensor:
        return y


@final
class AffineTransform(Transform):
    """``loc + scale * x``; the last ``event_dim`` axes are one value."""

    bijective: ClassVar[Any] = True

    def __init__(self, loc: Any, scale: Any, event_dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        self.loc = loc
        self.scale = scale
        self._event_dim = event_dim

    @property
    def event_dim(self) -> int:
        return self._event_dim

    @property
    def domain(self) -> Any:
        return constraints.independent(constraints.real, self._event_dim) if self._event_dim else constraints.real

    codomain = domain

    def with_cache(self, cache_size: int = 1) -> Transform:
        same = self._cache_size == cache_size
        return self if same else AffineTransform(self.loc, self.scale, self._event_dim, cache_size=cache_size)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AffineTransform):
            return False
        return _same(self.loc, other.loc) and _same(self.scale, other.scale)

    __hash__ = object.__hash__

    @property
    def sign(self) -> Any:
        if isinstance(self.scale, Tensor):
            return self.scale.sign()
        return 1 if self.scale > 0 else -1 if self.scale < 0 else 0

    def _call(self, x: Tensor) -> Tensor:
        return self.loc + self.scale * x

    def _inverse(self, y: Tensor) -> Tensor:
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        by_tensor = isinstance(self.scale, Tensor)
        size = self.scale.abs().log() if by_tensor else hp.full_like(x, math.log(abs(self.scale)))
        shape = tuple(x.shape)
        if self._event_dim:
            size = sum_rightmost(size.expand(shape), self._event_dim)
            shape = shape[: len(shape) - self._event_dim]
        return size.expand(shape)

    def forward_shape(self, shape: Any) -> Any:
        return hp.broadcast_shapes(
            tuple(shape), tuple(getattr(self.loc, "shape", ())), tuple(getattr(self.scale, "shape", ()))
        )

    inverse_shape = forward_shape


def _same(left: Any, right: Any) -> bool:
    if not isinstance(left, Tensor) and not isinstance(right, Tensor):
        return bool(left == right)
    return bool((left == right).all())


@final
class SoftmaxTransform(Transform):
    """``softmax(x)`` over the last axis; not bijective: the inverse is the logarithm."""

    domain = constraints.real_vector
    codomain = constraints.simplex

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SoftmaxTransform)

    __hash__ = object.__hash__

    def _call(self, x: Tensor) -> Tensor:
        return hp.softmax(x, -1)

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()

    def forward_shape(self, shape: Any) -> Any:
        return _with_last_axis("SoftmaxTransform", shape)

    inverse_shape = forward_shape


def _with_last_axis(name: str, shape: Any, change: int = 0) -> Any:
    if len(shape) < 1:
        raise ArgumentError(f"{name}: expected a shape of at least one axis, got {list(shape)}")
    return Size((*shape[:-1], shape[-1] + change))


@final
class StickBreakingTransform(Transform):
    """Numbers to shares of a stick that is broken again and again.  ``(*, K - 1)`` -> ``(*, K)`` on the simplex."""

    domain = constraints.real_vector
    codomain = constraints.simplex
    bijective: ClassVar[Any] = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StickBreakingTransform)

    __hash__ = object.__hash__

    @staticmethod
    def _offset(x: Tensor) -> Tensor:
        """The number of breaks that follow, so that equal shares are where ``x`` is 0."""
        return hp.arange(x.shape[-1], 0, -1, dtype=x.dtype, device=x.device)

    def _call(self, x: Tensor) -> Tensor:
        share = SigmoidTransform()(x - self._offset(x).log())
        left = (1 - share).cumprod(-1)
        pad = hp.nn.functional.pad
        return pad(share, [0, 1], value=1) * pad(left, [1, 0], value=1)

    def _inverse(self, y: Tensor) -> Tensor:
        cut = y[..., :-1]
        left = (1 - cut.cumsum(-1)).clamp(min=hp.finfo(y.dtype).tiny)
        return cut.log() - left.log() + self._offset(cut).log()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        moved = x - self._offset(x).log()
        return (-moved + hp.nn.functional.logsigmoid(moved) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape: Any) -> Any:
        return _with_last_axis("StickBreakingTransform", shape, 1)

    def inverse_shape(self, shape: Any) -> Any:
        return _with_last_axis("StickBreakingTransform", shape, -1)


@final
class LowerCholeskyTransform(Transform):
    """Any square matrix to a lower triangular one with a positive diagonal, the exponential of its own."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LowerCholeskyTransform)

    __hash__ = object.__hash__

    def _call(self, x: Tensor) -> Tensor:
        return x.tril(-1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y: Tensor) -> Tensor:
        return y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()


@final
class PositiveDefiniteTransform(Transform):
    """Any square matrix to a positive-definite one: the product of its :class:`LowerCholeskyTransform` with itself."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PositiveDefiniteTransform)

    __hash__ = object.__hash__

    def _call(self, x: Tensor) -> Tensor:
        root = LowerCholeskyTransform()(x)
        return root @ root.mT

    def _inverse(self, y: Tensor) -> Tensor:
        return LowerCholeskyTransform().inv(hp.linalg.cholesky(y))


@final
class CorrCholeskyTransform(Transform):
    """Numbers to the Cholesky factor of a correlation matrix (Lewandowski, Kurowicka, Joe, 2009).

    ``(*, D (D - 1) / 2)`` -> ``(*, D, D)``: their ``tanh`` are partial correlations, row by row.
    """

    domain = constraints.real_vector
    codomain = constraints.corr_cholesky
    bijective: ClassVar[Any] = True

    def _call(self, x: Tensor) -> Tensor:
        eps = hp.finfo(x.dtype).eps
        partial = vec_to_tril_matrix(x.tanh().clamp(min=-1 + eps, max=1 - eps), diag=-1)
        left = (1 - partial * partial).sqrt().cumprod(-1)  # what the columns so far leave of a row of length one
        partial = partial + hp.eye(partial.shape[-1], dtype=x.dtype, device=x.device)
        return partial * hp.nn.functional.pad(left[..., :-1], [1, 0], value=1)

    def _inverse(self, y: Tensor) -> Tensor:
        used = 1 - (y * y).cumsum(-1)
        left = hp.nn.functional.pad(used[..., :-1], [1, 0], value=1)
        ratio = tril_matrix_to_vec(y, diag=-1) / tril_matrix_to_vec(left, diag=-1).sqrt()
        return (ratio.log1p() - (-ratio).log1p()) / 2

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor, intermediates: Any = None) -> Tensor:
        used = 1 - (y * y).cumsum(-1)
        below = tril_matrix_to_vec(used, diag=-2)
        widths: Any = 0.5 * below.log().sum(-1)
        slopes: Any = -2 * (x + hp.nn.functional.softplus(-2 * x) - math.log(2.0)).sum(-1)
        return widths + slopes

    def forward_shape(self, shape: Any) -> Any:
        count = _with_last_axis("CorrCholeskyTransform", shape)[-1]
        size = round((0.25 + 2 * count) ** 0.5 + 0.5)
        if size * (size - 1) // 2 != count:
            raise ArgumentError(f"CorrCholeskyTransform: {count} is not the number of entries below a diagonal")
        return Size((*shape[:-1], size, size))

    def inverse_shape(self, shape: Any) -> Any:
        if len(shape) < 2 or shape[-2] != shape[-1]:
            raise ArgumentError(f"CorrCholeskyTransform: expected the shape of square matrices, got {list(shape)}")
        return Size((*shape[:-2], shape[-1] * (shape[-1] - 1) // 2))


@final
class ReshapeTransform(Transform):
    """The event in another shape."""

    bijective: ClassVar[Any] = True

    def __init__(self, in_shape: Any, out_shape: Any, cache_size: int = 0) -> None:
        self.in_shape = Size(in_shape)
        self.out_shape = Size(out_shape)
        if math.prod(self.in_shape) != math.prod(self.out_shape):
            raise ArgumentError(
                f"ReshapeTransform: {self.in_shape} and {self.out_shape} have different numbers of elements"
            )
        super().__init__(cache_size=cache_size)

    @property
    def domain(self) -> Any:
        return constraints.independent(constraints.real, len(self.in_shape))

    @property
    def codomain(self) -> Any:
        return constraints.independent(constraints.real, len(self.out_shape))

    def with_cache(self, cache_size: int = 1) -> Transform:
        same = self._cache_size == cache_size
        return self if same else ReshapeTransform(self.in_shape, self.out_shape, cache_size=cache_size)

    def _call(self, x: Tensor) -> Tensor:
        return x.reshape((*x.shape[: x.ndim - len(self.in_shape)], *self.out_shape))

    def _inverse(self, y: Tensor) -> Tensor:
        return y.reshape((*y.shape[: y.ndim - len(self.out_shape)], *self.in_shape))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x.new_zeros(tuple(x.shape[: x.ndim - len(self.in_shape)]))

    def forward_shape(self, shape: Any) -> Any:
        return self._exchanged(shape, self.in_shape, self.out_shape)

    def inverse_shape(self, shape: Any) -> Any:
        return self._exchanged(shape, self.out_shape, self.in_shape)

    @staticmethod
    def _exchanged(shape: Any, before: Any, after: Any) -> Any:
        cut = len(shape) - len(before)
        if cut < 0 or tuple(shape[cut:]) != tuple(before):
            raise ArgumentError(f"ReshapeTransform: expected a shape that ends in {list(before)}, got {list(shape)}")
        return Size((*shape[:cut], *after))


@final
class CumulativeDistributionTransform(Transform):
    """A value to its probability: the ``cdf`` of a distribution, whose inverse is ``icdf``."""

    bijective: ClassVar[Any] = True
    codomain = constraints.unit_interval

    def __init__(self, distribution: Distribution, cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        self.distribution = distribution

    @property
    def sign(self) -> Any:
        return 1

    @property
    def domain(self) -> Any:
        return self.distribution.support

    def with_cache(self, cache_size: int = 1) -> Transform:
        same = self._cache_size == cache_size
        return self if same else CumulativeDistributionTransform(self.distribution, cache_size=cache_size)

    def _call(self, x: Tensor) -> Tensor:
        return self.distribution.cdf(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return self.distribution.icdf(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return self.distribution.log_prob(x)
