"""Recurrent networks of several layers and directions, and single cells, under PyTorch's names."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

from hotplug.declare import function
from hotplug.declare.autocasting import autocasting
from hotplug.errors import DTypeError, RankError
from hotplug.ops import joining, views
from hotplug.ops.dropouts import dropout as drop
from hotplug.ops.products import linear
from hotplug.ops.recurrence import gru_gates, gru_layer, lstm_gates, lstm_layer, lstm_output, rnn_layer
from hotplug.tensor import Tensor


class Weights(NamedTuple):
    """The parameters of one layer in one direction."""

    input: Tensor
    state: Tensor
    input_bias: Tensor | None = None
    state_bias: Tensor | None = None
    projection: Tensor | None = None


class States(NamedTuple):
    """The states of one layer in one direction, or of all of them; ``cell`` for LSTM only."""

    hidden: Tensor
    cell: Tensor | None = None


class RecurrentError(RankError):
    """States, weights or sizes that don't fit."""


# --- one direction ---------------------------------------------------------------------------------------------------


def _projected(kind: str, input: Tensor, weights: Weights) -> Tensor:
    """What all times' inputs give the gates; the state's bias too, but for GRU, which needs it apart."""
    bias = weights.input_bias
    if kind != "gru" and bias is not None and weights.state_bias is not None:
        bias = bias + weights.state_bias
    return linear(input, weights.input, bias)


def _one_way(kind: str, input: Tensor, first: States, weights: Weights, reverse: bool) -> tuple[Tensor, States]:
    """``(T, N, I)`` -> the hidden states ``(T, N, P)`` and the last state."""
    projected = _projected(kind, input, weights)
    end = 0 if reverse else input.shape[0] - 1
    if kind == "lstm":
        assert first.cell is not None
        both = lstm_layer(projected, first.hidden, first.cell, weights.state, weights.projection, reverse)[0]
        width = first.hidden.shape[-1]
        out = views.narrow(both, 2, 0, width)
        return out, States(
            views.select(out, 0, end), views.select(views.narrow(both, 2, width, first.cell.shape[-1]), 0, end)
        )
    if kind == "gru":
        out = gru_layer(projected, first.hidden, weights.state, weights.state_bias, reverse)[0]
    else:
        out = rnn_layer(projected, first.hidden, weights.state, kind, reverse)
    return out, States(views.select(out, 0, end))


def _step(kind: str, projected: Tensor, state: States, weights: Weights) -> States:
    """One time: ``projected`` has every bias, but for GRU that of the state."""
    inner = linear(state.hidden, weights.state, weights.state_bias if kind == "gru" else None)
    if kind == "lstm":
        i, f, g, o = views.chunk(projected + inner, 4, 1)
        *gates, cell = lstm_gates(i, f, g, o, state.cell)
        hidden: Tensor = lstm_output(gates[3], cell)
        return States(hidden if weights.projection is None else linear(hidden, weights.projection), cell)
    if kind == "gru":
        (xr, xz, xn), (hr, hz, hn) = views.chunk(projected, 3, 1), views.chunk(inner, 3, 1)
        return States(gru_gates(xr, xz, xn, hr, hz, hn, state.hidden)[3])
    total = projected + inner
    return States(total.tanh() if kind == "tanh" else total.relu())


def _rows(state: States, start: int, count: int) -> States:
    """Some sequences' states."""
    return States(*(None if each is None else views.narrow(each, 0, start, count) for each in state))  # type: ignore[arg-type]


def _joined(parts: Sequence[States]) -> States:
    cells = [part.cell for part in parts if part.cell is not None]
    return States(joining.cat([part.hidden for part in parts], 0), joining.cat(cells, 0) if cells else None)


def _packed_way(
    kind: str, data: Tensor, batches: Sequence[int], first: States, weights: Weights, reverse: bool
) -> tuple[Tensor, States]:
    """:func:`_one_way` for packed sequences: ``data`` ``(sum(batches), I)``, the longest sequence first."""
    projected = _projected(kind, data, weights)
    starts = [sum(batches[:time]) for time in range(len(batches))]
    order = reversed(range(len(batches))) if reverse else range(len(batches))
    state = _rows(first, 0, batches[-1] if reverse else batches[0])
    done: list[States] = []
    found: dict[int, Tensor] = {}
    for time in order:
        here, have = batches[time], state.hidden.shape[0]
        if here > have:  # backwards, shorter sequences begin
            state = _joined([state, _rows(first, have, here - have)])
        elif here < have:  # forwards, they end
            done.append(_rows(state, here, have - here))
            state = _rows(state, 0, here)
        state = _step(kind, views.narrow(projected, 0, starts[time], here), state, weights)
        found[time] = state.hidden
    out = joining.cat([found[time] for time in range(len(batches))], 0)
    return out, _joined([state, *reversed(done)])


# --- layers ----------------------------------------------------------------------------------------------------------


@functools.partial(autocasting, "lower")
def run_layers(
    kind: str, input: Tensor, first: States, layers: Sequence[Weights], bidirectional: bool, dropout: float,
    batches: Sequence[int] | None = None,
) -> tuple[Tensor, States]:  # fmt: skip
    """All layers, from the first states ``(layers * directions, N, *)``.

    Args:
        kind: ``lstm``, ``gru``, ``tanh`` or ``relu``.
        input: ``(T, N, I)``, or packed ``(sum(batches), I)``.
        layers: the parameters, both directions of a layer side by side.
        dropout: between layers.
    """
    ways = 2 if bidirectional else 1
    ends: list[States] = []
    for number in range(0, len(layers), ways):
        if number and dropout:
            input = drop(input, dropout)
        outs = []
        for way in range(ways):
            own = States(*(None if each is None else views.select(each, 0, number + way) for each in first))  # type: ignore[arg-type]
            weights = layers[number + way]
            if batches is None:
                out, end = _one_way(kind, input, own, weights, way == 1)
            else:
                out, end = _packed_way(kind, input, batches, own, weights, way == 1)
            outs.append(out)
            ends.append(end)
        input = joining.cat(outs, outs[0].ndim - 1) if ways == 2 else outs[0]
    cells = [end.cell for end in ends if end.cell is not None]
    last = States(joining.stack([end.hidden for end in ends], 0), joining.stack(cells, 0) if cells else None)
    return input, last


def _grouped(op: str, params: Sequence[Tensor], biased: bool, projected: bool, count: int) -> list[Weights]:
    """A flat list of parameters by layer and direction."""
    each = 2 + 2 * biased + projected
    if len(params) != each * count:
        raise RecurrentError(f"{op}: expected {each} parameters for each of {count} layers, got {len(params)}")
    found = []
    for start in range(0, len(params), each):
        own = list(params[start : start + each])
        biases = (own[2], own[3]) if biased else (None, None)
        found.append(Weights(own[0], own[1], biases[0], biases[1], own[-1] if projected else None))
    return found


def _check(op: str, input: Tensor, first: States, layers: Sequence[Weights]) -> None:
    hidden = first.hidden
    if input.ndim != 3 or not input.shape[0]:
        raise RecurrentError(f"{op}: expected input of 3 dimensions and at least one time, got {list(input.shape)}")
    if hidden.ndim != 3 or hidden.shape[0] != len(layers) or hidden.shape[1] != input.shape[1]:
        raise RecurrentError(
            f"{op}: expected hidden size ({len(layers)}, {input.shape[1]}, *), got {list(hidden.shape)}"
        )
    if hidden.dtype is not input.dtype or layers[0].input.dtype is not input.dtype:
        raise DTypeError(
            f"{op}: expected input, hidden state and weights of one dtype, got {input.dtype.name}, {hidden.dtype.name} and "
            f"{layers[0].input.dtype.name}"
        )


def _network(
    op: str, kind: str, input: Tensor, first: States, params: Sequence[Tensor], biased: bool, num_layers: int,
    dropout: float, train: bool, bidirectional: bool, batch_first: bool,
) -> tuple[Tensor, States]:  # fmt: skip
    if first.cell is not None and not (first.cell.ndim and first.hidden.ndim):
        raise RecurrentError(f"{op}: expected states of 3 dimensions, got 0-d ones")
    projected = first.cell is not None and first.cell.shape[-1] != first.hidden.shape[-1]
    layers = _grouped(op, params, biased, projected, num_layers * (1 + bidirectional))
    turned = views.transpose(input, 0, 1) if batch_first and input.ndim == 3 else input
    _check(op, turned, first, layers)
    out, last = run_layers(kind, turned, first, layers, bidirectional, dropout if train else 0.0)
    return (views.transpose(out, 0, 1) if batch_first else out), last


@function(method=False)
def lstm(
    input: Tensor, hx: Sequence[Tensor], params: Sequence[Tensor], has_biases: bool, num_layers: int, dropout: float,
    train: bool, bidirectional: bool, batch_first: bool,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Long short-term memory (Hochreiter and Schmidhuber, 1997); :class:`hotplug.nn.LSTM` is easier to use.

    Args:
        input: ``(T, N, I)``, or ``(N, T, I)`` with ``batch_first``.
        hx: first states and cells, ``(num_layers * directions, N, P)`` and ``(num_layers * directions, N, H)``.
        params: for each layer and direction ``(4 H, I)``, ``(4 H, P)``, the biases ``(4 H)`` twice if ``has_biases``, and
            ``(P, H)`` where ``P`` isn't ``H``.

    Returns:
        The hidden states of all times, ``(T, N, directions * P)``, the last states and the last cells.
    """
    states = States(*hx)
    out, last = _network(
        "lstm", "lstm", input, states, params, has_biases, num_layers, dropout, train, bidirectional, batch_first
    )
    assert last.cell is not None
    return out, last.hidden, last.cell


@function(method=False)
def gru(
    input: Tensor, hx: Tensor, params: Sequence[Tensor], has_biases: bool, num_layers: int, dropout: float, train: bool,
    bidirectional: bool, batch_first: bool,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Gated recurrent units (Cho et al., 2014), with arguments as :func:`lstm`; :class:`hotplug.nn.GRU` is easier to
    use.
    """
    out, last = _network(
        "gru", "gru", input, States(hx), params, has_biases, num_layers, dropout, train, bidirectional, batch_first
    )
    return out, last.hidden


@function(method=False)
def rnn_tanh(
    input: Tensor, hx: Tensor, params: Sequence[Tensor], has_biases: bool, num_layers: int, dropout: float, train: bool,
    bidirectional: bool, batch_first: bool,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Simple recurrent layers with tanh (Elman, 1990), with arguments as :func:`lstm`; see :class:`hotplug.nn.RNN`."""
    out, last = _network(
        "rnn_tanh", "tanh", input, States(hx), params, has_biases, num_layers, dropout, train, bidirectional,
        batch_first,
    )  # fmt: skip
    return out, last.hidden


@function(method=False)
def rnn_relu(
    input: Tensor, hx: Tensor, params: Sequence[Tensor], has_biases: bool, num_layers: int, dropout: float, train: bool,
    bidirectional: bool, batch_first: bool,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Simple recurrent layers with relu, with arguments as :func:`lstm`; see :class:`hotplug.nn.RNN`."""
    out, last = _network(
        "rnn_relu", "relu", input, States(hx), params, has_biases, num_layers, dropout, train, bidirectional,
        batch_first,
    )  # fmt: skip
    return out, last.hidden


# --- cells -----------------------------------------------------------------------------------------------------------


def _cell(
    op: str, kind: str, input: Tensor, state: States, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None,
    b_hh: Tensor | None,
) -> States:  # fmt: skip
    hidden = state.hidden
    if w_ih.ndim != 2 or w_hh.ndim != 2:
        raise CellShapeError(f"{op}: expected weights of 2 dimensions, got {list(w_ih.shape)} and {list(w_hh.shape)}")
    if input.ndim != 2 or hidden.ndim != 2 or input.shape[0] != hidden.shape[0] or hidden.shape[1] != w_hh.shape[1]:
        raise CellShapeError(
            f"{op}: expected input (N, I) and state (N, {w_hh.shape[1]}), got {list(input.shape)} and {list(hidden.shape)}"
        )
    gates = {"lstm": 4, "gru": 3}.get(kind, 1)
    if {w_ih.shape[0], w_hh.shape[0]} != {gates * hidden.shape[1]}:
        raise CellShapeError(
            f"{op}: expected weights of {gates * hidden.shape[1]} rows, got {list(w_ih.shape)} and {list(w_hh.shape)}"
        )
    weights = Weights(w_ih, w_hh, b_ih, b_hh)
    return _step(kind, _projected(kind, input, weights), state, weights)


class CellShapeError(RankError):
    """An input and a state that don't fit."""


@function(method=False)
def lstm_cell(
    input: Tensor, hx: Sequence[Tensor], w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """One time of :func:`lstm`.  input ``(N, I)``, states and cells ``(N, H)``, weights ``(4 H, I)`` and ``(4 H, H)``,
    biases ``(4 H)`` -> the new states and cells.
    """
    found = _cell("lstm_cell", "lstm", input, States(*hx), w_ih, w_hh, b_ih, b_hh)
    assert found.cell is not None
    return found.hidden, found.cell


@function(method=False)
def gru_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """One time of :func:`gru`.  input ``(N, I)``, states ``(N, H)``, weights ``(3 H, I)`` and ``(3 H, H)``, biases
    ``(3 H)`` -> the new states.
    """
    return _cell("gru_cell", "gru", input, States(hx), w_ih, w_hh, b_ih, b_hh).hidden


@function(method=False)
def rnn_tanh_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """One time of :func:`rnn_tanh`.  input ``(N, I)``, states ``(N, H)``, weights ``(H, I)`` and ``(H, H)``, biases
    ``(H)`` -> the new states.
    """
    return _cell("rnn_tanh_cell", "tanh", input, States(hx), w_ih, w_hh, b_ih, b_hh).hidden


@function(method=False)
def rnn_relu_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """One time of :func:`rnn_relu`, with arguments as :func:`rnn_tanh_cell`."""
    return _cell("rnn_relu_cell", "relu", input, States(hx), w_ih, w_hh, b_ih, b_hh).hidden
