"""Hand-written kernels of whole composites against the reference, at sizes that meet each of their branches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import hotplug as hp
from hotplug.nn import functional as F
from hotplug.runtime import Runtime

LENGTHS = (1, 3, 16, 33, 512, 700, 4097, 9000)
"""One thread, a warp or a block for a row, whose elements stay in registers or not."""


def agree(make: Callable[..., Any], *shapes: tuple[int, ...], dtype: Any = hp.float32, limit: float = 3e-6) -> None:
    """Outputs and gradients on the emulated device, and on the reference in float64."""
    rng = np.random.default_rng(len(shapes))
    arrays = [rng.standard_normal(shape) for shape in shapes]
    found = []
    for device, kind in (("cuda-emulated:0", dtype), ("numpy", hp.float64)):
        given = [hp.tensor(each.astype(np.float32)).to(kind).to(device).requires_grad_() for each in arrays]
        out = make(*given)
        weight = hp.tensor(np.cos(np.arange(out.numel())).astype(np.float32)).to(kind).to(device).reshape(out.shape)
        (out * weight).sum().backward()
        found.append([each.detach().cpu().double().numpy() for each in (out, *(x.grad for x in given))])
    for actual, expected in zip(*found, strict=True):
        scale = max(1.0, float(np.abs(expected).max()))
        np.testing.assert_allclose(actual / scale, expected / scale, rtol=0, atol=limit)


def used(runtime: Runtime, name: str) -> bool:
    """Whether the device has run its own kernel of a composite."""
    return any(key.name == name and kernel is not None for key, kernel in runtime._kernels.items())


@pytest.mark.parametrize("length", LENGTHS)
def test_softmax_of_every_length(emulated: Runtime, length: int) -> None:
    agree(lambda x: F.softmax(x, -1), (5, length))
    agree(lambda x: F.log_softmax(x, -1), (5, length))
    assert used(emulated, "softmax")
    assert used(emulated, "log_softmax_backward")


@pytest.mark.parametrize("dim", [0, 1, 2])
def test_softmax_along_every_axis(emulated: Runtime, dim: int) -> None:
    agree(lambda x: F.softmax(x, dim), (7, 40, 6))
    agree(lambda x: F.softmax(x, dim), (7, 40, 6), dtype=hp.float64, limit=1e-14)


def test_softmax_of_infinities(emulated: Runtime) -> None:
    x = hp.tensor([[0.0, -float("inf"), 1.0], [-float("inf")] * 3], device="cuda-emulated:0")
    found = F.softmax(x, 1).tolist()
    assert found[0] == pytest.approx([0.26894142, 0.0, 0.73105858])
    assert all(each != each for each in found[1])


@pytest.mark.parametrize("length", LENGTHS)
def test_layer_norm_of_every_length(emulated: Runtime, length: int) -> None:
    limit = 1e-5 if length > 3 else 3e-4  # few elements: the deviation may be tiny
    agree(lambda x, w, b: F.layer_norm(x, (length,), w, b), (9, length), (length,), (length,), limit=limit)
    assert used(emulated, "standardize")
    assert used(emulated, "standardize_backward")


def test_layer_norm_without_parameters_and_over_two_axes(emulated: Runtime) -> None:
    agree(lambda x: F.layer_norm(x, (6, 10)), (4, 3, 6, 10), limit=1e-5)
    agree(lambda x, w: F.layer_norm(x, (6, 10), w), (70, 6, 10), (6, 10), limit=1e-5)
    agree(lambda x, w: F.rms_norm(x, (50,), w), (8, 50), (50,), limit=1e-5)


@pytest.mark.parametrize("shape", [(40, 3), (4, 5, 6, 7), (300, 2), (2, 300, 3)])
def test_batch_norm(emulated: Runtime, shape: tuple[int, ...]) -> None:
    agree(lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True), shape, shape[1:2], shape[1:2], limit=2e-5)


def test_group_norm(emulated: Runtime) -> None:
    agree(lambda x, w, b: F.group_norm(x, 3, w, b), (4, 6, 5, 5), (6,), (6,), limit=1e-5)


@pytest.mark.parametrize("classes", [2, 10, 600, 5000])
def test_cross_entropy(emulated: Runtime, classes: int) -> None:
    target = np.arange(7) * 37 % classes
    target[3] = -100
    agree(lambda x: F.cross_entropy(x, hp.tensor(target, device=x.device), reduction="none"), (7, classes))
    assert used(emulated, "cross_entropy_rows")
    assert used(emulated, "cross_entropy_rows_backward")


def test_gradients_that_are_one_number_for_all(emulated: Runtime) -> None:
    """Behind a sum or a mean the incoming gradient is expanded: its memory is one element."""
    for op, *shapes in (
        (lambda x: F.cross_entropy(x, hp.tensor([1, 2, 0], device=x.device)), (3, 4)),
        (lambda x: F.cross_entropy(x, hp.tensor([1, 2, 0], device=x.device), reduction="sum"), (3, 4)),
        (lambda x, w: F.layer_norm(x, (40,), w).sum(), (70, 40), (40,)),
        (lambda x: (F.softmax(x, 1) ** 2).sum(), (5, 6)),
        (lambda x: F.log_softmax(x, 1).sum(), (5, 6)),
        (lambda x, w: F.conv2d(x, w).sum(), (2, 3, 5, 5), (4, 3, 2, 2)),
        (lambda q, k, v: F.scaled_dot_product_attention(q, k, v).sum(), (2, 5, 4), (2, 6, 4), (2, 6, 4)),
    ):
        agree(lambda *given, op=op: op(*given).reshape(1), *shapes, limit=2e-5)


def test_cross_entropy_of_planes(emulated: Runtime) -> None:
    target = np.arange(2 * 4 * 5).reshape(2, 4, 5) % 6
    agree(lambda x: F.cross_entropy(x, hp.tensor(target, device=x.device)), (2, 6, 4, 5))


def test_a_class_out_of_range_is_an_error_of_the_next_read(emulated: Runtime) -> None:
    x = hp.zeros(2, 3, device="cuda-emulated:0")
    loss = F.cross_entropy(x, hp.tensor([0, 5], device="cuda-emulated:0"))
    with pytest.raises(
        hp.errors.IndexRangeError, match="cross_entropy: index 5 is out of bounds for an axis of size 3"
    ):
        loss.item()
    assert F.cross_entropy(x, hp.tensor([0, 1], device="cuda-emulated:0")).item() == pytest.approx(1.0986123)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_an_optimizer_steps_all_parameters_in_one_launch(emulated: Runtime, name: str) -> None:
    shapes = [(5000,), (3, 7), (1,), (64, 33), (0,)]
    results = []
    for device in ("cuda-emulated:0", "numpy"):
        params = [hp.ones(*shape, device=device).mul_(0.5 + n).requires_grad_() for n, shape in enumerate(shapes)]
        options = {"momentum": 0.9} if name == "SGD" else {}
        optimizer = getattr(hp.optim, name)(params, lr=0.1, weight_decay=0.01, **options)
        for step in range(3):
            for n, param in enumerate(params):
                param.grad = (
                    (hp.arange(param.numel(), device=device, dtype=hp.float32) * (n - step)).sin().reshape(param.shape)
                )
            optimizer.step()
        results.append([each.detach().cpu().numpy() for each in params])
    for actual, expected in zip(*results, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=3e-6, atol=1e-6)
    assert any(key.name.endswith("_of_list") and kernel is not None for key, kernel in emulated._kernels.items())


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    ("queries", "keys", "depth", "width"), [(5, 5, 8, 8), (70, 70, 40, 70), (1, 100, 16, 3), (65, 33, 17, 64)]
)
def test_attention(emulated: Runtime, queries: int, keys: int, depth: int, width: int, causal: bool) -> None:
    shapes = [(2, 3, queries, depth), (2, 3, keys, depth), (2, 3, keys, width)]
    agree(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=causal), *shapes, limit=1e-5)
    assert used(emulated, "attention")
    assert used(emulated, "attention_backward")


def test_attention_of_views_and_of_shared_heads(emulated: Runtime) -> None:
    def turned(q: Any, k: Any, v: Any) -> Any:
        return F.scaled_dot_product_attention(*(each.transpose(1, 2) for each in (q, k, v)))

    agree(turned, (2, 40, 3, 8), (2, 35, 3, 8), (2, 35, 3, 8), limit=1e-5)
    agree(F.scaled_dot_product_attention, (4, 2, 10, 8), (2, 12, 8), (1, 1, 12, 8), limit=1e-5)
    agree(F.scaled_dot_product_attention, (9, 4), (3, 9, 4), (9, 4), dtype=hp.float64, limit=1e-14)


def test_attention_with_masks(emulated: Runtime) -> None:
    allowed = np.arange(40 * 50).reshape(40, 50) % 3 > 0
    allowed[7] = False  # a query that may attend to nothing
    added = np.where(allowed, 0.5, -np.inf).astype(np.float32)
    for mask in (allowed, added, allowed[None, None, :1]):
        agree(
            lambda q, k, v, mask=mask: F.scaled_dot_product_attention(
                q, k, v, hp.tensor(mask, device=q.device).to(q.dtype if mask.dtype != bool else hp.bool)
            ),
            (2, 2, 40, 8), (2, 2, 50, 8), (2, 2, 50, 8), limit=1e-5,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("rank", "input", "weight", "options"),
    [
        (1, (2, 3, 20), (4, 3, 5), {"stride": 2, "padding": 2}),
        (2, (2, 4, 9, 8), (6, 2, 3, 3), {"groups": 2, "padding": 1}),
        (2, (3, 5, 11, 12), (70, 5, 3, 2), {"stride": (2, 3), "padding": (1, 0), "dilation": (2, 1)}),
        (2, (1, 8, 6, 6), (8, 1, 3, 3), {"groups": 8}),
        (3, (1, 2, 5, 6, 7), (3, 2, 2, 3, 2), {"padding": (1, 0, 1), "stride": (1, 2, 1)}),
    ],
)
def test_convolution(
    emulated: Runtime, rank: int, input: tuple[int, ...], weight: tuple[int, ...], options: Any
) -> None:
    op = getattr(F, f"conv{rank}d")
    agree(lambda x, w, b: op(x, w, b, **options), input, weight, weight[:1], limit=1e-5)
    agree(lambda x, w: op(x, w, **options), input, weight, dtype=hp.float64, limit=1e-14)
    turned = getattr(F, f"conv_transpose{rank}d")
    fitting = (input[0], weight[0], *input[2:])
    agree(lambda x, w: turned(x, w, **options), fitting, weight, limit=2e-5)
    for name in ("convolution", "convolution_input_backward", "convolution_weight_backward"):
        assert used(emulated, name)


@pytest.mark.parametrize(
    ("rank", "shape", "kernel", "options"),
    [
        (1, (2, 3, 11), 3, {"stride": 2, "padding": 1}),
        (2, (2, 3, 9, 8), (3, 2), {"stride": (2, 1), "padding": (1, 1), "ceil_mode": True}),
        (2, (1, 2, 300, 5), 2, {}),
        (3, (1, 2, 5, 6, 7), 2, {"stride": (1, 2, 2), "padding": 1}),
    ],
)
def test_pooling(emulated: Runtime, rank: int, shape: tuple[int, ...], kernel: Any, options: Any) -> None:
    agree(lambda x: getattr(F, f"max_pool{rank}d")(x, kernel, **options), shape)
    for include in (True, False):
        agree(
            lambda x, include=include: getattr(F, f"avg_pool{rank}d")(x, kernel, count_include_pad=include, **options),
            shape,
        )
    if rank > 1:
        agree(lambda x: getattr(F, f"avg_pool{rank}d")(x, kernel, divisor_override=3, **options), shape)
    for name in ("max_pool", "avg_pool", "avg_pool_backward"):
        assert used(emulated, name)


def test_which_of_several_extrema_a_window_takes(emulated: Runtime) -> None:
    nan, least = float("nan"), -float("inf")
    rows = [[1.0, 5.0, 5.0, 2.0], [nan, 3.0, nan, 1.0], [least, least, least, least]]
    for device in ("cuda-emulated:0", "numpy"):
        values, place = F.max_pool1d(hp.tensor([rows], device=device), 4, return_indices=True)
        assert place.tolist() == [[[1], [2], [0]]]
        assert str(values.tolist()) == "[[[5.0], [nan], [-inf]]]"
    assert F.max_pool2d(hp.arange(16, device="cuda-emulated:0").reshape(1, 4, 4), 2).tolist() == [[[5, 7], [13, 15]]]
