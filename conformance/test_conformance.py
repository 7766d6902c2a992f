"""The one test of the suite; :mod:`hotplug.conformance.pytest_plugin` gives it its cases."""

from __future__ import annotations

import pytest

from hotplug.conformance.case import Bench, Case
from hotplug.conformance.runner import run_case


def test_conformance(conformance_bench: Bench, conformance_case: Case) -> None:
    """A case passes, or the device declares that it lacks what the case needs."""
    result = run_case(conformance_case, conformance_bench)
    if result.status == "unsupported":
        pytest.skip(result.message)
    if result.status == "expected":
        pytest.xfail(result.message)
    assert not result.bad, result.message
