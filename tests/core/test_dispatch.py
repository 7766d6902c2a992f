"""Kernels are resolved once for a key, whatever numbers and shapes a program uses."""

from __future__ import annotations

import pytest

import hotplug as hp
from hotplug.runtime import runtime_of

RESOLVED = runtime_of("cpu").counts


def resolves() -> int:
    return RESOLVED["resolve"]


def test_ten_values_of_a_scalar_resolve_one_kernel() -> None:
    x = hp.ones(7, dtype=hp.float64)
    before = resolves()
    values = [(x * (0.1 * step + 0.05)).sum().item() for step in range(10)]
    assert len(set(values)) == 10
    assert resolves() - before <= 2  # the product and the sum, if no test before has met them


def test_ten_values_of_a_parameter_resolve_one_kernel() -> None:
    from hotplug.nn.functional import leaky_relu

    x = hp.tensor([-1.0, 2.0], dtype=hp.float64)
    leaky_relu(x, 0.5)
    before = resolves()
    assert [leaky_relu(x, slope / 10)[0].item() for slope in range(2, 12)] == [-slope / 10 for slope in range(2, 12)]
    assert resolves() == before


def test_shapes_share_kernels() -> None:
    hp.ones(3, dtype=hp.float64).tanh()
    before = resolves()
    for size in range(2, 9):
        hp.ones(size, dtype=hp.float64).tanh()
        hp.ones(2, size + 1, 3, dtype=hp.float64).tanh()  # collapses to one axis
    assert resolves() == before


def test_a_device_without_a_dtype_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from hotplug.errors import CapabilityError
    from hotplug.runtime import missing_dtype

    error = missing_dtype(runtime_of("cpu"), "exp", hp.complex64)
    assert isinstance(error, CapabilityError)
    assert str(error).startswith("exp on cpu:0: the device does not support complex64; convert with .to()")


def test_more_axes_than_a_kernel_takes() -> None:
    shape = (2,) * 10
    x = hp.arange(1024.0).reshape(shape)
    turned = x.permute(*range(9, -1, -1))[(slice(None, None, 2),) * 1]
    assert (turned + 1).sum().item() == turned.sum().item() + turned.numel()
    assert turned.contiguous().tolist() == turned.tolist()
