"""Constraints: what a parameter or a value must satisfy, as objects with a ``check``.

>>> import hotplug as hp
>>> hp.distributions.constraints.positive.check(hp.tensor([1.0, -1.0]))
tensor([ True, False])
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Final, final

import hotplug as hp
from hotplug.errors import ArgumentError
from hotplug.tensor import Tensor

__all__ = [
    "Constraint", "MixtureSameFamilyConstraint", "boolean", "cat", "corr_cholesky", "dependent", "dependent_property",
    "greater_than", "greater_than_eq", "half_open_interval", "independent", "integer_interval", "interval",
    "is_dependent", "less_than", "lower_cholesky", "lower_triangular", "multinomial", "nonnegative",
    "nonnegative_integer", "one_hot", "positive", "positive_definite", "positive_integer", "positive_semidefinite",
    "real", "real_vector", "simplex", "square", "stack", "symmetric", "unit_interval",
]  # fmt: skip


class Constraint(ABC):
    """A region of values.  ``event_dim`` axes form one value; ``is_discrete`` says whether it is a set of points."""

    is_discrete: bool = False
    event_dim: int = 0

    @abstractmethod
    def check(self, value: Any) -> Tensor:
        """Whether each value lies in the region.  ``(*, event)`` -> bool ``(*)``."""

    def __repr__(self) -> str:
        return f"{type(self).__name__.lstrip('_')}()"


@final
class _Dependent(Constraint):
    """A region that depends on other values, and can't be checked without them."""

    def __init__(self, *, is_discrete: Any = NotImplemented, event_dim: Any = NotImplemented) -> None:
        self._is_discrete = is_discrete
        self._event_dim = event_dim

    @property
    def is_discrete(self) -> bool:  # type: ignore[override]
        if self._is_discrete is NotImplemented:
            raise NotImplementedError(".is_discrete cannot be determined statically")
        return bool(self._is_discrete)

    @property
    def event_dim(self) -> int:  # type: ignore[override]
        if self._event_dim is NotImplemented:
            raise NotImplementedError(".event_dim cannot be determined statically")
        return int(self._event_dim)

    def __call__(self, *, is_discrete: Any = NotImplemented, event_dim: Any = NotImplemented) -> _Dependent:
        """The same with more known of it."""
        return _Dependent(
            is_discrete=self._is_discrete if is_discrete is NotImplemented else is_discrete,
            event_dim=self._event_dim if event_dim is NotImplemented else event_dim,
        )

    def check(self, value: Any) -> Tensor:
        raise ArgumentError("a dependent constraint can't be checked: it depends on other values")


def is_dependent(constraint: Any) -> bool:
    """Whether a constraint is one that depends on other values."""
    return isinstance(constraint, (_Dependent, dependent_property))


@final
class dependent_property(property):  # noqa: N801 - PyTorch's name
    """A property of a distribution that is a constraint; on the class itself it is a dependent one."""

    def __init__(
        self,
        fn: Callable[[Any], Any] | None = None,
        *,
        is_discrete: Any = NotImplemented,
        event_dim: Any = NotImplemented,
    ) -> None:
        super().__init__(fn)
        self._is_discrete = is_discrete
        self._event_dim = event_dim

    def __call__(self, fn: Callable[[Any], Any]) -> dependent_property:
        """As a decorator with arguments."""
        return dependent_property(fn, is_discrete=self._is_discrete, event_dim=self._event_dim)

    @property
    def is_discrete(self) -> bool:
        """Whether it is a set of points, where that is known of the class."""
        return _Dependent(is_discrete=self._is_discrete).is_discrete

    @property
    def event_dim(self) -> int:
        """How many axes form one value, where that is known of the class."""
        return _Dependent(event_dim=self._event_dim).event_dim


@final
class independent(Constraint):  # noqa: N801 - PyTorch's name
    """A constraint with more axes to a value: all along them must satisfy it."""

    def __init__(self, base_constraint: Any, reinterpreted_batch_ndims: int) -> None:
        self.base_constraint: Final = base_constraint
        self.reinterpreted_batch_ndims: Final = reinterpreted_batch_ndims

    @property
    def is_discrete(self) -> bool:  # type: ignore[override]
        return bool(self.base_constraint.is_discrete)

    @property
    def event_dim(self) -> int:  # type: ignore[override]
        return int(self.base_constraint.event_dim) + self.reinterpreted_batch_ndims

    def check(self, value: Any) -> Tensor:
        result = self.base_constraint.check(value)
        if result.ndim < self.reinterpreted_batch_ndims:
            raise ArgumentError(f"expected a value of at least {self.event_dim} axes, got {value.ndim}")
        return result.reshape((*result.shape[: result.ndim - self.reinterpreted_batch_ndims], -1)).all(-1)

    def __repr__(self) -> str:
        return f"independent({self.base_constraint!r}, {self.reinterpreted_batch_ndims})"


@final
class MixtureSameFamilyConstraint(Constraint):
    """The constraint of a mixture: that of its components, for values without their axis."""

    def __init__(self, base_constraint: Any) -> None:
        self.base_constraint: Final = base_constraint

    @property
    def is_discrete(self) -> bool:  # type: ignore[override]
        return bool(self.base_constraint.is_discrete)

    @property
    def event_dim(self) -> int:  # type: ignore[override]
        return int(self.base_constraint.event_dim)

    def check(self, value: Any) -> Tensor:
        found: Tensor = self.base_constraint.check(value.unsqueeze(-1 - self.event_dim))
        extra = found.ndim - value.ndim + self.event_dim
        return found.all(-1) if extra > 0 else found


class _Where(Constraint):
    """A region given by a function of the values."""

    def __init__(
        self, text: str, holds: Callable[[Tensor], Tensor], event_dim: int = 0, is_discrete: bool = False
    ) -> None:
        self._text = text
        self._holds = holds
        self.event_dim = event_dim
        self.is_discrete = is_discrete

    def check(self, value: Any) -> Tensor:
        return self._holds(value)

    def __repr__(self) -> str:
        return self._text


class _Bounded(Constraint):
    """Numbers between bounds, which may be tensors."""

    def __init__(self, lower_bound: Any, upper_bound: Any) -> None:
        self.lower_bound: Final = lower_bound
        self.upper_bound: Final = upper_bound

    def __repr__(self) -> str:
        return f"{type(self).__name__}(lower_bound={self.lower_bound}, upper_bound={self.upper_bound})"


@final
class interval(_Bounded):  # noqa: N801 - PyTorch's name
    """``[lower_bound, upper_bound]``."""

    def check(self, value: Any) -> Tensor:
        return (self.lower_bound <= value) & (value <= self.upper_bound)


@final
class half_open_interval(_Bounded):  # noqa: N801 - PyTorch's name
    """``[lower_bound, upper_bound)``."""

    def check(self, value: Any) -> Tensor:
        return (self.lower_bound <= value) & (value < self.upper_bound)


@final
class integer_interval(_Bounded):  # noqa: N801 - PyTorch's name
    """Integers in ``[lower_bound, upper_bound]``."""

    is_discrete = True

    def check(self, value: Any) -> Tensor:
        return (value % 1 == 0) & (self.lower_bound <= value) & (value <= self.upper_bound)


class _OneSided(Constraint):
    """Numbers on one side of a bound."""

    def __init__(self, bound: Any) -> None:
        self.bound: Final = bound

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.bound})"


@final
class greater_than(_OneSided):  # noqa: N801 - PyTorch's name
    """``(lower_bound, inf]``."""

    def __init__(self, lower_bound: Any) -> None:
        super().__init__(lower_bound)
        self.lower_bound: Final = lower_bound

    def check(self, value: Any) -> Tensor:
        return self.lower_bound < value


@final
class greater_than_eq(_OneSided):  # noqa: N801 - PyTorch's name
    """``[lower_bound, inf)``."""

    def __init__(self, lower_bound: Any) -> None:
        super().__init__(lower_bound)
        self.lower_bound: Final = lower_bound

    def check(self, value: Any) -> Tensor:
        return self.lower_bound <= value


@final
class less_than(_OneSided):  # noqa: N801 - PyTorch's name
    """``[-inf, upper_bound)``."""

    def __init__(self, upper_bound: Any) -> None:
        super().__init__(upper_bound)
        self.upper_bound: Final = upper_bound

    def check(self, value: Any) -> Tensor:
        return value < self.upper_bound


@final
class _IntegerFrom(_OneSided):
    """Integers from a bound on."""

    is_discrete = True

    def check(self, value: Any) -> Tensor:
        return (value % 1 == 0) & (value >= self.bound)


@final
class multinomial(Constraint):  # noqa: N801 - PyTorch's name
    """Counts along the last axis, which sum to at most ``upper_bound``."""

    is_discrete = True
    event_dim = 1

    def __init__(self, upper_bound: Any) -> None:
        self.upper_bound: Final = upper_bound

    def check(self, value: Any) -> Tensor:
        return (value >= 0).all(-1) & (value.sum(-1) <= self.upper_bound)


class _Joined(Constraint):
    """Several constraints, each for its part along an axis."""

    def __init__(self, cseq: Sequence[Any], dim: int = 0) -> None:
        if not all(isinstance(each, Constraint) for each in cseq):
            raise ArgumentError(f"expected constraints, got {[type(each).__name__ for each in cseq]}")
        self.cseq: Final = list(cseq)
        self.dim: Final = dim

    @property
    def is_discrete(self) -> bool:  # type: ignore[override]
        return any(each.is_discrete for each in self.cseq)


@final
class cat(_Joined):  # noqa: N801 - PyTorch's name
    """Constraints for parts of the given ``lengths`` (1 each by default), as ``cat`` joins them."""

    def __init__(self, cseq: Sequence[Any], dim: int = 0, lengths: Sequence[int] | None = None) -> None:
        super().__init__(cseq, dim)
        self.lengths: Final = [1] * len(self.cseq) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.cseq):
            raise ArgumentError(f"cat: expected {len(self.cseq)} lengths, got {len(self.lengths)}")

    @property
    def event_dim(self) -> int:  # type: ignore[override]
        return max(each.event_dim for each in self.cseq)

    def check(self, value: Any) -> Tensor:
        parts = value.split(self.lengths, self.dim)
        return hp.cat([each.check(part) for each, part in zip(self.cseq, parts, strict=True)], self.dim)


@final
class stack(_Joined):  # noqa: N801 - PyTorch's name
    """Constraints for the slices along an axis, as ``stack`` joins them."""

    @property
    def event_dim(self) -> int:  # type: ignore[override]
        deepest: int = max(each.event_dim for each in self.cseq)
        return deepest + 1 if self.dim + deepest < 0 else deepest

    def check(self, value: Any) -> Tensor:
        parts = value.unbind(self.dim)
        return hp.stack([each.check(part) for each, part in zip(self.cseq, parts, strict=True)], self.dim)


def _rounding(value: Tensor) -> float:
    return float(hp.finfo(value.dtype).eps) * value.shape[-1] * 10


def _is_symmetric(value: Tensor) -> Tensor:
    return _is_square(value) & hp.isclose(value, value.mT, atol=1e-6).all(-2).all(-1)


def _is_square(value: Tensor) -> Tensor:
    same = value.shape[-2] == value.shape[-1]
    return hp.full(tuple(value.shape[:-2]), same, dtype=hp.bool, device=value.device)


def _is_triangular(value: Tensor) -> Tensor:
    return (value.tril() == value).all(-1).all(-1)


def _is_root(value: Tensor) -> Tensor:
    return _is_triangular(value) & (value.diagonal(dim1=-2, dim2=-1) > 0).all(-1)


def _has_rows_of_length_one(value: Tensor) -> Tensor:
    return ((value * value).sum(-1).sqrt() - 1).abs().le(_rounding(value)).all(-1)


def _has_no_negative_root(value: Tensor) -> Tensor:
    return _is_symmetric(value) & (hp.linalg.eigvalsh(value) >= 0).all(-1)


def _is_definite(value: Tensor) -> Tensor:
    return _is_symmetric(value) & (hp.linalg.cholesky_ex(value).info == 0)


def _is_share(value: Tensor) -> Tensor:
    return (value >= 0).all(-1) & ((value.sum(-1) - 1).abs() < 1e-6)


def _is_one_hot(value: Tensor) -> Tensor:
    return ((value == 0) | (value == 1)).all(-1) & (value.sum(-1) == 1)


dependent: Final = _Dependent()
boolean: Final = _Where("Boolean()", lambda x: (x == 0) | (x == 1), is_discrete=True)
real: Final = _Where("Real()", lambda x: x == x)  # noqa: PLR0124 - not NaN
real_vector: Final = independent(real, 1)
nonnegative: Final = greater_than_eq(0.0)
positive: Final = greater_than(0.0)
unit_interval: Final = interval(0.0, 1.0)
nonnegative_integer: Final = _IntegerFrom(0)
positive_integer: Final = _IntegerFrom(1)
one_hot: Final = _Where("OneHot()", _is_one_hot, 1, True)
simplex: Final = _Where("Simplex()", _is_share, 1)
lower_triangular: Final = _Where("LowerTriangular()", _is_triangular, 2)
lower_cholesky: Final = _Where("LowerCholesky()", _is_root, 2)
corr_cholesky: Final = _Where("CorrCholesky()", lambda x: _is_root(x) & _has_rows_of_length_one(x), 2)
square: Final = _Where("Square()", _is_square, 2)
symmetric: Final = _Where("Symmetric()", _is_symmetric, 2)
positive_semidefinite: Final = _Where("PositiveSemidefinite()", _has_no_negative_root, 2)
positive_definite: Final = _Where("PositiveDefinite()", _is_definite, 2)
