"""Running values along rows, and along many neighbouring rows at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import hotplug as hp
from hotplug.backends.opencl.scan import scan
from hotplug.conformance.calls import empty, upload
from hotplug.dtypes import float32

RUN: dict[str, Any] = {"sum": np.add, "max": np.maximum}


@settings(max_examples=30, deadline=None)
@given(
    rows=st.sampled_from([1, 3, 17, 40, 530]), length=st.sampled_from([1, 2, 9, 700, 4100]),
    turned=st.booleans(), mode=st.sampled_from(sorted(RUN)),
)  # fmt: skip
def test_every_shape(built: Any, rows: int, length: int, turned: bool, mode: str) -> None:
    x = np.random.default_rng(rows).integers(-9, 9, (rows, length)).astype(np.float32)
    strides = (1, rows) if turned else (length, 1)
    out = empty(built.runtime, float32, (rows, length))
    target = hp.dispatch.move(out, (rows, length), strides) if turned else out
    (found,) = built.family(scan, "scan", [target], [upload(built.runtime, x, strides)], mode=mode)
    np.testing.assert_array_equal(found, RUN[mode].accumulate(x, axis=1))


@pytest.mark.parametrize("dim", [0, 1, 2])
@pytest.mark.parametrize("kind", ["float16", "bfloat16", "int32", "float64"])
def test_along_any_axis(opencl: Any, dim: int, kind: str) -> None:
    x = hp.tensor(np.random.default_rng(0).integers(-3, 4, (5, 20, 33))).to(getattr(hp, kind))
    assert (x.to("opencl:0").cumsum(dim).cpu() == x.cumsum(dim)).all()
    spread = x[:, :1].expand(5, 20, 33)
    assert (spread.to("opencl:0").cumsum(dim).cpu() == spread.cumsum(dim)).all()
