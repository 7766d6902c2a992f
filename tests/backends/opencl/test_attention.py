"""Attention in tiles, for processors and for GPUs, against the reference in float64."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from opencl_forms import FORMS, agree, form_of, used

import hotplug as hp
from hotplug.runtime import Runtime

F: Any = hp.nn.functional
NAME = "scaled_dot_product_attention"
attend = F.scaled_dot_product_attention


@pytest.fixture(scope="module", params=FORMS)
def form(request: pytest.FixtureRequest) -> Iterator[Runtime]:
    with form_of(request.param) as runtime:
        yield runtime


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    ("queries", "keys", "depth", "width"),
    [(5, 5, 8, 8), (70, 70, 40, 70), (1, 100, 16, 3), (65, 33, 17, 64), (33, 150, 64, 200)],
)
def test_attention(form: Runtime, queries: int, keys: int, depth: int, width: int, causal: bool) -> None:
    shapes = [(2, 3, queries, depth), (2, 3, keys, depth), (2, 3, keys, width)]
    agree(NAME, lambda q, k, v: attend(q, k, v, is_causal=causal, scale=0.3), shapes)
    assert used(form, "attention", "attention_backward")


def test_attention_of_views_and_of_shared_heads(form: Runtime) -> None:
    def turned(q: Any, k: Any, v: Any) -> Any:
        return attend(*(each.transpose(1, 2) for each in (q, k, v)))

    agree(NAME, turned, [(2, 40, 3, 8), (2, 35, 3, 8), (2, 35, 3, 8)])
    agree(NAME, attend, [(4, 2, 10, 8), (2, 12, 8), (1, 1, 12, 8)])
    agree(NAME, lambda q, k, v: attend(q, k, v, enable_gqa=True), [(2, 4, 5, 4), (2, 2, 6, 4), (2, 2, 6, 4)])
    agree(NAME, attend, [(9, 4), (3, 9, 4), (9, 4)], hp.float64)


def test_attention_with_masks(form: Runtime) -> None:
    allowed = np.arange(40 * 80).reshape(40, 80) % 3 > 0
    allowed[7] = False  # a query that may attend to nothing
    added = np.where(allowed, 0.5, -np.inf).astype(np.float32)
    for mask in (allowed, added, allowed[None, None, :1]):

        def masked(q: Any, k: Any, v: Any, mask: Any = mask) -> Any:
            given = hp.tensor(mask, device=q.device)
            return attend(q, k, v, given if mask.dtype == bool else given.to(q.dtype))

        agree(NAME, masked, [(2, 2, 40, 8), (2, 2, 80, 8), (2, 2, 80, 8)])


@pytest.mark.parametrize("kind", [hp.float16, hp.bfloat16])
def test_attention_of_half_types(form: Runtime, kind: Any) -> None:
    agree(NAME, attend, [(2, 20, 8), (2, 30, 8), (2, 30, 8)], kind)


def test_attention_without_keys_or_queries(form: Runtime) -> None:
    empty = hp.zeros(2, 0, 8, device="opencl:0")
    some = hp.ones(2, 5, 8, device="opencl:0")
    assert attend(some, empty, empty).tolist() == [[[0.0] * 8] * 5] * 2
    assert attend(empty, some, some).shape == (2, 0, 8)
