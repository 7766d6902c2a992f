"""Attention of several heads."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, final

from hotplug import ops
from hotplug.dtypes import dtype as DType
from hotplug.errors import ArgumentError
from hotplug.nn import functional as F, init
from hotplug.nn.linear import Linear
from hotplug.nn.module import Module
from hotplug.nn.parameter import Parameter
from hotplug.tensor import Tensor


@final
class SDPBackend(enum.IntEnum):
    """PyTorch's kernels for :func:`~hotplug.nn.functional.scaled_dot_product_attention`.  Here a device has one."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextmanager
def sdpa_kernel(backends: SDPBackend | list[SDPBackend], set_priority: bool = False) -> Iterator[None]:
    """Accepted for PyTorch's sake: it changes nothing, as a device has one kernel for attention."""
    for each in backends if isinstance(backends, list) else [backends]:
        if not isinstance(each, SDPBackend):
            raise ArgumentError(f"sdpa_kernel: expected SDPBackend or a list of them, got {each!r}")
    yield


class HeadCountError(ArgumentError, AssertionError):
    """A width that the heads can't share; PyTorch asserts."""


class MultiheadAttention(Module):
    """``concat(head_1, ..., head_h) W_o`` with ``head_i = attention(Q W_i^q, K W_i^k, V W_i^v)`` (Vaswani et al., 2017).

    Args:
        embed_dim, num_heads: the width ``E``, and how many heads share it.
        dropout: probability with which a share is dropped, in training.
        add_bias_kv: learn one more key and value.
        add_zero_attn: add one more key and value of zeros.
        kdim, vdim: widths of key and value, ``E`` by default.
        batch_first: the batch is the first axis of query, key and value.

    Attributes:
        in_proj_weight: ``(3 E, E)``; where ``kdim`` or ``vdim`` differ, ``q_proj_weight`` ``(E, E)``, ``k_proj_weight``
            ``(E, kdim)`` and ``v_proj_weight`` ``(E, vdim)`` instead.
        in_proj_bias: ``(3 E)``.
        out_proj: the last map, :class:`Linear`.
    """

    in_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    q_proj_weight: Parameter | None
    k_proj_weight: Parameter | None
    v_proj_weight: Parameter | None
    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(
        self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True, add_bias_kv: bool = False,
        add_zero_attn: bool = False, kdim: int | None = None, vdim: int | None = None, batch_first: bool = False,
        device: Any = None, dtype: DType | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if embed_dim <= 0 or num_heads <= 0:
            raise ArgumentError(
                f"MultiheadAttention: embed_dim and num_heads must be greater than 0, got {embed_dim} and {num_heads}"
            )
        if embed_dim % num_heads:
            raise HeadCountError(
                f"MultiheadAttention: embed_dim {embed_dim} must be divisible by num_heads {num_heads}"
            )
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, num_heads, embed_dim // num_heads
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self.dropout, self.batch_first, self.add_zero_attn = dropout, batch_first, add_zero_attn
        same = self.kdim == self.vdim == embed_dim

        def made(name: str, wanted: bool, *shape: int) -> None:
            value = Parameter(ops.empty(shape, device=device, dtype=dtype)) if wanted else None
            self.register_parameter(name, value)

        made("q_proj_weight", not same, embed_dim, embed_dim)
        made("k_proj_weight", not same, embed_dim, self.kdim)
        made("v_proj_weight", not same, embed_dim, self.vdim)
        made("in_proj_weight", same, 3 * embed_dim, embed_dim)
        made("in_proj_bias", bias, 3 * embed_dim)
        self.out_proj = Linear(embed_dim, embed_dim, bias=bias, device=device, dtype=dtype)
        made("bias_k", add_bias_kv, 1, 1, embed_dim)
        made("bias_v", add_bias_kv, 1, 1, embed_dim)
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        """Draw new values: uniform after Glorot, biases zero, the extra key and value normal after Glorot."""
        for weight in (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight, self.in_proj_weight):
            if weight is not None:
                init.xavier_uniform_(weight)
        for bias in (self.in_proj_bias, self.out_proj.bias):
            if bias is not None:
                init.zeros_(bias)
        for extra in (self.bias_k, self.bias_v):
            if extra is not None:
                init.xavier_normal_(extra)

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, key_padding_mask: Tensor | None = None,
        need_weights: bool = True, attn_mask: Tensor | None = None, average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:  # fmt: skip
        """Query ``(L, N, E)``, key ``(S, N, kdim)``, value ``(S, N, vdim)``, with ``N`` in front if ``batch_first``, or
        without it -> the query's shape, and the shares of the keys if ``need_weights``.

        Args:
            key_padding_mask: ``(N, S)``, or ``(S)`` without a batch; bool, true where not to attend, or added.
            need_weights: whether to give the shares too, ``(N, L, S)``; without them nothing of their size is kept.
            attn_mask: ``(L, S)`` or ``(N * num_heads, L, S)``; bool, true where not to attend, or added.
            average_attn_weights: whether the shares are averaged over the heads, else ``(N, num_heads, L, S)``.
            is_causal: says that ``attn_mask`` is the causal one, which may then not be read.
        """
        turn = self.batch_first and query.ndim == 3
        if turn:
            own_key, own_value = key is query, value is key
            query = query.transpose(0, 1)
            key = query if own_key else key.transpose(0, 1)
            value = key if own_value else value.transpose(0, 1)
        out, shares = F.multi_head_attention_forward(
            query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight, self.in_proj_bias, self.bias_k,
            self.bias_v, self.add_zero_attn, self.dropout, self.out_proj.weight, self.out_proj.bias, self.training,
            key_padding_mask, need_weights, attn_mask, self.in_proj_weight is None, self.q_proj_weight,
            self.k_proj_weight, self.v_proj_weight, None, None, average_attn_weights, is_causal,
        )  # fmt: skip
        return (out.transpose(0, 1) if turn else out), shares
