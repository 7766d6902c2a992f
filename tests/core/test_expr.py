"""The scalar language: sharing, folding, and derivatives of random expressions against finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

import hotplug as hp
from hotplug.declare import elementwise
from hotplug.dtypes import bool_, float32, float64, int32
from hotplug.expr import scalar as s
from hotplug.expr.derivative import tangents
from hotplug.expr.node import Expr, binary, cast, constant, input_, make, schedule, substitute, unary, where

X, Y = input_(0, float64), input_(1, float64)

UNARY = ("sin", "cos", "tanh", "exp", "sigmoid", "atan", "erf", "neg", "asinh")
BINARY = ("add", "sub", "mul", "hypot", "atan2", "minimum", "maximum")


def expressions() -> st.SearchStrategy[Expr]:
    leaves = st.one_of(st.sampled_from([X, Y]), st.floats(-2, 2).map(lambda value: constant(value, float64)))
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(unary, st.sampled_from(UNARY), inner),
            st.builds(binary, st.sampled_from(BINARY), inner, inner),
            st.builds(lambda a, b, c: where(binary("lt", a, b), b, c), inner, inner, inner),
        ),
        max_leaves=8,
    )


def evaluate(root: Expr, x: float, y: float) -> float:
    from hotplug.backends.numpy.evaluate import evaluate as run

    inputs = [np.asarray(x), np.asarray(y)]
    with np.errstate(all="ignore"):
        return float(run((root,), inputs, (), ())[0])


@settings(max_examples=150, deadline=None)
@given(expressions(), st.floats(-1.5, 1.5), st.floats(-1.5, 1.5))
def test_a_derivative_is_the_limit_of_differences(root: Expr, x: float, y: float) -> None:
    if root.op == "constant":
        return
    step = 1e-6
    for leaf, (dx, dy) in ((X, (step, 0.0)), (Y, (0.0, step))):
        center = evaluate(root, x, y)
        right, left = evaluate(root, x + dx, y + dy), evaluate(root, x - dx, y - dy)
        slopes = (right - center) / step, (center - left) / step
        assume(np.isfinite(slopes).all() and abs(slopes[0]) < 1e3 and abs(center) < 1e3)
        assume(abs(slopes[0] - slopes[1]) < 1e-3)  # neither a kink nor a jump
        tangent = tangents(root, leaf)
        exact, after, before = (
            0.0 if tangent is None else evaluate(tangent, x + at * dx, y + at * dy) for at in (0, 1, -1)
        )
        assume(max(abs(exact - after), abs(exact - before)) < 1e-2)  # nor two kinks that cancel, where ties share
        assert abs(exact - (right - left) / (2 * step)) <= 1e-3 * max(1.0, abs(exact))


@given(expressions())
def test_equal_expressions_are_one_object(root: Expr) -> None:
    again = substitute((root,), {X: Y, Y: X})
    assert substitute(again, {X: Y, Y: X})[0] is root


@given(expressions())
def test_operands_come_before_their_readers(root: Expr) -> None:
    seen: set[Expr] = set()
    for node in schedule((root,)):
        assert all(argument in seen for argument in node.args)
        seen.add(node)
    assert root in seen


def test_constants_are_folded_in_their_dtype() -> None:
    third = binary("div", constant(1.0, float32), constant(3.0, float32))
    assert third.op == "constant"
    assert np.float32(third.value) == np.float32(1) / np.float32(3)
    assert binary("mul", X, constant(1.0, float64)) is X
    assert binary("add", X, constant(0.0, float64)).op != "constant"
    assert cast(cast(X, float64), float64) is X


def test_zero_times_nan_is_not_folded_away() -> None:
    """``0 * x`` is NaN for an infinite ``x``."""
    product = binary("mul", X, constant(0.0, float64))
    assert np.isnan(evaluate(product, float("inf"), 0.0))


def test_a_condition_is_bool() -> None:
    assert binary("lt", X, Y).dtype is bool_
    assert where(binary("lt", X, Y), X, 0.0).dtype is float64


def test_dtypes_of_operands_must_agree() -> None:
    with pytest.raises(Exception, match="dtype"):
        binary("add", X, input_(0, int32))


def test_every_kind_of_node_is_hash_consed() -> None:
    assert make("input", (), float64, 0) is X
    assert X + Y is X + Y
    assert X + Y is not Y + X


def test_the_output_stands_for_itself_in_the_derivative() -> None:
    """exp' reads the output only, so exp_ goes backward."""

    @elementwise(method=False, inplace=False)
    def raised(input: Any) -> Any:
        return s.exp(input)

    x = hp.tensor([0.5, 1.0], dtype=hp.float64, requires_grad=True)
    y = raised(x * 1)
    assert hp.autograd.grad(y.sum(), x)[0].tolist() == y.tolist()
