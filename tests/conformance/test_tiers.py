"""The suite on the device cpu with each tier forced: what is small in tests is served by NumPy's kernels otherwise."""

from __future__ import annotations

import os
import zlib
from typing import Final

import pytest
from compiled_tier import forced

from hotplug.conformance.case import Bench, Options
from hotplug.conformance.runner import run_case
from hotplug.conformance.suite import cases

EVERY: Final = 1 if os.environ.get("HOTPLUG_FULL_CONFORMANCE") == "1" else 5
"""Of the default run's cases every so many is taken: each needs kernels that are compiled for it."""
PARTS: Final = 8


@pytest.mark.parametrize("number", range(PARTS))
@pytest.mark.parametrize("tier", ["compiled", "numpy"])
def test_each_tier_conforms(tier: str, number: int) -> None:
    bench = Bench("cpu", Options(3).on("cpu"))
    chosen = [case for case in cases(bench.options) if zlib.crc32(case.name.encode()) % EVERY == 0]
    size = -(-len(chosen) // PARTS)
    with forced(tier):
        results = [run_case(case, bench) for case in chosen[number * size : (number + 1) * size]]
    assert results
    bad = [f"{each.name}: {each.message}" for each in results if each.bad]
    assert not bad, f"{len(bad)} of {len(results)} cases fail in the tier {tier}:\n" + "\n".join(bad[:10])
