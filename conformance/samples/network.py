"""Products, convolution, pooling, normalisation and softmax."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from hotplug.conformance.draw import Draw, Kind, Operand, Sample
from hotplug.conformance.samples.hard import hard_rows
from hotplug.conformance.samples.registry import samples


@samples("matmul", kinds="uifc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 5), draw(5, 4))
    yield Sample(draw(5), draw(5))
    yield Sample(draw(3, 5), draw(5))
    yield Sample(draw(5), draw(2, 5, 3))
    yield Sample(draw(2, 1, 3, 4), draw(3, 4, 2))
    yield Sample(draw(3, 0), draw(0, 2))
    yield Sample(draw(17, 33), draw(33, 9))


@samples("rmatmul", kinds="uifc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 5), draw(4, 3))


@samples("mm", kinds="uifc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 5), draw(5, 4))
    yield Sample(draw(1, 5), draw(5, 1))


@samples("bmm", kinds="uifc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 5), draw(2, 5, 4))


@samples("mv", kinds="uifc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 5), draw(5))


@samples("dot", kinds="uifc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(5), draw(5))


@samples("outer")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3), draw(4))


@samples("addmm", kinds="uifc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4), draw(3, 5), draw(5, 4))
    yield Sample(draw(4), draw(3, 5), draw(5, 4), beta=2, alpha=3)


@samples("linear", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 5), draw(3, 5), draw(3))
    yield Sample(draw(2, 4, 5), draw(3, 5))
    yield Sample(draw(5), draw(3, 5), draw(3))


@samples("bilinear", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3), draw(2, 4), draw(5, 3, 4), draw(5))


@samples("conv1d", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 8), draw(4, 3, 3), draw(4))
    yield Sample(draw(2, 4, 9), draw(6, 2, 3), None, 2, 1, 2, 2)
    yield Sample(draw(3, 8), draw(4, 3, 2), padding="same")


@samples("conv2d", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 6, 5), draw(4, 3, 3, 3), draw(4))
    yield Sample(draw(2, 4, 7, 6), draw(4, 2, 3, 2), None, (2, 1), (1, 0), (1, 2), 2)
    yield Sample(draw(1, 3, 5, 5), draw(3, 1, 3, 3), draw(3), padding=1, groups=3)
    yield Sample(draw(2, 3, 4, 4), draw(5, 3, 1, 1), draw(5))
    yield Sample(draw(3, 5, 5), draw(2, 3, 3, 3), padding="same")


@samples("conv3d", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(1, 2, 4, 4, 3), draw(3, 2, 2, 2, 2), draw(3), padding=1)
    yield Sample(draw(1, 4, 5, 4, 3), draw(2, 2, 2, 2, 2), None, (2, 1, 1), (0, 1, 1), (1, 2, 1), 2)


@samples("conv_transpose1d", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4), draw(3, 4, 3), draw(4))
    yield Sample(draw(2, 4, 4), draw(4, 2, 3), None, 2, 1, 1, 2)
    yield Sample(draw(3, 4), draw(3, 2, 3), draw(2), dilation=2)


@samples("conv_transpose2d", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4, 3), draw(3, 2, 3, 3), draw(2))
    yield Sample(draw(1, 4, 3, 3), draw(4, 2, 2, 3), None, (2, 1), (1, 0), (1, 0), 2)
    yield Sample(draw(1, 2, 3, 3), draw(2, 2, 2, 3), None, padding=1, dilation=(3, 2))


@samples("conv_transpose3d", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(1, 2, 3, 3, 2), draw(2, 3, 2, 2, 2), draw(3), 2)
    yield Sample(draw(1, 2, 2, 3, 2), draw(2, 1, 2, 2, 2), None, 2, 1, (1, 0, 1), 2, (1, 2, 3))


@samples("nn.functional.unfold", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4, 5), (2, 3))
    yield Sample(draw(1, 2, 5, 5), 3, 1, 1, 2)


@samples("fold", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 12, 6), (4, 3), 2)
    yield Sample(draw(1, 8, 9), (5, 5), 2, 1, 1, 2)


def _plane(draw: Draw, rank: int, *lead: int) -> Operand:
    return draw.spread(*lead, *(7, 6, 5)[:rank])


def _pooling(draw: Draw, rank: int, average: bool) -> Iterator[Sample]:
    yield Sample(_plane(draw, rank, 2, 3), 2)
    yield Sample(_plane(draw, rank, 1, 2), 3, 2, 1)
    yield Sample(_plane(draw, rank, 2), 2, 2, ceil_mode=True)
    if average:
        yield Sample(_plane(draw, rank, 1, 2), 3, 2, 1, count_include_pad=False)
    else:
        yield Sample(_plane(draw, rank, 1, 2), 2, 1, 0, 2)
        yield Sample(_plane(draw, rank, 1, 2), 2, return_indices=True)
        plane = _plane(draw, rank, 1, 2)
        plane.values[0, 0].flat[[1, 5]] = math.nan
        yield Sample(plane, 2, 1, return_indices=True).forward()


@samples("max_pool1d", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield from _pooling(draw, 1, False)


@samples("max_pool2d", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield from _pooling(draw, 2, False)


@samples("max_pool3d", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield from _pooling(draw, 3, False)


@samples("avg_pool1d", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield from _pooling(draw, 1, True)


@samples("avg_pool2d", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield from _pooling(draw, 2, True)
    yield Sample(draw(1, 2, 4, 4), 2, divisor_override=3)


@samples("avg_pool3d", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield from _pooling(draw, 3, True)


def _adaptive(draw: Draw, rank: int) -> Iterator[Sample]:
    yield Sample(_plane(draw, rank, 2, 3), 3)
    yield Sample(_plane(draw, rank, 1, 2), 1)
    if rank > 1:
        yield Sample(_plane(draw, rank, 2), (2, None, 3)[:rank])


@samples("adaptive_avg_pool1d", "adaptive_max_pool1d", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield from _adaptive(draw, 1)


@samples("adaptive_avg_pool2d", "adaptive_max_pool2d", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield from _adaptive(draw, 2)


@samples("adaptive_avg_pool3d", "adaptive_max_pool3d", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield from _adaptive(draw, 3)


@samples("pad")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3), (1, 2))
    yield Sample(draw(2, 3), (1, 0, 0, 2), "constant", draw.number(0, 2) if draw.kind != "c" else 1.5)
    if draw.kind == "f":
        yield Sample(draw(2, 3, 4), (-1, 1))
        yield Sample(draw(1, 2, 4, 5), (2, 1, 1, 2), "reflect")
        yield Sample(draw(1, 2, 4, 5), (2, 1, 0, 3), "replicate")
        yield Sample(draw(1, 2, 4), (2, 1), "circular")


@samples("softmax", "log_softmax", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4), 1)
    yield Sample(draw(2, 5), -1)
    yield Sample(draw(3, 2, low=-90, high=90), 0).forward()  # the gradient is what is left where all terms cancel
    yield Sample(draw(2, 3), 1, dtype=Kind("float32"))
    yield Sample(draw(), 0)
    yield Sample(hard_rows(draw), 1).forward()


@samples("nn.functional.softmax", "nn.functional.log_softmax", "softmin", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4), dim=1)
    yield Sample(draw(2, 5), dim=-1)
    yield Sample(hard_rows(draw), dim=1).forward()


@samples("glu", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 6))
    yield Sample(draw(2, 4, 3), 1)


@samples("batch_norm", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(4, 3), _state(draw, 3), _state(draw, 3, 0.5), draw(3), draw(3))
    yield Sample(draw(2, 3, 4, 5), None, None, draw(3), draw(3), True)
    yield Sample(draw(2, 3, 4), _state(draw, 3), _state(draw, 3, 0.5), training=True, momentum=0.3, eps=1e-3)


def _state(draw: Draw, size: int, low: float = -2.0) -> Operand:
    return draw(size, low=low).constant()


@samples("layer_norm", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 8), (8,), draw(8), draw(8))
    yield Sample(draw(2, 3, 4), (3, 4))
    yield Sample(draw(5, 16), [16], draw(16), None, 1e-3)
    yield Sample(hard_rows(draw), [4]).forward()


@samples("rms_norm", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 8), (8,), draw(8))
    yield Sample(draw(2, 3, 4), (3, 4), None, 1e-3)


@samples("group_norm", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 6, 4), 3, draw(6), draw(6))
    yield Sample(draw(2, 4, 3, 3), 1)
    yield Sample(draw(3, 4, 2), 2, eps=0.1)


@samples("instance_norm", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 6))
    yield Sample(draw(2, 3, 4, 5), weight=draw(3), bias=draw(3))
    yield Sample(draw(2, 3, 6), _state(draw, 3), _state(draw, 3, 0.5), use_input_stats=False, eps=1e-3)


@samples("normalize", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3))
    yield Sample(draw(2, 3, 4), 1.0, 2)
    yield Sample(draw(2, 3, low=-0.1, high=0.1), eps=0.5)


@samples("cosine_similarity", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4), draw(3, 4))
    yield Sample(draw(3, 4), draw(4), -1)


@samples("pairwise_distance", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4), draw(3, 4))
    yield Sample(draw(3, 4), draw(3, 4), 1.0, keepdim=True)


@samples("scaled_dot_product_attention", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    def heads(length: int, *lead: int) -> Any:
        return draw(*lead, length, 4)

    yield Sample(heads(3, 2, 2), heads(5, 2, 2), heads(5, 2, 2))
    yield Sample(heads(4, 2), heads(4, 2), heads(4, 2), is_causal=True)
    yield Sample(heads(3, 2), heads(5, 2), heads(5, 2), draw.of([[True, False, True, True, False]] * 3, "bool"))
    yield Sample(heads(3, 2), heads(5, 2), heads(5, 2), draw(3, 5).constant(), scale=0.7)
    yield Sample(heads(3, 1, 4), heads(3, 1, 2), heads(3, 1, 2), is_causal=True, enable_gqa=True)
    yield Sample(heads(3, 2), heads(5, 2), heads(5, 2), draw(3, 5))
    yield Sample(heads(3, 2), heads(3, 2), heads(3, 2))


@samples("prelu", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4), draw(3))
    yield Sample(draw(2, 3), draw(1))


@samples("dropout1d", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4), 0.5, False)
    yield Sample(draw(2, 3, 4), 0.0, True)


@samples("dropout", "dropout2d", "dropout3d", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4, 4, 2), 0.5, False)
    yield Sample(draw(2, 3, 4, 4, 2), 0.0, True)


@samples("rrelu", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3))
    yield Sample(draw(2, 3), 0.1, 0.5, False)


@samples("alpha_dropout", "feature_alpha_dropout", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4), 0.5, False)
    yield Sample(draw(2, 3, 4), 1.0, True)


@samples("multi_head_attention_forward", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    def weights(*shape: int) -> Any:
        return draw(*shape, low=-1, high=1)

    last = weights(4, 4), draw(4)
    one = draw(3, 2, 4)
    yield Sample(one, one, one, 4, 2, weights(12, 4), draw(12), None, None, False, 0.0, *last)
    keys = {"key_padding_mask": draw.of([[False, True, False], [False] * 3], "bool"), "need_weights": False}
    yield Sample(
        draw(2, 2, 4), draw(3, 2, 4), draw(3, 2, 4), 4, 2, weights(12, 4), None, draw(1, 1, 4), draw(1, 1, 4), True, 0.0,
        *last, **keys,
    )  # fmt: skip
    own = {"q_proj_weight": weights(4, 4), "k_proj_weight": weights(4, 2), "v_proj_weight": weights(4, 3)}
    yield Sample(
        draw(2, 4), draw(3, 2), draw(3, 3), 4, 1, None, draw(12), None, None, False, 0.0, *last,
        attn_mask=draw(2, 3).constant(), use_separate_proj_weight=True, average_attn_weights=False, **own,
    )  # fmt: skip
