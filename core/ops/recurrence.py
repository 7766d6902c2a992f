"""Recurrent layers: three composites, each one layer in one direction over all times, and their backwards.

What a layer makes of its inputs alone is one product for all times and lies outside of them: they take ``projected``,
``(T, N, G * H)`` with ``G`` gates.  Backward goes through the times by hand; nothing but the gates is kept for it.
"""

from __future__ import annotations

from typing import Any

from hotplug.declare import composite, elementwise
from hotplug.declare.rules import strictly_floating as floating
from hotplug.dtypes import dtype as DType
from hotplug.expr import scalar as s
from hotplug.layout import Shape
from hotplug.ops import arithmetic, creation, joining, products, reduction, views
from hotplug.tensor import Tensor

_INTERNAL = "ops"


# --- one launch each -------------------------------------------------------------------------------------------------


@elementwise(dtype=floating, namespace=_INTERNAL, method=False, inplace=False, sample=(-2, 2))
def lstm_gates(input: Any, forget: Any, cell: Any, output: Any, state: Any) -> Any:
    """The gates after their functions, and the new state: ``forget * state + input * cell``."""
    i, f, o, g = s.sigmoid(input), s.sigmoid(forget), s.sigmoid(output), s.tanh(cell)
    return i, f, g, o, f * state + i * g


@elementwise(dtype=floating, namespace=_INTERNAL, method=False, inplace=False, sample=(-1, 1))
def lstm_output(output: Any, state: Any) -> Any:
    """``output * tanh(state)``."""
    return output * s.tanh(state)


@elementwise(dtype=floating, namespace=_INTERNAL, method=False, inplace=False, sample=(-0.9, 0.9))
def lstm_gates_backward(i: Any, f: Any, g: Any, o: Any, state: Any, before: Any, dh: Any, dc: Any) -> Any:
    """The gradients for the four gates before their functions, and for the state before."""
    squashed = s.tanh(state)
    dc = dc + dh * o * (1.0 - squashed * squashed)
    return (
        dc * g * i * (1.0 - i), dc * before * f * (1.0 - f), dc * i * (1.0 - g * g), dh * squashed * o * (1.0 - o), dc * f
    )  # fmt: skip


@elementwise(dtype=floating, namespace=_INTERNAL, method=False, inplace=False, sample=(-2, 2))
def gru_gates(xr: Any, xz: Any, xn: Any, hr: Any, hz: Any, hn: Any, state: Any) -> Any:
    """The gates after their functions, and the new state: ``(1 - z) * n + z * state``."""
    r, z = s.sigmoid(xr + hr), s.sigmoid(xz + hz)
    n = s.tanh(xn + r * hn)
    return r, z, n, (1.0 - z) * n + z * state


@elementwise(dtype=floating, namespace=_INTERNAL, method=False, inplace=False, sample=(-0.9, 0.9))
def gru_gates_backward(r: Any, z: Any, n: Any, hn: Any, before: Any, dh: Any) -> Any:
    """The gradients for the gates before their functions (the third twice: for the input's part, and the state's), and for
    the state before, its part in the gates aside.
    """
    dn = dh * (1.0 - z) * (1.0 - n * n)
    return dn * hn * r * (1.0 - r), dh * (before - n) * z * (1.0 - z), dn, dn * r, dh * z


# --- times -----------------------------------------------------------------------------------------------------------


def _times(count: int, reverse: bool) -> list[int]:
    return list(reversed(range(count))) if reverse else list(range(count))


def _at(tensor: Tensor, time: int) -> Tensor:
    return views.select(tensor, 0, time)


def _parts(tensor: Tensor, count: int) -> list[Tensor]:
    """The gates, which lie side by side along the last axis."""
    size = tensor.shape[-1] // count
    return [views.narrow(tensor, tensor.ndim - 1, place * size, size) for place in range(count)]


def _stacked(found: dict[int, Tensor]) -> Tensor:
    return joining.stack([found[time] for time in range(len(found))], 0)


def _product(state: Tensor, weight: Tensor) -> Tensor:
    return products.product(state, views.transpose(weight, 0, 1))


def _before(states: Tensor, first: Tensor, reverse: bool) -> Tensor:
    """What every time found: the states one time earlier (in the layer's direction), and at its start the first one."""
    count, begin = states.shape[0], views.unsqueeze(first, 0)
    if reverse:
        return joining.cat((views.narrow(states, 0, 1, count - 1), begin), 0)
    return joining.cat((begin, views.narrow(states, 0, 0, count - 1)), 0)


def _weight_gradient(delta: Tensor, found: Tensor) -> Tensor:
    """The sum over times and batch of ``delta^T found``: one product."""
    rows = views.reshape(delta, (-1, delta.shape[-1]))
    return products.product(views.transpose(rows, 0, 1), views.reshape(found, (-1, found.shape[-1])))


def _like(*tensors: Tensor) -> list[tuple[Shape, DType]]:
    return [(tuple(each.shape), each.dtype) for each in tensors]


# --- LSTM ------------------------------------------------------------------------------------------------------------


def _lstm_outputs(
    projected: Tensor, state: Tensor, cell: Tensor, weight: Tensor, projection: Tensor | None, reverse: bool
) -> list[tuple[Shape, DType]]:
    (times, count, gates), kind = projected.shape, projected.dtype
    return [((times, count, state.shape[-1] + cell.shape[-1]), kind), ((times, count, gates), kind)]


@composite(outputs=_lstm_outputs)
def lstm_layer(
    projected: Tensor, state: Tensor, cell: Tensor, weight: Tensor, projection: Tensor | None, reverse: bool
) -> tuple[Tensor, Tensor]:
    """The hidden states and cells of all times side by side, ``(T, N, P + H)``, and the gates (Hochreiter and Schmidhuber,
    1997; Sak et al., 2014).

    projected ``(T, N, 4 H)`` in the order input, forget, cell, output; state ``(N, P)``, cell ``(N, H)``, weight
    ``(4 H, P)``, projection ``(P, H)`` or none, where ``P`` is ``H``.
    """
    states, gates = {}, {}
    for time in _times(projected.shape[0], reverse):
        total = _at(projected, time) + _product(state, weight)
        i, f, g, o = _parts(total, 4)
        *own, cell = lstm_gates(i, f, g, o, cell)
        state = lstm_output(own[3], cell)
        if projection is not None:
            state = _product(state, projection)
        states[time], gates[time] = joining.cat((state, cell), 1), joining.cat(tuple(own), 1)
    return _stacked(states), _stacked(gates)


@lstm_layer.gradient("projected", "state", "cell", "weight", "projection")
def _(
    grad: Tensor, state: Tensor, cell: Tensor, weight: Tensor, projection: Tensor | None, out: Tensor, out1: Tensor,
    reverse: bool,
) -> tuple[Tensor | None, ...]:  # fmt: skip
    return (*lstm_layer_backward(grad, state, cell, weight, projection, out, out1, reverse), None)[:5]


@composite(
    outputs=lambda delta, state, cell, weight, projection, out, gates, reverse: _like(
        gates, state, cell, weight, *(() if projection is None else (projection,))
    )
)
def lstm_layer_backward(
    delta: Tensor, state: Tensor, cell: Tensor, weight: Tensor, projection: Tensor | None, out: Tensor, gates: Tensor,
    reverse: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    """The gradients for the projected inputs, the first state and cell, the weight and the projection, if any."""
    width, size = state.shape[1], cell.shape[1]
    states, cells = views.narrow(out, 2, 0, width), views.narrow(out, 2, width, size)
    earlier = _before(cells, cell, reverse)
    dh, dc = creation.zeros_like(state), creation.zeros_like(cell)
    through, inner = {}, {}
    for time in _times(out.shape[0], not reverse):
        both = _at(delta, time)
        dh = inner[time] = views.narrow(both, 1, 0, width) + dh
        if projection is not None:
            dh = products.product(dh, projection)
        dc = views.narrow(both, 1, width, size) + dc
        i, f, g, o = _parts(_at(gates, time), 4)
        *parts, dc = lstm_gates_backward(i, f, g, o, _at(cells, time), _at(earlier, time), dh, dc)
        through[time] = joining.cat(tuple(parts), 1)
        dh = products.product(through[time], weight)
    every = _stacked(through)
    found = [every, dh, dc, _weight_gradient(every, _before(states, state, reverse))]
    if projection is not None:
        hidden = lstm_output(_parts(gates, 4)[3], cells)
        found.append(_weight_gradient(_stacked(inner), hidden))
    return tuple(found)


# --- GRU -------------------------------------------------------------------------------------------------------------


@composite(
    outputs=lambda projected, state, weight, bias, reverse: [
        ((*projected.shape[:2], parts * state.shape[-1]), projected.dtype) for parts in (1, 4)
    ]
)
def gru_layer(
    projected: Tensor, state: Tensor, weight: Tensor, bias: Tensor | None, reverse: bool
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The hidden states of all times, and the gates with what the state gave to the third (Cho et al., 2014).

    projected ``(T, N, 3 H)`` in the order reset, update, new; state ``(N, H)``, weight ``(3 H, H)``, bias ``(3 H)``.
    """
    states, gates = {}, {}
    for time in _times(projected.shape[0], reverse):
        own = _product(state, weight)
        own = own if bias is None else own + bias
        (xr, xz, xn), (hr, hz, hn) = _parts(_at(projected, time), 3), _parts(own, 3)
        *parts, state = gru_gates(xr, xz, xn, hr, hz, hn, state)
        states[time], gates[time] = state, joining.cat((*parts, hn), 1)
    return _stacked(states), _stacked(gates)


@gru_layer.gradient("projected", "state", "weight", "bias")
def _(
    grad: Tensor, state: Tensor, weight: Tensor, out: Tensor, out1: Tensor, reverse: bool, need: set[str]
) -> tuple[Tensor | None, ...]:
    *found, bias = gru_layer_backward(grad, state, weight, out, out1, reverse)
    return (*found, bias if "bias" in need else None)


@composite(
    outputs=lambda delta, state, weight, out, gates, reverse: [
        ((*out.shape[:2], weight.shape[0]), out.dtype),
        *_like(state, weight),
        (tuple(weight.shape[:1]), out.dtype),
    ]
)
def gru_layer_backward(
    delta: Tensor, state: Tensor, weight: Tensor, out: Tensor, gates: Tensor, reverse: bool
) -> tuple[Tensor, ...]:
    """The gradients for the projected inputs, the first state, the weight and the bias."""
    earlier = _before(out, state, reverse)
    dh = creation.zeros_like(state)
    outer, inner = {}, {}
    for time in _times(out.shape[0], not reverse):
        dh = _at(delta, time) + dh
        r, z, n, hn = _parts(_at(gates, time), 4)
        dr, dz, dn, dhn, kept = gru_gates_backward(r, z, n, hn, _at(earlier, time), dh)
        outer[time], inner[time] = joining.cat((dr, dz, dn), 1), joining.cat((dr, dz, dhn), 1)
        dh = kept + products.product(inner[time], weight)
    every = _stacked(inner)
    return _stacked(outer), dh, _weight_gradient(every, earlier), reduction.sum(every, (0, 1))


# --- the simple one --------------------------------------------------------------------------------------------------


def _squashed(value: Tensor, activation: str) -> Tensor:
    return value.tanh() if activation == "tanh" else value.relu()


@composite(
    outputs=lambda projected, state, weight, activation, reverse: [
        ((*projected.shape[:2], state.shape[-1]), projected.dtype)
    ]
)
def rnn_layer(projected: Tensor, state: Tensor, weight: Tensor, activation: str, reverse: bool) -> Tensor:
    """The hidden states of all times, ``h = activation(projected + h @ weight.T)`` (Elman, 1990).

    projected ``(T, N, H)``, state ``(N, H)``, weight ``(H, H)``; activation: ``tanh`` or ``relu``.
    """
    states = {}
    for time in _times(projected.shape[0], reverse):
        state = _squashed(_at(projected, time) + _product(state, weight), activation)
        states[time] = state
    return _stacked(states)


@rnn_layer.gradient("projected", "state", "weight")
def _(
    grad: Tensor, state: Tensor, weight: Tensor, out: Tensor, activation: str, reverse: bool
) -> tuple[Tensor, ...]:  # fmt: skip
    return rnn_layer_backward(grad, state, weight, out, activation, reverse)


@composite(outputs=lambda delta, state, weight, out, activation, reverse: _like(out, state, weight))
def rnn_layer_backward(
    delta: Tensor, state: Tensor, weight: Tensor, out: Tensor, activation: str, reverse: bool
) -> tuple[Tensor, ...]:  # fmt: skip
    """The gradients for the projected inputs, the first state and the weight."""
    dh = creation.zeros_like(state)
    through = {}
    for time in _times(out.shape[0], not reverse):
        dh = _at(delta, time) + dh
        through[time] = _slope(dh, _at(out, time), activation)
        dh = products.product(through[time], weight)
    every = _stacked(through)
    return every, dh, _weight_gradient(every, _before(out, state, reverse))


def _slope(grad: Tensor, out: Tensor, activation: str) -> Tensor:
    if activation == "tanh":
        return grad * (1.0 - out * out)
    found: Tensor = arithmetic.where_elements(out > 0.0, grad, 0.0)
    return found
