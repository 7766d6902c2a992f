"""hotplug.nn.functional lists what is declared for it."""

from __future__ import annotations

import pytest

import hotplug as hp
from hotplug.declare import OPS
from hotplug.nn import functional


def test_every_op_of_the_namespace_is_listed() -> None:
    declared = {entry.name for entry in OPS.values() if entry.namespace == "nn.functional"}
    assert declared <= set(functional.__all__)
    for name in functional.__all__:
        assert callable(vars(functional)[name])


def test_an_op_declared_later_is_found() -> None:
    assert functional.exp2 is hp.exp2
    with pytest.raises(AttributeError, match="no attribute 'no_such_op'"):
        functional.no_such_op  # noqa: B018


def test_in_place_forms() -> None:
    x = hp.tensor([-1.0, 2.0])
    for name in ("relu_", "leaky_relu_", "elu_", "celu_", "selu_", "rrelu_", "hardtanh_"):
        assert getattr(functional, name)(x) is x
    assert functional.threshold_(x, 1.5, 0.0).tolist() == [0.0, 0.0]


def test_pooling_with_positions() -> None:
    x = hp.tensor([[[1.0, 3.0, 2.0, 0.0]]])
    values, places = functional.max_pool1d_with_indices(x, 2)
    assert values.tolist() == [[[3.0, 2.0]]]
    assert places.tolist() == [[[1, 2]]]
    assert functional.adaptive_max_pool1d_with_indices(x, 1)[1].tolist() == [[[1]]]
