"""Every differentiable op: gradients of first and second order against difference quotients, in float64 on ``numpy``."""

from __future__ import annotations

import os
import zlib

import pytest

from hotplug.conformance import numerical
from hotplug.conformance.exemptions import EXEMPT, UNCONFIRMED
from hotplug.declare import OPS

PARTS = 24
"""Tests that the ops are spread over: one for each op would cost more than what it runs."""
PLACES = 1 << 30 if os.environ.get("HOTPLUG_FULL_CONFORMANCE") == "1" else 2
"""Samples of each op and kind of dtype."""


def part(number: int) -> list[str]:
    """The ops of one test, the same whichever ops there are beside them."""
    return [name for name in OPS if zlib.crc32(name.encode()) % PARTS == number]


@pytest.mark.parametrize("number", range(PARTS))
def test_gradients_agree_with_difference_quotients(number: int) -> None:
    """And no op that has a derivative is left out without a reason."""
    forgotten = []
    for name in part(number):
        if name in UNCONFIRMED or name in EXEMPT:
            continue
        confirmed = 0
        for sample, probe in numerical.places(name, PLACES):
            numerical.first_order(name, sample, probe)
            numerical.second_order(name, sample, probe)
            confirmed += 1
        if not confirmed and numerical.differentiable(name):
            forgotten.append(name)
    assert not forgotten, (
        f"differentiable, but confirmed nowhere: {forgotten}; give samples, or a reason in UNCONFIRMED"
    )


def test_exempt_ops_exist_and_have_reasons() -> None:
    assert [name for name in UNCONFIRMED if name not in OPS] == []
    assert [name for name in EXEMPT if name not in OPS] == []
    assert all(" " in reason for reason in (*UNCONFIRMED.values(), *EXEMPT.values()))
