"""Embedding and attention."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from oracle import agree, close, same_error

import hotplug as hp
from hotplug.autograd import gradcheck, gradgradcheck
from hotplug.nn import functional as F

INDEX = [[0, 2, 2], [4, 1, 0]]
MASK = np.tril(np.ones((4, 6)), 1).astype(bool)


@pytest.mark.parity
def test_embedding(torch: ModuleType) -> None:
    agree(torch, lambda t, F, w: F.embedding(t.tensor(INDEX), w), (5, 3))
    agree(torch, lambda t, F, w: F.embedding(t.tensor(2), w), (5, 3))
    agree(torch, lambda t, F, w: F.embedding(t.tensor(INDEX, dtype=t.int32), w, padding_idx=-3), (5, 3))
    agree(torch, lambda t, F, w: F.embedding(t.tensor(INDEX), w, scale_grad_by_freq=True), (5, 3), order=1)


@pytest.mark.parity
@pytest.mark.parametrize("norm", [1.0, 2.0])
def test_embedding_with_a_largest_norm(torch: ModuleType, norm: float) -> None:
    def program(t: Any, F: Any, w: Any) -> Any:
        own = w.detach().clone()
        return F.embedding(t.tensor([[0, 2]]), own, max_norm=1.0, norm_type=norm), own

    agree(torch, program, (5, 3), order=0)


def test_the_padding_row_gets_no_gradient() -> None:
    w = hp.ones(4, 2, requires_grad=True)
    F.embedding(hp.tensor([1, 2, 1]), w, padding_idx=1).sum().backward()
    assert w.grad is not None
    assert w.grad.tolist() == [[0, 0], [0, 0], [1, 1], [0, 0]]


@pytest.mark.parity
@pytest.mark.parametrize("options", [{}, {"is_causal": True}, {"scale": 0.3}], ids=str)
def test_attention(torch: ModuleType, options: dict[str, Any]) -> None:
    def program(_: Any, F: Any, q: Any, k: Any, v: Any) -> Any:
        return F.scaled_dot_product_attention(q, k, v, **options)

    agree(torch, program, (2, 3, 4, 5), (2, 3, 4, 5), (2, 3, 4, 6))


@pytest.mark.parity
def test_masks(torch: ModuleType) -> None:
    shapes = (2, 3, 4, 5), (2, 3, 6, 5), (2, 3, 6, 5)
    agree(
        torch, lambda t, F, q, k, v: F.scaled_dot_product_attention(q, k, v, attn_mask=t.tensor(MASK)), *shapes, order=1
    )
    agree(
        torch, lambda t, F, q, k, v, m: F.scaled_dot_product_attention(q, k, v, attn_mask=m), *shapes, (4, 6), order=1
    )
    nothing = MASK.copy()
    nothing[0] = False
    agree(
        torch, lambda t, F, q, k, v: F.scaled_dot_product_attention(q, k, v, attn_mask=t.tensor(nothing)), *shapes,
        order=1,
    )  # fmt: skip


@pytest.mark.parity
def test_shared_heads(torch: ModuleType) -> None:
    agree(
        torch, lambda t, F, q, k, v: F.scaled_dot_product_attention(q, k, v, enable_gqa=True),
        (2, 4, 4, 5), (2, 2, 6, 5), (2, 2, 6, 5), order=1,
    )  # fmt: skip


@pytest.mark.parity
def test_two_dimensions_and_broadcast_batches(torch: ModuleType) -> None:
    agree(torch, lambda t, F, *parts: F.scaled_dot_product_attention(*parts), (4, 5), (6, 5), (6, 3), order=1)
    agree(
        torch, lambda t, F, *parts: F.scaled_dot_product_attention(*parts),
        (2, 1, 4, 5), (1, 3, 6, 5), (1, 3, 6, 5), order=1,
    )  # fmt: skip


def test_gradients_are_numerical_ones() -> None:
    draw = np.random.default_rng(0)
    q, k, v, m = (hp.tensor(draw.normal(size=s), requires_grad=True) for s in ((2, 3), (4, 3), (4, 2), (2, 4)))
    assert gradcheck(F.scaled_dot_product_attention, (q, k, v, m))
    assert gradgradcheck(F.scaled_dot_product_attention, (q, k, v, m))


def test_dropout_of_shares() -> None:
    q = hp.randn(1, 64, 8, requires_grad=True)
    hp.manual_seed(0)
    found = F.scaled_dot_product_attention(q, q, hp.ones(1, 64, 8), dropout_p=0.5)
    assert abs(found.mean().item() - 1.0) < 0.2
    assert not (found == 1.0).all()
    found.sum().backward()
    assert q.grad is not None


@pytest.mark.parametrize(
    "options",
    [{}, {"is_causal": True}, {"dropout_p": 0.2}, {"attn_mask": True}, {"enable_gqa": True, "is_causal": True}],
    ids=str,
)
def test_nothing_of_the_scores_size_is_kept(options: dict[str, Any]) -> None:
    """Going back needs the inputs, the output and a number a row: allocator statistics show no length x length matrix."""
    length, shared = 512, options.get("enable_gqa", False)
    q, k, v = (hp.randn(1, 1 if shared and number else 2, length, 4, requires_grad=True) for number in range(3))
    if "attn_mask" in options:
        options = {"attn_mask": hp.ones(length, length, dtype=hp.bool).tril()}
    before = hp.memory_allocated()
    out = F.scaled_dot_product_attention(q, k, v, **options)
    assert hp.memory_allocated() - before < 4 * length * length / 8
    out.sum().backward()
    assert hp.memory_allocated() - before < 4 * length * length / 8


def test_dropout_drops_the_same_shares_going_back() -> None:
    draw = np.random.default_rng(0)
    q, k, v = (hp.tensor(draw.normal(size=(3, 2)), requires_grad=True, device="numpy") for _ in range(3))

    def run(*given: Any) -> Any:
        hp.manual_seed(3)
        return F.scaled_dot_product_attention(*given, dropout_p=0.4)

    assert gradcheck(run, (q, k, v))
    assert gradgradcheck(run, (q, k, v))


@pytest.mark.parity
@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_half_types(torch: ModuleType, name: str) -> None:
    values = np.random.default_rng(0).normal(size=(3, 2, 16, 8)).astype(np.float32)
    found = []
    for t, functional in ((hp, F), (torch, torch.nn.functional)):
        q, k, v = t.tensor(values).to(getattr(t, name))
        found.append(functional.scaled_dot_product_attention(q, k, v, is_causal=True).float())
    close(found[0], found[1], name, rtol=2e-2, atol=1e-2)


BAD = {
    "index out of range": lambda t, F: F.embedding(t.tensor([5]), t.zeros(5, 2)),
    "index negative": lambda t, F: F.embedding(t.tensor([-1]), t.zeros(5, 2)),
    "index float": lambda t, F: F.embedding(t.tensor([1.0]), t.zeros(5, 2)),
    "padding": lambda t, F: F.embedding(t.tensor([1]), t.zeros(5, 2), padding_idx=5),
    "weight": lambda t, F: F.embedding(t.tensor([1]), t.zeros(5)),
    "sizes": lambda t, F: F.scaled_dot_product_attention(t.zeros(2, 3), t.zeros(2, 4), t.zeros(2, 3)),
    "lengths": lambda t, F: F.scaled_dot_product_attention(t.zeros(2, 3), t.zeros(2, 3), t.zeros(4, 3)),
    "dtypes": lambda t, F: F.scaled_dot_product_attention(t.zeros(2, 3), t.zeros(2, 3).double(), t.zeros(2, 3)),
    "two masks": lambda t, F: F.scaled_dot_product_attention(
        t.zeros(2, 3), t.zeros(2, 3), t.zeros(2, 3), t.zeros(2, 2), is_causal=True
    ),
    "mask dtype": lambda t, F: F.scaled_dot_product_attention(
        t.zeros(2, 3), t.zeros(2, 3), t.zeros(2, 3), t.zeros(2, 2, dtype=t.int64)
    ),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", BAD)
def test_bad_input(torch: ModuleType, name: str) -> None:
    same_error(torch, BAD[name])
