"""Transforms, constraints and their registries against PyTorch, and by their own laws."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

import hotplug as hp

TRANSFORMS: dict[str, tuple[Any, tuple[int, ...], bool]] = {
    "exp": (lambda t, lib: t.ExpTransform(), (3,), False),
    "sigmoid": (lambda t, lib: t.SigmoidTransform(), (3,), False),
    "softplus": (lambda t, lib: t.SoftplusTransform(), (3,), False),
    "tanh": (lambda t, lib: t.TanhTransform(), (3,), False),
    "power": (lambda t, lib: t.PowerTransform(lib.tensor(1.7, dtype=lib.float64)), (3,), True),
    "affine": (lambda t, lib: t.AffineTransform(0.5, -2.0), (3,), False),
    "affine of vectors": (
        lambda t, lib: t.AffineTransform(lib.ones(3).double(), lib.arange(1.0, 4.0).double(), 1), (2, 3), False
    ),
    "stick breaking": (lambda t, lib: t.StickBreakingTransform(), (2, 3), False),
    "correlations": (lambda t, lib: t.CorrCholeskyTransform(), (2, 6), False),
    "reshape": (lambda t, lib: t.ReshapeTransform((2, 3), (6,)), (4, 2, 3), False),
    "composed": (lambda t, lib: t.ComposeTransform([t.AffineTransform(1.0, 0.5), t.ExpTransform()]), (3,), False),
    "composed to the simplex": (
        lambda t, lib: t.ComposeTransform([t.AffineTransform(0.0, 2.0), t.StickBreakingTransform()]), (2, 3), False
    ),
    "independent": (lambda t, lib: t.IndependentTransform(t.ExpTransform(), 1), (2, 3), False),
    "joined": (lambda t, lib: t.CatTransform([t.ExpTransform(), t.TanhTransform()], 0, [2, 1]), (3,), False),
    "stacked": (lambda t, lib: t.StackTransform([t.ExpTransform(), t.TanhTransform()], 0), (2, 3), False),
    "distribution function": (
        lambda t, lib: t.CumulativeDistributionTransform(lib.distributions.Normal(lib.zeros((), dtype=lib.float64), 1.0)),
        (3,), False,
    ),
    "inverse": (lambda t, lib: t.ExpTransform().inv, (3,), True),
}  # fmt: skip
"""How each is made, the shape of its input, and whether that must be positive."""

WITHOUT_JACOBIAN: dict[str, tuple[Any, tuple[int, ...]]] = {
    "softmax": (lambda t: t.SoftmaxTransform(), (2, 3)),
    "lower Cholesky": (lambda t: t.LowerCholeskyTransform(), (2, 3, 3)),
    "positive-definite": (lambda t: t.PositiveDefiniteTransform(), (2, 3, 3)),
    "absolute": (lambda t: t.AbsTransform(), (3,)),
}


def points(shape: tuple[int, ...], positive: bool) -> Any:
    draw = np.random.default_rng(0)
    return draw.uniform(0.2, 2, shape) if positive else draw.normal(size=shape)


def close(ours: Any, theirs: Any) -> None:
    assert tuple(ours.shape) == tuple(theirs.shape)
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parity
@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_transform(torch: ModuleType, name: str) -> None:
    make, shape, positive = TRANSFORMS[name]
    ours, theirs = make(hp.distributions.transforms, hp), make(torch.distributions.transforms, torch)
    x = points(shape, positive)
    y, goal = ours(hp.tensor(x)), theirs(torch.tensor(x))
    close(y, goal)
    close(ours.inv(y), theirs.inv(goal))
    close(ours.log_abs_det_jacobian(hp.tensor(x), y), theirs.log_abs_det_jacobian(torch.tensor(x), goal))
    assert (ours.domain.event_dim, ours.codomain.event_dim) == (theirs.domain.event_dim, theirs.codomain.event_dim)
    assert tuple(ours.forward_shape(shape)) == tuple(theirs.forward_shape(shape))
    assert tuple(ours.inverse_shape(tuple(goal.shape))) == tuple(theirs.inverse_shape(goal.shape))
    assert bool(ours.bijective) == bool(theirs.bijective)
    assert bool(ours.codomain.check(y).all())


@pytest.mark.parity
@pytest.mark.parametrize("name", WITHOUT_JACOBIAN)
def test_a_transform_without_jacobian(torch: ModuleType, name: str) -> None:
    make, shape = WITHOUT_JACOBIAN[name]
    ours, theirs = make(hp.distributions.transforms), make(torch.distributions.transforms)
    x = points(shape, False)
    y, goal = ours(hp.tensor(x)), theirs(torch.tensor(x))
    close(y, goal)
    close(ours.inv(y), theirs.inv(goal))
    assert bool(ours.codomain.check(y).all())
    with pytest.raises(NotImplementedError):
        ours.log_abs_det_jacobian(hp.tensor(x), y)


def test_the_jacobian_is_that_of_autograd() -> None:
    for name, (make, shape, positive) in TRANSFORMS.items():
        if len(shape) > 1 or name == "joined":
            continue
        transform = make(hp.distributions.transforms, hp)
        x = hp.tensor(points(shape, positive), requires_grad=True)
        y = transform(x)
        (slope,) = hp.autograd.grad(y.sum(), x)
        np.testing.assert_allclose(
            transform.log_abs_det_jacobian(x, y).detach().numpy(), slope.abs().log().numpy(), rtol=1e-7, err_msg=name
        )


def test_the_cache() -> None:
    transform = hp.distributions.TanhTransform(cache_size=1)
    x = hp.tensor([30.0])
    assert transform.inv(transform(x)) is x
    assert hp.distributions.TanhTransform().inv(hp.distributions.TanhTransform()(x)).isinf().item()
    with pytest.raises(ValueError, match="cache_size"):
        hp.distributions.ExpTransform(cache_size=2)


def test_equality_and_inverses() -> None:
    t = hp.distributions.transforms
    assert t.ExpTransform() == t.ExpTransform() != t.SigmoidTransform()
    assert t.AffineTransform(1.0, 2.0) == t.AffineTransform(1.0, 2.0) != t.AffineTransform(1.0, 3.0)
    assert t.ExpTransform().inv == t.ExpTransform().inv
    transform = t.ExpTransform()
    assert transform.inv.inv is transform
    assert t.AffineTransform(0.0, hp.tensor([-1.0, 1.0])).sign.tolist() == [-1.0, 1.0]


CONSTRAINTS = {
    "real": ((3,), None), "positive": ((3,), None), "nonnegative": ((3,), None), "unit_interval": ((3,), None),
    "simplex": ((2, 3), None), "lower_cholesky": ((2, 3, 3), None), "positive_definite": ((2, 3, 3), None),
    "corr_cholesky": ((2, 6), None), "real_vector": ((2, 3), None), "interval": ((3,), (-1.0, 2.5)),
    "greater_than": ((3,), (1.5,)), "less_than": ((3,), (1.5,)), "half_open_interval": ((3,), (0.5, 2.0)),
}  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize("name", CONSTRAINTS)
@pytest.mark.parametrize("registry", ["biject_to", "transform_to"])
def test_registries(torch: ModuleType, name: str, registry: str) -> None:
    if registry == "biject_to" and name in ("lower_cholesky", "positive_definite"):
        with pytest.raises(NotImplementedError):
            hp.distributions.biject_to(getattr(hp.distributions.constraints, name))
        return
    shape, arguments = CONSTRAINTS[name]
    found = []
    for library in (hp, torch):
        constraint = getattr(library.distributions.constraints, name)
        if arguments is not None:
            constraint = constraint(*arguments)
        value = getattr(library.distributions, registry)(constraint)(library.tensor(points(shape, False)))
        assert bool(constraint.check(value).all())
        found.append(value)
    close(*found)


CHECKS = {
    "boolean": [0.0, 1.0, 0.5], "nonnegative_integer": [0.0, 1.5, -1.0, 3.0], "positive_integer": [0.0, 1.0, 2.5],
    "real": [0.0, float("nan"), float("inf")], "positive": [0.0, 1.0, -1.0], "nonnegative": [0.0, 1.0, -1.0],
    "unit_interval": [0.0, 1.0, 1.5], "one_hot": [[0.0, 1.0], [1.0, 1.0], [0.5, 0.5]],
    "simplex": [[0.4, 0.6], [0.4, 0.7], [-0.1, 1.1]], "symmetric": [[[1.0, 2.0], [2.0, 1.0]], [[1.0, 2.0], [0.0, 1.0]]],
    "lower_triangular": [[[1.0, 0.0], [2.0, 1.0]], [[1.0, 2.0], [0.0, 1.0]]],
    "lower_cholesky": [[[1.0, 0.0], [2.0, 1.0]], [[1.0, 0.0], [2.0, -1.0]]],
    "corr_cholesky": [[[1.0, 0.0], [0.6, 0.8]], [[1.0, 0.0], [0.6, 0.9]]],
    "positive_definite": [[[2.0, 1.0], [1.0, 2.0]], [[1.0, 2.0], [2.0, 1.0]]],
    "positive_semidefinite": [[[1.0, 1.0], [1.0, 1.0]], [[1.0, 2.0], [2.0, 1.0]]],
}  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize("name", CHECKS)
def test_checks(torch: ModuleType, name: str) -> None:
    ours, theirs = (getattr(library.distributions.constraints, name) for library in (hp, torch))
    values = np.array(CHECKS[name])
    assert ours.check(hp.tensor(values)).tolist() == theirs.check(torch.tensor(values)).tolist()
    assert (ours.event_dim, ours.is_discrete) == (theirs.event_dim, theirs.is_discrete)


def test_joined_constraints() -> None:
    c = hp.distributions.constraints
    joined = c.cat([c.positive, c.unit_interval], 0, [2, 1])
    assert joined.check(hp.tensor([1.0, -1.0, 0.5])).tolist() == [True, False, True]
    stacked = c.stack([c.positive, c.real], 0)
    assert stacked.check(hp.tensor([[-1.0, 1.0], [-1.0, 1.0]])).tolist() == [[False, True], [True, True]]
    assert c.is_dependent(c.dependent)
    assert c.is_dependent(hp.distributions.Uniform.support)
    assert not c.is_dependent(hp.distributions.Uniform(0.0, 1.0).support)
    assert c.independent(c.positive, 1).check(hp.tensor([[1.0, -1.0], [1.0, 2.0]])).tolist() == [False, True]
    with pytest.raises(NotImplementedError):
        hp.distributions.biject_to(c.boolean)
