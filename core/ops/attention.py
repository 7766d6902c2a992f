"""Scaled dot-product attention."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from hotplug.declare import composite, function
from hotplug.dtypes import bool_, dtype as DType
from hotplug.errors import ArgumentError, DTypeError, ShapeError
from hotplug.layout import Shape, broadcast_shapes
from hotplug.ops import arithmetic, comparison, creation, diagonals, products, rearranging, reduction, views
from hotplug.ops.dropouts import keep
from hotplug.ops.random import mask_of_stream, next_stream
from hotplug.ops.softmaxes import shifted_exp, widened
from hotplug.tensor import Tensor


def _scores(query: Tensor, key: Tensor, mask: Tensor | None, causal: bool, scale: float) -> Tensor:
    """``query @ key.T * scale``, masked: -inf where not to attend."""
    scores: Tensor = products.matmul(query * scale, views.transpose(key, -2, -1))
    if causal:
        rows, columns = scores.shape[-2:]
        mask = diagonals.triangle(creation.ones((rows, columns), dtype=bool_, device=scores.device), 0, False)
    if mask is None:
        return scores
    masked: Tensor = arithmetic.where_elements(mask, scores, -math.inf) if mask.dtype is bool_ else scores + mask
    return masked


def _shares(scores: Tensor) -> tuple[Tensor, Tensor]:
    """The softmax over the last axis and its logarithmic total; a row that may attend to nothing has shares of 0."""
    largest = reduction.extremum_over(scores.detach(), "max", (scores.ndim - 1,), True)
    shift = arithmetic.where_elements(comparison.eq(largest, -math.inf), 0.0, largest)
    power: Tensor = shifted_exp(scores, shift)
    total = reduction.sum(power, -1, True)
    shares: Tensor = power / arithmetic.where_elements(comparison.eq(total, 0.0), 1.0, total)
    return shares, views.squeeze(shift + total.log(), -1)


def _batch(*tensors: Tensor | None) -> Shape:
    return broadcast_shapes("attention", *(tuple(each.shape[:-2]) for each in tensors if each is not None))


def _widened(*tensors: Tensor | None) -> list[Any]:
    """The half types as float32; a mask of bool is as it was."""
    return [each if each is None or each.dtype is bool_ else widened(each) for each in tensors]


def _dropped(shares: Tensor, dropout: float, stream: tuple[int, ...] | None) -> Tensor:
    """Shares of which each is dropped with a probability; the same ones for the same stream."""
    if stream is None:
        return shares
    chosen = mask_of_stream(shares, tuple(shares.shape), 1.0 - dropout, stream)
    found: Tensor = keep(shares, chosen, 1.0 / (1.0 - dropout) if dropout < 1.0 else 0.0)
    return found


def _outputs(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, causal: bool, scale: float, *_: Any
) -> list[tuple[Shape, DType]]:
    rows = (*_batch(query, key, value), query.shape[-2])
    return [((*rows, value.shape[-1]), query.dtype), ((*_batch(query, key), query.shape[-2]), query.dtype.compute)]


@composite(outputs=_outputs)
def attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, causal: bool, scale: float, dropout: float,
    stream: tuple[int, ...] | None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """``softmax(query @ key.T * scale + mask) @ value``, and the logarithm of the softmax's denominator for backward.

    The mask broadcasts: bool, true where to attend, or added.  ``causal``: a query attends to no later key.  A share is
    dropped with probability ``dropout``, by the random call ``stream`` (none: none is), which backward repeats: nothing of
    their size is kept.  The result is rounded once, to the operands' dtype; the logarithm is float32 for the half types.
    """
    kind = query.dtype
    if kind is not kind.compute:
        query, key, value, mask = _widened(query, key, value, mask)
        found, total = attention(query, key, value, mask, causal, scale, dropout, stream)
        return found.to(kind), total
    shares, total = _shares(_scores(query, key, mask, causal, scale))
    return products.matmul(_dropped(shares, dropout, stream), value), total


@attention.gradient("query", "key", "value", "mask")
def _(
    grad: Tensor, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, out: Tensor, out1: Tensor,
    causal: bool, scale: float, dropout: float, stream: tuple[int, ...] | None, need: set[str],
) -> tuple[Tensor | None, ...]:  # fmt: skip
    found = attention_backward(
        grad, query, key, value, mask, out, out1, causal, "mask" in need, scale, dropout, stream
    )  # fmt: skip
    return (*found, None)[:4]


def _backward_outputs(
    delta: Tensor, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, out: Tensor, total: Tensor,
    causal: bool, through_mask: bool, scale: float, dropout: float, stream: tuple[int, ...] | None,
) -> list[tuple[Shape, DType]]:  # fmt: skip
    wanted = [query, key, value]
    if through_mask and mask is not None:
        wanted.append(mask)
    return [(tuple(each.shape), each.dtype) for each in wanted]


@composite(outputs=_backward_outputs)
def attention_backward(
    delta: Tensor, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, out: Tensor, total: Tensor,
    causal: bool, through_mask: bool, scale: float, dropout: float, stream: tuple[int, ...] | None,
) -> tuple[Tensor, ...]:  # fmt: skip
    """The gradients for query, key, value, and the mask if ``through_mask``; the shares are computed again."""
    kind = query.dtype
    if kind is not kind.compute:
        delta, query, key, value, mask, out = _widened(delta, query, key, value, mask, out)
        gradients = attention_backward(
            delta, query, key, value, mask, out, total, causal, through_mask, scale, dropout, stream
        )
        return tuple(each.to(kind) for each in gradients)
    known = views.unsqueeze(total, -1)
    known = arithmetic.where_elements(comparison.eq(known, -math.inf), 0.0, known)
    shares: Tensor = shifted_exp(_scores(query, key, mask, causal, scale), known)
    slope = _dropped(products.matmul(delta, views.transpose(value, -2, -1)), dropout, stream)
    inner: Tensor = shares * (slope - reduction.sum(delta * out, -1, True))
    found = [
        products.matmul(inner, key) * scale,
        products.matmul(views.transpose(inner, -2, -1), query) * scale,
        products.matmul(views.transpose(_dropped(shares, dropout, stream), -2, -1), delta),
    ]
    targets: Sequence[Tensor] = (query, key, value)
    if through_mask and mask is not None:
        found.append(inner)
        targets = (*targets, mask)
    return tuple(reduction.sum_to_size(f, tuple(t.shape)) for f, t in zip(found, targets, strict=True))


class MaskError(ArgumentError, RuntimeError):
    """Two masks at once, or heads that can't be shared."""


def _check(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, causal: bool) -> None:
    op = "scaled_dot_product_attention"
    shapes = f"{list(query.shape)}, {list(key.shape)} and {list(value.shape)}"
    if (
        min(query.ndim, key.ndim, value.ndim) < 2
        or query.shape[-1] != key.shape[-1]
        or key.shape[-2] != value.shape[-2]
    ):
        raise ShapeError(f"{op}: expected query (*, L, E), key (*, S, E) and value (*, S, Ev), got {shapes}")
    if not query.dtype is key.dtype is value.dtype or query.dtype.kind != "f":
        raise DTypeError(
            f"{op}: expected query, key and value of one floating dtype, got {query.dtype.name}, {key.dtype.name} and "
            f"{value.dtype.name}"
        )
    if mask is not None and causal:
        raise MaskError(f"{op}: explicit attn_mask should not be set when is_causal=True")
    if mask is not None and mask.dtype is not bool_ and mask.dtype is not query.dtype:
        raise DTypeError(f"{op}: expected attn_mask dtype to be bool or {query.dtype.name}, got {mask.dtype.name}")


@function(method=False, namespace="nn.functional")
def scaled_dot_product_attention(query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None,
                                 dropout_p: float = 0.0, is_causal: bool = False, scale: float | None = None,
                                 enable_gqa: bool = False) -> Tensor:  # fmt: skip
    """``dropout(softmax(query @ key.T * scale + mask)) @ value`` (Vaswani et al., 2017).

    Args:
        query: ``(*, L, E)``.
        key: ``(*, S, E)``.
        value: ``(*, S, Ev)`` -> ``(*, L, Ev)``.
        attn_mask: broadcasts to ``(*, L, S)``; bool, true where to attend, or floating, added to the scores.  A query
            that may attend to nothing gives 0.
        dropout_p: probability with which a share is dropped, always.
        is_causal: query ``i`` attends to the keys up to ``i`` only.
        scale: ``1 / sqrt(E)`` by default.
        enable_gqa: consecutive heads (axis -3) of the query share a head of key and value.
    """
    _check(query, key, value, attn_mask, is_causal)
    if not 0.0 <= dropout_p <= 1.0:
        raise ArgumentError(f"scaled_dot_product_attention: dropout_p has to be between 0 and 1, but got {dropout_p}")
    if enable_gqa:
        key, value = (_shared_heads(query, each) for each in (key, value))
    factor = 1.0 / math.sqrt(max(query.shape[-1], 1)) if scale is None else float(scale)
    kind = query.dtype
    stream = next_stream() if dropout_p else None
    mask, dropout = attn_mask, float(dropout_p)
    if kind is not kind.compute and not attention.has_kernel(
        query, key, value, mask, is_causal, factor, dropout, stream
    ):  # fmt: skip
        query, key, value, mask = _widened(query, key, value, mask)  # once, for the backward too
    return attention(query, key, value, mask, is_causal, factor, dropout, stream)[0].to(kind)


def _shared_heads(query: Tensor, other: Tensor) -> Tensor:
    heads, own = query.shape[-3], other.shape[-3]
    if heads % own:
        raise MaskError(
            f"scaled_dot_product_attention: {heads} heads of the query can't share {own} of key and value evenly"
        )
    return other if heads == own else rearranging.repeat_interleave(other, heads // own, -3)
