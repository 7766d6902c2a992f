"""Recurrent cells: one time of the recurrent layers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from hotplug import ops
from hotplug.dtypes import dtype as DType
from hotplug.errors import ArgumentError
from hotplug.nn import init
from hotplug.nn.module import Module
from hotplug.nn.parameter import Parameter
from hotplug.ops.recurrent_layers import RecurrentError
from hotplug.tensor import Tensor


class CellRankError(ArgumentError):
    """An input or a state that is neither a vector nor a batch of them."""


class RNNCellBase(Module):
    """What the cells share: ``weight_ih`` ``(G * H, I)``, ``weight_hh`` ``(G * H, H)``, ``bias_ih`` and ``bias_hh`` ``(G *
    H)`` for ``num_chunks = G`` gates, all uniform in ``(-k, k)`` with ``k = 1 / sqrt(hidden_size)`` at first.
    """

    weight_ih: Parameter
    weight_hh: Parameter
    bias_ih: Parameter | None
    bias_hh: Parameter | None

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None,
        dtype: DType | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(ops.empty(rows, input_size, device=device, dtype=dtype))
        self.weight_hh = Parameter(ops.empty(rows, hidden_size, device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, Parameter(ops.empty(rows, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new values."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0.0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def _state(self, input: Tensor, given: Tensor | None) -> Tensor:
        """The state that was given, checked, or zeros."""
        name = type(self).__name__
        if input.ndim not in (1, 2):
            raise CellRankError(f"{name}: expected input to be 1D or 2D, got {input.ndim}D instead")
        if input.shape[-1] != self.input_size:
            raise RecurrentError(
                f"{name}: input has inconsistent input_size: got {input.shape[-1]}, expected {self.input_size}"
            )
        if given is None:
            return ops.zeros((*input.shape[:-1], self.hidden_size), dtype=input.dtype, device=input.device)
        if given.ndim not in (1, 2):
            raise CellRankError(f"{name}: expected hidden to be 1D or 2D, got {given.ndim}D instead")
        return given

    def _step(self, cell: Callable[..., Any], input: Tensor, *states: Tensor) -> list[Tensor]:
        """The new states, in the rank of the input."""
        single = input.ndim == 1
        rows = [each.unsqueeze(0) if single else each for each in (input, *states)]
        given = rows[1] if len(rows) == 2 else tuple(rows[1:])
        found = cell(rows[0], given, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        every = [found] if isinstance(found, Tensor) else list(found)
        return [each.squeeze(0) if single else each for each in every]

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        return text if self.bias else f"{text}, bias={self.bias}"


class RNNCell(RNNCellBase):
    """``h' = tanh(W_ih x + b_ih + W_hh h + b_hh)``.

    Shapes: input ``(N, I)`` or ``(I)``, state ``(N, H)`` or ``(H)``, zeros by default -> the new state.
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh", device: Any = None,
        dtype: DType | None = None,
    ) -> None:  # fmt: skip
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        state = self._state(input, hx)
        if self.nonlinearity not in ("tanh", "relu"):
            raise RecurrentError(f"RNNCell: unknown nonlinearity: {self.nonlinearity}; it is 'tanh' or 'relu'")
        return self._step(ops.rnn_tanh_cell if self.nonlinearity == "tanh" else ops.rnn_relu_cell, input, state)[0]

    def extra_repr(self) -> str:
        text = super().extra_repr()
        return text if self.nonlinearity == "tanh" else f"{text}, nonlinearity={self.nonlinearity}"


class GRUCell(RNNCellBase):
    """One time of :class:`GRU`; shapes as :class:`RNNCell`."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: DType | None = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._step(ops.gru_cell, input, self._state(input, hx))[0]


class LSTMCell(RNNCellBase):
    """One time of :class:`LSTM`; shapes as :class:`RNNCell`, for a pair of state and cell."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: DType | None = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        first, second = (None, None) if hx is None else hx
        hidden, cell = self._step(ops.lstm_cell, input, self._state(input, first), self._state(input, second))
        return hidden, cell
