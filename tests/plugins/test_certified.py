"""The engines behind the contract pass the conformance suite: a sample of its cases in each run of the tests.

Which cases are in it is a matter of their names only, so a case that was added shifts no other.  All of them is
``hotplug conformance DEVICE``.
"""

from __future__ import annotations

import zlib

import pytest
from devices import needed

from hotplug.conformance import Options, cases
from hotplug.conformance.case import LEVELS, Bench, Case
from hotplug.conformance.runner import run_case

ONE_IN = {"minimal": 6, "opencl:0": 40, "jax:0": 80}
"""JAX compiles a program for each shape, OpenCL one for each key."""
LONG = ("linalg.", "fft.", "interpolate", "upsample", "pool", "cholesky", "sort", "polygamma")
"""Parts of names of ops that are a hundred programs on JAX, so minutes; there, the whole suite runs them."""


def sample(device: str, level: int) -> list[Case]:
    """The cases of a level that a device runs here; all of level 0, more of level 1."""
    one_in = {0: 1, 1: -(-ONE_IN[device] // 4)}.get(level, ONE_IN[device])
    return [
        case
        for case in cases(Options())
        if case.level == level
        and not (device == "jax:0" and any(part in case.op for part in LONG))
        and zlib.crc32(f"{device} {case.name}".encode()) % one_in == 0
    ]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("device", ONE_IN)
def test_a_sample_of_the_suite(device: str, level: int) -> None:
    needed(device)
    chosen = sample(device, level)
    results = [run_case(case, Bench(device)) for case in chosen]
    assert [f"{each.name}: {each.message}" for each in results if each.bad] == []
    passed = sum(each.status == "passed" for each in results)
    assert passed >= 0.9 * len(chosen) > 0, "what a device lacks is the exception"


def test_the_samples_reach_every_family() -> None:
    chosen = [case for device in ONE_IN for level in LEVELS for case in sample(device, level)]
    assert len({case.op for case in chosen}) > 200
    assert {"map", "reduce", "argreduce", "scan", "gather", "scatter", "matmul"} <= {case.op for case in chosen}
