"""The default suite on every device that Hotplug and its example plugins bring, in parts that run beside each other."""

from __future__ import annotations

import os
from typing import Final

import pytest
from devices import ALL, needed

from hotplug.conformance.case import Bench, Case, Options
from hotplug.conformance.runner import run_case
from hotplug.conformance.suite import cases

FULL: Final = os.environ.get("HOTPLUG_FULL_CONFORMANCE") == "1"
LEVELS: Final = {"cpu": 4, "numpy": 4, "minimal": 3, "opencl:0": 4, "jax:0": 3}
"""The highest level that runs here; the minimal example needs level 1 only."""
PARTS: Final = {"cpu": 4, "numpy": 4, "minimal": 4, "opencl:0": 12, "jax:0": 16}
"""Tests for each device: enough to fill two cores, and few enough that processes find their kernels again."""


def part(device: str, number: int) -> tuple[Bench, list[Case]]:
    """Neighbours in the op table stay together: they share kernels."""
    bench = Bench(device, Options(LEVELS[device], full=FULL).on(device))
    every = list(cases(bench.options))
    size = -(-len(every) // PARTS[device])
    return bench, every[number * size : (number + 1) * size]


@pytest.mark.parametrize(("device", "number"), [(device, number) for device in ALL for number in range(PARTS[device])])
def test_device_conforms(device: str, number: int) -> None:
    needed(device)
    bench, chosen = part(device, number)
    assert chosen
    results = [run_case(case, bench) for case in chosen]
    bad = [f"{each.name}: {each.message}" for each in results if each.bad]
    assert not bad, f"{len(bad)} of {len(results)} cases fail on {device}:\n" + "\n".join(bad[:10])
    assert any(each.status == "passed" for each in results)
