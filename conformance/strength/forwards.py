"""Bugs in a backend's own kernels of composites, forward."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from hotplug.conformance.strength.composites import (
    Values,
    Whole,
    changed,
    first_only,
    flipped,
    given,
    last_cleared,
    nan_as,
    other_axis,
    overrides,
    spoiled,
)  # fmt: skip
from hotplug.conformance.strength.mutant import Operator
from hotplug.conformance.strength.planting import NDArray

_F: Final = "nn.functional."
_AXIS, _CONSTANT, _NAN, _LOST = "wrong axis", "wrong constant", "missing NaN", "lost special value"
_SWAP, _TAIL, _DIGITS, _TIES = "swapped operands", "off-by-one tail", "lost digits", "wrong comparison"


def _wide(values: NDArray) -> NDArray:
    return values.astype(np.float64)


# --- softmax and sums ------------------------------------------------------------------------------------------------------


def _unshifted(call: Whole) -> Values:
    power = np.exp(call["input"])
    return [power / power.sum(int(call["dim"]), keepdims=True)]


def _shifted_by_all(call: Whole) -> Values:
    x = call["input"]
    power = np.exp(x - np.max(x))
    return [power / power.sum(int(call["dim"]), keepdims=True)]


def _short_sum(call: Whole) -> Values:
    x, dim = call["input"], int(call["dim"])
    power = np.exp(x - x.max(dim, keepdims=True))
    total = power.take(range(max(x.shape[dim] - 1, 1)), dim).sum(dim, keepdims=True)
    return [power / total]


def _log_of_shares(call: Whole) -> Values:
    x, dim = call["input"], int(call["dim"])
    power = np.exp(x - x.max(dim, keepdims=True))
    return [np.log(power / power.sum(dim, keepdims=True))]


def _log_unshifted(call: Whole) -> Values:
    return [call["input"] - np.log(np.exp(call["input"]).sum(int(call["dim"]), keepdims=True))]


def _dims(call: Whole) -> tuple[int, ...]:
    return tuple(int(each) for each in call["dims"])


def _sum_unshifted(call: Whole) -> Values:
    return [np.log(np.exp(call["input"]).sum(_dims(call), keepdims=call["keepdim"]))]


def _infinite_shift(call: Whole) -> Values:
    x, dims = call["input"], _dims(call)
    shift = x.max(dims, keepdims=True)
    total = np.log(np.exp(x - shift).sum(dims, keepdims=True)) + shift
    return [total.reshape(call.outs[0].shape)]


def _too_few(call: Whole) -> Values:
    x, dims = call["input"], _dims(call)
    count = int(np.prod([x.shape[dim] for dim in dims]))
    return [call.right()[0] * (count / max(count - 1, 1))]


def _of_squares(call: Whole) -> Values:
    """The mean of squares less the square of the mean."""
    x, dims = call["input"], _dims(call)
    count = int(np.prod([x.shape[dim] for dim in dims]))
    mean = x.mean(dims, keepdims=True)
    found = ((x * x).mean(dims, keepdims=True) - mean * mean) * (count / max(count - call["correction"], 0))
    return [found.reshape(call.outs[0].shape)]


def _softmaxes() -> Iterator[Operator]:
    home = ("softmax", "log_softmax", "nn.functional.softmax", "nn.functional.log_softmax", "nn.functional.softmin")
    yield from overrides("override", "softmax", home, [
        ("not-shifted", _LOST, _unshifted), ("shifted-by-the-largest-of-all", _LOST, _shifted_by_all),
        ("along-another-axis", _AXIS, given(dim=other_axis())), ("last-term-left-out", _TAIL, _short_sum),
        ("nan-as-zero", _NAN, changed("input", nan_as(0.0))), ("last-row-unwritten", _TAIL, spoiled(last_cleared)),
    ])  # fmt: skip
    yield from overrides("override", "log_softmax", home[1:], [
        ("as-the-logarithm-of-shares", _DIGITS, _log_of_shares), ("not-shifted", _LOST, _log_unshifted),
        ("along-another-axis", _AXIS, given(dim=other_axis())), ("nan-as-zero", _NAN, changed("input", nan_as(0.0))),
    ])  # fmt: skip
    yield from overrides("override", "logsumexp", ("logsumexp",), [
        ("not-shifted", _LOST, _sum_unshifted), ("shifted-by-infinity", _LOST, _infinite_shift),
        ("nan-as-zero", _NAN, changed("input", nan_as(0.0))),
    ])  # fmt: skip
    yield from overrides("override", "mean", ("mean",), [("divided-by-one-less", _CONSTANT, _too_few)])
    yield from overrides("override", "var", ("var", "std", "var_mean"), [
        ("correction-ignored", _CONSTANT, given(correction=0)), ("correction-always-one", _CONSTANT, given(correction=1)),
        ("by-squares", _DIGITS, _of_squares),
    ])  # fmt: skip


# --- normalisation ---------------------------------------------------------------------------------------------------------


def _eps_outside(call: Whole) -> Values:
    x, dims = call["input"], _dims(call)
    mean = x.mean(dims, keepdims=True)
    scale = (1 / (np.sqrt(x.var(dims, keepdims=True)) + call["eps"])).astype(x.dtype)
    found = (x - mean) * scale * (1 if call["weight"] is None else call["weight"])
    return [found + (0 if call["bias"] is None else call["bias"]), mean, scale]


def _unbiased(call: Whole) -> Values:
    x, dims = call["input"], _dims(call)
    mean = x.mean(dims, keepdims=True)
    scale = (1 / np.sqrt(x.var(dims, keepdims=True, ddof=1) + call["eps"])).astype(x.dtype)
    found = (x - mean) * scale * (1 if call["weight"] is None else call["weight"])
    return [found + (0 if call["bias"] is None else call["bias"]), mean, scale]


def _zeros(values: NDArray) -> NDArray:
    return np.zeros_like(values)


def _ones(values: NDArray) -> NDArray:
    return np.ones_like(values)


def _norms() -> Iterator[Operator]:
    home = tuple(f"{_F}{name}" for name in ("layer_norm", "group_norm", "batch_norm", "instance_norm"))
    yield from overrides("override", "standardize", home, [
        ("eps-ignored", _CONSTANT, given(eps=0.0)), ("eps-outside-the-root", _CONSTANT, _eps_outside),
        ("variance-of-one-less", _CONSTANT, _unbiased), ("bias-ignored", _SWAP, changed("bias", _zeros)),
        ("weight-ignored", _SWAP, changed("weight", _ones)), ("last-row-unwritten", _TAIL, spoiled(last_cleared)),
        ("nan-as-zero", _NAN, changed("input", nan_as(0.0))),
    ])  # fmt: skip
    yield from overrides("override", "root_mean_square_scale", (f"{_F}rms_norm",), [
        ("eps-ignored", _CONSTANT, given(eps=0.0)), ("weight-ignored", _SWAP, changed("weight", _ones)),
        ("mean-subtracted", _CONSTANT, lambda call: call.right(
            input=call["input"] - call["input"].mean(_dims(call), keepdims=True))),
    ])  # fmt: skip


# --- convolution, pooling, layers ------------------------------------------------------------------------------------------


def _edge_padded(call: Whole) -> Values:
    padding = tuple(int(each) for each in call["padding"])
    widths = [(0, 0), (0, 0), *((each, each) for each in padding)]
    return call.right(input=np.pad(call["input"], widths, mode="edge"), padding=(0,) * len(padding))


def _groups_turned(call: Whole) -> Values:
    x, groups = call["input"], int(call["groups"])
    order = np.arange(x.shape[1]).reshape(groups, -1)[::-1].ravel()
    return call.right(input=np.ascontiguousarray(x[:, order]))


def _square_turned(weight: NDArray) -> NDArray:
    square = weight.ndim > 3 and weight.shape[-1] == weight.shape[-2]
    return np.ascontiguousarray(weight.swapaxes(-1, -2)) if square else weight


def _last_tap(weight: NDArray) -> NDArray:
    found = weight.copy()
    if found.shape[-1] > 1:
        found[..., -1] = 0
    return found


def _last_channel(values: NDArray) -> NDArray:
    found = values.copy()
    if found.shape[1] > 1:
        found[:, -1] = 0
    return found


def _zero_padded_maxima(call: Whole) -> Values:
    values, places = call.right()
    size = np.prod(call["input"].shape[2:])
    return [np.maximum(values, 0) if any(call["padding"]) else values, np.minimum(places, size)]


def _convolutions() -> Iterator[Operator]:
    home = [f"{_F}conv{rank}d" for rank in (1, 2, 3)]
    yield from overrides("override", "convolution", home, [
        ("kernel-turned-round", _AXIS, changed("weight", flipped)), ("square-kernel-transposed", _AXIS,
                                                                    changed("weight", _square_turned)),
        ("padded-with-the-edge", _CONSTANT, _edge_padded), ("groups-turned-round", _AXIS, _groups_turned),
        ("bias-ignored", _SWAP, changed("bias", _zeros)), ("last-tap-left-out", _TAIL, changed("weight", _last_tap)),
        ("last-channel-unwritten", _TAIL, spoiled(_last_channel)),
        ("first-of-the-batch-only", "race-like partial write", changed("input", first_only)),
    ])  # fmt: skip
    yield from overrides("override", "max_pool", [f"{_F}max_pool{rank}d" for rank in (1, 2, 3)], [
        ("padding-counts-as-zero", _CONSTANT, _zero_padded_maxima), ("nan-as-lowest", _NAN, changed("input", nan_as(-np.inf))),
        ("places-one-off", _TAIL, spoiled(lambda place: np.maximum(place - 1, 0), 1)),
        ("places-in-their-window", _AXIS, spoiled(lambda place: place % 2, 1)),
        ("last-row-unwritten", _TAIL, spoiled(last_cleared)),
    ])  # fmt: skip
    yield from overrides("override", "avg_pool", [f"{_F}avg_pool{rank}d" for rank in (1, 2, 3)], [
        ("padding-always-counts", _CONSTANT, given(include=True)), ("padding-never-counts", _CONSTANT, given(include=False)),
        ("divisor-ignored", _CONSTANT, given(divisor=0)),
    ])  # fmt: skip
    yield from overrides("override", "linear", (f"{_F}linear",), [
        ("bias-ignored", _SWAP, changed("bias", _zeros)), ("bias-twice", _CONSTANT, changed("bias", lambda b: b + b)),
        ("last-feature-left-out", _TAIL, changed("weight", _last_tap)),
    ])  # fmt: skip


def _without_negative(values: NDArray) -> NDArray:
    return np.where(np.isnan(values), 0, values)


def _causal_shifted(call: Whole) -> Values:
    """A query attends to no key of its own position either, but the first."""
    if not call["causal"] or call["mask"] is not None:
        return call.right()
    queries, keys = call["query"].shape[-2], call["key"].shape[-2]
    mask = np.tril(np.ones((queries, keys), bool), 1)
    return call.right(causal=False, mask=mask)


def _inverted(mask: NDArray) -> NDArray:
    return ~mask if mask.dtype == bool else -mask


def _layers() -> Iterator[Operator]:
    home = (f"{_F}scaled_dot_product_attention", f"{_F}multi_head_attention_forward")
    yield from overrides("override", "attention", home, [
        ("scale-ignored", _CONSTANT, given(scale=1.0)), ("causal-ignored", _TIES, given(causal=False)),
        ("causal-one-key-too-many", _TAIL, _causal_shifted), ("mask-inverted", _TIES, changed("mask", _inverted)),
        ("last-value-left-out", _TAIL, changed("value", lambda v: np.concatenate([v[..., :-1, :], 0 * v[..., -1:, :]], -2))),
        ("dropout-ignored", _CONSTANT, given(dropout=0.0)),
    ])  # fmt: skip
    yield from overrides("override", "linear_act", ("nn.functional.linear_activation", "ops.linear_act", "linear_activation"), [
        ("bias-ignored", _SWAP, changed("bias", _zeros)), ("activation-of-another-kind", _SWAP, lambda call: call.right(
            activation="relu" if call["activation"] != "relu" else "tanh")),
        ("negative-lost", _TIES, spoiled(lambda x: np.maximum(x, 0))),
    ])  # fmt: skip
    for name, homes in (("lstm", ("lstm",)), ("gru", ("gru",)), ("rnn", ("rnn_tanh", "rnn_relu"))):
        yield from overrides("override", name, homes, [
            ("direction-ignored", _AXIS, given(reverse=False)), ("initial-state-ignored", _SWAP, changed("state", _zeros)),
            ("last-step-lost", _TAIL, spoiled(last_cleared)), ("weight-transposed-where-square", _AXIS, changed(
                "weight", lambda w: w.T.copy() if w.shape[0] == w.shape[1] else w[::-1].copy())),
        ])  # fmt: skip


# --- sorting and searching -------------------------------------------------------------------------------------------------


def _sorted_with(order: Callable[[NDArray], NDArray]) -> Callable[[Whole], Values]:
    def wrong(call: Whole) -> Values:
        x = np.moveaxis(call["input"], int(call["dim"]), -1)
        places = order(x)
        found = np.take_along_axis(x, places, -1)
        return [np.moveaxis(each, -1, int(call["dim"])) for each in (found, places)]

    return wrong


def _late_ties(call: Whole) -> Values:
    """Equal elements come in the order of their positions from the last to the first."""

    def order(x: NDArray) -> NDArray:
        up = np.argsort(x[..., ::-1], axis=-1, kind="stable")
        places = x.shape[-1] - 1 - up
        down = np.argsort(x, axis=-1, kind="stable")[..., ::-1]
        return np.asarray(down if call["descending"] else places)

    return _sorted_with(order)(call)


def _extrema_skip_nan(call: Whole) -> Values:
    return call.right(input=nan_as(-np.inf if call["mode"] == "max" else np.inf)(call["input"]))


def _last_places(call: Whole) -> Values:
    values, places = call.right()
    last = places.max() if places.size else 0
    return [values, np.where(places == last, 0, places)]


def _sorting() -> Iterator[Operator]:
    yield from overrides("override", "sort", ("sort", "argsort", "msort"), [
        ("equal-elements-turned-round", _TIES, _late_ties), ("direction-ignored", _TIES, given(descending=False)),
        ("along-another-axis", _AXIS, given(dim=other_axis())), ("nan-first", _NAN, changed("input", nan_as(-np.inf))),
        ("places-one-off", _TAIL, spoiled(lambda p: np.maximum(p - 1, 0), 1)), ("last-row-unwritten", _TAIL,
                                                                              spoiled(last_cleared)),
    ])  # fmt: skip
    yield from overrides("override", "topk", ("topk",), [
        ("largest-ignored", _TIES, given(largest=True)), ("nan-as-lowest", _NAN, changed("input", nan_as(-np.inf))),
        ("not-in-order", _TIES, lambda call: [each[::-1] for each in call.right()]), ("a-place-lost", _TAIL, _last_places),
    ])  # fmt: skip
    yield from overrides("override", "search", ("searchsorted", "bucketize"), [
        ("side-ignored", _TIES, given(right=False)), ("side-turned-round", _TIES, given(right=lambda c: not c["right"])),
        ("one-off-at-the-end", _TAIL, lambda call: [np.minimum(call.right()[0], call["sequence"].shape[-1] - 1)]),
    ])  # fmt: skip
    yield from overrides("override", "cumulative_extremum", ("cummax", "cummin"), [
        ("mode-ignored", _SWAP, given(mode="max")), ("along-another-axis", _AXIS, given(dim=other_axis())),
        ("nan-skipped", _NAN, _extrema_skip_nan),
        ("place-of-the-first", _TIES, spoiled(np.zeros_like, 1)),
    ])  # fmt: skip
    yield from overrides("override", "logcumsumexp", ("logcumsumexp",), [
        ("not-shifted", _LOST, lambda c: [np.log(np.cumsum(np.exp(c["input"]), int(c["dim"])))]),
        ("along-another-axis", _AXIS, given(dim=other_axis())),
    ])  # fmt: skip
    yield from overrides("override", "true_positions", ("nonzero", "masked_select"), [
        ("last-one-lost", _TAIL, spoiled(lambda p: np.concatenate([p[:-1], p[:1]]) if len(p) > 1 else p)),
        ("turned-round", _AXIS, spoiled(lambda p: p[::-1])),
    ])  # fmt: skip


# --- losses, lookups, resampling, linear algebra ---------------------------------------------------------------------------


def _loss_unshifted(call: Whole) -> Values:
    loss, total = call.right()
    other = np.log(np.exp(call["input"]).sum(1))
    return [loss - total + other, other]


def _any(**changes: Any) -> Callable[[Whole], Values]:
    return lambda call: call.right(**changes)


def _others() -> Iterator[Operator]:
    yield from overrides("override", "cross_entropy_rows", (f"{_F}cross_entropy", f"{_F}nll_loss"), [
        ("ignored-rows-counted", _TIES, lambda c: c.right(target=np.where(c["target"] == c["ignore_index"], 0, c["target"]))),
        ("not-shifted", _LOST, _loss_unshifted), ("next-class", _TAIL, lambda c: c.right(target=np.where(
            c["target"] == c["ignore_index"], c["target"], (c["target"] + 1) % c["input"].shape[1]))),
        ("sign-turned", _SWAP, spoiled(lambda loss: -loss)),
    ])  # fmt: skip
    yield from overrides("override", "embedding_rows", (f"{_F}embedding",), [
        ("next-row", _TAIL, lambda c: c.right(index=(c["index"] + 1) % len(c["weight"]))),
        ("padding-row-cleared", _CONSTANT, lambda c: [np.where((c["index"] == c["padding"])[..., None], 0, c.right()[0])]),
    ])  # fmt: skip
    yield from overrides("override", "bag_sums", (f"{_F}embedding_bag",), [
        ("mean-is-a-sum", _CONSTANT, given(mode="sum")), ("padding-counted", _TIES, given(padding=-1)),
        ("weights-ignored", _SWAP, changed("scale", _ones)), ("last-bag-unwritten", _TAIL, spoiled(last_cleared)),
    ])  # fmt: skip
    yield from overrides("override", "resample", (f"{_F}interpolate", f"{_F}upsample"), [
        ("corners-ignored", _CONSTANT, given(align=False)), ("cubic-is-linear", _SWAP, lambda c: c.right(
            mode="linear" if c["mode"] == "cubic" else c["mode"])),
        ("nearest-exact-is-nearest", _TIES, lambda c: c.right(mode="nearest" if "exact" in c["mode"] else c["mode"])),
        ("not-smoothed", _CONSTANT, given(smooth=False)), ("last-plane-unwritten", _TAIL, spoiled(_last_channel)),
    ])  # fmt: skip
    yield from overrides("override", "sample_planes", (f"{_F}grid_sample",), [
        ("corners-ignored", _CONSTANT, given(align=False)), ("padding-ignored", _CONSTANT, given(padding="zeros")),
        ("nearest-is-bilinear", _SWAP, given(mode="bilinear")), ("axes-of-the-grid-exchanged", _SWAP, changed(
            "grid", lambda g: np.ascontiguousarray(g[..., ::-1]))),
    ])  # fmt: skip
    yield from overrides("override", "triangular_solution", ("linalg.solve_triangular", "cholesky_solve"), [
        ("unit-ignored", _CONSTANT, given(unit=False)), ("upper-is-lower", _SWAP, given(upper=lambda c: not c["upper"])),
    ])  # fmt: skip
    yield from overrides("override", "determinant", ("det", "linalg.det"), [("sign-lost", _SWAP, spoiled(np.abs))])
    yield from overrides("override", "inverse_matrix", ("inverse", "linalg.inv"), [
        ("transposed", _AXIS, spoiled(lambda x: x.swapaxes(-1, -2))), ("no-info", "wrong error", spoiled(_zeros, 1)),
    ])  # fmt: skip
    yield from overrides("override", "cholesky_factor", ("linalg.cholesky", "cholesky"), [
        ("upper-left-in", _SWAP, spoiled(lambda x: x + np.triu(np.ones_like(x), 1))), ("no-info", "wrong error",
                                                                                     spoiled(_zeros, 1)),
    ])  # fmt: skip
    yield from overrides("override", "hermitian_eigen", ("linalg.eigh", "linalg.eigvalsh"), [
        ("largest-first", _TIES, lambda c: [each[..., ::-1] for each in c.right()]),
        ("triangle-ignored", _SWAP, given(upper=lambda c: not c["upper"])),
    ])  # fmt: skip
    yield from overrides("override", "cdist", ("cdist",), [
        ("power-ignored", _CONSTANT, given(p=2.0)), ("operands-exchanged", _SWAP, lambda c: c.right(
            x1=c["x2"], x2=c["x1"]) if c["x1"].shape == c["x2"].shape else [c.right()[0][..., ::-1]]),
    ])  # fmt: skip
    yield from overrides("override", "scatter_extremum", ("scatter_reduce", "index_reduce"), [
        ("largest-is-smallest", _SWAP, given(mode=lambda c: {"max": "min", "min": "max"}.get(c["mode"], c["mode"]))),
    ])  # fmt: skip
    yield from overrides("override", "ctc_rows", (f"{_F}ctc_loss",), [
        ("blank-ignored", _CONSTANT, given(blank=0)), ("lengths-ignored", _TAIL, lambda c: c.right(
            inputs=np.full_like(c["inputs"], c["inputs"].max()))),
    ])  # fmt: skip


def operators() -> Iterator[Operator]:
    """All of this module."""
    for group in (_softmaxes, _norms, _convolutions, _layers, _sorting, _others):
        yield from group()
