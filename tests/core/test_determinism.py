"""Deterministic algorithms on request: what a device says of its scatter decides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from devices import ALL, needed

import hotplug as hp
from hotplug.backend import Capabilities
from hotplug.backends.decorators.forwarding import Forwarding
from hotplug.determinism import NotDeterministicError, NotDeterministicWarning
from hotplug.errors import ArgumentError
from hotplug.plugins import BackendSpec, registry


class Unordered(Forwarding):
    """The reference, saying that its scatter has no order."""

    name = "unordered"

    def capabilities(self, index: int) -> Capabilities:
        return replace(self.inner.capabilities(index), deterministic_scatter=False)


@pytest.fixture
def device() -> Iterator[str]:
    registry.register(BackendSpec("unordered", lambda: Unordered(registry.backend("numpy"))))
    yield "unordered"
    hp.use_deterministic_algorithms(False)
    registry.unregister("unordered")


def added(device: str, dtype: hp.dtype = hp.float32) -> list[float]:
    index = hp.tensor([0, 1, 0], device=device)
    return hp.zeros(2, device=device, dtype=dtype).index_add(0, index, hp.ones(3, device=device, dtype=dtype)).tolist()


def test_refused_where_the_order_may_change(device: str) -> None:
    assert added(device) == [2, 1]
    hp.use_deterministic_algorithms(True)
    assert hp.are_deterministic_algorithms_enabled()
    with pytest.raises(NotDeterministicError, match="index_add.*'unordered:0'.*warn_only"):
        added(device)
    assert added(device, hp.int64) == [2, 1]  # the sum of integers knows no order
    table = hp.ones(2, 3, device=device, requires_grad=True)
    with pytest.raises(NotDeterministicError):
        table[hp.tensor([0, 0], device=device)].sum().backward()
    index, ones = hp.tensor([0, 0], device=device), hp.ones(2, device=device)
    assert hp.zeros(2, device=device).scatter_reduce(0, index, ones, "amax").tolist() == [1, 0]


def test_warned_of(device: str) -> None:
    hp.use_deterministic_algorithms(True, warn_only=True)
    assert hp.is_deterministic_algorithms_warn_only_enabled()
    with pytest.warns(NotDeterministicWarning, match="unordered"):
        assert added(device) == [2, 1]
    hp.use_deterministic_algorithms(False)
    assert added(device) == [2, 1]


@pytest.mark.parametrize("name", ALL)
def test_the_devices_that_come_with_it_are(device: str, name: str) -> None:
    needed(name)
    hp.use_deterministic_algorithms(True)
    assert added(name) == [2, 1]


def test_debug_modes(device: str) -> None:
    for given, number in (("warn", 1), ("error", 2), (1, 1), ("default", 0), (0, 0)):
        hp.set_deterministic_debug_mode(given)
        assert hp.get_deterministic_debug_mode() == number
    with pytest.raises(ArgumentError, match="'loud'"):
        hp.set_deterministic_debug_mode("loud")
