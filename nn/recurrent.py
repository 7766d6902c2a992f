"""Recurrent layers."""

from __future__ import annotations

import math
import warnings
from typing import Any

from hotplug import ops
from hotplug.dtypes import dtype as DType
from hotplug.errors import ArgumentError, ArgumentTypeError, DTypeError
from hotplug.nn import init
from hotplug.nn.module import Module
from hotplug.nn.parameter import Parameter
from hotplug.nn.utils.rnn import PackedSequence
from hotplug.ops.recurrent_layers import RecurrentError, States, Weights, run_layers
from hotplug.tensor import Tensor

_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}
_KINDS = {"LSTM": "lstm", "GRU": "gru", "RNN_TANH": "tanh", "RNN_RELU": "relu"}


class InputRankError(ArgumentError):
    """An input that is neither a sequence nor a batch of them."""


class RecurrentDTypeError(DTypeError, ValueError):
    """An input of another dtype than the weights; PyTorch raises ValueError."""


class RNNBase(Module):
    """What the recurrent layers share.

    Attributes:
        weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0: of the first layer, ``(G * H, I)``, ``(G * H, H)`` and
            ``(G * H)`` twice, for ``G`` gates; ``_l1`` for the second, where ``I`` is the size of the first one's output;
            with ``_reverse`` at the end those of the other direction.  All start uniform in ``(-k, k)`` with
            ``k = 1 / sqrt(hidden_size)``.
    """

    def __init__(
        self, mode: str, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
        batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, proj_size: int = 0,
        device: Any = None, dtype: DType | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.mode = mode
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.bidirectional = bias, batch_first, bidirectional
        self.dropout = float(dropout)
        self.proj_size = proj_size
        self._check_options(dropout)
        made = {"device": device, "dtype": dtype}
        rows, width = _GATES[mode] * hidden_size, proj_size or hidden_size
        for layer in range(num_layers):
            size = width * (1 + bidirectional) if layer else input_size
            for way in range(1 + bidirectional):
                shapes = [
                    (rows, size),
                    (rows, width),
                    *((rows,), (rows,)) * bias,
                    *((width, hidden_size),) * (proj_size > 0),
                ]
                for name, shape in zip(self._names(layer, way), shapes, strict=True):
                    self.register_parameter(name, Parameter(ops.empty(shape, **made)))
        self.reset_parameters()

    def _check_options(self, dropout: Any) -> None:
        name = type(self).__name__
        for option in ("input_size", "hidden_size", "num_layers"):
            value = getattr(self, option)
            if not isinstance(value, int):
                raise ArgumentTypeError(f"{name}: {option} should be of type int, got: {type(value).__name__}")
            if value <= 0 and option != "input_size":
                raise ArgumentError(f"{name}: {option} must be greater than zero, got {value}")
        if isinstance(dropout, bool) or not 0 <= dropout <= 1:
            raise ArgumentError(
                f"{name}: dropout should be a number in range [0, 1] representing the probability of an element being "
                f"zeroed, got {dropout!r}"
            )
        if dropout > 0 and self.num_layers == 1:
            warnings.warn(
                f"dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers "
                f"greater than 1, but got dropout={dropout} and num_layers={self.num_layers}",
                stacklevel=4,
            )
        if not 0 <= self.proj_size < self.hidden_size:
            raise ArgumentError(
                f"{name}: proj_size should be zero (no projections) or positive and smaller than hidden_size "
                f"{self.hidden_size}, got {self.proj_size}"
            )

    def _names(self, layer: int, way: int) -> list[str]:
        kinds = ["weight_ih", "weight_hh"] + ["bias_ih", "bias_hh"] * self.bias + ["weight_hr"] * (self.proj_size > 0)
        return [f"{kind}_l{layer}{'_reverse' if way else ''}" for kind in kinds]

    def _weights(self, layer: int, way: int) -> Weights:
        every: list[Any] = [self._parameters[name] for name in self._names(layer, way)]
        biases = every[2:4] if self.bias else [None, None]
        return Weights(every[0], every[1], biases[0], biases[1], every[-1] if self.proj_size else None)

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of each layer and direction."""
        every = ((layer, way) for layer in range(self.num_layers) for way in range(1 + self.bidirectional))
        return [[getattr(self, name) for name in self._names(*place)] for place in every]

    def flatten_parameters(self) -> None:
        """Does nothing: there is no memory layout to restore."""

    def reset_parameters(self) -> None:
        """Draw new values."""
        bound = 1.0 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    # --- running --------------------------------------------------------------------------------------------------

    def _run(self, input: Tensor | PackedSequence, given: States | None) -> tuple[Any, States]:
        """The outputs of all times, packed if the input is, and the last states."""
        if isinstance(input, PackedSequence):
            return self._run_packed(input, given)
        if input.ndim not in (2, 3):
            raise InputRankError(f"{type(self).__name__}: expected input to be 2D or 3D, got {input.ndim}D instead")
        single = input.ndim == 2
        rank = 2 if single else 3
        for state in given or ():
            if state is not None and state.ndim != rank:
                raise RecurrentError(
                    f"{type(self).__name__}: for {'unbatched 2-D' if single else 'batched 3-D'} input, hx should also be "
                    f"{rank}-D but got {state.ndim}-D tensor"
                )
        turned = input.unsqueeze(1) if single else input.transpose(0, 1) if self.batch_first else input
        if single and given is not None:
            given = States(*(None if each is None else each.unsqueeze(1) for each in given))  # type: ignore[arg-type]
        out, last = self._layers(turned, self._first(turned, turned.shape[1], given), None)
        if single:
            return out.squeeze(1), States(*(None if each is None else each.squeeze(1) for each in last))  # type: ignore[arg-type]
        return (out.transpose(0, 1) if self.batch_first else out), last

    def _run_packed(self, input: PackedSequence, given: States | None) -> tuple[PackedSequence, States]:
        data, sizes, order, back = input
        batches = sizes.tolist()
        first = self._first(data, batches[0], _reordered(given, order))
        out, last = self._layers(data, first, batches)
        return PackedSequence(out, sizes, order, back), _reordered(last, back)  # type: ignore[return-value]

    def _layers(self, input: Tensor, first: States, batches: list[int] | None) -> tuple[Tensor, States]:
        if input.shape[-1] != self.input_size:
            raise RecurrentError(
                f"{type(self).__name__}: input.size(-1) must be equal to input_size. Expected {self.input_size}, got "
                f"{input.shape[-1]}"
            )
        if not input.shape[0]:
            raise RecurrentError(f"{type(self).__name__}: expected sequence length to be larger than 0")
        weights = self._parameters["weight_ih_l0"]
        if weights is not None and weights.dtype is not input.dtype:
            raise RecurrentDTypeError(
                f"{type(self).__name__}: input dtype ({input.dtype.name}) does not match weight dtype "
                f"({weights.dtype.name}); convert the input with .to(dtype), or the model"
            )
        layers = [
            self._weights(layer, way) for layer in range(self.num_layers) for way in range(1 + self.bidirectional)
        ]
        dropout = self.dropout if self.training else 0.0
        return run_layers(_KINDS[self.mode], input, first, layers, self.bidirectional, dropout, batches)

    def _first(self, like: Tensor, count: int, given: States | None) -> States:
        """The first states: zeros, or those that are given, checked."""
        rows = self.num_layers * (1 + self.bidirectional)
        shapes = [(rows, count, self.proj_size or self.hidden_size), (rows, count, self.hidden_size)]
        if given is None:
            zeros = [ops.zeros(shape, dtype=like.dtype, device=like.device) for shape in shapes]
            return States(zeros[0], zeros[1] if self.mode == "LSTM" else None)
        for name, state, shape in zip(("hidden", "cell"), given, shapes, strict=True):
            if state is not None and tuple(state.shape) != shape:
                raise RecurrentError(
                    f"{type(self).__name__}: expected {name} size {list(shape)}, got {list(state.shape)}"
                )
        return given

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        if self.proj_size:
            text += f", proj_size={self.proj_size}"
        if self.num_layers != 1:
            text += f", num_layers={self.num_layers}"
        if not self.bias:
            text += ", bias=False"
        if self.batch_first:
            text += ", batch_first=True"
        if self.dropout:
            text += f", dropout={self.dropout}"
        return text + (", bidirectional=True" if self.bidirectional else "")


def _reordered(states: States | None, order: Tensor | None) -> States | None:
    if states is None or order is None:
        return states
    return States(*(None if each is None else ops.index_select(each, 1, order) for each in states))  # type: ignore[arg-type]


class RNN(RNNBase):
    """``h_t = tanh(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh)``, in several layers (Elman, 1990).

    Shapes: input ``(T, N, I)``, ``(N, T, I)`` with ``batch_first``, ``(T, I)``, or packed; first states ``(layers *
    directions, N, H)`` -> the states of all times, ``(T, N, directions * H)``, and the last states.

    Args:
        input_size, hidden_size: ``I`` and ``H``.
        nonlinearity: ``"tanh"`` or ``"relu"``.
        dropout: probability between layers, in training.
        bidirectional: a second set of layers goes through the times backwards.
    """

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, nonlinearity: str = "tanh", bias: bool = True,
        batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, device: Any = None,
        dtype: DType | None = None,
    ) -> None:  # fmt: skip
        if nonlinearity not in ("tanh", "relu"):
            raise ArgumentError(f"RNN: unknown nonlinearity {nonlinearity!r}; select from 'tanh' or 'relu'")
        super().__init__(
            f"RNN_{nonlinearity.upper()}", input_size, hidden_size, num_layers, bias, batch_first, dropout,
            bidirectional, 0, device, dtype,
        )  # fmt: skip
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor | PackedSequence, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        out, last = self._run(input, None if hx is None else States(hx))
        return out, last.hidden


class GRU(RNNBase):
    """Gated recurrent units (Cho et al., 2014).  Shapes and arguments as in :class:`RNN`.

    ``r, z = sigmoid(W_ih x + b_ih + W_hh h + b_hh)`` of their rows, ``n = tanh(W_in x + b_in + r * (W_hn h + b_hn))``, and
    ``h' = (1 - z) * n + z * h``; the rows stand in the order ``r, z, n``.
    """

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
        dropout: float = 0.0, bidirectional: bool = False, device: Any = None, dtype: DType | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            "GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype
        )

    def forward(self, input: Tensor | PackedSequence, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        out, last = self._run(input, None if hx is None else States(hx))
        return out, last.hidden


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997).  Shapes and arguments as in :class:`RNN`.

    ``i, f, o = sigmoid(W_ih x + b_ih + W_hh h + b_hh)`` of their rows, ``g = tanh`` of its own, ``c' = f * c + i * g`` and
    ``h' = o * tanh(c')``; the rows stand in the order ``i, f, g, o``.  States and results are pairs of hidden states and
    cells.

    Args:
        proj_size: if greater than 0, hidden states are projected to this size by ``weight_hr_l0`` ``(proj_size, H)`` (Sak
            et al., 2014).
    """

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
        dropout: float = 0.0, bidirectional: bool = False, proj_size: int = 0, device: Any = None,
        dtype: DType | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            "LSTM", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size, device,
            dtype,
        )  # fmt: skip

    def forward(
        self, input: Tensor | PackedSequence, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Any, tuple[Tensor, Tensor]]:
        out, last = self._run(input, None if hx is None else States(*hx))
        assert last.cell is not None
        return out, (last.hidden, last.cell)
