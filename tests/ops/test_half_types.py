"""Half types hold results that fit them, however large the sums on the way."""

from __future__ import annotations

import pytest

import hotplug as hp
from hotplug.nn import functional as f


@pytest.mark.parametrize("dtype", [hp.float16, hp.bfloat16])
@pytest.mark.parametrize("device", ["cpu", "numpy"])
def test_half_types_do_not_overflow_on_the_way(device: str, dtype: hp.dtype) -> None:
    values = hp.full((70_000,), 3.0, dtype=dtype, device=device)
    large = hp.tensor([300.0, -300.0] * 8, dtype=dtype, device=device)
    assert values.mean().item() == 3
    assert (values * 20000).mean().item() == (hp.tensor(3.0, dtype=dtype) * 20000).item()
    assert large.std(correction=0).item() == 300
    assert large.norm().item() == 1200
    assert large.mean().dtype is large.std().dtype is large.norm().dtype is dtype
    assert f.adaptive_avg_pool2d(hp.full((1, 1, 6, 6), 8000.0, dtype=dtype, device=device), 1).item() == 8000
    assert not hp.isinf(f.normalize(large, dim=0)).any()


@pytest.mark.parametrize("device", ["cpu", "numpy"])
def test_a_long_sum_is_exact(device: str) -> None:
    assert hp.ones(10_000_000, device=device).sum().item() == 10_000_000
