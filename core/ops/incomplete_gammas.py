"""The regularised incomplete gamma functions: distribution functions of gamma and Poisson variables."""

from __future__ import annotations

from typing import Any

from hotplug.declare import elementwise, gradient, strictly_floating
from hotplug.errors import AutogradError
from hotplug.expr import incomplete_gamma
from hotplug.expr.node import Expr


@elementwise(dtype=strictly_floating, sample=(0.3, 4), tensors=("input", "other"))
def igamma(input: Any, other: Any) -> Any:
    """The regularised lower incomplete gamma function of shape ``input`` at ``other``.  Both ``(*S)`` -> ``(*S)``.

    NaN for negative operands.  Within 1e-14 in float64 and 4e-6 in float32; small values keep their digits.
    """
    return incomplete_gamma.lower_and_upper(input, other)[0]


@gradient(igamma, "other")
def _(grad: Expr, input: Expr, other: Expr) -> Any:
    """By hand: the density of the gamma distribution."""
    return grad * incomplete_gamma.density(input, other)


@gradient(igamma, "input")
def _(grad: Expr) -> Any:
    """By hand: PyTorch has none."""
    raise AutogradError("igamma: the derivative with respect to the first argument is not implemented; detach() it")


@elementwise(dtype=strictly_floating, sample=(0.3, 4), tensors=("input", "other"))
def igammac(input: Any, other: Any) -> Any:
    """The regularised upper incomplete gamma function, ``1 - igamma(input, other)`` without cancellation."""
    return incomplete_gamma.lower_and_upper(input, other)[1]


@gradient(igammac, "other")
def _(grad: Expr, input: Expr, other: Expr) -> Any:
    """By hand: minus the density of the gamma distribution."""
    return -grad * incomplete_gamma.density(input, other)


@gradient(igammac, "input")
def _(grad: Expr) -> Any:
    """By hand: PyTorch has none."""
    raise AutogradError("igammac: the derivative with respect to the first argument is not implemented; detach() it")


@elementwise(dtype=strictly_floating, namespace="ops", method=False, inplace=False, sample=(0.3, 4))
def gamma_sample_slope(concentration: Any, value: Any) -> Any:
    """How a gamma sample moves with its shape, its probability held: relative error about 1e-14 in float64."""
    return incomplete_gamma.slope(concentration, value)


@gradient(gamma_sample_slope, "concentration")
def _(grad: Expr) -> Any:
    """By hand: PyTorch has none."""
    raise AutogradError("_standard_gamma: its gradient has no derivative; sample once more, or detach() the gradient")


@gradient(gamma_sample_slope, "value")
def _(grad: Expr) -> Any:
    """By hand, as for the shape."""
    raise AutogradError("_standard_gamma: its gradient has no derivative; sample once more, or detach() the gradient")
