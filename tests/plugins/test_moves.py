"""Tensors of several engines in one process: ``.to()`` between any two, gradients through it, and no silent mixing."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from devices import ALL, needed

import hotplug as hp
from hotplug.backend import dtypes
from hotplug.errors import DeviceError, DeviceMismatchError
from hotplug.nn import functional as F
from hotplug.runtime import resolve_runtime

PAIRS = list(itertools.permutations(ALL, 2))
VIEWS: dict[str, Callable[[Any], Any]] = {
    "transposed": lambda x: x.T, "offset": lambda x: x[1:], "strided": lambda x: x[:, 1::2], "one": lambda x: x[2, 3],
    "row": lambda x: x[0].expand(3, 6), "diagonal": lambda x: x[:, :4].diagonal(), "new axis": lambda x: x[:, None, 2:],
    "bytes": lambda x: x.view(hp.uint8)[:, 3:7], "none": lambda x: x[:0],
}  # fmt: skip


@pytest.fixture(params=PAIRS, ids="-".join)
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Two different devices."""
    for device in request.param:
        needed(device)
    return request.param  # type: ignore[no-any-return]


def values(kind: dtypes.dtype) -> np.ndarray[Any, Any]:
    """24 elements of a dtype with all sorts of bits, as NumPy holds them."""
    bits = np.random.default_rng(0).integers(0, 256, 24 * kind.itemsize, np.uint8)
    if kind.kind == "b":
        return bits.astype(bool).reshape(4, 6)
    return bits.view(kind.numpy).reshape(4, 6)


def same(moved: hp.Tensor, original: hp.Tensor, device: str) -> None:
    """Bit for bit the same elements, on the device."""
    assert str(moved.device) == device
    assert (moved.shape, moved.dtype) == (original.shape, original.dtype)
    assert moved.numpy(force=True).tobytes() == original.numpy(force=True).tobytes()


def test_every_dtype(pair: tuple[str, str]) -> None:
    here, there = pair
    shared = resolve_runtime(here).capabilities.storage & resolve_runtime(there).capabilities.storage
    assert len(shared) == len(dtypes.ALL), "all five devices hold every dtype"
    for kind in shared:
        x = hp.from_numpy(values(kind)).to(here)
        y = x.to(there)
        same(y, x, there)
        same(y.to(here), x, here)


def test_views(pair: tuple[str, str]) -> None:
    here, there = pair
    x = hp.arange(24.0, device=here).reshape(4, 6)
    for name, view in VIEWS.items():
        moved = view(x).to(there)
        same(moved, view(x), there)
        dense = hp.empty_like(view(x))
        assert moved.stride() == dense.stride(), f"{name}: the axes keep their order"
        moved.add_(1)
    assert x.tolist() == hp.arange(24.0).reshape(4, 6).tolist(), "a copy shares no memory"


def test_a_gradient_comes_back(pair: tuple[str, str]) -> None:
    here, there = pair
    x = hp.tensor([1.0, 2.0, 3.0], device=here, requires_grad=True)
    y = (x * 2).to(there)
    (first,) = hp.autograd.grad((y**3).sum(), [x], create_graph=True)
    assert str(first.device) == here
    assert first.tolist() == [24.0, 96.0, 216.0]
    (first.to(there) * 0.5).sum().backward()
    assert x.grad is not None
    assert str(x.grad.device) == here
    assert x.grad.tolist() == [24.0, 48.0, 72.0]


def test_dtype_and_device_at_once(pair: tuple[str, str]) -> None:
    here, there = pair
    x = hp.tensor([1.5, -2.0], device=here, dtype=hp.float64, requires_grad=True)
    half = x.to(there, hp.float16)
    assert (str(half.device), half.dtype, half.tolist()) == (there, hp.float16, [1.5, -2.0])
    wide = half.to(x)
    assert (str(wide.device), wide.dtype) == (here, hp.float64)
    wide.sum().backward()
    assert x.grad is not None
    assert (x.grad.dtype, x.grad.tolist()) == (hp.float64, [1.0, 1.0])


def test_devices_never_mix(pair: tuple[str, str]) -> None:
    x, y = (hp.ones(2, 2, device=device) for device in pair)
    index = hp.tensor([0, 1], device=y.device)
    calls: dict[str, Callable[[], Any]] = {
        "add": lambda: x + y, "addcmul": lambda: hp.addcmul(x, x, y), "where": lambda: hp.where(x > 0, x, y),
        "matmul": lambda: x @ y, "cat": lambda: hp.cat([x, y]), "linear": lambda: F.linear(x, y),
        "index_select": lambda: hp.index_select(x, 0, index), "in place": lambda: x.add_(y),
        "gather": lambda: hp.gather(x, 0, y.long()), "cross_entropy": lambda: F.cross_entropy(x, index),
    }  # fmt: skip
    for name, call in calls.items():
        with pytest.raises(DeviceMismatchError) as caught:
            call()
        message = str(caught.value)
        assert [device for device in pair if f"'{device}'" not in message] == [], f"{name}: {message}"
        assert ".to(" in message, f"{name}: {message}"
    assert x.tolist() == y.tolist() == [[1, 1], [1, 1]]


def test_a_gradient_of_another_device_is_refused(pair: tuple[str, str]) -> None:
    here, there = pair
    x = hp.ones(2, device=here, requires_grad=True)
    with pytest.raises(DeviceMismatchError, match=rf"'{here}', got one on '{there}'"):
        (x * 2).backward(hp.ones(2, device=there))
    with pytest.raises(RuntimeError, match="assigned grad"):
        x.grad = hp.ones(2, device=there)
    assert x.grad is None


def test_copy_between_devices(pair: tuple[str, str]) -> None:
    here, there = pair
    x = hp.zeros(2, 3, device=here)
    x[:, 1].copy_(hp.tensor([5.0, 6.0], device=there))
    assert x.tolist() == [[0, 5, 0], [0, 6, 0]]


@pytest.mark.parametrize("device", ALL)
def test_to_where_it_is(device: str) -> None:
    needed(device)
    x = hp.ones(2, device=device)
    assert x.to(device) is x
    assert x.to(x.device) is x
    copy = x.to(device, copy=True)
    copy.zero_()
    assert x.tolist() == [1, 1]


@pytest.mark.parametrize("device", ALL)
def test_only_host_memory_is_seen_by_numpy(device: str) -> None:
    needed(device)
    x = hp.ones(2, device=device)
    if resolve_runtime(device).capabilities.host_memory:
        assert np.asarray(x).tolist() == [1, 1]
        return
    for call in (x.numpy, lambda: np.asarray(x)):
        with pytest.raises(DeviceError, match=r"\.cpu\(\) first"):
            call()
    assert np.asarray(x.cpu()).tolist() == [1, 1]


def test_engines_work_side_by_side() -> None:
    """One model in pieces on all devices, trained for a step: the same as on one device."""
    for device in ALL:
        needed(device)
    hp.manual_seed(0)
    layers = [hp.nn.Linear(3, 3) for _ in ALL]
    x = hp.randn(4, 3)

    def loss_of(places: tuple[str, ...]) -> float:
        flowing = x
        for layer, place in zip(layers, places, strict=True):
            flowing = layer.to(place)(flowing.to(place)).tanh()
        loss: hp.Tensor = flowing.square().sum()
        for layer in layers:
            layer.zero_grad()
        loss.backward()
        grads = [parameter.grad for layer in layers for parameter in layer.parameters()]
        assert all(grad is not None for grad in grads)
        assert [str(layers[at].weight.grad.device) for at in range(len(ALL))] == list(places)
        return sum(grad.square().sum().item() for grad in grads if grad is not None)

    assert loss_of(ALL) == pytest.approx(loss_of(("numpy",) * len(ALL)), rel=1e-5)
