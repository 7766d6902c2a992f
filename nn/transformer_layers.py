"""The layers of a Transformer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hotplug.dtypes import dtype as DType
from hotplug.errors import ArgumentError
from hotplug.nn import functional as F
from hotplug.nn.attention import MultiheadAttention
from hotplug.nn.dropout import Dropout
from hotplug.nn.linear import Linear
from hotplug.nn.module import Module
from hotplug.nn.norm import LayerNorm
from hotplug.tensor import Tensor

Activation = str | Callable[[Tensor], Tensor]


class ActivationNameError(ArgumentError, RuntimeError):
    """A name that is no activation's; PyTorch raises RuntimeError."""


def _activation(given: Activation) -> Callable[[Tensor], Tensor]:
    if not isinstance(given, str):
        return given
    if given not in ("relu", "gelu"):
        raise ActivationNameError(f"Transformer: activation should be relu or gelu, or a function, not {given!r}")
    return F.relu if given == "relu" else F.gelu


class _TransformerLayer(Module):
    """What both kinds share: the network that each place goes through alone, and residual connections."""

    linear1: Linear
    linear2: Linear
    dropout: Dropout
    norm_first: bool
    activation: Callable[[Tensor], Tensor]

    def _feed(self, x: Tensor) -> Tensor:
        inner = self.activation(self.linear1(x))
        found: Tensor = self.linear2(self.dropout(inner))
        return found

    def _around(self, x: Tensor, norm: LayerNorm, drop: Dropout, block: Callable[[Tensor], Tensor]) -> Tensor:
        """The residual connection, normalised before the block or after it."""
        found: Tensor = x + drop(block(norm(x))) if self.norm_first else norm(x + drop(block(x)))
        return found


class TransformerEncoderLayer(_TransformerLayer):
    """Attention of each place to all, then a network of two layers (Vaswani et al., 2017).

    Shapes: source ``(S, N, E)``, ``(N, S, E)`` with ``batch_first``, or ``(S, E)`` -> the same.

    Args:
        d_model, nhead: the width ``E`` and the number of heads.
        dim_feedforward: width of the network.
        dropout: probability, in training.
        activation: ``"relu"``, ``"gelu"`` or a function.
        norm_first: normalise before attention and network instead of after.
    """

    def __init__(
        self, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: float = 0.1, activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5, batch_first: bool = False, norm_first: bool = False, bias: bool = True,
        device: Any = None, dtype: DType | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        made: dict[str, Any] = {"bias": bias, "device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout=dropout, batch_first=batch_first, **made)
        self.linear1 = Linear(d_model, dim_feedforward, **made)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, **made)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, **made)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, **made)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.activation = _activation(activation)

    def forward(
        self, src: Tensor, src_mask: Tensor | None = None, src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:  # fmt: skip
        """Masks as in :class:`MultiheadAttention`."""

        def attend(x: Tensor) -> Tensor:
            found: Tensor = self.self_attn(
                x, x, x, attn_mask=src_mask, key_padding_mask=src_key_padding_mask, need_weights=False,
                is_causal=is_causal,
            )[0]  # fmt: skip
            return found

        x = self._around(src, self.norm1, self.dropout1, attend)
        return self._around(x, self.norm2, self.dropout2, self._feed)


class TransformerDecoderLayer(_TransformerLayer):
    """As :class:`TransformerEncoderLayer`, with attention to an encoder's output in between.

    Shapes: target ``(T, N, E)`` and memory ``(S, N, E)``, with ``N`` in front if ``batch_first``, or without it -> the
    target's.
    """

    def __init__(
        self, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: float = 0.1, activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5, batch_first: bool = False, norm_first: bool = False, bias: bool = True,
        device: Any = None, dtype: DType | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        made: dict[str, Any] = {"bias": bias, "device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout=dropout, batch_first=batch_first, **made)
        self.multihead_attn = MultiheadAttention(d_model, nhead, dropout=dropout, batch_first=batch_first, **made)
        self.linear1 = Linear(d_model, dim_feedforward, **made)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, **made)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, **made)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, **made)
        self.norm3 = LayerNorm(d_model, eps=layer_norm_eps, **made)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.dropout3 = Dropout(dropout)
        self.activation = _activation(activation)

    def forward(
        self, tgt: Tensor, memory: Tensor, tgt_mask: Tensor | None = None, memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None, memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False, memory_is_causal: bool = False,
    ) -> Tensor:  # fmt: skip
        """Masks as in :class:`MultiheadAttention`."""

        def attend(x: Tensor) -> Tensor:
            found: Tensor = self.self_attn(
                x, x, x, attn_mask=tgt_mask, key_padding_mask=tgt_key_padding_mask, need_weights=False,
                is_causal=tgt_is_causal,
            )[0]  # fmt: skip
            return found

        def look(x: Tensor) -> Tensor:
            found: Tensor = self.multihead_attn(
                x, memory, memory, attn_mask=memory_mask, key_padding_mask=memory_key_padding_mask, need_weights=False,
                is_causal=memory_is_causal,
            )[0]  # fmt: skip
            return found

        x = self._around(tgt, self.norm1, self.dropout1, attend)
        x = self._around(x, self.norm2, self.dropout2, look)
        return self._around(x, self.norm3, self.dropout3, self._feed)
