"""Lost and wrong gradient terms: bugs in a backend's own kernels of backward composites, and in what forward keeps for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from hotplug.conformance.strength.composites import (
    Values,
    Whole,
    Wrong,
    changed,
    first_only,
    flipped,
    given,
    last_cleared,
    overrides,
    spoiled,
)  # fmt: skip
from hotplug.conformance.strength.mutant import Operator
from hotplug.conformance.strength.planting import NDArray

_F: Final = "nn.functional."
_TERM, _SWAP, _CONSTANT, _TAIL = "lost gradient term", "swapped operands", "wrong constant", "off-by-one tail"
_TIES, _STALE = "wrong comparison", "stale output"


def _zeros(values: NDArray) -> NDArray:
    return np.zeros_like(values)


def _ones(values: NDArray) -> NDArray:
    return np.ones_like(values)


def _lost(at: int) -> Wrong:
    """One output of several is all 0."""
    return spoiled(_zeros, at)


def _twice(at: int) -> Wrong:
    return spoiled(lambda x: x + x, at)


# --- softmax and norms -----------------------------------------------------------------------------------------------------


def _of_all(call: Whole) -> Values:
    """The sum runs over all axes."""
    out, grad = call["out"], call["grad"]
    return [out * (grad - (out * grad).sum())]


def _shares() -> Iterator[Operator]:
    softmax = ("softmax", "nn.functional.softmax", "nn.functional.softmin")
    log_softmax = ("log_softmax", "nn.functional.log_softmax")
    yield from overrides("gradient", "softmax_backward", softmax, [
        ("sum-lost", _TERM, lambda c: [c["out"] * c["grad"]]), ("out-lost", _TERM, lambda c: [
            c["grad"] - (c["grad"] * c["out"]).sum(int(c["dim"]), keepdims=True)]),
        ("sum-over-all", "wrong axis", _of_all), ("operands-exchanged", _SWAP, lambda c: c.right(grad=c["out"], out=c["grad"])),
        ("sign-turned", _SWAP, spoiled(lambda x: -x)),
    ])  # fmt: skip
    yield from overrides("gradient", "log_softmax_backward", log_softmax, [
        ("sum-lost", _TERM, lambda c: [c["grad"]]), ("exponential-lost", _TERM, lambda c: [
            c["grad"] - c["out"] * c["grad"].sum(int(c["dim"]), keepdims=True)]),
        ("sum-is-one", _TERM, lambda c: [c["grad"] - np.exp(c["out"])]),
    ])  # fmt: skip
    norms = tuple(f"{_F}{name}" for name in ("layer_norm", "group_norm", "batch_norm", "instance_norm"))
    yield from overrides("gradient", "standardize_backward", norms, [
        ("mean-of-gradients-lost", _TERM, _without_mean), ("product-term-lost", _TERM, _without_product),
        ("scale-lost", _TERM, spoiled(lambda x: x * 2, 0)), ("weight-ignored", _TERM, changed("weight", _ones)),
        ("weight-gradient-lost", _TERM, _lost(1)), ("bias-gradient-lost", _TERM, _lost(2)),
        ("bias-gradient-twice", _CONSTANT, _twice(2)), ("mean-kept-wrong", _STALE, changed("mean", _zeros)),
    ])  # fmt: skip
    yield from overrides("gradient", "standardize", norms, [
        ("kept-mean-is-zero", _STALE, spoiled(_zeros, 1)), ("kept-scale-is-the-deviation", _STALE, spoiled(lambda s: 1 / s, 2)),
    ])  # fmt: skip


def _hat(call: Whole) -> NDArray:
    return np.asarray((call["input"] - call["mean"]) * call["scale"])


def _scaled(call: Whole) -> NDArray:
    return np.asarray(call["delta"] * (1 if call["weight"] is None else call["weight"]))


def _without_mean(call: Whole) -> Values:
    found, hat, g = call.right(), _hat(call), _scaled(call)
    dims = tuple(int(each) for each in call["dims"])
    found[0] = (g - hat * (g * hat).mean(dims, keepdims=True)) * call["scale"]
    return found


def _without_product(call: Whole) -> Values:
    found, g = call.right(), _scaled(call)
    dims = tuple(int(each) for each in call["dims"])
    found[0] = (g - g.mean(dims, keepdims=True)) * call["scale"]
    return found


# --- convolution, pooling --------------------------------------------------------------------------------------------------


def _last_channel(values: NDArray) -> NDArray:
    found = values.copy()
    if found.shape[1] > 1:
        found[:, -1] = 0
    return found


def _last_window(values: NDArray) -> NDArray:
    found = values.copy()
    if found.shape[-1] > 1:
        found[..., -1] = 0
    return found


def _per_sample(call: Whole) -> Values:
    return [each / call["delta"].shape[0] for each in call.right()]


def _set_not_added(call: Whole) -> Values:
    """Of windows whose largest element is the same, the last one's gradient counts."""
    delta, place, shape = call["delta"], call["place"], tuple(int(each) for each in call["shape"])
    lead = int(np.prod(shape[:2]))
    found = np.zeros((lead, int(np.prod(shape[2:]))), delta.dtype)
    for row, (values, places) in enumerate(zip(delta.reshape(lead, -1), place.reshape(lead, -1), strict=True)):
        found[row, places] = values
    return [found.reshape(shape)]


def _convolutions() -> Iterator[Operator]:
    home = [f"{_F}{name}{rank}d" for name in ("conv", "conv_transpose") for rank in (1, 2, 3)]
    yield from overrides("gradient", "convolution_input_backward", home, [
        ("kernel-turned-round", "wrong axis", changed("weight", flipped)), ("first-of-the-batch-only", _TERM,
                                                                           changed("delta", first_only)),
        ("last-channel-lost", _TERM, changed("delta", _last_channel)), ("last-window-lost", _TAIL,
                                                                         changed("delta", _last_window)),
    ])  # fmt: skip
    yield from overrides("gradient", "convolution_weight_backward", home, [
        ("kernel-turned-round", "wrong axis", spoiled(flipped)),
        ("first-of-the-batch-only", _TERM, changed("delta", first_only)),
        ("mean-of-the-batch", _CONSTANT, _per_sample), ("last-window-lost", _TAIL, changed("delta", _last_window)),
    ])  # fmt: skip
    yield from overrides("gradient", "max_pool_backward", [f"{_F}max_pool{rank}d" for rank in (1, 2, 3)], [
        ("set-not-added", "race-like partial write", _set_not_added),
        ("last-window-lost", _TAIL, changed("delta", _last_window)), ("first-place-for-all", _TIES, changed("place", _zeros)),
    ])  # fmt: skip
    yield from overrides("gradient", "avg_pool_backward", [f"{_F}avg_pool{rank}d" for rank in (1, 2, 3)], [
        ("padding-always-counts", _CONSTANT, given(include=True)), ("divisor-ignored", _CONSTANT, given(divisor=0)),
        ("last-window-lost", _TAIL, changed("delta", _last_window)), ("not-divided", _TERM, spoiled(lambda x: x * 2)),
    ])  # fmt: skip
    yield from overrides("gradient", "unpool_backward", (f"{_F}max_unpool2d", f"{_F}max_unpool1d"), [
        ("first-place-for-all", _TIES, changed("place", _zeros)),
    ])  # fmt: skip


# --- layers and losses -----------------------------------------------------------------------------------------------------


def _kinks_open(call: Whole) -> Values:
    """relu lets the gradient through at 0."""
    if call["activation"] != "relu":
        return call.right()
    return call.right(out=np.where(call["out"] == 0, 1, call["out"]).astype(call["out"].dtype))


def _slope_lost(call: Whole) -> Values:
    return call.right(out=np.ones_like(call["out"])) if call["activation"] == "relu" else call.right(
        before=np.zeros_like(call["before"]), out=np.zeros_like(call["out"]))  # fmt: skip


def _exchanged(first: int, second: int) -> Wrong:
    def wrong(call: Whole) -> Values:
        found = call.right()
        if len(found) > second and found[first].shape == found[second].shape:
            found[first], found[second] = found[second], found[first]
        return found

    return wrong


def _layers() -> Iterator[Operator]:
    attention = (f"{_F}scaled_dot_product_attention", f"{_F}multi_head_attention_forward")
    yield from overrides("gradient", "attention_backward", attention, [
        ("query-gradient-lost", _TERM, _lost(0)), ("key-gradient-lost", _TERM, _lost(1)),
        ("value-gradient-lost", _TERM, _lost(2)),
        ("scale-lost", _TERM, _scale_lost), ("sum-lost", _TERM, changed("out", _zeros)),
        ("query-and-key-exchanged", _SWAP, _exchanged(0, 1)), ("causal-ignored", _TIES, given(causal=False)),
        ("dropout-ignored", _TERM, given(dropout=0.0)), ("mask-gradient-lost", _TERM, _lost(3)),
    ])  # fmt: skip
    yield from overrides(
        "gradient", "attention", attention, [("kept-total-wrong", _STALE, spoiled(lambda x: x + 1, 1))]
    )
    linear = ("nn.functional.linear_activation", "ops.linear_act", "linear_activation")
    yield from overrides("gradient", "linear_act_backward", linear, [
        ("slope-lost", _TERM, _slope_lost), ("kinks-open", _TIES, _kinks_open), ("input-gradient-lost", _TERM, _lost(0)),
        ("weight-gradient-lost", _TERM, _lost(1)), ("bias-gradient-lost", _TERM, _lost(2)),
    ])  # fmt: skip
    loss = (f"{_F}cross_entropy", f"{_F}nll_loss")
    yield from overrides("gradient", "cross_entropy_rows_backward", loss, [
        ("target-term-lost", _TERM, _without_target), ("ignored-rows-counted", _TIES, lambda c: c.right(
            target=np.where(c["target"] == c["ignore_index"], 0, c["target"]))),
        ("gradient-taken-for-one", _TERM, changed("grad", _ones)), ("sign-turned", _SWAP, spoiled(lambda x: -x)),
    ])  # fmt: skip
    yield from overrides(
        "gradient", "cross_entropy_rows", loss, [("kept-total-wrong", _STALE, spoiled(lambda x: x + 1, 1))]
    )
    for name, homes in (("lstm", ("lstm",)), ("gru", ("gru",)), ("rnn", ("rnn_tanh", "rnn_relu"))):
        yield from overrides("gradient", f"{name}_layer_backward", homes, [
            ("first-output-lost", _TERM, _lost(0)), ("last-output-lost", _TERM, _last_lost), ("last-step-lost", _TAIL,
                                                                                        changed("delta", last_cleared)),
            ("direction-ignored", "wrong axis", given(reverse=False)), ("through-time-lost", _TERM, changed("weight", _zeros)),
        ])  # fmt: skip


def _scale_lost(call: Whole) -> Values:
    found = call.right()
    return [each / call["scale"] if at < 2 else each for at, each in enumerate(found)]


def _last_lost(call: Whole) -> Values:
    found = call.right()
    return [*found[:-1], np.zeros_like(found[-1])]


def _without_target(call: Whole) -> Values:
    keep = np.expand_dims(call["target"] != call["ignore_index"], 1)
    return [np.exp(call["input"] - np.expand_dims(call["total"], 1)) * np.expand_dims(call["grad"], 1) * keep]


# --- lookups and resampling ------------------------------------------------------------------------------------------------


def _rows_set(call: Whole) -> Values:
    found = np.zeros(tuple(int(each) for each in call["shape"]), call["delta"].dtype)
    rows = call["delta"].reshape(-1, found.shape[1])
    keep = call["index"].ravel() != call["padding"]
    found[call["index"].ravel()[keep]] = rows[keep]
    return [found]


def _lookups() -> Iterator[Operator]:
    yield from overrides("gradient", "embedding_backward", (f"{_F}embedding",), [
        ("set-not-added", "race-like partial write", _rows_set), ("padding-row-counted", _TIES, given(padding=-1)),
        ("frequency-ignored", _CONSTANT, given(by_frequency=False)), ("last-lost", _TAIL, changed("delta", last_cleared)),
    ])  # fmt: skip
    yield from overrides("gradient", "bag_sums_backward", (f"{_F}embedding_bag",), [
        ("mean-is-a-sum", _CONSTANT, given(mode="sum")), ("padding-counted", _TIES, given(padding=-1)),
        ("weights-ignored", _TERM, changed("scale", _ones)), ("weight-gradient-lost", _TERM, _lost(0)),
        ("scale-gradient-lost", _TERM, _lost(1)),
    ])  # fmt: skip
    yield from overrides("gradient", "resample_backward", (f"{_F}interpolate", f"{_F}upsample"), [
        ("corners-ignored", _CONSTANT, given(align=False)), ("last-row-lost", _TAIL, changed("delta", _last_window)),
        ("cubic-is-linear", _SWAP, lambda c: c.right(mode="linear" if c["mode"] == "cubic" else c["mode"])),
    ])  # fmt: skip
    yield from overrides("gradient", "sample_planes_backward", (f"{_F}grid_sample",), [
        ("input-gradient-lost", _TERM, _lost(0)), ("grid-gradient-lost", _TERM, _lost(1)), ("corners-ignored", _CONSTANT,
                                                                                           given(align=False)),
    ])  # fmt: skip
    yield from overrides("gradient", "ctc_rows_backward", (f"{_F}ctc_loss",), [
        ("last-row-lost", _TAIL, spoiled(last_cleared)), ("sign-turned", _SWAP, spoiled(lambda x: -x)),
    ])  # fmt: skip


def operators() -> Iterator[Operator]:
    """All of this module."""
    for group in (_shares, _convolutions, _layers, _lookups):
        yield from group()
