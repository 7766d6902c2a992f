"""A linear map and the activation behind it as one composite, so that a backend can ride the one on the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from hotplug.autograd.mode import MODE
from hotplug.autograd.pullback import pullback
from hotplug.declare import composite, function
from hotplug.dtypes import dtype as DType
from hotplug.errors import ArgumentError
from hotplug.layout import Shape
from hotplug.ops import activation as functions, arithmetic, comparison, creation, products, reduction, views
from hotplug.ops.products import linear_layer
from hotplug.tensor import Tensor

_ACTIVATIONS: Final[dict[str, Callable[[Any], Any]]] = {
    "relu": functions.relu,
    "gelu": functions.gelu,
    "gelu_tanh": lambda value: functions.gelu(value, approximate="tanh"),
    "silu": functions.silu,
    "tanh": lambda value: value.tanh(),
    "sigmoid": lambda value: value.sigmoid(),
}

_FROM_OUTPUT: Final[dict[str, Callable[[Tensor, Tensor], Any]]] = {
    "relu": lambda grad, out: arithmetic.where_elements(comparison.le(out, 0.0), 0.0, grad),
    "tanh": lambda grad, out: grad * (1.0 - out * out),
    "sigmoid": lambda grad, out: grad * (1.0 - out) * out,
}
"""Derivatives in terms of the output; the others need what the linear map gave, which is kept for them."""


def _kept(activation: str, keep: bool) -> bool:
    return keep and activation not in _FROM_OUTPUT


def _outputs(
    input: Tensor, weight: Tensor, bias: Tensor | None, activation: str, keep: bool
) -> list[tuple[Shape, DType]]:
    shape = (*input.shape[:-1], weight.shape[0])
    return [(shape, input.dtype), (shape if _kept(activation, keep) else (0,), input.dtype)]


@composite(outputs=_outputs)
def linear_act(
    input: Tensor, weight: Tensor, bias: Tensor | None, activation: str, keep: bool
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """``activation(input @ weight.T + bias)``, and if ``keep`` what the activation was given, where backward needs it."""
    before = linear_layer(input, weight, bias)
    kept = before if _kept(activation, keep) else creation.empty((0,), dtype=before.dtype, device=before.device)
    return _ACTIVATIONS[activation](before), kept


@linear_act.gradient("input", "weight", "bias")
def _(
    grad: Tensor, input: Tensor, weight: Tensor, out: Tensor, out1: Tensor, activation: str, need: set[str]
) -> tuple[Tensor | None, ...]:
    names = ("input", "weight", "bias")
    wanted = [name in need for name in names]
    found = iter(linear_act_backward(grad, input, weight, out, out1, activation, *wanted))
    return tuple(next(found) if name in need else None for name in names)


def _backward_outputs(
    delta: Tensor, input: Tensor, weight: Tensor, out: Tensor, before: Tensor, activation: str, to_input: bool,
    to_weight: bool, to_bias: bool,
) -> list[tuple[Shape, DType]]:  # fmt: skip
    wanted = ((input.shape, to_input), (weight.shape, to_weight), (weight.shape[:1], to_bias))
    return [(tuple(shape), delta.dtype) for shape, yes in wanted if yes]


@composite(outputs=_backward_outputs)
def linear_act_backward(
    delta: Tensor, input: Tensor, weight: Tensor, out: Tensor, before: Tensor, activation: str, to_input: bool,
    to_weight: bool, to_bias: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    """The gradients for the input, the weight and the bias, as many as are asked for, in this order."""
    if activation in _FROM_OUTPUT:
        slope = _FROM_OUTPUT[activation](delta, out)
    else:
        slope = pullback(_ACTIVATIONS[activation], (before,), [0], [delta])[0]
    rows = views.reshape(slope, (-1, weight.shape[0]))
    found = []
    if to_input:
        found.append(views.reshape(products.product(rows, weight), tuple(input.shape)))
    if to_weight:
        columns = views.reshape(input, (-1, weight.shape[1]))
        found.append(products.product(views.transpose(rows, 0, 1), columns))
    if to_bias:
        found.append(reduction.sum(rows, 0))
    return tuple(found)


class ActivationNameError(ArgumentError):
    """An activation that can't be fused."""


@function(method=False, namespace="ops")
def linear_activation(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, activation: str = "relu"
) -> Tensor:  # fmt: skip
    """``activation(linear(input, weight, bias))`` as one op.

    input ``(*, in)``, weight ``(out, in)``, bias ``(out)`` -> ``(*, out)``; activation: ``relu``, ``gelu``,
    ``gelu_tanh``, ``silu``, ``tanh`` or ``sigmoid``.
    """
    if activation not in _ACTIVATIONS:
        raise ActivationNameError(
            f"linear_activation: expected one of {', '.join(_ACTIVATIONS)}, got {activation!r}; apply the activation to "
            f"linear()"
        )
    products.check_linear("linear_activation", input, weight, bias)
    if bias is not None and bias.shape != weight.shape[:1]:
        bias = views.expand(bias, tuple(weight.shape[:1]))
    taped = MODE.grad and any(each is not None and each.requires_grad for each in (input, weight, bias))
    return linear_act(input, weight, bias, activation, taped)[0]
