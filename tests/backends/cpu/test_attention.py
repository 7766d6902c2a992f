"""Attention in tiles, forward and backward, against the reference in float64."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from compiled_tier import NEAR, agree, forced, quick, values
from hypothesis import given, strategies as st

import hotplug as hp

F: Any = hp.nn.functional
attention = F.scaled_dot_product_attention


@pytest.fixture(autouse=True, scope="module")
def _compiled() -> Iterator[None]:
    with forced("compiled"):
        yield


@quick
@given(
    batch=st.lists(st.integers(1, 3), max_size=2), queries=st.integers(1, 100), keys=st.integers(1, 150),
    width=st.integers(1, 70), wide=st.integers(1, 40), causal=st.booleans(),
    layout=st.sampled_from(["plain", "turned", "gaps"]),
)  # fmt: skip
def test_attention(
    batch: list[int], queries: int, keys: int, width: int, wide: int, causal: bool, layout: str
) -> None:  # fmt: skip
    inputs = [values((*batch, queries, width), 1), values((*batch, keys, width), 2), values((*batch, keys, wide), 3)]
    agree(lambda q, k, v: attention(q, k, v, is_causal=causal), inputs, NEAR, layout, terms=10.0)


@pytest.mark.parametrize("shape", [(70, 90), (2, 1, 70, 90), (2, 1, 1, 90), (1, 3, 70, 1), (90,)])
@pytest.mark.parametrize("kind", ["bool", "float32"])
def test_masks(shape: tuple[int, ...], kind: str) -> None:
    inputs = [values((2, 3, 70, 16), 1), values((2, 3, 90, 16), 2), values((2, 3, 90, 24), 3)]
    mask = values(shape, 4)
    device_of = lambda t, m: hp.tensor(m, device=t.device)  # noqa: E731
    if kind == "bool":
        mask = mask > 0
    if len(shape) == 1:
        mask = mask.reshape(1, -1)

    def run(q: Any, k: Any, v: Any) -> Any:
        given_ = device_of(q, mask)
        return attention(q, k, v, attn_mask=given_ if kind == "bool" else given_.to(q.dtype))

    agree(run, inputs, NEAR, terms=10.0)


def test_a_query_that_attends_to_nothing() -> None:
    mask = np.ones((40, 100), bool)
    mask[3], mask[5, :70], mask[7, 64:] = False, False, False
    inputs = [values((40, 16), 1), values((100, 16), 2), values((100, 16), 3)]
    agree(lambda q, k, v: attention(q, k, v, attn_mask=hp.tensor(mask, device=q.device)), inputs, NEAR, terms=10.0)
    found = attention(*(hp.tensor(each, device="cpu") for each in inputs), attn_mask=hp.tensor(mask, device="cpu"))
    assert (found[3] == 0).all().item()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_infinities_and_nan(bad: float) -> None:
    arrays = [values((50, 16), 1), values((100, 16), 2), values((100, 16), 3)]
    arrays[0][7, 3] = bad
    found, goal = (
        attention(*(hp.tensor(x, device=device) for x in arrays)).cpu().numpy() for device in ("cpu", "numpy")
    )
    np.testing.assert_array_equal(np.isnan(found), np.isnan(goal))
    np.testing.assert_allclose(found, goal, atol=1e-5)


def test_keys_shared_by_the_batch() -> None:
    inputs = [values((2, 3, 40, 16), 1), values((3, 50, 16), 2), values((1, 50, 16), 3)]
    agree(attention, inputs, NEAR, terms=30.0)


@pytest.mark.parametrize("kind", [hp.float16, hp.bfloat16])
def test_half_types(kind: Any) -> None:
    inputs = [hp.tensor(values((2, 40, 16), i), device="cpu").to(kind) for i in range(3)]
    assert attention(*inputs).equal(attention(*(each.float() for each in inputs)).to(kind))


def test_nothing_of_the_size_of_all_scores_is_kept() -> None:
    q, k, v = (hp.tensor(values((4096, 8), i), device="cpu").requires_grad_() for i in range(3))
    hp.reset_peak_memory_stats("cpu")
    before = hp.memory_allocated("cpu")
    attention(q, k, v, is_causal=True).sum().backward()
    assert hp.max_memory_allocated("cpu") - before < 4096 * 4096  # bytes: a quarter of the scores


def test_sizes_of_nothing() -> None:
    q = hp.zeros((2, 0, 4), device="cpu")
    assert attention(q, hp.zeros((2, 5, 4), device="cpu"), hp.zeros((2, 5, 3), device="cpu")).shape == (2, 0, 3)
    none = attention(
        hp.ones((2, 3, 4), device="cpu"), hp.zeros((2, 0, 4), device="cpu"), hp.zeros((2, 0, 3), device="cpu")
    )
    assert none.equal(hp.zeros((2, 3, 3), device="cpu"))
