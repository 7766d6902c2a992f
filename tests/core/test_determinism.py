"""Deterministic algorithms on request: what a device says of its scatter decides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from devices import ALL, needed

import hotplug as hp
from hotplug.backend import Capabilities
from hotplug.backends.decorators.forwarding import Forwarding
from hotplug.determinism import NotDeterministicError, NotDeterministicWarning
from hotplug.errors import ArgumentError, ArgumentTypeError
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
    with pytest.raises(NotDeterministicError, match="^index_add.*'unordered:0'.*warn_only"):
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


CALLS: dict[str, Any] = {
    "scatter_add": lambda x, i, s: x.scatter_add(0, i, s),
    "scatter_add_": lambda x, i, s: x.scatter_add_(0, i, s),
    "index_add": lambda x, i, s: x.index_add(0, i, s),
    "index_put": lambda x, i, s: x.index_put((i,), s, accumulate=True),
    "scatter_reduce": lambda x, i, s: x.scatter_reduce(0, i, s, "sum"),
    "scatter": lambda x, i, s: hp.scatter(x, 0, i, s, reduce="multiply"),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtype", [hp.float32, hp.complex64])
def test_the_message_names_the_op(device: str, name: str, dtype: hp.dtype) -> None:
    if dtype is hp.complex64 and name in ("scatter", "scatter_reduce"):
        dtype = hp.float64  # they multiply and reduce real numbers only
    x, index = hp.zeros(2, device=device, dtype=dtype), hp.tensor([0, 1, 0], device=device)
    hp.use_deterministic_algorithms(True)
    with pytest.raises(NotDeterministicError) as caught:
        CALLS[name](x, index, hp.ones(3, device=device, dtype=dtype))
    assert str(caught.value).startswith(f"{name} (a scatter with mode ")
    assert x.tolist() == [0, 0]


def test_a_backward_pass_goes_by_the_name_of_its_node(device: str) -> None:
    x = hp.zeros(2, device=device, requires_grad=True)
    y = x.gather(0, hp.tensor([0, 0], device=device)).sum()
    hp.use_deterministic_algorithms(True)
    with pytest.raises(NotDeterministicError, match=r"^\w+Backward \(a scatter"):
        y.backward()


def test_wrong_types(device: str) -> None:
    given: Any
    for given in ({"mode": 1}, {"mode": "on"}, {"mode": True, "warn_only": 1}):
        with pytest.raises(ArgumentTypeError, match="must be a bool"):
            hp.use_deterministic_algorithms(**given)
    for given in (None, 1.0):
        with pytest.raises(ArgumentTypeError, match="int or a str"):
            hp.set_deterministic_debug_mode(given)
    with pytest.raises(ArgumentError, match="got 5"):
        hp.set_deterministic_debug_mode(5)
    assert hp.get_deterministic_debug_mode() == 0
