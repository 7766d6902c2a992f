"""Kernels for arrays of more than 2**31 elements count in 64 bits; here they run on small ones, and compile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import hotplug as hp
from hotplug import dispatch
from hotplug.backends.cuda.compile_check import complaints
from hotplug.backends.cuda.header import HEADER
from hotplug.runtime import Runtime

OPS: tuple[Callable[[Any], Any], ...] = (
    lambda x: x * 2 + 1,
    lambda x: x.transpose(0, 2) + x.transpose(0, 2).flip(1),
    lambda x: x.sum(),
    lambda x: x.sum((0, 2)),
    lambda x: x.transpose(0, 1).amax(0),
    lambda x: x.argmin(1),
    lambda x: x.reshape(-1).cumsum(0),
    lambda x: x.cumsum(0),
    lambda x: x.index_select(1, hp.tensor([2, 0, 2], device=x.device)),
    lambda x: hp.zeros_like(x).scatter_add(2, (x.long() * 7).remainder(9), x),
    lambda x: x @ x.transpose(1, 2),
)


@pytest.fixture
def wide(emulated: Runtime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """The emulated device, all of whose kernels count in 64 bits."""
    monkeypatch.setattr(dispatch, "needs_index64", lambda layouts: True)
    emulated._kernels.clear()
    emulated.plans.clear()
    yield emulated
    emulated._kernels.clear()
    emulated.plans.clear()


def test_families_that_count_in_64_bits(wide: Runtime, nvrtc: Any) -> None:
    values = (hp.arange(4 * 5 * 9, dtype=hp.float32).reshape(4, 5, 9) * 5).remainder(17)
    for op in OPS:
        assert op(values.to("cuda-emulated:0")).tolist() == op(values).tolist()
    families = {key.name for key in wide._kernels if key.index64}
    assert families == {"map", "reduce", "argreduce", "scan", "gather", "scatter", "matmul"}
    modules = wide.backend.device(0)._modules  # type: ignore[attr-defined]
    sources = {HEADER + text: "wide" for text in modules if "hp_i64 w[" in text}
    assert len(sources) > 8
    assert not list(complaints(sources, ("sm_90",)))
