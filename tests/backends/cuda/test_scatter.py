"""Scatter with atomics gives what scatter in order gives: integers and extrema by default, floating sums if asked for."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import hotplug as hp
from hotplug.runtime import Runtime

KINDS = ("uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["amax", "amin", "sum", "prod"])
def test_long_lines(emulated: Runtime, kind: str, mode: str) -> None:
    rng = np.random.default_rng(0)
    index, values = rng.integers(0, 70, 300), rng.integers(1, 4, 300)
    found = []
    for device in ("cuda-emulated:0", "numpy"):
        start = hp.ones(71, device=device).to(getattr(hp, kind))
        source = hp.tensor(values, device=device).to(start.dtype)
        found.append(start.scatter_reduce(0, hp.tensor(index, device=device), source, mode).tolist())
    assert found[0] == found[1]


ATOMIC = """
import hotplug as hp
x = hp.zeros(5, device="cuda-emulated:0")
x.index_add_(0, hp.arange(400, device=x.device) % 5, hp.ones(400, device=x.device))
assert x.tolist() == [80.0] * 5
h = hp.zeros(3, device=x.device, dtype=hp.float16)
h.index_add_(0, hp.tensor([2, 2, 0], device=x.device), hp.ones(3, device=x.device).half())
assert h.tolist() == [1.0, 0.0, 2.0]
hp.use_deterministic_algorithms(True)
try:
    x.index_add_(0, hp.tensor([1], device=x.device), hp.ones(1, device=x.device))
except RuntimeError as error:
    print(error)
"""


def test_floating_sums_with_atomics_are_refused_where_bits_must_agree(emulated: Runtime) -> None:
    settings = os.environ | {"HOTPLUG_CUDA_SCATTER": "atomic"}
    ended = subprocess.run([sys.executable, "-c", ATOMIC], capture_output=True, text=True, check=False, env=settings)
    assert ended.returncode == 0, ended.stderr
    assert "determinis" in ended.stdout
