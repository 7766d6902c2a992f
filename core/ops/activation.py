"""Activations.  The names are PyTorch's of ``torch.nn.functional``; those that torch has too are public there."""

from __future__ import annotations

import math
from typing import Any

from hotplug.declare import elementwise, gradient, numeric, real
from hotplug.declare.elementwise import strictly_floating as floating
from hotplug.expr import scalar as s
from hotplug.expr.node import Expr

_F = "nn.functional"


@elementwise(dtype=real, sample=(-3, 3))
def relu(input: Any) -> Any:
    """``max(0, input)``; NaN stays.  The derivative at 0 is 0."""
    return s.where(s.le(input, 0), 0, input)


@gradient(relu, "input")
def _(grad: Expr, out: Expr) -> Any:
    """By hand, so that it reads the output only and ``relu_`` goes backward."""
    return s.where(s.le(out, 0.0), 0.0, grad)


@elementwise(dtype=floating, sample=(-3, 3), namespace=_F, method=False, inplace=False)
def relu6(input: Any) -> Any:
    """``min(max(0, input), 6)``."""
    return s.where(s.le(input, 0.0), 0.0, s.where(s.ge(input, 6.0), 6.0, input))


@elementwise(dtype=floating, sample=(-3, 3), namespace=_F, method=False, inplace=False)
def leaky_relu(input: Any, negative_slope: Any = 0.01) -> Any:
    """``input`` where positive, else ``negative_slope * input``."""
    return s.where(s.gt(input, 0.0), input, input * negative_slope)


@elementwise(dtype=floating, sample=(-3, 3), namespace=_F, method=False, inplace=False)
def elu(input: Any, alpha: Any = 1.0) -> Any:
    """``input`` where positive, else ``alpha * (exp(input) - 1)`` (Clevert et al., 2015)."""
    return s.where(s.gt(input, 0.0), input, s.expm1(input) * alpha)


@elementwise(dtype=floating, sample=(-3, 3), namespace=_F, method=False, inplace=False)
def selu(input: Any) -> Any:
    """Self-normalising unit (Klambauer et al., 2017)."""
    alpha, scale = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
    return s.where(s.gt(input, 0.0), input * scale, s.expm1(input) * (alpha * scale))


@elementwise(dtype=floating, sample=(-3, 3), namespace=_F, method=False, inplace=False)
def silu(input: Any) -> Any:
    """Sigmoid-weighted linear unit, ``x * sigmoid(x)`` (Elfwing et al., 2017)."""
    return input * s.sigmoid(input)


@elementwise(dtype=floating, sample=(-3, 3), namespace=_F, method=False, inplace=False)
def gelu(input: Any, approximate: str = "none") -> Any:
    """``x * Phi(x)`` with the normal distribution function, or its tanh approximation (Hendrycks and Gimpel, 2016)."""
    if approximate == "tanh":
        inner = math.sqrt(2.0 / math.pi) * (input + 0.044715 * (input * input * input))
        return 0.5 * input * (s.tanh(inner) + 1.0)
    return 0.5 * input * (s.erf(input * math.sqrt(0.5)) + 1.0)


@elementwise(dtype=floating, sample=(-3, 3), namespace=_F, method=False, inplace=False)
def softplus(input: Any, beta: Any = 1.0, threshold: Any = 20.0) -> Any:
    """``log(1 + exp(beta * x)) / beta``; ``x`` itself where ``beta * x > threshold``."""
    scaled = input * beta
    return s.where(s.gt(scaled, threshold), input, s.log1p(s.exp(scaled)) / beta)


@elementwise(dtype=floating, sample=(-3, 3), namespace=_F, method=False, inplace=False)
def logsigmoid(input: Any) -> Any:
    """``log(sigmoid(x))`` without overflow."""
    return s.where(s.lt(input, 0.0), input, 0.0) - s.log1p(s.exp(-s.abs(input)))


@gradient(logsigmoid, "input")
def _(grad: Expr, input: Expr) -> Any:
    """By hand: the derived one splits at 0, where the function is smooth."""
    return grad * s.sigmoid(-input)


@elementwise(dtype=floating, sample=(-3, 3), namespace=_F, method=False, inplace=False)
def mish(input: Any) -> Any:
    """``x * tanh(softplus(x))`` (Misra, 2019)."""
    return input * s.tanh(s.where(s.gt(input, 20.0), input, s.log1p(s.exp(input))))


@elementwise(dtype=floating, sample=(-4, 4), namespace=_F, method=False, inplace=False)
def hardtanh(input: Any, min_val: Any = -1.0, max_val: Any = 1.0) -> Any:
    """``input`` limited to ``[min_val, max_val]``; the gradient at the limits is 0."""
    return s.where(s.le(input, min_val), min_val, s.where(s.ge(input, max_val), max_val, input))


@elementwise(dtype=floating, sample=(-4, 4), namespace=_F, method=False, inplace=False)
def hardsigmoid(input: Any) -> Any:
    """``min(max(0, x + 3), 6) / 6``."""
    return s.where(s.le(input, -3.0), 0.0, s.where(s.ge(input, 3.0), 1.0, input / 6.0 + 0.5))


@elementwise(dtype=floating, sample=(-4, 4), namespace=_F, method=False, inplace=False)
def hardswish(input: Any) -> Any:
    """``x * hardsigmoid(x)`` (Howard et al., 2019); NaN for minus infinity, as in PyTorch."""
    return s.where(s.ge(input, 3.0), input, input * s.where(s.le(input, -3.0), 0.0, input + 3.0) / 6.0)


@elementwise(dtype=floating, sample=(-3, 3), namespace=_F, method=False, inplace=False)
def softsign(input: Any) -> Any:
    """``x / (1 + |x|)``."""
    return input / (s.abs(input) + 1.0)


@elementwise(dtype=floating, sample=(-3, 3), namespace=_F, method=False, inplace=False)
def tanhshrink(input: Any) -> Any:
    """``x - tanh(x)``."""
    return input - s.tanh(input)


@elementwise(dtype=numeric, sample=(-3, 3), namespace=_F, method=False, inplace=False)
def threshold(input: Any, threshold: Any, value: Any) -> Any:
    """``input`` where above ``threshold``, else ``value``; the gradient passes only where above."""
    return s.where(s.le(input, threshold), value, input)


@elementwise(dtype=floating, sample=(-3, 3), namespace=_F, method=False, inplace=False)
def celu(input: Any, alpha: Any = 1.0) -> Any:
    """``input`` where positive, else ``alpha * (exp(input / alpha) - 1)`` (Barron, 2017)."""
    return s.where(s.gt(input, 0.0), input, s.expm1(input / alpha) * alpha)


@elementwise(dtype=floating, sample=(-3, 3), namespace=_F, method=False, inplace=False)
def hardshrink(input: Any, lambd: Any = 0.5) -> Any:
    """``input`` where further than ``lambd`` from 0, else 0."""
    return s.where(s.le(s.abs(input), lambd), 0.0, input)


@elementwise(dtype=floating, sample=(-3, 3), namespace=_F, method=False, inplace=False)
def softshrink(input: Any, lambd: Any = 0.5) -> Any:
    """``input`` moved by ``lambd`` towards 0, and 0 where nearer to it."""
    return s.where(s.gt(input, lambd), input - lambd, s.where(s.lt(input, -lambd), input + lambd, input * 0.0))
