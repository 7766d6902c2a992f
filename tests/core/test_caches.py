"""Caches keyed by shapes are bounded."""

from __future__ import annotations

import hotplug as hp
from hotplug.caches import Bounded
from hotplug.runtime import runtime_of


def test_a_full_cache_starts_over() -> None:
    cache: Bounded[int, int] = Bounded(3)
    for number in range(7):
        cache[number] = number
        assert len(cache) <= 3
        assert cache[number] == number
    assert cache == {6: 6}


def test_many_shapes_do_not_fill_the_plans() -> None:
    plans = runtime_of("cpu").plans
    limit, plans.limit = plans.limit, len(plans) + 20
    try:
        for size in range(1, 60):
            x = hp.ones(size, requires_grad=True)
            (x * 2 + 1).sum().backward()
            assert x.grad is not None
            assert x.grad.tolist() == [2.0] * size
            assert len(plans) <= plans.limit
    finally:
        plans.limit = limit
