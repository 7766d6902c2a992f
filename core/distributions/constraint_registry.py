"""``biject_to`` and ``transform_to``: from a constraint to a transform of unconstrained numbers into its region."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, final

from hotplug.distributions import constraints, transforms
from hotplug.errors import ArgumentError

__all__ = ["ConstraintRegistry", "biject_to", "transform_to"]

Factory = Callable[[Any], transforms.Transform]


@final
class ConstraintRegistry:
    """Transforms by the kind of constraint; an instance is registered under its class, a single object under itself."""

    def __init__(self) -> None:
        self._registry: dict[Any, Factory] = {}

    def register(self, constraint: Any, factory: Factory | None = None) -> Any:
        """Say how the transform for a constraint is made: a function of the constraint.  Also as a decorator."""
        if factory is None:
            return lambda made: self.register(constraint, made)
        self._registry[_key(constraint, "register")] = factory
        return factory

    def __call__(self, constraint: Any) -> transforms.Transform:
        """The transform for a constraint.

        Raises:
            NotImplementedError: there is none.
        """
        known = isinstance(constraint, constraints.Constraint)
        factory = self._registry.get(_key(constraint, "transform")) if known else None
        if factory is None:
            raise NotImplementedError(f"cannot transform {type(constraint).__name__} constraints: none is registered")
        return factory(constraint)


_SINGLE: Final = constraints._Where


def _key(constraint: Any, what: str) -> Any:
    """Constraints given by a function have one class, and are told apart by themselves."""
    if isinstance(constraint, _SINGLE):
        return id(constraint)
    if isinstance(constraint, type) and issubclass(constraint, constraints.Constraint):
        return constraint
    if isinstance(constraint, constraints.Constraint):
        return type(constraint)
    raise ArgumentError(f"{what}: expected a constraint, or a class of constraints, got {constraint!r}")


biject_to: Final = ConstraintRegistry()
"""Bijective transforms, for densities of unconstrained numbers."""
transform_to: Final = ConstraintRegistry()
"""Transforms that need not be bijective, for optimisation: the simplex by softmax."""


def _declare(
    *kinds: Any, by: tuple[ConstraintRegistry, ...] = (biject_to, transform_to)
) -> Callable[[Factory], Factory]:
    def declare(factory: Factory) -> Factory:
        for kind in kinds:
            for registry in by:
                registry.register(kind, factory)
        return factory

    return declare


@_declare(constraints.real)
def _real(constraint: Any) -> transforms.Transform:
    return transforms.identity_transform


@_declare(constraints.greater_than, constraints.greater_than_eq)
def _above(constraint: Any) -> transforms.Transform:
    if isinstance(constraint.lower_bound, (int, float)) and constraint.lower_bound == 0:
        return transforms.ExpTransform()
    return transforms.ComposeTransform(
        [transforms.ExpTransform(), transforms.AffineTransform(constraint.lower_bound, 1)]
    )


@_declare(constraints.less_than)
def _below(constraint: Any) -> transforms.Transform:
    return transforms.ComposeTransform(
        [transforms.ExpTransform(), transforms.AffineTransform(constraint.upper_bound, -1)]
    )


@_declare(constraints.interval, constraints.half_open_interval)
def _between(constraint: Any) -> transforms.Transform:
    low, high = constraint.lower_bound, constraint.upper_bound
    if isinstance(low, float) and isinstance(high, float) and (low, high) == (0.0, 1.0):
        return transforms.SigmoidTransform()
    return transforms.ComposeTransform([transforms.SigmoidTransform(), transforms.AffineTransform(low, high - low)])


@_declare(constraints.simplex, by=(biject_to,))
def _simplex(constraint: Any) -> transforms.Transform:
    return transforms.StickBreakingTransform()


@_declare(constraints.simplex, by=(transform_to,))
def _soft_simplex(constraint: Any) -> transforms.Transform:
    return transforms.SoftmaxTransform()


@_declare(constraints.lower_cholesky, by=(transform_to,))
def _lower_cholesky(constraint: Any) -> transforms.Transform:
    return transforms.LowerCholeskyTransform()


@_declare(constraints.positive_definite, constraints.positive_semidefinite, by=(transform_to,))
def _positive_definite(constraint: Any) -> transforms.Transform:
    return transforms.PositiveDefiniteTransform()


@_declare(constraints.corr_cholesky)
def _corr_cholesky(constraint: Any) -> transforms.Transform:
    return transforms.CorrCholeskyTransform()


@_declare(constraints.independent, by=(biject_to,))
def _independent(constraint: Any) -> transforms.Transform:
    base = biject_to(constraint.base_constraint)
    return transforms.IndependentTransform(base, constraint.reinterpreted_batch_ndims)


@_declare(constraints.independent, by=(transform_to,))
def _soft_independent(constraint: Any) -> transforms.Transform:
    base = transform_to(constraint.base_constraint)
    return transforms.IndependentTransform(base, constraint.reinterpreted_batch_ndims)


def _register_parts(registry: ConstraintRegistry) -> None:
    registry.register(
        constraints.cat,
        lambda c: transforms.CatTransform([registry(each) for each in c.cseq], c.dim, c.lengths),
    )
    registry.register(
        constraints.stack, lambda c: transforms.StackTransform([registry(each) for each in c.cseq], c.dim)
    )


_register_parts(biject_to)
_register_parts(transform_to)
