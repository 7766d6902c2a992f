"""``nn.functional.multi_head_attention_forward``: attention of several heads with its projections."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from hotplug.declare import function
from hotplug.dtypes import bool_
from hotplug.errors import ArgumentError, DTypeError, ShapeError
from hotplug.ops import arithmetic, comparison, creation, joining, products, reduction, views
from hotplug.ops.attention import scaled_dot_product_attention
from hotplug.ops.dropouts import dropout as drop
from hotplug.ops.padding import pad
from hotplug.ops.products import linear
from hotplug.ops.softmaxes import softmax
from hotplug.tensor import Tensor

_OP = "multi_head_attention_forward"


class HeadShapeError(ShapeError, AssertionError):
    """Sizes that don't fit each other; PyTorch asserts, or raises RuntimeError."""


class CausalHintError(ArgumentError, RuntimeError):
    """A hint about a mask that isn't there."""


class _Projection(NamedTuple):
    """The weights of query, key and value: one matrix ``(3 E, E)``, or three."""

    packed: Tensor | None
    query: Tensor | None
    key: Tensor | None
    value: Tensor | None
    bias: Tensor | None


class _Masks(NamedTuple):
    """Where not to attend (bool) or what is added to the scores: of pairs ``(L, S)`` or ``(N * heads, L, S)``, and of keys
    ``(N, S)``.
    """

    pairs: Tensor | None
    keys: Tensor | None

    def longer(self) -> _Masks:
        """With room for one more key, to which everyone attends."""
        return _Masks(*(None if each is None else pad(each, (0, 1)) for each in self))


def _check(query: Tensor, key: Tensor, value: Tensor, masks: _Masks, width: int, heads: int) -> None:
    rank = query.ndim
    if rank not in (2, 3) or key.ndim != rank or value.ndim != rank:
        raise HeadShapeError(
            f"{_OP}: query should be unbatched 2D or batched 3D tensor, and key and value alike, but received {rank}-D, "
            f"{key.ndim}-D and {value.ndim}-D tensors"
        )
    if masks.keys is not None and masks.keys.ndim != rank - 1:
        raise HeadShapeError(f"{_OP}: expected key_padding_mask to be {rank - 1}-D, got {masks.keys.ndim}-D tensor")
    if masks.pairs is not None and masks.pairs.ndim not in (2, 3):
        raise HeadShapeError(f"{_OP}: expected attn_mask to be 2-D or 3-D, got {masks.pairs.ndim}-D tensor")
    if query.shape[-1] != width or width % heads:
        raise HeadShapeError(
            f"{_OP}: was expecting embedding dimension of {width}, divisible by {heads} heads, but got {query.shape[-1]}"
        )
    if tuple(key.shape[:-1]) != tuple(value.shape[:-1]):
        raise HeadShapeError(
            f"{_OP}: key's sequence and batch dims {list(key.shape[:-1])} do not match value's {list(value.shape[:-1])}"
        )
    for mask in masks:
        if mask is not None and mask.dtype is not bool_ and mask.dtype.kind != "f":
            raise DTypeError(f"{_OP}: only bool and floating types of masks are supported, got {mask.dtype.name}")


def _batched(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """``(T, E)`` as ``(T, 1, E)``; what is the same tensor stays the same."""
    made = {id(each): views.unsqueeze(each, 1) for each in (query, key, value)}
    return made[id(query)], made[id(key)], made[id(value)]


def _projected(query: Tensor, key: Tensor, value: Tensor, by: _Projection) -> list[Tensor]:
    """Query, key and value after their maps; what is the same tensor is mapped by one product."""
    biases: list[Tensor | None] = [None] * 3 if by.bias is None else list(views.chunk(by.bias, 3, 0))
    if by.packed is None:
        own = zip((query, key, value), (by.query, by.key, by.value), biases, strict=True)
        return [linear(each, weight, bias) for each, weight, bias in own]  # type: ignore[arg-type]
    if query is key and key is value:
        return list(views.chunk(linear(query, by.packed, by.bias), 3, -1))
    weights = list(views.chunk(by.packed, 3, 0))
    first = linear(query, weights[0], biases[0])
    if key is value:
        width = query.shape[-1]
        rest = views.narrow(by.packed, 0, width, 2 * width)
        bias = None if by.bias is None else views.narrow(by.bias, 0, width, 2 * width)
        return [first, *views.chunk(linear(key, rest, bias), 2, -1)]
    return [first, linear(key, weights[1], biases[1]), linear(value, weights[2], biases[2])]


def _split(rows: Tensor, heads: int) -> Tensor:
    """``(T, N, E)`` -> ``(N, heads, T, E / heads)``."""
    times, count = rows.shape[0], rows.shape[1]
    apart = views.reshape(rows, (times, count, heads, rows.shape[2] // heads))
    return views.permute(apart, (1, 2, 0, 3))


def _heads_of(rows: Tensor, given: Tensor | None, heads: int) -> Tensor:
    """Keys or values of all heads: those given, ``(N * heads, S, E / heads)``, or the projected ones."""
    if given is None:
        return _split(rows, heads)
    return views.reshape(given, (given.shape[0] // heads, heads, *given.shape[1:]))


def _extended(tensor: Tensor, extra: Tensor | None, axis: int) -> Tensor:
    """With one more key or value: ``extra``, or zeros."""
    shape = list(tensor.shape)
    shape[axis] = 1
    if extra is None:
        extra = creation.zeros(tuple(shape), dtype=tensor.dtype, device=tensor.device)
    return joining.cat((tensor, views.expand(extra, tuple(shape))), axis)


def _merged(masks: _Masks, shape: tuple[int, int, int, int], like: Tensor) -> Tensor | None:
    """One mask that broadcasts to ``(N, heads, L, S)``: bool, true where to attend, or added."""
    count, heads, rows, columns = shape
    parts = []
    if masks.pairs is not None:
        wide = masks.pairs.ndim == 3
        expected = (count * heads, rows, columns) if wide else (rows, columns)
        if tuple(masks.pairs.shape) != expected:
            raise ShapeError(
                f"{_OP}: the shape of the {masks.pairs.ndim}D attn_mask is {list(masks.pairs.shape)}, but should be "
                f"{list(expected)}"
            )
        parts.append(views.reshape(masks.pairs, shape if wide else (1, 1, rows, columns)))
    if masks.keys is not None:
        if tuple(masks.keys.shape) != (count, columns):
            raise HeadShapeError(
                f"{_OP}: expecting key_padding_mask shape of {[count, columns]}, but got {list(masks.keys.shape)}"
            )
        parts.append(views.reshape(masks.keys, (count, 1, 1, columns)))
    if not parts:
        return None
    if all(part.dtype is bool_ for part in parts):
        hidden = parts[0] if len(parts) == 1 else comparison.logical_or(*parts)
        return comparison.logical_not(hidden)
    added = [_added(part, like) for part in parts]
    return added[0] if len(added) == 1 else added[0] + added[1]


def _added(mask: Tensor, like: Tensor) -> Tensor:
    if mask.dtype is not bool_:
        return mask.to(like.dtype)
    zeros = creation.zeros((), dtype=like.dtype, device=like.device)
    return arithmetic.where_elements(mask, -math.inf, zeros)


def _with_weights(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, dropout: float
) -> tuple[Tensor, Tensor]:
    """Attention whose shares are a result too."""
    scores = products.matmul(query * (1.0 / math.sqrt(max(query.shape[-1], 1))), views.transpose(key, -2, -1))
    if mask is not None:
        scores = arithmetic.where_elements(mask, scores, -math.inf) if mask.dtype is bool_ else scores + mask
    shares: Tensor = softmax(scores, -1)
    if dropout:
        shares = drop(shares, dropout)
    return products.matmul(shares, value), shares


@function(method=False, namespace="nn.functional")
def multi_head_attention_forward(
    query: Tensor, key: Tensor, value: Tensor, embed_dim_to_check: int, num_heads: int, in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None, bias_k: Tensor | None, bias_v: Tensor | None, add_zero_attn: bool, dropout_p: float,
    out_proj_weight: Tensor, out_proj_bias: Tensor | None, training: bool = True,
    key_padding_mask: Tensor | None = None, need_weights: bool = True, attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False, q_proj_weight: Tensor | None = None, k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None, static_k: Tensor | None = None, static_v: Tensor | None = None,
    average_attn_weights: bool = True, is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """Attention of several heads (Vaswani et al., 2017); :class:`hotplug.nn.MultiheadAttention` is easier to use.

    Args:
        query: ``(L, N, E)`` or ``(L, E)``.
        key, value: ``(S, N, Ek)`` and ``(S, N, Ev)``, or without ``N``.
        in_proj_weight: the maps of query, key and value below each other, ``(3 E, E)``; with ``use_separate_proj_weight``
            ``q_proj_weight`` ``(E, E)``, ``k_proj_weight`` ``(E, Ek)`` and ``v_proj_weight`` ``(E, Ev)`` instead.
        bias_k, bias_v: one more key and value for everyone, ``(1, 1, E)``; ``add_zero_attn``: another one of zeros.
        key_padding_mask: ``(N, S)`` or ``(S)``; bool, true where not to attend, or added to the scores.
        attn_mask: ``(L, S)`` or ``(N * num_heads, L, S)``, likewise.
        static_k, static_v: keys and values of all heads, ``(N * num_heads, S, E / num_heads)``, in place of the projected
            ones.
        is_causal: says that ``attn_mask`` is the causal one, which may then not be read.

    Returns:
        ``(L, N, E)`` or ``(L, E)``; with ``need_weights`` the shares of the keys, ``(N, L, S)``, or with
        ``average_attn_weights=False`` ``(N, num_heads, L, S)``.
    """
    masks = _Masks(attn_mask, key_padding_mask)
    _check(query, key, value, masks, embed_dim_to_check, num_heads)
    if is_causal and attn_mask is None:
        raise CausalHintError(f"{_OP}: need attn_mask if specifying the is_causal hint")
    single = query.ndim == 2
    if single:
        query, key, value = _batched(query, key, value)
        masks = _Masks(attn_mask, None if key_padding_mask is None else views.unsqueeze(key_padding_mask, 0))
    separate = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else (None, None, None)
    by = _Projection(None if use_separate_proj_weight else in_proj_weight, *separate, in_proj_bias)
    if is_causal and key_padding_mask is None and not need_weights and bias_k is None and not add_zero_attn:
        masks = _Masks(None, None)
    else:
        is_causal = False
    q, k, v = _projected(query, key, value, by)
    if bias_k is not None and bias_v is not None:
        k, v, masks = _extended(k, bias_k, 0), _extended(v, bias_v, 0), masks.longer()
    q, k, v = _split(q, num_heads), _heads_of(k, static_k, num_heads), _heads_of(v, static_v, num_heads)
    if add_zero_attn:
        k, v, masks = _extended(k, None, 2), _extended(v, None, 2), masks.longer()
    found = _attended(q, k, v, masks, is_causal, dropout_p if training else 0.0, need_weights)
    out = linear(_joined_heads(found[0]), out_proj_weight, out_proj_bias)
    shares: Tensor | None = found[1]
    if shares is not None and average_attn_weights:
        shares = reduction.mean(shares, 1)
    if single:
        return views.squeeze(out, 1), None if shares is None else views.squeeze(shares, 0)
    return out, shares


def _attended(
    query: Tensor, key: Tensor, value: Tensor, masks: _Masks, causal: bool, dropout: float, need_weights: bool
) -> tuple[Any, Tensor | None]:
    shape = (query.shape[0], query.shape[1], query.shape[2], key.shape[2])
    mask = _merged(masks, shape, query)
    if need_weights:
        return _with_weights(query, key, value, mask, dropout)
    return scaled_dot_product_attention(query, key, value, mask, dropout, causal), None


def _joined_heads(rows: Tensor) -> Tensor:
    """``(N, heads, L, D)`` -> ``(L, N, heads * D)``."""
    count, heads, times, size = rows.shape
    return views.reshape(views.permute(rows, (2, 0, 1, 3)), (times, count, heads * size))
