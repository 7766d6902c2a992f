"""The emulated device passes the conformance suite: all of levels 0 and 1, and a share of the others.

``hotplug conformance cuda-emulated:0`` runs the default suite; here one case in SHARE of its levels 2 and up.
"""

from __future__ import annotations

import pytest

from hotplug.backends.cuda.emulator.compiler import Compiler
from hotplug.backends.cuda.recorder import chosen, sources_of
from hotplug.conformance.case import Bench, Case, Options
from hotplug.conformance.runner import run_case
from hotplug.runtime import Runtime

SHARE = 12
PARTS = 4


@pytest.fixture(scope="module")
def compiled(emulated: Runtime) -> list[Case]:
    """The cases, whose kernels are compiled many at once."""
    Compiler().prepare(sources_of(Options(), SHARE))
    return chosen(Options(), SHARE)


@pytest.mark.parametrize("part", range(PARTS))
def test_the_emulated_device_conforms(compiled: list[Case], part: int) -> None:
    bench = Bench("cuda-emulated:0", Options())
    results = [run_case(case, bench) for case in compiled[part::PARTS]]
    assert len(results) > 100
    bad = [f"{each.name}: {each.message}" for each in results if each.bad]
    assert not bad, f"{len(bad)} of {len(results)} cases fail:\n" + "\n".join(bad[:10])
    assert sum(each.status == "passed" for each in results) > 100
