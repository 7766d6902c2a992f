"""Layers that learn the size of their input, against PyTorch's."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from twins import called, host, values

import hotplug as hp
from hotplug import nn

pytestmark = pytest.mark.filterwarnings("ignore:Lazy modules are a new feature")

LAYERS: list[tuple[str, tuple[Any, ...], dict[str, Any], tuple[int, ...]]] = [
    ("LazyLinear", (4,), {}, (2, 3)),
    ("LazyLinear", (4,), {"bias": False}, (3,)),
    ("LazyConv1d", (4, 3), {"stride": 2}, (2, 3, 7)),
    ("LazyConv2d", (4, 3), {"groups": 2, "padding": 1}, (2, 6, 5, 5)),
    ("LazyConv3d", (2, 2), {"bias": False}, (3, 4, 4, 4)),
    ("LazyConvTranspose1d", (4, 3), {}, (2, 3, 7)),
    ("LazyConvTranspose2d", (4, 3), {"groups": 2, "stride": 2}, (2, 6, 3, 3)),
    ("LazyConvTranspose3d", (2, 2), {"bias": False}, (1, 3, 2, 2, 2)),
    ("LazyBatchNorm1d", (), {}, (4, 3)),
    ("LazyBatchNorm2d", (), {"affine": False}, (4, 3, 2, 2)),
    ("LazyBatchNorm3d", (), {"track_running_stats": False}, (2, 3, 2, 2, 2)),
    ("LazyInstanceNorm1d", (), {}, (2, 3, 5)),
    ("LazyInstanceNorm2d", (), {"bias": False}, (2, 3, 4, 4)),
    ("LazyInstanceNorm3d", (), {"track_running_stats": False}, (2, 3, 2, 2, 2)),
]  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize("case", LAYERS, ids=called)
def test_a_layer_is_pytorch_s(torch: Any, case: Any) -> None:
    name, args, options, shape = case
    ours, theirs = (getattr(library.nn, name)(*args, **options) for library in (hp, torch))
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours(hp.tensor(values(0, shape)))
    theirs(torch.tensor(values(0, shape)))
    assert repr(ours) == repr(theirs)
    assert type(ours).__name__ == name.replace("Lazy", "")
    state = {key: hp.tensor(value.numpy()) for key, value in theirs.state_dict().items()}
    fresh = getattr(nn, name)(*args, **options)
    for module in (ours, fresh):
        module.load_state_dict(state)
        x = values(1, shape)
        np.testing.assert_allclose(
            host(module(hp.tensor(x))), host(copy.deepcopy(theirs)(torch.tensor(x))), rtol=2e-5, atol=2e-6
        )


def test_a_parameter_stays_the_same_object() -> None:
    hp.manual_seed(0)
    model = nn.Sequential(nn.LazyLinear(4, dtype=hp.float64), nn.ReLU(), nn.LazyLinear(2, dtype=hp.float64))
    optimizer = hp.optim.SGD(model.parameters(), lr=0.1)
    weight = model[0].weight
    assert repr(weight) == "<UninitializedParameter>"
    assert isinstance(weight, nn.UninitializedParameter)
    with pytest.raises(RuntimeError, match="uninitialized parameter"):
        weight.shape  # noqa: B018
    model.to("numpy")
    model(hp.ones(3, 5, dtype=hp.float64, device="numpy")).sum().backward()
    assert model[0].weight is weight
    assert type(weight) is nn.Parameter
    assert (weight.dtype, str(weight.device)) == (hp.float64, "numpy")
    assert 0 < np.abs(host(weight)).max() <= 5**-0.5
    before = host(weight).copy()
    optimizer.step()
    assert not np.array_equal(before, host(weight))


def test_copies_wait_too() -> None:
    first = nn.LazyBatchNorm1d()
    for second in (copy.deepcopy(first), pickle.loads(pickle.dumps(first))):
        assert second(hp.ones(2, 3)).shape == (2, 3)
    assert first.has_uninitialized_params()  # type: ignore[attr-defined]
    assert repr(first.running_mean) == "<UninitializedBuffer>"
    with pytest.raises(RuntimeError, match="uninitialized"):
        nn.Linear(3, 4).load_state_dict(nn.LazyLinear(4).state_dict())


def test_inputs_that_do_not_fit() -> None:
    with pytest.raises(RuntimeError, match="expected 3D"):
        nn.LazyConv2d(4, 3)(hp.ones(3, 3))
    with pytest.raises(ValueError, match="divisible by groups"):
        nn.LazyConv2d(4, 3, groups=2)(hp.ones(3, 5, 5))
    with pytest.raises(ValueError, match="expected 4D"):
        nn.LazyBatchNorm2d()(hp.ones(3, 3))
