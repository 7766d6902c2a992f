"""Recurrent layers and cells against PyTorch's, their gradients against difference quotients."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from oracle import agree, same_error

import hotplug as hp
from hotplug import ops
from hotplug.autograd import gradcheck, gradgradcheck

GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}


def shapes(kind: str, inputs: list[int], biased: bool, hidden: int = 3, width: int = 3) -> list[tuple[int, ...]]:
    """Of the parameters of the layers, flat."""
    rows = GATES[kind] * hidden
    found: list[tuple[int, ...]] = []
    for size in inputs:
        found += [(rows, size), (rows, width)] + [(rows,), (rows,)] * biased
        found += [(width, hidden)] * (width != hidden)
    return found


@pytest.mark.parity
@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("biased", [True, False])
def test_one_layer(torch: ModuleType, kind: str, biased: bool) -> None:
    def program(t: Any, _: Any, x: Any, h: Any, c: Any, *params: Any) -> Any:
        states = (h, c) if kind == "lstm" else h
        return getattr(t, kind)(x, states, list(params), biased, 1, 0.0, False, False, False)

    agree(torch, program, (4, 2, 2), (1, 2, 3), (1, 2, 3), *shapes(kind, [2], biased), order=1)


@pytest.mark.parity
@pytest.mark.parametrize("kind", GATES)
def test_two_layers_both_ways(torch: ModuleType, kind: str) -> None:
    def program(t: Any, _: Any, x: Any, h: Any, c: Any, *params: Any) -> Any:
        states = (h, c) if kind == "lstm" else h
        return getattr(t, kind)(x, states, list(params), True, 2, 0.0, True, True, True)

    agree(torch, program, (2, 4, 2), (4, 2, 3), (4, 2, 3), *shapes(kind, [2, 2, 6, 6], True), order=1)


@pytest.mark.parity
def test_a_projection(torch: ModuleType) -> None:
    def program(t: Any, _: Any, x: Any, h: Any, c: Any, *params: Any) -> Any:
        return t.lstm(x, (h, c), list(params), True, 1, 0.0, False, False, False)

    agree(torch, program, (4, 2, 2), (1, 2, 2), (1, 2, 3), *shapes("lstm", [2], True, 3, 2), order=1)


@pytest.mark.parity
@pytest.mark.parametrize("kind", GATES)
def test_cells(torch: ModuleType, kind: str) -> None:
    for biased in (True, False):

        def program(t: Any, _: Any, x: Any, h: Any, c: Any, *params: Any) -> Any:
            return getattr(t, f"{kind}_cell")(x, (h, c) if kind == "lstm" else h, *params)

        agree(torch, program, (2, 4), (2, 3), (2, 3), *shapes(kind, [4], biased))


@pytest.mark.parametrize("reverse", [False, True])
def test_gradients_are_numerical_ones(reverse: bool) -> None:
    draw = np.random.default_rng(0)

    def leaves(*sizes: tuple[int, ...]) -> tuple[Any, ...]:
        return tuple(hp.tensor(draw.normal(size=size), requires_grad=True, device="numpy") for size in sizes)

    cases: list[tuple[Any, tuple[Any, ...]]] = [
        (lambda *a: ops.lstm_layer(*a, reverse)[0], leaves((2, 1, 8), (1, 1), (1, 2), (8, 1), (1, 2))),
        (lambda *a: ops.gru_layer(*a, reverse)[0], leaves((2, 1, 6), (1, 2), (6, 2), (6,))),
        (lambda *a: ops.rnn_layer(*a, "tanh", reverse), leaves((2, 1, 2), (1, 2), (2, 2))),
        (lambda *a: ops.rnn_layer(*a, "relu", reverse), leaves((2, 1, 2), (1, 2), (2, 2))),
    ]
    for function, given in cases:
        assert gradcheck(function, given)
        assert gradgradcheck(function, given)


@pytest.mark.parametrize("activation", ["relu", "gelu", "gelu_tanh", "silu", "tanh", "sigmoid"])
def test_linear_with_an_activation(activation: str) -> None:
    draw = np.random.default_rng(0)
    x, w, b = (hp.tensor(draw.normal(size=size), requires_grad=True, device="numpy") for size in ((2, 3), (2, 3), (2,)))
    assert gradcheck(lambda *a: ops.linear_activation(*a, activation), (x, w, b))
    assert gradgradcheck(lambda *a: ops.linear_activation(*a, activation), (x, w, b))
    apart = ops.linear(x, w, b)
    name, _, form = activation.partition("_")
    expected = getattr(hp.nn.functional, name)(apart, **({"approximate": form} if form else {}))
    np.testing.assert_allclose(ops.linear_activation(x, w, b, activation).detach().numpy(), expected.detach().numpy())
    with hp.no_grad():
        assert ops.linear_act(x, w, b, activation, False)[1].numel() == 0


def test_an_activation_that_can_t_be_fused() -> None:
    with pytest.raises(ValueError, match="expected one of relu, gelu"):
        ops.linear_activation(hp.ones(2, 3), hp.ones(4, 3), None, "softmax")


def test_nothing_but_the_gates_is_kept() -> None:
    times, count, size = 16, 4, 8
    x = hp.randn(times, count, 4 * size, requires_grad=True)
    h, c, w = hp.zeros(count, size), hp.zeros(count, size), hp.randn(4 * size, size, requires_grad=True)
    before = hp.memory_allocated()
    out = ops.lstm_layer(x, h, c, w, None, False)
    kept = hp.memory_allocated() - before
    assert kept <= 4 * times * count * size * (2 + 4) + 4096
    out[0].sum().backward()


BAD = {
    "layers": lambda t, F: t.gru(
        t.zeros(4, 2, 2), t.zeros(2, 2, 3), [t.zeros(9, 2), t.zeros(9, 3)], False, 1, 0.0, False, False, False
    ),
    "cell": lambda t, F: t.gru_cell(t.zeros(2, 2), t.zeros(3, 3), t.zeros(9, 2), t.zeros(9, 3)),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", BAD)
def test_bad_input(torch: ModuleType, name: str) -> None:
    same_error(torch, BAD[name])
