"""Embedding and attention: rows by index, rows by similarity."""

from __future__ import annotations

import math

from hotplug.declare import function
from hotplug.dtypes import bool_, int64
from hotplug.errors import ArgumentError, DTypeError, ShapeError
from hotplug.tensor import Tensor

_F = "nn.functional"


@function(method=False, namespace=_F)
def embedding(input: Tensor, weight: Tensor, padding_idx: int | None = None, max_norm: float | None = None,
              norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False) -> Tensor:  # fmt: skip
    """Rows of ``weight`` by index.  input ``(*)`` of integers, weight ``(V, D)`` -> ``(*, D)``.

    The row ``padding_idx`` gets no gradient.  ``sparse`` is accepted; gradients are dense.
    """
    from hotplug import ops

    if input.dtype.kind not in "iu":
        raise DTypeError(f"embedding: expected integer indices, got {input.dtype.name}; convert with .long()")
    if weight.ndim != 2:
        raise ShapeError(f"embedding: 'weight' must be 2-D, got shape {list(weight.shape)}")
    if max_norm is not None or scale_grad_by_freq:
        raise ArgumentError(
            "embedding: max_norm and scale_grad_by_freq are not supported; renormalise the weight yourself"
        )
    flat = ops.reshape(input, (-1,)).to(int64)
    rows = ops.index_select(weight, 0, flat)
    if padding_idx is not None:
        pad = padding_idx if padding_idx >= 0 else weight.shape[0] + padding_idx
        if not 0 <= pad < weight.shape[0]:
            raise ArgumentError(f"embedding: padding_idx {padding_idx} must be within the {weight.shape[0]} rows")
        rows = ops.where(ops.unsqueeze(ops.eq(flat, pad), 1), rows.detach(), rows)
    return ops.reshape(rows, (*input.shape, weight.shape[1]))


@function(method=False, namespace=_F)
def scaled_dot_product_attention(query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None,
                                 dropout_p: float = 0.0, is_causal: bool = False, scale: float | None = None,
                                 enable_gqa: bool = False) -> Tensor:  # fmt: skip
    """``softmax(query @ key.T * scale + mask) @ value`` (Vaswani et al., 2017).

    query ``(*, L, E)``, key ``(*, S, E)``, value ``(*, S, Ev)`` -> ``(*, L, Ev)``; ``scale`` is 1 / sqrt(E) by default.  A
    bool mask is true where to attend, a floating one is added.
    """
    from hotplug import ops
    from hotplug.ops.dropout import dropout

    if query.ndim < 2 or query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        raise ShapeError(
            f"scaled_dot_product_attention: shapes {list(query.shape)}, {list(key.shape)}, {list(value.shape)} don't fit"
        )
    if enable_gqa and key.shape[-3] != query.shape[-3]:
        times = query.shape[-3] // key.shape[-3]
        key, value = (ops.repeat_interleave(each, times, -3) for each in (key, value))
    factor = 1.0 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = ops.matmul(query * factor, ops.transpose(key, -2, -1))
    if is_causal:
        if attn_mask is not None:
            raise ArgumentError(
                "scaled_dot_product_attention: explicit attn_mask should not be set when is_causal=True"
            )
        rows, columns = (ops.arange(n, device=query.device) for n in (query.shape[-2], key.shape[-2]))
        attn_mask = ops.ge(ops.unsqueeze(rows, 1), columns)
    if attn_mask is not None:
        scores = ops.where(attn_mask, scores, -math.inf) if attn_mask.dtype is bool_ else scores + attn_mask
    weights = ops.softmax(scores, -1)
    return ops.matmul(dropout(weights, dropout_p), value)
