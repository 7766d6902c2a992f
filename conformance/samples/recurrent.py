"""Recurrent cells and layers, and what they are made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hotplug.conformance.draw import Draw, Sample
from hotplug.conformance.samples.registry import samples


def _weights(draw: Draw, gates: int, biased: bool, *inputs: int) -> list[Any]:
    """The parameters of layers of 3 hidden elements, flat."""
    found: list[Any] = []
    for size in inputs:
        found += [draw(3 * gates, size, low=-1, high=1), draw(3 * gates, 3, low=-1, high=1)]
        found += [draw(3 * gates), draw(3 * gates)] if biased else []
    return found


@samples("lstm", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    states = [draw(1, 2, 3), draw(1, 2, 3)]
    yield Sample(draw(4, 2, 2), states, _weights(draw, 4, True, 2), True, 1, 0.0, False, False, False)
    states = [draw(4, 2, 3), draw(4, 2, 3)]
    yield Sample(draw(2, 3, 2), states, _weights(draw, 4, False, 2, 2, 6, 6), False, 2, 0.5, False, True, True)
    params = [draw(12, 2, low=-1, high=1), draw(12, 2, low=-1, high=1), draw(12), draw(12), draw(2, 3)]
    yield Sample(draw(3, 2, 2), [draw(1, 2, 2), draw(1, 2, 3)], params, True, 1, 0.0, True, False, False)


def _simple(draw: Draw, gates: int) -> Iterator[Sample]:
    yield Sample(draw(4, 2, 2), draw(1, 2, 3), _weights(draw, gates, True, 2), True, 1, 0.0, False, False, False)
    params = _weights(draw, gates, False, 2, 2, 6, 6)
    yield Sample(draw(2, 3, 2), draw(4, 2, 3), params, False, 2, 0.0, True, True, True)


@samples("gru", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield from _simple(draw, 3)


@samples("rnn_tanh", "rnn_relu", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield from _simple(draw, 1)


@samples("lstm_cell", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 4), [draw(2, 3), draw(2, 3)], *_weights(draw, 4, True, 4))
    yield Sample(draw(2, 4), [draw(2, 3), draw(2, 3)], *_weights(draw, 4, False, 4))


@samples("gru_cell", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 4), draw(2, 3), *_weights(draw, 3, True, 4))


@samples("rnn_tanh_cell", "rnn_relu_cell", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 4), draw(2, 3), *_weights(draw, 1, True, 4))
    yield Sample(draw(2, 4), draw(2, 3), *_weights(draw, 1, False, 4))


@samples("linear_activation", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    for activation in ("relu", "gelu", "gelu_tanh", "silu", "tanh", "sigmoid"):
        yield Sample(draw(2, 5, low=-1, high=1), draw(3, 5, low=-1, high=1), draw(3), activation)
    yield Sample(draw(2, 2, 5), draw(3, 5), None, "gelu")
    yield Sample(draw(2, 5), draw.of([[0.0] * 5] * 3), draw.of([0.0, 1.0, 0.0]), "relu").rough()
