"""The suite finds bugs: each of these backends is the reference but for one, and must fail where that one is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from planted_backends import BUGS, Bug, Planted

from hotplug import runtime
from hotplug.conformance.case import Bench, Options
from hotplug.conformance.runner import run_case
from hotplug.conformance.suite import cases
from hotplug.plugins import BackendSpec, registry


def failures(family: str) -> Iterator[str]:
    """What fails on the device ``planted`` in level 1, of one family."""
    bench = Bench("planted", Options(level=1, op=family))
    for case in cases(bench.options):
        result = run_case(case, bench)
        if result.bad:
            yield f"{result.name}: {result.message}"


def found(family: str, bug: Bug) -> str:
    """The first failure, or nothing."""
    registry.register(BackendSpec("planted", lambda: Planted(family, bug)))
    try:
        return next(failures(family), "")
    finally:
        registry.unregister("planted")
        runtime._RUNTIMES.pop(("planted", 0), None)


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_found(name: str) -> None:
    family, bug = BUGS[name]
    assert family in found(family, bug), f"{name}: all cases of {family} passed"


@pytest.mark.parametrize("family", sorted({family for family, _ in BUGS.values()}))
def test_without_a_bug_all_cases_pass(family: str) -> None:
    assert found(family, lambda call: call.run(call.outs, call.inputs)) == ""


def test_there_are_many_bugs_and_every_family_has_some() -> None:
    assert len(BUGS) >= 20
    assert {family for family, _ in BUGS.values()} == {
        "map", "reduce", "argreduce", "scan", "gather", "scatter", "matmul"
    }  # fmt: skip
